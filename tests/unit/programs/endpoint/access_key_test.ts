import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseKey, parseKeyHash, roomKeyOf } from "../../../../src/control/keys.ts";
import type { KeyKind } from "../../../../src/control/printed_key.ts";
import { accessKey, keyFileText, makeKeys } from "../../../../src/programs/endpoint/access_key.ts";
import { UserError } from "../../../../src/log/user_error.ts";
import { sha256 } from "../../../../src/trust/sha256.ts";

const KEY = "AAECAwQFBgcICQoLDA0ODw";
const OTHER = "AAAAAAAAAAAAAAAAAAAAAA";

/** What comes of a file with this content. */
function fromFile(kind: KeyKind, content: string | Uint8Array): string | undefined {
  const file = Deno.makeTempFileSync();
  try {
    if (typeof content === "string") Deno.writeTextFileSync(file, content);
    else Deno.writeFileSync(file, content);
    return accessKey({ kind, text: undefined, file });
  } finally {
    Deno.removeSync(file);
  }
}

Deno.test("key: a file holds it alone, with or without a line's end, or is what new-key printed", () => {
  for (const content of [KEY, `${KEY}\n`, `\n ${KEY}\r\n`]) {
    assertEquals(fromFile("room", content), KEY);
    assertEquals(fromFile("gateway", content), KEY);
  }
  const both = `gateway-key ${KEY}\r\nroom-key    ${OTHER}\r\n`;
  assertEquals(fromFile("gateway", both), KEY);
  assertEquals(fromFile("room", both), OTHER);
});

Deno.test("key: a file without a key is refused, and not quoted", () => {
  const none = "this is no key: a room key begins with room_, or has 22 characters, and this has";
  const large = "this is no key file: it is longer than 4096 bytes";
  const contents: readonly (readonly [string | Uint8Array, string])[] = [
    ["", "there is no key in it: a room key begins with room_"],
    ["sesame", `${none} 6`],
    [`${KEY}x`, `${none} 23`],
    [`${KEY}\n${OTHER}`, "there are several keys in it: give one"],
    [
      `gateway-key ${KEY}`,
      "this is a gateway key, which only the party's host has: players take " +
      "the room key, which begins with room_",
    ],
    [new Uint8Array(5_000), large],
    [`${KEY}${"\n".repeat(5_000)}`, large],
  ];
  for (const [content, why] of contents) {
    const error = assertThrows(() => fromFile("room", content), UserError);
    assertMatch(error.message, /^--room-key-file \S+: [^:]*/);
    assertEquals(error.message.replace(/^--room-key-file \S+: /, ""), why);
  }
  const missing = { kind: "room", text: undefined, file: "/nowhere/key" } as const;
  assertMatch(assertThrows(() => accessKey(missing), UserError).message, /cannot be read/);
});

Deno.test("key: the command line comes before the environment, which does not keep it", () => {
  const at = (text: string | undefined, inherited: string, kind: KeyKind = "room") => {
    Deno.env.set("LANPARTY_ROOM_KEY", inherited);
    try {
      return accessKey({ kind, text, file: undefined });
    } finally {
      Deno.env.delete("LANPARTY_ROOM_KEY");
    }
  };
  assertEquals(at(KEY, OTHER), KEY);
  assertEquals(at(undefined, OTHER), OTHER);
  assertEquals(at(undefined, ""), undefined);
  assertEquals(at(undefined, OTHER, "gateway"), undefined);
  const error = assertThrows(() => at(undefined, "sesame"), UserError);
  assertEquals([error.message, error.usage], [
    "LANPARTY_ROOM_KEY: this is no key: a room key begins with room_, or has 22 characters, " +
    "and this has 6",
    true,
  ]);
  Deno.env.set("LANPARTY_GATEWAY_KEY", KEY);
  assertEquals(accessKey({ kind: "gateway", text: undefined, file: undefined }), KEY);
  assertEquals(Deno.env.get("LANPARTY_GATEWAY_KEY"), undefined);
});

Deno.test("key: given twice is a wrong command line", () => {
  const twice = { kind: "room", text: KEY, file: "/nowhere/key" } as const;
  assert(assertThrows(() => accessKey(twice), UserError).usage);
});

Deno.test("key: what new-key prints belongs together, is read as key files are, and is new each time", () => {
  const keys = makeKeys();
  const text = keyFileText(keys);
  const gatewayKey = parseKey(fromFile("gateway", text)!)!;
  const roomKey = parseKey(fromFile("room", text)!)!;
  assertEquals(roomKeyOf(gatewayKey, sha256), roomKey);
  assertEquals(parseKeyHash(/^key-hash +(.*)$/m.exec(text)![1]), sha256(roomKey));
  assertMatch(keys.gatewayKey, /^gateway_[\w-]{23}$/);
  assertMatch(keys.roomKey, /^room_[\w-]{23}$/);
  assert(makeKeys().gatewayKey !== keys.gatewayKey);
});
