/**
 * The one place where frames lie while they are on their way: a slab of fixed slots with reference
 * counts. Nothing here allocates after construction, and nothing is copied when a frame goes to
 * several targets: each target holds a reference.
 *
 * @module
 */

import { asSlot, type Slot } from "../proto/brands.ts";

/** Bytes of one slot: the longest frame (1522), its datagram header, and room to spare. */
export const SLOT_BYTES = 2048;

/**
 * Where a frame's Ethernet header is put in its slot, so that a 4- or 8-byte datagram header can be
 * written in front of it without moving the frame.
 */
export const HEADROOM_BYTES = 8;

/** The slot number that stands for "none". */
export const NO_SLOT: Slot = asSlot(-1);

/** Most slots of one pool: 2 GiB of memory, and every byte index is a small integer. */
export const SLOTS_MAX = 1 << 20;

/** Most references to one slot: more than a process can have targets. */
const REFERENCES_MAX = 0xffff;

/** A slab of equal slots with reference counts. Memory that was never used is never touched. */
export class BufferPool {
  /** The slab. It stays where it is for the life of the pool, so its address may be handed out. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Number of slots: what was asked for, rounded up to whole pages (two slots). */
  readonly slotCount: number;

  readonly #references: Uint16Array;
  /** Slots that were used and came back; taken from the end, so that memory stays warm. */
  readonly #returned: Int32Array;
  #returnedCount = 0;
  /** Slots from here on were never used. */
  #untouched = 0;

  /** @throws {RangeError} `slotsMax` is not in 1 … SLOTS_MAX */
  constructor(slotsMax: number) {
    if (!Number.isInteger(slotsMax) || slotsMax < 1 || slotsMax > SLOTS_MAX) {
      throw new RangeError(`a pool has 1 to ${SLOTS_MAX} slots, not ${slotsMax}`);
    }
    this.slotCount = (slotsMax + 1) & ~1;
    this.bytes = new Uint8Array(this.slotCount * SLOT_BYTES);
    this.#references = new Uint16Array(this.slotCount);
    this.#returned = new Int32Array(this.slotCount);
  }

  /** Slots that `acquire` can still give out. */
  get freeSlots(): number {
    return this.#returnedCount + this.slotCount - this.#untouched;
  }

  /** Takes a slot with one reference; `NO_SLOT` (-1) if none is free. Its bytes are not cleared. */
  acquire(): Slot {
    let slot: Slot;
    if (this.#returnedCount > 0) slot = asSlot(this.#returned[--this.#returnedCount]);
    else if (this.#untouched < this.slotCount) slot = asSlot(this.#untouched++);
    else return NO_SLOT;
    this.#references[slot] = 1;
    return slot;
  }

  /** Adds a reference to a slot that is in use. */
  retain(slot: Slot): void {
    const references = this.#references[slot];
    if (!(references > 0 && references < REFERENCES_MAX)) this.#misused("retain", slot);
    this.#references[slot] = references + 1;
  }

  /** Gives one reference back; with the last one the slot is free. */
  release(slot: Slot): void {
    const references = this.#references[slot];
    if (!(references > 0)) this.#misused("release", slot);
    this.#references[slot] = references - 1;
    if (references === 1) this.#returned[this.#returnedCount++] = slot;
  }

  /** References to a slot; 0 if it is free. */
  referencesOf(slot: Slot): number {
    return this.#references[slot] ?? 0;
  }

  /** Index in `bytes` of a slot's first byte. */
  offsetOf(slot: Slot): number {
    return slot * SLOT_BYTES;
  }

  /** A reference counted wrongly would corrupt frames later and elsewhere: stop here instead. */
  #misused(call: string, slot: Slot): never {
    throw new RangeError(
      `${call} of slot ${slot}, which has ${this.referencesOf(slot)} references`,
    );
  }
}
