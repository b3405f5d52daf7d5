import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  GsoType,
  type LanFrame,
  OffloadError,
  VIRTIO_GSO_ECN,
  VIRTIO_NEEDS_CHECKSUM,
} from "../../../src/offload/lan_frame.ts";
import { Segmenter } from "../../../src/offload/segmenter.ts";
import { FRAME_BYTES_MAX } from "../../../src/proto/ethernet.ts";
import { lanFrame, makeFrame, type PacketFields, superFrame } from "./packets.ts";
import { hex, toHex } from "../proto/frames.ts";

const CWR = 0x80;
const ACK = 0x10;
const PSH = 0x08;
const SYN = 0x02;
const FIN = 0x01;

/** All segments, each written to another odd place among bytes that must stay. */
function cut(frame: LanFrame, segmenter = new Segmenter()): Uint8Array[] | number {
  const count = segmenter.begin(frame);
  if (count < 0) return count;
  const segments: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    assertEquals(segmenter.remaining, count - index);
    const target = new Uint8Array(2048).fill(0xa5);
    const offset = 1 + index % 7;
    const length = segmenter.next(target, offset);
    assert(length > 0 && length <= FRAME_BYTES_MAX, `${length} bytes`);
    assert(target.subarray(0, offset).every((byte) => byte === 0xa5), "written before the target");
    assert(target.subarray(offset + length).every((byte) => byte === 0xa5), "written behind it");
    segments.push(target.slice(offset, offset + length));
  }
  assertEquals(segmenter.next(new Uint8Array(2048), 0), 0);
  return segments;
}

function hexOf(segments: Uint8Array[] | number): string[] | number {
  return typeof segments === "number" ? segments : segments.map(toHex);
}

/** Worked out by another program, from the RFCs. */
const GOLDEN: {
  name: string;
  frame: string;
  changes: Partial<LanFrame>;
  segments: string[];
}[] = [
  {
    name: "TCP over IPv4: id and sequence number wrap, CWR first, PSH and FIN last",
    frame: "02000000005102000000000108004510003efffe00004006665a0a0000010a000051" +
      "12340050fffffffa0102030480992000627100000101080a0000000a0000000b" + "f0f1f2f3f4f5f6f7f8f9",
    changes: {
      gsoType: GsoType.tcp4 | VIRTIO_GSO_ECN,
      segmentBytes: 4,
      checksumStart: 34,
      checksumOffset: 16,
    },
    segments: [
      "020000000051020000000001080045100038fffe0000400666600a0000010a000051" +
      "12340050fffffffa0102030480902000476800000101080a0000000a0000000b" + "f0f1f2f3",
      "020000000051020000000001080045100038ffff00004006665f0a0000010a000051" +
      "12340050fffffffe01020304801020003fdc00000101080a0000000a0000000b" + "f4f5f6f7",
      "02000000005102000000000108004510003600000000400666610a0000010a000051" +
      "1234005000000002010203048019200032c600000101080a0000000a0000000b" + "f8f9",
    ],
  },
  {
    name: "TCP over IPv6 behind an extension header, its VLAN tag put back",
    frame: "02000000005102000000000186dd6001234500260040" +
      "fe800000000000000000000000000001fe8000000000000000000000000000510600050200000100" +
      "12340050000000100102030450182000b3070000" + "f0f1f2f3f4f5f6f7f8f9",
    changes: {
      gsoType: GsoType.tcp6,
      segmentBytes: 5,
      checksumStart: 62,
      checksumOffset: 16,
      vlanTpid: 0x8100,
      vlanTci: 0xa064,
    },
    segments: [
      "0200000000510200000000018100a06486dd6001234500210040" +
      "fe800000000000000000000000000001fe8000000000000000000000000000510600050200000100" +
      "12340050000000100102030450102000a3fb0000" + "f0f1f2f3f4",
      "0200000000510200000000018100a06486dd6001234500210040" +
      "fe800000000000000000000000000001fe8000000000000000000000000000510600050200000100" +
      "1234005000000015010203045018200094e40000" + "f5f6f7f8f9",
    ],
  },
  {
    name: "UDP over IPv4: a checksum of zero is sent as ffff, an atomic id of zero stays",
    frame: "02000000005102000000000108004510002300004000401126690a0000010a000051" +
      "13881389000f6680" + "c37501aabbccdd",
    changes: {
      gsoType: GsoType.udpSegments,
      segmentBytes: 3,
      checksumStart: 34,
      checksumOffset: 6,
    },
    segments: [
      "02000000005102000000000108004510001f000040004011266d0a0000010a000051" +
      "13881389000bffff" + "c37501",
      "02000000005102000000000108004510001f000040004011266d0a0000010a000051" +
      "13881389000b4db9" + "aabbcc",
      "02000000005102000000000108004510001d000040004011266f0a0000010a000051" +
      "138813890009e778" + "dd",
    ],
  },
  {
    name: "UDP over IPv6 with a VLAN tag in the frame",
    frame: "0200000000510200000000018100000586dd6001234500121140" +
      "fe800000000000000000000000000001fe800000000000000000000000000051" +
      "1388138900121298" + "f0f1f2f3f4f5f6f7f8f9",
    changes: {
      gsoType: GsoType.udpSegments,
      segmentBytes: 8,
      checksumStart: 58,
      checksumOffset: 6,
    },
    segments: [
      "0200000000510200000000018100000586dd6001234500101140" +
      "fe800000000000000000000000000001fe800000000000000000000000000051" +
      "1388138900100b96" + "f0f1f2f3f4f5f6f7",
      "0200000000510200000000018100000586dd60012345000a1140" +
      "fe800000000000000000000000000001fe800000000000000000000000000051" +
      "13881389000ae27b" + "f8f9",
    ],
  },
];

for (const { name, frame, changes, segments } of GOLDEN) {
  Deno.test(`a super-frame is cut byte for byte: ${name}`, () => {
    for (const virtioFlags of [VIRTIO_NEEDS_CHECKSUM, 0]) {
      const whole = lanFrame(hex(frame), { ...changes, virtioFlags });
      assertEquals(hexOf(cut(whole)), segments);
    }
    // What stands in the fields that are made anew must not matter, nor a trailer, nor the place.
    const bytes = new Uint8Array(frame.length / 2 + 20).fill(0x77);
    bytes.set(hex(frame), 5);
    const field = 5 + changes.checksumStart! + changes.checksumOffset!;
    bytes[field] ^= 0x5a;
    const moved = lanFrame(bytes, { ...changes, offset: 5, virtioFlags: VIRTIO_NEEDS_CHECKSUM });
    assertEquals(hexOf(cut(moved)), segments);
  });
}

const packets: fc.Arbitrary<{ packet: PacketFields; segmentBytes: number; odd: boolean }> = fc
  .record({
    packet: fc.record({
      ipVersion: fc.constantFrom(4 as const, 6 as const),
      protocol: fc.constantFrom("tcp" as const, "udp" as const),
      payload: fc.uint8Array({ minLength: 1, maxLength: 5000, size: "max" })
        .map((bytes) => [...bytes]),
      tags: fc.constantFrom<[number, number][]>([], [[0x8100, 5]], [[0x88a8, 9], [0x8100, 7]]),
      ipOptions: fc.constantFrom([], [1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1, 0]),
      extensions: fc.nat(2),
      id: fc.nat(0xffff),
      dontFragment: fc.boolean(),
      sequence: fc.nat(0xffffffff),
      flags: fc.nat(0xfff).map((flags) => flags & ~SYN),
      tcpOptions: fc.constantFrom([], [1, 1, 1, 0], new Array<number>(40).fill(1)),
    }),
    segmentBytes: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 41, max: 1380 })),
    odd: fc.boolean(),
  });

/** What segment `index` must be, from its fields alone. */
function expected(packet: PacketFields, segmentBytes: number, index: number, ecn: boolean) {
  const from = index * segmentBytes;
  const payload = packet.payload.slice(from, from + segmentBytes);
  const last = from + payload.length === packet.payload.length;
  const stays = packet.dontFragment === true && packet.id === 0;
  let flags = packet.flags ?? ACK;
  if (!last) flags &= ~(PSH | FIN);
  if (index > 0 && ecn) flags &= ~CWR;
  return makeFrame({
    ...packet,
    payload,
    flags,
    id: stays ? 0 : ((packet.id ?? 1) + index) % 0x10000,
    sequence: ((packet.sequence ?? 1) + from) % 0x100000000,
  });
}

Deno.test("any super-frame becomes the segments that its fields say, checksums and all", () => {
  const segmenter = new Segmenter();
  fc.assert(
    fc.property(packets, fc.boolean(), ({ packet, segmentBytes, odd }, ecn) => {
      const plain = superFrame(packet, segmentBytes);
      const bytes = new Uint8Array(plain.length + 3);
      bytes.set(plain.bytes, odd ? 1 : 2);
      const frame = {
        ...plain,
        bytes,
        offset: odd ? 1 : 2,
        gsoType: plain.gsoType | (ecn ? VIRTIO_GSO_ECN : 0),
      };
      const segments = cut(frame, segmenter);
      assert(typeof segments !== "number", `refused: ${segments}`);
      assertEquals(segments.length, Math.ceil(packet.payload.length / segmentBytes));
      segments.forEach((segment, index) => {
        const { payload, ...fields } = packet;
        const wanted = expected({ ...fields, payload }, segmentBytes, index, ecn);
        assertEquals(toHex(segment), toHex(wanted), `segment ${index}`);
      });
    }),
    { numRuns: 150 },
  );
});

Deno.test("a 64 KB super-frame is cut into full frames, 44 of them and a rest", () => {
  const payload = Array.from({ length: 65_000 }, (_, index) => (index * 7) & 0xff);
  const packet = { ipVersion: 4, protocol: "tcp", payload } as const;
  const segments = cut(superFrame(packet, 1448));
  assert(typeof segments !== "number");
  assertEquals(segments.length, 45);
  assertEquals(segments.flatMap((segment) => [...segment.subarray(54)]), payload);
});

Deno.test("a segment that would be longer than any frame is refused before anything is written", () => {
  const packet = { ipVersion: 4, protocol: "tcp", payload: new Array(4000).fill(1) } as const;
  const longest = FRAME_BYTES_MAX - 54;
  assertEquals((cut(superFrame(packet, longest)) as Uint8Array[]).length, 3);
  assertEquals(cut(superFrame(packet, longest + 1)), OffloadError.overLong);
  const tag = { vlanTpid: 0x8100, vlanTci: 1 };
  assertEquals((cut(superFrame(packet, longest - 4, tag)) as Uint8Array[]).length, 3);
  assertEquals(cut(superFrame(packet, longest - 3, tag)), OffloadError.overLong);
  // A large segment size does not matter when the payload is short.
  const short = { ...packet, payload: [1, 2, 3] };
  assertEquals((cut(superFrame(short, 60_000)) as Uint8Array[]).length, 1);
});

Deno.test("kinds that Linux does not make any more, or that nobody knows, are unsupported", () => {
  const packet = { ipVersion: 4, protocol: "udp", payload: [1, 2, 3, 4] } as const;
  for (const gsoType of [GsoType.none, 2, GsoType.udpFragments, 6, 0x7f, VIRTIO_GSO_ECN]) {
    assertEquals(cut(superFrame(packet, 2, { gsoType })), OffloadError.unsupported, `${gsoType}`);
  }
});

Deno.test("metadata that contradicts the bytes is refused", () => {
  const payload = new Array<number>(100).fill(7);
  const tcp4 = { ipVersion: 4, protocol: "tcp", payload } as const;
  const tcp6 = { ipVersion: 6, protocol: "tcp", payload } as const;
  const udp4 = { ipVersion: 4, protocol: "udp", payload } as const;
  const patched = (frame: LanFrame, at: number, ...values: number[]) => {
    frame.bytes.set(values, at);
    return frame;
  };
  const cases: [string, LanFrame][] = [
    ["segment size 0", superFrame(tcp4, 0)],
    ["longer than its bytes", superFrame(tcp4, 40, { length: 400 })],
    ["another IP version", superFrame(tcp6, 40, { gsoType: GsoType.tcp4 })],
    ["another IP version", superFrame(tcp4, 40, { gsoType: GsoType.tcp6 })],
    ["another protocol", superFrame(udp4, 40, { gsoType: GsoType.tcp4, checksumOffset: 16 })],
    ["another protocol", superFrame(tcp4, 40, { gsoType: GsoType.udpSegments, checksumOffset: 6 })],
    ["checksum elsewhere", superFrame(tcp4, 40, { checksumStart: 36 })],
    ["checksum elsewhere", superFrame(tcp4, 40, { checksumOffset: 6 })],
    ["cut in the TCP header", superFrame(tcp4, 40, { length: 50 })],
    ["cut in the IP header", superFrame(tcp4, 40, { length: 30 })],
    ["cut in the Ethernet header", superFrame(tcp4, 40, { length: 13 })],
    ["cut in the payload", superFrame(tcp4, 40, { length: 100 })],
    ["a first fragment", patched(superFrame(tcp4, 40), 20, 0x20)],
    ["a later fragment", patched(superFrame(tcp4, 40), 21, 1)],
    ["an IP header too short", patched(superFrame(tcp4, 40), 14, 0x44)],
    ["an IP header too long", patched(superFrame(tcp4, 40), 14, 0x4f)],
    ["a total length beyond the frame", patched(superFrame(tcp4, 40), 16, 0xff, 0xff)],
    ["a total length inside the headers", patched(superFrame(tcp4, 40), 16, 0, 39)],
    ["a TCP header too short", patched(superFrame(tcp4, 40), 46, 0x40)],
    ["a TCP header beyond the packet", superFrame({ ...tcp4, payload: [1] }, 40)],
    ["SYN and several segments", superFrame({ ...tcp4, flags: SYN }, 40)],
    ["an IPv6 jumbogram", patched(superFrame(tcp6, 40), 18, 0, 0)],
    ["a routing header", routed(superFrame({ ...tcp6, extensions: 1 }, 40))],
    ["more segments than a packet has", superFrame({ ...udp4, payload: many() }, 1)],
    ["LLC and SNAP", snap(superFrame(tcp4, 40))],
    ["three VLAN tags", superFrame({ ...tcp4, tags: [[0x8100, 1], [0x8100, 2], [0x8100, 3]] }, 40)],
    ["ARP", patched(superFrame(tcp4, 40), 12, 0x08, 0x06)],
  ];
  patched(cases[19][1], 46, 0xf0);
  for (const [name, frame] of cases) assertEquals(cut(frame), OffloadError.invalid, name);
});

Deno.test("headers beyond what is kept are unsupported, not cut wrongly", () => {
  const packet = { ipVersion: 6, protocol: "udp", payload: [1, 2, 3], extensions: 24 } as const;
  assertEquals((cut(superFrame(packet, 2)) as Uint8Array[]).length, 2);
  assertEquals(cut(superFrame({ ...packet, extensions: 25 }, 2)), OffloadError.unsupported);
});

Deno.test("a SYN alone passes, and a refused frame leaves nothing of the one before", () => {
  const packet = { ipVersion: 4, protocol: "tcp", payload: [1, 2], flags: SYN } as const;
  assertEquals(hexOf(cut(superFrame(packet, 2))), [toHex(makeFrame(packet))]);
  const segmenter = new Segmenter();
  segmenter.begin(superFrame({ ...packet, flags: ACK }, 1));
  assertEquals(segmenter.begin(superFrame(packet, 0)), OffloadError.invalid);
  assertEquals([segmenter.remaining, segmenter.next(new Uint8Array(2048), 0)], [0, 0]);
});

Deno.test("a target without room is the caller's mistake", () => {
  const segmenter = new Segmenter();
  segmenter.begin(superFrame({ ipVersion: 4, protocol: "tcp", payload: [1, 2] }, 1));
  assertThrows(() => segmenter.next(new Uint8Array(54), 0), RangeError);
});

function many(): number[] {
  return new Array<number>(9000).fill(3);
}

/** Turns the one extension header into a routing header. */
function routed(frame: LanFrame): LanFrame {
  frame.bytes[20] = 43;
  return frame;
}

/** The same packet in an 802.3 frame. */
function snap(frame: LanFrame): LanFrame {
  const packet = frame.bytes.subarray(12);
  const bytes = Uint8Array.from([
    ...frame.bytes.subarray(0, 12),
    0,
    packet.length + 6,
    ...hex("aaaa03000000"),
    ...packet,
  ]);
  const checksumStart = frame.checksumStart + 8;
  return { ...frame, bytes, length: bytes.length, checksumStart };
}
