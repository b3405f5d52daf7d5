/** An invite in the place of the options for which it stands. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CLIENT_PROGRAM, clientOptions } from "../../../src/cli/client_options.ts";
import { readConfigFile } from "../../../src/cli/config_file.ts";
import { partyOf } from "../../../src/cli/invite_options.ts";
import { type OptionValues, parseCommandLine } from "../../../src/cli/options.ts";
import { formatInvite } from "../../../src/control/invite.ts";
import type { Invite } from "../../../src/control/invite_fields.ts";

const INVITE: Invite = {
  relays: [
    { host: "2001:db8::1", port: 444, ipVersion: 6 },
    { host: "relay.example.org", port: 443, ipVersion: 0 },
  ],
  serverName: "party.example.org",
  fingerprint: "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s",
  room: "PARTY",
  roomKey: "B-ZsSYxJesVH8q-8fVGnFw",
};

function lineOf(invite: Invite): string {
  const made = formatInvite(invite);
  if (!made.ok) throw new Error(made.why);
  return made.text;
}

const LINE = lineOf(INVITE);

function values(...args: string[]): OptionValues | string {
  const parsed = parseCommandLine(CLIENT_PROGRAM, args, readConfigFile);
  return parsed.kind === "run"
    ? parsed.values
    : parsed.kind === "usage-error"
    ? parsed.message.replace(/^lanparty-client: | \(see .*\)$/g, "")
    : parsed.kind;
}

/** Whom the client would join. */
function joined(...args: string[]): unknown {
  const found = values(...args);
  if (typeof found === "string") return found;
  const { relays, serverName, relayCaFile, relayFingerprint, room, roomKey } = clientOptions(found);
  return { relays, serverName, relayCaFile, fingerprint: relayFingerprint, room, roomKey };
}

const EXPECTED = { ...INVITE, relayCaFile: undefined };

async function withFile(text: string, run: (path: string) => void): Promise<void> {
  const path = await Deno.makeTempFile({ prefix: "lanparty-invite-" });
  try {
    await Deno.writeTextFile(path, text);
    run(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("an invite is all that a client needs, however it is given", async () => {
  assertEquals(joined("--invite", LINE), EXPECTED);
  assertEquals(joined(`--invite=lanparty://join/${LINE}`), EXPECTED);
  await withFile(`Come to our party!\r\n\r\n${LINE}\r\n`, (path) => {
    assertEquals(joined("--invite-file", path), EXPECTED);
  });
  await withFile(`invite = "${LINE}"\nname = "Ann"\n`, (path) => {
    assertEquals(joined("--config", path), EXPECTED);
  });
  Deno.env.set("LANPARTY_INVITE", LINE);
  assertEquals(joined(), EXPECTED);
  // Once: programs that are started later do not find it.
  assertEquals([Deno.env.get("LANPARTY_INVITE"), joined()], [
    undefined,
    "--relay HOST:PORT is missing (or --invite)",
  ]);
});

Deno.test("an invite without a fingerprint or a key leaves them out", () => {
  const { relays, room } = INVITE;
  assertEquals(joined("--invite", lineOf({ relays, room })), {
    ...{ relays, room, serverName: undefined, relayCaFile: undefined },
    ...{ fingerprint: undefined, roomKey: undefined },
  });
});

Deno.test("what an invite says is not given a second time, from wherever", async () => {
  for (
    const [name, value] of [
      ...[["relay", "r"], ["server-name", "r"], ["relay-ca-cert", "f"], ["room", "A"]],
      ...[["relay-fingerprint", INVITE.fingerprint!], ["room-key", INVITE.roomKey!]],
      ...[["room-key-file", "f"], ["invite-file", "f"]],
    ]
  ) {
    assertEquals(
      joined("--invite", LINE, `--${name}`, value),
      `--invite and --${name}: give one of them`,
    );
  }
  await withFile(`invite = "${LINE}"\nroom = "A"\n`, (path) => {
    assertEquals(joined("--config", path), "--invite and --room: give one of them");
  });
  await withFile(`invite = "${LINE}"\n`, (path) => {
    assertEquals(joined("--config", path, "--room", "A"), "--invite and --room: give one of them");
  });
  // The command line comes before the file, and an invite is one whole.
  const other = lineOf({ ...INVITE, room: "OTHER" });
  await withFile(`invite = "${other}"\n`, (path) => {
    assertEquals(joined("--config", path, "--invite", LINE), EXPECTED);
  });
  const old = 'relay = "old"\nrelay-ca-cert = "/old.pem"\nroom = "OLD"\nroom-key-file = "/old"\n';
  await withFile(old, (path) => {
    assertEquals(joined("--config", path, "--invite", LINE), EXPECTED);
  });
});

Deno.test("an environment's invite gives way to whatever else says whose party it is", () => {
  Deno.env.set("LANPARTY_INVITE", LINE);
  try {
    const found = joined("--relay", "r", "--room", "A");
    assertEquals(found, {
      ...{ relays: [{ host: "r", port: 443, ipVersion: 0 }], room: "A" },
      ...{ serverName: undefined, relayCaFile: undefined },
      ...{ fingerprint: undefined, roomKey: undefined },
    });
  } finally {
    // It was not asked for, so it is still there for the next one.
    joined();
    Deno.env.delete("LANPARTY_INVITE");
  }
});

Deno.test("an invite that will not do is refused without quoting it", async () => {
  const cut = LINE.slice(0, 60);
  const why = /^--invite: this invite is cut off: its last \d+ characters are missing; copy it/;
  assertMatch(String(joined("--invite", cut)), why);
  assertEquals(String(joined("--invite", cut)).includes(cut), false);
  await withFile(`invite = "${cut}"\n`, (path) => {
    assertMatch(String(joined("--config", path)), /:1: invite: this invite is cut off/);
  });
  await withFile(cut, (path) => {
    const message = String(joined("--invite-file", path));
    assertStringIncludes(message, `--invite-file ${path}: this invite is cut off`);
  });
  assertMatch(
    String(joined("--invite-file", "/no/such/file")),
    /^--invite-file \/no\/such\/file: it cannot be read: /,
  );
  await withFile(LINE, (path) => {
    Deno.chmodSync(path, 0o644);
    assertMatch(String(joined("--invite-file", path)), /others can read|chmod 600/);
  });
  await withFile("x".repeat(20_000), (path) => {
    assertMatch(String(joined("--invite-file", path)), /too long to hold an invite/);
  });
});

Deno.test("an invite that is over is said to be so, with the time", () => {
  const over = lineOf({ ...INVITE, expiresUnixS: 1_700_000_000 });
  assertEquals(
    joined("--invite", over),
    "--invite: this invite was good until 2023-11-14 22:13 (UTC): ask the host for a new one, or set " +
      "this PC's clock if that is wrong",
  );
  const good = lineOf({ ...INVITE, expiresUnixS: 0xffffffff });
  assertEquals(joined("--invite", good), EXPECTED);
});

Deno.test("where an invite leads is said in words that cannot deceive", () => {
  assertEquals(
    partyOf(INVITE),
    "the party PARTY on the relay [2001:db8::1]:444, relay.example.org:443",
  );
  assertEquals(
    partyOf({ ...INVITE, partyName: "Ann's LAN", relays: INVITE.relays.slice(1) }),
    'the party "Ann\'s LAN" (room PARTY) on the relay relay.example.org:443',
  );
});
