/**
 * A TAP-Windows6 adapter, opened: its frames come by overlapped reads, a few dozen outstanding, and
 * go by overlapped writes, on the reactor's completion port.
 *
 * The adapter itself is the driver's and stays when the program ends: its cable is plugged in while
 * it is open.
 *
 * @module
 */

import { nativeMemory } from "../ffi/memory.ts";
import {
  ntFailed,
  OVERLAPPED,
  WindowsConstant,
  windowsKernel,
  windowsNt,
} from "../ffi/windows_kernel.ts";
import { asSlot, type Slot } from "../proto/brands.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT, SLOT_BYTES } from "../queue/buffer_pool.ts";
import type { CompletionSource } from "../reactor/reactor.ts";
import {
  type AdapterDevice,
  LinkCounters,
  LinkError,
  LinkFrame,
  type LinkReactor,
  type LinkSink,
  type LinkState,
} from "./device.ts";
import type { TapAdapter } from "./tap_windows_adapters.ts";
import {
  type DriverVersion,
  openDevice,
  readMac,
  readMtu,
  readVersion,
  setMediaStatus,
} from "./tap_windows_driver.ts";

/** How an adapter is opened. */
export interface TapWindowsOptions {
  readonly adapter: TapAdapter;
  /** Where received frames are put: at the headroom of a slot. */
  readonly pool: BufferPool;
  /** The adapter's interface index, and how its MTU is set: the IP stack knows, the driver not. */
  readonly network: TapNetwork;
  readonly mtu: number;
}

/** What the IP stack knows of the adapter. */
export interface TapNetwork {
  readonly index: number;
  /** What cannot be set now, such as before the cable is in, is set when it can. Does not throw. */
  setMtu(mtu: number): void;
}

/** Reads that wait for frames at a time, and writes that the driver may still be at. */
const READS = 32;
const WRITES = 64;
const READ_BYTES_MAX = SLOT_BYTES - HEADROOM_BYTES;
const WRITE_BYTES_MAX = SLOT_BYTES;
const OVERLAPPED_WORDS = OVERLAPPED.sizeBytes >> 2;
const TWO_TO_32 = 4_294_967_296;

/** An open adapter. */
export class TapWindowsDevice implements AdapterDevice {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly counters = new LinkCounters();
  readonly driverVersion: DriverVersion;
  /** The MTU that the driver was configured with. */
  readonly driverMtu: number;

  readonly #handle: bigint;
  readonly #pool: BufferPool;
  readonly #network: TapNetwork;
  readonly #frame = new LinkFrame();
  /** Operations: first the reads, then the writes; an operation's number is its OVERLAPPED's. */
  readonly #overlapped = new Uint32Array((READS + WRITES) * OVERLAPPED_WORDS);
  readonly #overlappedAddress: number;
  readonly #overlappedPointers: Deno.PointerObject[] = [];
  readonly #readSlots = new Int32Array(READS).fill(NO_SLOT);
  readonly #slotPointers: (Deno.PointerObject | undefined)[] = [];
  readonly #writeSlab = new Uint8Array(WRITES * WRITE_BYTES_MAX);
  readonly #writePointers: Deno.PointerObject[] = [];
  readonly #freeWrites = new Int32Array(WRITES);
  #freeWriteCount = WRITES;
  /** Where a sent frame lies, for `memcpy`: an address in two halves, and lengths as bigints. */
  readonly #source = new BigUint64Array(1);
  readonly #sourceHalves = new Uint32Array(this.#source.buffer);
  #sourceBytes: Uint8Array = new Uint8Array(0);
  #sourceAddress = 0;
  readonly #lengths: bigint[] = [];
  readonly #start = new BigInt64Array(1);
  readonly #nt = windowsNt();
  readonly #memcpy = nativeMemory().memcpyToPointer;
  #mtu: number;
  #state: LinkState = "up";
  #sink: LinkSink | undefined;
  #completions: CompletionSource | undefined;
  #closed = false;

  /**
   * Opens the adapter's device and plugs its cable in.
   *
   * @throws {LinkError} `name-taken`: another program has it; `no-permission`; `no-such-interface`:
   *   it is disabled or gone
   */
  static open(options: TapWindowsOptions): TapWindowsDevice {
    const handle = openDevice(options.adapter);
    try {
      return new TapWindowsDevice(handle, options);
    } catch (error) {
      windowsKernel().CloseHandle(handle);
      throw error;
    }
  }

  /**
   * The MAC that the adapter has now: opens its device for a moment, which tells whether it is free.
   *
   * @throws {LinkError} as {@linkcode TapWindowsDevice.open}
   */
  static readMac(adapter: TapAdapter): Uint8Array {
    const handle = openDevice(adapter);
    try {
      return readMac(handle, adapter);
    } finally {
      windowsKernel().CloseHandle(handle);
    }
  }

  private constructor(handle: bigint, { adapter, pool, network, mtu }: TapWindowsOptions) {
    this.#handle = handle;
    this.name = adapter.name;
    this.index = network.index;
    this.#network = network;
    this.#pool = pool;
    this.mac = readMac(handle, adapter);
    this.driverVersion = readVersion(handle);
    this.driverMtu = readMtu(handle);
    this.#setNetworkMtu(mtu);
    this.#mtu = mtu;
    this.#overlappedAddress = addressOf(this.#overlapped);
    for (let i = 0; i < READS + WRITES; i++) {
      this.#overlappedPointers.push(pointerTo(this.#overlappedAddress + i * OVERLAPPED.sizeBytes));
    }
    const slab = addressOf(this.#writeSlab);
    for (let i = 0; i < WRITES; i++) {
      this.#writePointers.push(pointerTo(slab + i * WRITE_BYTES_MAX));
      this.#freeWrites[i] = i;
    }
    for (let length = 0; length <= WRITE_BYTES_MAX; length++) this.#lengths.push(BigInt(length));
    setMediaStatus(handle, true);
  }

  get mtu(): number {
    return this.#mtu;
  }

  get state(): LinkState {
    return this.#state;
  }

  start(reactor: LinkReactor, sink: LinkSink): void {
    if (this.#closed) throw new LinkError("closed", `TAP adapter "${this.name}" is closed`);
    if (this.#completions !== undefined) throw new Error("the TAP adapter was started already");
    this.#sink = sink;
    this.#completions = reactor.addHandle(this.#handle, {
      completed: (overlapped, bytes) => this.#completed(overlapped, bytes),
    });
    for (let read = 0; read < READS; read++) {
      const slot = this.#pool.acquire();
      if (slot === NO_SLOT) {
        if (read === 0) throw new RangeError("the buffer pool has no free slot");
        break;
      }
      this.#beginRead(read, slot);
    }
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    const { counters } = this;
    if (this.#closed) return false;
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new RangeError("frame outside its buffer");
    }
    if (length > WRITE_BYTES_MAX) {
      counters.sendTooLong++;
      return false;
    }
    if (this.#state !== "up") {
      counters.sendDown++;
      return false;
    }
    if (this.#freeWriteCount === 0) {
      counters.sendFull++;
      return false;
    }
    const write = this.#freeWrites[--this.#freeWriteCount];
    this.#copyToWrite(write, bytes, offset, length);
    return this.#beginWrite(write, length);
  }

  setMtu(mtu: number): void {
    if (mtu === this.#mtu) return;
    this.#setNetworkMtu(mtu);
    this.#mtu = mtu;
  }

  checkState(): LinkState {
    return this.#state;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The completions of what is cancelled still come: they give their slots back. Until then the
    // reactor holds the handler, and with it the memory that the operations use.
    windowsKernel().CancelIoEx(this.#handle, null);
    if (this.#state === "up") setMediaStatus(this.#handle, false);
    windowsKernel().CloseHandle(this.#handle);
  }

  /** A driver that was configured with a smaller MTU keeps it: the IP stack refuses a larger one. */
  #setNetworkMtu(mtu: number): void {
    this.#network.setMtu(Math.min(mtu, this.driverMtu));
  }

  #copyToWrite(write: number, bytes: Uint8Array, offset: number, length: number): void {
    if (bytes !== this.#sourceBytes) {
      this.#sourceBytes = bytes;
      this.#sourceAddress = addressOf(bytes);
    }
    const address = this.#sourceAddress + offset;
    this.#sourceHalves[0] = address % TWO_TO_32;
    this.#sourceHalves[1] = Math.floor(address / TWO_TO_32);
    this.#memcpy(this.#writePointers[write], this.#source[0], this.#lengths[length]);
  }

  #beginWrite(write: number, length: number): boolean {
    const overlapped = this.#overlappedPointers[READS + write];
    const status = this.#nt.NtWriteFile(
      this.#handle,
      0n,
      null,
      overlapped,
      overlapped,
      this.#writePointers[write],
      length,
      this.#start,
      null,
    );
    if (ntFailed(status)) {
      this.#freeWrites[this.#freeWriteCount++] = write;
      this.counters.sendFailed++;
      return false;
    }
    this.counters.framesSent++;
    this.counters.bytesSent += length;
    return true;
  }

  #beginRead(read: number, slot: Slot): void {
    const overlapped = this.#overlappedPointers[read];
    const status = this.#nt.NtReadFile(
      this.#handle,
      0n,
      null,
      overlapped,
      overlapped,
      this.#slotPointers[slot] ?? this.#makeSlotPointer(slot),
      READ_BYTES_MAX,
      this.#start,
      null,
    );
    if (ntFailed(status)) {
      this.#pool.release(slot);
      this.#setState("gone");
      return;
    }
    this.#readSlots[read] = slot;
  }

  #completed(overlapped: number, bytes: number): void {
    const operation = (overlapped - this.#overlappedAddress) / OVERLAPPED.sizeBytes;
    const status = this.#overlapped[operation * OVERLAPPED_WORDS];
    if (operation >= READS) {
      this.#freeWrites[this.#freeWriteCount++] = operation - READS;
      if (status !== WindowsConstant.STATUS_SUCCESS) this.counters.sendFailed++;
      return;
    }
    const slot = asSlot(this.#readSlots[operation]);
    this.#readSlots[operation] = NO_SLOT;
    if (this.#closed) return this.#pool.release(slot);
    if (status === WindowsConstant.STATUS_BUFFER_OVERFLOW) {
      // The frame is longer than a slot, and lost: no reason to give the adapter up.
      this.counters.receivedTruncated++;
      return this.#beginRead(operation, slot);
    }
    if (status !== WindowsConstant.STATUS_SUCCESS) {
      this.#pool.release(slot);
      return this.#setState("gone");
    }
    this.#deliver(operation, slot, bytes);
  }

  /** Hands a frame on, and has the read wait for the next one. */
  #deliver(read: number, slot: Slot, length: number): void {
    this.counters.framesReceived++;
    this.counters.bytesReceived += length;
    const spare = this.#pool.acquire();
    if (spare === NO_SLOT) {
      // With an exhausted pool frames are still taken from the driver, and dropped.
      this.counters.receivedWithoutSlot++;
      return this.#beginRead(read, slot);
    }
    this.#beginRead(read, spare);
    const offset = this.#pool.offsetOf(slot) + HEADROOM_BYTES;
    this.#frame.set(this.#pool.bytes, offset, length, slot);
    this.#sink?.frame(this.#frame);
  }

  #makeSlotPointer(slot: Slot): Deno.PointerObject {
    const address = addressOf(this.#pool.bytes) + this.#pool.offsetOf(slot) + HEADROOM_BYTES;
    return this.#slotPointers[slot] = pointerTo(address);
  }

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sink?.state?.(state);
  }
}

function addressOf(memory: Uint8Array | Uint32Array): number {
  return Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(memory as BufferSource)));
}

function pointerTo(address: number): Deno.PointerObject {
  return Deno.UnsafePointer.create(BigInt(address)) as Deno.PointerObject;
}
