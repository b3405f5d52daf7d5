import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ChecksumCompleter } from "../../../src/offload/checksum_completer.ts";
import type { LanFrame } from "../../../src/offload/lan_frame.ts";
import { Segmenter, SEGMENTS_MAX } from "../../../src/offload/segmenter.ts";
import { FRAME_BYTES_MAX } from "../../../src/proto/ethernet.ts";
import { toHex } from "../../unit/proto/frames.ts";
import { fuzz } from "../proto/fuzz.ts";
import { unfinishedFrames } from "./unfinished.ts";

/** The frame amid bytes that must neither be changed nor matter. */
function placed(frame: LanFrame, around: number): LanFrame {
  const bytes = new Uint8Array(40 + frame.length + 40).fill(around);
  bytes.set(frame.bytes.subarray(0, frame.length), 40);
  return { ...frame, bytes, offset: 40 };
}

function cut(segmenter: Segmenter, frame: LanFrame): string[] | number {
  const before = toHex(frame.bytes);
  const count = segmenter.begin(frame);
  if (count < 0) return count;
  assert(count >= 1 && count <= SEGMENTS_MAX, `${count} segments`);
  const target = new Uint8Array(FRAME_BYTES_MAX);
  const segments: string[] = [];
  let payloadBytes = 0;
  for (let index = 0; index < count; index++) {
    const length = segmenter.next(target, 0);
    assert(length >= 42 && length <= FRAME_BYTES_MAX, `${length} bytes`);
    payloadBytes += length;
    segments.push(toHex(target.subarray(0, length)));
  }
  // Nothing is invented: without a header each, the segments are no more than the frame.
  const headerBytes = segments.length > 1 ? segments[0].length / 2 - frame.segmentBytes : 0;
  assert(payloadBytes - count * headerBytes <= frame.length + 4);
  assertEquals(segmenter.next(target, 0), 0);
  assertEquals(toHex(frame.bytes), before, "the super-frame was changed");
  return segments;
}

Deno.test("no super-frame makes the segmenter throw, run away or read beyond the frame", () => {
  const segmenter = new Segmenter();
  const outcomes = new Set<string>();
  fuzz(fc.property(unfinishedFrames, (frame) => {
    const once = cut(segmenter, placed(frame, 0xa5));
    assertEquals(cut(segmenter, placed(frame, 0x00)), once);
    outcomes.add(typeof once === "number" ? `${once}` : "cut");
  }));
  assert(outcomes.has("cut") && outcomes.has("-1") && outcomes.has("-2"), [...outcomes].join());
});

Deno.test("no frame makes the completer throw, or touch a byte around it", () => {
  const completer = new ChecksumCompleter();
  const outcomes = new Set<number>();
  fuzz(fc.property(unfinishedFrames, (frame) => {
    const target = new Uint8Array(2048).fill(0xa5);
    const lengths = [0xa5, 0x00].map((around) => {
      const length = completer.copy(placed(frame, around), target, 100);
      const end = 100 + Math.max(0, length);
      if (length >= 0) {
        assert(target.subarray(0, 100).every((byte) => byte === 0xa5), "before");
        assert(target.subarray(end).every((byte) => byte === 0xa5), "behind");
        assert(length <= FRAME_BYTES_MAX);
      } else target.fill(0xa5);
      return length < 0 ? `${length}` : toHex(target.slice(100, end));
    });
    assertEquals(lengths[0], lengths[1], "bytes around the frame mattered");
    const where = placed(frame, 0xa5);
    const before = toHex(where.bytes);
    const result = completer.complete(where.bytes, where.offset, where.length, where);
    if (result < 0) assertEquals(toHex(where.bytes), before);
    assertEquals(where.bytes.subarray(0, 40).every((byte) => byte === 0xa5), true);
    assertEquals(where.bytes.subarray(40 + frame.length).every((byte) => byte === 0xa5), true);
    outcomes.add(result);
  }));
  assertEquals([...outcomes].sort(), [-1, 0]);
});
