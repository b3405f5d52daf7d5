/** What `lanparty-gateway host` keeps of a party, and what changes it. */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  changedText,
  nextSteps,
  type OpenParty,
  openText,
  partyOf,
  ROOM_NAME_BYTES,
  roomName,
  stateDirWords,
} from "../../../../src/programs/gateway/host_party.ts";
import { parseRoomCode } from "../../../../src/control/room.ts";

const make = () => ({ room: "PARTY-NEW", gatewayKey: "gateway_new" });
const never = () => {
  throw new Error("nothing is to be made");
};

const KEPT = new Map<string, readonly string[] | boolean>([
  ["relay", ["relay.example.org:443"]],
  ["relay-fingerprint", ["F1"]],
  ["room", ["PARTY-1"]],
  ["gateway-key", ["gateway_1"]],
  ["interface", ["eth0"]],
  ["allow-vlan", true],
]);

Deno.test("a first start makes room and key; what is given is not made", () => {
  const first = partyOf({ kept: undefined, given: new Map([["relay", ["r:443"]]]), make });
  assertEquals(Object.fromEntries(first.options), {
    "relay": ["r:443"],
    "room": ["PARTY-NEW"],
    "gateway-key": ["gateway_new"],
  });
  assertEquals(first.changed, []);
  const given = new Map([["room", ["MINE"]], ["gateway-key", ["gateway_2"]]]);
  assertEquals(partyOf({ kept: undefined, given, make: never }).options, given);
});

Deno.test("a second start without options is the first one's party, and changes nothing", () => {
  const { options, changed } = partyOf({ kept: KEPT, given: new Map(), make: never });
  assertEquals([options, changed], [KEPT, []]);
});

Deno.test("what is given changes what is kept, and what was added by hand stays", () => {
  const given = new Map([["interface", ["br0"]], ["party", ["Ann's LAN"]]]);
  const { options, changed } = partyOf({ kept: KEPT, given, make: never });
  assertEquals(changed, ["interface", "party"]);
  assertEquals(options.get("interface"), ["br0"]);
  assertEquals(options.get("allow-vlan"), true);
  assertEquals(KEPT.get("interface"), ["eth0"]);
});

Deno.test("a relay's fingerprint goes with its address", () => {
  const withRelay = (...entries: [string, string[]][]) => {
    const { options, changed } = partyOf({ kept: KEPT, given: new Map(entries), make: never });
    return [options.get("relay-fingerprint"), changed.join()];
  };
  // The same address says nothing new of its key; only a certificate of a public CA makes up for one that is not given.
  assertEquals(withRelay(["relay", ["relay.example.org:443"]]), [["F1"], ""]);
  assertEquals(withRelay(["relay", ["other:443"]]), [undefined, "relay,relay-fingerprint"]);
  assertEquals(withRelay(["relay", ["other:443"]], ["relay-fingerprint", ["F2"]]), [
    ["F2"],
    "relay,relay-fingerprint",
  ]);
});

Deno.test("a CA's certificate goes with the relay's address, too", () => {
  const kept = new Map([...KEPT, ["relay-ca-cert", ["/etc/ca.pem"]] as const]);
  const optionsOf = (relay: string) =>
    partyOf({ kept, given: new Map([["relay", [relay]]]), make: never }).options;
  assertEquals(optionsOf("relay.example.org:443").get("relay-ca-cert"), ["/etc/ca.pem"]);
  assertEquals(optionsOf("other:443").has("relay-ca-cert"), false);
});

Deno.test("a key file that was written by hand is the party's key, until another key is given", () => {
  const file: [string, string[]] = ["gateway-key-file", ["/etc/lanparty/party.key"]];
  const kept = new Map([["room", ["PARTY-1"]], file]);
  const unchanged = partyOf({ kept, given: new Map(), make: never });
  assertEquals([unchanged.options, unchanged.changed], [kept, []]);
  const given = new Map([["gateway-key", ["gateway_2"]]]);
  const changed = partyOf({ kept, given, make: never });
  assertEquals(Object.fromEntries(changed.options), {
    "room": ["PARTY-1"],
    "gateway-key": ["gateway_2"],
  });
  assertEquals(
    changedText(changed),
    "Kept from now on: another key, so that players need a new invite.",
  );
  const roomless = partyOf({ kept: new Map([file]), given: new Map(), make });
  assertEquals([roomless.options.has("gateway-key"), roomless.options.get("room")], [
    false,
    ["PARTY-NEW"],
  ]);
});

Deno.test("what has changed is said without names of options that are gone", () => {
  const textOf = (...entries: [string, string[]][]) =>
    changedText(partyOf({ kept: KEPT, given: new Map(entries), make: never }));
  assertEquals(
    textOf(["relay", ["other:443"]]),
    "Kept from now on: relay other:443, the relay must now have a certificate of a public CA.",
  );
  assertEquals(
    textOf(["relay", ["other:443"]], ["relay-fingerprint", ["F2"]]),
    "Kept from now on: relay other:443, relay-fingerprint F2.",
  );
  assertEquals(textOf(["party", ["Ann's LAN"]]), "Kept from now on: party Ann's LAN.");
});

Deno.test("a room's name is a code, and each random byte counts", () => {
  const bytes = Uint8Array.from({ length: ROOM_NAME_BYTES }, (_, at) => at * 25);
  const name = roomName(bytes);
  assertMatch(name, /^PARTY-[2-9A-HJ-NP-Z]{10}$/);
  assertEquals(parseRoomCode(name), name);
  for (const at of bytes.keys()) {
    assertNotEquals(roomName(bytes.with(at, bytes[at] ^ 1)), name);
  }
});

Deno.test("the host reads where the party is, and what to do next, as a service or not", () => {
  const party: OpenParty = {
    interface: "br0",
    relay: "relay.example.org:443",
    file: "/var/lib/lanparty-host/party.toml",
    stateDir: undefined,
    isService: false,
  };
  assertEquals(
    openText(party),
    "The party is open: its LAN is at br0, its players come in by the relay relay.example.org:443.",
  );
  assertStringIncludes(nextSteps(party), "Leave this window open");
  assertStringIncludes(nextSteps(party), "lanparty-gateway host --as-service");
  const service = nextSteps({ ...party, isService: true });
  assertStringIncludes(service, "lanparty-gateway host --remove");
  assertStringIncludes(openText({ ...party, isService: true }), "The party is open, as a service:");
  for (const text of [nextSteps(party), service]) {
    assertStringIncludes(text, party.file);
    assertEquals(text.includes("--state-dir"), false);
  }
});

Deno.test("where a party is kept elsewhere, the commands that need to know it say so", () => {
  const party = {
    ...{ interface: "br0", relay: "r:443", file: "/srv/p/party.toml", stateDir: "/srv/p" },
    isService: false,
  };
  const text = nextSteps(party);
  assertStringIncludes(text, '"lanparty-gateway host --state-dir /srv/p" is enough');
  assertStringIncludes(text, "lanparty-gateway host --as-service --state-dir /srv/p\n");
  assertStringIncludes(text, "lanparty-gateway ctl players --state-dir /srv/p\n");
  // The service has a state folder of its own, where ctl looks by itself; --remove finds the party by the unit.
  assertEquals(nextSteps({ ...party, isService: true }).includes("--state-dir"), false);
  assertEquals(stateDirWords("/srv/Ann's LAN"), " --state-dir '/srv/Ann'\\''s LAN'");
});
