/**
 * Big-endian fields and copies that allocate nothing.
 *
 * @module
 */

/** The 16-bit number at `bytes[offset]`. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset] << 8 | bytes[offset + 1];
}

/** The 32-bit number at `bytes[offset]`, without a sign. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24 | bytes[offset + 1] << 16 | bytes[offset + 2] << 8 |
    bytes[offset + 3]) >>> 0;
}

/** Writes the low 16 bits of a number. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Writes the low 32 bits of a number. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  writeU16(bytes, offset, value >>> 16);
  writeU16(bytes, offset + 2, value);
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

/** Copies shorter than this are not worth eight bytes at a time. */
const WORDWISE_BYTES_MIN = 32;

/**
 * Copies into one array from others, eight bytes at a time as long as they come from the same one: a
 * pool's slab, say. It makes a view when an array comes a second time in a row, and else none.
 */
export class CopyInto {
  readonly #target: Uint8Array;
  readonly #targetView: DataView;
  #source: Uint8Array | undefined;
  #sourceView: DataView | undefined;

  constructor(target: Uint8Array) {
    this.#target = target;
    this.#targetView = new DataView(target.buffer, target.byteOffset, target.byteLength);
  }

  /** As {@link copyBytes}; the ranges must lie inside their arrays. */
  copy(source: Uint8Array, sourceOffset: number, length: number, targetOffset: number): void {
    if (length < WORDWISE_BYTES_MIN || source === this.#target || source !== this.#source) {
      if (length >= WORDWISE_BYTES_MIN && source !== this.#source) {
        this.#source = source;
        this.#sourceView = undefined;
      }
      return copyBytes(source, sourceOffset, length, this.#target, targetOffset);
    }
    const from = this.#sourceView ??= new DataView(
      source.buffer,
      source.byteOffset,
      source.byteLength,
    );
    const to = this.#targetView;
    const words = length & ~7;
    for (let at = 0; at < words; at += 8) {
      to.setUint32(targetOffset + at, from.getUint32(sourceOffset + at, true), true);
      to.setUint32(targetOffset + at + 4, from.getUint32(sourceOffset + at + 4, true), true);
    }
    for (let at = words; at < length; at++) {
      this.#target[targetOffset + at] = source[sourceOffset + at];
    }
  }
}

/** Whether two byte strings are the same. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
