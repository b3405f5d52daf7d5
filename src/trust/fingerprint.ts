/**
 * The fingerprint of a public key: what a player reads out to another and what outlives renewals.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Certificate, parseCertificate } from "./certificate.ts";

/** Base64url SHA-256 of a certificate's SubjectPublicKeyInfo, 43 characters without padding. */
export function spkiFingerprint(certificateDer: Uint8Array): string {
  return fingerprintOf(parseCertificate(certificateDer));
}

/** As {@link spkiFingerprint}, for a certificate already parsed. */
export function fingerprintOf({ spki }: Certificate): string {
  return hashSpki(spki);
}

//= PROTOCOL.md 3
//# a *fingerprint*: base64url of the SHA-256 of the leaf's public key (its DER
//# SubjectPublicKeyInfo), 43 characters.
/** Base64url SHA-256 of a DER SubjectPublicKeyInfo. */
export function hashSpki(spkiDer: Uint8Array): string {
  return createHash("sha256").update(spkiDer).digest("base64url");
}

/**
 * A fingerprint as people write it, made canonical: base64url or base64, padded or not. Undefined when
 * it is not the length of a SHA-256.
 */
export function parseFingerprint(text: string): string | undefined {
  const plain = text.trim().replace(/=$/, "").replaceAll("+", "-").replaceAll("/", "_");
  if (!/^[A-Za-z0-9_-]{43}$/.test(plain)) return undefined;
  // 43 characters hold 258 bits: the last two must be zero, or this is a typing error.
  return "AEIMQUYcgkosw048".includes(plain[42]) ? plain : undefined;
}
