import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { JoinedFrame } from "../../../src/offload/joined_frame.ts";
import { JOINED_FLOWS_MAX, Joiner } from "../../../src/offload/joiner.ts";
import { GsoType, VIRTIO_NEEDS_CHECKSUM } from "../../../src/offload/lan_frame.ts";
import { Segmenter } from "../../../src/offload/segmenter.ts";
import { toHex } from "../proto/frames.ts";
import { makeFrame, type PacketFields, pseudoHeader, slowChecksum } from "./packets.ts";

const ACK = 0x10;
const PSH = 0x08;
const FIN = 0x01;

/** What came out, in order: frames as they would be cut again, and how many were in each write. */
class Outcome {
  readonly frames: string[] = [];
  readonly writes: number[] = [];
  readonly joiner: Joiner;
  readonly #segmenter = new Segmenter();

  constructor(options: Partial<{ udp: boolean; zeroIds: boolean }> = {}) {
    this.joiner = new Joiner({ joined: (frame) => this.#joined(frame) }, {
      udp: true,
      zeroIds: false,
      ...options,
    });
  }

  /** Each frame at another place among bytes that are none of it. */
  send(...frames: readonly Uint8Array[]): this {
    for (const [index, frame] of frames.entries()) {
      const bytes = new Uint8Array(frame.length + 20).fill(0x5a);
      const offset = 1 + index % 9;
      bytes.set(frame, offset);
      if (this.joiner.add(bytes, offset, frame.length)) {
        // It is not needed any more.
        bytes.fill(0xee);
        continue;
      }
      this.frames.push(toHex(frame));
      this.writes.push(1);
    }
    return this;
  }

  end(): this {
    this.joiner.flush();
    return this;
  }

  #joined(frame: JoinedFrame): void {
    const { bytes, start, offset, length, segments, view } = frame;
    this.writes.push(segments);
    assertEquals(bytes, this.joiner.bytes);
    if (segments === 1) {
      assertEquals(toHex(bytes.subarray(start, offset)), "00".repeat(10));
      this.frames.push(toHex(bytes.subarray(offset, offset + length)));
      return;
    }
    assertEquals([view.getUint8(start), view.getUint8(start + 1)], [
      VIRTIO_NEEDS_CHECKSUM,
      frame.gsoType,
    ]);
    assertEquals(view.getUint16(start + 2, true), frame.headerBytes);
    assertEquals(view.getUint16(start + 4, true), frame.segmentBytes);
    assertEquals(view.getUint16(start + 6, true), frame.checksumStart);
    assertEquals(view.getUint16(start + 8, true), frame.checksumOffset);
    assertEquals(this.#segmenter.begin(frame), segments);
    let wireBytes = 0;
    while (this.#segmenter.remaining > 0) {
      const target = new Uint8Array(2048);
      const segmentBytes = this.#segmenter.next(target, 3);
      wireBytes += segmentBytes;
      this.frames.push(toHex(target.subarray(3, 3 + segmentBytes)));
    }
    assertEquals(wireBytes, frame.wireBytes);
  }
}

function payloadOf(count: number, seed = 0): number[] {
  return Array.from({ length: count }, (_, index) => (index * 7 + seed + (index >> 6)) & 0xff);
}

/** Consecutive segments of one flow. */
function stream(
  sizes: readonly number[],
  fields: Partial<PacketFields> = {},
  flagsOf = (_: number) => ACK,
): Uint8Array[] {
  let { sequence = 1000, id = 7 } = fields;
  return sizes.map((size, index) => {
    const payload = payloadOf(size, index);
    const base = { ipVersion: 4, protocol: "tcp", dontFragment: true, ...fields } as const;
    const frame = makeFrame({ ...base, payload, sequence, id, flags: flagsOf(index) });
    sequence = (sequence + size) % 2 ** 32;
    id = (id + 1) & 0xffff;
    return frame;
  });
}

function hexOf(frames: readonly Uint8Array[]): string[] {
  return frames.map(toHex);
}

const TIMESTAMPS = [1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7];
const KINDS: readonly (readonly [name: string, fields: Partial<PacketFields>])[] = [
  ["TCP over IPv4", { tcpOptions: TIMESTAMPS }],
  ["TCP over IPv6", { ipVersion: 6, tcpOptions: TIMESTAMPS }],
  ["TCP over IPv4 whose ids and sequence numbers wrap around", {
    id: 0xfffe,
    sequence: 2 ** 32 - 99,
  }],
  ["TCP in a VLAN", { tags: [[0x8100, 0xa007]] }],
  ["TCP over IPv6 behind two tags", { ipVersion: 6, tags: [[0x88a8, 100], [0x8100, 7]] }],
  ["UDP over IPv4", { protocol: "udp" }],
  ["UDP over IPv6 in a VLAN", { protocol: "udp", ipVersion: 6, tags: [[0x8100, 7]] }],
];

for (const [name, fields] of KINDS) {
  Deno.test(`what is joined is cut again byte for byte: ${name}`, () => {
    const frames = stream([1000, 1000, 1000, 1000, 333, 1000, 1000], fields);
    const outcome = new Outcome().send(...frames).end();
    assertEquals(outcome.frames, hexOf(frames));
    assertEquals(outcome.writes, [5, 2]);
  });
}

Deno.test("a push or the end of a stream ends a super-frame at once", () => {
  for (const last of [PSH, FIN, PSH | FIN]) {
    const frames = stream([900, 900, 900], {}, (index) => index === 2 ? ACK | last : ACK);
    const outcome = new Outcome().send(...frames);
    assertEquals(outcome.writes, [3]);
    assertEquals(outcome.frames, hexOf(frames));
  }
  // Alone it is not held for a moment.
  assertEquals(new Outcome().send(...stream([900], {}, () => ACK | PSH)).writes, [1]);
});

Deno.test("nothing is left behind by a flush, and a second one gives out nothing", () => {
  const outcome = new Outcome().send(...stream([700, 700])).end();
  assertEquals(outcome.writes, [2]);
  assertEquals(outcome.end().writes, [2]);
});

Deno.test("what is longer than the interface's MTU goes by itself, behind what is held of its flow", () => {
  const kinds: readonly (readonly [fields: Partial<PacketFields>, mtu: number])[] = [
    [{}, 1040],
    [{ ipVersion: 6 }, 1060],
    [{ tags: [[0x8100, 7]] }, 1040],
    [{ tags: [[0x88a8, 7]] }, 1044],
  ];
  for (const [fields, mtu] of kinds) {
    const frames = stream([999, 999, 1000, 1000], fields);
    for (const [own, writes] of [[mtu, [2, 2]], [mtu - 1, [2, 1, 1]]] as [number, number[]][]) {
      const outcome = new Outcome();
      outcome.joiner.mtu = own;
      assertEquals(outcome.send(...frames).end().writes, writes);
      assertEquals(outcome.frames, hexOf(frames));
    }
  }
});

Deno.test("a super-frame has at most 64 frames and 65,535 bytes", () => {
  const small = new Outcome().send(...stream(new Array(150).fill(100))).end();
  assertEquals(small.writes, [64, 64, 22]);
  const large = new Outcome().send(...stream(new Array(100).fill(1400))).end();
  assertEquals(large.writes, [46, 46, 8]);
});

/** What must not be joined with the segment in front of it. */
const BREAKS: readonly (readonly [name: string, Partial<PacketFields>])[] = [
  ["a gap", { sequence: 2001 }],
  ["a repetition", { sequence: 1000 }],
  ["another IPv4 id", { id: 9 }],
  ["a packet that may be fragmented", { dontFragment: false }],
  ["another window's options", { tcpOptions: TIMESTAMPS }],
  ["a segment that is longer", { payload: payloadOf(1001) }],
  ["CWR", { flags: 0x90 }],
  ["urgent data", { flags: 0x30 }],
  ["a reset", { flags: 0x14 }],
  ["no ACK", { flags: 0 }],
  ["ECE", { flags: 0x50 }],
  ["IPv4 options", { ipOptions: [1, 1, 1, 0] }],
  ["another VLAN", { tags: [[0x8100, 8]] }],
];

Deno.test("what differs in more than counts up by itself is not joined, and stays in order", () => {
  const next = {
    ipVersion: 4,
    protocol: "tcp",
    payload: payloadOf(1000, 9),
    sequence: 2000,
    id: 8,
    dontFragment: true,
  } as const;
  const [first] = stream([1000]);
  assertEquals(new Outcome().send(first, makeFrame(next)).end().writes, [2], "the next itself is");
  for (const [name, change] of BREAKS) {
    const other = makeFrame({ ...next, ...change });
    const outcome = new Outcome().send(first, other).end();
    assertEquals(outcome.writes, [1, 1], name);
    assertEquals(outcome.frames, hexOf([first, other]), name);
  }
});

/** Changes a byte of a frame, its checksums with it: `at` is an offset in the IPv4 or TCP header. */
function changed(frame: Uint8Array, at: number, value: number): Uint8Array {
  const bytes = frame.slice();
  bytes[at] = value;
  const put = (field: number, sum: number) => bytes.set([sum >> 8, sum & 0xff], field);
  put(24, 0);
  put(24, slowChecksum([...bytes.subarray(14, 34)]));
  put(50, 0);
  const pseudo = pseudoHeader(4, 6, bytes.length - 34);
  put(50, slowChecksum([...pseudo, ...bytes.subarray(34)]));
  return bytes;
}

/** The same frame of another flow: another word of its ports, and of its payload to make up for it. */
function ofFlow(
  frame: Uint8Array,
  flow: number,
  tags = 0,
  ipVersion = 4,
  isTcp = true,
): Uint8Array {
  const bytes = frame.slice();
  const view = new DataView(bytes.buffer);
  const transport = 14 + 4 * tags + (ipVersion === 6 ? 40 : 20);
  const port = view.getUint16(transport);
  view.setUint16(transport, port + flow);
  const field = transport + (isTcp ? 16 : 6);
  const sum = (0xffff - view.getUint16(field)) + flow;
  view.setUint16(field, 0xffff - (sum > 0xffff ? sum - 0xffff : sum));
  return bytes;
}

Deno.test("type of service, time to live, acknowledgement, window and urgent pointer must be equal", () => {
  const [first, second] = stream([500, 500]);
  for (const at of [15, 22, 42, 48, 53]) {
    const other = changed(second, at, second[at] ^ 2);
    const outcome = new Outcome().send(first, other).end();
    assertEquals(outcome.writes, [1, 1], `${at}`);
    assertEquals(outcome.frames, hexOf([first, other]));
  }
});

Deno.test("a wrong checksum is left to whom it is for", () => {
  for (const at of [24, 50, 100]) {
    const [first, second, third] = stream([500, 500, 500]);
    second[at] ^= 1;
    const outcome = new Outcome().send(first, second, third).end();
    assertEquals(outcome.frames, hexOf([first, second, third]), `${at}`);
    assertEquals(outcome.writes, [1, 1, 1]);
  }
});

Deno.test("a frame with a trailer, of a group or without payload is not joined", () => {
  const [first, second] = stream([40, 40]);
  const padded = Uint8Array.from([...second, 0, 0]);
  const group = second.slice();
  group[0] |= 1;
  const [bare] = stream([0], { sequence: 1040, id: 8 });
  for (const other of [padded, group, bare]) {
    const outcome = new Outcome().send(first, other).end();
    assertEquals(outcome.writes, [1, 1]);
    assertEquals(outcome.frames, hexOf([first, other]));
  }
});

Deno.test("a datagram without a checksum is not joined", () => {
  const [first, second] = stream([100, 100], { protocol: "udp" });
  second.set([0, 0], 40);
  assertEquals(new Outcome().send(first, second).end().writes, [1, 1]);
  assertEquals(new Outcome({ udp: false }).send(...stream([9, 9], { protocol: "udp" })).writes, [
    1,
    1,
  ]);
});

Deno.test("packets of the id 0 that may not be fragmented are joined where their ids do not matter", () => {
  const frames = [0, 1, 2].map((index) =>
    stream([600], { id: 0, sequence: 1000 + 600 * index })[0]
  );
  assertEquals(new Outcome().send(...frames).end().writes, [1, 1, 1]);
  const end = new Outcome({ zeroIds: true }).send(...frames).end();
  assertEquals(end.writes, [3]);
  assertEquals(end.frames, hexOf(frames));
});

Deno.test("a fragment has all that is held given out in front of it", () => {
  const frames = stream([600, 600], { protocol: "udp" });
  const fragment = frames[1].slice();
  fragment[20] |= 0x20;
  const outcome = new Outcome().send(frames[0], fragment).end();
  assertEquals(outcome.frames, hexOf([frames[0], fragment]));
});

Deno.test("what is of no flow goes ahead of what is held", () => {
  const frames = stream([600, 600]);
  const arp = Uint8Array.from({ length: 60 }, (_, at) => at === 12 ? 8 : at === 13 ? 6 : at);
  const outcome = new Outcome().send(frames[0], arp, frames[1]).end();
  assertEquals(outcome.writes, [1, 2]);
  assertEquals(outcome.frames, hexOf([arp, ...frames]));
});

Deno.test("several flows are joined beside each other, and one too many has the oldest given out", () => {
  const flows = Array.from(
    { length: JOINED_FLOWS_MAX + 1 },
    (_, flow) => stream([800, 800, 800]).map((frame) => ofFlow(frame, flow + 1)),
  );
  const interleaved = (count: number) =>
    [0, 1, 2].flatMap((index) => flows.slice(0, count).map((flow) => flow[index]));
  const together = new Outcome().send(...interleaved(JOINED_FLOWS_MAX)).end();
  assertEquals(together.writes, new Array(JOINED_FLOWS_MAX).fill(3));
  const tooMany = new Outcome().send(...interleaved(JOINED_FLOWS_MAX + 1)).end();
  assertEquals([...tooMany.frames].sort(), hexOf(flows.flat()).sort());
});

const flowsOfFrames = fc.array(
  fc.record({
    flow: fc.oneof(fc.constantFrom(1, 2), fc.integer({ min: 1, max: 10 })),
    ipVersion: fc.constantFrom<4 | 6>(4, 4, 6),
    protocol: fc.constantFrom<"tcp" | "udp">("tcp", "tcp", "tcp", "udp"),
    size: fc.oneof(fc.constant(300), fc.constant(300), fc.integer({ min: 0, max: 400 })),
    flags: fc.oneof(
      { weight: 8, arbitrary: fc.constant(ACK) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0x1ff }) },
    ),
    jump: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) }),
    flush: fc.nat(9).map((number) => number === 0),
  }),
  { maxLength: 60 },
);

Deno.test("of any streams each frame comes out as it went in, those of a flow in their order", () => {
  let joined = 0;
  fc.assert(
    fc.property(flowsOfFrames, fc.boolean(), (steps, zeroIds) => {
      const outcome = new Outcome({ zeroIds });
      const sent = new Map<string, string[]>();
      const next = new Map<string, { sequence: number; id: number }>();
      for (const { flow, ipVersion, protocol, size, flags, jump, flush } of steps) {
        const key = `${ipVersion} ${protocol} ${flow}`;
        const state = next.get(key) ?? { sequence: 2 ** 32 - 700, id: 0xfffe };
        const { sequence, id } = state;
        const payload = payloadOf(size, flow);
        const tags: [number, number][] = flow > 8 ? [[0x8100, flow]] : [];
        const fields = { ipVersion, protocol, payload, sequence, id, flags, tags };
        const frame = ofFlow(
          makeFrame({ ...fields, dontFragment: flow % 2 === 0 }),
          flow,
          tags.length,
          ipVersion,
          protocol === "tcp",
        );
        next.set(key, {
          sequence: (sequence + size + jump) % 2 ** 32,
          id: (id + 1 + jump) & 0xffff,
        });
        outcome.send(frame);
        sent.set(key, [...sent.get(key) ?? [], toHex(frame)]);
        if (flush) outcome.end();
      }
      outcome.end();
      joined += outcome.writes.filter((count) => count > 1).length;
      const count = outcome.writes.reduce((sum, frames) => sum + frames, 0);
      assertEquals(count, steps.length);
      for (const frames of sent.values()) {
        const mine = new Set(frames);
        assertEquals(outcome.frames.filter((frame) => mine.has(frame)), frames);
      }
    }),
    { seed: 14, numRuns: 400 },
  );
  assert(joined > 100, `${joined} super-frames`);
});

Deno.test("a UDP super-frame and a TCP one say so", () => {
  const kinds: number[] = [];
  const joiner = new Joiner({ joined: ({ gsoType }) => void kinds.push(gsoType) }, {
    udp: true,
    zeroIds: false,
  });
  for (const [, fields] of KINDS) {
    for (const frame of stream([99, 99], fields)) joiner.add(frame, 0, frame.length);
    joiner.flush();
  }
  const { tcp4, tcp6, udpSegments } = GsoType;
  assertEquals(kinds, [tcp4, tcp6, tcp4, tcp4, tcp6, udpSegments, udpSegments]);
});
