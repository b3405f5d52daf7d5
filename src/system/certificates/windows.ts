/**
 * Whether Windows trusts a server's certificate: it builds the chain, by its own list of CAs and what
 * the server sent along, and checks it for a TLS server of a name.
 *
 * @module
 */

import { cString, Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  CERT_CHAIN_CONTEXT,
  CERT_CHAIN_PARA,
  CERT_CHAIN_POLICY_PARA,
  CERT_CHAIN_POLICY_STATUS,
  SSL_EXTRA_CERT_CHAIN_POLICY_PARA,
  SZOID_PKIX_KP_SERVER_AUTH,
  TrustConstant,
  WINDOWS_TRUST_SYMBOLS,
} from "../../ffi/windows_trust.ts";

type Crypt = Deno.StaticForeignLibraryInterface<(typeof WINDOWS_TRUST_SYMBOLS)["crypt32.dll"]>;

/** A server's certificate, as it was shown. */
export interface ShownCertificate {
  /** DER. */
  readonly leaf: Uint8Array<ArrayBuffer>;
  /** DER, in any order: what may lead from the leaf to a CA. */
  readonly others: readonly Uint8Array<ArrayBuffer>[];
  /** The name that it must be for; undefined: an address, which the caller has compared. */
  readonly serverName: string | undefined;
}

/**
 * Windows' verdict: 0 if it trusts the certificate, else why not, as an HRESULT.
 *
 * @throws {WindowsError} there is no verdict
 */
export function verifyByWindows(shown: ShownCertificate): number {
  const library = Deno.dlopen(systemDll("crypt32.dll"), WINDOWS_TRUST_SYMBOLS["crypt32.dll"]);
  const { symbols: crypt } = library;
  const c = TrustConstant;
  const store = crypt.CertOpenStore(BigInt(c.CERT_STORE_PROV_MEMORY), 0, 0n, 0, null);
  const { leaf } = shown;
  const context = crypt.CertCreateCertificateContext(c.X509_ASN_ENCODING, leaf, leaf.length);
  try {
    if (store === null) throw new WindowsError("CertOpenStore");
    if (context === null) throw new WindowsError("CertCreateCertificateContext");
    for (const other of shown.others) {
      // One that cannot be read leads nowhere.
      crypt.CertAddEncodedCertificateToStore(
        store,
        c.X509_ASN_ENCODING,
        other,
        other.length,
        c.CERT_STORE_ADD_ALWAYS,
        null,
      );
    }
    return verifyChain(crypt, context, store, shown.serverName);
  } finally {
    if (context !== null) crypt.CertFreeCertificateContext(context);
    if (store !== null) crypt.CertCloseStore(store, 0);
    library.close();
  }
}

function verifyChain(
  crypt: Crypt,
  context: Deno.PointerObject,
  store: Deno.PointerObject,
  serverName: string | undefined,
): number {
  const c = TrustConstant;
  const usage = cString(SZOID_PKIX_KP_SERVER_AUTH);
  const usages = new BigUint64Array([Deno.UnsafePointer.value(Deno.UnsafePointer.of(usage))]);
  const para = new Struct(CERT_CHAIN_PARA)
    .setNumber("cbSize", CERT_CHAIN_PARA.sizeBytes)
    .setNumber("dwType", c.USAGE_MATCH_TYPE_AND)
    .setNumber("usageCount", 1)
    .setBuffer("usages", usages);
  const out = new BigUint64Array(1);
  const built = crypt
    .CertGetCertificateChain(null, context, null, store, para.bytes, 0, null, out);
  const chain = Deno.UnsafePointer.create(out[0]);
  // `usage` is referred to here, so that it has outlived the call.
  if (built === 0 || chain === null || usage.length === 0) {
    throw new WindowsError("CertGetCertificateChain");
  }
  try {
    const server = new Struct(SSL_EXTRA_CERT_CHAIN_POLICY_PARA)
      .setNumber("cbSize", SSL_EXTRA_CERT_CHAIN_POLICY_PARA.sizeBytes)
      .setNumber("dwAuthType", c.AUTHTYPE_SERVER);
    if (serverName !== undefined) server.setBuffer("pwszServerName", wideString(serverName));
    const policy = new Struct(CERT_CHAIN_POLICY_PARA)
      .setNumber("cbSize", CERT_CHAIN_POLICY_PARA.sizeBytes)
      .setBuffer("pvExtraPolicyPara", server);
    const status = new Struct(CERT_CHAIN_POLICY_STATUS)
      .setNumber("cbSize", CERT_CHAIN_POLICY_STATUS.sizeBytes);
    const checked = crypt.CertVerifyCertificateChainPolicy(
      BigInt(c.CERT_CHAIN_POLICY_SSL),
      chain,
      policy.bytes,
      status.bytes,
    );
    if (checked === 0) throw new WindowsError("CertVerifyCertificateChainPolicy");
    return status.getNumber("dwError") || verdictOf(chain);
  } finally {
    crypt.CertFreeCertificateChain(chain);
  }
}

/** What was wrong while the chain was built counts as well, such as that it leads to no CA. */
function verdictOf(chain: Deno.PointerObject): number {
  const c = TrustConstant;
  const status = new Deno.UnsafePointerView(chain)
    .getUint32(CERT_CHAIN_CONTEXT.fields.dwErrorStatus.offset);
  if (status === c.CERT_TRUST_NO_ERROR) return 0;
  return status & c.CERT_TRUST_IS_NOT_TIME_VALID ? c.CERT_E_EXPIRED : c.CERT_E_CHAINING;
}
