/**
 * Whether a certificate of one's own can still be shown.
 *
 * @module
 */
import { parseCertificate } from "./fingerprint.ts";
import { matchesServerName } from "./server_name.ts";

/** Whether a certificate has not expired at `unixMs` and is for all of these names. Never throws. */
export function isUsableCertificate(
  der: Uint8Array,
  names: readonly string[],
  unixMs: number,
): boolean {
  try {
    const certificate = parseCertificate(der);
    return certificate.notAfter.getTime() > unixMs &&
      names.every((name) => matchesServerName(certificate, name));
  } catch {
    return false;
  }
}
