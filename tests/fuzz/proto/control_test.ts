import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { cleanText } from "../../../src/proto/clean_text.ts";
import { encodeMessage, MESSAGE_BYTES_MAX, MessageReader } from "../../../src/control/framing.ts";
import {
  parseEndpointMessage,
  parseHello,
  parseRelayMessage,
} from "../../../src/control/messages.ts";
import { parseRoomCode } from "../../../src/control/room.ts";
import { join } from "../../unit/proto/frames.ts";
import { forEachVector, VECTORS } from "../../vectors/proto_vectors.ts";
import { damaged, fuzz } from "./fuzz.ts";

/** What a reader gives out for bytes that come in these portions. */
function readAll(bytes: Uint8Array, portions: readonly number[]): unknown[] {
  const reader = new MessageReader();
  const found: unknown[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const count = portions.length === 0 ? bytes.length : portions[index % portions.length];
    reader.push(bytes.subarray(at, at + count), index);
    at += count;
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      found.push(next);
      assert(found.length < 1000);
    }
    assert(reader.bufferedBytes < MESSAGE_BYTES_MAX + 4);
  }
  return found;
}

const messages = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });

Deno.test("fuzz: messages come out as they went in, whatever the portions", () => {
  const portions = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 });
  fuzz(
    fc.property(messages, portions, (values, portions) => {
      const bytes = join(...values.map((value) => encodeMessage(value)));
      const expected = values.map((value) => ({ json: JSON.parse(JSON.stringify(value)) }));
      assertEquals(readAll(bytes, portions), expected);
    }),
    { runs: 500 },
  );
});

Deno.test("fuzz: any bytes give the same messages and errors, whatever the portions", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 4 }).map((bodies) =>
      join(...bodies.flatMap((body) => [0, 0, 0, body.length, body]))
    ),
    damaged(messages.map((values) => join(...values.map((value) => encodeMessage(value))))),
  );
  const portions = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });
  fuzz(
    fc.property(bytes, portions, (bytes, portions) => {
      assertEquals(readAll(bytes, portions), readAll(bytes, []));
    }),
    { runs: 500 },
  );
});

/** Values that are nearly messages: a good one with some fields replaced or taken out. */
const good: Record<string, unknown>[] = [];
forEachVector(VECTORS.messages, ({ value }) => good.push(value as Record<string, unknown>));
const fieldValue = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    0,
    -1,
    1.5,
    65536,
    2 ** 53,
    1e308,
    "",
    "client",
    "gateway",
    "\u202e",
    [],
  ),
);
const changes = fc.array(fc.tuple(fc.nat({ max: 20 }), fieldValue), { maxLength: 3 });
const nearly = fc.tuple(fc.constantFrom(...good), changes).map(([message, changes]) => {
  const entries = Object.entries(message);
  for (const [at, value] of changes) {
    const [key] = entries[at % entries.length];
    entries[at % entries.length] = [key, value];
  }
  return Object.fromEntries(entries);
});

Deno.test("fuzz: no value breaks a parser, and what it accepts it accepts again", () => {
  const accepted = new Map<string, number>();
  fuzz(fc.property(fc.oneof(fc.jsonValue(), nearly), (json) => {
    const hello = parseHello(json);
    if (hello.ok) {
      assertEquals(parseHello(hello.hello), hello);
      accepted.set("hello", (accepted.get("hello") ?? 0) + 1);
    } else assert(hello.code === "invalid-hello" || hello.code === "protocol-version");
    const endpoint = parseEndpointMessage(json);
    if (endpoint.ok) {
      assertEquals(parseEndpointMessage(endpoint.message), endpoint);
      accepted.set("endpoint", (accepted.get("endpoint") ?? 0) + 1);
    }
    const relay = parseRelayMessage(json);
    if (!relay.ok) return;
    assertEquals(parseRelayMessage(relay.message), relay);
    accepted.set("relay", (accepted.get("relay") ?? 0) + 1);
  }));
  assertEquals(accepted.size, 3, "each parser accepts something");
});

Deno.test("fuzz: cleaned text stays as it is, and a room code is its own canonical form", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  fuzz(fc.property(text, fc.nat({ max: 50 }), (raw, codePointsMax) => {
    const clean = cleanText(raw, codePointsMax);
    assertEquals(cleanText(clean, codePointsMax), clean);
    assert([...clean].length <= codePointsMax);
    assert(!/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(clean));
  }));
  const code = fc.oneof(text, fc.stringMatching(/^[A-Za-z0-9-]{0,34}$/));
  fuzz(fc.property(code, (raw) => {
    const room = parseRoomCode(raw);
    if (room === undefined) return;
    assert(/^[A-Z0-9-]{1,32}$/.test(room) && room.length === raw.length);
    assertEquals(parseRoomCode(room), room);
  }));
});
