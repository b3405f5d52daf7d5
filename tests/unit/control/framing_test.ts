import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import {
  encodeMessage,
  MESSAGE_ARRIVAL_MAX_MS,
  MESSAGE_BYTES_MAX,
  MessageReader,
  type ReadMessage,
} from "../../../src/control/framing.ts";

function frame(body: Uint8Array | string, length?: number): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const framed = new Uint8Array(4 + bytes.length);
  new DataView(framed.buffer).setUint32(0, length ?? bytes.length);
  framed.set(bytes, 4);
  return framed;
}

function drain(reader: MessageReader): ReadMessage[] {
  const all: ReadMessage[] = [];
  for (let read = reader.next(); read !== undefined; read = reader.next()) all.push(read);
  return all;
}

function readAll(...portions: Uint8Array[]): ReadMessage[] {
  const reader = new MessageReader();
  return portions.flatMap((portion) => {
    reader.push(portion, 0);
    return drain(reader);
  });
}

Deno.test("a message is its length in big-endian order and its JSON in UTF-8", () => {
  const bytes = encodeMessage({ type: "hello", name: "Zoë" });
  const json = new TextEncoder().encode('{"type":"hello","name":"Zoë"}');
  assertEquals(bytes, new Uint8Array([0, 0, 0, json.length, ...json]));
});

Deno.test("what was encoded is read again, however it is cut", () => {
  const messages = [{ type: "a" }, { type: "b", text: "東京" }, { type: "c", deep: { list: [1] } }];
  const stream = new Uint8Array(messages.flatMap((message) => [...encodeMessage(message)]));
  for (let size = 1; size <= stream.length; size++) {
    const portions: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) portions.push(stream.slice(at, at + size));
    assertEquals(readAll(...portions).map((read) => read.json), messages, `portions of ${size}`);
  }
});

Deno.test("the reader keeps what it was given, even if the caller reuses its buffer", () => {
  const reader = new MessageReader();
  const bytes = encodeMessage({ type: "a" });
  const buffer = bytes.slice(0, 6);
  reader.push(buffer, 0);
  buffer.fill(0xff);
  reader.push(bytes.slice(6), 0);
  assertEquals(drain(reader), [{ json: { type: "a" } }]);
});

//= PROTOCOL.md 4
//# A length of 0 or of more than 65,536 is a **bad length**.
Deno.test("lengths from 1 to 65,536 are good and all others end the reading", () => {
  assertEquals(readAll(frame("1")), [{ json: 1 }]);
  const longest = frame(`"${"x".repeat(MESSAGE_BYTES_MAX - 2)}"`);
  assertEquals(longest.length, 4 + 65_536);
  assertEquals(readAll(longest).length, 1);
  assertEquals(readAll(longest)[0].error, undefined);
  for (const length of [0, MESSAGE_BYTES_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    const reads = readAll(frame("{}", length), frame("{}"));
    assertEquals(reads, [{ error: "bad-length" }], `length ${length}`);
  }
});

Deno.test("after a bad length nothing is kept and nothing more is read", () => {
  const reader = new MessageReader();
  reader.push(frame("{}", 0), 0);
  assertEquals(reader.next(), { error: "bad-length" });
  for (let i = 0; i < 10; i++) reader.push(new Uint8Array(1000), 0);
  assertEquals([reader.bufferedBytes, reader.next(), reader.startedMs], [0, undefined, undefined]);
});

Deno.test("a bad length is found as soon as its four bytes are there", () => {
  assertEquals(readAll(new Uint8Array([0, 1, 0, 1])), [{ error: "bad-length" }]);
});

//= PROTOCOL.md 4
//# The text must be UTF-8 without a byte order mark and without surrogates, and exactly one JSON
//# value (RFC 8259).
//= PROTOCOL.md 4
//# Otherwise it is **bad JSON**.
Deno.test("bad JSON is an error of that message alone", () => {
  const bad: [string, Uint8Array | string][] = [
    ["not JSON", "{type:1}"],
    ["two values", "{}{}"],
    ["a byte order mark", new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
    ["broken UTF-8", new Uint8Array([0x22, 0xc3, 0x28, 0x22])],
    ["a surrogate in UTF-8", new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["an overlong form", new Uint8Array([0x22, 0xc0, 0xaf, 0x22])],
    ["a control in a string", '"\u0001"'],
    ["white space only", "  "],
  ];
  for (const [name, body] of bad) {
    assertEquals(readAll(frame(body), frame("[]")), [{ error: "bad-json" }, { json: [] }], name);
  }
});

Deno.test("the deepest nesting that fits a message is read without a fault", () => {
  const depth = MESSAGE_BYTES_MAX / 2;
  const [read] = readAll(frame("[".repeat(depth) + "]".repeat(depth)));
  assert(read.error === "bad-json" || Array.isArray(read.json));
});

//= PROTOCOL.md 4
//# From a message's first byte to its last not more than 10 s may pass.
Deno.test("a message has ten seconds from its first byte to its last", () => {
  const reader = new MessageReader();
  const bytes = encodeMessage({ type: "a" });
  assertEquals([reader.startedMs, reader.deadlineMs], [undefined, Infinity]);
  reader.push(bytes.slice(0, 1), 1000);
  reader.push(bytes.slice(1, 5), 9000);
  assertEquals(drain(reader), []);
  assertEquals(reader.startedMs, 1000);
  assertEquals(reader.deadlineMs, 1000 + MESSAGE_ARRIVAL_MAX_MS);
  assertEquals(reader.stalled(10_999), false);
  assertEquals(reader.stalled(11_000), true);
  reader.push(bytes.slice(5), 11_001);
  assertEquals(drain(reader).length, 1);
  assertEquals([reader.startedMs, reader.stalled(1e9)], [undefined, false]);
});

Deno.test("the next message's time begins with its own first byte", () => {
  const reader = new MessageReader();
  const bytes = encodeMessage({ type: "a" });
  reader.push(bytes.slice(0, 5), 0);
  reader.push(new Uint8Array([...bytes.slice(5), ...bytes.slice(0, 3)]), 7000);
  assertEquals(drain(reader).length, 1);
  assertEquals(reader.startedMs, 7000);
  reader.push(bytes.slice(3), 16_000);
  assertEquals(drain(reader).length, 1);
});

Deno.test("an empty portion starts no clock", () => {
  const reader = new MessageReader();
  reader.push(new Uint8Array(0), 5);
  assertEquals([reader.startedMs, reader.bufferedBytes], [undefined, 0]);
});

Deno.test("a reader that is drained holds less than one message", () => {
  const reader = new MessageReader();
  const message = encodeMessage({ type: "x", text: "y".repeat(50_000) });
  const stream = new Uint8Array(message.length * 20);
  for (let i = 0; i < 20; i++) stream.set(message, i * message.length);
  let messages = 0;
  for (let at = 0; at < stream.length; at += 40_001) {
    reader.push(stream.subarray(at, at + 40_001), 0);
    messages += drain(reader).length;
    assertLessOrEqual(reader.bufferedBytes, 4 + MESSAGE_BYTES_MAX - 1);
  }
  assertEquals(messages, 20);
  assertEquals(reader.bufferedBytes, 0);
});

Deno.test("a message too long to be sent is an error of ours", () => {
  assertThrows(() => encodeMessage({ text: "x".repeat(MESSAGE_BYTES_MAX) }), RangeError);
  assertEquals(encodeMessage({ t: "x".repeat(MESSAGE_BYTES_MAX - 8) }).length, 65_540);
});
