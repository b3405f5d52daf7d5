import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { base64Url, parseBase64Url } from "../../../src/control/base64url.ts";
import {
  equalInConstantTime,
  formatKey,
  formatKeyHash,
  parseKey,
  parseKeyHash,
  roomKeyOf,
} from "../../../src/control/keys.ts";
import { sha256 } from "../../../src/trust/sha256.ts";
import { VECTORS } from "../../vectors/proto_vectors.ts";

Deno.test("keys: the room key follows from the gateway key as the vectors say", () => {
  for (const { name, hex, value } of VECTORS.roomKeys) {
    const gatewayKey = parseKey(value.gatewayKey);
    assert(gatewayKey !== undefined, name);
    assertEquals(gatewayKey.toHex(), hex, name);
    assertEquals(formatKey(gatewayKey), value.gatewayKey, name);
    assertEquals(formatKey(roomKeyOf(gatewayKey, sha256)), value.roomKey, name);
  }
  assert(VECTORS.roomKeys.length > 0);
});

Deno.test("keys: the hash of a room key is that of its 16 bytes", () => {
  // SHA-256 of sixteen zero bytes.
  const hash = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb";
  const text = formatKeyHash(new Uint8Array(16), sha256);
  assertEquals(text.length, 43);
  assertEquals(parseKeyHash(text)?.toHex(), hash);
});

Deno.test("keys: each key has one text", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (key) => {
    const text = formatKey(key);
    assertEquals(text, key.toBase64({ alphabet: "base64url", omitPadding: true }));
    assertEquals(text.length, 22);
    assertEquals(parseKey(text), key);
  }));
});

Deno.test("keys: what is no key is refused", () => {
  const good = "AAECAwQFBgcICQoLDA0ODw";
  assert(parseKey(good) !== undefined);
  const rows = [
    "",
    good.slice(1),
    `${good}A`,
    `${good}==`,
    ` ${good.slice(1)}`,
    `${good.slice(0, 21)}\n`,
    `+${good.slice(1)}`,
    `/${good.slice(1)}`,
    `ä${good.slice(1)}`,
    // Bits behind the sixteenth byte.
    `${good.slice(0, 21)}x`,
    `${good.slice(0, 21)}1`,
  ];
  for (const text of rows) assertEquals(parseKey(text), undefined, JSON.stringify(text));
  assertEquals(parseKeyHash(good), undefined);
});

Deno.test("base64url: what is read is what was written, for every length", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const text = base64Url(bytes);
    assertEquals(parseBase64Url(text, bytes.length), bytes);
    assertEquals(parseBase64Url(text, bytes.length + 1), undefined);
  }));
});

Deno.test("keys: bytes are equal only if every byte is", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  assert(equalInConstantTime(bytes(1, 2, 3), bytes(1, 2, 3)));
  assert(equalInConstantTime(bytes(), bytes()));
  for (const other of [bytes(), bytes(1, 2), bytes(1, 2, 3, 0), bytes(0, 2, 3), bytes(1, 2, 131)]) {
    assertEquals(equalInConstantTime(other, bytes(1, 2, 3)), false, other.join());
    assertEquals(equalInConstantTime(bytes(1, 2, 3), other), false, other.join());
  }
});
