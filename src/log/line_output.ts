/**
 * Lines to standard error without ever waiting: a pipe that nobody reads, or a terminal that is held, must
 * not stop the party.
 *
 * @module
 */

import { Struct } from "../ffi/layout.ts";
import { libc, POLLFD, POLLOUT } from "../ffi/libc.ts";
import { isConsoleMarked } from "../system/console/mod.ts";

/** Bytes that wait while the reader is slow; further lines are dropped and counted. */
export const PENDING_BYTES_MAX = 65_536;
/** A pipe that is writable takes this much at once without blocking (`PIPE_BUF`, pipe(7)). */
const WRITE_BYTES_MAX = 4_096;

/** Where lines go. */
export interface LineWriter {
  /** Whether a write of up to 4,096 bytes will return at once. */
  isReady(): boolean;
  /** Writes some of the bytes; returns how many. */
  write(bytes: Uint8Array): number;
}

/** See the module. */
export class LineOutput {
  /** Lines that were dropped since the last that was written. */
  lost = 0;
  readonly #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  readonly #encoder = new TextEncoder();
  readonly #writer: LineWriter;

  constructor(writer: LineWriter) {
    this.#writer = writer;
  }

  /** Writes a line (with its newline), after those that still wait; or keeps it, or drops it. */
  line(text: string): void {
    this.flush();
    const bytes = this.#encoder.encode(text);
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes.length > PENDING_BYTES_MAX) {
      this.lost++;
      return;
    }
    this.#add(bytes);
    this.flush();
  }

  /** Whether nothing waits to be written. */
  get idle(): boolean {
    this.flush();
    return this.#pending.length === 0;
  }

  /** Writes what can be written now. */
  flush(): void {
    try {
      while (this.#pending.length > 0 && this.#writer.isReady()) this.#writeSome();
    } catch (error) {
      // The reader is gone, or the disk is full: nobody can be told.
      if (!(error instanceof Error)) throw error;
      this.#pending.length = 0;
      this.#pendingBytes = 0;
    }
  }

  #writeSome(): void {
    const first = this.#pending[0];
    const written = this.#writer.write(first.subarray(0, WRITE_BYTES_MAX));
    this.#pendingBytes -= written;
    if (written < first.length) {
      this.#pending[0] = first.subarray(written);
      return;
    }
    this.#pending.shift();
    if (this.lost > 0 && this.#pending.length === 0) {
      const { lost } = this;
      this.lost = 0;
      this.#add(this.#encoder.encode(`(${lost} lines were lost: they were not read in time)\n`));
    }
  }

  #add(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }
}

/**
 * Standard error. On Windows a console holds whoever writes to it while text is marked in its window, for
 * which one click is enough; other writes may wait there, as to a pipe that nobody reads.
 */
export function standardErrorWriter(): LineWriter {
  const write = (bytes: Uint8Array) => Deno.stderr.writeSync(bytes);
  if (Deno.build.os === "windows") {
    const isConsole = Deno.stderr.isTerminal();
    return { isReady: () => !isConsole || !isConsoleMarked(), write };
  }
  if (Deno.build.os !== "linux") return { isReady: () => true, write };
  const request = new Struct(POLLFD).setNumber("fd", 2).setNumber("events", POLLOUT);
  return { isReady: () => libc().poll(request.bytes, 1n, 0) === 1, write };
}
