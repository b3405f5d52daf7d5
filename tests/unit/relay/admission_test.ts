import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { LocalDirectory } from "../../../src/relay/directory.ts";
import type { AdmissionPolicy } from "../../../src/relay/policy.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";

/** Lets in whoever names the key `sesame`; a room is the pair of name and key. */
const KEYS: AdmissionPolicy = {
  roomKey: (hello) =>
    hello.role === "client"
      ? hello.roomKey === "sesame" ? `${hello.room} ${hello.roomKey}` : undefined
      : hello.gatewayKey === "open"
      ? `${hello.room} sesame`
      : undefined,
};

function assertRejected(
  endpoint: ScriptedEndpoint,
  code: string,
  retry: "final" | "again",
): void {
  assertEquals(endpoint.messages.length, 1);
  const [message] = endpoint.messages;
  assertEquals([message.type, message.code], ["reject", code]);
  assertEquals(typeof message.message, "string");
  //= PROTOCOL.md 7.1
  //# `retryAfterMs` is there where the table says so, and only there: the others are final.
  assertEquals("retryAfterMs" in message, retry === "again");
  assert(endpoint.finished, "the stream is not finished");
  assertEquals(endpoint.closedWith, undefined, "closed before the message could arrive");
}

//= PROTOCOL.md 6.2
//# | **`type`** | `"welcome"` | […] | **`protocol`** |
//= PROTOCOL.md 6.2
//# | **`room`** | text | as in the hello, in upper case
//= PROTOCOL.md 6.2
//# | **`relayTime`** | number | the relay's wall clock, ms since 1970
//= PROTOCOL.md 6.2
//# | **`resume`** | text | not empty, opaque: section 7.4
Deno.test("relay: a welcome says all that the protocol asks for", () => {
  const relay = new RelayHarness();
  const endpoint = relay.connect();
  relay.advance(100);
  endpoint.hello({ room: "lan-42", mac: A });
  const [welcome] = endpoint.heard();
  assertEquals(Object.keys(welcome).sort(), [
    "gatewayPresent",
    "peerId",
    "protocol",
    "relayTime",
    "resume",
    "room",
    "tapMtu",
    "type",
  ]);
  assertEquals(welcome.protocol, 1);
  assertEquals(welcome.peerId, 1);
  assertEquals(welcome.room, "LAN-42");
  assertEquals(welcome.tapMtu, 1400);
  assertEquals(welcome.gatewayPresent, false);
  assertEquals(welcome.relayTime, 1_700_000_000_000 + relay.nowMs);
  assert(/^[A-Za-z0-9_-]{32}$/.test(String(welcome.resume)));
});

//= PROTOCOL.md 7.1
//# | 2 | `protocol-version` | `protocol` is an integer other than 1
Deno.test("relay: a hello of another version is rejected before anything else of it is looked at", () => {
  const relay = new RelayHarness();
  const endpoint = relay.connect().control({ type: "hello", protocol: 2, room: 17 });
  assertRejected(endpoint, "protocol-version", "final");
});

//= PROTOCOL.md 7.1
//# | 3 | `invalid-hello` | any other field breaks section 6.1
Deno.test("relay: JSON that is no valid hello is rejected as such", () => {
  const relay = new RelayHarness();
  for (
    const message of [
      { type: "hello" },
      { type: "hello", protocol: "1" },
      { type: "stats" },
      { type: "disconnect", code: "bye" },
      [],
      17,
      { type: "hello", protocol: 1, role: "client", room: "P", datagramBudget: 1200 },
    ]
  ) assertRejected(relay.connect().control(message), "invalid-hello", "final");
  assertRejected(relay.connect().hello({ mac: "00:00:00:00:00:51" }), "invalid-hello", "final");
  assertRejected(relay.connect().hello({ mac: "03:00:00:00:00:51" }), "invalid-hello", "final");
  assertRejected(relay.connect().hello({ room: "no room" }), "invalid-hello", "final");
  assertRejected(relay.connect().hello({ role: "host" }), "invalid-hello", "final");
});

//= PROTOCOL.md 7.1
//# | 4 | `rate-limited` | too many hellos, too many that showed no right key (a locked room behind
//# the right one is no such), or (unless 8 applies) too many peers from this address, or too many
//# rooms that were opened from it
Deno.test("relay: too many hellos of one address are rejected, and told when to come again", () => {
  const relay = new RelayHarness({ helloBurstMax: 2, hellosPerSecond: 0.5 });
  relay.connect({ address: "198.51.100.7:1" }).hello({ mac: A });
  relay.connect({ address: "198.51.100.7:2" }).hello({ mac: B });
  const third = relay.connect({ address: "198.51.100.7:3" }).hello({ mac: C });
  assertRejected(third, "rate-limited", "again");
  assertEquals(third.messages[0].retryAfterMs, 2_000);
  const elsewhere = relay.connect({ address: "198.51.100.8:3" }).hello({ mac: C });
  relay.advance(1_000);
  assertEquals(elsewhere.last("welcome").room, "PARTY");
  relay.advance(1_000);
  const fourth = relay.connect({ address: "198.51.100.7:4" }).hello({ mac: "02:00:00:00:00:0d" });
  assertEquals(fourth.last("welcome").room, "PARTY");
});

Deno.test("relay: an invalid hello is called that even when there are too many", () => {
  const relay = new RelayHarness({ helloBurstMax: 1, hellosPerSecond: 0.001 });
  relay.connect().hello({ mac: A });
  assertRejected(relay.connect().hello({ room: "" }), "invalid-hello", "final");
  assertRejected(relay.connect().hello({ mac: B }), "rate-limited", "again");
});

//= PROTOCOL.md 7.1
//# | 5 | `relay-full` | too many peers, or too many rooms and this one would be new (and none in
//# which a gateway waits alone gives way: it gets `room-closed` with `retryAfterMs`); not where the
//# hello replaces a session, or where 8 applies | yes
Deno.test("relay: a relay with all its rooms open rejects a new one and lets peers into the others", () => {
  const relay = new RelayHarness({ roomsMax: 1 });
  relay.client(A);
  const other = relay.connect();
  relay.advance(100);
  assertRejected(other.hello({ room: "OTHER", mac: B }), "relay-full", "again");
  relay.client(B);
});

//= PROTOCOL.md 7.1
//# | 5 | `relay-full` | too many peers, or too many rooms and this one would be new (and none in
//# which a gateway waits alone gives way: it gets `room-closed` with `retryAfterMs`); not where the
//# hello replaces a session, or where 8 applies | yes
Deno.test("relay: a relay with all its peers rejects one more, in whatever room", () => {
  const relay = new RelayHarness({ peersMax: 2 });
  relay.client(A);
  relay.client(B, { room: "OTHER" });
  assertRejected(relay.connect().hello({ mac: C }), "relay-full", "again");
});

//= PROTOCOL.md 7.1
//# | 7 | `not-admitted` | wrong or missing key, unknown room (both before 6), locked room (but for
//# a hello that replaces a session in it or shows the token of 12, for a gateway whose key shows
//# that it is the host's, or where 8 applies):
Deno.test("relay: who has no key, a wrong key or asks for an unknown room hears the same", () => {
  const relay = new RelayHarness({ policy: KEYS });
  relay.client(A, { roomKey: "sesame" });
  const answers = [{ mac: B }, { mac: B, roomKey: "simsim" }, { mac: B, room: "NOWHERE" }]
    .map((fields) => {
      const endpoint = relay.connect().hello(fields);
      assertRejected(endpoint, "not-admitted", "final");
      return JSON.stringify(endpoint.messages);
    });
  assertEquals(new Set(answers).size, 1);
  relay.gateway({ gatewayKey: "open" });
});

Deno.test("relay: a full relay says so before it looks at keys", () => {
  const relay = new RelayHarness({ policy: KEYS, peersMax: 1 });
  relay.client(A, { roomKey: "sesame" });
  assertRejected(relay.connect().hello({ mac: B, roomKey: "wrong" }), "relay-full", "again");
});

//= PROTOCOL.md 7.1
//# | 8 | (`redirect`) | the room lives elsewhere
Deno.test("relay: a room that lives elsewhere is redirected to, by those who may enter it", () => {
  const target = { relay: "other.example:4433", serverName: "other.example" };
  const directory = new LocalDirectory([["FAR", target]]);
  const relay = new RelayHarness({ policy: KEYS, directory });
  const stranger = relay.connect().hello({ room: "far", mac: A });
  assertRejected(stranger, "not-admitted", "final");
  const player = relay.connect().hello({ room: "far", mac: A, roomKey: "sesame" });
  assertEquals(player.heard(), [{ type: "redirect", ...target }]);
  assert(player.finished);
  relay.advance(1_000);
  assertEquals(player.closedWith, 1);
});

Deno.test("relay: a redirect comes before the budget is looked at", () => {
  const directory = new LocalDirectory([["FAR", { relay: "other.example:443" }]]);
  const relay = new RelayHarness({ directory });
  const player = relay.connect().hello({ room: "FAR", datagramBudget: 100 });
  assertEquals(player.last("redirect").relay, "other.example:443");
});

//= PROTOCOL.md 7.1
//# | 9 | `budget-too-small` | `datagramBudget`, or the relay's own maximum towards the endpoint, is
//# less than 608
Deno.test("relay: a budget under 608 bytes is too small, and 608 is not", () => {
  const relay = new RelayHarness();
  assertRejected(relay.connect().hello({ datagramBudget: 607 }), "budget-too-small", "final");
  assertRejected(
    relay.connect({ maxDatagramBytes: 607 }).hello(),
    "budget-too-small",
    "final",
  );
  const enough = relay.client(A, { datagramBudget: 608 });
  assertEquals(enough.last("welcome").peerId, 1);
});

//= PROTOCOL.md 7.1
//# | 11 | `gateway-exists`, `mac-in-use` | the room has a gateway, or a client with this MAC | yes
Deno.test("relay: a room has one gateway", () => {
  const relay = new RelayHarness();
  const first = relay.gateway();
  assertRejected(relay.connect().hello({ role: "gateway" }), "gateway-exists", "again");
  relay.gateway({ room: "OTHER" });
  first.lose();
  relay.gateway();
});

//= PROTOCOL.md 7.1
//# | 11 | `gateway-exists`, `mac-in-use` | the room has a gateway, or a client with this MAC | yes
Deno.test("relay: a MAC is in a room once, but may be in two rooms", () => {
  const relay = new RelayHarness();
  relay.client(A);
  assertRejected(relay.connect().hello({ mac: A.toUpperCase() }), "mac-in-use", "again");
  relay.client(A, { room: "OTHER" });
});

//= PROTOCOL.md 7.1
//# | 10 | (replacing) | section 7.4: then 11 to 13 are passed over
//= PROTOCOL.md 7.1
//# | 13 | `room-full` | too many peers in the room, or no peer id is free | yes
Deno.test("relay: a room that is full rejects a new peer, but not the one who replaces his own session", () => {
  const relay = new RelayHarness({ peersPerRoomMax: 2 });
  const a = relay.client(A);
  relay.client(B);
  assertRejected(relay.connect().hello({ mac: C }), "room-full", "again");
  const again = relay.connect().hello({ mac: A, resume: a.last("welcome").resume });
  assertEquals(again.messages[0].type, "welcome");
});

Deno.test("relay: a MAC in use is told before a room that is full", () => {
  const relay = new RelayHarness({ peersPerRoomMax: 1 });
  relay.client(A);
  assertRejected(relay.connect().hello({ mac: A }), "mac-in-use", "again");
});

Deno.test("relay: peers that open the same room at once end up in one", () => {
  const relay = new RelayHarness();
  const a = relay.connect().hello({ mac: A });
  const b = relay.connect().hello({ mac: B, datagramBudget: 1_300 });
  assertEquals(a.last("welcome").tapMtu, b.last("welcome").tapMtu);
  assertEquals(a.last("peerJoined").mac, B);
  assertEquals(b.last("peerJoined").mac, A);
  assertEquals(relay.core.rooms().length, 1);
});

//= PROTOCOL.md 5.3
//# When a session ends, its place in the room and its name are free at once; its peer id rests for
//# 60 s, and its MAC stays the player's for 10 minutes (section 7.5).
Deno.test("relay: peer ids count up and rest for a minute, also while nobody is in the room", () => {
  const relay = new RelayHarness();
  const ids: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const resume = relay.endpoints.at(-1)?.last("welcome").resume;
    const endpoint = relay.client(A, { resume });
    ids.push(endpoint.last("welcome").peerId);
    endpoint.lose();
  }
  assertEquals(ids, [1, 2, 3]);
  assertEquals(relay.core.rooms(), []);
});

Deno.test("relay: too many connections of one address that say nothing are closed at once", () => {
  const relay = new RelayHarness({ pendingPerAddressMax: 2 });
  const path = { address: "[2001:db8::1]:1" };
  relay.connect(path);
  const second = relay.connect({ address: "[2001:db8::2]:1" });
  const third = relay.connect(path);
  assertEquals(third.closedWith, 1);
  assertEquals(relay.connect({ address: "[2001:db8:0:1::1]:1" }).closedWith, undefined);
  second.lose();
  third.lose();
  assertEquals(relay.connect(path).closedWith, undefined);
});

//= PROTOCOL.md 5.3
//# It closes with code 1, without a message, a connection that is one too many.
Deno.test("relay: connections beyond the limit are closed at once", () => {
  const relay = new RelayHarness({ connectionsMax: 1 });
  const first = relay.connect();
  const second = relay.connect();
  assertEquals([first.closedWith, second.closedWith], [undefined, 1]);
  second.lose();
  first.lose();
  assertEquals(relay.connect().closedWith, undefined);
  assertEquals(relay.core.connections, 1);
});

//= PROTOCOL.md 7.4
//# Each welcome brings a new token, at least 128 random bits.
Deno.test("relay: every session gets a token of its own", () => {
  const relay = new RelayHarness();
  const a = relay.client(A).last("welcome").resume;
  const b = relay.client(B).last("welcome").resume;
  assertNotEquals(a, b);
});
