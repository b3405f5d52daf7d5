import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { JoinedFrame } from "../../../src/offload/joined_frame.ts";
import { Joiner } from "../../../src/offload/joiner.ts";
import { Segmenter } from "../../../src/offload/segmenter.ts";
import { makeFrame } from "../../unit/offload/packets.ts";
import { toHex } from "../../unit/proto/frames.ts";
import { fuzz } from "../proto/fuzz.ts";

/** Segments that follow each other, as sound ones do, before a few of their bytes are changed. */
const segments: fc.Arbitrary<Uint8Array[]> = fc.record({
  ipVersion: fc.constantFrom(4 as const, 6 as const),
  protocol: fc.constantFrom("tcp" as const, "udp" as const),
  tags: fc.constantFrom<[number, number][]>([], [[0x8100, 5]]),
  size: fc.integer({ min: 0, max: 60 }),
  count: fc.integer({ min: 1, max: 6 }),
  damage: fc.array(fc.tuple(fc.nat(5), fc.nat(90), fc.nat(255)), { maxLength: 2 }),
  lost: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(60)),
}).map(({ size, count, damage, lost, ...fields }) => {
  const frames = Array.from({ length: count }, (_, index) => {
    const payload = new Array<number>(size).fill(index);
    return makeFrame({ ...fields, payload, sequence: 1 + index * size, id: 1 + index });
  });
  for (const [index, at, value] of damage) {
    const frame = frames[index];
    if (frame !== undefined && at < frame.length) frame[at] = value;
  }
  const last = frames[count - 1];
  frames[count - 1] = last.subarray(0, Math.max(0, last.length - lost));
  return frames;
});

const noise = fc.uint8Array({ maxLength: 120 }).map((bytes) => [bytes]);
const streams = fc.array(
  fc.oneof({ weight: 6, arbitrary: segments }, { weight: 1, arbitrary: noise }),
  { maxLength: 4 },
).map((lists) => lists.flat());

/** Sends frames amid bytes that must not matter; what comes out, cut again. */
function passed(frames: readonly Uint8Array[], around: number): string[] {
  const out: string[] = [];
  const segmenter = new Segmenter();
  const joined = (frame: JoinedFrame) => {
    const { bytes, offset, length } = frame;
    if (frame.segments === 1) {
      out.push(toHex(bytes.subarray(offset, offset + length)));
      return;
    }
    assertEquals(segmenter.begin(frame), frame.segments);
    while (segmenter.remaining > 0) {
      const target = new Uint8Array(1600);
      out.push(toHex(target.subarray(0, segmenter.next(target, 0))));
    }
  };
  const joiner = new Joiner({ joined }, { udp: true, zeroIds: false });
  for (const frame of frames) {
    const bytes = new Uint8Array(frame.length + 80).fill(around);
    bytes.set(frame, 40);
    const taken = joiner.add(bytes, 40, frame.length);
    assert(bytes.subarray(0, 40).every((byte) => byte === around));
    assertEquals(toHex(bytes.subarray(40, 40 + frame.length)), toHex(frame), "it only reads");
    if (!taken) out.push(toHex(frame));
  }
  joiner.flush();
  return out;
}

Deno.test("no frames make the joiner throw, read beyond them, lose one or change a byte", () => {
  fuzz(fc.property(streams, (frames) => {
    const out = passed(frames, 0xaa);
    // What lies behind a frame must not matter.
    assertEquals(passed(frames, 0x45), out);
    assertEquals(out.toSorted(), frames.map(toHex).toSorted());
  }));
});
