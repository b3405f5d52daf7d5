import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type EndpointMessage,
  MESSAGE_CODE_POINTS_MAX,
  parseEndpointMessage,
  parseHello,
  parseRelayMessage,
  type RelayMessage,
} from "../../../src/control/messages.ts";

const CLIENT = {
  type: "hello",
  protocol: 1,
  role: "client",
  room: "PARTY",
  mac: "02:00:00:00:00:51",
  datagramBudget: 1422,
};
const GATEWAY = {
  type: "hello",
  protocol: 1,
  role: "gateway",
  room: "PARTY",
  datagramBudget: 1422,
};
const WELCOME = {
  type: "welcome",
  protocol: 1,
  peerId: 1,
  room: "PARTY",
  tapMtu: 1400,
  gatewayPresent: false,
  relayTime: 1_800_000_000_000,
  resume: "token",
};
const COUNTS = {
  framesSent: 1,
  framesReceived: 2,
  bytesSent: 3,
  bytesReceived: 4,
  datagramsSent: 5,
  datagramsReceived: 6,
  framesSplit: 7,
  framesReassembled: 8,
};
const STATS = { type: "stats", ...COUNTS, drops: {}, rttUs: 9.5, uptimeMs: 10 };

type Fields = Record<string, unknown>;

function hello(fields: Fields) {
  const result = parseHello({ ...CLIENT, ...fields });
  assert(result.ok, `refused: ${result.ok ? "" : result.message}`);
  return result.hello;
}

function refusal(json: unknown): string {
  const result = parseHello(json);
  assert(!result.ok, `accepted: ${JSON.stringify(json)}`);
  return result.code;
}

function fromRelay(json: unknown): RelayMessage | undefined {
  const result = parseRelayMessage(json);
  return result.ok ? result.message : undefined;
}

function fromEndpoint(json: unknown): EndpointMessage | undefined {
  const result = parseEndpointMessage(json);
  return result.ok ? result.message : undefined;
}

//= PROTOCOL.md 6.1
//# | **`type`** | `"hello"`
//= PROTOCOL.md 6.1
//# | **`role`** | `"client"` or `"gateway"`
//= PROTOCOL.md 6.1
//# | **`datagramBudget`** | integer | bytes of the longest datagram that the endpoint can send and
//# wants to get: section 10
Deno.test("the shortest hellos of both roles are valid", () => {
  assertEquals(parseHello(CLIENT), { ok: true, hello: CLIENT as never });
  assertEquals(parseHello(GATEWAY), { ok: true, hello: GATEWAY as never });
});

//= PROTOCOL.md 6.1
//# | `roomKey` | […] | `agent` |
Deno.test("every optional field of a hello is kept", () => {
  const texts = { resume: "t", name: "Zoë", agent: "lanparty/1" };
  assertEquals<unknown>(hello({ ...texts, roomKey: "k" }), { ...CLIENT, ...texts, roomKey: "k" });
  assertEquals<unknown>(parseHello({ ...GATEWAY, ...texts, gatewayKey: "k" }), {
    ok: true,
    hello: { ...GATEWAY, ...texts, gatewayKey: "k" },
  });
});

//= PROTOCOL.md 4
//# Fields that the reader does not know are ignored.
Deno.test("unknown fields and those of the other role are ignored", () => {
  const extra = { future: [1], gatewayKey: "k", __proto__: null };
  assertEquals<unknown>(hello(extra), CLIENT);
  assertEquals<unknown>(parseHello({ ...GATEWAY, mac: 5, roomKey: {} }), {
    ok: true,
    hello: GATEWAY,
  });
});

//= PROTOCOL.md 4
//# A field whose value is `null` counts as absent.
Deno.test("null is the same as absent", () => {
  assertEquals<unknown>(hello({ resume: null, name: null, agent: null, roomKey: null }), CLIENT);
  for (const field of ["room", "mac", "datagramBudget", "role", "protocol"]) {
    assertEquals(refusal({ ...CLIENT, [field]: null }), "invalid-hello", field);
  }
});

//= PROTOCOL.md 7.1
//# | 1 | `invalid-hello` | the first message is no object of type `hello`, or `protocol` is absent
//# or no integer
Deno.test("anything but a hello first is an invalid hello", () => {
  const others = [null, undefined, 1, "hello", true, [], [CLIENT], {}, { protocol: 2 }, STATS];
  for (const json of others) assertEquals(refusal(json), "invalid-hello", JSON.stringify(json));
  assertEquals(refusal({ ...CLIENT, type: "Hello", protocol: 2 }), "invalid-hello");
});

//= PROTOCOL.md 6.1
//# | **`protocol`** | integer | 1. Checked before all other fields
Deno.test("the protocol is checked before all other fields", () => {
  for (const protocol of [0, 2, -1, 1e15, 1e300]) {
    assertEquals(refusal({ type: "hello", protocol }), "protocol-version", String(protocol));
    assertEquals(refusal({ ...CLIENT, protocol }), "protocol-version", String(protocol));
  }
  for (const protocol of ["1", 1.5, true, [1], {}, null, undefined, Infinity]) {
    assertEquals(refusal({ ...CLIENT, protocol }), "invalid-hello", String(protocol));
  }
});

//= PROTOCOL.md 6
//# **Bold** fields must be there.
Deno.test("fields of a hello that are wrong make it invalid", () => {
  const wrong: Fields[] = [
    { role: "host" },
    { role: "Client" },
    { role: 1 },
    { role: ["client"] },
    { room: "" },
    { room: "MY PARTY" },
    { room: "x".repeat(33) },
    { room: 7 },
    { mac: undefined },
    { mac: "" },
    { mac: "02-00-00-00-00-51" },
    { mac: "020000000051" },
    { mac: "02:00:00:00:00:51 " },
    { mac: "00:00:00:00:00:00" },
    { mac: "00:00:00:00:00:51" },
    { mac: "03:00:00:00:00:51" },
    { mac: "ff:ff:ff:ff:ff:ff" },
    { datagramBudget: undefined },
    { datagramBudget: 1422.5 },
    { datagramBudget: "1422" },
    { datagramBudget: Infinity },
    { roomKey: 5 },
    { roomKey: "x".repeat(129) },
    { name: "x".repeat(65) },
    { name: {} },
    { agent: "x".repeat(129) },
    { resume: 5 },
  ];
  for (const fields of wrong) {
    assertEquals(refusal({ ...CLIENT, ...fields }), "invalid-hello", JSON.stringify(fields));
  }
  assertEquals(refusal({ ...GATEWAY, gatewayKey: "x".repeat(129) }), "invalid-hello");
});

Deno.test("a budget that is too small is for admission to refuse, after other checks", () => {
  for (const datagramBudget of [607, 0, -1]) {
    assertEquals(hello({ datagramBudget }).datagramBudget, datagramBudget);
  }
});

//= PROTOCOL.md 6.1
//# | **`room`** | text | 1 to 32 of `A`–`Z`, `0`–`9` and `-`, after `a`–`z` are folded to upper
//# case: ASCII only, so `ı` or `ſ` is no letter of a room
//= PROTOCOL.md 6.1
//# | **`mac`** | MAC | clients only: unicast and locally administered (first byte & 3 = 2). Ignored
//# in a gateway's
Deno.test("room and MAC come out in their canonical form", () => {
  const canonical = hello({ room: "party-a", mac: "0A:bC:00:00:00:Ff" });
  assertEquals([canonical.room, canonical.mac], ["PARTY-A", "0a:bc:00:00:00:ff"]);
});

Deno.test("texts are counted in code points after controls were taken out", () => {
  const controls = "\u0000\u001b\u007f\u009b\u202e".repeat(30);
  assertEquals(hello({ name: controls + "👩".repeat(64) }).name, "👩".repeat(64));
  assertEquals(refusal({ ...CLIENT, name: "👩".repeat(65) }), "invalid-hello");
  assertEquals(hello({ agent: "x".repeat(128) + controls }).agent, "x".repeat(128));
  assertEquals(hello({ roomKey: "x".repeat(128) }).roomKey, "x".repeat(128));
});

//= PROTOCOL.md 4
//# An optional text that is empty then counts as absent.
Deno.test("a name of which nothing is left is no name", () => {
  assertEquals("name" in hello({ name: "\u0007\u202e" }), false);
  assertEquals("name" in hello({ name: "" }), false);
});

Deno.test("a refusal says which field is wrong and quotes nothing of the input", () => {
  const result = parseHello({ ...CLIENT, mac: "<script>" });
  assert(!result.ok);
  assertEquals(result.message, "mac: not a unicast, locally administered MAC");
  const version = parseHello({ ...CLIENT, protocol: 2 });
  assert(!version.ok);
  assertMatch(version.message, /version 1/);
});

Deno.test("a relay's stats may name DHCP servers, an endpoint's do not", () => {
  const json = { ...STATS, dhcpServers: Array.from({ length: 70 }, (_, at) => at + 1) };
  const fromRelay = parseRelayMessage(json);
  assert(fromRelay.ok && fromRelay.message.type === "stats");
  assertEquals(fromRelay.message.dhcpServers?.length, 64);
  for (const wrong of [[0], ["1"], 7]) {
    assertEquals(parseRelayMessage({ ...STATS, dhcpServers: wrong }).ok, false);
  }
  assertEquals(fromEndpoint(json), fromEndpoint(STATS));
});

Deno.test("an endpoint sends stats and disconnect, and nothing else after its hello", () => {
  assertEquals<unknown>(fromEndpoint(STATS), STATS);
  const bye = { type: "disconnect", code: "bye", message: "" };
  assertEquals<unknown>(fromEndpoint(bye), bye);
  for (const json of [CLIENT, WELCOME, { type: "peerJoined" }, {}, [], null, 3, { type: "x" }]) {
    assertEquals(fromEndpoint(json), undefined, JSON.stringify(json));
  }
});

//= PROTOCOL.md 6.3
//# | **`type`** | `"reject"`
//= PROTOCOL.md 6.3
//# | **`code`** | text | one of section 7.1
//= PROTOCOL.md 6.3
//# | `retryAfterMs` | count | where trying again makes sense
//= PROTOCOL.md 6.3
//# | **`type`** | `"redirect"`
//= PROTOCOL.md 6.4
//# | **`type`** | `"peerJoined"` or `"peerLeft"` | […] | **`reason`** |
//= PROTOCOL.md 6.6
//# | **`type`** | `"disconnect"`
//= PROTOCOL.md 6.6
//# | **`code`** | text | below
//= PROTOCOL.md 6.6
//# | `retryAfterMs` | count | where coming back makes sense
Deno.test("each message of a relay is read", () => {
  const messages: Fields[] = [
    WELCOME,
    { type: "reject", code: "relay-full", message: "full", retryAfterMs: 30_000 },
    { type: "reject", code: "not-admitted", message: "" },
    { type: "redirect", relay: "other.example:443" },
    {
      type: "redirect",
      relay: "[2001:db8::1]:4433",
      serverName: "other.example",
      fingerprint: "A".repeat(43),
    },
    { type: "peerJoined", peerId: 2, role: "client", mac: CLIENT.mac, name: "Zoë" },
    { type: "peerJoined", peerId: 3, role: "gateway" },
    { type: "peerLeft", peerId: 2, role: "client", mac: CLIENT.mac, reason: "lost" },
    { type: "peerLeft", peerId: 65_535, role: "gateway", name: "Hall", reason: "bye" },
    STATS,
    { type: "disconnect", code: "relay-restarting", message: "", retryAfterMs: 500 },
  ];
  for (const message of messages) assertEquals<unknown>(fromRelay(message), message);
});

Deno.test("a relay sends no hello, and nothing that is not in the protocol", () => {
  const others = [CLIENT, GATEWAY, {}, [], null, "welcome", { type: "Welcome" }, { type: 1 }];
  for (const json of others) assertEquals(fromRelay(json), undefined, JSON.stringify(json));
});

Deno.test("wrong fields in a relay's messages are found", () => {
  const peer = { type: "peerJoined", peerId: 2, role: "client", mac: CLIENT.mac };
  const wrong: Fields[] = [
    { ...WELCOME, peerId: 0 },
    { ...WELCOME, peerId: 65_536 },
    { ...WELCOME, peerId: 1.5 },
    { ...WELCOME, tapMtu: 1279 },
    { ...WELCOME, tapMtu: 65_536 },
    { ...WELCOME, protocol: 2 },
    { ...WELCOME, resume: "" },
    { ...WELCOME, gatewayPresent: 1 },
    { ...WELCOME, relayTime: "now" },
    { ...WELCOME, room: "no room" },
    { type: "reject", code: "bye" },
    { type: "reject", code: "relay-full", retryAfterMs: -1 },
    { type: "reject", code: "relay-full", retryAfterMs: 1e300 },
    { type: "redirect" },
    { type: "redirect", relay: "https://other.example" },
    { type: "redirect", relay: "other.example", fingerprint: "short" },
    { type: "redirect", relay: "other.example", serverName: "" },
    { ...peer, role: "host" },
    { ...peer, mac: undefined },
    { ...peer, mac: "ff:ff:ff:ff:ff:ff" },
    { ...peer, peerId: undefined },
    { ...peer, type: "peerLeft" },
    { ...peer, type: "peerLeft", reason: "tired" },
    { type: "disconnect" },
    { type: "disconnect", code: "relay-full" },
  ];
  for (const json of wrong) assertEquals(fromRelay(json), undefined, JSON.stringify(json));
});

//= PROTOCOL.md 6.3
//# | `message` | text | for people; readers keep at most 512 code points
//= PROTOCOL.md 6.6
//# | `message` | text | for people; readers keep at most 512 code points
Deno.test("texts of others are cleaned and long messages cut", () => {
  const reject = fromRelay({ type: "reject", code: "relay-full", message: "a\u001b[2Jb\u202ec" });
  assertEquals(reject?.type === "reject" && reject.message, "a[2Jbc");
  const message = "x".repeat(10_000);
  const bye = fromEndpoint({ type: "disconnect", code: "bye", message });
  assertEquals(bye?.type === "disconnect" && bye.message.length, MESSAGE_CODE_POINTS_MAX);
  const silent = fromEndpoint({ type: "disconnect", code: "bye", message: null });
  assertEquals(silent?.type === "disconnect" && silent.message, "");
});

//= PROTOCOL.md 6.5
//# An absent count is 0.
//= PROTOCOL.md 6.5
//# | `rttUs` | number ≥ 0 | round trip time in microseconds
Deno.test("counters that are missing are 0, and counters that are none are refused", () => {
  const zero = fromEndpoint({ type: "stats" });
  assert(zero?.type === "stats");
  assertEquals([zero.framesSent, zero.uptimeMs, zero.drops, zero.rttUs], [0, 0, {}, undefined]);
  for (const framesSent of [-1, 0.5, "1", 2 ** 53, true, []]) {
    assertEquals(fromEndpoint({ ...STATS, framesSent }), undefined, String(framesSent));
  }
  assertEquals(fromEndpoint({ ...STATS, drops: [] }), undefined);
  assertEquals(fromEndpoint({ ...STATS, rttUs: -1 }), undefined);
});

//= PROTOCOL.md 6.5
//# | `drops` | object | reason → count. Reasons match `[a-z][a-z0-9-]{0,63}`; readers ignore other
//# entries, and all after the 128th
Deno.test("of the drops those are kept that can be reasons, and not more than there are", () => {
  const drops = JSON.parse(`{
    "queue-late": 3, "QUEUE": 1, "__proto__": 5, "constructor": 1, "a b": 1, "no-buffer": -1,
    "over-long": 1.5, "loop": "1", "hairpin": null, "${"x".repeat(65)}": 1, "": 1, "2x": 1
  }`);
  const stats = fromEndpoint({ ...STATS, drops });
  assert(stats?.type === "stats");
  assertEquals(stats.drops, { "queue-late": 3, "constructor": 1 });
  assertEquals(Object.getPrototypeOf(stats.drops), Object.prototype);
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`reason-${i}`, i]));
  const cut = fromEndpoint({ ...STATS, drops: many });
  assertEquals(cut?.type === "stats" && Object.keys(cut.drops).length, 128);
});

//= PROTOCOL.md 6.5
//# | `diagnostics` | object | clients only, each field optional: `relayReachable`, `routePinned`
//# (boolean), `datagramBudget` (count), `tap`: an object with `state` (text), `mtu` (count),
//# `addresses` (list of text, 16 at most)
Deno.test("a client's diagnostics are kept, cleaned and bounded", () => {
  const diagnostics = {
    relayReachable: true,
    routePinned: false,
    datagramBudget: 1422,
    tap: { state: "up", mtu: 1400, addresses: ["192.168.1.77/24", "fe80::1/64"] },
  };
  const stats = (value: unknown) => {
    const message = fromEndpoint({ ...STATS, diagnostics: value });
    return message?.type === "stats" ? message.diagnostics : undefined;
  };
  assertEquals<unknown>(stats(diagnostics), diagnostics);
  assertEquals<unknown>(stats({ ...diagnostics, routePinned: null, tap: null, more: 1 }), {
    relayReachable: true,
    datagramBudget: 1422,
  });
  const wild = { state: "\u001bup".repeat(100), mtu: null, addresses: Array(99).fill("\u0000a") };
  const tap = stats({ tap: wild })?.tap;
  assertEquals([tap?.state?.length, tap?.addresses?.length, tap?.addresses?.[0]], [32, 16, "a"]);
  assertEquals(fromEndpoint({ ...STATS, diagnostics: { tap: 5 } }), undefined);
});

Deno.test("fields from an object's prototype do not count", () => {
  assertEquals(refusal(Object.create(CLIENT)), "invalid-hello");
  const poisoned = JSON.parse('{"type":"hello","protocol":1,"__proto__":{"role":"client"}}');
  assertEquals(refusal(poisoned), "invalid-hello");
});
