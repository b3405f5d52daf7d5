import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asPeerId } from "../../../src/proto/brands.ts";
import { DatagramView, parseDatagram } from "../../../src/proto/datagram.ts";
import { Reassembler } from "../../../src/proto/reassembly.ts";
import { copyPiece, copyPieceOf, Splitter } from "../../../src/proto/split.ts";
import { plainFrame, toHex } from "../../unit/proto/frames.ts";
import { fuzz } from "./fuzz.ts";

/** Cuts the datagrams that are too long, as a relay does for a narrower target. */
function cutFurther(datagrams: Uint8Array[], maxDatagramBytes: number): Uint8Array[] {
  const splitter = new Splitter();
  const view = new DatagramView();
  const target = new Uint8Array(2048);
  return datagrams.flatMap((bytes) => {
    assertEquals(parseDatagram(bytes, 0, bytes.length, view), 0);
    if (bytes.length <= maxDatagramBytes) return [bytes];
    splitter.beginPiece(view.byteOffset, view.payloadLength, view.more, maxDatagramBytes);
    const pieces: Uint8Array[] = [];
    while (splitter.next()) {
      const { byteOffset, pieceBytes, more } = splitter;
      const length = copyPieceOf(bytes, view, byteOffset, pieceBytes, more, asPeerId(7), target, 0);
      assert(length <= maxDatagramBytes);
      pieces.push(target.slice(0, length));
    }
    return pieces;
  });
}

function split(frame: Uint8Array, frameId: number, maxDatagramBytes: number): Uint8Array[] {
  const splitter = new Splitter();
  splitter.begin(frame.length, maxDatagramBytes);
  const pieces: Uint8Array[] = [];
  while (splitter.next()) {
    const { byteOffset, pieceBytes, more } = splitter;
    const target = new Uint8Array(maxDatagramBytes);
    const length = copyPiece(
      frame,
      0,
      byteOffset,
      pieceBytes,
      more,
      asPeerId(7),
      frameId,
      target,
      0,
    );
    pieces.push(target.subarray(0, length));
  }
  return pieces;
}

Deno.test("fuzz: frames split, cut further and shuffled come out as they were", () => {
  const lengths = fc.integer({ min: 640, max: 1522 });
  const widths = fc.integer({ min: 608, max: 1500 });
  const order = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
  fuzz(
    fc.property(fc.array(lengths, { minLength: 1, maxLength: 8 }), widths, widths, order, (
      frameBytes,
      first,
      second,
      order,
    ) => {
      const frames = frameBytes.map((bytes, index) => plainFrame(bytes, index));
      const pieces = frames.flatMap((frame, id) => {
        const width = Math.min(first, frame.length + 3);
        return cutFurther(split(frame, id, width), Math.min(second, width));
      });
      const shuffled = pieces.map((piece) => ({ piece, rank: order.next().value as number }))
        .sort((a, b) => a.rank - b.rank);
      const reassembler = new Reassembler();
      const view = new DatagramView();
      const whole: string[] = [];
      for (const { piece } of shuffled) {
        assertEquals(parseDatagram(piece, 0, piece.length, view), 0);
        const result = reassembler.handlePiece(piece, view, 0);
        assert(result >= 0, `${result}`);
        if (result > 0) whole.push(toHex(reassembler.frame.subarray(0, result)));
      }
      assertEquals(whole.sort(), frames.map(toHex).sort());
      assertEquals(reassembler.openFrames, 0);
    }),
    { runs: 400 },
  );
});

interface OpenFrame {
  readonly key: string;
  readonly source: number;
  readonly openedMs: number;
  readonly header: string;
  readonly bytes: Map<number, number>;
  end: number;
  dropped: boolean;
}

/** The rules once more, with a map of bytes per frame and without a thought for speed. */
class Model {
  open: OpenFrame[] = [];
  constructor(readonly perSource: number, readonly all: number) {}

  handlePiece(bytes: Uint8Array, view: DatagramView, nowMs: number): string | undefined {
    this.open = this.open.filter((frame) => nowMs - frame.openedMs < 500);
    const key = `${view.sourcePeerId}/${view.frameId}`;
    const header = toHex(bytes.subarray(view.frameOffset, view.frameOffset + 14));
    let frame = this.open.find((other) => other.key === key);
    if (frame === undefined) {
      const source = view.sourcePeerId;
      const ofSource = this.open.filter((other) => other.source === source);
      const victim = ofSource.length === this.perSource
        ? ofSource[0]
        : this.open.length === this.all
        ? this.open[0]
        : undefined;
      this.open = this.open.filter((other) => other !== victim);
      frame = { key, source, openedMs: nowMs, header, bytes: new Map(), end: 0, dropped: false };
      this.open.push(frame);
    }
    const end = view.byteOffset + view.payloadLength;
    const reach = Math.max(0, ...frame.bytes.keys()) + 1;
    const overlaps = () => {
      for (let at = view.byteOffset; at < end; at++) if (frame.bytes.has(at)) return true;
      return false;
    };
    const hasEnd = frame.end > 0;
    frame.dropped ||= end > 1522 || header !== frame.header || (hasEnd && !view.more) ||
      (hasEnd && end > frame.end) || (!view.more && frame.bytes.size > 0 && reach > end) ||
      overlaps();
    if (frame.dropped) return "dropped";
    for (let index = 0; index < view.payloadLength; index++) {
      frame.bytes.set(view.byteOffset + index, bytes[view.payloadOffset + index]);
    }
    if (!view.more) frame.end = end;
    if (frame.bytes.size !== frame.end) return undefined;
    this.open = this.open.filter((other) => other !== frame);
    return toHex(Uint8Array.from({ length: frame.end }, (_, at) => frame.bytes.get(at)!));
  }
}

Deno.test("fuzz: reassembly of hostile pieces agrees with a model, within its bounds", () => {
  const frames = [plainFrame(1522, 1), plainFrame(1522, 1), plainFrame(1522, 2)];
  frames[2][5] ^= 1;
  const cut = fc.constantFrom(0, 600, 601, 650, 700, 800, 801, 1000, 1300, 1500, 1522, 1523);
  const pieces = fc.constantFrom<[number, number]>([0, 700], [700, 1000], [1000, 1300]);
  const step = fc.record({
    frame: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2),
    source: fc.constantFrom(0, 0, 1, 2, 3),
    frameId: fc.constantFrom(0, 0, 0, 1, 2, 0x8000),
    cuts: fc.oneof({ arbitrary: pieces, weight: 9 }, fc.tuple(cut, cut)),
    more: fc.constantFrom(...Array(18).fill(undefined), true, false),
    waitMs: fc.constantFrom(0, 0, 0, 0, 1, 100, 499, 500),
  });
  const outcomes = new Map<string, number>();
  fuzz(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const reassembler = new Reassembler({ framesPerSourceMax: 3, framesMax: 7 });
      const model = new Model(3, 7);
      const view = new DatagramView();
      const bytes = new Uint8Array(2048);
      let nowMs = 0;
      for (const { frame, source, frameId, cuts, more, waitMs } of steps) {
        nowMs += waitMs;
        const [start, end] = cuts[0] < cuts[1] ? cuts : [cuts[1], cuts[0]];
        const source14 = frames[frame];
        const isMore = more ?? end < 1300;
        const length = copyPiece(
          source14,
          0,
          start,
          end - start,
          isMore,
          asPeerId(source),
          frameId,
          bytes,
          5,
        );
        if (parseDatagram(bytes, 5, length, view) !== 0) continue;
        const result = reassembler.handlePiece(bytes, view, nowMs);
        const found = result > 0
          ? toHex(reassembler.frame.subarray(0, result))
          : result < 0
          ? "dropped"
          : undefined;
        assertEquals(found, model.handlePiece(bytes, view, nowMs));
        assertEquals(reassembler.openFrames, model.open.length);
        assert(reassembler.openFrames <= 7);
        const outcome = found === undefined ? "waiting" : found === "dropped" ? found : "frame";
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }),
    { runs: 600 },
  );
  for (const outcome of ["waiting", "dropped", "frame"]) {
    assert((outcomes.get(outcome) ?? 0) > 20, `${outcome}: ${outcomes.get(outcome)}`);
  }
});
