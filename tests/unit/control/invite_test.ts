import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  expiredSince,
  formatInvite,
  looksLikeInvite,
  readInvite,
} from "../../../src/control/invite.ts";
import { type Invite, parsePartyName } from "../../../src/control/invite_fields.ts";

const INVITE: Invite = {
  relays: [{ host: "relay.example.org", port: 443, ipVersion: 0 }],
  room: "PARTY",
};

function lineOf(invite: Invite): string {
  const made = formatInvite(invite);
  if (!made.ok) throw new Error(made.why);
  return made.text;
}

/** Why a text is no invite. */
function why(text: string): string {
  const read = readInvite(text);
  return read.ok ? "good" : read.why;
}

Deno.test("what is wrong with an invite is said in one clause, and what to do", () => {
  const line = lineOf(INVITE);
  const copy = "copy it again, from the first character to the last";
  assertEquals(
    why(line.slice(0, -1)),
    `this invite is cut off: its last character is missing; ${copy}`,
  );
  assertEquals(
    why(line.slice(0, -4)),
    `this invite is cut off: its last 4 characters are missing; ${copy}`,
  );
  assertEquals(
    why(`${line.slice(0, 20)}%${line.slice(21)}`),
    [
      `this invite is damaged: its character 21 is none that it can have; ${copy}`,
    ][0],
  );
  assertEquals(
    why(line.toLowerCase()),
    `this invite is damaged: capital letters and small ones have become the same; ${copy}`,
  );
  assertEquals(
    why(line.replace("lanparty1", "lanparty2")),
    "this invite was made by a newer lanparty: get the newest client",
  );
  assertEquals(why("x".repeat(5_000)), "this is too long to be an invite");
  assertStringIncludes(why("gateway_AAECAwQFBgcICQoLDA0ODwI"), "only the party's host has");
});

Deno.test("an invite that says too much is refused when it is made", () => {
  const relays = Array.from({ length: 8 }, (_, index) => ({
    host: `relay-${index}.of.a.long.name.example.org`,
    port: 443,
    ipVersion: 0 as const,
  }));
  const made = formatInvite({ ...INVITE, relays });
  assert(!made.ok);
  assertStringIncludes(made.why, "name fewer ways to the relay");
  assertEquals(formatInvite({ ...INVITE, relays: [] }), { ok: false, why: "it names no relay" });
  assertEquals(formatInvite({ ...INVITE, serverName: "a b" }), {
    ok: false,
    why: "the relay's name is none",
  });
});

Deno.test("the name of a relay is told from an invite, however damaged that is", () => {
  const line = lineOf(INVITE);
  const meant = [line, line.slice(0, 30), `<${line}>`, "lanparty://x", `come: ${line}`];
  for (const text of meant) assertEquals(looksLikeInvite(text), true, text);
  const hosts = ["relay.example.org", "lanparty1", "lanparty1.example.org", "lanparty1-relay:443"];
  const long = "lanparty1-relay-of-frankfurt.example.org";
  for (const text of [...hosts, long, `${long}:443`, ""]) {
    assertEquals(looksLikeInvite(text), false, text);
  }
});

Deno.test("an invite ends when it says so", () => {
  const unixS = 1_800_000_000;
  const invite = { ...INVITE, expiresUnixS: unixS };
  assertEquals(expiredSince(invite, unixS * 1_000 - 1), undefined);
  assertEquals(expiredSince(invite, unixS * 1_000), unixS * 1_000);
  assertEquals(expiredSince(INVITE, Number.MAX_SAFE_INTEGER), undefined);
});

Deno.test("a party's name is clean and short", () => {
  assertEquals(parsePartyName(" Ann's LAN "), "Ann's LAN");
  assertEquals(parsePartyName("\u001b[2J"), "[2J");
  assertEquals(parsePartyName("\u202e"), undefined);
  assertEquals(parsePartyName("x".repeat(33)), undefined);
});
