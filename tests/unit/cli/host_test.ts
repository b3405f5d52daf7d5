/** The command line of `lanparty-gateway host`, and the file that it keeps. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseConfig } from "../../../src/cli/config_file.ts";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import {
  forgetParty,
  formatParty,
  partyFile,
  readParty,
  servedFolder,
  writeParty,
} from "../../../src/cli/host_file.ts";
import { gatewayUnitOf } from "../../../src/cli/gateway_unit.ts";
import { givenParty, hostTask, logWords } from "../../../src/cli/host_options.ts";
import { hostInviteText } from "../../../src/cli/invite_text.ts";
import { OptionValues, parseCommandLine } from "../../../src/cli/options.ts";
import { markUnit } from "../../../src/programs/common/install_plan.ts";
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

Deno.test("a fingerprint that was cut, however short its rest is, is no second address", () => {
  for (const address of ["relay.example.org", "relay", "192.0.2.1:444", "[2001:db8::1]:443"]) {
    for (let length = 0; length < FINGERPRINT.length; length++) {
      for (const cut of [FINGERPRINT.slice(0, length), FINGERPRINT.slice(-length || Infinity)]) {
        const message = given("--relay", `${address},${cut}`);
        assert(typeof message === "string", `${address},${cut}`);
        assertStringIncludes(message, "its fingerprint is damaged");
      }
    }
  }
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

Deno.test("a party is forgotten once; where there was none, that is told", () => {
  const folder = Deno.makeTempDirSync();
  try {
    writeParty(folder, new Map([["room", ["PARTY-1"]]]));
    assertEquals([forgetParty(folder), forgetParty(folder)], [true, false]);
    assertEquals([...Deno.readDirSync(folder)], []);
    assertEquals(forgetParty(`${folder}/none`), false);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a unit of host's tells where its party is kept, and no other one does", () => {
  for (const folder of ["/var/lib/lanparty-host", "/srv/100% LAN"]) {
    const { text } = gatewayUnitOf({
      ...{ executable: "/usr/local/bin/lanparty-gateway", args: ["--config", partyFile(folder)] },
      ...{ folder: "/", values: new OptionValues() },
    });
    const service = {
      program: "lanparty-gateway",
      command: "host --as-service",
      undo: "host --remove",
    } as const;
    const unit = markUnit(text, service, { isProgramOurs: true, args: [] });
    assertEquals(servedFolder(unit), folder);
    assertEquals(servedFolder(text), undefined);
    assertEquals(servedFolder(unit.replace("party.toml", "gateway.toml")), undefined);
    assertEquals(unit.includes("# Install:"), false);
    assertEquals(unit.split("\n")[1], "[Unit]");
  }
});

Deno.test("a key file that was written into the party's file is handed to its service", () => {
  const kept = { "room": ["PARTY-1"], "gateway-key-file": ["/etc/lanparty/party.key"] };
  const { text } = gatewayUnitOf({
    ...{ executable: "/usr/local/bin/lanparty-gateway", args: ["--config", "/srv/p/party.toml"] },
    ...{ folder: "/", values: OptionValues.fromRecord(GATEWAY_PROGRAM, kept) },
  });
  assertStringIncludes(text, "\nLoadCredential=gateway-key:/etc/lanparty/party.key\n");
});

Deno.test("what a service is told of the log is what is not the default", () => {
  const words = (...args: string[]) => {
    const parsed = parseCommandLine(GATEWAY_PROGRAM, ["host", ...args]);
    assert(parsed.kind === "run");
    return logWords(parsed.values);
  };
  assertEquals(words(), []);
  assertEquals(words("--log-level", "info", "--log-format=text"), []);
  assertEquals(words("--log-format", "json", "--log-level", "debug"), [
    ...["--log-level", "debug", "--log-format", "json"],
  ]);
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
