import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { base64Url } from "../../../src/control/base64url.ts";
import { type KeyKind, printKey, readKey } from "../../../src/control/printed_key.ts";

// The pair of PROTOCOL.md section 7.3.
const GATEWAY = "AAECAwQFBgcICQoLDA0ODw";
const ROOM = "B-ZsSYxJesVH8q-8fVGnFw";
const PRINTED_GATEWAY = `gateway_${GATEWAY}I`;
const PRINTED_ROOM = `room_${ROOM}D`;

const KIND = fc.constantFrom<KeyKind>("room", "gateway");
const KEY = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(base64Url);

/** The key that is read, or why there is none. */
function read(text: string, kind: KeyKind = "room"): string {
  const result = readKey(kind, text);
  return result.ok ? result.key : result.why;
}

//= PROTOCOL.md 7.3
//# *In print only*, programs may show a key as `room_` or `gateway_`, the 22 characters, and a check
//# character; messages and hashes never have these.
Deno.test("a key in print: prefix, the 22 characters of messages, check character", () => {
  assertEquals(printKey("gateway", GATEWAY), PRINTED_GATEWAY);
  assertEquals(printKey("room", ROOM), PRINTED_ROOM);
  fc.assert(fc.property(KIND, KEY, (kind, key) => {
    assertEquals(readKey(kind, printKey(kind, key)), { ok: true, key });
    assertEquals(readKey(kind, key), { ok: true, key });
  }));
});

Deno.test("a key is read from whatever people paste", () => {
  const rows = [
    ROOM,
    PRINTED_ROOM,
    ` ${PRINTED_ROOM}\r\n`,
    `room-key    ${PRINTED_ROOM}`,
    `room-key    ${ROOM}`,
    `Room key: ${PRINTED_ROOM}.`,
    `ROOM-KEY=${ROOM}`,
    `--room-key ${PRINTED_ROOM}`,
    `--room-key=${PRINTED_ROOM}`,
    `room-key = "${PRINTED_ROOM}"`,
    `“${PRINTED_ROOM}”`,
    `'${ROOM}'`,
    `\u200b${PRINTED_ROOM}\u00a0`,
    `Room_${ROOM}${PRINTED_ROOM.at(-1)}`,
    `${PRINTED_ROOM.slice(0, 12)} ${PRINTED_ROOM.slice(12)}`,
    `room-key ${PRINTED_ROOM.slice(0, 12)}\n${PRINTED_ROOM.slice(12)}`,
    `the key is ${PRINTED_ROOM}, have fun`,
    `the key is ${ROOM} have fun`,
    `lanparty-client --relay relay.example.org --room PARTY --room-key ${PRINTED_ROOM}`,
    `gateway-key ${PRINTED_GATEWAY}\nroom-key    ${PRINTED_ROOM}\nkey-hash    ${"A".repeat(43)}\n`,
    `gateway-key ${GATEWAY}\nroom-key    ${ROOM}\nkey-hash    ${"A".repeat(43)}\n`,
    `${PRINTED_ROOM} ${PRINTED_ROOM}`,
  ];
  for (const text of rows) assertEquals(read(text), ROOM, text);
  assertEquals(read(rows.at(-3)!, "gateway"), GATEWAY);
});

Deno.test("what is wrong with a key is said, and nothing of it is quoted", () => {
  const check = "this key is damaged: its last character, which checks the others, does not fit; " +
    "copy it again";
  const none = "this is no key: a room key begins with room_, or has 22 characters, and this has";
  const ofHost =
    "this is a gateway key, which only the party's host has: players take the room key, " +
    "which begins with room_";
  const rows: readonly (readonly [text: string, why: string])[] = [
    ["", "there is no key in it: a room key begins with room_"],
    ["not a key at all", "there is no key in it: a room key begins with room_"],
    ["sesame", `${none} 6`],
    [`${ROOM}A`, `${none} 23`],
    [`${ROOM.slice(0, 21)}x`, "this is no key: check its last character"],
    [`ä${ROOM.slice(1)}`, "this is no key: its character 1 is no letter, digit, - or _"],
    [`room_ä${ROOM}`, "this is no key: its character 6 is no letter, digit, - or _"],
    [PRINTED_ROOM.slice(0, -1), "this key is damaged: it has 1 character too few; copy it again"],
    [PRINTED_ROOM.slice(0, -4), "this key is damaged: it has 4 characters too few; copy it again"],
    [`${PRINTED_ROOM}AA`, "this key is damaged: it has 2 characters too many; copy it again"],
    [PRINTED_ROOM.replace("Zs", "zS"), check],
    [PRINTED_ROOM.replace("Zs", "sZ"), check],
    [PRINTED_GATEWAY, ofHost],
    [`gateway-key ${GATEWAY}`, ofHost],
    [`room-key ${PRINTED_GATEWAY}`, ofHost],
    [`room_${PRINTED_GATEWAY.slice(8)}`, check],
    ["A".repeat(43), "this is a key's hash, for a relay's list: a room key begins with room_"],
    [`${PRINTED_ROOM} ${printKey("room", GATEWAY)}`, "there are several room keys in it: give one"],
    [`${ROOM} ${GATEWAY}`, "there are several keys in it: give one"],
  ];
  for (const [text, why] of rows) assertEquals(read(text), why, text);
  assertEquals(
    read(PRINTED_ROOM, "gateway"),
    "this is a room key, which is for players: the gateway takes the gateway key, which begins " +
      "with gateway_",
  );
});

Deno.test("one wrong character, and two that have changed places, always show", () => {
  const alphabet = [...Array(64).keys()].map((six) => base64Url(Uint8Array.of(six << 2))[0]);
  fc.assert(
    fc.property(KIND, KEY, (kind, key) => {
      const printed = printKey(kind, key);
      const from = kind.length + 1;
      for (let at = from; at < printed.length; at++) {
        for (const other of alphabet) {
          if (other === printed[at]) continue;
          assert(!readKey(kind, printed.slice(0, at) + other + printed.slice(at + 1)).ok);
        }
        for (let next = at + 1; next < printed.length; next++) {
          if (printed[at] === printed[next]) continue;
          const letters = printed.split("");
          [letters[at], letters[next]] = [letters[next], letters[at]];
          assert(!readKey(kind, letters.join("")).ok);
        }
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("no text is read as a key that is not in it", () => {
  fc.assert(fc.property(KIND, fc.string({ unit: "binary", maxLength: 80 }), (kind, text) => {
    const result = readKey(kind, text);
    if (result.ok) assert(text.replace(/[^\w-]/g, "").includes(result.key));
    else assert(/^[\x20-\x7e]+$/.test(result.why));
  }));
});
