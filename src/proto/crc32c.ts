/**
 * CRC32c (Castagnoli), which SCTP has in place of the Internet checksum (RFC 9260, appendix A), and which checks
 * invites.
 *
 * @module
 */

/** The polynomial 0x1EDC6F41 with its bits reversed. */
const POLYNOMIAL_REVERSED = 0x82f63b78;

const TABLE = makeTable();

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) {
      value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL_REVERSED;
    }
    table[byte] = value;
  }
  return table;
}

/** The CRC32c of a range; SCTP sends it least significant byte first. */
export function crc32c(bytes: Uint8Array, offset: number, length: number): number {
  let crc = 0xffffffff;
  for (let at = offset; at < offset + length; at++) {
    crc = TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
