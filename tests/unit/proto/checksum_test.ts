import { assertEquals } from "@std/assert";
import { foldChecksum, sumBytes } from "../../../src/proto/checksum.ts";
import { hex, pattern } from "./frames.ts";

/** RFC 1071 §1 word by word, with numbers that never run over. */
function reference(bytes: Uint8Array): number {
  let sum = 0n;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += BigInt(bytes[at] << 8 | (bytes[at + 1] ?? 0));
  }
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n);
  return Number(~sum & 0xffffn);
}

Deno.test("the checksum is that of the example in RFC 1071", () => {
  const bytes = hex("0001 f203 f4f5 f6f7");
  assertEquals(sumBytes(bytes, 0, 8), 0x2ddf0);
  assertEquals(foldChecksum(sumBytes(bytes, 0, 8)), 0x220d);
});

Deno.test("a header with its own checksum in it sums up to 0", () => {
  const header = hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  assertEquals(foldChecksum(sumBytes(header, 0, 20)), 0);
  header[10] = header[11] = 0;
  assertEquals(foldChecksum(sumBytes(header, 0, 20)), 0xb861);
});

Deno.test("an odd byte counts as the high half of a word", () => {
  assertEquals(sumBytes(hex("ff 0102 03 ff"), 1, 3), 0x0402);
  assertEquals(sumBytes(hex("ab"), 0, 1), 0xab00);
  assertEquals(sumBytes(hex("ab"), 0, 0), 0);
});

Deno.test("sums go on from call to call", () => {
  const bytes = pattern(301);
  const sum = sumBytes(bytes, 100, 201, sumBytes(bytes, 0, 100));
  assertEquals(foldChecksum(sum), reference(bytes));
});

Deno.test("the longest super-frame of the greatest words does not run over", () => {
  for (const length of [32_767, 32_768, 32_769, 65_535, 65_536, 200_001]) {
    const bytes = new Uint8Array(length).fill(0xff);
    const sum = sumBytes(bytes, 0, length, 0xffff_ffff);
    assertEquals(sum < 2 ** 31, true);
    assertEquals(foldChecksum(sum), reference(bytes), `${length}`);
    const varied = pattern(length);
    assertEquals(foldChecksum(sumBytes(varied, 0, length)), reference(varied), `${length}`);
  }
});

Deno.test("folding takes every carry along", () => {
  assertEquals(foldChecksum(0), 0xffff);
  assertEquals(foldChecksum(0xffff), 0);
  assertEquals(foldChecksum(0x1_0000), 0xfffe);
  assertEquals(foldChecksum(0x1_ffff), 0xfffe);
  assertEquals(foldChecksum(0xffff_ffff), 0);
});
