/**
 * Messages in IPv6 packets that are made shorter where they lie.
 *
 * @module
 */

import { readU16, writeU16 } from "../proto/bytes.ts";
import { correctChecksum, sumBytes } from "../proto/checksum.ts";

const PAYLOAD_LENGTH_OFFSET = 4;
const HEADER_BYTES = 40;

/**
 * Index after an IPv6 packet, or -1 if it ends beyond the frame or does not say where (a jumbogram,
 * RFC 2675): then receivers could read more of it than is seen here.
 */
export function packetEndOf(bytes: Uint8Array, network: number, frameEnd: number): number {
  const payloadBytes = readU16(bytes, network + PAYLOAD_LENGTH_OFFSET);
  const end = network + HEADER_BYTES + payloadBytes;
  return payloadBytes === 0 || end > frameEnd ? -1 : end;
}

/** The sum over a part of a message before it is changed: for {@linkcode finishMessage}. */
export function sumPart(bytes: Uint8Array, start: number, end: number): number {
  return sumBytes(bytes, start, end - start);
}

/**
 * Ends a message at `end` that ended at `endBefore`: the packet's length and the checksum follow. What is
 * left behind it is padding of the frame.
 *
 * @param network where the IPv6 header begins
 * @param start where the part begins that has changed, an even distance from the message's first byte
 * @param sumBefore what {@linkcode sumPart} said of it before
 * @param lengthsSummed how often the message's length is in its checksum: once as the pseudo-header's
 *   (RFC 8200 section 8.1), and of UDP as its own
 */
export function finishMessage(
  bytes: Uint8Array,
  network: number,
  checksumAt: number,
  start: number,
  end: number,
  endBefore: number,
  sumBefore: number,
  lengthsSummed: number,
): void {
  bytes.fill(0, end, endBefore);
  const lessBytes = endBefore - end;
  const lengthAt = network + PAYLOAD_LENGTH_OFFSET;
  writeU16(bytes, lengthAt, readU16(bytes, lengthAt) - lessBytes);
  const before = sumBefore + lengthsSummed * lessBytes;
  correctChecksum(bytes, checksumAt, before, sumBytes(bytes, start, endBefore - start));
}
