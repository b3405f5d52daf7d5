/**
 * The queue in front of one target: bounded in bytes, entries and time, fair between flows.
 *
 * The scheme is FQ-CoDel's (RFC 8290 §4) without its drop law: flows are hashed into buckets; each
 * bucket is first-in-first-out; buckets are served by deficit round robin, those that had nothing
 * queued before those that always have. So a ping or an ARP reply passes a bulk copy, and nothing
 * inside a flow is reordered. Instead of CoDel's law there is a plain limit on the time that an
 * entry may wait, because congestion control of the frames' own transports runs end to end and
 * QUIC's runs below: what is later than the limit is of no use to a game.
 *
 * Buckets lie in one typed array per queue, entries in one arena for all queues: nothing here
 * allocates after construction.
 *
 * @module
 */

import { asSlot, type Slot } from "../proto/brands.ts";
import { type BufferPool, NO_SLOT } from "./buffer_pool.ts";
import { FLOW_MASK, FLOW_SPARSE } from "./flow.ts";

/** Bytes that a bucket may send in its turn: one full Ethernet frame. */
export const QUANTUM_BYTES = 1514;

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
export const BUCKETS = 64;

/** A queue of so few entries is never held back to leave room for others. */
const ENTRIES_FLOOR = 32;
/** A queue may hold this many times what is still free in the arena and in the pool, see below. */
const FREE_SHARE = 4;
/** Late entries that one `enqueue` clears from its own flow. */
const TRIM_MAX = 2;
/** Buckets that one overflow looks at to find the longest. */
const SWEEP_BUCKETS = 8;

const NONE = -1;

/** The entries of all queues of a process: linked lists in typed arrays. */
export class QueueArena {
  /** Entries that all queues together can hold. */
  readonly entriesMax: number;
  /** @internal */ readonly next: Int32Array;
  /** @internal */ readonly slot: Int32Array;
  /** @internal */ readonly offset: Int32Array;
  /** @internal */ readonly length: Int32Array;
  /** @internal */ readonly enqueuedMs: Float64Array;
  #free = NONE;
  #untouched = 0;
  #freeEntries: number;

  /** @throws {RangeError} `entriesMax` is not in 1 … 2^24 */
  constructor(entriesMax: number) {
    if (!Number.isInteger(entriesMax) || entriesMax < 1 || entriesMax > 1 << 24) {
      throw new RangeError(`a queue arena has 1 to ${1 << 24} entries, not ${entriesMax}`);
    }
    this.entriesMax = entriesMax;
    this.#freeEntries = entriesMax;
    this.next = new Int32Array(entriesMax);
    this.slot = new Int32Array(entriesMax);
    this.offset = new Int32Array(entriesMax);
    this.length = new Int32Array(entriesMax);
    this.enqueuedMs = new Float64Array(entriesMax);
  }

  /** Entries that can still be queued. */
  get freeEntries(): number {
    return this.#freeEntries;
  }

  /** @internal An entry, or -1 if all are in use. */
  take(): number {
    const entry = this.#free;
    if (entry !== NONE) this.#free = this.next[entry];
    else if (this.#untouched === this.entriesMax) return NONE;
    this.#freeEntries--;
    return entry !== NONE ? entry : this.#untouched++;
  }

  /** @internal */
  give(entry: number): void {
    this.next[entry] = this.#free;
    this.#free = entry;
    this.#freeEntries++;
  }
}

/** Bounds of one queue. */
export interface FairQueueOptions {
  /** Bytes held at most; 4 MiB if not given, at least 2,048. */
  readonly bytesMax?: number;
  /** Entries held at most; 4,096 if not given. */
  readonly entriesMax?: number;
  /** Longest time in ms that an entry may wait; 20 if not given. */
  readonly sojournMaxMs?: number;
  /** Number of buckets, a power of two from 8 to 4,096; 64 if not given. */
  readonly buckets?: number;
}

// A bucket is six numbers side by side in one Int32Array.
const STRIDE = 6;
const HEAD = 0;
const TAIL = 1;
const BYTES = 2;
const DEFICIT = 3;
const LIST = 4;
const NEXT = 5;

// Where a bucket is: in no list, among those that had nothing queued, or among the backlogged.
const LIST_NONE = 0;
const LIST_NEW = 1;
const LIST_OLD = 2;

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

  /** Bytes and entries held now. */
  queuedBytes = 0;
  queuedEntries = 0;
  /** Entries dropped since construction: waited too long, or no room. */
  droppedLate = 0;
  droppedOverflow = 0;

  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly sojournMaxMs: number;

  readonly #arena: QueueArena;
  readonly #pool: BufferPool;
  readonly #buckets: Int32Array;
  readonly #bucketCount: number;
  readonly #sparseBuckets: number;
  #newHead = NONE;
  #newTail = NONE;
  #oldHead = NONE;
  #oldTail = NONE;
  /** The longest bucket as far as is known, and where the next look for a longer one begins. */
  #longest = 0;
  #sweep = 0;
  /** When sending last began, and the time before; without any the time of asking counts. */
  #sendingMs = Infinity;
  #previousSendingMs = Infinity;

  /** @throws {RangeError} a bound makes no sense */
  constructor(arena: QueueArena, pool: BufferPool, options: FairQueueOptions = {}) {
    const bucketCount = options.buckets ?? BUCKETS;
    if (bucketCount < 8 || bucketCount > 4096 || (bucketCount & (bucketCount - 1)) !== 0) {
      throw new RangeError(`a queue has 8, 16, … 4096 buckets, not ${bucketCount}`);
    }
    this.bytesMax = options.bytesMax ?? QUEUE_BYTES_MAX;
    this.entriesMax = options.entriesMax ?? QUEUE_ENTRIES_MAX;
    this.sojournMaxMs = options.sojournMaxMs ?? SOJOURN_MAX_MS;
    if (!(this.bytesMax >= 2048)) throw new RangeError(`bytesMax ${this.bytesMax} is under 2048`);
    if (!(this.entriesMax >= 1)) throw new RangeError(`entriesMax ${this.entriesMax} is under 1`);
    if (!(this.sojournMaxMs > 0)) throw new RangeError(`sojournMaxMs is ${this.sojournMaxMs}`);
    this.#arena = arena;
    this.#pool = pool;
    this.#bucketCount = bucketCount;
    this.#sparseBuckets = bucketCount >> 3;
    this.#buckets = new Int32Array(bucketCount * STRIDE);
    for (let at = 0; at < this.#buckets.length; at += STRIDE) {
      this.#buckets[at + HEAD] = NONE;
      this.#buckets[at + TAIL] = NONE;
      this.#buckets[at + NEXT] = NONE;
    }
  }

  /**
   * Queues a datagram and takes over one reference to its slot. `flow` is what `flowOf` says.
   *
   * Returns how many entries were dropped to make room (their references released): the oldest of
   * the longest flow, or, if the arena is full and nothing of this queue can give way, this one.
   * Late entries of the same flow are cleared on the way; they count in `droppedLate` alone.
   */
  enqueue(slot: Slot, offset: number, length: number, flow: number, nowMs: number): number {
    const at = this.#bucketOf(flow);
    this.#trim(at, nowMs);
    let dropped = 0;
    while (this.queuedEntries > 0 && this.#isFull(length)) {
      this.#dropHead(this.#findLongest());
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
    const tail = buckets[at + TAIL];
    if (tail === NONE) buckets[at + HEAD] = entry;
    else arena.next[tail] = entry;
    buckets[at + TAIL] = entry;
    const bytes = buckets[at + BYTES] + length;
    buckets[at + BYTES] = bytes;
    if (bytes > buckets[this.#longest + BYTES]) this.#longest = at;
    this.queuedBytes += length;
    this.queuedEntries++;
    if (buckets[at + LIST] === LIST_NONE) {
      buckets[at + DEFICIT] = QUANTUM_BYTES;
      this.#append(at, LIST_NEW);
    }
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
   * Entries that waited longer than `sojournMaxMs` are dropped on the way. False: nothing is left.
   */
  dequeue(nowMs: number): boolean {
    const buckets = this.#buckets;
    const arena = this.#arena;
    const oldestMs = this.#lateBeforeMs(nowMs);
    for (;;) {
      const fromNew = this.#newHead !== NONE;
      const at = fromNew ? this.#newHead : this.#oldHead;
      if (at === NONE) return false;
      if (buckets[at + DEFICIT] <= 0) {
        buckets[at + DEFICIT] += QUANTUM_BYTES;
        this.#removeFirst(fromNew);
        this.#append(at, LIST_OLD);
        continue;
      }
      let entry = buckets[at + HEAD];
      while (entry !== NONE && arena.enqueuedMs[entry] < oldestMs) {
        this.#dropHead(at);
        this.droppedLate++;
        entry = buckets[at + HEAD];
      }
      if (entry === NONE) {
        // A flow that was new goes once through the backlogged ones, or it could be new for ever.
        this.#removeFirst(fromNew);
        if (fromNew && this.#oldHead !== NONE) this.#append(at, LIST_OLD);
        else buckets[at + LIST] = LIST_NONE;
        continue;
      }
      this.slot = asSlot(arena.slot[entry]);
      this.offset = arena.offset[entry];
      this.length = arena.length[entry];
      buckets[at + DEFICIT] -= this.length;
      this.#unlinkHead(at, entry);
      return true;
    }
  }

  /** Drops what waited too long in every flow; for a target that takes nothing. Returns how many. */
  dropLate(nowMs: number): number {
    const before = this.droppedLate;
    const oldestMs = this.#lateBeforeMs(nowMs);
    const enqueuedMs = this.#arena.enqueuedMs;
    const buckets = this.#buckets;
    for (let at = 0; at < buckets.length && this.queuedEntries > 0; at += STRIDE) {
      while (buckets[at + HEAD] !== NONE && enqueuedMs[buckets[at + HEAD]] < oldestMs) {
        this.#dropHead(at);
        this.droppedLate++;
      }
    }
    return this.droppedLate - before;
  }

  /** Releases everything that is queued; counts no drops. */
  clear(): void {
    const buckets = this.#buckets;
    for (let at = 0; at < buckets.length; at += STRIDE) {
      while (buckets[at + HEAD] !== NONE) this.#dropHead(at);
      buckets[at + LIST] = LIST_NONE;
      buckets[at + NEXT] = NONE;
    }
    this.#newHead =
      this.#newTail =
      this.#oldHead =
      this.#oldTail =
        NONE;
  }

  /** Age in ms of the oldest entry; 0 if nothing is queued. Looks at every bucket. */
  oldestMs(nowMs: number): number {
    const buckets = this.#buckets;
    let enqueuedMs = nowMs;
    for (let at = 0; at < buckets.length; at += STRIDE) {
      const head = buckets[at + HEAD];
      if (head !== NONE && this.#arena.enqueuedMs[head] < enqueuedMs) {
        enqueuedMs = this.#arena.enqueuedMs[head];
      }
    }
    return nowMs - enqueuedMs;
  }

  /** What was queued before this time is late. */
  #lateBeforeMs(nowMs: number): number {
    return Math.min(nowMs, this.#previousSendingMs) - this.sojournMaxMs;
  }

  /** Sparse flows have an eighth of the buckets to themselves, so that no bulk flow is hashed there. */
  #bucketOf(flow: number): number {
    const hash = flow & FLOW_MASK;
    const bucket = (flow & FLOW_SPARSE) !== 0
      ? hash % this.#sparseBuckets
      : this.#sparseBuckets + hash % (this.#bucketCount - this.#sparseBuckets);
    return bucket * STRIDE;
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

  /** The bucket with the most bytes, as far as a look at a few of them tells; never an empty one. */
  #findLongest(): number {
    const buckets = this.#buckets;
    let longest = this.#longest;
    let sweep = this.#sweep;
    for (let i = 0; i < SWEEP_BUCKETS || buckets[longest + BYTES] === 0; i++) {
      sweep += STRIDE;
      if (sweep === buckets.length) sweep = 0;
      if (buckets[sweep + BYTES] > buckets[longest + BYTES]) longest = sweep;
    }
    this.#sweep = sweep;
    this.#longest = longest;
    return longest;
  }

  /** Clears a few late entries at the head of a flow that grows: a target that stalls holds little. */
  #trim(at: number, nowMs: number): void {
    const oldestMs = this.#lateBeforeMs(nowMs);
    for (let i = 0; i < TRIM_MAX; i++) {
      const head = this.#buckets[at + HEAD];
      if (head === NONE || this.#arena.enqueuedMs[head] >= oldestMs) return;
      this.#dropHead(at);
      this.droppedLate++;
    }
  }

  #dropHead(at: number): void {
    const entry = this.#buckets[at + HEAD];
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
    buckets[at + HEAD] = next;
    if (next === NONE) buckets[at + TAIL] = NONE;
    buckets[at + BYTES] -= length;
    this.queuedBytes -= length;
    this.queuedEntries--;
    arena.give(entry);
  }

  #append(at: number, list: number): void {
    const buckets = this.#buckets;
    buckets[at + LIST] = list;
    buckets[at + NEXT] = NONE;
    const tail = list === LIST_NEW ? this.#newTail : this.#oldTail;
    if (tail !== NONE) buckets[tail + NEXT] = at;
    if (list === LIST_NEW) {
      if (tail === NONE) this.#newHead = at;
      this.#newTail = at;
    } else {
      if (tail === NONE) this.#oldHead = at;
      this.#oldTail = at;
    }
  }

  #removeFirst(fromNew: boolean): void {
    const at = fromNew ? this.#newHead : this.#oldHead;
    const next = this.#buckets[at + NEXT];
    if (fromNew) {
      this.#newHead = next;
      if (next === NONE) this.#newTail = NONE;
    } else {
      this.#oldHead = next;
      if (next === NONE) this.#oldTail = NONE;
    }
  }
}
