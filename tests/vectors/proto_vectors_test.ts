import { assert, assertEquals } from "@std/assert";
import {
  encodeAnswer,
  encodeQuestion,
  LanSight,
  LanTalkView,
  NEVER_HEARD_MS,
  parseLanTalk,
} from "../../src/proto/lan_talk.ts";
import { CamRefresher } from "../../src/gateway/cam_refresh.ts";
import { dropReason, PASS } from "../../src/observe/drops.ts";
import { asPeerId } from "../../src/proto/brands.ts";
import {
  DatagramView,
  MalformedReason,
  parseDatagram,
  PROTOCOL_VERSION,
  writeDatagramHeader,
  writeFragmentHeader,
} from "../../src/proto/datagram.ts";
import { dissect, Dissection } from "../../src/proto/dissect.ts";
import {
  formatMac,
  isIdentityMac,
  isMulticastMac,
  isSwitchControl,
  parseMac,
} from "../../src/proto/mac.ts";
import { tapMtuFor } from "../../src/proto/mtu.ts";
import { Reassembler, ReassemblyDrop } from "../../src/proto/reassembly.ts";
import { copyPiece, copyPieceOf, Splitter } from "../../src/proto/split.ts";
import { ContentFilter } from "../../src/filter/content.ts";
import { hex, join, toHex } from "../unit/proto/frames.ts";
import { type DatagramValue, forEachVector, VECTORS } from "./proto_vectors.ts";

Deno.test("vectors are of this version of the protocol", () => {
  assertEquals(VECTORS.protocol, PROTOCOL_VERSION);
});

Deno.test("vectors: MACs in both directions", () => {
  forEachVector(VECTORS.macs, ({ name, hex: digits, value }) => {
    const bytes = hex(digits);
    assertEquals(formatMac(bytes), value.text, name);
    assertEquals(parseMac(value.text), bytes, name);
    assertEquals(parseMac(value.text.toUpperCase()), bytes, name);
    assertEquals(isIdentityMac(bytes, 0), value.identity, name);
    assertEquals(isMulticastMac(bytes, 0), value.multicast, name);
  });
});

/** A datagram from its fields, with the writers of `src/proto`. */
function write(value: DatagramValue): Uint8Array {
  if ("frame" in value) {
    const header = new Uint8Array(4);
    writeDatagramHeader(header, 0, asPeerId(value.sourcePeerId));
    return join(header, hex(value.frame));
  }
  const header = new Uint8Array(8);
  const { sourcePeerId, frameId, byteOffset, more } = value;
  writeFragmentHeader(header, 0, asPeerId(sourcePeerId), frameId, byteOffset, more);
  return join(header, hex(value.header ?? ""), hex(value.payload));
}

/** The fields of a datagram, with the parser of `src/proto`. */
function read(bytes: Uint8Array): DatagramValue {
  const view = new DatagramView();
  // Not at the start of the array, and not up to its end.
  assertEquals(parseDatagram(join(1, 2, 3, bytes, 4, 5), 3, bytes.length, view), 0);
  const { frameOffset, frameLength, payloadOffset, payloadLength, sourcePeerId } = view;
  const frame = bytes.subarray(frameOffset - 3, frameOffset - 3 + frameLength);
  const payload = bytes.subarray(payloadOffset - 3, payloadOffset - 3 + payloadLength);
  if (!view.fragment) {
    assertEquals(payload, frame);
    return { sourcePeerId, frame: toHex(frame) };
  }
  const { frameId, byteOffset, more } = view;
  const copy = byteOffset > 0 ? { header: toHex(frame.subarray(0, 14)) } : {};
  return { sourcePeerId, frameId, byteOffset, more, ...copy, payload: toHex(payload) };
}

Deno.test("vectors: datagrams in both directions", () => {
  forEachVector(VECTORS.datagrams, ({ name, hex: digits, value }) => {
    assertEquals(read(hex(digits)), value, name);
    assertEquals(toHex(write(value)), digits, name);
  });
});

//= PROTOCOL.md 8
//# | 1 | it has fewer than 4 […] | 10 | offset ≥ 600 and exactly 14 bytes
Deno.test("vectors: malformed datagrams, each with its reason", () => {
  const reasons = new Set<string>();
  forEachVector(VECTORS.malformed, ({ name, hex: digits, value }) => {
    const bytes = hex(digits);
    const result = parseDatagram(
      join(1, 1, bytes, 1, 1, 0, 0),
      2,
      bytes.length,
      new DatagramView(),
    );
    const found = Object.entries(MalformedReason).find(([, code]) => code === result)?.[0];
    assertEquals(found, value.reason, name);
    reasons.add(value.reason);
  });
  assertEquals(reasons, new Set(Object.keys(MalformedReason)));
});

Deno.test("vectors: frames are split as written", () => {
  forEachVector(VECTORS.splits, ({ name, hex: datagrams, value }) => {
    const frame = hex(value.frame);
    const { maxDatagramBytes, sourcePeerId, frameId } = value;
    assertEquals(frame.length + 4 <= maxDatagramBytes, datagrams.length === 1, name);
    if (datagrams.length === 1) {
      assertEquals(datagrams[0], toHex(write({ sourcePeerId, frame: value.frame })), name);
      return;
    }
    const splitter = new Splitter();
    splitter.begin(frame.length, maxDatagramBytes);
    const target = new Uint8Array(2048);
    for (const expected of datagrams) {
      assert(splitter.next(), name);
      const { byteOffset, pieceBytes, more } = splitter;
      const length = copyPiece(
        frame,
        0,
        byteOffset,
        pieceBytes,
        more,
        asPeerId(sourcePeerId),
        frameId,
        target,
        0,
      );
      assertEquals(toHex(target.subarray(0, length)), expected, name);
    }
    assert(!splitter.next(), name);
  });
});

Deno.test("vectors: what was split comes together again in any order", () => {
  forEachVector(VECTORS.splits.filter((vector) => vector.hex.length > 1), (vector) => {
    for (const order of [vector.hex, [...vector.hex].reverse()]) {
      const reassembler = new Reassembler();
      const view = new DatagramView();
      const lengths = order.map((digits) => {
        const bytes = hex(digits);
        assertEquals(parseDatagram(bytes, 0, bytes.length, view), 0);
        return reassembler.handlePiece(bytes, view, 0);
      });
      const frameBytes = vector.value.frame.length / 2;
      assertEquals(lengths, [...order.slice(1).map(() => 0), frameBytes], vector.name);
      const frame = toHex(reassembler.frame.subarray(0, frameBytes));
      assertEquals(frame, vector.value.frame, vector.name);
    }
  });
});

Deno.test("vectors: pieces are cut further as written", () => {
  forEachVector(VECTORS.resplits, ({ name, hex: digits, value }) => {
    const bytes = hex(digits);
    const view = new DatagramView();
    assertEquals(parseDatagram(bytes, 0, bytes.length, view), 0, name);
    const splitter = new Splitter();
    const { byteOffset, payloadLength, more } = view;
    splitter.beginPiece(byteOffset, payloadLength, more, value.maxDatagramBytes);
    const target = new Uint8Array(2048);
    const pieces: string[] = [];
    while (splitter.next()) {
      const { byteOffset, pieceBytes, more } = splitter;
      const length = copyPieceOf(
        bytes,
        view,
        byteOffset,
        pieceBytes,
        more,
        asPeerId(value.sourcePeerId),
        target,
        0,
      );
      pieces.push(toHex(target.subarray(0, length)));
    }
    assertEquals(pieces, value.pieces, name);
  });
});

Deno.test("vectors: reassembly, step by step", () => {
  const reasons = new Set<string>();
  forEachVector(VECTORS.reassemblies, ({ name, steps }) => {
    const reassembler = new Reassembler();
    const view = new DatagramView();
    for (const [index, step] of steps.entries()) {
      const where = `${name}, step ${index}`;
      const bytes = hex(step.hex);
      assertEquals(parseDatagram(bytes, 0, bytes.length, view), 0, where);
      const result = reassembler.handlePiece(bytes, view, step.nowMs);
      const kind = result > 0 ? "frame" : result < 0 ? "dropped" : "waiting";
      assertEquals(kind, step.result, where);
      if (result > 0) assertEquals(toHex(reassembler.frame.subarray(0, result)), step.frame, where);
      if (result >= 0) continue;
      const reason = Object.entries(ReassemblyDrop).find(([, code]) => code === -result)?.[0];
      assertEquals(reason, step.reason, where);
      reasons.add(reason!);
    }
  });
  assertEquals(reasons, new Set(Object.keys(ReassemblyDrop)));
});

//= PROTOCOL.md 10
//# | 1450 | 1450 | 1400 | 1400 | […] | 608 | 608 | 1400 | 1280 |
Deno.test("vectors: the MTU of a room", () => {
  forEachVector(VECTORS.tapMtu, ({ name, value }) => {
    const tapMtu = tapMtuFor(value.budgetBytes, value.relayMaximumBytes, value.maxTapMtu);
    assertEquals(tapMtu, value.tapMtu, name);
  });
});

//= PROTOCOL.md 11.1
//# Filters must see through all of this, and must never read beyond the bytes that are there:
Deno.test("vectors: what is seen of a frame's headers", () => {
  const out = new Dissection();
  forEachVector(VECTORS.headers, ({ name, hex: digits, value }) => {
    const bytes = hex(digits);
    dissect(bytes, 0, bytes.length, out);
    assertEquals<unknown>({ ...out }, value, name);
  });
});

//= PROTOCOL.md 11
//# | 7 | all | […] | 20 | client |
//= PROTOCOL.md 11.2
//# **Names** (rule 15): what follows the UDP header, up to the frame's end, has DNS's form:
//= PROTOCOL.md 11.2
//# It is one of the two if its first label is, in either case: `wpad` or `isatap`, or 32 letters
//# `A` to `P`, in either case, of which each two are a character of a NetBIOS name (RFC 1001
//# section 14.1), 15 characters that count
//= PROTOCOL.md 11.2
//# Each name counts, but for those of questions where the flags & F800 are 0.
//= PROTOCOL.md 11.2
//# A reference (C0) is followed;
//= PROTOCOL.md 11.2
//# | ICMPv6 133, 134, 135 | the packet's source | options 1 of 8 bytes, from 8, 16, 24 behind the
//# type on
Deno.test("vectors: what filters make of frames", () => {
  const dissection = new Dissection();
  const filter = new ContentFilter();
  forEachVector(VECTORS.filters, ({ name, hex: digits, value }) => {
    const bytes = hex(digits);
    let reason: string | null = null;
    if (isSwitchControl(bytes, 0)) reason = "switch-control";
    else {
      dissect(bytes, 0, bytes.length, dissection);
      const fromPlayer = value.from === "client";
      const code = filter.judge(bytes, 0, bytes.length, dissection, value.firstPiece, {
        ...{ fromPlayer, allowRouteChanges: true, allowProxyNames: true },
        allowRouterAdvertisements: value.allowRouterAdvertisements,
        allowVlan: !fromPlayer || value.allowVlan === true,
      });
      if (code !== PASS) reason = dropReason(code);
    }
    assertEquals(reason, value.reason, name);
  });
});

Deno.test("vectors: frames that teach switches", () => {
  forEachVector(VECTORS.camRefresh, ({ name, hex: digits, value }) => {
    const refresher = new CamRefresher(1);
    refresher.add(0, parseMac(value.mac)!, 0);
    const frames: string[] = [];
    refresher.handleTimer(0, (bytes, offset, length) => {
      frames.push(toHex(bytes.subarray(offset, offset + length)));
    });
    assertEquals(frames, [digits], name);
  });
});

Deno.test("vectors: questions about the LAN, and answers", () => {
  const view = new LanTalkView();
  forEachVector(VECTORS.lanQuestions, ({ name, hex: digits, value }) => {
    const [gatewayMac, mac] = [value.gatewayMac, value.mac].map((text) => parseMac(text)!);
    const bytes = hex(digits);
    assertEquals(parseLanTalk(bytes, 0, bytes.length, view), true, name);
    assertEquals(toHex(bytes.slice(view.idOffset, view.idOffset + 8)), value.id, name);
    const sees = Object.values(LanSight).find((one) => "sees" in value && one === value.sees);
    const question = encodeQuestion(gatewayMac, mac, hex(value.id), sees ?? LanSight.unknown);
    if (value.kind === "question") {
      assertEquals([view.isAnswer, view.state], [false, value.sees], name);
      assertEquals(toHex(question), digits, name);
      return;
    }
    const { state, quietMs } = value;
    assertEquals([view.isAnswer, view.state], [true, state], name);
    assertEquals(view.quietMs, quietMs ?? NEVER_HEARD_MS, name);
    const answer = encodeAnswer(gatewayMac, question, 0, state, quietMs ?? Infinity);
    assertEquals(toHex(answer), digits, name);
  });
});
