import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { crc32c } from "../../../src/proto/crc32c.ts";
import { ChecksumCompleter } from "../../../src/offload/checksum_completer.ts";
import { copyAndSum, sumRange } from "../../../src/offload/internet_sum.ts";
import {
  type LanFrame,
  OffloadError,
  VIRTIO_NEEDS_CHECKSUM,
} from "../../../src/offload/lan_frame.ts";
import {
  fields,
  lanFrame,
  makeFrame,
  type PacketFields,
  pseudoHeader,
  slowChecksum,
} from "./packets.ts";
import { hex, pattern, toHex } from "../proto/frames.ts";

/** The frame as the kernel hands it out: the pseudo-header's sum in the checksum field. */
function unfinished(packet: PacketFields, changes: Partial<LanFrame> = {}): LanFrame {
  const bytes = makeFrame(packet);
  const isTcp = packet.protocol === "tcp";
  const headerBytes = isTcp ? 20 + (packet.tcpOptions ?? []).length : 8;
  const transportBytes = headerBytes + packet.payload.length;
  const checksumStart = bytes.length - transportBytes;
  const checksumOffset = isTcp ? 16 : 6;
  const pseudo = pseudoHeader(packet.ipVersion, isTcp ? 6 : 17, transportBytes);
  const sum = 0xffff - slowChecksum(pseudo);
  bytes.set(fields([sum, 2]), checksumStart + checksumOffset);
  const virtioFlags = VIRTIO_NEEDS_CHECKSUM;
  return lanFrame(bytes, { virtioFlags, checksumStart, checksumOffset, ...changes });
}

/** Finishes both ways and sees that they agree. */
function finish(frame: LanFrame): string | number {
  const completer = new ChecksumCompleter();
  const copied = new Uint8Array(2048).fill(0xa5);
  const length = completer.copy(frame, copied, 3);
  const inPlace = frame.bytes.slice();
  const result = completer.complete(inPlace, frame.offset, frame.length, frame);
  if (length < 0) {
    if (length === OffloadError.invalid) assertEquals(result, OffloadError.invalid);
    assertEquals(toHex(inPlace), toHex(frame.bytes), "a refused frame was changed");
    return length;
  }
  assert(copied.subarray(0, 3).every((byte) => byte === 0xa5), "written before the target");
  assert(copied.subarray(3 + length).every((byte) => byte === 0xa5), "written behind it");
  const copy = toHex(copied.subarray(3, 3 + length));
  if (frame.vlanTpid === 0) {
    assertEquals(result, 0);
    assertEquals(toHex(inPlace.subarray(frame.offset, frame.offset + frame.length)), copy);
  }
  return copy;
}

Deno.test("an unfinished checksum is completed byte for byte", () => {
  const cases: [name: string, before: string, after: string, start: number, field: number][] = [
    [
      "TCP over IPv4, an odd length",
      "02000000005102000000000108004510002d00070000400666630a0000010a000051" +
      "1234005000000001010203045010200014710000f0f1f2f3f4",
      "02000000005102000000000108004510002d00070000400666630a0000010a000051" +
      "123400500000000101020304501020008d0c0000f0f1f2f3f4",
      34,
      16,
    ],
    [
      "UDP over IPv4 whose checksum is zero",
      "02000000005102000000000108004510001f00090000401166640a0000010a000051" +
      "13881389000b146ec37501",
      "02000000005102000000000108004510001f00090000401166640a0000010a000051" +
      "13881389000bffffc37501",
      34,
      6,
    ],
  ];
  for (const [name, before, after, checksumStart, checksumOffset] of cases) {
    const virtioFlags = VIRTIO_NEEDS_CHECKSUM;
    const frame = lanFrame(hex(before), { virtioFlags, checksumStart, checksumOffset });
    assertEquals(finish(frame), after, name);
  }
});

Deno.test("any unfinished TCP or UDP frame comes out as its sender should have made it", () => {
  const packets = fc.record({
    ipVersion: fc.constantFrom(4 as const, 6 as const),
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    payload: fc.uint8Array({ maxLength: 1400, size: "max" }).map((bytes) => [...bytes]),
    tags: fc.constantFrom<[number, number][]>([], [[0x8100, 5]]),
    extensions: fc.nat(2),
    tcpOptions: fc.constantFrom([], [1, 1, 1, 0]),
  });
  fc.assert(
    fc.property(packets, fc.nat(5), (packet, offset) => {
      const plain = unfinished(packet);
      const bytes = new Uint8Array(offset + plain.length + 2);
      bytes.set(plain.bytes, offset);
      const frame = { ...plain, bytes, offset };
      assertEquals(finish(frame), toHex(makeFrame(packet)));
      const tagged = { ...frame, vlanTpid: 0x88a8, vlanTci: 0xe123 };
      const tags: [number, number][] = [[0x88a8, 0xe123], ...packet.tags];
      assertEquals(finish(tagged), toHex(makeFrame({ ...packet, tags })));
    }),
    { numRuns: 150 },
  );
});

Deno.test("padding behind the packet does not disturb the checksum", () => {
  const packet = { ipVersion: 4, protocol: "udp", payload: [1, 2, 3] } as const;
  const frame = unfinished(packet);
  const bytes = new Uint8Array(60);
  bytes.set(frame.bytes);
  const padded = new Uint8Array(60);
  padded.set(makeFrame(packet));
  assertEquals(finish({ ...frame, bytes, length: 60 }), toHex(padded));
});

Deno.test("a finished frame is copied as it is, with its VLAN tag put back", () => {
  for (const length of [14, 15, 16, 17, 60, 1517, 1518]) {
    const frame = lanFrame(pattern(length));
    const plain = toHex(frame.bytes);
    assertEquals(finish(frame), plain);
    const tagged = plain.slice(0, 24) + "8100a064" + plain.slice(24);
    assertEquals(finish({ ...frame, vlanTpid: 0x8100, vlanTci: 0xa064 }), tagged);
  }
});

//= PROTOCOL.md 12
//# Frames whose checksum or segmentation the system left to the network card are finished first;
//# what is longer than 1522 bytes then is dropped.
Deno.test("the longest frame passes, and one byte more does not", () => {
  assertEquals(toHex(pattern(1522)), finish(lanFrame(pattern(1522))));
  assertEquals(finish(lanFrame(pattern(1523))), OffloadError.overLong);
  const tag = { vlanTpid: 0x8100, vlanTci: 1 };
  assertEquals((finish(lanFrame(pattern(1518), tag)) as string).length, 2 * 1522);
  assertEquals(finish(lanFrame(pattern(1519), tag)), OffloadError.overLong);
});

Deno.test("a checksum that does not lie in the frame is refused", () => {
  const packet = { ipVersion: 4, protocol: "udp", payload: [1, 2, 3, 4] } as const;
  const cases: Partial<LanFrame>[] = [
    { checksumStart: 0 },
    { checksumStart: 13 },
    { checksumStart: 46 },
    { checksumStart: 0xffff },
    { checksumOffset: 11 },
    { checksumOffset: 0xffff },
    { checksumStart: 0xffff, checksumOffset: 0xffff },
    { length: 41 },
    { length: 13 },
  ];
  for (const changes of cases) {
    assertEquals(
      finish(unfinished(packet, changes)),
      OffloadError.invalid,
      JSON.stringify(changes),
    );
  }
  assert(typeof finish(unfinished(packet, { length: 42, checksumOffset: 6 })) === "string");
});

Deno.test("SCTP gets its CRC32c, least significant byte first", () => {
  const ipv4 = "45000034000000004084000a 0a0000010a000051";
  const packet = `020000000051 020000000001 0800 ${ipv4} 1388138900000007`;
  const chunk = "0003001400000001000000000000000041424344";
  const before = hex(`${packet} deadbeef ${chunk}`);
  const frame = lanFrame(before, {
    virtioFlags: VIRTIO_NEEDS_CHECKSUM,
    checksumStart: 34,
    checksumOffset: 8,
  });
  const crc = slowCrc32c([...hex(`1388138900000007 00000000 ${chunk}`)]);
  const field = toHex(Uint8Array.from(fields([crc, 4]).reverse()));
  assertEquals(finish(frame), toHex(hex(`${packet} ${field} ${chunk}`)));
  assertEquals(finish({ ...frame, length: 44 }), OffloadError.invalid);
});

Deno.test("the CRC32c of 123456789 is the one that everybody publishes", () => {
  const digits = new TextEncoder().encode("x123456789x");
  assertEquals(crc32c(digits, 1, 9), 0xe3069283);
  assertEquals(slowCrc32c([...digits.subarray(1, 10)]), 0xe3069283);
});

Deno.test("sums are those of RFC 1071 at every offset and length, copied or not", () => {
  const bytes = pattern(200, 3);
  const view = new DataView(bytes.buffer);
  for (let offset = 0; offset < 5; offset++) {
    for (let length = 0; length < 130; length++) {
      const wanted = 0xffff - slowChecksum([...bytes.subarray(offset, offset + length)]);
      assertEquals(sumRange(view, offset, length), wanted, `${offset}+${length}`);
      const target = new DataView(new ArrayBuffer(150));
      assertEquals(copyAndSum(view, offset, target, 7, length), wanted);
      const copied = new Uint8Array(target.buffer, 7, length);
      assertEquals(copied, bytes.subarray(offset, offset + length));
    }
  }
  const ones = new Uint8Array(0x1_0000).fill(0xff);
  assertEquals(sumRange(new DataView(ones.buffer), 0, ones.length), 0xffff);
});

/** RFC 9260 appendix A, bit by bit. */
function slowCrc32c(bytes: number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
