/**
 * The judgement on a relay's certificate, made inside the handshake's callback before anything is
 * sent: synchronous, and it never throws.
 *
 * The chain is the TLS library's business: in the modes `system` and `ca` it has been checked already
 * against the trust store. What the library leaves out, names above all, is checked here.
 *
 * @module
 */
import { type Certificate, parseCertificate } from "./certificate.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { matchesServerName } from "./server_name.ts";

/**
 * What an endpoint trusts. `system` and `ca`: a chain to an anchor, and the leaf's name and dates.
 * `leafPin` and `fingerprint`: exactly these public keys, whose holder the handshake proves; name and
 * dates then say nothing more (as with DANE-EE, RFC 7671 section 5.1).
 */
export type TrustMode = "system" | "ca" | "leafPin" | "fingerprint";

/** What a leaf is held against. */
export interface LeafPolicy {
  readonly mode: TrustMode;
  /** The name that was asked for: a host name or an IP address. */
  readonly serverName: string;
  /** The time in ms since 1970 (not the monotonic clock that the cores are given). */
  readonly unixMs: number;
  /**
   * Accepted fingerprints, canonical (`parseFingerprint`). Needed with `leafPin` and `fingerprint`;
   * in the other modes, if there are any, one of them must match as well.
   */
  readonly pins?: readonly string[] | undefined;
}

/** Why a certificate is refused. */
export type TrustFailure =
  | "malformed"
  | "name-mismatch"
  | "not-yet-valid"
  | "expired"
  | "pin-mismatch";

/** The judgement; `message` is for people. */
export type TrustVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: TrustFailure; readonly message: string };

const OK: TrustVerdict = { ok: true };

/** Judges a server's leaf certificate. Never throws. */
export function verifyLeaf(leafDer: Uint8Array, policy: LeafPolicy): TrustVerdict {
  try {
    const certificate = parseCertificate(leafDer);
    const pinned = policy.mode === "leafPin" || policy.mode === "fingerprint";
    const pins = policy.pins ?? [];
    if (pinned || pins.length > 0) {
      const fingerprint = fingerprintOf(certificate);
      if (!pins.includes(fingerprint)) {
        return refuse(
          "pin-mismatch",
          `the relay's key is ${fingerprint}, which is not the one pinned`,
        );
      }
    }
    return pinned ? OK : checkNameAndDates(certificate, policy);
  } catch {
    return refuse("malformed", "the relay's certificate cannot be read");
  }
}

function checkNameAndDates(certificate: Certificate, policy: LeafPolicy): TrustVerdict {
  if (!matchesServerName(certificate, policy.serverName)) {
    const names = certificate.names.map(({ value }) => printable(value)).join(", ");
    return refuse(
      "name-mismatch",
      `the relay's certificate is not for "${policy.serverName}" but for ${names || "no name"}`,
    );
  }
  const { notBefore, notAfter } = certificate;
  // Written so that a date that is none (NaN) refuses too.
  if (!(policy.unixMs >= notBefore.getTime())) {
    return refuse("not-yet-valid", `the relay's certificate is valid from ${day(notBefore)} on`);
  }
  if (!(policy.unixMs <= notAfter.getTime())) {
    return refuse("expired", `the relay's certificate expired on ${day(notAfter)}`);
  }
  return OK;
}

function refuse(reason: TrustFailure, message: string): TrustVerdict {
  return { ok: false, reason, message };
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** A name from a stranger's certificate, fit for a terminal. */
function printable(name: string): string {
  return name.slice(0, 253).replace(/[^\x21-\x7e]/g, "?");
}
