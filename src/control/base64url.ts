/**
 * base64url (RFC 4648 section 5) without padding: the text form of keys, tokens and hashes.
 *
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** What six bits are written as. */
export function base64UrlText(sixBits: number): string {
  return ALPHABET[sixBits];
}

/** The six bits of one character; undefined: it is none of the alphabet. */
export function base64UrlValue(character: string): number | undefined {
  const value = ALPHABET.indexOf(character);
  return value < 0 || character.length !== 1 ? undefined : value;
}

/** Bytes as text. */
export function base64Url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = Math.min(3, bytes.length - at);
    const group = bytes[at] << 16 | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0);
    for (let i = 0; i <= left; i++) text += ALPHABET[group >> 18 - 6 * i & 63];
  }
  return text;
}

/**
 * The `byteCount` bytes that a text stands for, or undefined. Each value has one text: other lengths,
 * other characters, padding, and bits behind the last byte that are not zero are refused.
 */
export function parseBase64Url(text: string, byteCount: number): Uint8Array | undefined {
  if (text.length !== Math.ceil(byteCount * 8 / 6)) return undefined;
  const bytes = new Uint8Array(byteCount);
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = ALPHABET.indexOf(text[i]);
    if (value < 0) return undefined;
    group = (group << 6 | value) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = group >> bits;
  }
  return (group & (1 << bits) - 1) === 0 ? bytes : undefined;
}
