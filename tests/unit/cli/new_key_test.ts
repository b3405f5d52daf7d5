/** What the host is shown of an invite: beside a new key, and by itself. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import decodeQR from "qr/decode.js";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { inviteText } from "../../../src/cli/invite_text.ts";
import { newKeyText, offlineInvite } from "../../../src/cli/new_key.ts";
import { type OptionValues, parseCommandLine } from "../../../src/cli/options.ts";
import { INVITE_LINK } from "../../../src/control/invite.ts";
import { UserError } from "../../../src/log/user_error.ts";
import { inviteOf } from "../../support/invites.ts";

const GATEWAY_KEY = "AAECAwQFBgcICQoLDA0ODw";
const ROOM_KEY = "B-ZsSYxJesVH8q-8fVGnFw";
const FINGERPRINT = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s";

function valuesOf(...args: string[]): OptionValues {
  const parsed = parseCommandLine(GATEWAY_PROGRAM, args);
  if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
  return parsed.values;
}

/** What players are sent by `new-key` with these arguments. */
function newKey(...args: string[]) {
  return newKeyText(valuesOf("new-key", ...args), GATEWAY_KEY, false);
}

Deno.test("new-key ends with the invite, where relay and room are known", () => {
  const { text, notes } = newKey(
    ...["--relay", "[2001:db8::1]:444,relay.example.org", "--relay-fingerprint", FINGERPRINT],
    ...["--room", "party", "--server-name", "party.example.org", "--party", "Ann's LAN"],
  );
  assertEquals(inviteOf(text), {
    relays: [
      { host: "2001:db8::1", port: 444, ipVersion: 6 },
      { host: "relay.example.org", port: 443, ipVersion: 0 },
    ],
    serverName: "party.example.org",
    fingerprint: FINGERPRINT,
    room: "PARTY",
    roomKey: ROOM_KEY,
    partyName: "Ann's LAN",
  });
  assertEquals(notes, ["whoever has it can join: send it to your players alone"]);
});

Deno.test("new-key without the relay or the room says where the invite is to be had", () => {
  for (const args of [[], ["--room", "PARTY"], ["--relay", "relay.example.org"]]) {
    const { text } = newKey(...args);
    assertStringIncludes(text, "lanparty-gateway ctl invite");
    assertStringIncludes(text, "--relay, --relay-fingerprint and --room");
  }
});

Deno.test("what is odd about an invite is said before it is sent", () => {
  const { notes } = newKey("--relay", "192.168.1.5", "--room", "PARTY");
  assertEquals(notes.length, 3);
  assertMatch(notes[0], /address of a private network: give --relay HOST/);
  assertMatch(notes[1], /holds no fingerprint, .* public CA/);
  const party = { room: "PARTY", gatewayKey: undefined };
  const open = offlineInvite(valuesOf("invite", "--relay", "r.org", "--room", "A"), party, false);
  assertMatch(open.notes.at(-1)!, /holds no key/);
  assertEquals(inviteOf(open.text).roomKey, undefined);
});

Deno.test("an invite may end, and has room for so much", () => {
  const before = Math.floor(Date.now() / 1_000);
  const { text } = newKey("--relay", "r.org", "--room", "PARTY", "--valid-for", "7d");
  const { expiresUnixS = 0 } = inviteOf(text);
  assert(
    expiresUnixS >= before + 7 * 86_400 && expiresUnixS <= Date.now() / 1_000 + 7 * 86_400 + 1,
  );
  const ways = Array.from({ length: 8 }, (_, n) => `relay-${n}.of.a.long.name.example.org`);
  assertThrows(
    () => newKey("--relay", ways.join(","), "--room", "PARTY"),
    UserError,
    "name fewer ways to the relay",
  );
  const wrong = parseCommandLine(GATEWAY_PROGRAM, ["new-key", "--valid-for", "0"]);
  assertEquals(wrong.kind, "usage-error");
});

Deno.test("a private CA is no part of an invite: the gateway that runs has to be asked", async () => {
  const file = await Deno.makeTempFile({ suffix: ".pem" });
  try {
    await Deno.writeTextFile(file, "no certificate");
    const values = valuesOf("invite", "--relay", "r.org", "--room", "A", "--relay-ca-cert", file);
    const party = { room: "A", gatewayKey: GATEWAY_KEY };
    assertThrows(() => offlineInvite(values, party, false), UserError, "there is no invite");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("in a terminal the invite comes with its link, and with a QR code that says the same", () => {
  const line = newKey("--relay", "relay.example.org", "--room", "PARTY").text;
  const { text } = inviteText(line, valuesOf("new-key"), true);
  const lines = text.split("\n");
  assert(lines.includes(line) && lines.includes(`${INVITE_LINK}${line}`));
  assertEquals(inviteOf(text), inviteOf(line));
  const escape = String.fromCharCode(27);
  const rows = lines.filter((row) => row.startsWith(escape))
    .map((row) => row.replaceAll(new RegExp(`${escape}\\[[0-9;]*m`, "g"), ""));
  assertEquals(scan(rows), `${INVITE_LINK}${line}`);
});

/** What a phone reads of half blocks: a block is white, nothing is black. */
function scan(rows: readonly string[]): string {
  const [scale, margin] = [4, 4];
  const columns = rows[0].length;
  const width = (columns + 2 * margin) * scale;
  const height = (rows.length * 2 + 2 * margin) * scale;
  const data = new Uint8Array(width * height * 4).fill(0xff);
  for (let y = 0; y < rows.length * 2; y++) {
    for (let x = 0; x < columns; x++) {
      const half = y % 2 === 0 ? "█▀" : "█▄";
      if (half.includes(rows[y >> 1][x])) continue;
      for (let dot = 0; dot < scale * scale; dot++) {
        const row = (y + margin) * scale + Math.floor(dot / scale);
        const at = (row * width + (x + margin) * scale + dot % scale) * 4;
        data.fill(0, at, at + 3);
      }
    }
  }
  return decodeQR({ width, height, data });
}
