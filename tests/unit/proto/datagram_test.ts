import { assertEquals, assertNotEquals } from "@std/assert";
import { asPeerId } from "../../../src/proto/brands.ts";
import {
  DatagramView,
  MalformedReason,
  nextEndpointFrameId,
  nextRelayFrameId,
  parseDatagram,
  setSourcePeerId,
  writeDatagramHeader,
  writeFragmentHeader,
} from "../../../src/proto/datagram.ts";
import { hex, join, pattern, plainFrame, toHex } from "./frames.ts";

/** Parses with other bytes around, so that a wrong index shows. */
function parse(datagram: Uint8Array): { result: number; view: DatagramView } {
  const bytes = join(hex("01010101010101"), datagram, hex("0101010101010101"));
  const view = new DatagramView();
  return { result: parseDatagram(bytes, 7, datagram.length, view), view };
}

function piece(byteOffset: number, more: boolean, payloadBytes: number): Uint8Array {
  const header = new Uint8Array(8);
  writeFragmentHeader(header, 0, asPeerId(0x0102), 0x8003, byteOffset, more);
  const copy = byteOffset > 0 ? plainFrame(14) : new Uint8Array(0);
  return join(header, copy, pattern(payloadBytes));
}

Deno.test("a whole frame's fields are found", () => {
  const { result, view } = parse(join(hex("01 00 abcd"), plainFrame(60)));
  assertEquals(result, 0);
  assertEquals({ ...view }, {
    fragment: false,
    sourcePeerId: 0xabcd,
    frameId: 0,
    more: false,
    byteOffset: 0,
    frameOffset: 11,
    frameLength: 60,
    payloadOffset: 11,
    payloadLength: 60,
  });
});

Deno.test("a first piece's fields are found", () => {
  const { result, view } = parse(piece(0, true, 600));
  assertEquals(result, 0);
  assertEquals({ ...view }, {
    fragment: true,
    sourcePeerId: 0x0102,
    frameId: 0x8003,
    more: true,
    byteOffset: 0,
    frameOffset: 15,
    frameLength: 600,
    payloadOffset: 15,
    payloadLength: 600,
  });
});

//= PROTOCOL.md 8
//# **byte offset**: where the piece's first byte that counts belongs in the frame, counted from the
//# frame's first byte; the Ethernet header is the frame's bytes 0 to 13.
Deno.test("a later piece's copy of the header does not count", () => {
  for (const more of [true, false]) {
    const { result, view } = parse(piece(0x7fff, more, 1));
    assertEquals(result, 0);
    assertEquals({ ...view }, {
      fragment: true,
      sourcePeerId: 0x0102,
      frameId: 0x8003,
      more,
      byteOffset: 0x7fff,
      frameOffset: 15,
      frameLength: 15,
      payloadOffset: 29,
      payloadLength: 1,
    });
  }
});

Deno.test("nothing of an earlier datagram stays in a view", () => {
  const view = new DatagramView();
  const later = piece(700, true, 9);
  assertEquals(parseDatagram(later, 0, later.length, view), 0);
  const whole = join(hex("01 00 0000"), plainFrame(14));
  assertEquals(parseDatagram(whole, 0, whole.length, view), 0);
  assertEquals([view.fragment, view.frameId, view.more, view.byteOffset], [false, 0, false, 0]);
});

//= PROTOCOL.md 8
//# | 1 | it has fewer than 4 […] | 10 | offset ≥ 600 and exactly 14 bytes
Deno.test("each malformed datagram has its reason", () => {
  const frame = plainFrame(60);
  const table: [string, Uint8Array, number][] = [
    ["empty", hex(""), MalformedReason.short],
    ["3 bytes", hex("010000"), MalformedReason.short],
    ["3 bytes of another version", hex("020000"), MalformedReason.short],
    ["version 0", join(hex("00 00 0000"), frame), MalformedReason.version],
    ["version 2", join(hex("02 00 0000"), frame), MalformedReason.version],
    ["version 2 with flags", join(hex("02 80 0000"), frame), MalformedReason.version],
    ["flag 1", join(hex("01 02 0000"), frame), MalformedReason.flags],
    ["flag 7 and fragment", join(hex("01 81 0000"), frame), MalformedReason.flags],
    ["flags in a header alone", hex("01 04 0000"), MalformedReason.flags],
    ["header alone", hex("01 00 0000"), MalformedReason.shortFrame],
    ["frame of 13 bytes", join(hex("01 00 0000"), pattern(13)), MalformedReason.shortFrame],
    ["fragment of 4 bytes", hex("01 01 0000"), MalformedReason.short],
    ["fragment of 7 bytes", hex("01 01 0000 0000 80"), MalformedReason.short],
    ["only piece", piece(0, false, 1000), MalformedReason.pieceOnly],
    ["only piece, empty", piece(0, false, 0), MalformedReason.pieceOnly],
    ["first piece, empty", piece(0, true, 0), MalformedReason.pieceShortFirst],
    ["first piece of 599 bytes", piece(0, true, 599), MalformedReason.pieceShortFirst],
    ["offset 1", piece(1, true, 700), MalformedReason.pieceOffset],
    ["offset 599", piece(599, false, 700), MalformedReason.pieceOffset],
    ["later piece without header", piece(600, false, 0).slice(0, 8), MalformedReason.short],
    ["later piece, cut header", piece(600, false, 0).slice(0, 21), MalformedReason.short],
    ["later piece, empty", piece(600, false, 0), MalformedReason.pieceEmpty],
    ["later piece, empty, more", piece(600, true, 0), MalformedReason.pieceEmpty],
  ];
  for (const [name, datagram, reason] of table) {
    assertEquals(parse(datagram).result, reason, name);
  }
  assertEquals(new Set(Object.values(MalformedReason)).size, 8);
});

Deno.test("the shortest datagrams that are well-formed are accepted", () => {
  assertEquals(parse(join(hex("01 00 0000"), plainFrame(14))).result, 0);
  assertEquals(parse(piece(0, true, 600)).result, 0);
  assertEquals(parse(piece(600, false, 1)).result, 0);
});

Deno.test("headers are written byte for byte", () => {
  const bytes = new Uint8Array(12).fill(0xee);
  writeDatagramHeader(bytes, 1, asPeerId(0xfffe));
  assertEquals(toHex(bytes), "ee0100fffeeeeeeeeeeeeeee");
  writeFragmentHeader(bytes, 2, asPeerId(0x0102), 0x7fff, 1392, true);
  assertEquals(toHex(bytes), "ee01" + "010101027fff8570" + "eeee");
  writeFragmentHeader(bytes, 2, asPeerId(0x0102), 0x8000, 1392, false);
  assertEquals(toHex(bytes.subarray(2, 10)), "0101010280000570");
  setSourcePeerId(bytes, 2, asPeerId(0xa55a));
  assertEquals(toHex(bytes.subarray(2, 10)), "0101a55a80000570");
});

Deno.test("frame ids of endpoints and of the relay never meet", () => {
  let endpoint = 0;
  let relay = 0x8000;
  for (let count = 0; count < 0x8000; count++) {
    assertEquals(endpoint, count);
    assertEquals(relay, 0x8000 + count);
    assertNotEquals(endpoint, relay);
    endpoint = nextEndpointFrameId(endpoint);
    relay = nextRelayFrameId(relay);
  }
  assertEquals([endpoint, relay], [0, 0x8000]);
});
