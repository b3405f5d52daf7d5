/** What `lanparty-gateway host` keeps of a party, and what changes it. */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  nextSteps,
  type OpenParty,
  openText,
  partyOf,
  ROOM_NAME_BYTES,
  roomName,
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
  for (const text of [nextSteps(party), service]) assertStringIncludes(text, party.file);
});
