import { assert, assertEquals } from "@std/assert";
import { encodeMessage, MessageReader } from "../../src/control/framing.ts";
import { parseEndpointMessage, parseHello, parseRelayMessage } from "../../src/control/messages.ts";
import { parseRoomCode } from "../../src/control/room.ts";
import { hex, join, toHex } from "../unit/proto/frames.ts";
import { forEachVector, type MessageVector, VECTORS } from "./proto_vectors.ts";

Deno.test("vectors: room codes", () => {
  forEachVector(VECTORS.rooms, ({ name, text, value }) => {
    assertEquals(parseRoomCode(text) ?? null, value, name);
    if (value !== null) assertEquals(parseRoomCode(value), value, name);
  });
});

//= PROTOCOL.md 7.3
//# The *room key* follows from it: The text is ASCII, without a zero byte.
Deno.test("vectors: room keys follow from gateway keys", async () => {
  for (const { name, hex: digits, value } of VECTORS.roomKeys) {
    const input = join(new TextEncoder().encode("lanparty/1 room key"), hex(digits));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
    const options = { alphabet: "base64url", omitPadding: true } as const;
    assertEquals(hex(digits).toBase64(options), value.gatewayKey, name);
    assertEquals(digest.slice(0, 16).toBase64(options), value.roomKey, name);
  }
  assert(VECTORS.roomKeys.length > 0);
});

Deno.test("vectors: framing in both directions, in any portions", () => {
  forEachVector(VECTORS.framing, ({ name, hex: digits, value }) => {
    const bytes = hex(digits);
    assertEquals(toHex(join(...value.map((message) => encodeMessage(message!)))), digits, name);
    for (const portion of [1, 3, bytes.length]) {
      const reader = new MessageReader();
      const messages: unknown[] = [];
      for (let at = 0; at < bytes.length; at += portion) {
        reader.push(bytes.subarray(at, at + portion), 0);
        for (let next = reader.next(); next !== undefined; next = reader.next()) {
          assertEquals(next.error, undefined, name);
          messages.push(next.json);
        }
      }
      assertEquals(messages, value, name);
      assertEquals(reader.bufferedBytes, 0, name);
    }
  });
});

Deno.test("vectors: framing that is wrong", () => {
  forEachVector(VECTORS.badFraming, ({ name, hex: digits, value }) => {
    const reader = new MessageReader();
    reader.push(hex(digits), 0);
    assertEquals(reader.next()?.error, value.error as "bad-json", name);
  });
});

/** What the parser for this sender makes of a message: it, or the code with which it is refused. */
function parse({ from, hex: digits, name }: MessageVector<unknown>): unknown {
  const reader = new MessageReader();
  reader.push(hex(digits), 0);
  const message = reader.next();
  assert(message !== undefined && message.error === undefined, name);
  if (from === "endpoint-first") {
    const result = parseHello(message.json);
    return result.ok ? result.hello : { code: result.code };
  }
  const result = from === "endpoint"
    ? parseEndpointMessage(message.json)
    : parseRelayMessage(message.json);
  return result.ok ? result.message : { code: "protocol-error" };
}

//= PROTOCOL.md 6.5
//# | **`type`** | `"stats"` | […] | `diagnostics` |
//= PROTOCOL.md 6.7
//# | **`type`** | `"hostRequest"` | […] | `reason` | text |
//= PROTOCOL.md 6.7
//# | **`type`** | `"hostAnswer"` | […] | `more` |
Deno.test("vectors: control messages in both directions", () => {
  forEachVector(VECTORS.messages, (vector) => {
    assertEquals(parse(vector), vector.value, vector.name);
    assertEquals(toHex(encodeMessage(vector.value)), vector.hex, vector.name);
  });
});

//= PROTOCOL.md 4
//# Of two fields of one name in an object the last counts.
Deno.test("vectors: what a reader makes of messages that are not in their plainest form", () => {
  forEachVector(VECTORS.readings, (vector) => {
    assertEquals<unknown>(parse(vector), vector.value, vector.name);
  });
});

//= PROTOCOL.md 6.9
//# | **`type`** | `"budget"` | […] | **`datagramBudget`** |
//= PROTOCOL.md 6.9
//# | **`type`** | `"roomMtu"` | […] | **`tapMtu`** |
Deno.test("vectors: messages that are refused, each with its code", () => {
  forEachVector(VECTORS.refusals, (vector) => {
    assertEquals<unknown>(parse(vector), vector.value, vector.name);
  });
});
