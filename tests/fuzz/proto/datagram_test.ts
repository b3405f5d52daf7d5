import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asPeerId } from "../../../src/proto/brands.ts";
import {
  DatagramView,
  MalformedReason,
  parseDatagram,
  writeDatagramHeader,
  writeFragmentHeader,
} from "../../../src/proto/datagram.ts";
import { join, toHex } from "../../unit/proto/frames.ts";
import { damaged, fuzz, place } from "./fuzz.ts";

const u16 = fc.nat({ max: 0xffff });

/** Datagrams that are mostly as they should be. */
const whole = fc.tuple(u16, fc.uint8Array({ minLength: 10, maxLength: 80 })).map(([id, frame]) => {
  const header = new Uint8Array(4);
  writeDatagramHeader(header, 0, asPeerId(id));
  return join(header, frame);
});
const piece = fc.record({
  source: u16,
  frameId: u16,
  byteOffset: fc.oneof(fc.constant(0), fc.nat({ max: 0x7fff }), fc.integer({ min: 590, max: 610 })),
  more: fc.boolean(),
  bytes: fc.oneof(fc.nat({ max: 40 }), fc.integer({ min: 595, max: 620 })),
}).map(({ source, frameId, byteOffset, more, bytes }) => {
  const datagram = new Uint8Array(8 + bytes).map((_, index) => index * 3);
  writeFragmentHeader(datagram, 0, asPeerId(source), frameId, byteOffset, more);
  return datagram;
});
const datagrams = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  whole,
  piece,
  damaged(whole),
  damaged(piece),
);

Deno.test("fuzz: any datagram is read inside its bounds or has a reason", () => {
  const reasons = new Set<number>(Object.values(MalformedReason));
  const seen = new Set<number>();
  fuzz(fc.property(datagrams, fc.nat({ max: 70 }), (bytes, before) => {
    const view = new DatagramView();
    const { memory, offset, length } = place(bytes, before, 0x01);
    const result = parseDatagram(memory, offset, length, view);
    seen.add(result);
    const other = new DatagramView();
    const elsewhere = place(bytes, before, 0xff);
    assertEquals(parseDatagram(elsewhere.memory, offset, length, other), result);
    if (result !== 0) return assert(reasons.has(result));
    assertEquals({ ...other }, { ...view });
    assert(view.frameOffset === offset + (view.fragment ? 8 : 4));
    assert(view.frameOffset + view.frameLength === offset + length);
    assert(view.payloadOffset + view.payloadLength === offset + length);
    assert(view.frameLength >= 14 && view.payloadLength > 0);
    assert(view.payloadOffset - view.frameOffset === (view.byteOffset > 0 ? 14 : 0));
    if (view.fragment) {
      assert(
        view.byteOffset === 0 ? view.more && view.payloadLength >= 600 : view.byteOffset >= 600,
      );
    }
  }));
  assert(seen.has(0) && seen.size > 4, `results ${[...seen]}`);
});

Deno.test("fuzz: what was read, written again, is what it was", () => {
  fuzz(fc.property(fc.oneof(whole, piece, damaged(piece)), (bytes) => {
    const view = new DatagramView();
    if (parseDatagram(bytes, 0, bytes.length, view) !== 0) return;
    const copy = bytes.slice().fill(0xee, 0, view.frameOffset);
    const { fragment, sourcePeerId, frameId, byteOffset, more } = view;
    if (fragment) writeFragmentHeader(copy, 0, sourcePeerId, frameId, byteOffset, more);
    else writeDatagramHeader(copy, 0, sourcePeerId);
    assertEquals(toHex(copy), toHex(bytes));
  }));
});
