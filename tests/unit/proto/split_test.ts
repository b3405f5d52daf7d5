import { assert, assertEquals } from "@std/assert";
import { asPeerId } from "../../../src/proto/brands.ts";
import { DatagramView, parseDatagram } from "../../../src/proto/datagram.ts";
import {
  copyPiece,
  copyPieceOf,
  SPLIT_DATAGRAM_BYTES_MIN,
  Splitter,
} from "../../../src/proto/split.ts";
import { join, plainFrame, toHex } from "./frames.ts";

type Piece = [byteOffset: number, pieceBytes: number, more: boolean];

function piecesOf(splitter: Splitter): Piece[] {
  const pieces: Piece[] = [];
  while (splitter.next()) {
    pieces.push([splitter.byteOffset, splitter.pieceBytes, splitter.more]);
  }
  assert(!splitter.next(), "nothing comes after the end");
  return pieces;
}

function split(frameBytes: number, maxDatagramBytes: number): Piece[] {
  const splitter = new Splitter();
  splitter.begin(frameBytes, maxDatagramBytes);
  return piecesOf(splitter);
}

//= PROTOCOL.md 9.1
//# Each piece but the last should be as long as the maximum allows.
Deno.test("each piece but the last is as long as the datagram allows", () => {
  assertEquals(split(1514, 1418), [[0, 1410, true], [1410, 104, false]]);
  assertEquals(split(1514, 1200), [[0, 1192, true], [1192, 322, false]]);
  assertEquals(split(1514, 608), [[0, 600, true], [600, 586, true], [1186, 328, false]]);
  assertEquals(split(1415, 1418), [[0, 1410, true], [1410, 5, false]]);
});

Deno.test("a last piece may be full, or hold one byte", () => {
  assertEquals(split(600 + 586, 608), [[0, 600, true], [600, 586, false]]);
  assertEquals(split(600 + 587, 608), [[0, 600, true], [600, 586, true], [1186, 1, false]]);
});

//= PROTOCOL.md 9.1
//# The piece at offset 0 has M set and at least 600 bytes.
//= PROTOCOL.md 9.1
//# Later pieces begin at 600 or behind, repeat the frame's 14 bytes, and hold at least one byte
//# more.
//= PROTOCOL.md 9.1
//# The piece that ends the frame has M not set; all others have it set.
Deno.test("pieces cover each frame once, and fit, and none could be longer", () => {
  for (let frameBytes = 605; frameBytes <= 1522; frameBytes += 7) {
    for (let maximum = 608; maximum < frameBytes + 4; maximum += 5) {
      const pieces = split(frameBytes, maximum);
      assert(pieces.length >= 2);
      let at = 0;
      for (const [index, [byteOffset, pieceBytes, more]] of pieces.entries()) {
        assertEquals(byteOffset, at);
        assert(pieceBytes > 0);
        const datagramBytes = pieceBytes + (at === 0 ? 8 : 22);
        assert(more ? datagramBytes === maximum : datagramBytes <= maximum);
        assertEquals(more, index < pieces.length - 1);
        at += pieceBytes;
      }
      assertEquals(at, frameBytes);
      assert(pieces[0][1] >= 600);
    }
  }
});

//= PROTOCOL.md 9.1
//# Where the maximum is less than 608, a frame that does not fit whole is dropped.
Deno.test("datagrams too narrow for a first piece take no pieces", () => {
  assertEquals(SPLIT_DATAGRAM_BYTES_MIN, 608);
  assertEquals(split(1514, 607), []);
});

Deno.test("a piece is cut further, and what follows it still follows", () => {
  const splitter = new Splitter();
  splitter.beginPiece(0, 1392, true, 1200);
  assertEquals(piecesOf(splitter), [[0, 1192, true], [1192, 200, true]]);
  splitter.beginPiece(1392, 122, false, 608);
  assertEquals(piecesOf(splitter), [[1392, 122, false]]);
  splitter.beginPiece(700, 800, false, 608);
  assertEquals(piecesOf(splitter), [[700, 586, true], [1286, 214, false]]);
  splitter.beginPiece(700, 586, true, 608);
  assertEquals(piecesOf(splitter), [[700, 586, true]]);
  splitter.beginPiece(700, 586, true, 607);
  assertEquals(piecesOf(splitter), []);
});

Deno.test("a splitter forgets what it did not finish", () => {
  const splitter = new Splitter();
  splitter.begin(1514, 608);
  assert(splitter.next());
  splitter.begin(1514, 1418);
  assertEquals(piecesOf(splitter), [[0, 1410, true], [1410, 104, false]]);
});

Deno.test("pieces are written byte for byte, from another array or the same", () => {
  const frame = plainFrame(1000);
  for (const same of [false, true]) {
    const memory = new Uint8Array(4000).fill(0xee);
    memory.set(frame, 100);
    const source = same ? memory : memory.slice();
    const first = copyPiece(source, 100, 0, 600, true, asPeerId(0x0304), 0x7ffe, memory, 2000);
    assertEquals(first, 608);
    assertEquals(
      toHex(memory.subarray(1999, 2609)),
      "ee" + "010103047ffe8000" + toHex(frame.subarray(0, 600)) + "ee",
    );
    const later = copyPiece(source, 100, 600, 400, false, asPeerId(0), 0x7ffe, memory, 3000);
    assertEquals(later, 422);
    assertEquals(
      toHex(memory.subarray(2999, 3423)),
      "ee" + "010100007ffe0258" + toHex(frame.subarray(0, 14)) + toHex(frame.subarray(600)) + "ee",
    );
    assertEquals(toHex(memory.subarray(100, 1100)), toHex(frame), "the source stays");
  }
});

//= PROTOCOL.md 9.1
//# **Cutting further.** A piece that does not fit a target is cut by the same rules, keeps its
//# frame id and its offsets, and repeats its copy of the header; only the last part of a piece with
//# M not set has M not set.
Deno.test("parts of a piece keep its frame id and its copy of the header", () => {
  const frame = plainFrame(1400);
  const memory = new Uint8Array(8000);
  const source = new Uint8Array(3000);
  const firstBytes = copyPiece(frame, 0, 0, 1210, true, asPeerId(0), 0x1234, source, 50);
  const view = new DatagramView();
  assertEquals(parseDatagram(source, 50, firstBytes, view), 0);
  const head = copyPieceOf(source, view, 0, 600, true, asPeerId(9), memory, 0);
  assertEquals(toHex(memory.subarray(0, head)), "0101000912348000" + toHex(frame.slice(0, 600)));
  const tail = copyPieceOf(source, view, 600, 610, true, asPeerId(9), memory, 0);
  assertEquals(
    toHex(memory.subarray(0, tail)),
    "0101000912348258" + toHex(join(frame.slice(0, 14), frame.slice(600, 1210))),
  );

  const laterBytes = copyPiece(frame, 0, 700, 700, false, asPeerId(0), 0x1234, source, 50);
  assertEquals(parseDatagram(source, 50, laterBytes, view), 0);
  const part = copyPieceOf(source, view, 1286, 114, false, asPeerId(9), memory, 3);
  assertEquals(
    toHex(memory.subarray(3, 3 + part)),
    "0101000912340506" + toHex(join(frame.slice(0, 14), frame.slice(1286))),
  );
});
