/**
 * The reactor on Linux: one epoll.
 *
 * A turn of the loop is
 *
 * ```text
 *  rounds: poller.poll(), every worker.work()     until neither has anything left, ≤ 16 times
 *  wait:   epoll_wait(0 if something is left, else until the next deadline, ≤ 20 ms)
 *  events: ours go to their source's handler, the others to the poller
 *  yield:  each 20 ms one turn of the runtime's event loop (timers), each 100 ms so many that it
 *          sees what has come to it (signals, HTTP)
 * ```
 *
 * The wait blocks the thread: `await` on a non-blocking call would cost several hundred
 * microseconds per wake-up.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import {
  checkCall,
  closeFd,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_EVENT,
  EpollEvent,
  EpollOperation,
  Errno,
  errno,
  EVENTFD_BYTES,
  libc,
  SystemCallError,
} from "../ffi/libc.ts";
import type { Libc } from "../ffi/libc.ts";
import { Struct } from "../ffi/layout.ts";
import type {
  CompletionSource,
  Poller,
  Reactor,
  ReactorCounters,
  Source,
  SourceHandler,
  TerminationSignal,
  Worker,
} from "./reactor.ts";

/** Longest time without a turn of the runtime's event loop, asleep or busy. */
export const SLICE_MS = 20;
/** The same while the reactor attends to the runtime's event loop. */
const ATTENTIVE_SLICE_MS = 1;
/**
 * While it has something of its own to do, the runtime looks for what its sockets, signals and threads
 * have only every 61st turn (the default `event_interval` of tokio): so now and then it gets so many.
 */
const FULL_YIELD_TURNS = 64;
/** How often that is, always and while the reactor attends to the runtime. They last some 0.2 ms. */
const FULL_YIELD_INTERVAL_MS = 100;
const ATTENTIVE_FULL_YIELD_INTERVAL_MS = 4;
/** Events taken by one wait. */
const EVENTS_MAX = 64;
/** Rounds of poller and workers before the descriptors get their chance. */
const ROUNDS_MAX = 16;
/** Watched descriptors. */
const SOURCES_MAX = 4096;

class EpollSource implements Source {
  readonly fd: number;
  readonly handler: SourceHandler;
  readonly index: number;
  #reactor: EpollReactor | undefined;

  constructor(reactor: EpollReactor, fd: number, index: number, handler: SourceHandler) {
    this.#reactor = reactor;
    this.fd = fd;
    this.index = index;
    this.handler = handler;
  }

  watchWritable(on: boolean): void {
    this.#reactor?.control(EpollOperation.modify, this, on);
  }

  remove(): void {
    this.#reactor?.removeSource(this);
    this.#reactor = undefined;
  }
}

/** See {@linkcode Reactor}. */
export class EpollReactor implements Reactor {
  readonly queueFd: number;
  readonly counters: ReactorCounters = { turns: 0, sleeps: 0, events: 0, yields: 0 };
  /** An eventfd: eight bytes written to it by another thread wake this one. */
  readonly wakeFd: number;
  readonly #libc: Libc = libc();
  /** Source i is registered with event data i + 1, its generation in the upper half being 0. */
  readonly #sources: (EpollSource | undefined)[] = [];
  readonly #freeIndices: number[] = [];
  /** Indices that become free at the end of the batch, so that no stale event meets a new source. */
  readonly #retiredIndices: number[] = [];
  /** A worker that was removed leaves a hole until the turn is over, so that none is skipped. */
  #workers: (Worker | undefined)[] = [];
  readonly #events: Uint8Array<ArrayBuffer>;
  readonly #eventsView: DataView;
  readonly #eventPointers: Deno.PointerObject[] = [];
  readonly #controlEvent = new Struct(EPOLL_EVENT);
  readonly #signals: { signal: TerminationSignal; listener: () => void }[] = [];
  readonly #yield = (resolve: () => void): void => {
    setImmediate(resolve);
  };
  #poller: Poller | undefined;
  #workersRemoved = false;
  #woken = false;
  #running = false;
  #stopping = false;
  #attendUntilMs = 0;

  constructor() {
    this.queueFd = checkCall("epoll_create1", this.#libc.epoll_create1(EPOLL_CLOEXEC));
    this.#events = new Uint8Array(EPOLL_EVENT.sizeBytes * EVENTS_MAX);
    this.#eventsView = new DataView(this.#events.buffer);
    for (let i = 0; i < EVENTS_MAX; i++) {
      const pointer = Deno.UnsafePointer.of(this.#events.subarray(i * EPOLL_EVENT.sizeBytes));
      this.#eventPointers.push(pointer as Deno.PointerObject);
    }
    this.wakeFd = checkCall("eventfd", this.#libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const counter = new Uint8Array(EVENTFD_BYTES);
    this.addFd(this.wakeFd, {
      readable: () => {
        this.#libc.read(this.wakeFd, counter, BigInt(EVENTFD_BYTES));
        this.#woken = true;
        return false;
      },
    });
  }

  now(): number {
    return performance.now();
  }

  addFd(fd: number, handler: SourceHandler): Source {
    const index = this.#freeIndices.pop() ?? this.#sources.length;
    if (index >= SOURCES_MAX) throw new RangeError("too many watched descriptors");
    const source = new EpollSource(this, fd, index, handler);
    this.control(EpollOperation.add, source, false);
    this.#sources[index] = source;
    return source;
  }

  addHandle(): CompletionSource {
    throw new Deno.errors.NotSupported("an epoll takes descriptors, not handles");
  }

  /** Adds or modifies the registration of a source. Internal to the reactor. */
  control(operation: number, source: EpollSource, writable: boolean): void {
    const interest = (source.handler.readable === undefined ? 0 : EpollEvent.in) |
      (writable ? EpollEvent.out : 0);
    this.#controlEvent.setNumber("events", interest).setNumber("data", source.index + 1);
    checkCall(
      "epoll_ctl",
      this.#libc.epoll_ctl(this.queueFd, operation, source.fd, this.#controlEvent.bytes),
    );
  }

  /** Takes a source out. Internal to the reactor. */
  removeSource(source: EpollSource): void {
    // The descriptor may be closed already, and has left the epoll by that.
    this.#libc.epoll_ctl(
      this.queueFd,
      EpollOperation.delete,
      source.fd,
      this.#controlEvent.bytes,
    );
    this.#sources[source.index] = undefined;
    this.#retiredIndices.push(source.index);
  }

  setPoller(poller: Poller): () => void {
    if (this.#poller !== undefined) throw new Error("the reactor has a poller already");
    this.#poller = poller;
    return () => {
      if (this.#poller === poller) this.#poller = undefined;
    };
  }

  addWorker(worker: Worker): () => void {
    this.#workers.push(worker);
    this.#woken = true;
    return () => {
      const index = this.#workers.indexOf(worker);
      if (index < 0) return;
      this.#workers[index] = undefined;
      this.#workersRemoved = true;
    };
  }

  onSignal(
    signals: readonly TerminationSignal[],
    handler: (signal: TerminationSignal) => void,
  ): void {
    for (const signal of signals) {
      const listener = () => {
        handler(signal);
        this.#woken = true;
      };
      Deno.addSignalListener(signal, listener);
      this.#signals.push({ signal, listener });
    }
  }

  wake(): void {
    this.#woken = true;
  }

  attend(durationMs: number): void {
    this.#attendUntilMs = Math.max(this.#attendUntilMs, this.now() + durationMs);
  }

  async run(): Promise<void> {
    if (this.#running) throw new Error("the reactor runs already");
    this.#running = true;
    this.#stopping = false;
    let yieldedMs = this.now();
    let fullyYieldedMs = yieldedMs;
    try {
      while (!this.#stopping) {
        const restMs = yieldedMs + this.#sliceMs() - this.now();
        this.turn(Math.max(0, restMs));
        if (this.now() >= yieldedMs + this.#sliceMs()) {
          this.counters.yields++;
          await new Promise<void>(this.#yield);
          yieldedMs = this.now();
          if (yieldedMs < fullyYieldedMs + this.#fullYieldIntervalMs()) continue;
          for (let i = 1; i < FULL_YIELD_TURNS; i++) await new Promise<void>(this.#yield);
          fullyYieldedMs = yieldedMs = this.now();
        }
      }
    } finally {
      this.#running = false;
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  close(): void {
    if (this.#running) throw new Error("the reactor is running");
    for (const { signal, listener } of this.#signals) Deno.removeSignalListener(signal, listener);
    this.#signals.length = 0;
    closeFd(this.wakeFd);
    closeFd(this.queueFd);
  }

  #sliceMs(): number {
    return this.now() < this.#attendUntilMs ? ATTENTIVE_SLICE_MS : SLICE_MS;
  }

  #fullYieldIntervalMs(): number {
    return this.now() < this.#attendUntilMs
      ? ATTENTIVE_FULL_YIELD_INTERVAL_MS
      : FULL_YIELD_INTERVAL_MS;
  }

  turn(waitMaxMs: number): void {
    this.counters.turns++;
    if (this.#workersRemoved) {
      this.#workersRemoved = false;
      this.#workers = this.#workers.filter((worker) => worker !== undefined);
    }
    const dueMs = this.#rounds();
    const timeoutMs = this.#stopping ? 0 : Math.max(0, Math.ceil(Math.min(dueMs, waitMaxMs)));
    if (timeoutMs > 0) this.counters.sleeps++;
    const count = this.#libc.epoll_wait(this.queueFd, this.#events, EVENTS_MAX, timeoutMs);
    if (count > 0) this.#dispatch(count);
    else if (count < 0) {
      const code = errno();
      if (code !== Errno.EINTR) throw new SystemCallError("epoll_wait", code);
    }
  }

  /** Runs poller and workers; returns ms until something is due, 0 if work is left. */
  #rounds(): number {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.#woken = false;
      const pollMs = this.#poller === undefined ? Infinity : this.#poller.poll();
      const nowMs = this.now();
      let more = false;
      for (let i = 0; i < this.#workers.length; i++) {
        if (this.#workers[i]?.work(nowMs)) more = true;
      }
      if (!more && !this.#woken && pollMs > 0) {
        let waitMs = pollMs;
        for (let i = 0; i < this.#workers.length; i++) {
          const worker = this.#workers[i];
          if (worker !== undefined) waitMs = Math.min(waitMs, worker.nextDeadlineMs(nowMs) - nowMs);
        }
        return waitMs;
      }
    }
    return 0;
  }

  #dispatch(count: number): void {
    this.counters.events += count;
    const nowMs = this.now();
    for (let i = 0; i < count; i++) {
      const offset = i * EPOLL_EVENT.sizeBytes;
      const dataOffset = offset + EPOLL_EVENT.fields.data.offset;
      if (this.#eventsView.getUint32(dataOffset + 4, true) !== 0) {
        this.#poller?.complete(
          this.#eventPointers[i],
          this.#eventsView.getBigUint64(dataOffset, true),
        );
        continue;
      }
      const index = this.#eventsView.getUint32(dataOffset, true) - 1;
      const source = this.#sources[index];
      if (source === undefined) continue;
      const events = this.#eventsView.getUint32(offset, true);
      if ((events & EpollEvent.out) !== 0) source.handler.writable?.(nowMs);
      if ((events & ~EpollEvent.out) !== 0 && this.#sources[index] === source) {
        if (source.handler.readable?.(nowMs)) this.#woken = true;
      }
    }
    while (this.#retiredIndices.length > 0) {
      this.#freeIndices.push(this.#retiredIndices.pop() as number);
    }
  }
}
