/**
 * What `--relay-ca-cert` names: a CA to chain to, or the relay's own certificate to pin.
 *
 * @module
 */
import { type Certificate, parseCertificate } from "./certificate.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { derToPem, isPem, pemToDer } from "./pem.ts";

/** A file's meaning: anchors as PEM for the TLS library, or the fingerprints that are accepted. */
export type RelayPin =
  | { readonly mode: "ca"; readonly caPem: string }
  | { readonly mode: "leafPin"; readonly pins: readonly string[] };

/** The file holds no certificate that can be used; `message` says so for people. */
export class PinFileError extends Error {
  override readonly name = "PinFileError";
}

//= PROTOCOL.md 3
//# a *certificate file*: if it holds a CA, then the chain must lead to it, and the name and the
//# dates must be right; if it holds a leaf, then its public key is the pin, as in 1;
/**
 * Reads a certificate file, PEM (one or more) or DER (one). The first certificate decides: a CA makes
 * all CAs in the file trust anchors; anything else pins the public key of every certificate in it that
 * is no CA (so a full chain pins its leaf).
 *
 * @throws PinFileError
 */
export function loadPin(file: Uint8Array): RelayPin {
  const certificates = readCertificates(file);
  const isAnchor = certificates.map(({ isAuthority }) => isAuthority);
  if (!isAnchor[0]) {
    const leaves = certificates.filter((_, index) => !isAnchor[index]);
    return { mode: "leafPin", pins: [...new Set(leaves.map(fingerprintOf))] };
  }
  const anchors = certificates.filter((_, index) => isAnchor[index]);
  const caPem = anchors.map(({ der }) => derToPem(der)).join("");
  return { mode: "ca", caPem };
}

function readCertificates(file: Uint8Array): Certificate[] {
  const ders = isPem(file) ? pemToDer(new TextDecoder("latin1").decode(file)) : [file];
  if (ders.length === 0) throw new PinFileError("its PEM blocks cannot be decoded");
  return ders.map((der, index) => {
    try {
      return parseCertificate(der);
    } catch (cause) {
      const message = ders.length === 1
        ? "it holds no certificate in PEM or DER"
        : `its certificate ${index + 1} cannot be read`;
      throw new PinFileError(message, { cause });
    }
  });
}
