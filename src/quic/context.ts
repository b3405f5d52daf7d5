/**
 * What all QUIC objects of a process share: the bound library, the reactor, the buffer pool, and the
 * memory through which msquic and this program talk. Everything that a frame passes through is made
 * once, here.
 *
 * @module
 */

import { nativeMemory } from "../ffi/memory.ts";
import type { NativeMemory } from "../ffi/memory.ts";
import { QuicStatus } from "../ffi/msquic_constants.ts";
import { QUIC_BUFFER, QUIC_CONNECTION_EVENT, QUIC_STREAM_EVENT } from "../ffi/msquic_layout.ts";
import type { MsQuicSymbols } from "../ffi/msquic.ts";
import { asSlot, type Slot } from "../proto/brands.ts";
import { HEADROOM_BYTES, NO_SLOT, SLOT_BYTES } from "../queue/buffer_pool.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { Reactor } from "../reactor/mod.ts";
import { DatagramLog } from "./datagram_log.ts";

/** Longest datagram that fits a slot behind its headroom. */
export const DATAGRAM_BYTES_MAX = SLOT_BYTES - HEADROOM_BYTES;

/** Most datagrams that are given to msquic by one call. */
export const SEND_BATCH_MAX = 64;

/**
 * Marks a datagram of a batch that goes ahead, beside its slot's number (patch 0061): the sign, as here these are signed
 * numbers.
 */
const AHEAD = 0x8000_0000 | 0;
const SLOT_MASK = 0x7fff_ffff;

/** Most connections, and most streams, at a time. */
const HANDLES_MAX = 65_536;

const CLIENT_CONTEXT_OFFSET = BigInt(QUIC_CONNECTION_EVENT.fields.clientContext.offset);

/** An object that msquic's events are handed to. */
export interface EventTarget {
  /** A datagram came by the log, with the reference to its slot. */
  datagramReceived?(slot: Slot, length: number): void;
  /** A datagram's flight ended by the log; `context` is what it was sent with. */
  datagramSent?(context: number): void;
  /**
   * Handles an event that was copied to the context's scratch memory. Must read what it needs
   * before it calls anything that can bring in another event.
   * @param event the event's own address, for members that are written back
   * @returns a `QUIC_STATUS`
   */
  handleEvent(event: bigint): number;
}

/**
 * Objects by small numbers, which msquic keeps as their callback context. A number is used again
 * only after the object is closed.
 */
export class TargetTable {
  readonly #targets: (EventTarget | undefined)[] = [];
  readonly #free: number[] = [];
  #size = 0;

  /** Objects in the table. */
  get size(): number {
    return this.#size;
  }

  /** Whether `add` would fail. */
  get isFull(): boolean {
    return this.#size >= HANDLES_MAX;
  }

  /**
   * Puts an object in and returns its number.
   *
   * @throws {RangeError} if the table is full
   */
  add(target: EventTarget): number {
    if (this.isFull) throw new RangeError("too many QUIC objects");
    const id = this.#free.pop() ?? this.#targets.length;
    this.#targets[id] = target;
    this.#size++;
    return id;
  }

  get(id: number): EventTarget | undefined {
    return this.#targets[id];
  }

  remove(id: number): void {
    if (this.#targets[id] === undefined) return;
    this.#targets[id] = undefined;
    this.#free.push(id);
    this.#size--;
  }

  /** All objects, in a copy. */
  all(): EventTarget[] {
    return this.#targets.filter((target) => target !== undefined);
  }
}

/**
 * How msquic's callbacks are received. The context is one of a table's small numbers, and the
 * handle is not needed: as 32-bit numbers they cost less than pointer objects.
 */
const CALLBACK = {
  parameters: ["u32", /* Handle */ "u32", /* Context */ "usize" /* Event */],
  result: "u32",
} as const satisfies Deno.UnsafeCallbackDefinition;

type EventCallback = Deno.UnsafeCallback<typeof CALLBACK>;

/** Datagrams that could not be handed on, and what msquic was asked to do. */
export interface QuicCounters {
  /** Received, but no slot was free in the pool. */
  droppedNoSlot: number;
  /** Received, but longer than a slot. */
  droppedTooLong: number;
  /** Given to msquic and not sent: the connection ended first, or its maximum shrank. */
  droppedCanceled: number;
}

/** See the module's comment. */
export class QuicContext {
  readonly quic: MsQuicSymbols;
  readonly memory: NativeMemory = nativeMemory();
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  readonly counters: QuicCounters = { droppedNoSlot: 0, droppedTooLong: 0, droppedCanceled: 0 };
  readonly connections = new TargetTable();
  readonly streams = new TargetTable();
  readonly listeners = new TargetTable();
  /** `QUIC_REGISTRATION *`. */
  registration: Deno.PointerValue = null;

  /** Scratch: the connection event at hand, as 32- and 64-bit words. */
  readonly connectionEvent32: Uint32Array<ArrayBuffer>;
  readonly connectionEvent64: BigUint64Array<ArrayBuffer>;
  /** Scratch: the stream event at hand. */
  readonly streamEvent32: Uint32Array<ArrayBuffer>;
  readonly streamEvent64: BigUint64Array<ArrayBuffer>;
  /** Scratch: one `QUIC_BUFFER`. */
  readonly buffer32: Uint32Array<ArrayBuffer>;
  readonly buffer64: BigUint64Array<ArrayBuffer>;

  readonly connectionCallback: EventCallback;
  readonly streamCallback: EventCallback;
  readonly listenerCallback: EventCallback;

  /** Byte counts as bigints, which a `usize` parameter takes without allocating. */
  readonly #lengths: bigint[] = [];
  /** `QUIC_BUFFER`s by slot: what a datagram in flight is read from. */
  readonly #descriptors: Uint32Array<ArrayBuffer>;
  /** Sends in flight by slot: several connections may send the same slot. */
  readonly #sends: Uint16Array;
  readonly #slabAddress: number;
  readonly #descriptorsPointer: Deno.PointerValue;
  /** Slots that wait to be given to msquic by one call, all for one connection. */
  readonly #batch = new Int32Array(SEND_BATCH_MAX);
  readonly #batchPointer: Deno.PointerValue = Deno.UnsafePointer.of(this.#batch);
  #batched = 0;
  readonly #receivePointers: Deno.PointerObject[] = [];
  readonly #nothing = new BigUint64Array(1);
  readonly #datagrams: DatagramLog;
  /** What a handler threw inside a callback of msquic's, to be thrown again outside. */
  #failure: { error: unknown } | undefined;

  constructor(quic: MsQuicSymbols, reactor: Reactor, pool: BufferPool) {
    this.quic = quic;
    this.reactor = reactor;
    this.pool = pool;
    const connectionEvent = new ArrayBuffer(QUIC_CONNECTION_EVENT.sizeBytes);
    this.connectionEvent32 = new Uint32Array(connectionEvent);
    this.connectionEvent64 = new BigUint64Array(connectionEvent);
    const streamEvent = new ArrayBuffer(QUIC_STREAM_EVENT.sizeBytes);
    this.streamEvent32 = new Uint32Array(streamEvent);
    this.streamEvent64 = new BigUint64Array(streamEvent);
    const buffer = new ArrayBuffer(QUIC_BUFFER.sizeBytes);
    this.buffer32 = new Uint32Array(buffer);
    this.buffer64 = new BigUint64Array(buffer);
    for (let bytes = 0; bytes <= DATAGRAM_BYTES_MAX; bytes++) this.#lengths.push(BigInt(bytes));
    this.#descriptors = new Uint32Array(pool.slotCount * QUIC_BUFFER.sizeBytes / 4);
    this.#descriptorsPointer = Deno.UnsafePointer.of(this.#descriptors);
    this.#sends = new Uint16Array(pool.slotCount);
    this.#slabAddress = Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(pool.bytes)));
    this.#datagrams = new DatagramLog(quic, pool, {
      received: (id, slot, length) => {
        const target = this.connections.get(id);
        if (target?.datagramReceived === undefined) pool.release(slot);
        else target.datagramReceived(slot, length);
      },
      sent: (id, context) => this.connections.get(id)?.datagramSent?.(context),
    });
    this.connectionCallback = this.#callback(
      this.connections,
      this.connectionEvent32,
      QUIC_CONNECTION_EVENT.sizeBytes,
      QuicStatus.SUCCESS,
    );
    this.streamCallback = this.#callback(
      this.streams,
      this.streamEvent32,
      QUIC_STREAM_EVENT.sizeBytes,
      QuicStatus.SUCCESS,
    );
    // A connection that could not be handed over must not be taken.
    const refused = QuicStatus.INTERNAL_ERROR;
    this.listenerCallback = this.#callback(this.listeners, this.buffer32, 0, refused);
  }

  /** A callback that finds the object by its number and hands it the event, copied to scratch. */
  #callback(
    targets: TargetTable,
    scratch: Uint32Array<ArrayBuffer>,
    sizeBytes: number,
    failureStatus: number,
  ): EventCallback {
    const size = BigInt(sizeBytes);
    const memcpy = this.memory.memcpy;
    return new Deno.UnsafeCallback(
      CALLBACK,
      (_handle: number, id: number, event: bigint): number => {
        try {
          this.#datagrams.drain();
          const target = targets.get(id);
          if (target === undefined) return 0;
          memcpy(scratch, event, size);
          return target.handleEvent(event);
        } catch (error) {
          this.fail(error);
          return failureStatus;
        }
      },
    );
  }

  /** Keeps what a handler threw inside a callback: nothing may be thrown through C. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Slots of the pool that msquic may copy datagrams to. */
  get slotsInHand(): number {
    return this.#datagrams.slotsInHand;
  }

  /** Datagrams in the log that were not handed on yet. */
  get datagramsLogged(): number {
    return this.#datagrams.waiting;
  }

  /** Hands on what msquic has written to the log of datagrams. */
  drainDatagrams(): void {
    this.#datagrams.drain();
  }

  /** No datagram is written to this program's memory any more; msquic may still call back. */
  endDatagrams(): void {
    this.#datagrams.close();
  }

  /** Throws what a handler threw inside a callback. */
  rethrow(): void {
    if (this.#failure === undefined) return;
    const { error } = this.#failure;
    this.#failure = undefined;
    throw error;
  }

  /** The number `id` as a context pointer. */
  contextPointer(id: number): Deno.PointerValue {
    return Deno.UnsafePointer.create(BigInt(id));
  }

  /**
   * Copies the datagram that `connectionEvent64` points at into a slot, behind its headroom.
   * Returns the slot, or `NO_SLOT` and counts why; its length is in `buffer32[0]`.
   */
  receiveDatagram(): Slot {
    this.memory.memcpy(this.buffer32, this.connectionEvent64[1], 16n);
    const length = this.buffer32[0];
    if (length > DATAGRAM_BYTES_MAX) {
      this.counters.droppedTooLong++;
      return NO_SLOT;
    }
    const slot = this.pool.acquire();
    if (slot < 0) {
      this.counters.droppedNoSlot++;
      return NO_SLOT;
    }
    const target = this.#receivePointers[slot] ?? this.#makePointers(slot);
    this.memory.memcpyToPointer(target, this.buffer64[1], this.#lengths[length]);
    return slot;
  }

  /** Datagrams in the batch at hand. */
  get batched(): number {
    return this.#batched;
  }

  /**
   * Puts a datagram in the batch at hand, which has room for `SEND_BATCH_MAX`. Nothing else may happen
   * between the first datagram of a batch and `sendBatch`.
   *
   * @param isAhead whether msquic sends it before what it holds that is not
   * @param offset index in the pool's bytes; while a slot is in flight, offset and length are the
   * same for all its connections (one descriptor stands for all of them)
   */
  addToBatch(slot: Slot, offset: number, length: number, isAhead: boolean): void {
    if (this.#batched === SEND_BATCH_MAX) throw new RangeError("the batch is full");
    const address = this.#slabAddress + offset;
    const low = address >>> 0;
    const at = slot * 4;
    if (this.#sends[slot] === 0) {
      this.#descriptors[at] = length;
      this.#descriptors[at + 2] = low;
      this.#descriptors[at + 3] = (address / 4_294_967_296) >>> 0;
    } else if (this.#descriptors[at] !== length || this.#descriptors[at + 2] !== low) {
      throw new RangeError(`slot ${slot} is in flight with another offset or length`);
    }
    this.#sends[slot]++;
    this.#batch[this.#batched++] = isAhead ? slot | AHEAD : slot;
  }

  /**
   * Gives the batch to msquic, which reads each datagram from its slot until it reports it as sent.
   * What msquic refuses is given up, and its slot released.
   *
   * @param refused is told of each datagram that was refused, by the context that it would have been sent with
   */
  sendBatch(connection: Deno.PointerObject, refused: (context: number) => void): void {
    const batch = this.#batch;
    while (this.#batched > 0) {
      const count = this.#batched;
      const taken = this.quic.MsQuicDatagramSendMany(
        connection,
        this.#descriptorsPointer,
        this.#batchPointer,
        count,
      );
      this.#batched = 0;
      if (taken === count) return;
      refused(batch[taken] + 1);
      // What comes behind the one that was refused gets its own chance.
      batch.copyWithin(0, taken + 1, count);
      this.#batched = count - taken - 1;
    }
  }

  /**
   * Clears the context of the datagram that was sent: what becomes of it later is of no interest.
   * (With the project's patch msquic does not even report it.)
   */
  endDatagramEvents(event: bigint): void {
    this.memory.memcpyToAddress(event + CLIENT_CONTEXT_OFFSET, this.#nothing, 8n);
  }

  /** Whether the datagram that was sent with this context went ahead. */
  wasAhead(context: number): boolean {
    return context < 0;
  }

  /** Ends a datagram's flight on one connection, by the context that it was sent with; returns its length. */
  finishDatagram(context: number): number {
    const slot = asSlot((context - 1) & SLOT_MASK);
    this.#sends[slot]--;
    const length = this.#descriptors[slot * 4];
    this.pool.release(slot);
    return length;
  }

  #makePointers(slot: Slot): Deno.PointerObject {
    const create = (address: number) =>
      Deno.UnsafePointer.create(BigInt(address)) as Deno.PointerObject;
    return this.#receivePointers[slot] = create(
      this.#slabAddress + this.pool.offsetOf(slot) + HEADROOM_BYTES,
    );
  }

  /** Closes the callbacks; nothing may call them any more. */
  close(): void {
    this.connectionCallback.close();
    this.streamCallback.close();
    this.listenerCallback.close();
  }
}
