/**
 * The reactor on Windows: one completion port.
 *
 * A turn is that of `epoll_reactor.ts`, but what comes out of the wait are completions: operations
 * that were begun earlier and have ended. msquic's own carry the key 0; a handle of ours carries its
 * number, and the address of the OVERLAPPED tells which operation it was.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import {
  INVALID_HANDLE,
  OVERLAPPED_ENTRY,
  setFineTimer,
  WindowsError,
  windowsKernel,
} from "../ffi/windows_kernel.ts";
import type {
  CompletionHandler,
  CompletionSource,
  Poller,
  Reactor,
  ReactorCounters,
  Source,
  TerminationSignal,
  Worker,
} from "./reactor.ts";

/** Longest time without a turn of the runtime's event loop, asleep or busy. */
const SLICE_MS = 20;
/** The same while the reactor attends to the runtime's event loop. */
const ATTENTIVE_SLICE_MS = 1;
/** Completions taken by one wait. */
const ENTRIES_MAX = 64;
/** Rounds of poller and workers before completions get their chance. */
const ROUNDS_MAX = 16;
/** Watched handles. */
const SOURCES_MAX = 1024;

const ENTRY_WORDS = OVERLAPPED_ENTRY.sizeBytes >> 2;
const OVERLAPPED_WORD = OVERLAPPED_ENTRY.fields.lpOverlapped.offset >> 2;
const BYTES_WORD = OVERLAPPED_ENTRY.fields.dwNumberOfBytesTransferred.offset >> 2;
const TWO_TO_32 = 4_294_967_296;

/** What a player's "stop" looks like on Windows: Ctrl-C, Ctrl-Break, or the window is closed. */
const SIGNALS: Readonly<Record<TerminationSignal, readonly Deno.Signal[]>> = {
  SIGINT: ["SIGINT"],
  SIGTERM: ["SIGBREAK", "SIGHUP"],
  // What Deno calls by this name is the closing window.
  SIGHUP: [],
};

/** See {@linkcode Reactor}. */
export class IocpReactor implements Reactor {
  readonly queueFd: number;
  readonly counters: ReactorCounters = { turns: 0, sleeps: 0, events: 0, yields: 0 };
  readonly #kernel = windowsKernel();
  readonly #port: bigint;
  /** The handle with number i has the completion key i + 1. */
  readonly #sources: (CompletionHandler | undefined)[] = [];
  /** A worker that was removed leaves a hole until the turn is over, so that none is skipped. */
  #workers: (Worker | undefined)[] = [];
  readonly #entries = new Uint32Array(ENTRIES_MAX * ENTRY_WORDS);
  readonly #entries64 = new BigUint64Array(this.#entries.buffer);
  readonly #entryPointers: Deno.PointerObject[] = [];
  readonly #count = new Uint32Array(1);
  readonly #signals: { signal: Deno.Signal; listener: () => void }[] = [];
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
    const port = this.#kernel.CreateIoCompletionPort(INVALID_HANDLE, 0n, 0n, 1);
    if (port === 0n) throw new WindowsError("CreateIoCompletionPort", this.#kernel.GetLastError());
    this.#port = port;
    this.queueFd = Number(port);
    for (let i = 0; i < ENTRIES_MAX; i++) {
      const pointer = Deno.UnsafePointer.of(this.#entries.subarray(i * ENTRY_WORDS));
      this.#entryPointers.push(pointer as Deno.PointerObject);
    }
    setFineTimer(true);
  }

  now(): number {
    return performance.now();
  }

  addFd(): Source {
    throw new Deno.errors.NotSupported("a completion port takes handles, not descriptors");
  }

  addHandle(handle: bigint, handler: CompletionHandler): CompletionSource {
    // A handle stays with its port until it is closed, and so does its key: none is used twice.
    const index = this.#sources.length;
    if (index >= SOURCES_MAX) throw new RangeError("too many watched handles");
    const port = this.#kernel.CreateIoCompletionPort(handle, this.#port, BigInt(index + 1), 0);
    if (port !== this.#port) {
      throw new WindowsError("CreateIoCompletionPort", this.#kernel.GetLastError());
    }
    this.#sources.push(handler);
    return {
      remove: () => {
        this.#sources[index] = undefined;
      },
    };
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
      for (const windowsSignal of SIGNALS[signal]) {
        Deno.addSignalListener(windowsSignal, listener);
        this.#signals.push({ signal: windowsSignal, listener });
      }
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
    try {
      while (!this.#stopping) {
        const restMs = yieldedMs + this.#sliceMs() - this.now();
        this.turn(Math.max(0, restMs));
        if (this.now() >= yieldedMs + this.#sliceMs()) {
          this.counters.yields++;
          await new Promise<void>(this.#yield);
          yieldedMs = this.now();
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
    setFineTimer(false);
    this.#kernel.CloseHandle(this.#port);
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
    const { GetQueuedCompletionStatusEx } = this.#kernel;
    // It fails when nothing came in time; nothing else can be wrong with a port of our own.
    const came = GetQueuedCompletionStatusEx(
      this.#port,
      this.#entries,
      ENTRIES_MAX,
      this.#count,
      timeoutMs,
      0,
    );
    if (came !== 0) this.#dispatch(this.#count[0]);
  }

  #sliceMs(): number {
    return this.now() < this.#attendUntilMs ? ATTENTIVE_SLICE_MS : SLICE_MS;
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
    const entries = this.#entries;
    const nowMs = this.now();
    for (let i = 0; i < count; i++) {
      const at = i * ENTRY_WORDS;
      const key = entries[at];
      if (key === 0) {
        const overlapped = this.#entries64[(at + OVERLAPPED_WORD) >> 1];
        if (overlapped !== 0n) this.#poller?.complete(this.#entryPointers[i], overlapped);
        continue;
      }
      const address = entries[at + OVERLAPPED_WORD + 1] * TWO_TO_32 + entries[at + OVERLAPPED_WORD];
      this.#sources[key - 1]?.completed(address, entries[at + BYTES_WORD], nowMs);
    }
  }
}
