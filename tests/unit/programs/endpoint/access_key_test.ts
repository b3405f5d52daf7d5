import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parseKey, parseKeyHash, roomKeyOf } from "../../../../src/control/keys.ts";
import {
  accessKey,
  type KeyKind,
  newKeyText,
} from "../../../../src/programs/endpoint/access_key.ts";
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
    assertEquals(fromFile("room-key", content), KEY);
    assertEquals(fromFile("gateway-key", content), KEY);
  }
  const both = `gateway-key ${KEY}\r\nroom-key    ${OTHER}\r\n`;
  assertEquals(fromFile("gateway-key", both), KEY);
  assertEquals(fromFile("room-key", both), OTHER);
});

Deno.test("key: a file without a key is refused, and not quoted", () => {
  const contents = ["", "sesame", `${KEY}x`, `${KEY}\n${OTHER}`, `gateway-key ${KEY}`];
  for (const content of [...contents, new Uint8Array(5_000), `${KEY}${"\n".repeat(5_000)}`]) {
    const error = assertThrows(() => fromFile("room-key", content), UserError);
    assertMatch(error.message, /^--room-key-file .* holds no key of 22 characters$/);
  }
  const missing = { kind: "room-key", text: undefined, file: "/nowhere/key" } as const;
  assertMatch(assertThrows(() => accessKey(missing), UserError).message, /cannot be read/);
});

Deno.test("key: the command line comes before the environment, which does not keep it", () => {
  const at = (text: string | undefined, inherited: string, kind: KeyKind = "room-key") => {
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
  assertEquals(at(undefined, OTHER, "gateway-key"), undefined);
  const error = assertThrows(() => at(undefined, "sesame"), UserError);
  assertEquals([error.message, error.usage], [
    "LANPARTY_ROOM_KEY holds no key of 22 characters",
    true,
  ]);
  Deno.env.set("LANPARTY_GATEWAY_KEY", KEY);
  assertEquals(accessKey({ kind: "gateway-key", text: undefined, file: undefined }), KEY);
  assertEquals(Deno.env.get("LANPARTY_GATEWAY_KEY"), undefined);
});

Deno.test("key: given twice is a wrong command line", () => {
  const twice = { kind: "room-key", text: KEY, file: "/nowhere/key" } as const;
  assert(assertThrows(() => accessKey(twice), UserError).usage);
});

Deno.test("key: what new-key prints belongs together, is read as key files are, and is new each time", () => {
  const text = newKeyText();
  const gatewayKey = parseKey(fromFile("gateway-key", text)!)!;
  const roomKey = parseKey(fromFile("room-key", text)!)!;
  assertEquals(roomKeyOf(gatewayKey, sha256), roomKey);
  assertEquals(parseKeyHash(/^key-hash +(.*)$/m.exec(text)![1]), sha256(roomKey));
  assert(newKeyText() !== text);
});
