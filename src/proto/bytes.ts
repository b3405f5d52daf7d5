/**
 * Big-endian fields and copies that allocate nothing.
 *
 * @module
 */

/** The 16-bit number at `bytes[offset]`. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset] << 8 | bytes[offset + 1];
}

/** Writes the low 16 bits of a number. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/**
 * Copies bytes from one array to another or inside one. `set` with a `subarray` would make a view per
 * call; inside one array `copyWithin` needs none.
 */
export function copyBytes(
  source: Uint8Array,
  sourceOffset: number,
  length: number,
  target: Uint8Array,
  targetOffset: number,
): void {
  if (source === target) {
    target.copyWithin(targetOffset, sourceOffset, sourceOffset + length);
    return;
  }
  for (let index = 0; index < length; index++) {
    target[targetOffset + index] = source[sourceOffset + index];
  }
}
