/** The way out: frames that wait for a peer, and the peers for which frames wait. */
import type { TrafficCounters } from "../observe/counters.ts";
import { DropCode } from "../observe/drops.ts";
import type { FrameLog } from "../observe/frame_log.ts";
import type { Slot } from "../proto/brands.ts";
import { DATAGRAM_HEADER_BYTES, FLAG_FRAGMENT, FRAGMENT_HEADER_BYTES } from "../proto/datagram.ts";
import { ETHERNET_HEADER_BYTES } from "../proto/ethernet.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import { FairQueue, type QueueArena } from "../queue/fair_queue.ts";
import type { Session } from "./session.ts";

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
  private readonly memory: Uint8Array;
  private readonly counters: TrafficCounters;
  private readonly frameLog: FrameLog;
  private readonly room: string;
  private loggedLate = 0;
  private loggedOverflow = 0;

  constructor(arena: QueueArena, pool: BufferPool, options: OutboundOptions) {
    super(arena, pool, options);
    this.memory = pool.bytes;
    this.counters = options.counters;
    this.frameLog = options.frameLog;
    this.room = options.room;
  }

  /** Brings the counters up to date with what this queue has dropped. */
  countDrops(): void {
    this.counters.drops[DropCode.queueLate] = this.droppedLate;
    this.counters.drops[DropCode.queueOverflow] = this.droppedOverflow;
  }

  /** The target is gone: what waits for it is dropped. */
  abandon(nowMs: number): void {
    const { queuedEntries } = this;
    this.counters.dropMany(DropCode.targetLeft, queuedEntries);
    this.clear();
    if (this.frameLog.enabled) this.logMany(DropCode.targetLeft, queuedEntries, nowMs);
  }

  override enqueue(
    slot: Slot,
    offset: number,
    length: number,
    flow: number,
    nowMs: number,
  ): number {
    const dropped = super.enqueue(slot, offset, length, flow, nowMs);
    if (this.frameLog.enabled) this.logDrops(nowMs);
    return dropped;
  }

  override dropLate(nowMs: number): number {
    const dropped = super.dropLate(nowMs);
    if (this.frameLog.enabled) this.logDrops(nowMs);
    return dropped;
  }

  /** As the base class; what is handed over counts as sent. */
  override dequeue(nowMs: number): boolean {
    const found = super.dequeue(nowMs);
    if (this.frameLog.enabled) this.logDrops(nowMs);
    if (!found) return false;
    const { counters, memory, offset, length } = this;
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

  private logDrops(nowMs: number): void {
    this.logMany(DropCode.queueLate, this.droppedLate - this.loggedLate, nowMs);
    this.logMany(DropCode.queueOverflow, this.droppedOverflow - this.loggedOverflow, nowMs);
    this.loggedLate = this.droppedLate;
    this.loggedOverflow = this.droppedOverflow;
  }

  /** What was in the queue is not known any more: records without sender, MACs and length. */
  private logMany(code: DropCode, count: number, nowMs: number): void {
    for (let i = 0; i < count; i++) {
      this.frameLog.record(nowMs, this.room, 0, "from-peer", this.memory, 0, 0, 0, code, 0);
    }
  }
}

/**
 * The sessions with something queued, in the order in which it came: a list through the sessions
 * themselves, so that marking one costs no allocation.
 */
export class ReadyList {
  private head: Session | undefined;
  private tail: Session | undefined;

  /** Puts a session at the end unless it is in the list. */
  mark(session: Session): void {
    if (session.ready) return;
    session.ready = true;
    if (this.tail === undefined) this.head = session;
    else this.tail.nextReady = session;
    this.tail = session;
  }

  /** Takes the first session out that is still joined and has something queued. */
  take(): Session | undefined {
    for (;;) {
      const session = this.head;
      if (session === undefined) return undefined;
      this.head = session.nextReady;
      if (this.head === undefined) this.tail = undefined;
      session.nextReady = undefined;
      session.ready = false;
      if (session.joined && session.queue!.queuedEntries > 0) return session;
    }
  }
}
