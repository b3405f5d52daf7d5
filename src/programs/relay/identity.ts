/**
 * What a relay proves itself with, and what it must remember between starts: its certificate and key, and
 * the key of its stateless resets.
 *
 * @module
 */
import { asciiBytes, joinBytes } from "../../control/keys.ts";
import { spkiFingerprint } from "../../trust/fingerprint.ts";
import { isPem, pemToDer } from "../../trust/pem.ts";
import { sha256 } from "../../trust/sha256.ts";
import type { Validity } from "../../observe/certificate_dates.ts";
import { isUsableCertificate, validityOf } from "../../trust/validity.ts";
import {
  exists,
  OWNER_ONLY_MODE,
  readFileIfThere,
  readOwnFile,
  whyReadByOthers,
  writeFileAtomic,
} from "../../system/files/mod.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";

const CERTIFICATE_FILE = "relay-cert.pem";
const KEY_FILE = "relay-key.pem";
const RESET_KEY_FILE = "stateless-reset.key";
/** msquic's QUIC_STATELESS_RESET_KEY_LENGTH. */
const RESET_KEY_BYTES = 32;
const SELF_SIGNED_DAYS = 3650;
/** A self-signed certificate is renewed so long before it ends. */
export const RENEWAL_MS = 30 * 86_400_000;
const PUBLIC = 0o644;

/** A certificate in use. */
export interface RelayCertificate {
  /** Paths of the PEM files: certificate chain and private key. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The leaf as DER. */
  readonly leafDer: Uint8Array;
  /** base64url SHA-256 of its public key (SPKI). */
  readonly fingerprint: string;
  readonly validity: Validity;
  /** Whether it was made just now. */
  readonly created: boolean;
}

/**
 * Reads the pair that the administrator names.
 *
 * @throws {UserError} a file cannot be read or holds no certificate or key
 */
export function readCertificate(certificateFile: string, keyFile: string): RelayCertificate {
  const leafDer = readLeaf(certificateFile);
  const key = new TextDecoder().decode(readUserFile(keyFile, "--key"));
  if (!key.includes("PRIVATE KEY-----")) {
    throw new UserError(`--key ${keyFile} holds no private key in PEM form`);
  }
  if (key.includes("ENCRYPTED")) {
    // OpenSSL would ask for it on the terminal, and everybody would wait.
    throw new UserError(`--key ${keyFile} is protected by a password`);
  }
  const why = whyReadByOthers(keyFile);
  if (why !== undefined) throw new UserError(`--key: ${why}`);
  return {
    certificateFile,
    keyFile,
    leafDer,
    fingerprint: fingerprint(leafDer, certificateFile),
    validity: validityOf(leafDer),
    created: false,
  };
}

/**
 * The fingerprint of the key in a certificate file, or else of the self-signed certificate in a state
 * folder; nothing is made.
 *
 * @throws {UserError} there is none
 */
export function keptFingerprint(certificateFile: string | undefined, stateDir: string): string {
  if (certificateFile !== undefined) {
    return fingerprint(readLeaf(certificateFile), certificateFile);
  }
  const file = `${stateDir}/${CERTIFICATE_FILE}`;
  const [leafDer] = pemToDer(new TextDecoder().decode(readFileIfThere(file)));
  if (leafDer === undefined) {
    throw new UserError(`there is no certificate in ${stateDir} yet: the first start makes it`);
  }
  return fingerprint(leafDer, file);
}

/** Whether the key of a self-signed certificate is in a state folder. */
export function hasKeptKey(stateDir: string): boolean {
  return exists(`${stateDir}/${KEY_FILE}`);
}

/** Whether it is time to make a self-signed certificate anew. */
export function isRenewalDue(certificate: RelayCertificate, unixMs: number): boolean {
  return !isUsableCertificate(certificate.leafDer, [], unixMs + RENEWAL_MS);
}

function readLeaf(certificateFile: string): Uint8Array {
  const certificate = readUserFile(certificateFile, "--cert");
  const [leafDer] = isPem(certificate) ? pemToDer(new TextDecoder().decode(certificate)) : [];
  if (leafDer === undefined) {
    throw new UserError(`--cert ${certificateFile} holds no certificate in PEM form`);
  }
  return leafDer;
}

/**
 * Reads the self-signed certificate of the state folder, or makes one. One that ends within
 * {@link RENEWAL_MS} or is not for the names asked for is made anew with the same key, so that pinned
 * fingerprints stay good. A lost certificate is made anew from its key; a lost key is lost for good.
 *
 * @param stateDir an existing folder
 * @param names host names and addresses; without any `localhost`
 * @param mayReplaceKey whether a lost key is made anew, although all pins of the old one fail then
 * @throws {UserError} the folder cannot be written, or the key of its certificate is lost
 * @throws {UnsafePathError} others could have put there what is to be used
 */
export async function selfSignedCertificate(
  stateDir: string,
  names: readonly string[],
  unixMs: number,
  mayReplaceKey = false,
): Promise<RelayCertificate> {
  const certificateFile = `${stateDir}/${CERTIFICATE_FILE}`;
  const keyFile = `${stateDir}/${KEY_FILE}`;
  const oldKey = readOwnFile(keyFile, true);
  const oldCertificate = readOwnFile(certificateFile);
  if (oldKey === undefined && oldCertificate !== undefined && !mayReplaceKey) {
    throw lostKey(stateDir, oldCertificate);
  }
  if (oldKey !== undefined && oldCertificate !== undefined) {
    const [leafDer] = pemToDer(new TextDecoder().decode(oldCertificate));
    if (leafDer !== undefined && isUsableCertificate(leafDer, names, unixMs + RENEWAL_MS)) {
      return {
        certificateFile,
        keyFile,
        leafDer,
        fingerprint: spkiFingerprint(leafDer),
        validity: validityOf(leafDer),
        created: false,
      };
    }
  }
  try {
    // Whoever makes certificates takes its time to load: only the first start of a relay needs it.
    const { createSelfSigned } = await import("../../trust/self_signed.ts");
    const made = await createSelfSigned({
      names: names.length === 0 ? ["localhost"] : names,
      days: SELF_SIGNED_DAYS,
      unixMs,
      keyPem: oldKey === undefined ? undefined : new TextDecoder().decode(oldKey),
    });
    const encoder = new TextEncoder();
    writeFileAtomic(keyFile, encoder.encode(made.keyPem), OWNER_ONLY_MODE);
    writeFileAtomic(certificateFile, encoder.encode(made.certificatePem), PUBLIC);
    return {
      certificateFile,
      keyFile,
      leafDer: made.certificateDer,
      fingerprint: made.fingerprint,
      validity: validityOf(made.certificateDer),
      created: true,
    };
  } catch (cause) {
    if (!(cause instanceof TypeError) && !(cause instanceof Deno.errors.PermissionDenied)) {
      throw cause;
    }
    throw new UserError(`cannot make a certificate in ${stateDir}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Looks whether a start would find what it needs in a state folder; one that is not there yet is made then.
 *
 * @throws {UserError} the key of the relay's own certificate is lost
 */
export function checkOwnKey(stateDir: string): void {
  const certificate = readIfReadable(`${stateDir}/${CERTIFICATE_FILE}`);
  if (certificate === undefined || isThere(`${stateDir}/${KEY_FILE}`)) return;
  throw lostKey(stateDir, certificate);
}

/** Players have the fingerprint of the lost key. */
function lostKey(stateDir: string, certificate: Uint8Array): UserError {
  const [leafDer] = pemToDer(new TextDecoder().decode(certificate));
  const pinned = leafDer === undefined ? "" : ` (${fingerprint(leafDer, CERTIFICATE_FILE)})`;
  return new UserError(
    `${stateDir} has the relay's certificate, ${CERTIFICATE_FILE}, but its key, ${KEY_FILE}, is gone. A new key has ` +
      `another fingerprint: whoever has the old one${pinned} could not join any more. Put ${KEY_FILE} back; or, if it ` +
      "is lost, start with --new-key, and send everybody the new fingerprint",
  );
}

function readIfReadable(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch {
    return undefined;
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== undefined;
  } catch (error) {
    // What may not be looked at may be there.
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** The key of stateless resets: made once, so that a restarted relay's resets are believed. */
export function statelessResetKey(
  stateDir: string,
  random: (count: number) => Uint8Array,
): Uint8Array {
  const file = `${stateDir}/${RESET_KEY_FILE}`;
  const kept = readOwnFile(file, true);
  if (kept !== undefined && kept.length === RESET_KEY_BYTES) return kept;
  const key = random(RESET_KEY_BYTES);
  writeFileAtomic(file, key, OWNER_ONLY_MODE);
  return key;
}

/**
 * The key of one of several workers' stateless resets. Reactors must not share one: each would then give
 * away, to whoever sends it a packet of another's connection, the token that ends that connection (RFC
 * 9000, section 21.11).
 *
 * @param master the key of the state folder
 */
export function workerResetKey(master: Uint8Array, worker: number): Uint8Array<ArrayBuffer> {
  return derive(`lanparty/1 resets of reactor ${worker}`, master);
}

/** What tells rooms of one code apart in all workers of a relay, and after each of their starts. */
export function roomSalt(master: Uint8Array): Uint8Array<ArrayBuffer> {
  return derive("lanparty/1 rooms", master);
}

function derive(label: string, master: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(sha256(joinBytes(asciiBytes(label), master)));
}

function fingerprint(leafDer: Uint8Array, file: string): string {
  try {
    return spkiFingerprint(leafDer);
  } catch (cause) {
    throw new UserError(`--cert ${file} holds no certificate that can be read`, { cause });
  }
}

function readUserFile(path: string, option: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const why = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : cause instanceof Deno.errors.PermissionDenied
      ? "it may not be read"
      : reasonOf(cause);
    throw new UserError(`${option} ${path}: ${why}`, { cause });
  }
}
