/**
 * Certificates for tests: an authority of one's own and what it signs, in any state of decay.
 */
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { spkiFingerprint } from "../../src/trust/fingerprint.ts";
import { derToPem, PEM_PRIVATE_KEY } from "../../src/trust/pem.ts";
import {
  alternativeNames,
  type KeyedCertificate,
  randomSerial,
} from "../../src/trust/self_signed.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

export const DAY_MS = 86_400_000;

/** A CA with what it takes to sign. */
export interface TestAuthority extends KeyedCertificate {
  readonly keys: CryptoKeyPair;
  readonly subject: string;
}

/** What a leaf is to be; dates default to a day around `unixMs`, which defaults to now. */
export interface LeafOptions {
  readonly names: readonly string[];
  readonly unixMs?: number;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  /** Alternative names taken as they are, in place of `names`. */
  readonly rawNames?: JsonGeneralName[];
}

/** Makes a root CA, valid for a year around `unixMs`. */
export async function makeAuthority(
  subject = "CN=lanparty test authority",
  unixMs = Date.now(),
): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: subject,
    notBefore: new Date(unixMs - 365 * DAY_MS),
    notAfter: new Date(unixMs + 365 * DAY_MS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { ...await keyed(certificate.rawData, keys), keys, subject };
}

/** Makes a server certificate that the authority signs. */
export async function issueLeaf(
  authority: TestAuthority,
  options: LeafOptions,
): Promise<KeyedCertificate> {
  const unixMs = options.unixMs ?? Date.now();
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: "CN=lanparty test server",
    issuer: authority.subject,
    notBefore: new Date(options.notBeforeMs ?? unixMs - DAY_MS),
    notAfter: new Date(options.notAfterMs ?? unixMs + DAY_MS),
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      options.rawNames === undefined
        ? alternativeNames(options.names)
        : new SubjectAlternativeNameExtension(options.rawNames),
    ],
  });
  return keyed(certificate.rawData, keys);
}

async function keyed(der: ArrayBuffer, keys: CryptoKeyPair): Promise<KeyedCertificate> {
  const certificateDer = new Uint8Array(der);
  const keyDer = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    certificateDer,
    certificatePem: derToPem(certificateDer),
    keyPem: derToPem(keyDer, PEM_PRIVATE_KEY),
    fingerprint: spkiFingerprint(certificateDer),
  };
}
