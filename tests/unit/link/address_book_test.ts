import { assertEquals, assertThrows } from "@std/assert";
import { addressOf } from "../../../src/ffi/layout.ts";
import { libcNet } from "../../../src/ffi/libc_net.ts";
import { AddressBook, MemoryCopier } from "../../../src/link/address_book.ts";

libcNet(); // opened for good, so not within a test

function pattern(count: number, first: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, index) => index + first & 0xff);
}

Deno.test("an address is written as C would store it, from any offset", () => {
  const book = new AddressBook();
  const slab = new Uint8Array(1 << 20);
  const cells = new BigUint64Array(2);
  for (const offset of [0, 1, 4096, slab.length - 1]) {
    book.write(slab, offset, new Uint32Array(cells.buffer), 2);
    assertEquals(cells[1], addressOf(slab) + BigInt(offset));
  }
  assertEquals(cells[0], 0n);
});

Deno.test("more buffers than the book keeps are found all the same", () => {
  const book = new AddressBook();
  const buffers = Array.from({ length: 20 }, (_, index) => pattern(100 + index, index));
  const cells = new BigUint64Array(1);
  for (let round = 0; round < 3; round++) {
    for (const buffer of buffers) {
      book.write(buffer, 5, new Uint32Array(cells.buffer), 0);
      assertEquals(cells[0], addressOf(buffer) + 5n);
    }
  }
  book.clear();
  book.write(buffers[0], 0, new Uint32Array(cells.buffer), 0);
  assertEquals(cells[0], addressOf(buffers[0]));
});

Deno.test("bytes are copied between any places, also of small arrays", () => {
  const copier = new MemoryCopier();
  // Arrays up to 64 bytes are born in the collector's memory.
  for (const size of [16, 64, 65, 5000]) {
    const source = pattern(size, 7);
    const target = new Uint8Array(size + 10);
    copier.copy(target, 9, source, 3, size - 4);
    const expected = new Uint8Array(size + 10);
    expected.set(source.subarray(3, size - 1), 9);
    assertEquals(target, expected);
  }
  // A view is its own buffer, at its own address.
  const slab = pattern(300, 0);
  const target = new Uint8Array(100);
  copier.copy(target, 0, slab.subarray(200), 0, 100);
  assertEquals(target, slab.slice(200));
  copier.copy(target, 100, slab, 0, 0);
});

Deno.test("a copy outside a buffer is refused and changes nothing", () => {
  const copier = new MemoryCopier();
  const target = new Uint8Array(100);
  const source = pattern(100, 1);
  for (
    const [to, from, length] of [[1, 0, 100], [0, 1, 100], [-1, 0, 5], [0, -1, 5], [0, 0, -1]]
  ) {
    assertThrows(() => copier.copy(target, to, source, from, length), RangeError);
  }
  assertEquals(target, new Uint8Array(100));
});
