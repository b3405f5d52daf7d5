/**
 * The Internet checksum (RFC 1071).
 *
 * @module
 */

import { readU16, writeU16 } from "./bytes.ts";

/** Bytes summed between two folds: 2^14 words of 0xFFFF, and what was there, stay below 2^31. */
const BLOCK_BYTES = 32_768;

/**
 * Adds the big-endian 16-bit words of `bytes[offset … offset + length)` to `sum`; an odd byte at the
 * end counts as the high half of a word. So only the last of several calls may have an odd length.
 *
 * Returns a ones' complement sum that is not folded to the end: below 2^31, to be handed to the next
 * call or to {@link foldChecksum}.
 *
 * @param sum what an earlier call returned, or other 16-bit words added up, below 2^32
 */
export function sumBytes(bytes: Uint8Array, offset: number, length: number, sum = 0): number {
  let at = offset;
  let left = length;
  let total = (sum & 0xffff) + (sum >>> 16);
  for (;;) {
    const block = left < BLOCK_BYTES ? left : BLOCK_BYTES;
    const end = at + (block & ~1);
    for (; at < end; at += 2) total += bytes[at] << 8 | bytes[at + 1];
    left -= block;
    if (left === 0) break;
    total = (total & 0xffff) + (total >>> 16);
  }
  return (length & 1) === 0 ? total : total + (bytes[at] << 8);
}

/**
 * The checksum that belongs to a sum (below 2^32): folded to 16 bits and complemented. Over data that
 * holds its own correct checksum the result is 0.
 */
export function foldChecksum(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/**
 * Corrects the checksum at `bytes[at]` for something that has changed (RFC 1624: C' = ~(~C + ~m + m')),
 * so that one that was wrong stays wrong by as much. What comes out as 0 is written as FFFF, which is the
 * same and never means "none".
 *
 * @param before the sum of what has changed, as it was
 * @param after as it is
 */
export function correctChecksum(
  bytes: Uint8Array,
  at: number,
  before: number,
  after: number,
): void {
  const sumAfter = ~foldChecksum(after) & 0xffff;
  const sum = (~readU16(bytes, at) & 0xffff) + foldChecksum(before) + sumAfter;
  writeU16(bytes, at, foldChecksum(sum) || 0xffff);
}
