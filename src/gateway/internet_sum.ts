/**
 * The Internet checksum (RFC 1071) four bytes at a time, alone or while copying.
 *
 * The ones' complement sum does not care about byte order (RFC 1071, section 2 (B)): words are added
 * as they lie in memory, and the folded sum is swapped once at the end.
 *
 * @module
 */

/** Longest range that a sum may cover: beyond it the sum leaves 32 bits. */
export const SUM_BYTES_MAX = 131_072;

/**
 * Adds `length` bytes as big-endian 16 bit words, an odd last byte padded with zero.
 *
 * @param length at most {@link SUM_BYTES_MAX}
 * @returns the folded sum, 0 … 0xffff, not complemented
 */
export function sumRange(bytes: DataView, offset: number, length: number): number {
  const wholeBytes = length & ~3;
  let sum = 0;
  let at = offset;
  for (const end = offset + wholeBytes; at < end; at += 4) {
    const word = bytes.getUint32(at, true);
    sum += (word & 0xffff) + (word >>> 16);
  }
  if ((length & 2) !== 0) {
    sum += bytes.getUint16(at, true);
    at += 2;
  }
  if ((length & 1) !== 0) sum += bytes.getUint8(at);
  return foldSwapped(sum);
}

/**
 * Copies `length` bytes and returns their sum as {@link sumRange} does. The ranges must not overlap,
 * unless the target lies before the source.
 */
export function copyAndSum(
  source: DataView,
  sourceOffset: number,
  target: DataView,
  targetOffset: number,
  length: number,
): number {
  const wholeBytes = length & ~3;
  let sum = 0;
  let from = sourceOffset;
  let to = targetOffset;
  for (const end = sourceOffset + wholeBytes; from < end; from += 4, to += 4) {
    const word = source.getUint32(from, true);
    target.setUint32(to, word, true);
    sum += (word & 0xffff) + (word >>> 16);
  }
  if ((length & 2) !== 0) {
    const half = source.getUint16(from, true);
    target.setUint16(to, half, true);
    sum += half;
    from += 2;
    to += 2;
  }
  if ((length & 1) !== 0) {
    const last = source.getUint8(from);
    target.setUint8(to, last);
    sum += last;
  }
  return foldSwapped(sum);
}

/** Folds a sum of big-endian words, below 2³², to 16 bits. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

function foldSwapped(sum: number): number {
  const folded = foldSum(sum);
  return (folded >> 8) | ((folded & 0xff) << 8);
}
