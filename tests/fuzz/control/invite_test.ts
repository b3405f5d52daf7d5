import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseEndpointAddress } from "../../../src/control/address.ts";
import {
  formatInvite,
  INVITE_LINK,
  INVITE_START,
  looksLikeInvite,
  readInvite,
} from "../../../src/control/invite.ts";
import {
  type Invite,
  parsePartyName,
  readInviteFields,
  writeInviteFields,
} from "../../../src/control/invite_fields.ts";
import { parseRoomCode } from "../../../src/control/room.ts";
import { canonicalIp } from "../../../src/trust/server_name.ts";

/** Numbers and no times: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 5_000 };
const FEW_RUNS = { numRuns: 150 };

const base64Url = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => value.toBase64({ alphabet: "base64url", omitPadding: true }));
const port = fc.integer({ min: 1, max: 0xffff });
const host = fc.oneof(
  fc.domain().filter((name) => name.length <= 40),
  fc.ipV4(),
  fc.ipV6().map((text) => canonicalIp(text)!),
);
const relay = fc.tuple(host, port)
  .map(([host, port]) =>
    parseEndpointAddress(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)
  )
  .filter((address) => address !== undefined);
const room = fc.string({
  unit: fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"),
  minLength: 1,
  maxLength: 32,
});
const partyName = fc.string({ unit: "grapheme", maxLength: 12 }).map(parsePartyName)
  .filter((name) => name !== undefined);
const invite: fc.Arbitrary<Invite> = fc.record({
  relays: fc.array(relay, { minLength: 1, maxLength: 3 }),
  serverName: fc.domain().filter((name) => name.length <= 40).map((name) => name.toLowerCase()),
  fingerprint: base64Url(32),
  room,
  roomKey: base64Url(16),
  partyName,
  expiresUnixS: fc.integer({ min: 0, max: 0xffffffff }),
}, { requiredKeys: ["relays", "room"], noNullPrototype: true });

/** The line of an invite that fits into one. */
const line = invite.map((one) => formatInvite(one)).filter((made) => made.ok)
  .map((made) => made.ok ? made.text : "");

Deno.test("an invite is read as it was written, whatever stands around it", () => {
  let written = 0;
  const around = fc.constantFrom(
    "",
    " ",
    "\n",
    "<",
    "“",
    "(",
    "Come to ",
    ": ",
    ",\r\n",
    "> ",
    "*",
  );
  fc.assert(
    fc.property(invite, around, around, fc.boolean(), (one, before, behind, isLink) => {
      const made = formatInvite(one);
      if (!made.ok) return;
      written++;
      assert(made.text.length <= 249 && made.text.startsWith(INVITE_START));
      const read = readInvite(`${before}${isLink ? INVITE_LINK : ""}${made.text}${behind}`);
      assertEquals(read, { ok: true, invite: one, text: made.text });
      assert(looksLikeInvite(made.text));
    }),
    RUNS,
  );
  assert(written > 2_000, `only ${written}`);
});

Deno.test("one wrong character is found, and named by its number", () => {
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  fc.assert(
    fc.property(line, fc.nat(), fc.constantFrom(...characters), (text, where, other) => {
      const at = INVITE_START.length + where % (text.length - INVITE_START.length);
      if (text[at] === other) return;
      const read = readInvite(text.slice(0, at) + other + text.slice(at + 1));
      assertEquals(read.ok || read.problem, "damaged");
      assert(
        !read.ok && read.why.includes(`its character ${at + 1} is wrong`),
        JSON.stringify(read),
      );
    }),
    FEW_RUNS,
  );
});

Deno.test("an invite that is cut off anywhere is said to be so", () => {
  fc.assert(
    fc.property(line, fc.nat(), (text, where) => {
      const end = INVITE_START.length + where % (text.length - INVITE_START.length);
      const read = readInvite(text.slice(0, end));
      assertEquals(read.ok || read.problem, "cut-off", text.slice(0, end));
    }),
    FEW_RUNS,
  );
});

Deno.test("any bytes are an invite that is written again the same, or none; nothing is thrown", () => {
  const value = fc.uint8Array({ maxLength: 40 });
  const field = fc.tuple(
    fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constantFrom(0x80, 0xff)),
    value,
  )
    .map(([type, bytes]) => [type, bytes.length, ...bytes]);
  const bytes = fc.oneof(
    fc.array(field, { maxLength: 6 }).map((fields) => Uint8Array.from(fields.flat())),
    fc.uint8Array({ maxLength: 255 }),
  );
  fc.assert(
    fc.property(bytes, (some) => {
      const read = readInviteFields(some);
      if (!read.ok) return;
      assertEquals(parseRoomCode(read.invite.room), read.invite.room);
      const again = writeInviteFields(read.invite);
      if (again.ok) assertEquals(readInviteFields(again.bytes), read);
    }),
    RUNS,
  );
});

Deno.test("any text is read without an error of the program's, and quickly", () => {
  const part = fc.oneof(
    fc.constantFrom(
      "lanparty",
      "lanparty1",
      "lanparty2",
      "1",
      "://join/",
      "\n",
      "> ",
      "=\r\n",
      "…",
      "%",
    ),
    fc.string({ unit: "binary", maxLength: 10 }),
    base64Url(9),
  );
  const text = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(text, text.map((some) => some.repeat(8))), (some) => {
      const read = readInvite(some);
      assert(!read.ok || some.includes("lanparty1"));
      looksLikeInvite(some);
    }),
    { numRuns: 2_000 },
  );
});
