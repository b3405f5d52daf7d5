/** The command line of `lanparty-gateway host`, and the file that it keeps. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseConfig } from "../../../src/cli/config_file.ts";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { formatParty, partyFile, readParty, writeParty } from "../../../src/cli/host_file.ts";
import { givenParty, hostTask } from "../../../src/cli/host_options.ts";
import { hostInviteText } from "../../../src/cli/invite_text.ts";
import { parseCommandLine } from "../../../src/cli/options.ts";
import { formatInvite, INVITE_LINK } from "../../../src/control/invite.ts";
import { UserError } from "../../../src/log/user_error.ts";

const FINGERPRINT = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s";
const OTHER = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/** What a command line of `host` says of the party, or what is wrong with it. */
function given(...args: string[]): Record<string, unknown> | string {
  const parsed = parseCommandLine(GATEWAY_PROGRAM, ["host", ...args]);
  if (parsed.kind === "usage-error") return parsed.message;
  assert(parsed.kind === "run" && parsed.command === "host");
  return Object.fromEntries(givenParty(parsed.values, undefined));
}

Deno.test("the relay is one word: addresses and a fingerprint, in any order", () => {
  const pinned = { "relay": ["relay.example.org:443"], "relay-fingerprint": [FINGERPRINT] };
  assertEquals(given("--relay", `relay.example.org,${FINGERPRINT}`), pinned);
  assertEquals(given("--relay", ` ${FINGERPRINT}=, relay.example.org:443 `), pinned);
  assertEquals(given("--relay", "relay.example.org", "--relay-fingerprint", FINGERPRINT), pinned);
  assertEquals(given("--relay", `[2001:db8::1]:444,192.0.2.1,${FINGERPRINT}`), {
    "relay": ["[2001:db8::1]:444,192.0.2.1:443"],
    "relay-fingerprint": [FINGERPRINT],
  });
  assertEquals(given("--relay", "relay.example.org"), { "relay": ["relay.example.org:443"] });
  assertEquals(given(), {});
});

Deno.test("a relay whose fingerprint is damaged, or not one, is not taken for a host's name", () => {
  const cases: readonly [text: string, says: string][] = [
    [`relay.example.org,${FINGERPRINT.slice(1)}`, "its fingerprint is damaged"],
    [`relay.example.org,${FINGERPRINT.slice(0, -1)}t`, "its fingerprint is damaged"],
    [`relay.example.org,${FINGERPRINT},${OTHER}`, "there are several fingerprints"],
    [FINGERPRINT, "expected ADDRESS:PORT,FINGERPRINT"],
    [`two words,${FINGERPRINT}`, "expected ADDRESS:PORT,FINGERPRINT"],
    ["", "needs a value"],
  ];
  for (const [text, says] of cases) {
    const message = given("--relay", text);
    assert(typeof message === "string", text);
    assertStringIncludes(message, says);
    assertEquals(message.includes("\n"), false);
  }
  const two = ["--relay", `r,${FINGERPRINT}`, "--relay-fingerprint", OTHER];
  const error = assertThrows(() => given(...two), UserError);
  assert(error.usage);
});

Deno.test("what contradicts itself is one line, and does nothing", () => {
  const task = (...args: string[]) => {
    const parsed = parseCommandLine(GATEWAY_PROGRAM, ["host", ...args]);
    assert(parsed.kind === "run");
    return hostTask(parsed.values);
  };
  assertEquals(task(), "run");
  assertEquals(task("--as-service", "--interface", "br0"), "serve");
  assertEquals(task("--remove", "--state-dir", "/var/lib/party"), "remove");
  assertEquals(task("--forget", "--remove"), "forget");
  const wrongs = [["--as-service", "--remove"], ["--forget"], ["--remove", "--relay", "r"]];
  for (const args of wrongs) {
    assert(assertThrows(() => task(...args), UserError).usage, args.join());
  }
});

Deno.test("a party is kept as a configuration file of the gateway's, for its owner alone", () => {
  const options = new Map<string, readonly string[] | boolean>([
    ["relay", ["a:443,b:444"]],
    ["party", ['Ann "the host" \\ ünï']],
    ["gateway-key", ["gateway_AAECAwQFBgcICQoLDA0ODwI"]],
    ["room", ["PARTY-1"]],
    ["allow-vlan", true],
  ]);
  const folder = Deno.makeTempDirSync();
  try {
    assertEquals(readParty(GATEWAY_PROGRAM, folder), undefined);
    writeParty(folder, options);
    assertEquals(readParty(GATEWAY_PROGRAM, folder), options);
    assertEquals((Deno.statSync(partyFile(folder)).mode ?? 0) & 0o777, 0o600);
    assertEquals(parseConfig(GATEWAY_PROGRAM, formatParty(options)), { ok: true, values: options });
    Deno.writeTextFileSync(partyFile(folder), 'room = "PARTY-1"\nrelai = "a"\n');
    const damaged = assertThrows(() => readParty(GATEWAY_PROGRAM, folder), UserError);
    assertStringIncludes(damaged.message, "party.toml:2: relai: there is no such key");
    Deno.chmodSync(partyFile(folder), 0o644);
    const open = assertThrows(() => readParty(GATEWAY_PROGRAM, folder), UserError);
    assertStringIncludes(open.message, "can be read by others");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("the host's invite is line and link wherever it is read, and a QR code where somebody looks", () => {
  const made = formatInvite({
    relays: [{ host: "relay.example.org", port: 443, ipVersion: 0 }],
    fingerprint: FINGERPRINT,
    room: "PARTY",
    roomKey: "B-ZsSYxJesVH8q-8fVGnFw",
  });
  assert(made.ok);
  const lines = hostInviteText(made.text, false).text.split("\n");
  assertEquals(lines.filter((line) => line === made.text).length, 1);
  assertEquals(lines.at(-1), `${INVITE_LINK}${made.text}`);
  const shown = hostInviteText(made.text, true).text;
  assertEquals(shown.startsWith(lines.join("\n")), true);
  assertStringIncludes(shown, "\x1b[97;40m");
});
