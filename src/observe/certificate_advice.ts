/**
 * Why a relay's certificate is not accepted, and what to do about it.
 *
 * @module
 */

/** Why a relay's certificate was not accepted. */
export type CertificateProblem =
  | "expired"
  | "not-yet-valid"
  | "wrong-name"
  | "untrusted"
  | "wrong-fingerprint"
  | "unreadable";

/** What each means, and what to do: behind "The relay … was refused:". */
export const CERTIFICATE_ADVICE: Readonly<Record<CertificateProblem, string>> = {
  "expired":
    "its certificate has expired. Check this PC's date and time; if they are right, the relay's operator must renew it.",
  "not-yet-valid": "its certificate is not valid yet. Check this PC's date and time.",
  "wrong-name":
    "its certificate is for another name. Check the relay's address, or give the right name with --server-name.",
  "untrusted":
    "nobody this PC trusts has signed its certificate. Ask the host for the relay's fingerprint and give it with --relay-fingerprint.",
  "wrong-fingerprint":
    "its key is not the one that was expected. Somebody may be posing as the relay; ask the host for its fingerprint again.",
  "unreadable": "its certificate cannot be read. Ask the relay's operator.",
};
