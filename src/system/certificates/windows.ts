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
  WINDOWS_TRUST_FETCH_SYMBOLS,
  WINDOWS_TRUST_SYMBOLS,
} from "../../ffi/windows_trust.ts";
import { pauseBlocking } from "../process/mod.ts";

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

/** A verdict by what this PC has. */
export interface KnownVerdict {
  /** 0: it is trusted; else why not, as an HRESULT. */
  readonly code: number;
  /** Whether the way ends before a CA: the net may have what lacks. */
  readonly isPartial: boolean;
}

/** What is asked of Windows. */
export interface ChainCalls {
  /** By what this PC has alone: at once. @throws {WindowsError} there is no verdict */
  readonly known: () => KnownVerdict;
  /** Has Windows look in the net for what lacks, beside us, and keep it. */
  readonly fetch: () => void;
  readonly sleep: (durationMs: number) => void;
}

/** Windows may look in the net for a minute, in which nothing else of this program would run. */
const FETCH_MAX_MS = 3_000;
const FETCH_STEP_MS = 50;
/** Looks in the net at a time, those among them that nobody waits for any more. */
const FETCHES_MAX = 4;
let fetches = 0;

/**
 * Windows' verdict: 0 if it trusts the certificate, else why not, as an HRESULT. A CA that Windows has not got yet,
 * or a certificate on the way to it, is waited for for 3 s at most; it is there for a later call then.
 *
 * @throws {WindowsError} there is no verdict
 */
export function verifyByWindows(shown: ShownCertificate): number {
  const library = Deno.dlopen(systemDll("crypt32.dll"), WINDOWS_TRUST_SYMBOLS["crypt32.dll"]);
  try {
    using certificate = new OpenCertificate(library.symbols, shown);
    return decideWithin({
      known: () => knownVerdict(library.symbols, certificate, shown.serverName),
      fetch: () => startFetch(shown),
      sleep: pauseBlocking,
    });
  } finally {
    library.close();
  }
}

/** Waits for what the net has, where that can change the verdict. @returns as {@linkcode verifyByWindows} */
export function decideWithin({ known, fetch, sleep }: ChainCalls): number {
  let verdict = known();
  if (verdict.isPartial) fetch();
  for (let waitedMs = 0; verdict.isPartial && waitedMs < FETCH_MAX_MS; waitedMs += FETCH_STEP_MS) {
    sleep(FETCH_STEP_MS);
    verdict = known();
  }
  return verdict.code;
}

/** A certificate as Windows has it, and what was sent along. */
class OpenCertificate implements Disposable {
  readonly context: Deno.PointerObject;
  readonly store: Deno.PointerObject;
  readonly #crypt: Crypt;

  /** @throws {WindowsError} it cannot be read */
  constructor(crypt: Crypt, { leaf, others }: ShownCertificate) {
    const c = TrustConstant;
    this.#crypt = crypt;
    const context = crypt.CertCreateCertificateContext(c.X509_ASN_ENCODING, leaf, leaf.length);
    if (context === null) throw new WindowsError("CertCreateCertificateContext");
    this.context = context;
    const store = crypt.CertOpenStore(BigInt(c.CERT_STORE_PROV_MEMORY), 0, 0n, 0, null);
    if (store === null) {
      crypt.CertFreeCertificateContext(context);
      throw new WindowsError("CertOpenStore");
    }
    this.store = store;
    for (const other of others) {
      // One that cannot be read leads nowhere.
      crypt.CertAddEncodedCertificateToStore(
        ...[
          store,
          c.X509_ASN_ENCODING,
          other,
          other.length,
          c.CERT_STORE_ADD_ALWAYS,
          null,
        ] as const,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#crypt.CertFreeCertificateContext(this.context);
    this.#crypt.CertCloseStore(this.store, 0);
  }
}

/** What a chain is asked to be good for: a TLS server. Its memory is one with what it points to. */
function serverUsage(): {
  readonly para: Struct<typeof CERT_CHAIN_PARA>;
  readonly usage: Uint8Array;
} {
  const usage = cString(SZOID_PKIX_KP_SERVER_AUTH);
  const usages = new BigUint64Array([Deno.UnsafePointer.value(Deno.UnsafePointer.of(usage))]);
  const para = new Struct(CERT_CHAIN_PARA)
    .setNumber("cbSize", CERT_CHAIN_PARA.sizeBytes)
    .setNumber("dwType", TrustConstant.USAGE_MATCH_TYPE_AND)
    .setNumber("usageCount", 1)
    .setBuffer("usages", usages);
  return { para, usage };
}

/** Looks in the net, on another thread: Windows keeps what it finds. */
function startFetch(shown: ShownCertificate): void {
  if (fetches >= FETCHES_MAX) return;
  fetches++;
  fetchMissing(shown)
    .catch((error: unknown) => {
      if (!(error instanceof WindowsError)) throw error;
    })
    .finally(() => fetches--);
}

async function fetchMissing(shown: ShownCertificate): Promise<void> {
  const library = Deno.dlopen(systemDll("crypt32.dll"), WINDOWS_TRUST_SYMBOLS["crypt32.dll"]);
  const other = Deno.dlopen(systemDll("crypt32.dll"), WINDOWS_TRUST_FETCH_SYMBOLS);
  try {
    using certificate = new OpenCertificate(library.symbols, shown);
    const { para, usage } = serverUsage();
    const out = new BigUint64Array(1);
    await other.symbols.CertGetCertificateChain(
      ...[null, certificate.context, null, certificate.store, para.bytes, 0, null, out] as const,
    );
    const chain = Deno.UnsafePointer.create(out[0]);
    // Both are referred to here, so that they outlive the call on the other thread.
    if (chain === null || para.bytes.length + usage.length === 0) return;
    library.symbols.CertFreeCertificateChain(chain);
  } finally {
    other.close();
    library.close();
  }
}

/** The verdict by what this PC has. @throws {WindowsError} there is none */
function knownVerdict(
  crypt: Crypt,
  { context, store }: OpenCertificate,
  serverName: string | undefined,
): KnownVerdict {
  const c = TrustConstant;
  const { para, usage } = serverUsage();
  const flags = c.CERT_CHAIN_CACHE_ONLY_URL_RETRIEVAL | c.CERT_CHAIN_DISABLE_AUTH_ROOT_AUTO_UPDATE;
  const out = new BigUint64Array(1);
  const built = crypt
    .CertGetCertificateChain(null, context, null, store, para.bytes, flags, null, out);
  const chain = Deno.UnsafePointer.create(out[0]);
  // `usage` is referred to here, so that it has outlived the call.
  if (built === 0 || chain === null || usage.length === 0) {
    throw new WindowsError("CertGetCertificateChain");
  }
  try {
    const isPartial = (errorsOf(chain) & c.CERT_TRUST_IS_PARTIAL_CHAIN) !== 0;
    return { code: judge(crypt, chain, serverName), isPartial };
  } finally {
    crypt.CertFreeCertificateChain(chain);
  }
}

/** What Windows makes of a chain. */
function judge(crypt: Crypt, chain: Deno.PointerObject, serverName: string | undefined): number {
  const c = TrustConstant;
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
}

/** What was wrong while the chain was built counts as well, such as that it leads to no CA. */
function verdictOf(chain: Deno.PointerObject): number {
  const c = TrustConstant;
  const errors = errorsOf(chain);
  if (errors === c.CERT_TRUST_NO_ERROR) return 0;
  return errors & c.CERT_TRUST_IS_NOT_TIME_VALID ? c.CERT_E_EXPIRED : c.CERT_E_CHAINING;
}

function errorsOf(chain: Deno.PointerObject): number {
  return new Deno.UnsafePointerView(chain).getUint32(
    CERT_CHAIN_CONTEXT.fields.dwErrorStatus.offset,
  );
}
