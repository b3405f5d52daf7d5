/**
 * The queue in front of one target: bounded in bytes, entries and time, fair between players and flows.
 *
 * The scheme is FQ-CoDel's (RFC 8290 §4) on two levels: a player's flows (those of a
 * station of the LAN, too) are a group, and groups are served by deficit round robin, so nobody gets more for
 * having many flows. In a group flows are hashed into buckets; each bucket is first-in-first-out and has CoDel's drop
 * law; buckets are served by deficit round robin, too. A flow that had nothing queued goes ahead of all that always
 * have, as long as its group does not owe too much for that. So a ping or an ARP reply passes a
 * bulk copy, its own player's, too, and nothing inside a flow is reordered.
 *
 * No entry waits longer than a hard bound, in which CoDel leaves a transport its window: a flow that has more queued
 * than it may send in a turn gets a round trip, which is what a transport needs queued to grow; what is
 * later than 20 ms of another flow is of no use to a game.
 *
 * ```
 *  flows that had nothing queued ──────────────────────────────► first
 *  group ─► group ─► group        (each its quantum in turn) ──► then
 *    └ flow ─► flow ─► flow       (each its quantum in turn)
 * ```
 *
 * Entries and groups lie in one arena for all queues: nothing here allocates after construction.
 *
 * @module
 */

import { asSlot, type Slot } from "../proto/brands.ts";
import { type BufferPool, NO_SLOT } from "./buffer_pool.ts";
import { endBulk, isBulk, markBulk, shallDrop, ticksOf } from "./codel.ts";
import { FlowTable, QUANTUM_BYTES } from "./flow_table.ts";
import { Bucket, NONE, type QueueArena } from "./queue_arena.ts";

//= PROTOCOL.md 11
//# Queues are bounded in bytes (this project: 4,194,304) and in time (20 ms); the oldest is
//# dropped.
/**
 * Bounds of a queue where its owner names none. The bytes are what a path of 1.6 Gbit/s carries in the
 * time that an entry may wait: on slower ones it is the time that limits. One wait of the reactor can
 * bring in hundreds of full frames, and what overflows there is a loss to the frames' own transports.
 */
export const QUEUE_BYTES_MAX = 4_194_304;
export const QUEUE_ENTRIES_MAX = 4096;
export const SOJOURN_MAX_MS = 20;
//= PROTOCOL.md 11
//# A flow that has more queued than a full frame may wait longer, 100 ms or one round trip of the path, whichever is
//# longer (this project: never above 500 ms), with single drops before that (this project: CoDel, RFC 8289).
/**
 * A round trip that is shorter counts as one of so long: a flow's other end may be far behind the path's, as a player is
 * behind the relay for the gateway next to it. RFC 8289, section 4.3, has it for paths of 10 ms to one second.
 */
export const ROUND_TRIP_MIN_MS = 100;
/** And one that is longer as one of so long: a peer decides how late it answers. */
const ROUND_TRIP_MAX_MS = 500;

/** A queue of so few entries is never held back to leave room for others. */
const ENTRIES_FLOOR = 32;
/** A queue may hold this many times what is still free in the arena and in the pool, see below. */
const FREE_SHARE = 4;
/** Late entries that one `enqueue` clears from its own flow. */
const TRIM_MAX = 2;

/** Bounds of one queue. */
export interface FairQueueOptions {
  /** Bytes held at most; 4 MiB if not given, at least 2,048. */
  readonly bytesMax?: number;
  /** Entries held at most; 4,096 if not given. */
  readonly entriesMax?: number;
  /** Longest time in ms that an entry may wait, but in a flow that fills its bucket; 20 if not given. */
  readonly sojournMaxMs?: number;
  /** What such a flow may wait at least, ms; 100 if not given. */
  readonly roundTripMinMs?: number;
}

/**
 * The queue in front of one target.
 *
 * Each entry owns one reference to its slot: `enqueue` takes it over, `dequeue` hands it on, and
 * every drop releases it.
 */
export class FairQueue {
  /** The entry that the last successful `dequeue` handed out; `offset` is an index in the slab. */
  slot: Slot = NO_SLOT;
  offset = 0;
  length = 0;
  /** Whether it went ahead of those that always have something queued, since its flow had nothing. */
  wasAhead = false;
  /** A number for its flow: others may have the same, but it never has another. */
  flowNumber = 0;

  /** Bytes and entries held now. */
  queuedBytes = 0;
  queuedEntries = 0;
  /**
   * Entries dropped since construction: waited too long, or no room; and by CoDel, which is how a transport
   * that fills its path learns of it, and no sign of a line that is too slow.
   */
  droppedLate = 0;
  droppedOverflow = 0;
  droppedByCodel = 0;

  /**
   * Round trip time of the path behind, ms, as its owner last knew it: the longest wait in a flow that fills its bucket,
   * where it is above `roundTripMinMs`.
   */
  rttMs = 0;

  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly sojournMaxMs: number;
  readonly roundTripMinMs: number;

  readonly #arena: QueueArena;
  readonly #pool: BufferPool;
  readonly #buckets: Int32Array;
  readonly #flows: FlowTable;
  /** Until when waiting counts, ms: in an array, since a number with a fraction that is passed on is an object. */
  readonly #clock = new Float64Array(1);
  /** When sending last began, and the time before; without any the time of asking counts. */
  #sendingMs = Infinity;
  #previousSendingMs = Infinity;

  /** @throws {RangeError} a bound makes no sense */
  constructor(arena: QueueArena, pool: BufferPool, options: FairQueueOptions = {}) {
    this.bytesMax = options.bytesMax ?? QUEUE_BYTES_MAX;
    this.entriesMax = options.entriesMax ?? QUEUE_ENTRIES_MAX;
    this.sojournMaxMs = options.sojournMaxMs ?? SOJOURN_MAX_MS;
    this.roundTripMinMs = options.roundTripMinMs ?? ROUND_TRIP_MIN_MS;
    if (!(this.bytesMax >= 2048)) throw new RangeError(`bytesMax ${this.bytesMax} is under 2048`);
    if (!(this.entriesMax >= 1)) throw new RangeError(`entriesMax ${this.entriesMax} is under 1`);
    if (!(this.sojournMaxMs > 0)) throw new RangeError(`sojournMaxMs is ${this.sojournMaxMs}`);
    this.#arena = arena;
    this.#pool = pool;
    this.#buckets = arena.buckets;
    this.#flows = new FlowTable(arena);
  }

  /**
   * Queues a datagram and takes over one reference to its slot. `flow` is what `flowOf` says.
   *
   * Returns how many entries were dropped to make room (their references released): the oldest of
   * the longest flow, or, if the arena is full and nothing of this queue can give way, this one.
   * Late entries of the same flow are cleared on the way; they count in `droppedLate` alone.
   */
  enqueue(slot: Slot, offset: number, length: number, flow: number, nowMs: number): number {
    const at = this.#flows.bucketOf(flow);
    if (at === NONE) {
      this.#pool.release(slot);
      this.droppedOverflow++;
      return 1;
    }
    this.#trim(at, nowMs);
    let dropped = 0;
    while (this.queuedEntries > 0 && this.#isFull(length)) {
      this.#dropHead(this.#flows.longest());
      this.droppedOverflow++;
      dropped++;
    }
    const arena = this.#arena;
    const entry = length <= this.bytesMax ? arena.take() : NONE;
    if (entry === NONE) {
      this.#pool.release(slot);
      this.droppedOverflow++;
      return dropped + 1;
    }
    arena.next[entry] = NONE;
    arena.slot[entry] = slot;
    arena.offset[entry] = offset;
    arena.length[entry] = length;
    arena.enqueuedMs[entry] = nowMs;

    const buckets = this.#buckets;
    const tail = buckets[at + Bucket.tail];
    if (tail === NONE) buckets[at + Bucket.head] = entry;
    else arena.next[tail] = entry;
    buckets[at + Bucket.tail] = entry;
    this.queuedBytes += length;
    this.queuedEntries++;
    this.#flows.grow(at, length);
    if (buckets[at + Bucket.bytes] > QUANTUM_BYTES) markBulk(buckets, at + Bucket.codel);
    return dropped;
  }

  /**
   * Says that sending begins, before the `dequeue`s of this turn. From then on the wait that makes an entry
   * late ends with the sending before this one: when the process did not run for a while, what came in just
   * before is not late, since nothing stood in its way but that.
   */
  beginSending(nowMs: number): void {
    this.#previousSendingMs = this.#sendingMs;
    this.#sendingMs = nowMs;
  }

  /**
   * Takes the next entry out into `slot`, `offset` and `length`, and with it the reference.
   * Entries that waited too long are dropped on the way, and those that CoDel drops. False: nothing is left.
   */
  dequeue(nowMs: number): boolean {
    const flows = this.#flows;
    const arena = this.#arena;
    this.#setClock(nowMs);
    for (;;) {
      const at = flows.next();
      if (at === NONE) return false;
      const entry = this.#firstInTime(at);
      if (entry === NONE) {
        flows.retire(at);
        continue;
      }
      this.slot = asSlot(arena.slot[entry]);
      this.offset = arena.offset[entry];
      this.length = arena.length[entry];
      this.wasAhead = flows.isAhead(at);
      this.flowNumber = flows.numberOf(at);
      flows.charge(at, this.length);
      this.#unlinkHead(at, entry);
      return true;
    }
  }

  /** Drops what waited too long in every flow; for a target that takes nothing. Returns how many. */
  dropLate(nowMs: number): number {
    const before = this.droppedLate;
    this.#setClock(nowMs);
    this.#flows.forEachBucket((at) => {
      while (this.#isHeadLate(at)) this.#dropLateHead(at);
    });
    return this.droppedLate - before;
  }

  /** Releases everything that is queued; counts no drops. */
  clear(): void {
    const buckets = this.#buckets;
    this.#flows.forEachBucket((at) => {
      while (buckets[at + Bucket.head] !== NONE) this.#dropHead(at);
    });
    // Those that are empty may be in a list, too: each leaves it in its turn.
    this.dequeue(0);
  }

  /** Age in ms of the oldest entry; 0 if nothing is queued. Looks at every bucket. */
  oldestMs(nowMs: number): number {
    let enqueuedMs = nowMs;
    this.#flows.forEachBucket((at) => {
      const head = this.#buckets[at + Bucket.head];
      if (head !== NONE) enqueuedMs = Math.min(enqueuedMs, this.#arena.enqueuedMs[head]);
    });
    return nowMs - enqueuedMs;
  }

  /** When waiting ends, as far as it counts: see {@linkcode beginSending}. */
  #setClock(nowMs: number): void {
    this.#clock[0] = Math.min(nowMs, this.#previousSendingMs);
  }

  /** What a flow that fills its bucket may have queued, and for how long it is let alone, ms. */
  #roundTripMs(): number {
    const roundTripMs = Math.max(this.roundTripMinMs, Math.min(this.rttMs, ROUND_TRIP_MAX_MS));
    return Math.max(this.sojournMaxMs, roundTripMs);
  }

  /** Whether a bucket's first entry has waited longer than any may. */
  #isHeadLate(at: number): boolean {
    const buckets = this.#buckets;
    const head = buckets[at + Bucket.head];
    if (head === NONE) return false;
    const limitMs = isBulk(buckets, at + Bucket.codel) ? this.#roundTripMs() : this.sojournMaxMs;
    return this.#arena.enqueuedMs[head] < this.#clock[0] - limitMs;
  }

  /** A bucket's first entry that is to be sent; those before it are dropped. */
  #firstInTime(at: number): number {
    const buckets = this.#buckets;
    const clockMs = this.#clock[0];
    const interval = ticksOf(this.#roundTripMs());
    const now = ticksOf(clockMs);
    for (;;) {
      const head = buckets[at + Bucket.head];
      if (head === NONE) return NONE;
      if (this.#isHeadLate(at)) {
        this.#dropLateHead(at);
        continue;
      }
      const waited = ticksOf(clockMs - this.#arena.enqueuedMs[head]);
      const isShort = buckets[at + Bucket.bytes] <= QUANTUM_BYTES;
      const state = at + Bucket.codel;
      if (!shallDrop(buckets, state, waited, isShort, interval, now)) return head;
      this.#dropHead(at);
      this.droppedByCodel++;
    }
  }

  #dropLateHead(at: number): void {
    this.#dropHead(at);
    this.droppedLate++;
  }

  /**
   * Whether something must go before `length` more bytes come in.
   *
   * The pool and the arena belong to all queues. A queue may hold only so many entries as are left
   * free there, times `FREE_SHARE`: the fuller the process, the less each may keep, and something
   * stays free for those that need little (dynamic thresholds, Choudhury and Hahne 1998).
   */
  #isFull(length: number): boolean {
    const entries = this.queuedEntries;
    if (this.queuedBytes + length > this.bytesMax || entries >= this.entriesMax) return true;
    const freeEntries = this.#arena.freeEntries;
    if (freeEntries === 0) return true;
    if (entries < ENTRIES_FLOOR) return false;
    return entries > freeEntries * FREE_SHARE || entries > this.#pool.freeSlots * FREE_SHARE;
  }

  /** Clears a few late entries at the head of a flow that grows: a target that stalls holds little. */
  #trim(at: number, nowMs: number): void {
    this.#setClock(nowMs);
    for (let i = 0; i < TRIM_MAX && this.#isHeadLate(at); i++) this.#dropLateHead(at);
  }

  #dropHead(at: number): void {
    const entry = this.#buckets[at + Bucket.head];
    const slot = asSlot(this.#arena.slot[entry]);
    this.#unlinkHead(at, entry);
    this.#pool.release(slot);
  }

  /** Takes a bucket's first entry out of it and gives the entry back to the arena. */
  #unlinkHead(at: number, entry: number): void {
    const buckets = this.#buckets;
    const arena = this.#arena;
    const next = arena.next[entry];
    const length = arena.length[entry];
    buckets[at + Bucket.head] = next;
    if (next === NONE) {
      buckets[at + Bucket.tail] = NONE;
      endBulk(buckets, at + Bucket.codel);
    }
    this.#flows.shrink(at, length);
    this.queuedBytes -= length;
    this.queuedEntries--;
    arena.give(entry);
  }
}
