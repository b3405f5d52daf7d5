/**
 * The memory of all fair queues of a process: entries, and groups of flows, in typed arrays that are made once.
 *
 * @module
 */

/** Stands for no entry, no bucket and no group. */
export const NONE = -1;

/** Buckets of a group: its flows by hash; an eighth of them is for sparse ones. */
export const BUCKETS = 64;
/** Most groups that have something queued, of all queues together. */
const GROUPS_MAX = 16_384;

/** A bucket is eight numbers side by side, which {@link Bucket} names. */
export const BUCKET_WORDS = 8;
/** The number of a bucket's group is the bucket's index, shifted so much. */
export const BUCKETS_SHIFT = 9;

/** What a bucket's numbers are: a flow, or the few that share its hash. */
export const Bucket = {
  /** First and last entry. */
  head: 0,
  tail: 1,
  /** Bytes of its entries. */
  bytes: 2,
  /** Bytes that it may still send in its turn. */
  deficit: 3,
  /** {@link InList}, and the bucket behind it there. */
  list: 4,
  next: 5,
  /** CoDel's state: two numbers. */
  codel: 6,
} as const;

/**
 * Where a bucket is: in no list, among those of all groups that had nothing queued, the same of its group alone, or
 * among the backlogged of its group.
 */
export const InList = { none: 0, new: 1, ahead: 2, old: 3 } as const;

/** A group is sixteen numbers side by side, from its own number shifted so much. */
export const GROUP_WORDS_SHIFT = 4;

/** What a group's numbers are: all flows of one player, or of one station. */
export const Group = {
  /** Whose it is in its queue. */
  id: 0,
  /** The next of the queue's groups. */
  next: 1,
  /** Bytes that it may still send in its turn; below zero for what went ahead of it. */
  deficit: 2,
  /** Bytes of all its entries. */
  bytes: 3,
  /** Its longest bucket as far as is known, and where the next look for a longer one begins. */
  longest: 4,
  sweep: 5,
  /** First and last of its buckets that go ahead of the backlogged ones, and of those. */
  aheadHead: 6,
  aheadTail: 7,
  oldHead: 8,
  oldTail: 9,
} as const;

/** See the module. */
export class QueueArena {
  /** Entries that all queues together can hold. */
  readonly entriesMax: number;
  /** @internal */ readonly next: Int32Array;
  /** @internal */ readonly slot: Int32Array;
  /** @internal */ readonly offset: Int32Array;
  /** @internal */ readonly length: Int32Array;
  /** @internal */ readonly enqueuedMs: Float64Array;
  /** @internal Buckets of all groups. */ readonly buckets: Int32Array;
  /** @internal */ readonly groups: Int32Array;
  readonly #groupsMax: number;
  #free = NONE;
  #untouched = 0;
  #freeEntries: number;
  #freeGroup = NONE;
  #untouchedGroups = 0;

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
    this.#groupsMax = Math.min(GROUPS_MAX, entriesMax);
    this.buckets = new Int32Array(this.#groupsMax << BUCKETS_SHIFT);
    this.groups = new Int32Array(this.#groupsMax << GROUP_WORDS_SHIFT);
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

  /** @internal The number of a group without entries, whose buckets are in no list; -1 if all are in use. */
  takeGroup(): number {
    const { groups } = this;
    const group = this.#freeGroup !== NONE ? this.#freeGroup : this.#touchGroup();
    if (group === NONE) return NONE;
    const at = group << GROUP_WORDS_SHIFT;
    if (group === this.#freeGroup) this.#freeGroup = groups[at + Group.next];
    groups[at + Group.next] = NONE;
    groups[at + Group.aheadHead] = groups[at + Group.aheadTail] = NONE;
    groups[at + Group.oldHead] = groups[at + Group.oldTail] = NONE;
    return group;
  }

  /** @internal Gives a group back, which is as it was when it was taken. */
  giveGroup(group: number): void {
    this.groups[(group << GROUP_WORDS_SHIFT) + Group.next] = this.#freeGroup;
    this.#freeGroup = group;
  }

  /** @internal What CoDel remembers of a group's flows is another's: it begins anew. */
  forgetDrops(group: number): void {
    const first = (group << BUCKETS_SHIFT) + Bucket.codel;
    for (let at = first; at < first + (BUCKETS * BUCKET_WORDS); at += BUCKET_WORDS) {
      this.buckets[at] = this.buckets[at + 1] = 0;
    }
  }

  /** Memory that was never used is not touched before. */
  #touchGroup(): number {
    if (this.#untouchedGroups === this.#groupsMax) return NONE;
    const group = this.#untouchedGroups++;
    const { buckets, groups } = this;
    const first = group << BUCKETS_SHIFT;
    for (let at = first; at < first + (BUCKETS * BUCKET_WORDS); at += BUCKET_WORDS) {
      buckets[at + Bucket.head] = buckets[at + Bucket.tail] = buckets[at + Bucket.next] = NONE;
    }
    const at = group << GROUP_WORDS_SHIFT;
    groups[at + Group.longest] = groups[at + Group.sweep] = first;
    return group;
  }
}
