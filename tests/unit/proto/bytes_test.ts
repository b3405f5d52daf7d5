import { assertEquals } from "@std/assert";
import { copyBytes, CopyInto, readU16, writeU16 } from "../../../src/proto/bytes.ts";
import { pattern, toHex } from "./frames.ts";

Deno.test("numbers of two bytes are big-endian and leave their neighbours alone", () => {
  const bytes = new Uint8Array(4).fill(0xee);
  writeU16(bytes, 1, 0x12345);
  assertEquals(toHex(bytes), "ee2345ee");
  assertEquals(readU16(bytes, 1), 0x2345);
  assertEquals(readU16(bytes, 2), 0x45ee);
});

Deno.test("bytes are copied from another array or inside one, also where ranges overlap", () => {
  const source = pattern(100);
  const target = new Uint8Array(100).fill(0xee);
  copyBytes(source, 10, 20, target, 30);
  assertEquals(target.subarray(30, 50), source.subarray(10, 30));
  assertEquals([target[29], target[50]], [0xee, 0xee]);
  const moved = pattern(100);
  copyBytes(moved, 0, 50, moved, 20);
  assertEquals(moved.subarray(20, 70), source.subarray(0, 50));
});

Deno.test("copies of any length and place are right, by words or not", () => {
  const source = pattern(400).subarray(3);
  const memory = new Uint8Array(300);
  const target = memory.subarray(5);
  const copier = new CopyInto(target);
  for (const length of [0, 1, 31, 32, 33, 39, 40, 41, 63, 64, 200]) {
    for (let place = 0; place < 9; place++) {
      memory.fill(0xee);
      copier.copy(source, place * 3, length, place);
      const expected = new Uint8Array(300).fill(0xee);
      expected.set(source.subarray(place * 3, place * 3 + length), 5 + place);
      assertEquals(memory, expected, `${length} bytes at ${place}`);
    }
  }
});

Deno.test("copies see what has changed in an array, and which array it is", () => {
  const a = pattern(64, 1);
  const b = pattern(64, 2);
  const target = new Uint8Array(200);
  const copier = new CopyInto(target);
  for (const [step, source] of [a, a, a, b, a, b, b, b, a, a].entries()) {
    source[step] ^= 0xff;
    copier.copy(source, 0, 64, 7);
    assertEquals(target.slice(7, 71), source, `step ${step}`);
    copier.copy(target, 7, 64, 40);
    assertEquals(target.slice(40, 104), source, `inside, step ${step}`);
  }
});
