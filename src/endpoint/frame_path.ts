/**
 * The tunnel side of an endpoint's session: frames into datagrams and back.
 *
 * ```
 * frame in a slot ─> split if need be ─> headers ─> PathQueue ─> the shell sends
 * datagram ─> parse ─> reassemble if need be ─> sink.frame(…)
 * ```
 *
 * Nothing here allocates per frame: a whole frame gets its header in front of it, in its slot; so
 * does the first piece of a split frame, and its other pieces are copied to slots of their own.
 *
 * @module
 */

import type { TrafficCounters } from "../observe/counters.ts";
import { DropCode, malformedDrop, PASS, reassemblyDrop, type Verdict } from "../observe/drops.ts";
import { NO_PEER, type PeerId, type Slot } from "../proto/brands.ts";
import {
  DATAGRAM_HEADER_BYTES,
  DatagramView,
  FRAGMENT_HEADER_BYTES,
  nextEndpointFrameId,
  parseDatagram,
  writeDatagramHeader,
  writeFragmentHeader,
} from "../proto/datagram.ts";
import type { Dissection } from "../proto/dissect.ts";
import { ETHERNET_HEADER_BYTES, FRAME_BYTES_MAX } from "../proto/ethernet.ts";
import { Reassembler, type ReassemblyDrop } from "../proto/reassembly.ts";
import { copyPiece, SPLIT_DATAGRAM_BYTES_MIN, Splitter } from "../proto/split.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT } from "../queue/buffer_pool.ts";
import type { FairQueueOptions } from "../queue/fair_queue.ts";
import type { QueueArena } from "../queue/queue_arena.ts";
import { flowOf, ofStation } from "../queue/flow.ts";
import { PathQueue } from "./path_queue.ts";

/** Takes the frames that come out of the tunnel. */
export interface FrameSink {
  /**
   * A whole Ethernet frame, 14 to 1522 bytes, at `bytes[offset … offset + length)`. The bytes are the
   * sink's to change until it returns.
   *
   * @param nowMs the time that its datagram was handed in with: handed on, since a number with a fraction is an object
   *   each time it is read from a field
   */
  frame(
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    nowMs: number,
  ): void;
}

/** What a frame path works with. */
export interface FramePathOptions {
  readonly pool: BufferPool;
  readonly arena: QueueArena;
  readonly counters: TrafficCounters;
  /** Bounds of the queue towards the relay. */
  readonly queue?: FairQueueOptions;
}

/** The tunnel side of one endpoint, over all its sessions. */
export class FramePath {
  /** What waits for the relay; whoever takes something out takes over its slot's reference. */
  readonly queue: PathQueue;

  readonly #pool: BufferPool;
  readonly #counters: TrafficCounters;
  readonly #splitter = new Splitter();
  readonly #reassembler = new Reassembler();
  readonly #view = new DatagramView();
  #open = false;
  #maximumBytes = 0;
  #frameId = 0;
  // What of the reassembler's own counters is in `counters` already.
  #countedExpired = 0;
  #countedGaveWay = 0;

  constructor(options: FramePathOptions) {
    this.#pool = options.pool;
    this.#counters = options.counters;
    this.queue = new PathQueue(options.arena, options.pool, options.counters, options.queue);
  }

  /** Whether a room is joined, so that frames flow. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Bytes that one datagram may have. */
  get maximumBytes(): number {
    return this.#maximumBytes;
  }

  /** A room is joined; datagrams may have `maximumBytes` bytes (the budget's cap applied). */
  open(maximumBytes: number): void {
    this.#open = true;
    this.#maximumBytes = maximumBytes;
  }

  /** The room is left: what waits for the relay, and what is half together, is given up. */
  close(): void {
    this.#open = false;
    this.queue.clear();
    this.#reassembler.clear();
  }

  /** The connection's largest datagram has changed (the budget's cap applied). */
  setMaximum(maximumBytes: number): void {
    this.#maximumBytes = maximumBytes;
  }

  /** A peer has left: its half-received frames go. */
  dropSource(peerId: PeerId): void {
    //= PROTOCOL.md 9.2
    //# When a `peerLeft` comes, that peer's open frames are given up.
    this.#reassembler.dropSource(peerId);
  }

  /**
   * Sends the frame at `frameOffset` (an index in the pool's bytes, HEADROOM_BYTES behind the slot's
   * first byte or more), which is dissected already, and takes over the slot's reference.
   */
  sendDissected(
    slot: Slot,
    frameOffset: number,
    frameLength: number,
    dissection: Dissection,
    nowMs: number,
  ): void {
    const counters = this.#counters;
    const reason = this.#refusal(frameLength);
    if (reason !== PASS) {
      counters.drop(reason);
      this.#pool.release(slot);
      return;
    }
    counters.framesSent++;
    counters.bytesSent += frameLength;
    const { bytes } = this.#pool;
    // By whom it is for: what one player is sent does not slow others down.
    const flow = ofStation(flowOf(bytes, frameOffset, frameLength, dissection), bytes, frameOffset);
    //= PROTOCOL.md 9.1
    //# A frame goes whole if frame + 4 bytes fit into the connection's present maximum datagram.
    if (frameLength + DATAGRAM_HEADER_BYTES > this.#maximumBytes) {
      counters.framesSplit++;
      this.#sendPieces(slot, frameOffset, frameLength, flow, nowMs);
    } else {
      const offset = frameOffset - DATAGRAM_HEADER_BYTES;
      //= PROTOCOL.md 8
      //# **source peer id**: endpoints send 0.
      writeDatagramHeader(this.#pool.bytes, offset, NO_PEER);
      this.queue.enqueue(slot, offset, frameLength + DATAGRAM_HEADER_BYTES, flow, nowMs);
    }
    this.queue.countDrops();
  }

  /**
   * Takes a datagram of the relay. `bytes` may be the pool's or any other; the sink gets whole
   * frames, at once, before this returns.
   */
  handleDatagram(
    bytes: Uint8Array,
    offset: number,
    length: number,
    nowMs: number,
    sink: FrameSink,
  ): void {
    const counters = this.#counters;
    counters.datagramsReceived++;
    //= PROTOCOL.md 5.1
    //# Datagrams that arrive before the welcome may be dropped: datagrams and stream are not in
    //# order with each other.
    if (!this.#open) return counters.drop(DropCode.beforeWelcome);
    const view = this.#view;
    const malformed = parseDatagram(bytes, offset, length, view);
    //= PROTOCOL.md 8
    //# An endpoint drops and counts only.
    if (malformed !== 0) return counters.drop(malformedDrop(malformed));
    if (view.fragment) return this.#handlePiece(bytes, view, nowMs, sink);
    this.#deliver(bytes, view.frameOffset, view.frameLength, view.sourcePeerId, nowMs, sink);
  }

  /** Gives up what waited too long: incomplete frames, and datagrams that nobody takes. */
  handleTimer(nowMs: number): void {
    this.#reassembler.expire(nowMs);
    this.#countReassemblyDrops();
    if (this.queue.queuedEntries > 0) this.queue.dropLate(nowMs);
  }

  /** When `handleTimer` is due because of frames that stay incomplete; Infinity: not at all. */
  nextDeadlineMs(): number {
    return this.#reassembler.nextDeadlineMs();
  }

  #handlePiece(bytes: Uint8Array, view: DatagramView, nowMs: number, sink: FrameSink): void {
    const length = this.#reassembler.handlePiece(bytes, view, nowMs);
    this.#countReassemblyDrops();
    if (length > 0) {
      this.#counters.framesReassembled++;
      //= PROTOCOL.md 9.2
      //# A frame that comes out has at least 601 bytes and at most 1522, and is treated as one that
      //# came whole.
      this.#deliver(this.#reassembler.frame, 0, length, view.sourcePeerId, nowMs, sink);
    } else if (length < 0) {
      this.#counters.drop(reassemblyDrop(-length as ReassemblyDrop));
    }
  }

  #deliver(
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    nowMs: number,
    sink: FrameSink,
  ): void {
    const counters = this.#counters;
    if (length > FRAME_BYTES_MAX) return counters.drop(DropCode.overLong);
    counters.framesReceived++;
    counters.bytesReceived += length;
    sink.frame(bytes, offset, length, sourcePeerId, nowMs);
  }

  /** The code of the reason for which a frame cannot go, or PASS. */
  #refusal(frameLength: number): Verdict {
    if (!this.#open) return DropCode.notJoined;
    if (frameLength < ETHERNET_HEADER_BYTES) return DropCode.shortFrame;
    if (frameLength > FRAME_BYTES_MAX) return DropCode.overLong;
    if (
      frameLength + DATAGRAM_HEADER_BYTES > this.#maximumBytes &&
      this.#maximumBytes < SPLIT_DATAGRAM_BYTES_MIN
    ) {
      return DropCode.budget;
    }
    return PASS;
  }

  #sendPieces(
    slot: Slot,
    frameOffset: number,
    frameLength: number,
    flow: number,
    nowMs: number,
  ): void {
    const pool = this.#pool;
    const splitter = this.#splitter;
    const frameId = this.#frameId;
    this.#frameId = nextEndpointFrameId(frameId);
    splitter.begin(frameLength, this.#maximumBytes);
    // The first piece is queued before the others are copied out of its slot, and could be dropped
    // from the queue by one of them.
    pool.retain(slot);
    while (splitter.next()) {
      const { byteOffset, pieceBytes, more } = splitter;
      if (byteOffset === 0) {
        const offset = frameOffset - FRAGMENT_HEADER_BYTES;
        writeFragmentHeader(pool.bytes, offset, NO_PEER, frameId, 0, more);
        this.queue.enqueue(slot, offset, FRAGMENT_HEADER_BYTES + pieceBytes, flow, nowMs);
        continue;
      }
      const target = pool.acquire();
      if (target === NO_SLOT) {
        this.#counters.drop(DropCode.noBuffer);
        break;
      }
      const offset = pool.offsetOf(target) + HEADROOM_BYTES;
      const length = copyPiece(
        pool.bytes,
        frameOffset,
        byteOffset,
        pieceBytes,
        more,
        NO_PEER,
        frameId,
        pool.bytes,
        offset,
      );
      this.queue.enqueue(target, offset, length, flow, nowMs);
    }
    pool.release(slot);
  }

  #countReassemblyDrops(): void {
    const { expired, gaveWay } = this.#reassembler.counters;
    if (expired !== this.#countedExpired) {
      this.#counters.dropMany(DropCode.reassemblyExpired, expired - this.#countedExpired);
      this.#countedExpired = expired;
    }
    if (gaveWay !== this.#countedGaveWay) {
      this.#counters.dropMany(DropCode.reassemblyGaveWay, gaveWay - this.#countedGaveWay);
      this.#countedGaveWay = gaveWay;
    }
  }
}
