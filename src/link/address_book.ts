/**
 * Addresses and copies without allocation: for frames that go between JavaScript's typed arrays
 * and memory that the kernel reads and writes.
 *
 * An address is a `number` here: user space ends below 2^53. It goes to C through the two halves
 * of a 64-bit cell, because a bigint would have to be made for each call.
 *
 * @module
 */

import { libcNet } from "../ffi/libc_net.ts";

const KEPT_BUFFERS_MAX = 8;
const TWO_TO_32 = 4294967296;

/**
 * The addresses of the few long-lived buffers that frames lie in: the buffer pool, a reassembly
 * buffer, a ring. It asks once for each and keeps the buffer alive; the oldest of
 * {@linkcode KEPT_BUFFERS_MAX} gives way, so short-lived buffers work too, only slower.
 *
 * A buffer must not be transferred, detached or resized after it was given to this class.
 */
export class AddressBook {
  readonly #buffers: (Uint8Array | undefined)[] = new Array(KEPT_BUFFERS_MAX).fill(undefined);
  readonly #addresses = new Float64Array(KEPT_BUFFERS_MAX);
  #oldest = 0;

  /**
   * Writes the address of `bytes[offset]` as a 64-bit number: low half to `words[at]`, high half
   * behind it. (A number that is returned would be boxed, unless this were inlined.)
   */
  write(bytes: Uint8Array, offset: number, words: Uint32Array, at: number): void {
    const address = this.#addresses[this.#indexOf(bytes)] + offset;
    words[at] = address;
    words[at + 1] = address / TWO_TO_32;
  }

  /** Lets go of all buffers. */
  clear(): void {
    this.#buffers.fill(undefined);
  }

  #indexOf(bytes: Uint8Array): number {
    for (let index = 0; index < KEPT_BUFFERS_MAX; index++) {
      if (this.#buffers[index] === bytes) return index;
    }
    return this.#learn(bytes);
  }

  #learn(bytes: Uint8Array): number {
    // Asking for the ArrayBuffer moves a small array out of the collector's reach for good.
    if (!(bytes.buffer instanceof ArrayBuffer)) throw new TypeError("shared memory has no place");
    const address = Number(
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>)),
    );
    const index = this.#oldest;
    this.#oldest = (index + 1) % KEPT_BUFFERS_MAX;
    this.#buffers[index] = bytes;
    this.#addresses[index] = address;
    return index;
  }
}

/** Copies between buffers at the speed of `memcpy`, without making views. */
export class MemoryCopier {
  readonly #book: AddressBook;
  readonly #cells = new BigUint64Array(3);
  readonly #halves = new Uint32Array(this.#cells.buffer);
  readonly #memcpy = libcNet().memcpy;

  constructor(book = new AddressBook()) {
    this.#book = book;
  }

  /**
   * Copies `length` bytes; the ranges must not overlap.
   *
   * @throws {RangeError} if a range lies outside its buffer.
   */
  copy(
    target: Uint8Array,
    targetOffset: number,
    source: Uint8Array,
    sourceOffset: number,
    length: number,
  ): void {
    if (
      length < 0 || targetOffset < 0 || sourceOffset < 0 ||
      targetOffset + length > target.length || sourceOffset + length > source.length
    ) {
      throw new RangeError("copy outside a buffer");
    }
    if (length === 0) return;
    const halves = this.#halves;
    const cells = this.#cells;
    this.#book.write(target, targetOffset, halves, 0);
    this.#book.write(source, sourceOffset, halves, 2);
    halves[4] = length;
    this.#memcpy(cells[0], cells[1], cells[2]);
  }
}
