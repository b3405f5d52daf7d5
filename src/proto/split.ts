/**
 * Cutting frames that do not fit one datagram into pieces, and pieces that do not fit a narrower
 * target into smaller ones.
 *
 * ```
 *  frame    |hhhhhhhh|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|bbbbbbbbbbbbb|     1514 bytes
 *           0        14                             1192          1514
 *  piece 1  [fragment header, offset 0, M   ] hhhhhhhh aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
 *  piece 2  [fragment header, offset 1192   ] hhhhhhhh bbbbbbbbbbbbb
 * ```
 *
 * Each piece but the last is as long as the datagram allows, so that filters see as much as possible
 * in the first.
 *
 * @module
 */

import type { PeerId } from "./brands.ts";
import { copyBytes } from "./bytes.ts";
import {
  type DatagramView,
  FIRST_PIECE_BYTES_MIN,
  FRAGMENT_HEADER_BYTES,
  writeFragmentHeader,
} from "./datagram.ts";
import { ETHERNET_HEADER_BYTES } from "./ethernet.ts";

/** Narrowest datagram into which pieces fit: a first piece with its header. */
export const SPLIT_DATAGRAM_BYTES_MIN = FRAGMENT_HEADER_BYTES + FIRST_PIECE_BYTES_MIN;

/** What a later piece has before its bytes: its header and the copy of the Ethernet header. */
const LATER_PIECE_HEADER_BYTES = FRAGMENT_HEADER_BYTES + ETHERNET_HEADER_BYTES;

/**
 * Says where the cuts are: `begin` or `beginPiece`, then `next` until it returns false. It looks at
 * no bytes. Where datagrams are narrower than SPLIT_DATAGRAM_BYTES_MIN there are no pieces at all.
 */
export class Splitter {
  /** Where the piece's bytes belong in the frame. */
  byteOffset = 0;
  /** Bytes of the piece that count. */
  pieceBytes = 0;
  /** Whether further pieces of the frame follow. */
  more = false;

  #at = 0;
  #end = 0;
  #moreBehind = false;
  #maxDatagramBytes = 0;

  /** Cuts a whole frame; only for one that takes more than one piece. */
  begin(frameBytes: number, maxDatagramBytes: number): void {
    this.beginPiece(0, frameBytes, false, maxDatagramBytes);
  }

  //= PROTOCOL.md 9.1
  //# **Cutting further.** A piece that does not fit a target is cut by the same rules, keeps its
  //# frame id and its offsets, and repeats its copy of the header; only the last part of a piece
  //# with M not set has M not set.
  /**
   * Cuts a piece: `payloadBytes` that count, from `byteOffset` of the frame on, with `more` behind
   * them or not. A piece that fits comes out as it is.
   */
  beginPiece(
    byteOffset: number,
    payloadBytes: number,
    more: boolean,
    maxDatagramBytes: number,
  ): void {
    this.#at = byteOffset;
    //= PROTOCOL.md 9.1
    //# Where the maximum is less than 608, a frame that does not fit whole is dropped.
    this.#end = maxDatagramBytes < SPLIT_DATAGRAM_BYTES_MIN
      ? byteOffset
      : byteOffset + payloadBytes;
    this.#moreBehind = more;
    this.#maxDatagramBytes = maxDatagramBytes;
  }

  /** Goes to the next piece; false when there is none. */
  next(): boolean {
    const at = this.#at;
    const left = this.#end - at;
    if (left <= 0) return false;
    //= PROTOCOL.md 9.1
    //# The piece at offset 0 has M set and at least 600 bytes.
    //= PROTOCOL.md 9.1
    //# Later pieces begin at 600 or behind, repeat the frame's 14 bytes, and hold at least one byte
    //# more.
    const headerBytes = at === 0 ? FRAGMENT_HEADER_BYTES : LATER_PIECE_HEADER_BYTES;
    const room = this.#maxDatagramBytes - headerBytes;
    //= PROTOCOL.md 9.1
    //# Each piece but the last should be as long as the maximum allows.
    const pieceBytes = left < room ? left : room;
    this.byteOffset = at;
    this.pieceBytes = pieceBytes;
    //= PROTOCOL.md 9.1
    //# The piece that ends the frame has M not set; all others have it set.
    this.more = this.#moreBehind || pieceBytes < left;
    this.#at = at + pieceBytes;
    return true;
  }
}

/**
 * Writes a piece of the whole frame at `source[sourceFrameOffset]` as a datagram at
 * `target[targetOffset]`, and returns the datagram's length. `source` and `target` may be one array,
 * the two ranges must not overlap.
 */
export function copyPiece(
  source: Uint8Array,
  sourceFrameOffset: number,
  byteOffset: number,
  pieceBytes: number,
  more: boolean,
  sourcePeerId: PeerId,
  frameId: number,
  target: Uint8Array,
  targetOffset: number,
): number {
  writeFragmentHeader(target, targetOffset, sourcePeerId, frameId, byteOffset, more);
  return copyBehindHeader(
    source,
    sourceFrameOffset,
    sourceFrameOffset + byteOffset,
    byteOffset,
    pieceBytes,
    target,
    targetOffset,
  );
}

/**
 * The same for a part of a piece: `view` is the piece in `source`, whose frame id is kept;
 * `byteOffset` counts in the frame, as always.
 */
export function copyPieceOf(
  source: Uint8Array,
  view: DatagramView,
  byteOffset: number,
  pieceBytes: number,
  more: boolean,
  sourcePeerId: PeerId,
  target: Uint8Array,
  targetOffset: number,
): number {
  writeFragmentHeader(target, targetOffset, sourcePeerId, view.frameId, byteOffset, more);
  return copyBehindHeader(
    source,
    view.frameOffset,
    view.payloadOffset + byteOffset - view.byteOffset,
    byteOffset,
    pieceBytes,
    target,
    targetOffset,
  );
}

function copyBehindHeader(
  source: Uint8Array,
  ethernetOffset: number,
  payloadOffset: number,
  byteOffset: number,
  pieceBytes: number,
  target: Uint8Array,
  targetOffset: number,
): number {
  let at = targetOffset + FRAGMENT_HEADER_BYTES;
  if (byteOffset > 0) {
    copyBytes(source, ethernetOffset, ETHERNET_HEADER_BYTES, target, at);
    at += ETHERNET_HEADER_BYTES;
  }
  copyBytes(source, payloadOffset, pieceBytes, target, at);
  return at + pieceBytes - targetOffset;
}
