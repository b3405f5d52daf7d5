/**
 * Which flows of a queue have their turn: lists of buckets, by group, through the arena's typed arrays.
 *
 * @module
 */

import { FLOW_GROUP_SHIFT, FLOW_GROUPS, FLOW_MASK, FLOW_SPARSE } from "./flow.ts";
import {
  Bucket,
  BUCKET_WORDS,
  BUCKETS,
  BUCKETS_SHIFT,
  Group,
  GROUP_WORDS_SHIFT,
  InList,
  NONE,
  type QueueArena,
} from "./queue_arena.ts";

/** Bytes that a group, and in it a bucket, may send in its turn: one full Ethernet frame. */
export const QUANTUM_BYTES = 1514;
/** What flows of a group that had nothing queued may send ahead of its turn. */
export const BORROWED_BYTES_MAX = QUANTUM_BYTES;
/** Groups, and buckets of a group, that one look for the longest looks at. */
const SWEEP_GROUPS = 8;
const SWEEP_BUCKETS = 8;
/** Buckets of a group that are for sparse flows alone. */
const SPARSE_BUCKETS = BUCKETS >> 3;

/** See the module. */
export class FlowTable {
  readonly #arena: QueueArena;
  readonly #buckets: Int32Array;
  readonly #groups: Int32Array;
  /** The groups in use, by what flow numbers call them. */
  readonly #groupById = new Int16Array(FLOW_GROUPS).fill(NONE);
  /** Buckets that had nothing queued. */
  #newHead = NONE;
  #newTail = NONE;
  /** Groups in use, in the order of their turns: their index in `#groups`. */
  #groupHead = NONE;
  #groupTail = NONE;
  /** The group with the most bytes as far as is known. */
  #longest = NONE;

  constructor(arena: QueueArena) {
    this.#arena = arena;
    this.#buckets = arena.buckets;
    this.#groups = arena.groups;
  }

  /**
   * The bucket of a flow, whose group is in use from now on; -1 if the arena has none left for it. Sparse flows
   * have an eighth of the buckets to themselves, so that no bulk flow is hashed there.
   */
  bucketOf(flow: number): number {
    const id = flow >>> FLOW_GROUP_SHIFT & (FLOW_GROUPS - 1);
    const hash = flow & FLOW_MASK;
    const group = this.#groupById[id] !== NONE ? this.#groupById[id] : this.#beginGroup(id);
    if (group === NONE) return NONE;
    const bucket = (flow & FLOW_SPARSE) !== 0
      ? hash % SPARSE_BUCKETS
      : SPARSE_BUCKETS + hash % (BUCKETS - SPARSE_BUCKETS);
    return (group << BUCKETS_SHIFT) + bucket * BUCKET_WORDS;
  }

  /** Takes a group, which gets its turn behind the others. */
  #beginGroup(id: number): number {
    const group = this.#arena.takeGroup();
    if (group === NONE) return NONE;
    this.#groupById[id] = group;
    const at = group << GROUP_WORDS_SHIFT;
    if (this.#groups[at + Group.id] !== id) this.#arena.forgetDrops(group);
    this.#groups[at + Group.id] = id;
    this.#groups[at + Group.deficit] = QUANTUM_BYTES;
    this.#appendGroup(at);
    return group;
  }

  /**
   * The first bucket of the group whose turn it is, or -1. Groups that have nothing any more are given back in
   * their turn, when they owe nothing; to be called when no bucket is in the list of all groups.
   */
  #nextOfGroups(): number {
    const groups = this.#groups;
    for (;;) {
      const group = this.#groupHead;
      if (group === NONE) return NONE;
      if (groups[group + Group.deficit] > 0) {
        if (groups[group + Group.aheadHead] !== NONE) return groups[group + Group.aheadHead];
        if (groups[group + Group.oldHead] !== NONE) return groups[group + Group.oldHead];
        this.#removeFirstGroup();
        if (this.#longest === group) this.#longest = NONE;
        this.#groupById[groups[group + Group.id]] = NONE;
        this.#arena.giveGroup(group >>> GROUP_WORDS_SHIFT);
        continue;
      }
      groups[group + Group.deficit] += QUANTUM_BYTES;
      this.#removeFirstGroup();
      this.#appendGroup(group);
    }
  }

  /** Calls `look` for each bucket of the groups that have something queued. */
  forEachBucket(look: (at: number) => void): void {
    const groups = this.#groups;
    for (let group = this.#groupHead; group !== NONE; group = groups[group + Group.next]) {
      if (groups[group + Group.bytes] === 0) continue;
      const first = group >>> GROUP_WORDS_SHIFT << BUCKETS_SHIFT;
      for (let i = 0; i < BUCKETS; i++) look(first + i * BUCKET_WORDS);
    }
  }

  /** So many bytes have come into a bucket, which gets its turn if it has none. */
  grow(at: number, length: number): void {
    const buckets = this.#buckets;
    const groups = this.#groups;
    const group = groupOf(at);
    const bytes = buckets[at + Bucket.bytes] += length;
    if (bytes > buckets[groups[group + Group.longest] + Bucket.bytes]) {
      groups[group + Group.longest] = at;
    }
    const groupBytes = groups[group + Group.bytes] += length;
    if (this.#longest === NONE || groupBytes > groups[this.#longest + Group.bytes]) {
      this.#longest = group;
    }
    if (buckets[at + Bucket.list] !== InList.none) return;
    buckets[at + Bucket.deficit] = QUANTUM_BYTES;
    this.#appendNew(at);
  }

  /** So many bytes have gone out of a bucket, sent or dropped. */
  shrink(at: number, length: number): void {
    this.#buckets[at + Bucket.bytes] -= length;
    this.#groups[groupOf(at) + Group.bytes] -= length;
  }

  /** The bucket whose turn it is, or -1 if none is left; it may be empty. */
  next(): number {
    const buckets = this.#buckets;
    const groups = this.#groups;
    for (;;) {
      const isNew = this.#newHead !== NONE;
      const at = isNew ? this.#newHead : this.#nextOfGroups();
      if (at === NONE) return NONE;
      const hasTurn = buckets[at + Bucket.deficit] > 0;
      const mayGoAhead = !isNew || groups[groupOf(at) + Group.deficit] > -BORROWED_BYTES_MAX;
      if (hasTurn && mayGoAhead) return at;
      this.#removeFirst(at);
      if (hasTurn) {
        this.#appendInGroup(at, InList.ahead);
      } else {
        buckets[at + Bucket.deficit] += QUANTUM_BYTES;
        this.#appendInGroup(at, InList.old);
      }
    }
  }

  /** Whether the bucket whose turn it is had nothing queued before what it has now. */
  isAhead(at: number): boolean {
    return this.#buckets[at + Bucket.list] !== InList.old;
  }

  /** A number for the flow that a bucket stands for, the same whenever it is one. */
  numberOf(at: number): number {
    const bucket = (at & ((1 << BUCKETS_SHIFT) - 1)) / BUCKET_WORDS;
    return this.#groups[groupOf(at) + Group.id] * BUCKETS + bucket;
  }

  /** So many bytes are sent of the bucket whose turn it is. */
  charge(at: number, length: number): void {
    this.#buckets[at + Bucket.deficit] -= length;
    this.#groups[groupOf(at) + Group.deficit] -= length;
  }

  /** The bucket whose turn it is has nothing any more. */
  retire(at: number): void {
    const wasOld = this.#buckets[at + Bucket.list] === InList.old;
    this.#removeFirst(at);
    // A flow that was new goes once through the backlogged ones, or it could be new for ever.
    const waitsOnce = !wasOld && this.#groups[groupOf(at) + Group.oldHead] !== NONE;
    if (waitsOnce) this.#appendInGroup(at, InList.old);
    else this.#buckets[at + Bucket.list] = InList.none;
  }

  /**
   * The bucket with the most bytes of the group with the most bytes, as far as a look at a few of them tells;
   * never an empty one.
   */
  longest(): number {
    const groups = this.#groups;
    let group = this.#longest === NONE ? this.#groupHead : this.#longest;
    let next = this.#groupHead;
    for (let i = 0; next !== NONE; i++) {
      if (i >= SWEEP_GROUPS && groups[group + Group.bytes] > 0) break;
      if (groups[next + Group.bytes] > groups[group + Group.bytes]) group = next;
      next = groups[next + Group.next];
    }
    this.#longest = group;
    const buckets = this.#buckets;
    const first = group >>> GROUP_WORDS_SHIFT << BUCKETS_SHIFT;
    let longest = groups[group + Group.longest];
    let sweep = groups[group + Group.sweep];
    for (let i = 0; i < SWEEP_BUCKETS || buckets[longest + Bucket.bytes] === 0; i++) {
      sweep += BUCKET_WORDS;
      if (sweep === first + BUCKETS * BUCKET_WORDS) sweep = first;
      if (buckets[sweep + Bucket.bytes] > buckets[longest + Bucket.bytes]) longest = sweep;
    }
    groups[group + Group.sweep] = sweep;
    groups[group + Group.longest] = longest;
    return longest;
  }

  /** Puts a bucket behind those that had nothing queued. */
  #appendNew(at: number): void {
    const buckets = this.#buckets;
    buckets[at + Bucket.list] = InList.new;
    buckets[at + Bucket.next] = NONE;
    if (this.#newTail === NONE) this.#newHead = at;
    else buckets[this.#newTail + Bucket.next] = at;
    this.#newTail = at;
  }

  /** Puts a bucket at the end of one of its group's two lists. */
  #appendInGroup(at: number, list: typeof InList.ahead | typeof InList.old): void {
    const buckets = this.#buckets;
    const groups = this.#groups;
    const head = groupOf(at) + (list === InList.ahead ? Group.aheadHead : Group.oldHead);
    const tail = groups[head + 1];
    buckets[at + Bucket.list] = list;
    buckets[at + Bucket.next] = NONE;
    if (tail === NONE) groups[head] = at;
    else buckets[tail + Bucket.next] = at;
    groups[head + 1] = at;
  }

  /** Takes a bucket that is the first one of its list out of it. */
  #removeFirst(at: number): void {
    const next = this.#buckets[at + Bucket.next];
    const list = this.#buckets[at + Bucket.list];
    if (list === InList.new) {
      this.#newHead = next;
      if (next === NONE) this.#newTail = NONE;
      return;
    }
    const head = groupOf(at) + (list === InList.ahead ? Group.aheadHead : Group.oldHead);
    this.#groups[head] = next;
    if (next === NONE) this.#groups[head + 1] = NONE;
  }

  #appendGroup(group: number): void {
    const groups = this.#groups;
    groups[group + Group.next] = NONE;
    if (this.#groupTail === NONE) this.#groupHead = group;
    else groups[this.#groupTail + Group.next] = group;
    this.#groupTail = group;
  }

  #removeFirstGroup(): void {
    this.#groupHead = this.#groups[this.#groupHead + Group.next];
    if (this.#groupHead === NONE) this.#groupTail = NONE;
  }
}

/** The index of a bucket's group. */
function groupOf(bucket: number): number {
  return bucket >>> BUCKETS_SHIFT << GROUP_WORDS_SHIFT;
}
