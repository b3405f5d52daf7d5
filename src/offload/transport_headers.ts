/**
 * Where fields of TCP's and UDP's headers lie, and TCP's flags (RFC 9293 section 3.1, RFC 768; RFC 791 section 3.1).
 *
 * @module
 */

export const TCP_BYTES_MIN = 20;
export const UDP_BYTES = 8;
/** Bytes from the header's beginning to its checksum. */
export const TCP_CHECKSUM_OFFSET = 16;
export const UDP_CHECKSUM_OFFSET = 6;

/** Bits of the byte behind the data offset, which is 13 bytes from the header's beginning. */
export const TcpFlag = {
  fin: 0x01,
  syn: 0x02,
  psh: 0x08,
  ack: 0x10,
  ece: 0x40,
  cwr: 0x80,
} as const;

/** Of IPv4's 16 bits of flags and fragment offset. */
export const DONT_FRAGMENT = 0x4000;
