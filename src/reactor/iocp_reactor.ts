/**
 * The reactor on Windows: one completion port.
 *
 * Its turns are those of `reactor_loop.ts`, but what comes out of the wait are completions: operations
 * that were begun earlier and have ended. msquic's own carry the key 0; a handle of ours carries its
 * number, and the address of the OVERLAPPED tells which operation it was.
 *
 * @module
 */

import {
  INVALID_HANDLE,
  OVERLAPPED_ENTRY,
  WindowsError,
  windowsKernel,
} from "../ffi/windows_kernel.ts";
import { setFineTimer } from "./windows_timer.ts";
import type { CompletionHandler, CompletionSource, Source, TerminationSignal } from "./reactor.ts";
import { ReactorLoop } from "./reactor_loop.ts";

/** Completions taken by one wait. */
const ENTRIES_MAX = 64;
/** Watched handles. */
const SOURCES_MAX = 1024;

const ENTRY_WORDS = OVERLAPPED_ENTRY.sizeBytes >> 2;
const OVERLAPPED_WORD = OVERLAPPED_ENTRY.fields.lpOverlapped.offset >> 2;
const BYTES_WORD = OVERLAPPED_ENTRY.fields.dwNumberOfBytesTransferred.offset >> 2;
const TWO_TO_32 = 4_294_967_296;

/**
 * What a player's "stop" looks like on Windows: Ctrl-C or Ctrl-Break. Of a window that is closed a signal
 * would come too late: see `system/signals`.
 */
const SIGNALS: Readonly<Record<TerminationSignal, readonly Deno.Signal[]>> = {
  SIGINT: ["SIGINT"],
  SIGTERM: ["SIGBREAK"],
  SIGHUP: [],
};

/** See {@linkcode Reactor}. */
export class IocpReactor extends ReactorLoop {
  override readonly queueFd: number;
  readonly #kernel = windowsKernel();
  readonly #port: bigint;
  /** The handle with number i has the completion key i + 1. */
  readonly #sources: (CompletionHandler | undefined)[] = [];
  readonly #entries = new Uint32Array(ENTRIES_MAX * ENTRY_WORDS);
  readonly #entries64 = new BigUint64Array(this.#entries.buffer);
  readonly #entryPointers: Deno.PointerObject[] = [];
  readonly #count = new Uint32Array(1);

  constructor() {
    super();
    const port = this.#kernel.CreateIoCompletionPort(INVALID_HANDLE, 0n, 0n, 1);
    if (port === 0n) throw new WindowsError("CreateIoCompletionPort");
    this.#port = port;
    this.queueFd = Number(port);
    for (let i = 0; i < ENTRIES_MAX; i++) {
      const pointer = Deno.UnsafePointer.of(this.#entries.subarray(i * ENTRY_WORDS));
      this.#entryPointers.push(pointer as Deno.PointerObject);
    }
    setFineTimer(true);
  }

  override addFd(): Source {
    throw new Deno.errors.NotSupported("a completion port takes handles, not descriptors");
  }

  override addHandle(handle: bigint, handler: CompletionHandler): CompletionSource {
    // A handle stays with its port until it is closed, and so does its key: none is used twice.
    const index = this.#sources.length;
    if (index >= SOURCES_MAX) throw new RangeError("too many watched handles");
    const port = this.#kernel.CreateIoCompletionPort(handle, this.#port, BigInt(index + 1), 0);
    if (port !== this.#port) throw new WindowsError("CreateIoCompletionPort");
    this.#sources.push(handler);
    return {
      remove: () => {
        this.#sources[index] = undefined;
      },
    };
  }

  protected override systemSignals(signal: TerminationSignal): readonly Deno.Signal[] {
    return SIGNALS[signal];
  }

  protected override release(): void {
    setFineTimer(false);
    this.#kernel.CloseHandle(this.#port);
  }

  protected override wait(timeoutMs: number): number {
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
    return came === 0 ? 0 : this.#count[0];
  }

  protected override dispatch(count: number, nowMs: number): void {
    const entries = this.#entries;
    for (let i = 0; i < count; i++) {
      const at = i * ENTRY_WORDS;
      const key = entries[at];
      if (key === 0) {
        const overlapped = this.#entries64[(at + OVERLAPPED_WORD) >> 1];
        if (overlapped !== 0n) this.poller?.complete(this.#entryPointers[i], overlapped);
        continue;
      }
      const address = entries[at + OVERLAPPED_WORD + 1] * TWO_TO_32 + entries[at + OVERLAPPED_WORD];
      this.#sources[key - 1]?.completed(address, entries[at + BYTES_WORD], nowMs);
    }
  }
}
