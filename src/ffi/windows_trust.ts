/**
 * Whether Windows trusts a server's certificate (crypt32): it builds the chain, by its own list of
 * CAs and what the server sent along, and checks it for a TLS server of a name.
 *
 * @module
 */

import { cString, Struct, type StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { WindowsError } from "./windows_kernel.ts";

const WINCRYPT = "https://learn.microsoft.com/windows/win32/api/wincrypt/ns-wincrypt";

/** What a chain must be good for. */
export const CERT_CHAIN_PARA = {
  name: "CERT_CHAIN_PARA",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_para`,
  sizeBytes: 32,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    dwType: { offset: 8, type: "u32", member: "RequestedUsage.dwType" },
    usageCount: {
      offset: 16,
      type: "u32",
      member: "RequestedUsage.Usage.cUsageIdentifier",
    },
    usages: {
      offset: 24,
      type: "pointer",
      member: "RequestedUsage.Usage.rgpszUsageIdentifier",
    },
  },
} as const satisfies StructLayout;

/** A chain that was built. */
export const CERT_CHAIN_CONTEXT = {
  name: "CERT_CHAIN_CONTEXT",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_context`,
  sizeBytes: 72,
  fields: {
    dwErrorStatus: { offset: 4, type: "u32", member: "TrustStatus.dwErrorStatus" },
  },
} as const satisfies StructLayout;

/** How a chain is checked. */
export const CERT_CHAIN_POLICY_PARA = {
  name: "CERT_CHAIN_POLICY_PARA",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_policy_para`,
  sizeBytes: 16,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    pvExtraPolicyPara: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** What came of it. */
export const CERT_CHAIN_POLICY_STATUS = {
  name: "CERT_CHAIN_POLICY_STATUS",
  header: "wincrypt.h",
  page: `${WINCRYPT}-cert_chain_policy_status`,
  sizeBytes: 24,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    dwError: { offset: 4, type: "u32" },
  },
} as const satisfies StructLayout;

/** The server that a chain is checked for. */
export const SSL_EXTRA_CERT_CHAIN_POLICY_PARA = {
  name: "SSL_EXTRA_CERT_CHAIN_POLICY_PARA",
  header: "wincrypt.h",
  page: `${WINCRYPT}-httpspolicycallbackdata`,
  sizeBytes: 24,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    dwAuthType: { offset: 4, type: "u32" },
    fdwChecks: { offset: 8, type: "u32" },
    pwszServerName: { offset: 16, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Constants of wincrypt.h and winerror.h, by their names there. */
export const TrustConstant = {
  CERT_STORE_PROV_MEMORY: 2,
  X509_ASN_ENCODING: 1,
  CERT_STORE_ADD_ALWAYS: 4,
  USAGE_MATCH_TYPE_AND: 0,
  CERT_CHAIN_POLICY_SSL: 4,
  AUTHTYPE_SERVER: 2,
  CERT_TRUST_NO_ERROR: 0,
  CERT_TRUST_IS_NOT_TIME_VALID: 1,
  CERT_E_EXPIRED: 0x800b0101,
  CERT_E_CHAINING: 0x800b010a,
} as const;

/** `szOID_PKIX_KP_SERVER_AUTH`: a certificate for TLS servers. */
const SERVER_AUTHENTICATION = "1.3.6.1.5.5.7.3.1";

const SYMBOLS = {
  CertOpenStore: {
    parameters: [
      "usize", /* lpszStoreProvider: a number */
      "u32", /* dwEncodingType */
      "usize", /* hCryptProv */
      "u32", /* dwFlags */
      "pointer", /* pvPara */
    ],
    result: "pointer",
  },
  CertAddEncodedCertificateToStore: {
    parameters: [
      "pointer", /* hCertStore */
      "u32", /* dwCertEncodingType */
      "buffer", /* pbCertEncoded */
      "u32", /* cbCertEncoded */
      "u32", /* dwAddDisposition */
      "pointer", /* ppCertContext */
    ],
    result: "i32",
  },
  CertCreateCertificateContext: {
    parameters: [
      "u32", /* dwCertEncodingType */
      "buffer", /* pbCertEncoded */
      "u32", /* cbCertEncoded */
    ],
    result: "pointer",
  },
  CertGetCertificateChain: {
    parameters: [
      "pointer", /* hChainEngine */
      "pointer", /* pCertContext */
      "pointer", /* pTime */
      "pointer", /* hAdditionalStore */
      "buffer", /* pChainPara */
      "u32", /* dwFlags */
      "pointer", /* pvReserved */
      "buffer", /* ppChainContext, out */
    ],
    result: "i32",
  },
  CertVerifyCertificateChainPolicy: {
    parameters: [
      "usize", /* pszPolicyOID: a number */
      "pointer", /* pChainContext */
      "buffer", /* pPolicyPara */
      "buffer", /* pPolicyStatus, out */
    ],
    result: "i32",
  },
  CertFreeCertificateChain: { parameters: ["pointer" /* pChainContext */], result: "void" },
  CertFreeCertificateContext: { parameters: ["pointer" /* pCertContext */], result: "i32" },
  CertCloseStore: {
    parameters: ["pointer", /* hCertStore */ "u32" /* dwFlags */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_TRUST_SYMBOLS = { "crypt32.dll": SYMBOLS } as const;

type Crypt = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

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
  const library = Deno.dlopen(systemDll("crypt32.dll"), SYMBOLS);
  const { symbols: crypt } = library;
  const c = TrustConstant;
  const store = crypt.CertOpenStore(BigInt(c.CERT_STORE_PROV_MEMORY), 0, 0n, 0, null);
  const { leaf } = shown;
  const context = crypt.CertCreateCertificateContext(c.X509_ASN_ENCODING, leaf, leaf.length);
  try {
    if (store === null) throw new WindowsError("CertOpenStore", 0);
    if (context === null) throw new WindowsError("CertCreateCertificateContext", 0);
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
  const usage = cString(SERVER_AUTHENTICATION);
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
    throw new WindowsError("CertGetCertificateChain", 0);
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
    if (checked === 0) throw new WindowsError("CertVerifyCertificateChainPolicy", 0);
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
