/**
 * Links in memory, for tests: two ends of a wire, driven by the same interface as real devices.
 *
 * @module
 */

import { type BufferPool, HEADROOM_BYTES, NO_SLOT } from "../queue/buffer_pool.ts";
import {
  LinkCounters,
  type LinkDevice,
  LinkError,
  LinkFrame,
  type LinkReactor,
  type LinkSink,
  type LinkState,
} from "./device.ts";

/** Frames that wait at one end; more are dropped and counted by the sender. */
const WAITING_MAX = 1024;

/** How one end of a memory wire is made. */
export interface MemoryLinkOptions {
  readonly name: string;
  /** 6 bytes. */
  readonly mac: Uint8Array;
  readonly mtu?: number;
  /** Delivers frames in slots, as a TAP device does; without it in memory of the link's own. */
  readonly pool?: BufferPool;
}

/** One end of a wire in memory. */
export class MemoryLink implements LinkDevice {
  readonly name: string;
  readonly index = 0;
  readonly mac: Uint8Array;
  readonly counters = new LinkCounters();

  readonly #pool: BufferPool | undefined;
  readonly #waiting: Uint8Array[] = [];
  readonly #frame = new LinkFrame();
  #peer: MemoryLink | undefined;
  #mtu: number;
  #state: LinkState = "up";
  #sink: LinkSink | undefined;
  #closed = false;

  /** Both ends of a wire. */
  static pair(near: MemoryLinkOptions, far: MemoryLinkOptions): [MemoryLink, MemoryLink] {
    const ends: [MemoryLink, MemoryLink] = [new MemoryLink(near), new MemoryLink(far)];
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  private constructor(options: MemoryLinkOptions) {
    this.name = options.name;
    this.mac = options.mac.slice();
    this.#mtu = options.mtu ?? 1500;
    this.#pool = options.pool;
  }

  get mtu(): number {
    return this.#mtu;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Frames that wait to be received. */
  get waitingFrames(): number {
    return this.#waiting.length;
  }

  /** Keeps the sink; frames are delivered when {@linkcode MemoryLink.receive} is called. */
  start(_reactor: LinkReactor | undefined, sink: LinkSink): void {
    if (this.#closed) throw new LinkError("closed", `memory link "${this.name}" is closed`);
    this.#sink = sink;
  }

  receive(framesMax: number, sink: LinkSink | undefined = this.#sink): boolean {
    for (let count = 0; count < framesMax; count++) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return false;
      this.counters.framesReceived++;
      this.counters.bytesReceived += bytes.length;
      if (sink !== undefined) this.#deliver(bytes, sink);
    }
    return this.#waiting.length > 0;
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    const peer = this.#peer;
    if (this.#closed || peer === undefined || this.#state !== "up" || peer.#closed) {
      this.counters.sendDown++;
      return false;
    }
    if (peer.#waiting.length >= WAITING_MAX) {
      this.counters.sendFull++;
      return false;
    }
    peer.#waiting.push(bytes.slice(offset, offset + length));
    this.counters.framesSent++;
    this.counters.bytesSent += length;
    return true;
  }

  checkState(): LinkState {
    return this.#state;
  }

  /** Plugs the cable in or out, for tests. */
  setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sink?.state?.(state);
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
  }

  #deliver(bytes: Uint8Array, sink: LinkSink): void {
    const pool = this.#pool;
    if (pool === undefined) {
      this.#frame.set(bytes, 0, bytes.length, NO_SLOT);
    } else {
      const slot = pool.acquire();
      if (slot === NO_SLOT) {
        this.counters.receivedWithoutSlot++;
        return;
      }
      const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
      pool.bytes.set(bytes, offset);
      this.#frame.set(pool.bytes, offset, bytes.length, slot);
    }
    sink.frame(this.#frame);
  }
}
