import { assert, assertEquals, assertThrows } from "@std/assert";
import { asPeerId } from "../../../src/proto/brands.ts";
import { DatagramView, parseDatagram } from "../../../src/proto/datagram.ts";
import { Reassembler, ReassemblyDrop } from "../../../src/proto/reassembly.ts";
import { copyPiece } from "../../../src/proto/split.ts";
import { plainFrame, toHex } from "./frames.ts";

/** Pieces of frames on their way into a reassembler. */
class Receiver {
  readonly reassembler: Reassembler;
  readonly #view = new DatagramView();
  readonly #bytes = new Uint8Array(2048);

  constructor(options?: ConstructorParameters<typeof Reassembler>[0]) {
    this.reassembler = new Reassembler(options);
  }

  /** Hands in `frame[start … end)`; the last piece unless `more`. */
  piece(
    frame: Uint8Array,
    start: number,
    end: number,
    at: { source?: number; id?: number; nowMs?: number; more?: boolean } = {},
  ): number {
    const { source = 1, id = 1, nowMs = 0, more = end < frame.length } = at;
    const length = copyPiece(
      frame,
      0,
      start,
      end - start,
      more,
      asPeerId(source),
      id,
      this.#bytes,
      3,
    );
    assertEquals(parseDatagram(this.#bytes, 3, length, this.#view), 0);
    return this.reassembler.handlePiece(this.#bytes, this.#view, nowMs);
  }

  result(length: number): string {
    return toHex(this.reassembler.frame.subarray(0, length));
  }
}

const FRAME = plainFrame(1514);

//= PROTOCOL.md 9.2
//# Pieces may come in any order.
Deno.test("a frame is put together whatever the order of its pieces", () => {
  const cuts = [[0, 600], [600, 601], [601, 900], [900, 1514]];
  const orders = permutations([0, 1, 2, 3]);
  assertEquals(orders.length, 24);
  const receiver = new Receiver();
  for (const order of orders) {
    const results = order.map((index) => receiver.piece(FRAME, cuts[index][0], cuts[index][1]));
    assertEquals(results, [0, 0, 0, 1514], `${order}`);
    assertEquals(receiver.result(1514), toHex(FRAME));
    assertEquals(receiver.reassembler.openFrames, 0);
  }
  assertEquals(receiver.reassembler.counters.completed, 24);
});

Deno.test("frames of several sources and ids do not mix", () => {
  const receiver = new Receiver();
  const keys = [[0, 0], [0, 1], [1, 0], [1, 0x8000], [0xffff, 0xffff], [0xffff, 0]];
  const frames = keys.map((_, index) => plainFrame(1300 + index, index));
  for (const [index, [source, id]] of keys.entries()) {
    assertEquals(receiver.piece(frames[index], 0, 700, { source, id }), 0);
  }
  assertEquals(receiver.reassembler.openFrames, 6);
  for (const [index, [source, id]] of [...keys.entries()].reverse()) {
    assertEquals(receiver.piece(frames[index], 700, 1300 + index, { source, id }), 1300 + index);
    assertEquals(receiver.result(1300 + index), toHex(frames[index]));
  }
});

//= PROTOCOL.md 9.2
//# | 2 | the piece ends beyond 1522 bytes (offset + bytes that count) | `overlong`
//= PROTOCOL.md 9.2
//# A frame that comes out has at least 601 bytes and at most 1522, and is treated as one that came
//# whole.
Deno.test("the longest frame fits, one byte more does not", () => {
  const receiver = new Receiver();
  const longest = plainFrame(1522);
  assertEquals(receiver.piece(longest, 1200, 1522), 0);
  assertEquals(receiver.piece(longest, 0, 1200), 1522);
  assertEquals(receiver.result(1522), toHex(longest));
  const longer = plainFrame(1523);
  assertEquals(receiver.piece(longer, 0, 1200), 0);
  assertEquals(receiver.piece(longer, 1200, 1523), -ReassemblyDrop.overlong);
  assertEquals(receiver.piece(longer, 1200, 1522), -ReassemblyDrop.dropped);
});

/** Each case: pieces that are fine, then the one that contradicts them. */
const CONTRADICTIONS: [string, number, [number, number, boolean][]][] = [
  ["the same piece twice", ReassemblyDrop.overlap, [[0, 600, true], [0, 600, true]]],
  ["one byte twice", ReassemblyDrop.overlap, [[0, 700, true], [699, 800, true]]],
  ["a piece inside another", ReassemblyDrop.overlap, [[600, 900, true], [700, 701, true]]],
  ["a piece around another", ReassemblyDrop.overlap, [[700, 701, true], [600, 900, true]]],
  ["into the next", ReassemblyDrop.overlap, [[640, 672, true], [608, 641, true]]],
  ["a second end, other place", ReassemblyDrop.secondEnd, [[900, 1000, false], [700, 800, false]]],
  ["a second end, farther", ReassemblyDrop.secondEnd, [[900, 1000, false], [1000, 1100, false]]],
  ["the same end twice", ReassemblyDrop.secondEnd, [[900, 1000, false], [900, 1000, false]]],
  ["beyond the end", ReassemblyDrop.beyondEnd, [[900, 1000, false], [1000, 1001, true]]],
  ["over the end", ReassemblyDrop.beyondEnd, [[900, 1000, false], [800, 1001, true]]],
  ["an end before what came", ReassemblyDrop.beyondEnd, [[1000, 1001, true], [900, 1000, false]]],
  ["an end inside what came", ReassemblyDrop.beyondEnd, [[0, 1001, true], [900, 1000, false]]],
];

//= PROTOCOL.md 9.2
//# | 1 | it was dropped […] | 6 | it holds a byte
//= PROTOCOL.md 9.2
//# A frame that was dropped stays, without its bytes, for the same time, so that what still comes
//# of it is dropped, too, and cannot become another frame.
Deno.test("a frame is dropped when its pieces contradict each other", () => {
  for (const [name, reason, pieces] of CONTRADICTIONS) {
    const receiver = new Receiver();
    const results = pieces.map(([start, end, more]) => receiver.piece(FRAME, start, end, { more }));
    assertEquals(results, [0, -reason], name);
    // All that belongs to the frame is dropped until its time is up, the right pieces, too.
    assertEquals(receiver.piece(FRAME, 0, 600, { nowMs: 499 }), -ReassemblyDrop.dropped, name);
    assertEquals(receiver.piece(FRAME, 600, 1514, { nowMs: 499 }), -ReassemblyDrop.dropped, name);
    const { counters } = receiver.reassembler;
    assertEquals(counters.dropped[reason], 1, name);
    assertEquals(counters.dropped.reduce((sum, value) => sum + value), 1, name);
    // Another frame is not touched, and the id is free again afterwards.
    assertEquals(receiver.piece(FRAME, 0, 700, { id: 2, nowMs: 499 }), 0, name);
    assertEquals(receiver.piece(FRAME, 700, 1514, { id: 2, nowMs: 499 }), 1514, name);
    assertEquals(receiver.piece(FRAME, 0, 700, { nowMs: 500 }), 0, name);
    assertEquals(receiver.piece(FRAME, 700, 1514, { nowMs: 500 }), 1514, name);
    assertEquals(receiver.result(1514), toHex(FRAME), name);
    assertEquals([counters.expired, counters.completed], [0, 2], name);
  }
});

Deno.test("any byte of the header that differs drops the frame, whichever piece has it", () => {
  const cuts = [[0, 600], [600, 1000], [1000, 1514]];
  for (let index = 0; index < 14; index++) {
    const other = FRAME.slice();
    other[index] ^= 0x80;
    for (const odd of [0, 1, 2]) {
      const receiver = new Receiver();
      const results = cuts.map(([start, end], piece) =>
        receiver.piece(piece === odd ? other : FRAME, start, end)
      );
      const differs = -ReassemblyDrop.headerDiffers;
      const dropped = -ReassemblyDrop.dropped;
      // With the odd one first, it is the second that differs.
      assertEquals(results, odd === 2 ? [0, 0, differs] : [0, differs, dropped]);
    }
  }
  const receiver = new Receiver();
  const other = FRAME.slice();
  other[14] ^= 0x80;
  receiver.piece(FRAME, 0, 600);
  assertEquals(receiver.piece(other, 600, 1514), 1514, "byte 14 is not in the header");
});

//= PROTOCOL.md 9.2
//# **Time.** 500 ms after its first piece came, a frame that is not complete is given up, and its
//# key is free.
Deno.test("a frame has 500 ms from its first piece on", () => {
  const receiver = new Receiver();
  assertEquals(receiver.reassembler.nextDeadlineMs(), Infinity);
  assertEquals(receiver.piece(FRAME, 0, 700, { nowMs: 100 }), 0);
  assertEquals(receiver.reassembler.nextDeadlineMs(), 600);
  assertEquals(receiver.piece(FRAME, 700, 1000, { nowMs: 400 }), 0);
  assertEquals(receiver.reassembler.expire(599.9), 0);
  assertEquals(receiver.piece(FRAME, 1000, 1514, { nowMs: 599.9 }), 1514);

  assertEquals(receiver.piece(FRAME, 0, 700, { nowMs: 1000 }), 0);
  assertEquals(receiver.piece(FRAME, 700, 1514, { nowMs: 1500 }), 0, "opens another frame");
  assertEquals(receiver.reassembler.counters.expired, 1);
  assertEquals(receiver.reassembler.openFrames, 1);
  assertEquals(receiver.reassembler.expire(2000), 1);
  assertEquals(receiver.reassembler.openFrames, 0);
  assertEquals(receiver.reassembler.nextDeadlineMs(), Infinity);
});

//= PROTOCOL.md 9.2
//# **Bound per source.** At most 64 frames of one source are open, dropped ones included; the 65th
//# makes the oldest give way.
Deno.test("the 65th frame of a source makes its oldest give way", () => {
  const receiver = new Receiver();
  for (let id = 0; id < 64; id++) assertEquals(receiver.piece(FRAME, 0, 700, { id }), 0);
  assertEquals(receiver.piece(FRAME, 0, 700, { id: 0, source: 2 }), 0);
  assertEquals(receiver.reassembler.counters.gaveWay, 0);
  assertEquals(receiver.piece(FRAME, 0, 700, { id: 64 }), 0);
  assertEquals(receiver.reassembler.counters.gaveWay, 1);
  assertEquals(receiver.reassembler.openFrames, 65);
  for (let id = 1; id <= 64; id++) assertEquals(receiver.piece(FRAME, 700, 1514, { id }), 1514);
  assertEquals(receiver.piece(FRAME, 700, 1514, { id: 0, source: 2 }), 1514);
  assertEquals(receiver.piece(FRAME, 700, 1514, { id: 0 }), 0, "its first piece is gone");
});

Deno.test("a frame that finishes makes room in its source", () => {
  const receiver = new Receiver();
  for (let id = 0; id < 64; id++) receiver.piece(FRAME, 0, 700, { id });
  assertEquals(receiver.piece(FRAME, 700, 1514, { id: 30 }), 1514);
  receiver.piece(FRAME, 0, 700, { id: 64 });
  assertEquals(receiver.reassembler.counters.gaveWay, 0);
  assertEquals(receiver.piece(FRAME, 700, 1514, { id: 0 }), 1514);
});

//= PROTOCOL.md 9.2
//# **Bound over all sources.** Memory must be bounded, however many sources there are.
//= PROTOCOL.md 9.2
//# This project keeps at most 4,096 frames open; one more makes the oldest of all give way.
Deno.test("many sources together are bounded, and the oldest frame of all gives way", () => {
  const receiver = new Receiver({ framesMax: 100 });
  for (let source = 0; source < 5000; source++) {
    assertEquals(receiver.piece(FRAME, 0, 700, { source, id: source }), 0);
    assert(receiver.reassembler.openFrames <= 100);
  }
  assertEquals(receiver.reassembler.counters.gaveWay, 4900);
  for (let source = 4900; source < 5000; source++) {
    assertEquals(receiver.piece(FRAME, 700, 1514, { source, id: source }), 1514);
  }
  assertEquals(receiver.reassembler.openFrames, 0);
});

Deno.test("a frame that was dropped gives way like all others and is counted once", () => {
  const receiver = new Receiver({ framesPerSourceMax: 2 });
  receiver.piece(FRAME, 0, 700, { id: 1 });
  receiver.piece(FRAME, 0, 700, { id: 1 });
  receiver.piece(FRAME, 0, 700, { id: 2 });
  receiver.piece(FRAME, 0, 700, { id: 3 });
  assertEquals(receiver.reassembler.openFrames, 2);
  assertEquals(receiver.reassembler.counters.gaveWay, 0);
  assertEquals(receiver.reassembler.counters.dropped[ReassemblyDrop.overlap], 1);
  receiver.piece(FRAME, 0, 700, { id: 3, nowMs: 1 });
  assertEquals(receiver.reassembler.expire(500), 1);
});

//= PROTOCOL.md 9.2
//# When a `peerLeft` comes, that peer's open frames are given up.
Deno.test("the frames of a source that left are gone, those of others stay", () => {
  const receiver = new Receiver();
  for (let id = 0; id < 5; id++) {
    receiver.piece(FRAME, 0, 700, { source: 1, id });
    receiver.piece(FRAME, 0, 700, { source: 2, id });
  }
  receiver.reassembler.dropSource(asPeerId(1));
  receiver.reassembler.dropSource(asPeerId(3));
  assertEquals(receiver.reassembler.openFrames, 5);
  assertEquals(receiver.piece(FRAME, 700, 1514, { source: 1, id: 0 }), 0);
  assertEquals(receiver.piece(FRAME, 700, 1514, { source: 2, id: 0 }), 1514);
  receiver.reassembler.clear();
  assertEquals(receiver.reassembler.openFrames, 0);
  assertEquals(receiver.reassembler.expire(1e9), 0);
  assertEquals(receiver.piece(FRAME, 0, 700, { source: 2, id: 1, nowMs: 1e9 }), 0);
});

Deno.test("after it was warmed up, pieces cost no memory", () => {
  const receiver = new Receiver();
  const memory = new Uint8Array(4096);
  const pieces = [[0, 700], [700, 1514]].map(([start, end]) => {
    const offset = start === 0 ? 0 : 2048;
    const length = copyPiece(
      FRAME,
      0,
      start,
      end - start,
      end < 1514,
      asPeerId(0),
      0,
      memory,
      offset,
    );
    return { offset, length };
  });
  const view = new DatagramView();
  // Times are whole numbers here: handing a fraction over would itself take memory.
  const round = (frames: number, startMs: number) => {
    for (let frame = 0; frame < frames; frame++) {
      for (const { offset, length } of pieces) {
        memory[offset + 3] = frame;
        memory[offset + 5] = frame >> 3;
        parseDatagram(memory, offset, length, view);
        // Each third frame stays open until its time is up.
        if (offset === 0 || frame % 3 > 0) {
          receiver.reassembler.handlePiece(memory, view, startMs + (frame * 3 >> 3));
        }
      }
    }
  };
  round(60_000, 0);
  // Windows so short that few hold a garbage collection: the median tells.
  const grownBytes = Array.from({ length: 15 }, (_, window) => {
    const before = Deno.memoryUsage().heapUsed;
    round(6_000, (window + 1) * 1e6);
    return Deno.memoryUsage().heapUsed - before;
  }).sort((a, b) => a - b);
  // One boxed number per piece would be 120 kB.
  assert(grownBytes[7] < 40_000, `${grownBytes}`);
  const { completed, expired } = receiver.reassembler.counters;
  assert(completed > 50_000 && expired > 5_000, `${completed} completed, ${expired} expired`);
});

Deno.test("bounds that make no sense are refused", () => {
  for (const options of [{ framesMax: 0 }, { framesMax: 65_537 }, { framesPerSourceMax: 0.5 }]) {
    assertThrows(() => new Reassembler(options), RangeError);
  }
  assertThrows(() => new Reassembler({ ageMaxMs: 0 }), RangeError);
});

function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest])
  );
}
