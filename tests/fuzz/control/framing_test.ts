import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import {
  encodeMessage,
  MESSAGE_BYTES_MAX,
  MessageReader,
  type ReadMessage,
} from "../../../src/control/framing.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 3000 };

/** Reads a whole stream at once, written as plainly as can be: what the reader must agree with. */
function readPlainly(stream: Uint8Array): ReadMessage[] {
  const found: ReadMessage[] = [];
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  for (let at = 0; at + 4 <= stream.length;) {
    const length = view.getUint32(at);
    if (length < 1 || length > MESSAGE_BYTES_MAX) return [...found, { error: "bad-length" }];
    if (at + 4 + length > stream.length) return found;
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      found.push({ json: JSON.parse(decoder.decode(stream.slice(at + 4, at + 4 + length))) });
    } catch {
      found.push({ error: "bad-json" });
    }
    at += 4 + length;
  }
  return found;
}

/** Reads a stream in portions of the given sizes, the sizes over and over. */
function readInPortions(stream: Uint8Array, sizes: readonly number[]): ReadMessage[] {
  const reader = new MessageReader();
  const found: ReadMessage[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length];
    reader.push(stream.subarray(at, at + size), turn);
    for (let read = reader.next(); read !== undefined; read = reader.next()) found.push(read);
    assertLessOrEqual(reader.bufferedBytes, 3 + MESSAGE_BYTES_MAX);
    assertEquals(reader.startedMs === undefined, reader.bufferedBytes === 0);
    at += size;
  }
  assertEquals(reader.next(), undefined);
  return found;
}

const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 });

/** Frames that are good, or good but for their length field or their text. */
const piece = fc.oneof(
  fc.jsonValue().map((value) => encodeMessage({ value })),
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.constantFrom(-1, 0, 1)).map(
    ([body, off]) => {
      const bytes = new Uint8Array(4 + body.length);
      new DataView(bytes.buffer).setUint32(0, body.length + off);
      bytes.set(body, 4);
      return bytes;
    },
  ),
);
const stream = fc.array(piece, { maxLength: 12 }).map((pieces) =>
  new Uint8Array(pieces.flatMap((bytes) => [...bytes]))
);

Deno.test("whatever a stream holds and however it is cut, the reader finds what is in it", () => {
  let messages = 0;
  let errors = 0;
  fc.assert(
    fc.property(stream, sizes, (bytes, portions) => {
      const expected = readPlainly(bytes);
      assertEquals(readInPortions(bytes, portions), expected);
      messages += expected.filter((read) => read.error === undefined).length;
      errors += expected.filter((read) => read.error !== undefined).length;
    }),
    RUNS,
  );
  assert(messages > 100 && errors > 100, `too tame: ${messages} messages, ${errors} errors`);
});

Deno.test("noise is read without a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000, size: "max" }), sizes, (bytes, portions) => {
      assertEquals(readInPortions(bytes, portions), readPlainly(bytes));
    }),
    RUNS,
  );
});

Deno.test("a message of any size comes out as it went in", () => {
  const body = fc.oneof(
    fc.integer({ min: 0, max: MESSAGE_BYTES_MAX - 12 }),
    fc.integer({ min: MESSAGE_BYTES_MAX - 20, max: MESSAGE_BYTES_MAX - 12 }),
  );
  const portion = fc.integer({ min: 1000, max: 200_000 });
  fc.assert(
    fc.property(fc.array(body, { maxLength: 4 }), portion, (lengths, size) => {
      const sent = lengths.map((length) => ({ value: "x".repeat(length) }));
      const bytes = new Uint8Array(sent.flatMap((message) => [...encodeMessage(message)]));
      assertEquals(readInPortions(bytes, [size]).map((read) => read.json), sent);
    }),
    { numRuns: 60 },
  );
});
