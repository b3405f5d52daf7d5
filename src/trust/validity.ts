/**
 * Whether a certificate of one's own can still be shown.
 *
 * @module
 */
import { parseCertificate } from "./certificate.ts";
import { matchesServerName } from "./server_name.ts";

/** The first and last moment at which a certificate is valid (RFC 5280, section 4.1.2.5). @throws Error it is none */
export function validityOf(
  der: Uint8Array,
): { readonly fromUnixMs: number; readonly toUnixMs: number } {
  const { notBefore, notAfter } = parseCertificate(der);
  return { fromUnixMs: notBefore.getTime(), toUnixMs: notAfter.getTime() };
}

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
