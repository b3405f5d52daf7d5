/**
 * Lines of text over two descriptors, in the reactor's own wait and without ever blocking.
 *
 * @module
 */

import {
  checkCall,
  Errno,
  errno,
  F_GETFL,
  F_SETFL,
  libc,
  O_NONBLOCK,
  SystemCallError,
} from "../../ffi/libc.ts";
import type { Reactor, Source } from "../../reactor/mod.ts";

/** Bytes that are read at once. */
const CHUNK_BYTES = 65_536;
/** A longer line ends the channel. */
export const LINE_BYTES_MAX = 16 << 20;
/** Lines that wait while nobody reads; further ones are dropped. */
export const LINES_MAX = 64;

/** Who listens. */
export interface LineHandler {
  /** A line, without its end. */
  line(text: string): void;
  /** Nothing comes any more: the other side is gone. */
  ended(): void;
}

/** See the module. The descriptors stay the caller's. */
export class LineChannel {
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  readonly #input: Source;
  readonly #output: Source;
  readonly #unsent: Uint8Array<ArrayBuffer>[] = [];
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #open = true;
  readonly #outputFd: number;
  readonly #handler: LineHandler;

  /** @throws {SystemCallError} a descriptor cannot be waited for: it is a file */
  constructor(
    reactor: Reactor,
    inputFd: number,
    outputFd: number,
    handler: LineHandler,
  ) {
    this.#outputFd = outputFd;
    this.#handler = handler;
    for (const fd of [inputFd, outputFd]) {
      const flags = checkCall("fcntl", libc().fcntl(fd, F_GETFL, 0));
      checkCall("fcntl", libc().fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    }
    this.#input = reactor.addFd(inputFd, { readable: () => this.#read(inputFd) });
    this.#output = reactor.addFd(outputFd, { writable: () => this.#write() });
  }

  /** Sends a line, with its line feed, after all that waits. */
  send(text: string): void {
    if (!this.#open || this.#unsent.length >= LINES_MAX) return;
    this.#unsent.push(new TextEncoder().encode(text));
    if (this.#unsent.length === 1) this.#write();
  }

  /** Ends the waiting; what is unsent is lost. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#input.remove();
    this.#output.remove();
  }

  #read(fd: number): boolean {
    const length = Number(libc().read(fd, this.#chunk, BigInt(CHUNK_BYTES)));
    if (length < 0 && isRetry(errno())) return false;
    if (length <= 0 || this.#piecesBytes > LINE_BYTES_MAX) {
      this.close();
      this.#handler.ended();
      return false;
    }
    let start = 0;
    for (;;) {
      const end = this.#chunk.subarray(0, length).indexOf(0x0a, start);
      if (end < 0) break;
      this.#keep(start, end);
      const line = joinText(this.#pieces, this.#piecesBytes);
      this.#pieces = [];
      this.#piecesBytes = 0;
      start = end + 1;
      this.#handler.line(line);
      if (!this.#open) return false;
    }
    this.#keep(start, length);
    return false;
  }

  #keep(start: number, end: number): void {
    if (end === start) return;
    this.#pieces.push(this.#chunk.slice(start, end));
    this.#piecesBytes += end - start;
  }

  #write(): void {
    while (this.#unsent.length > 0) {
      const [first] = this.#unsent;
      const written = Number(libc().write(this.#outputFd, first, BigInt(first.length)));
      if (written < 0) {
        const code = errno();
        if (isRetry(code)) return this.#output.watchWritable(true);
        // The reader is gone: the end of the input tells the same.
        this.#unsent.length = 0;
        if (code !== Errno.EPIPE) throw new SystemCallError("write", code);
      } else if (written < first.length) this.#unsent[0] = first.subarray(written);
      else this.#unsent.shift();
    }
    this.#output.watchWritable(false);
  }
}

function isRetry(code: number): boolean {
  return code === Errno.EAGAIN || code === Errno.EINTR;
}

function joinText(pieces: readonly Uint8Array[], bytes: number): string {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return new TextDecoder().decode(whole);
}
