/**
 * The certificate that a relay makes for itself at its first start.
 *
 * @module
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { spkiFingerprint } from "./fingerprint.ts";
import { derToPem, PEM_PRIVATE_KEY } from "./pem.ts";
import { canonicalHost, canonicalIp } from "./server_name.ts";

/** What a self-signed certificate is made from. */
export interface SelfSignedOptions {
  /** Host names and IP addresses, at least one: the subject alternative names. */
  readonly names: readonly string[];
  /** How long it is valid. */
  readonly days: number;
  /** The time in ms since 1970. */
  readonly unixMs: number;
  /** A P-256 key in PEM to keep, so that the fingerprint stays; without it a new one is made. */
  readonly keyPem?: string | undefined;
}

/** A certificate with its key. */
export interface KeyedCertificate {
  readonly certificatePem: string;
  readonly certificateDer: Uint8Array<ArrayBuffer>;
  /** PKCS #8. */
  readonly keyPem: string;
  /** See `spkiFingerprint`. */
  readonly fingerprint: string;
}

const DAY_MS = 86_400_000;
/** Valid a day before it was made: players' clocks run late. */
const BACKDATE_MS = DAY_MS;
const SERIAL_BYTES = 16;
const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;

/**
 * Makes a self-signed ECDSA P-256 server certificate: not a CA, for server authentication only.
 *
 * @throws TypeError for a name that is neither host name nor address, or a key that is not P-256
 */
export async function createSelfSigned(options: SelfSignedOptions): Promise<KeyedCertificate> {
  const keys = options.keyPem === undefined
    ? await crypto.subtle.generateKey(P256, true, ["sign", "verify"])
    : await importKeyPair(options.keyPem);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: "CN=lanparty relay",
    notBefore: new Date(options.unixMs - BACKDATE_MS),
    notAfter: new Date(options.unixMs + options.days * DAY_MS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      alternativeNames(options.names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const certificateDer = new Uint8Array(certificate.rawData);
  const keyDer = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    certificatePem: derToPem(certificateDer),
    certificateDer,
    keyPem: derToPem(keyDer, PEM_PRIVATE_KEY),
    fingerprint: spkiFingerprint(certificateDer),
  };
}

/**
 * The subject alternative names as an extension.
 *
 * @throws TypeError for a name that is neither host name nor address, or no names at all
 */
export function alternativeNames(names: readonly string[]): SubjectAlternativeNameExtension {
  if (names.length === 0) throw new TypeError("a certificate needs at least one name");
  return new SubjectAlternativeNameExtension(names.map(alternativeName));
}

function alternativeName(name: string): JsonGeneralName {
  const ip = canonicalIp(name);
  if (ip !== undefined) return { type: "ip", value: ip };
  const wildcard = name.startsWith("*.");
  const host = canonicalHost(wildcard ? name.slice(2) : name);
  if (host === undefined) throw new TypeError(`"${name}" is no host name and no IP address`);
  return { type: "dns", value: wildcard ? `*.${host}` : host };
}

/** A positive random number with a fixed first byte, so that its DER needs no care (RFC 5280 4.1.2.2). */
export function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = 0x01;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function importKeyPair(pem: string): Promise<CryptoKeyPair> {
  const key = readPrivateKey(pem);
  const pkcs8 = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  const spki = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  try {
    const [privateKey, publicKey] = await Promise.all([
      crypto.subtle.importKey("pkcs8", pkcs8, P256, true, ["sign"]),
      crypto.subtle.importKey("spki", spki, P256, true, ["verify"]),
    ]);
    return { privateKey, publicKey };
  } catch (cause) {
    throw new TypeError("the key is not an ECDSA P-256 key", { cause });
  }
}

function readPrivateKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TypeError("the key cannot be read as PEM", { cause });
  }
}
