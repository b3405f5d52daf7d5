/**
 * The keys of a room.
 *
 * ```
 *  gateway key ──SHA-256──► room key ──SHA-256──► hash in a relay's list
 *  the host's own           every player's        gives nothing away
 * ```
 *
 * The host makes the gateway key, and players get the room key: so nobody but the host can be the room's
 * gateway. Hashing is handed in, since pure parts have none of their own.
 *
 * @module
 */

import { base64Url, parseBase64Url } from "./base64url.ts";

/** SHA-256 (FIPS 180-4) of bytes: 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Bytes of a gateway key and of a room key. */
export const KEY_BYTES = 16;
/** Bytes of a SHA-256. */
export const KEY_HASH_BYTES = 32;

const ROOM_KEY_LABEL = asciiBytes("lanparty/1 room key");

//= PROTOCOL.md 7.3
//# A text that is not 22 characters of base64url, with the last four bits zero, is no key.
/** The bytes of a key from its text: 22 characters of base64url. Undefined: it is no key. */
export function parseKey(text: string): Uint8Array | undefined {
  return parseBase64Url(text, KEY_BYTES);
}

/** The text of a key. */
export function formatKey(key: Uint8Array): string {
  return base64Url(key);
}

//= PROTOCOL.md 7.3
//# The *room key* follows from it: The text is ASCII, without a zero byte.
/** The room key that follows from a gateway key; both are 16 bytes. */
export function roomKeyOf(gatewayKey: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(joinBytes(ROOM_KEY_LABEL, gatewayKey)).slice(0, KEY_BYTES);
}

/** What stands in a relay's list of rooms for a room key: its SHA-256 as 43 characters of base64url. */
export function formatKeyHash(roomKey: Uint8Array, sha256: Sha256): string {
  return base64Url(sha256(roomKey));
}

/** The bytes of such a hash, or undefined. */
export function parseKeyHash(text: string): Uint8Array | undefined {
  return parseBase64Url(text, KEY_HASH_BYTES);
}

/** Compares in a time that depends on the lengths only. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= (a[i] ?? 0) ^ b[i];
  return difference === 0;
}

/** Several byte arrays as one. */
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The bytes of ASCII text. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
