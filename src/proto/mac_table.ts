/**
 * A table from MAC addresses to small numbers, looked up once or twice per frame.
 *
 * Open addressing with linear probing over typed arrays, at most half full: neither a look-up nor a
 * change allocates, and keys are never made into strings or 48-bit numbers.
 *
 * @module
 */

import { formatMac, MAC_BYTES } from "./mac.ts";

/** Most entries that a table can be made for. */
export const MAC_TABLE_ENTRIES_MAX = 1 << 20;

/** MAC addresses with a number ≥ 0 each. */
export class MacTable {
  /** Entries that the table holds at most. */
  readonly entriesMax: number;

  readonly #mask: number;
  /** The first two bytes of each key, and its last four. */
  readonly #high: Uint16Array;
  readonly #low: Uint32Array;
  /** The values; -1 marks a free place. */
  readonly #values: Int32Array;
  #size = 0;

  /** @throws {RangeError} `entriesMax` is not in 1 … MAC_TABLE_ENTRIES_MAX */
  constructor(entriesMax: number) {
    if (!Number.isInteger(entriesMax) || entriesMax < 1 || entriesMax > MAC_TABLE_ENTRIES_MAX) {
      throw new RangeError(`a table of ${entriesMax} MAC addresses cannot be made`);
    }
    this.entriesMax = entriesMax;
    let places = 8;
    while (places < 2 * entriesMax) places *= 2;
    this.#mask = places - 1;
    this.#high = new Uint16Array(places);
    this.#low = new Uint32Array(places);
    this.#values = new Int32Array(places).fill(-1);
  }

  /** Entries that are there. */
  get size(): number {
    return this.#size;
  }

  /** The value of the address at `bytes[offset]`, or -1. */
  get(bytes: Uint8Array, offset: number): number {
    return this.#values[this.#find(highOf(bytes, offset), lowOf(bytes, offset))];
  }

  /**
   * Sets the value of an address, new or known. False: it is new and the table is full.
   *
   * @throws {RangeError} the value is not in 0 … 2^31 - 1
   */
  set(bytes: Uint8Array, offset: number, value: number): boolean {
    if (value !== (value | 0) || value < 0) throw new RangeError(`no value of a table: ${value}`);
    const high = highOf(bytes, offset);
    const low = lowOf(bytes, offset);
    const place = this.#find(high, low);
    if (this.#values[place] < 0) {
      if (this.#size === this.entriesMax) return false;
      this.#size++;
      this.#high[place] = high;
      this.#low[place] = low;
    }
    this.#values[place] = value;
    return true;
  }

  /** Takes an address out. False: it was not there. */
  delete(bytes: Uint8Array, offset: number): boolean {
    let hole = this.#find(highOf(bytes, offset), lowOf(bytes, offset));
    if (this.#values[hole] < 0) return false;
    // What follows in the run moves up if it may, so that no look-up ends at the hole.
    const mask = this.#mask;
    for (let at = (hole + 1) & mask; this.#values[at] >= 0; at = (at + 1) & mask) {
      const home = hashOf(this.#high[at], this.#low[at]) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#high[hole] = this.#high[at];
      this.#low[hole] = this.#low[at];
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#values[hole] = -1;
    this.#size--;
    return true;
  }

  /** Takes everything out. */
  clear(): void {
    this.#values.fill(-1);
    this.#size = 0;
  }

  /** Calls back with each address and value, in no particular order. Not for the frame path. */
  forEach(callback: (mac: string, value: number) => void): void {
    const key = new Uint8Array(MAC_BYTES);
    const view = new DataView(key.buffer);
    for (let at = 0; at <= this.#mask; at++) {
      if (this.#values[at] < 0) continue;
      view.setUint16(0, this.#high[at]);
      view.setUint32(2, this.#low[at]);
      callback(formatMac(key), this.#values[at]);
    }
  }

  /** Where the key is, or the free place where it would go. */
  #find(high: number, low: number): number {
    const mask = this.#mask;
    let at = hashOf(high, low) & mask;
    while (this.#values[at] >= 0 && (this.#low[at] !== low || this.#high[at] !== high)) {
      at = (at + 1) & mask;
    }
    return at;
  }
}

function highOf(bytes: Uint8Array, offset: number): number {
  return bytes[offset] << 8 | bytes[offset + 1];
}

function lowOf(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 2] << 24 | bytes[offset + 3] << 16 | bytes[offset + 4] << 8 |
    bytes[offset + 5]) >>> 0;
}

/** Multiply and fold, twice: vendors count upwards in the last bytes and differ in the first. */
function hashOf(high: number, low: number): number {
  let hash = Math.imul(low ^ high << 7, 0x9e37_79b1);
  hash = Math.imul(hash ^ hash >>> 15 ^ high, 0x85eb_ca6b);
  return hash ^ hash >>> 13;
}
