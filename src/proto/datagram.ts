/**
 * The header in front of each frame, or piece of a frame, in a QUIC datagram. All big-endian.
 *
 * ```
 *  0        1        2        3
 *  +--------+--------+-----------------+
 *  |version |flags   |source peer id   |   version 1; flags bit 0: FRAGMENT, others 0
 *  +--------+--------+-----------------+
 *  |frame id         |M|byte offset    |   only with FRAGMENT; M (bit 15): more pieces follow
 *  +-----------------+-----------------+
 *  | Ethernet frame, without FCS …     |   a piece with offset > 0 starts with a copy of the frame's
 *  +-----------------------------------+   14-byte header, which does not count
 * ```
 *
 * @module
 */

import { asPeerId, NO_PEER, type PeerId } from "./brands.ts";
import { readU16, writeU16 } from "./bytes.ts";
import { ETHERNET_HEADER_BYTES } from "./ethernet.ts";

/** The version in each datagram's first byte, and in a hello. */
export const PROTOCOL_VERSION = 1;

/** Header of a datagram that holds a whole frame. */
export const DATAGRAM_HEADER_BYTES = 4;

/** Header of a datagram that holds a piece. */
export const FRAGMENT_HEADER_BYTES = 8;

/** The flag of a piece; all others are reserved. */
export const FLAG_FRAGMENT = 0x01;

/** Set in the byte offset's field when more pieces follow. */
const MORE_BIT = 0x8000;
const BYTE_OFFSET_MASK = 0x7fff;

/**
 * Shortest first piece, and so the least offset of later ones: filters read a frame's headers in its
 * first piece.
 */
export const FIRST_PIECE_BYTES_MIN = 600;

/** Frame ids of endpoints count through 0 … this. */
export const ENDPOINT_FRAME_ID_MAX = 0x7fff;

/** Frame ids that the relay gives count through this … 0xFFFF. */
export const RELAY_FRAME_ID_MIN = 0x8000;

/** The frame id that an endpoint gives after `frameId`. */
export function nextEndpointFrameId(frameId: number): number {
  //= PROTOCOL.md 9.1
  //# Frame ids: an endpoint counts through 0 … 7FFF and around.
  return (frameId + 1) & ENDPOINT_FRAME_ID_MAX;
}

/** The frame id that the relay gives after `frameId`. */
export function nextRelayFrameId(frameId: number): number {
  //= PROTOCOL.md 9.1
  //# The relay, where it must split a whole frame for a target with a narrower path, counts through
  //# 8000 … FFFF, per source.
  return RELAY_FRAME_ID_MIN | ((frameId + 1) & 0x7fff);
}

/** What is wrong with a datagram; the order is the order of the checks. */
export const MalformedReason = {
  /** Shorter than its header, or a later piece too short for its copy of the Ethernet header. */
  short: 1,
  version: 2,
  /** A reserved flag is set. */
  flags: 3,
  /** A whole frame of less than 14 bytes. */
  shortFrame: 4,
  /** A piece at offset 0 that says it is also the last. */
  pieceOnly: 5,
  /** A piece at offset 0 of less than 600 bytes. */
  pieceShortFirst: 6,
  /** A piece at an offset from 1 to 599. */
  pieceOffset: 7,
  /** A later piece without a byte that counts. */
  pieceEmpty: 8,
} as const;
export type MalformedReason = (typeof MalformedReason)[keyof typeof MalformedReason];

/** A datagram's fields; made once and refilled by {@link parseDatagram}. */
export class DatagramView {
  /** Whether it holds a piece; the three fields after the source id matter only then. */
  fragment = false;
  sourcePeerId: PeerId = NO_PEER;
  frameId = 0;
  /** Whether further pieces follow this one in the frame. */
  more = false;
  /** Where this piece's bytes belong in the frame; 0 for a whole one. */
  byteOffset = 0;
  /** Index of the Ethernet header, or of its copy. */
  frameOffset = 0;
  /** Bytes from there on to the datagram's end. */
  frameLength = 0;
  /** Index of the first byte that counts: behind the copy of the header, where there is one. */
  payloadOffset = 0;
  /** Bytes that count. */
  payloadLength = 0;
}

/**
 * Reads the datagram at `bytes[offset … offset + length)` into `out`.
 *
 * Returns 0, or why the datagram is malformed: then `out` holds nothing of use. A frame's greatest
 * length is not checked here.
 */
export function parseDatagram(
  bytes: Uint8Array,
  offset: number,
  length: number,
  out: DatagramView,
): 0 | MalformedReason {
  //= PROTOCOL.md 8
  //# | 1 | it has fewer than 4 bytes | `short`
  if (length < DATAGRAM_HEADER_BYTES) return MalformedReason.short;
  //= PROTOCOL.md 8
  //# | 2 | byte 0 is not 01 | `version`
  if (bytes[offset] !== PROTOCOL_VERSION) return MalformedReason.version;
  const flags = bytes[offset + 1];
  //= PROTOCOL.md 8
  //# | 3 | byte 1 & FE is not 0 | `flags`
  if ((flags & ~FLAG_FRAGMENT) !== 0) return MalformedReason.flags;
  out.sourcePeerId = asPeerId(readU16(bytes, offset + 2));
  if (flags !== 0) return parsePiece(bytes, offset, length, out);
  const frameLength = length - DATAGRAM_HEADER_BYTES;
  //= PROTOCOL.md 8
  //# | 4 | fewer than 14 bytes follow the header (18 in all) | `shortFrame`
  if (frameLength < ETHERNET_HEADER_BYTES) return MalformedReason.shortFrame;
  out.fragment = false;
  out.frameId = 0;
  out.more = false;
  out.byteOffset = 0;
  out.frameOffset = out.payloadOffset = offset + DATAGRAM_HEADER_BYTES;
  out.frameLength = out.payloadLength = frameLength;
  return 0;
}

function parsePiece(
  bytes: Uint8Array,
  offset: number,
  length: number,
  out: DatagramView,
): 0 | MalformedReason {
  //= PROTOCOL.md 8
  //# | 5 | it has fewer than 8 bytes | `short`
  if (length < FRAGMENT_HEADER_BYTES) return MalformedReason.short;
  const place = readU16(bytes, offset + 6);
  const more = (place & MORE_BIT) !== 0;
  const byteOffset = place & BYTE_OFFSET_MASK;
  const frameOffset = offset + FRAGMENT_HEADER_BYTES;
  const frameLength = length - FRAGMENT_HEADER_BYTES;
  let uncounted = 0;
  if (byteOffset === 0) {
    //= PROTOCOL.md 8
    //# | 6 | offset 0 and M not set | `pieceOnly`
    if (!more) return MalformedReason.pieceOnly;
    //= PROTOCOL.md 8
    //# | 7 | offset 0 and fewer than 600 bytes follow the header (608 in all) | `pieceShortFirst`
    if (frameLength < FIRST_PIECE_BYTES_MIN) return MalformedReason.pieceShortFirst;
  } else {
    //= PROTOCOL.md 8
    //# | 8 | offset 1 … 599 | `pieceOffset`
    if (byteOffset < FIRST_PIECE_BYTES_MIN) return MalformedReason.pieceOffset;
    //= PROTOCOL.md 8
    //# | 9 | offset ≥ 600 and fewer than 14 bytes follow the header (22 in all) | `short`
    if (frameLength < ETHERNET_HEADER_BYTES) return MalformedReason.short;
    //= PROTOCOL.md 8
    //# | 10 | offset ≥ 600 and exactly 14 bytes follow the header | `pieceEmpty`
    if (frameLength === ETHERNET_HEADER_BYTES) return MalformedReason.pieceEmpty;
    uncounted = ETHERNET_HEADER_BYTES;
  }
  out.fragment = true;
  out.frameId = readU16(bytes, offset + 4);
  out.more = more;
  out.byteOffset = byteOffset;
  out.frameOffset = frameOffset;
  out.frameLength = frameLength;
  //= PROTOCOL.md 8
  //# **byte offset**: where the piece's first byte that counts belongs in the frame, counted from
  //# the frame's first byte; the Ethernet header is the frame's bytes 0 to 13.
  out.payloadOffset = frameOffset + uncounted;
  out.payloadLength = frameLength - uncounted;
  return 0;
}

/** Writes the 4 bytes in front of a whole frame. */
export function writeDatagramHeader(bytes: Uint8Array, offset: number, sourcePeerId: PeerId): void {
  bytes[offset] = PROTOCOL_VERSION;
  bytes[offset + 1] = 0;
  writeU16(bytes, offset + 2, sourcePeerId);
}

/** Writes the 8 bytes in front of a piece. */
export function writeFragmentHeader(
  bytes: Uint8Array,
  offset: number,
  sourcePeerId: PeerId,
  frameId: number,
  byteOffset: number,
  more: boolean,
): void {
  bytes[offset] = PROTOCOL_VERSION;
  bytes[offset + 1] = FLAG_FRAGMENT;
  writeU16(bytes, offset + 2, sourcePeerId);
  writeU16(bytes, offset + 4, frameId);
  writeU16(bytes, offset + 6, more ? byteOffset | MORE_BIT : byteOffset);
}

//= PROTOCOL.md 8
//# The relay overwrites it with the sender's, whatever it was.
/** Overwrites who a datagram is from, as the relay does with all that it forwards. */
export function setSourcePeerId(bytes: Uint8Array, offset: number, sourcePeerId: PeerId): void {
  writeU16(bytes, offset + 2, sourcePeerId);
}
