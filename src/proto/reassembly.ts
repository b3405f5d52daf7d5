/**
 * Putting frames together from their pieces.
 *
 * ```
 *  by age:     oldest ─> … ─> newest                     one list through all open frames
 *  by source:  oldest ─> … ─> newest, at most 64         one list per source, in the same order
 *  by key:     (source, frame id) ─> hash chain ─> open frame
 *  each frame: 1536 bytes of the slab, one bit per byte that has come
 * ```
 *
 * A frame is dropped when its pieces contradict each other: they overlap, two of them are the last,
 * one ends beyond the end, or their copies of the Ethernet header differ. What has not come of it then
 * is dropped, too (as RFC 5722 does with overlapping IPv6 fragments), until the frame's time is up.
 *
 * All memory is taken at construction; the pages of frames that never were open are never touched.
 *
 * @module
 */

import type { PeerId } from "./brands.ts";
import { CopyInto } from "./bytes.ts";
import type { DatagramView } from "./datagram.ts";
import { ETHERNET_HEADER_BYTES, FRAME_BYTES_MAX } from "./ethernet.ts";

/** Frames of one source that are open at most; the oldest gives way. */
export const OPEN_FRAMES_PER_SOURCE_MAX = 64;

/** Frames of all sources together that are open at most; the oldest gives way. */
export const OPEN_FRAMES_MAX = 4096;

/** How long a frame may stay incomplete, from its first piece on. */
export const REASSEMBLY_MAX_MS = 500;

/** Why a piece, and with it its frame, was dropped; `handlePiece` returns the negative of these. */
export const ReassemblyDrop = {
  /** The piece ends beyond 1522 bytes. */
  overlong: 1,
  /** Its copy of the Ethernet header is another than that of an earlier piece. */
  headerDiffers: 2,
  /** A second piece says that it is the last. */
  secondEnd: 3,
  /** It ends beyond the end, or is the end and ends before another piece does. */
  beyondEnd: 4,
  /** It holds bytes that have come already. */
  overlap: 5,
  /** The frame was dropped before. */
  dropped: 6,
} as const;
export type ReassemblyDrop = (typeof ReassemblyDrop)[keyof typeof ReassemblyDrop];

/** Bounds of a {@link Reassembler}. */
export interface ReassemblerOptions {
  /** Frames of one source; 64 if not given. */
  readonly framesPerSourceMax?: number;
  /** Frames of all sources; 4,096 if not given. */
  readonly framesMax?: number;
  /** Time in ms that a frame may take; 500 if not given. */
  readonly ageMaxMs?: number;
}

/** What has happened so far. */
export class ReassemblyCounters {
  completed = 0;
  /** Frames dropped because of a piece: by {@link ReassemblyDrop}. Index 0 is not used. */
  readonly dropped = new Float64Array(7);
  /** Frames that were incomplete when their time was up. */
  expired = 0;
  /** Frames that were incomplete when they gave way to a newer one. */
  gaveWay = 0;
}

const SOURCES = 0x10000;
const FRAME_STRIDE_BYTES = 1536;
const WORD_BITS = 32;
const MAP_WORDS = FRAME_STRIDE_BYTES / WORD_BITS;
const OPEN_FRAMES_LIMIT = 1 << 16;

/** No frame. Frames are numbered from 1, so that cleared memory says "none"; 0 is the way out. */
const NONE = 0;

/** The open frames of all sources that one endpoint hears. */
export class Reassembler {
  /** Holds the finished frame, from its first byte on, until the next call. */
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly counters = new ReassemblyCounters();
  readonly framesPerSourceMax: number;
  readonly framesMax: number;
  readonly ageMaxMs: number;

  readonly #slab: Uint8Array<ArrayBuffer>;
  readonly #copier: CopyInto;
  readonly #map: Uint32Array;
  readonly #keys: Int32Array;
  readonly #openedMs: Float64Array;
  /** The frame's length once its last piece has come; 0 before; -1 for a frame that was dropped. */
  readonly #frameBytes: Int16Array;
  readonly #receivedBytes: Int16Array;
  /** Where the piece that reaches farthest ends. */
  readonly #reachBytes: Int16Array;
  readonly #hashNext: Int32Array;
  readonly #olderOfAll: Int32Array;
  readonly #newerOfAll: Int32Array;
  readonly #olderOfSource: Int32Array;
  readonly #newerOfSource: Int32Array;
  readonly #hashHeads: Int32Array;
  readonly #hashMask: number;
  readonly #sourceOldest = new Int32Array(SOURCES);
  readonly #sourceNewest = new Int32Array(SOURCES);
  readonly #sourceCount = new Uint16Array(SOURCES);
  #oldest = NONE;
  #newest = NONE;
  #open = 0;
  /** Frames that were closed, linked by `hashNext`; and the first that never was open. */
  #free = NONE;
  #untouched = 1;

  /** @throws {RangeError} a bound makes no sense */
  constructor(options: ReassemblerOptions = {}) {
    this.framesPerSourceMax = options.framesPerSourceMax ?? OPEN_FRAMES_PER_SOURCE_MAX;
    this.framesMax = options.framesMax ?? OPEN_FRAMES_MAX;
    this.ageMaxMs = options.ageMaxMs ?? REASSEMBLY_MAX_MS;
    checkBound("framesPerSourceMax", this.framesPerSourceMax);
    checkBound("framesMax", this.framesMax);
    if (!(this.ageMaxMs > 0)) throw new RangeError(`ageMaxMs is ${this.ageMaxMs}`);
    const frames = this.framesMax + 1;
    this.#slab = new Uint8Array(frames * FRAME_STRIDE_BYTES);
    this.#copier = new CopyInto(this.#slab);
    this.frame = this.#slab.subarray(0, FRAME_BYTES_MAX);
    this.#map = new Uint32Array(frames * MAP_WORDS);
    this.#keys = new Int32Array(frames);
    this.#openedMs = new Float64Array(frames);
    this.#frameBytes = new Int16Array(frames);
    this.#receivedBytes = new Int16Array(frames);
    this.#reachBytes = new Int16Array(frames);
    this.#hashNext = new Int32Array(frames);
    this.#olderOfAll = new Int32Array(frames);
    this.#newerOfAll = new Int32Array(frames);
    this.#olderOfSource = new Int32Array(frames);
    this.#newerOfSource = new Int32Array(frames);
    let heads = 16;
    while (heads < this.framesMax) heads *= 2;
    this.#hashHeads = new Int32Array(heads);
    this.#hashMask = heads - 1;
  }

  /** Frames that are open, dropped ones whose time is not up included. */
  get openFrames(): number {
    return this.#open;
  }

  /** When `expire` has something to do, ms; `Infinity` for never. */
  nextDeadlineMs(): number {
    return this.#oldest === NONE ? Infinity : this.#openedMs[this.#oldest] + this.ageMaxMs;
  }

  /**
   * Takes the piece that `view` shows in `bytes`; it must have passed `parseDatagram`.
   *
   * Returns the length of the frame that is complete now and lies in `this.frame`; 0 if more pieces
   * are needed; or the negative of a {@link ReassemblyDrop}.
   *
   * @param nowMs never less than in an earlier call
   */
  handlePiece(bytes: Uint8Array, view: DatagramView, nowMs: number): number {
    this.expire(nowMs);
    const key = view.sourcePeerId << 16 | view.frameId;
    //= PROTOCOL.md 9.2
    //# Pieces may come in any order.
    let frame = this.#find(key);
    if (frame === NONE) {
      frame = this.#openFrame(key, view.sourcePeerId, nowMs);
      const at = frame * FRAME_STRIDE_BYTES;
      this.#copier.copy(bytes, view.frameOffset, ETHERNET_HEADER_BYTES, at);
    }
    const reason = this.#contradiction(frame, bytes, view);
    if (reason !== 0) {
      if (reason !== ReassemblyDrop.dropped) this.counters.dropped[reason]++;
      //= PROTOCOL.md 9.2
      //# A frame that was dropped stays, without its bytes, for the same time, so that what still
      //# comes of it is dropped, too, and cannot become another frame.
      this.#frameBytes[frame] = -1;
      return -reason;
    }
    const { byteOffset, payloadLength } = view;
    const at = frame * FRAME_STRIDE_BYTES;
    this.#copier.copy(bytes, view.payloadOffset, payloadLength, at + byteOffset);
    const reach = byteOffset + payloadLength;
    if (reach > this.#reachBytes[frame]) this.#reachBytes[frame] = reach;
    if (!view.more) this.#frameBytes[frame] = reach;
    const receivedBytes = this.#receivedBytes[frame] += payloadLength;
    // Nothing overlaps and nothing reaches beyond the end, so the number of bytes tells.
    if (receivedBytes !== this.#frameBytes[frame]) return 0;
    this.#slab.copyWithin(0, at, at + receivedBytes);
    this.#close(frame);
    this.counters.completed++;
    return receivedBytes;
  }

  /** Gives up frames whose time is up; returns how many of them had not been dropped before. */
  expire(nowMs: number): number {
    const before = this.counters.expired;
    //= PROTOCOL.md 9.2
    //# **Time.** 500 ms after its first piece came, a frame that is not complete is given up, and
    //# its key is free.
    while (this.#oldest !== NONE && nowMs - this.#openedMs[this.#oldest] >= this.ageMaxMs) {
      if (this.#frameBytes[this.#oldest] >= 0) this.counters.expired++;
      this.#close(this.#oldest);
    }
    return this.counters.expired - before;
  }

  /** A peer has left: gives up its frames, which are not counted. */
  dropSource(sourcePeerId: PeerId): void {
    while (this.#sourceOldest[sourcePeerId] !== NONE) {
      this.#close(this.#sourceOldest[sourcePeerId]);
    }
  }

  /** Gives up all frames, which are not counted. */
  clear(): void {
    while (this.#oldest !== NONE) this.#close(this.#oldest);
  }

  /** Why the piece cannot belong to its frame, or 0; then its bytes are marked as there. */
  #contradiction(frame: number, bytes: Uint8Array, view: DatagramView): 0 | ReassemblyDrop {
    const frameBytes = this.#frameBytes[frame];
    //= PROTOCOL.md 9.2
    //# | 1 | it was dropped before | `dropped`
    if (frameBytes < 0) return ReassemblyDrop.dropped;
    const start = view.byteOffset;
    const reach = start + view.payloadLength;
    //= PROTOCOL.md 9.2
    //# | 2 | the piece ends beyond 1522 bytes (offset + bytes that count) | `overlong`
    if (reach > FRAME_BYTES_MAX) return ReassemblyDrop.overlong;
    //= PROTOCOL.md 9.2
    //# | 3 | its first 14 bytes, or its copy of them, differ from those of the frame's first piece
    //# to come | `headerDiffers`
    if (!this.#sameHeader(frame, bytes, view.frameOffset)) return ReassemblyDrop.headerDiffers;
    if (frameBytes > 0) {
      //= PROTOCOL.md 9.2
      //# | 4 | it has no M, and a piece without M has come | `secondEnd`
      if (!view.more) return ReassemblyDrop.secondEnd;
      //= PROTOCOL.md 9.2
      //# | 5 | it ends beyond the end that is known; or it has no M and a piece has come that ends
      //# farther | `beyondEnd`
      if (reach > frameBytes) return ReassemblyDrop.beyondEnd;
    } else if (!view.more && this.#reachBytes[frame] > reach) {
      return ReassemblyDrop.beyondEnd;
    }
    //= PROTOCOL.md 9.2
    //# | 6 | it holds a byte that has come already | `overlap`
    return this.#mark(frame, start, reach) ? 0 : ReassemblyDrop.overlap;
  }

  #sameHeader(frame: number, bytes: Uint8Array, frameOffset: number): boolean {
    const at = frame * FRAME_STRIDE_BYTES;
    for (let index = 0; index < ETHERNET_HEADER_BYTES; index++) {
      if (this.#slab[at + index] !== bytes[frameOffset + index]) return false;
    }
    return true;
  }

  /** Marks the bytes from `start` to `end` as there; false if one of them was. */
  #mark(frame: number, start: number, end: number): boolean {
    const map = this.#map;
    const base = frame * MAP_WORDS;
    const last = (end - 1) >>> 5;
    for (let word = start >>> 5; word <= last; word++) {
      let bits = 0xffff_ffff;
      if (word === start >>> 5) bits &= 0xffff_ffff << (start & 31);
      if (word === last) bits &= 0xffff_ffff >>> (31 - ((end - 1) & 31));
      if ((map[base + word] & bits) !== 0) return false;
      map[base + word] |= bits;
    }
    return true;
  }

  #find(key: number): number {
    let frame = this.#hashHeads[hashOf(key) & this.#hashMask];
    while (frame !== NONE && this.#keys[frame] !== key) frame = this.#hashNext[frame];
    return frame;
  }

  /** Opens a frame; the oldest of its source, or of all, gives way where there is no room. */
  #openFrame(key: number, source: number, nowMs: number): number {
    //= PROTOCOL.md 9.2
    //# **Bound per source.** At most 64 frames of one source are open, dropped ones included; the
    //# 65th makes the oldest give way.
    if (this.#sourceCount[source] === this.framesPerSourceMax) {
      this.#giveWay(this.#sourceOldest[source]);
      //= PROTOCOL.md 9.2
      //# **Bound over all sources.** Memory must be bounded, however many sources there are.
      //= PROTOCOL.md 9.2
      //# This project keeps at most 4,096 frames open; one more makes the oldest of all give way.
    } else if (this.#open === this.framesMax) {
      this.#giveWay(this.#oldest);
    }
    let frame = this.#free;
    if (frame !== NONE) this.#free = this.#hashNext[frame];
    else frame = this.#untouched++;
    this.#open++;
    this.#keys[frame] = key;
    this.#openedMs[frame] = nowMs;
    this.#frameBytes[frame] = 0;
    this.#receivedBytes[frame] = 0;
    this.#reachBytes[frame] = 0;
    this.#map.fill(0, frame * MAP_WORDS, (frame + 1) * MAP_WORDS);

    const head = hashOf(key) & this.#hashMask;
    this.#hashNext[frame] = this.#hashHeads[head];
    this.#hashHeads[head] = frame;
    this.#olderOfAll[frame] = this.#newest;
    this.#newerOfAll[frame] = NONE;
    if (this.#newest === NONE) this.#oldest = frame;
    else this.#newerOfAll[this.#newest] = frame;
    this.#newest = frame;

    const newest = this.#sourceNewest[source];
    this.#olderOfSource[frame] = newest;
    this.#newerOfSource[frame] = NONE;
    if (newest === NONE) this.#sourceOldest[source] = frame;
    else this.#newerOfSource[newest] = frame;
    this.#sourceNewest[source] = frame;
    this.#sourceCount[source]++;
    return frame;
  }

  #giveWay(frame: number): void {
    if (this.#frameBytes[frame] >= 0) this.counters.gaveWay++;
    this.#close(frame);
  }

  #close(frame: number): void {
    const key = this.#keys[frame];
    const head = hashOf(key) & this.#hashMask;
    if (this.#hashHeads[head] === frame) this.#hashHeads[head] = this.#hashNext[frame];
    else {
      let before = this.#hashHeads[head];
      while (this.#hashNext[before] !== frame) before = this.#hashNext[before];
      this.#hashNext[before] = this.#hashNext[frame];
    }
    const older = this.#olderOfAll[frame];
    const newer = this.#newerOfAll[frame];
    if (older === NONE) this.#oldest = newer;
    else this.#newerOfAll[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#olderOfAll[newer] = older;

    const source = key >>> 16;
    const olderOfSource = this.#olderOfSource[frame];
    const newerOfSource = this.#newerOfSource[frame];
    if (olderOfSource === NONE) this.#sourceOldest[source] = newerOfSource;
    else this.#newerOfSource[olderOfSource] = newerOfSource;
    if (newerOfSource === NONE) this.#sourceNewest[source] = olderOfSource;
    else this.#olderOfSource[newerOfSource] = olderOfSource;
    this.#sourceCount[source]--;

    this.#hashNext[frame] = this.#free;
    this.#free = frame;
    this.#open--;
  }
}

/** Source and frame id in 32 bits: frame ids count upwards, and a multiplication spreads them. */
function hashOf(key: number): number {
  const product = Math.imul(key, 0x9e37_79b1);
  return product ^ product >>> 16;
}

function checkBound(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > OPEN_FRAMES_LIMIT) {
    throw new RangeError(`${name} is not in 1 … ${OPEN_FRAMES_LIMIT}: ${value}`);
  }
}
