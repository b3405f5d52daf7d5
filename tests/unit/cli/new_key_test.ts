import { assert, assertEquals, assertMatch } from "@std/assert";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { parseConfig } from "../../../src/cli/config_file.ts";
import { invitationText } from "../../../src/cli/new_key.ts";
import { parseCommandLine } from "../../../src/cli/options.ts";

const KEY = "room_B-ZsSYxJesVH8q-8fVGnFwD";

/** What players are sent by `new-key` with these arguments. */
function invitation(...args: string[]): string {
  const parsed = parseCommandLine(GATEWAY_PROGRAM, ["new-key", ...args]);
  if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
  return invitationText(parsed.values, KEY);
}

const FINGERPRINT = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s";

Deno.test("new-key ends with the line and the file for players, ready to be sent", () => {
  const text = invitation(
    ...["--relay", "[2001:db8::1]:444", "--relay-fingerprint", FINGERPRINT, "--room", "party"],
  );
  const line = `  lanparty-client --relay '[2001:db8::1]:444' --relay-fingerprint ${FINGERPRINT} ` +
    `--room party --room-key ${KEY}`;
  assertEquals(text.split("\n"), [
    "For the players. On Linux, as root:",
    "",
    line,
    "",
    "On Windows, as a file lanparty.toml in the folder of lanparty-client.exe:",
    "",
    '  relay = "[2001:db8::1]:444"',
    `  relay-fingerprint = "${FINGERPRINT}"`,
    '  room = "party"',
    `  room-key = "${KEY}"`,
  ]);
  // Both are what the client takes, and say the same.
  const words = line.trim().replaceAll("'", "").split(" ").slice(1);
  const parsed = parseCommandLine(CLIENT_PROGRAM, words);
  const file = text.split("\n").slice(6).map((row) => row.trim()).join("\n");
  const config = parseConfig(CLIENT_PROGRAM, file);
  if (parsed.kind !== "run" || !config.ok) throw new Error(JSON.stringify([parsed, config]));
  for (const [name, value] of config.values) assertEquals(parsed.values.list(name), value);
});

Deno.test("new-key hands on each way to the relay, such as a second port, in one text", () => {
  const text = invitation("--relay", "relay.example.org", "--relay", "relay.example.org:8443");
  const lines = text.split("\n");
  assertMatch(lines[2], /--relay relay\.example\.org,relay\.example\.org:8443 /);
  const config = parseConfig(CLIENT_PROGRAM, lines[6]);
  assertEquals(lines[6], '  relay = "relay.example.org,relay.example.org:8443"');
  assert(config.ok);
  assertEquals(config.values.get("relay"), ["relay.example.org,relay.example.org:8443"]);
});

Deno.test("new-key without the relay and the room says what is to be put in", () => {
  const text = invitation("--room", "PARTY");
  assertEquals(text.split("\n").slice(2, 3), [
    `  lanparty-client --relay RELAY --room PARTY --room-key ${KEY}`,
  ]);
  assertEquals(
    text.split("\n").at(-1),
    "Put in RELAY before you send it; new-key takes --relay, --relay-fingerprint, too.",
  );
  assertEquals(
    invitation().split("\n").at(-1),
    "Put in RELAY and ROOM before you send it; new-key takes --relay, --room, " +
      "--relay-fingerprint, too.",
  );
});
