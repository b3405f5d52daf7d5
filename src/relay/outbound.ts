/**
 * The way out: frames that wait for a peer, and the peers for which frames wait.
 *
 * @module
 */
import type { TrafficCounters } from "../observe/counters.ts";
import { DropCode } from "../observe/drops.ts";
import type { FrameLog } from "../observe/frame_log.ts";
import type { Slot } from "../proto/brands.ts";
import { DATAGRAM_HEADER_BYTES, FLAG_FRAGMENT, FRAGMENT_HEADER_BYTES } from "../proto/datagram.ts";
import { ETHERNET_HEADER_BYTES } from "../proto/ethernet.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import { FairQueue } from "../queue/fair_queue.ts";
import type { QueueArena } from "../queue/queue_arena.ts";
import type { Membership } from "./membership.ts";

/** What a queue needs of the session whose frames wait in it. */
export interface OutboundOptions {
  readonly bytesMax: number;
  readonly sojournMaxMs: number;
  readonly counters: TrafficCounters;
  readonly frameLog: FrameLog;
  /** The room's code, for records. */
  readonly room: string;
}

/** The queue towards one peer, which counts what leaves it and what it drops. */
export class OutboundQueue extends FairQueue {
  readonly #memory: Uint8Array;
  readonly #counters: TrafficCounters;
  readonly #frameLog: FrameLog;
  readonly #room: string;
  #loggedLate = 0;
  #loggedOverflow = 0;
  #loggedByCodel = 0;

  constructor(arena: QueueArena, pool: BufferPool, options: OutboundOptions) {
    super(arena, pool, options);
    this.#memory = pool.bytes;
    this.#counters = options.counters;
    this.#frameLog = options.frameLog;
    this.#room = options.room;
  }

  /** Brings the counters up to date with what this queue has dropped. */
  countDrops(): void {
    this.#counters.drops[DropCode.queueLate] = this.droppedLate;
    this.#counters.drops[DropCode.queueOverflow] = this.droppedOverflow;
    this.#counters.drops[DropCode.queueCodel] = this.droppedByCodel;
  }

  /** The target is gone: what waits for it is dropped. */
  abandon(nowMs: number): void {
    const { queuedEntries } = this;
    this.#counters.dropMany(DropCode.targetLeft, queuedEntries);
    this.clear();
    if (this.#frameLog.enabled) this.#logMany(DropCode.targetLeft, queuedEntries, nowMs);
  }

  override enqueue(
    slot: Slot,
    offset: number,
    length: number,
    flow: number,
    nowMs: number,
  ): number {
    const dropped = super.enqueue(slot, offset, length, flow, nowMs);
    if (this.#frameLog.enabled) this.#logDrops(nowMs);
    return dropped;
  }

  override dropLate(nowMs: number): number {
    const dropped = super.dropLate(nowMs);
    if (this.#frameLog.enabled) this.#logDrops(nowMs);
    return dropped;
  }

  /** As the base class; what is handed over counts as sent. */
  override dequeue(nowMs: number): boolean {
    const found = super.dequeue(nowMs);
    if (this.#frameLog.enabled) this.#logDrops(nowMs);
    if (!found) return false;
    const { offset, length } = this;
    const counters = this.#counters;
    const memory = this.#memory;
    counters.datagramsSent++;
    if ((memory[offset + 1] & FLAG_FRAGMENT) === 0) {
      counters.framesSent++;
      counters.bytesSent += length - DATAGRAM_HEADER_BYTES;
    } else if ((memory[offset + 6] & 0x7f) === 0 && memory[offset + 7] === 0) {
      counters.framesSent++;
      counters.bytesSent += length - FRAGMENT_HEADER_BYTES;
    } else {
      counters.bytesSent += length - FRAGMENT_HEADER_BYTES - ETHERNET_HEADER_BYTES;
    }
    return true;
  }

  #logDrops(nowMs: number): void {
    this.#logMany(DropCode.queueLate, this.droppedLate - this.#loggedLate, nowMs);
    this.#logMany(DropCode.queueOverflow, this.droppedOverflow - this.#loggedOverflow, nowMs);
    this.#logMany(DropCode.queueCodel, this.droppedByCodel - this.#loggedByCodel, nowMs);
    this.#loggedLate = this.droppedLate;
    this.#loggedOverflow = this.droppedOverflow;
    this.#loggedByCodel = this.droppedByCodel;
  }

  /** What was in the queue is not known any more: records without sender, MACs and length. */
  #logMany(code: DropCode, count: number, nowMs: number): void {
    for (let i = 0; i < count; i++) {
      this.#frameLog.record(nowMs, this.#room, 0, "from-peer", this.#memory, 0, 0, 0, code, 0);
    }
  }
}

/**
 * The peers with something queued, in the order in which it came: a list through the peers themselves, so
 * that marking one costs no allocation.
 */
export class ReadyList {
  #head: Membership | undefined;
  #tail: Membership | undefined;

  /** Puts a peer at the end unless it is in the list. */
  mark(peer: Membership): void {
    if (peer.ready) return;
    peer.ready = true;
    if (this.#tail === undefined) this.#head = peer;
    else this.#tail.nextReady = peer;
    this.#tail = peer;
  }

  /** Takes the first peer out that has something queued; one that has left has nothing. */
  take(): Membership | undefined {
    for (;;) {
      const peer = this.#head;
      if (peer === undefined) return undefined;
      this.#head = peer.nextReady;
      if (this.#head === undefined) this.#tail = undefined;
      peer.nextReady = undefined;
      peer.ready = false;
      if (peer.queue.queuedEntries > 0) return peer;
    }
  }
}
