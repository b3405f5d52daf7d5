/** The golden vectors, read and written by the second implementation of the protocol. */
import { assert, assertEquals } from "@std/assert";
import {
  ControlReader,
  cutPiece,
  encodeControl,
  lanAnswer,
  lanQuestion,
  type PieceDatagram,
  readDatagram,
  Reassembly,
  roomKeyOf,
  roomMtu,
  RoomMtuCourse,
  splitFrame,
  teachingFrame,
  type WholeDatagram,
  writeDatagram,
} from "../support/deno_codec.ts";
import { filterReason } from "../support/deno_filters.ts";
import { readHeaders } from "../support/deno_headers.ts";
import { cleanReply } from "../support/deno_dhcp.ts";
import { cleanAdvertisement, cleanAnswer } from "../support/deno_lan_ipv6.ts";
import {
  isClientMac,
  readEndpointMessage,
  readHello,
  readMac,
  readRelayMessage,
  readRoom,
} from "../support/deno_messages.ts";
import { type DatagramValue, forEachVector, type MessageVector, VECTORS } from "./proto_vectors.ts";

const bytesOf = (digits: string) => Uint8Array.fromHex(digits);
const hexOf = (bytes: Uint8Array | undefined) => bytes?.toHex();

/** A datagram as the vectors write it. */
function valueOf(datagram: ReturnType<typeof readDatagram>): DatagramValue {
  assert(!("malformed" in datagram));
  const { sourcePeerId } = datagram;
  if ("frame" in datagram) return { sourcePeerId, frame: datagram.frame.toHex() };
  const { frameId, byteOffset, more, header, payload } = datagram;
  const copy = header === undefined ? {} : { header: header.toHex() };
  return { sourcePeerId, frameId, byteOffset, more, ...copy, payload: payload.toHex() };
}

/** What the vectors write as a datagram. */
function datagramOf(value: DatagramValue): WholeDatagram | PieceDatagram {
  if ("frame" in value) return { ...value, frame: bytesOf(value.frame) };
  const { header, payload, ...numbers } = value;
  const copy = header === undefined ? {} : { header: bytesOf(header) };
  return { ...numbers, ...copy, payload: bytesOf(payload) };
}

function pieceOf(digits: string): PieceDatagram {
  const piece = readDatagram(bytesOf(digits));
  assert("payload" in piece);
  return piece;
}

Deno.test("second implementation, vectors: MACs and rooms", () => {
  forEachVector(VECTORS.macs, ({ name, hex, value }) => {
    const bytes = readMac(value.text);
    assertEquals(hexOf(bytes), hex, name);
    assertEquals(isClientMac(bytes!), value.identity, name);
    assertEquals((bytes![0] & 1) === 1, value.multicast, name);
  });
  forEachVector(VECTORS.rooms, ({ name, text, value }) => {
    assertEquals(readRoom(text) ?? null, value, name);
  });
});

Deno.test("second implementation, vectors: datagrams in both directions", () => {
  forEachVector(VECTORS.datagrams, ({ name, hex, value }) => {
    assertEquals(valueOf(readDatagram(bytesOf(hex))), value, name);
    assertEquals(hexOf(writeDatagram(datagramOf(value))), hex, name);
  });
  forEachVector(VECTORS.malformed, ({ name, hex, value }) => {
    assertEquals(readDatagram(bytesOf(hex)), { malformed: value.reason }, name);
  });
});

Deno.test("second implementation, vectors: frames and pieces are cut alike", () => {
  forEachVector(VECTORS.splits, ({ name, hex, value }) => {
    const { frame, maxDatagramBytes, sourcePeerId, frameId } = value;
    const cut = splitFrame(bytesOf(frame), maxDatagramBytes, sourcePeerId, frameId);
    assertEquals(cut.map(hexOf), hex, name);
  });
  forEachVector(VECTORS.resplits, ({ name, hex, value }) => {
    const cut = cutPiece(pieceOf(hex), value.maxDatagramBytes, value.sourcePeerId);
    assertEquals(cut.map(hexOf), value.pieces, name);
  });
});

Deno.test("second implementation, vectors: reassembly", () => {
  forEachVector(VECTORS.reassemblies, ({ name, steps }) => {
    const reassembly = new Reassembly();
    for (const [index, { nowMs, hex, result, reason, frame }] of steps.entries()) {
      assertEquals(
        reassembly.push(pieceOf(hex), nowMs),
        {
          result,
          ...(reason === undefined ? {} : { reason }),
          ...(frame === undefined ? {} : { frame: bytesOf(frame) }),
        } as ReturnType<Reassembly["push"]>,
        `${name}, step ${index}`,
      );
    }
  });
});

Deno.test("second implementation, vectors: headers and filters", () => {
  forEachVector(VECTORS.headers, ({ name, hex, value }) => {
    assertEquals({ ...readHeaders(bytesOf(hex)) }, value, name);
  });
  forEachVector(VECTORS.filters, ({ name, hex, value }) => {
    assertEquals(filterReason(bytesOf(hex), value), value.reason, name);
  });
});

Deno.test("second implementation, vectors: what the LAN may tell", () => {
  for (
    const [vectors, clean] of [
      [VECTORS.dhcpReplies, cleanReply],
      [VECTORS.dhcpv6Answers, cleanAnswer],
      [VECTORS.routerAdvertisements, cleanAdvertisement],
    ] as const
  ) {
    forEachVector(vectors, ({ name, hex, value }) => {
      const cleaned = clean(bytesOf(hex));
      const wanted = { unchanged: hex, dropped: undefined, scrubbed: "" }[value.result];
      assertEquals(cleaned && hexOf(cleaned), "frame" in value ? value.frame : wanted, name);
    });
  }
});

Deno.test("second implementation, vectors: room keys, and the frame that teaches switches", async () => {
  assert(VECTORS.roomKeys.length > 0);
  for (const { name, value } of VECTORS.roomKeys) {
    assertEquals(await roomKeyOf(value.gatewayKey), value.roomKey, name);
  }
  forEachVector(VECTORS.camRefresh, ({ name, hex, value }) => {
    assertEquals(hexOf(teachingFrame(readMac(value.mac)!)), hex, name);
  });
});

Deno.test("second implementation, vectors: questions about the LAN, and answers", () => {
  forEachVector(VECTORS.lanQuestions, ({ name, hex, value }) => {
    const [gateway, mac] = [value.gatewayMac, value.mac].map((text) => readMac(text)!);
    const id = bytesOf(value.id);
    const bytes = value.kind === "question"
      ? lanQuestion(gateway, mac, id, value.sees)
      : lanAnswer(gateway, mac, id, value.state, value.quietMs);
    assertEquals(hexOf(bytes), hex, name);
  });
});

Deno.test("second implementation, vectors: the MTU of a room", () => {
  forEachVector(VECTORS.tapMtu, ({ name, value }) => {
    const { budgetBytes, relayMaximumBytes, maxTapMtu, tapMtu } = value;
    assertEquals(roomMtu(budgetBytes, relayMaximumBytes, maxTapMtu), tapMtu, name);
  });
});

Deno.test("second implementation, vectors: the course of a room's MTU", () => {
  forEachVector(VECTORS.roomMtus, ({ name, maxTapMtu, steps: [opening, ...later] }) => {
    const mtuOf = (bytes: number) => roomMtu(bytes, bytes, maxTapMtu);
    const { budgetBytes } = opening;
    const course = new RoomMtuCourse(budgetBytes == null ? maxTapMtu : mtuOf(budgetBytes));
    if (budgetBytes != null) course.gateway(course.tapMtu, opening.nowMs);
    assertEquals(course.tapMtu, opening.tapMtu, name);
    for (const { nowMs, budgetBytes, tapMtu } of later) {
      if (budgetBytes !== undefined) {
        course.gateway(budgetBytes === null ? undefined : mtuOf(budgetBytes), nowMs);
      }
      assertEquals(course.at(nowMs), tapMtu, `${name}, at ${nowMs} ms`);
    }
  });
});

Deno.test("second implementation, vectors: framing, right and wrong", () => {
  forEachVector(VECTORS.framing, ({ name, hex, value }) => {
    assertEquals(value.map((message) => hexOf(encodeControl(message))).join(""), hex, name);
    const reader = new ControlReader();
    const messages: unknown[] = [];
    for (const byte of bytesOf(hex)) {
      reader.push(Uint8Array.of(byte));
      const item = reader.next();
      if (item === undefined) continue;
      assertEquals(item.error, undefined, name);
      messages.push("json" in item ? item.json : undefined);
    }
    assertEquals(messages, value, name);
  });
  forEachVector(VECTORS.badFraming, ({ name, hex, value }) => {
    const reader = new ControlReader();
    reader.push(bytesOf(hex));
    assertEquals(reader.next()?.error, value.error as "bad-json", name);
  });
});

/** What the reader for this sender makes of a message: it, or the code with which it is refused. */
function readVector({ from, hex, name }: MessageVector<object>): unknown {
  const reader = new ControlReader();
  reader.push(bytesOf(hex));
  const item = reader.next();
  assert(item !== undefined && item.error === undefined, name);
  const read = { "endpoint-first": readHello, "endpoint": readEndpointMessage }[from as string] ??
    readRelayMessage;
  const reading = read(item.json);
  return reading.refusal === undefined ? reading.message : { code: reading.refusal };
}

Deno.test("second implementation, vectors: control messages", () => {
  forEachVector(VECTORS.messages, (vector) => {
    assertEquals(readVector(vector), vector.value, vector.name);
    assertEquals(hexOf(encodeControl(vector.value)), vector.hex, vector.name);
  });
  forEachVector(VECTORS.readings, (vector) => {
    assertEquals<unknown>(readVector(vector), vector.value, vector.name);
  });
  forEachVector(VECTORS.refusals, (vector) => {
    assertEquals<unknown>(readVector(vector), vector.value, vector.name);
  });
});
