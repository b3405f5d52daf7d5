/**
 * Where msquic writes datagrams that came and datagrams that were sent, instead of one callback for each
 * (patch 0005): a callback costs more than all of msquic's work for a small datagram.
 *
 * ```
 *  poll ─► msquic copies datagrams to free slots, and writes entries ─► drain ─► connections
 * ```
 *
 * It is read after each poll and at the start of each callback, so the order of all events stays. When
 * it is full, or no slot is free, msquic calls back as it did.
 *
 * @module
 */

import type { MsQuicSymbols } from "../ffi/msquic.ts";
import { asSlot, type Slot } from "../proto/brands.ts";
import { type BufferPool, HEADROOM_BYTES, SLOT_BYTES } from "../queue/buffer_pool.ts";

/** Entries between two readings; each is four words: context, kind, value, length. */
const ENTRIES_MAX = 2048;
const ENTRY_WORDS = 4;
/** Slots that msquic has in hand, to copy datagrams to. */
const SLOTS_MAX = 256;

/** `QUIC_DATAGRAM_LOG`, in words. */
const LOG_WORDS = 12;
const COUNT = 0;
const COUNT_MAX = 1;
const FREE_COUNT = 2;
const SLOT_BYTES_WORD = 3;
const HEADROOM_WORD = 4;
const ENTRIES_POINTER = 3;
const FREE_POINTER = 4;
const SLAB_POINTER = 5;

const KIND_RECEIVED = 1;

/** Takes what the log holds. */
export interface DatagramLogReader {
  /** A datagram that came on a connection, with the reference to its slot. */
  received(connection: number, slot: Slot, length: number): void;
  /** A datagram that was sent; `context` is what it was sent with. */
  sent(connection: number, context: number): void;
}

/** See the module's comment. */
export class DatagramLog {
  readonly #quic: MsQuicSymbols;
  readonly #pool: BufferPool;
  readonly #reader: DatagramLogReader;
  readonly #log: Uint32Array<ArrayBuffer>;
  /** Signed, as contexts use all 32 bits: an unsigned number that is too large for 31 is an object. */
  readonly #entries = new Int32Array(ENTRIES_MAX * ENTRY_WORDS);
  readonly #freeSlots = new Uint32Array(SLOTS_MAX);
  /** The next entry to be read. */
  #next = 0;
  #open: boolean;

  constructor(quic: MsQuicSymbols, pool: BufferPool, reader: DatagramLogReader) {
    this.#quic = quic;
    this.#pool = pool;
    this.#reader = reader;
    // The memory stays where it is: buffers of this length do not lie in the collector's heap.
    const buffer = new ArrayBuffer(Math.max(128, LOG_WORDS * 4));
    this.#log = new Uint32Array(buffer);
    this.#log[COUNT_MAX] = ENTRIES_MAX;
    this.#log[SLOT_BYTES_WORD] = SLOT_BYTES;
    this.#log[HEADROOM_WORD] = HEADROOM_BYTES;
    const pointers = new BigUint64Array(buffer, 0, LOG_WORDS / 2);
    pointers[ENTRIES_POINTER] = addressOf(this.#entries);
    pointers[FREE_POINTER] = addressOf(this.#freeSlots);
    pointers[SLAB_POINTER] = addressOf(pool.bytes);
    // A library that is loaded twice by its path has one log.
    this.#open = quic.MsQuicDatagramLog(this.#log) !== 0;
    this.#refill();
  }

  /** Slots of the pool that msquic may copy datagrams to. */
  get slotsInHand(): number {
    return this.#log[FREE_COUNT];
  }

  /** Entries that were written since the last time. */
  get waiting(): number {
    return this.#log[COUNT];
  }

  /** Hands everything on that was written since the last time. */
  drain(): void {
    const log = this.#log;
    if (log[COUNT] === 0) return;
    const entries = this.#entries;
    // What is called here may bring in a callback, which drains what is left.
    while (this.#next < log[COUNT]) {
      const at = this.#next++ * ENTRY_WORDS;
      if (entries[at + 1] === KIND_RECEIVED) {
        this.#reader.received(entries[at], asSlot(entries[at + 2]), entries[at + 3]);
      } else this.#reader.sent(entries[at], entries[at + 2]);
    }
    this.#next = 0;
    log[COUNT] = 0;
    this.#refill();
  }

  /** Ends the writing, and gives the slots back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#quic.MsQuicDatagramLog(null);
    const log = this.#log;
    while (log[FREE_COUNT] > 0) this.#pool.release(asSlot(this.#freeSlots[--log[FREE_COUNT]]));
  }

  #refill(): void {
    if (!this.#open) return;
    const log = this.#log;
    const wanted = Math.min(SLOTS_MAX, this.#pool.slotCount >> 3);
    while (log[FREE_COUNT] < wanted) {
      const slot = this.#pool.acquire();
      if (slot < 0) return;
      this.#freeSlots[log[FREE_COUNT]++] = slot;
    }
  }
}

function addressOf(
  bytes: Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
): bigint {
  return BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
}
