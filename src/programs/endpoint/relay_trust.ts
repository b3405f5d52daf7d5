/**
 * Which relay an endpoint trusts: what the command line names, a redirect pins, or the system knows.
 *
 * @module
 */
import type { RelayTarget } from "../../endpoint/actions.ts";
import { QuicStatus } from "../../ffi/msquic_constants.ts";
import type { CertificateProblem } from "../../observe/status.ts";
import {
  type PeerCertificate,
  type QuicConfiguration,
  QuicError,
  type QuicLibrary,
} from "../../quic/mod.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { TrustConstant } from "../../ffi/windows_trust.ts";
import { verifyByWindows } from "../../system/certificates/mod.ts";
import { isFile } from "../../system/files/mod.ts";
import { parseFingerprint } from "../../trust/fingerprint.ts";
import { loadPin, PinFileError, type RelayPin } from "../../trust/pin.ts";
import { canonicalIp } from "../../trust/server_name.ts";
import { SYSTEM_CA_FILES } from "../../trust/system_store.ts";
import { type LeafPolicy, type TrustFailure, verifyLeaf } from "../../trust/verify.ts";
import { ALPN } from "../common/alpn.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";

/** A certificate's judgement. */
export type TrustJudgement =
  | { readonly ok: true }
  | { readonly ok: false; readonly problem: CertificateProblem; readonly message: string };

const PROBLEMS: Readonly<Record<TrustFailure, CertificateProblem>> = {
  "malformed": "unreadable",
  "name-mismatch": "wrong-name",
  "not-yet-valid": "not-yet-valid",
  "expired": "expired",
  "pin-mismatch": "wrong-fingerprint",
};

/**
 * Looks at how the relay is known as a start would, and changes nothing.
 *
 * @param relayCaFile the file of `--relay-ca-cert`
 * @throws {UserError} the file cannot be used
 */
export function checkRelayAccess(
  { relayCaFile }: { readonly relayCaFile: string | undefined },
): void {
  if (relayCaFile !== undefined) readPin(relayCaFile);
}

/**
 * The fingerprint for which the file of `--relay-ca-cert` stands; undefined: it holds a CA.
 *
 * @throws {UserError} the file cannot be used
 */
export function pinnedFingerprint(relayCaFile: string): string | undefined {
  const pin = readPin(relayCaFile);
  return pin.mode === "leafPin" ? pin.pins[0] : undefined;
}

/** Judges relays, and holds the QUIC configurations that go with each way of judging. */
export class RelayTrust {
  #pinned: QuicConfiguration | undefined;
  #chained: QuicConfiguration | undefined;
  readonly #library: QuicLibrary;
  readonly #pin: RelayPin | undefined;

  private constructor(
    library: QuicLibrary,
    pin: RelayPin | undefined,
  ) {
    this.#library = library;
    this.#pin = pin;
  }

  /**
   * @param caFile the file of `--relay-ca-cert`
   * @throws {UserError} the file cannot be used
   */
  static open(library: QuicLibrary, caFile: string | undefined): RelayTrust {
    return new RelayTrust(library, caFile === undefined ? undefined : readPin(caFile));
  }

  /**
   * The configuration for connecting to a relay.
   *
   * @throws {UserError} this system has no store of trusted CAs
   */
  configurationFor(target: RelayTarget): QuicConfiguration {
    if (target.fingerprint !== undefined || this.#pin?.mode === "leafPin") {
      return this.#pinned ??= this.#library.openConfiguration({
        alpn: ALPN,
        credentials: { role: "client" },
      });
    }
    return this.#chained ??= this.#openChained();
  }

  /** Judges the certificate that a relay shows. Never throws. */
  judge(target: RelayTarget, certificate: PeerCertificate, unixMs: number): TrustJudgement {
    const policy = this.#policyFor(target, unixMs);
    const verdict = verifyLeaf(certificate.leaf, policy);
    const needsChain = policy.mode === "ca" || policy.mode === "system";
    if (verdict.ok) {
      if (!needsChain) return { ok: true };
    } else if (!mayLackPin(verdict.reason, policy)) return refusalOf(verdict);
    const chain = judgeChain(policy, certificate, verdict.ok ? target.serverName : undefined);
    if (chain.isTrusted) return verdict.ok ? { ok: true } : refusalOf(verdict);
    return {
      ok: false,
      problem: chain.isExpired ? "expired" : "untrusted",
      message: policy.mode === "ca"
        ? "the relay's certificate does not come from the CA of --relay-ca-cert"
        : "no CA that this system trusts stands behind the relay's certificate",
    };
  }

  //= PROTOCOL.md 3
  //# Exactly one of these decides, before the endpoint sends anything but the handshake:
  #policyFor(target: RelayTarget, unixMs: number): LeafPolicy {
    const { serverName, fingerprint } = target;
    if (fingerprint !== undefined) {
      const pin = parseFingerprint(fingerprint);
      return { mode: "fingerprint", serverName, unixMs, pins: pin === undefined ? [] : [pin] };
    }
    if (this.#pin === undefined) return { mode: "system", serverName, unixMs };
    if (this.#pin.mode === "ca") return { mode: "ca", serverName, unixMs };
    return { mode: "leafPin", serverName, unixMs, pins: this.#pin.pins };
  }

  #openChained(): QuicConfiguration {
    const open = (caFile: string) =>
      this.#library.openConfiguration({ alpn: ALPN, credentials: { role: "client", caFile } });
    if (this.#pin?.mode !== "ca") {
      // Windows has a list that changes as it is asked: it is asked for each certificate.
      return Deno.build.os === "windows"
        ? this.#library.openConfiguration({ alpn: ALPN, credentials: { role: "client" } })
        : openSystemStore(open);
    }
    // The TLS library takes anchors by path only, and reads them at once.
    const file = Deno.makeTempFileSync({ prefix: "lanparty-ca-", suffix: ".pem" });
    try {
      Deno.writeTextFileSync(file, this.#pin.caPem);
      return open(file);
    } finally {
      Deno.removeSync(file);
    }
  }
}

/** What is behind a certificate. */
interface ChainJudgement {
  readonly isTrusted: boolean;
  readonly isExpired: boolean;
}

/** @param serverName undefined: whatever the name is */
function judgeChain(
  { mode }: LeafPolicy,
  certificate: PeerCertificate,
  serverName: string | undefined,
): ChainJudgement {
  if (mode === "system" && Deno.build.os === "windows") return askWindows(certificate, serverName);
  const { chainTrusted, chainStatus } = certificate;
  return { isTrusted: chainTrusted, isExpired: chainStatus === QuicStatus.CERT_EXPIRED };
}

/**
 * Whether a certificate that is for another name can be one of the relay's own making, which nobody trusts: then it
 * is not the name that is to be put right, but the fingerprint that is missing.
 */
function mayLackPin(reason: TrustFailure, { mode }: LeafPolicy): boolean {
  return reason === "name-mismatch" && mode === "system";
}

function refusalOf(
  { reason, message }: { readonly reason: TrustFailure; readonly message: string },
): TrustJudgement {
  return { ok: false, problem: PROBLEMS[reason], message };
}

/** What Windows itself says of a certificate; without a verdict it is not trusted. */
function askWindows(
  { leaf, chain }: PeerCertificate,
  serverName: string | undefined,
): ChainJudgement {
  const isAddress = serverName !== undefined && canonicalIp(serverName) !== undefined;
  try {
    const verdict = verifyByWindows({
      leaf,
      others: chain.slice(1),
      serverName: isAddress ? undefined : serverName,
    });
    return { isTrusted: verdict === 0, isExpired: verdict === TrustConstant.CERT_E_EXPIRED };
  } catch (error) {
    if (!(error instanceof WindowsError)) throw error;
    return { isTrusted: false, isExpired: false };
  }
}

/** @throws {UserError} there is no store, or it cannot be used */
function openSystemStore(open: (caFile: string) => QuicConfiguration): QuicConfiguration {
  const file = systemCaFile();
  try {
    return open(file);
  } catch (cause) {
    if (!(cause instanceof QuicError)) throw cause;
    throw new UserError(`${file}, this system's list of trusted CAs, cannot be used; ${REMEDY}`, {
      cause,
    });
  }
}

const REMEDY = "pin the relay with --relay-fingerprint or --relay-ca-cert";

function systemCaFile(): string {
  const named = Deno.env.get("SSL_CERT_FILE");
  if (named) {
    // Who names a store wants that one: another in its place would trust more than is meant.
    if (isFile(named)) return named;
    throw new UserError(`SSL_CERT_FILE names "${named}", which is no file: correct or unset it`);
  }
  const found = SYSTEM_CA_FILES.find(isFile);
  if (found !== undefined) return found;
  throw new UserError(
    `this system has no list of trusted CAs: install ca-certificates, or ${REMEDY}`,
  );
}

function readPin(path: string): RelayPin {
  try {
    return loadPin(Deno.readFileSync(path));
  } catch (cause) {
    const why = cause instanceof PinFileError
      ? cause.message
      : cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : reasonOf(cause);
    throw new UserError(`--relay-ca-cert ${path}: ${why}`, { cause });
  }
}
