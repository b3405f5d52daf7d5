import { assertEquals, assertThrows } from "@std/assert";
import { fromHex, pattern } from "../../../tools/lab/frames.ts";
import { readPcap, writePcap } from "../../support/pcap.ts";

const PACKETS = [
  { timeMs: 1_700_000_000_123.456, bytes: pattern(60) },
  { timeMs: 1_700_000_001_000, bytes: pattern(1514) },
];

Deno.test("a capture file is read as it was written", () => {
  const read = readPcap(writePcap(PACKETS));
  assertEquals(read.map(({ bytes }) => bytes), PACKETS.map(({ bytes }) => bytes));
  assertEquals(read.map(({ lengthBytes }) => lengthBytes), [60, 1514]);
  assertEquals(read.map(({ timeMs }) => Math.round(timeMs * 1000)), [
    1_700_000_000_123_456,
    1_700_000_001_000_000,
  ]);
});

Deno.test("a capture in big-endian order and nanoseconds is read", () => {
  const file = fromHex(`a1b23c4d 0002 0004 00000000 00000000 0000ffff 00000001
    00000002 1dcd6500 00000003 00000040 aabbcc`);
  assertEquals(readPcap(file), [
    { timeMs: 2500, bytes: fromHex("aabbcc"), lengthBytes: 64 },
  ]);
});

Deno.test("a record that is still being written is left out", () => {
  const file = writePcap(PACKETS);
  assertEquals(readPcap(file.subarray(0, file.length - 1)).length, 1);
  assertEquals(readPcap(file.subarray(0, 24 + 15)).length, 0);
});

Deno.test("what is no capture of Ethernet frames is refused", () => {
  assertThrows(() => readPcap(new Uint8Array(10)), TypeError);
  assertThrows(() => readPcap(new Uint8Array(24)), TypeError);
  const file = writePcap([]);
  file[20] = 113;
  assertThrows(() => readPcap(file), TypeError, "link type 113");
});
