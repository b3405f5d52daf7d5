/**
 * GUIDs: Windows' names for adapters, interfaces and classes.
 *
 * @module
 */

const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** `{XXXXXXXX-XXXX-…}` as the struct: the first three groups are numbers, little-endian. */
export function guidBytes(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/[{}-]/g, "");
  if (!/^[0-9A-Fa-f]{32}$/.test(digits)) throw new TypeError(`not a GUID: ${text}`);
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) {
    bytes[i] = parseInt(digits.slice(ORDER[i] * 2, ORDER[i] * 2 + 2), 16);
  }
  return bytes;
}

/** The text of a GUID's struct, in capitals and braces, as the registry has it. */
export function guidText(bytes: Uint8Array): string {
  const digits = ORDER.map((at) => bytes[at].toString(16).padStart(2, "0").toUpperCase()).join("");
  const groups = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]];
  return `{${groups.map(([start, end]) => digits.slice(start, end)).join("-")}}`;
}
