import { assert, assertEquals } from "@std/assert";
import { asPeerId } from "../../../src/proto/brands.ts";
import { ethernet, ipv4, plain, udp, whole } from "./frames.ts";
import { assertDisconnected, framed, RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";

//= PROTOCOL.md 6.4
//# | `name` | text | as in that peer's hello
//= PROTOCOL.md 7.2
//# In this order: the session that is replaced (if any) gets `disconnect` `replaced`; the others
//# get its `peerLeft` `replaced`; the newcomer gets `welcome` and then a `peerJoined` for each peer
//# in the room; the others get the newcomer's `peerJoined`.
Deno.test("relay: a newcomer hears of everyone there, and they of it, before anything else", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({ name: "Box" });
  const a = relay.client(A, { name: "Ann" });
  gateway.heard();
  a.heard();
  const b = relay.client(B);
  assertEquals(b.heard().map(({ type, peerId }) => [type, peerId]), [
    ["welcome", 3],
    ["peerJoined", 1],
    ["peerJoined", 2],
  ]);
  const joined = { type: "peerJoined", peerId: 3, role: "client", mac: B };
  assertEquals(a.heard(), [joined]);
  assertEquals(gateway.heard(), [joined]);
  const c = relay.client(C);
  c.messages.shift();
  assertEquals(c.heard(), [
    { type: "peerJoined", peerId: 1, role: "gateway", name: "Box" },
    { type: "peerJoined", peerId: 2, role: "client", mac: A, name: "Ann" },
    { type: "peerJoined", peerId: 3, role: "client", mac: B },
  ]);
});

//= PROTOCOL.md 6.2
//# | **`gatewayPresent`** | boolean | whether the room has a gateway; true for a gateway itself
Deno.test("relay: a welcome says whether the room has a gateway", () => {
  const relay = new RelayHarness();
  assertEquals(relay.client(A).last("welcome").gatewayPresent, false);
  const gateway = relay.gateway();
  assertEquals(relay.client(B).last("welcome").gatewayPresent, true);
  gateway.lose();
  assertEquals(relay.client(C).last("welcome").gatewayPresent, false);
});

Deno.test("relay: events stay in their room", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  a.heard();
  relay.client(B, { room: "OTHER" }).lose();
  assertEquals(a.heard(), []);
});

//= PROTOCOL.md 5.3
//# An endpoint that leaves sends `disconnect` `bye`, or only FIN; the relay treats both alike and
//# closes at once.
//= PROTOCOL.md 6.6
//# | `bye` | both | leaving by one's own wish
Deno.test("relay: whoever says bye has left, and the connection is closed at once", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  a.heard();
  b.control({ type: "disconnect", code: "bye", message: "good night" });
  assertEquals(b.closedWith, 0);
  assertEquals(a.heard(), [
    { type: "peerLeft", peerId: 2, role: "client", mac: B, reason: "bye" },
  ]);
  b.lose();
  assertEquals(a.heard(), []);
});

//= PROTOCOL.md 5.3
//# An endpoint that leaves sends `disconnect` `bye`, or only FIN; the relay treats both alike and
//# closes at once.
Deno.test("relay: FIN is as good as bye", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  b.finish();
  assertEquals(a.last("peerLeft").reason, "bye");
  assertEquals(b.closedWith, 0);
  const silent = relay.connect();
  silent.finish();
  assertEquals(silent.closedWith, 0);
});

//= PROTOCOL.md 5.3
//# | none | the connection timed out, was reset, or the endpoint died | | `lost`
//= PROTOCOL.md 5.3
//# The code with which an *endpoint* closes without a word decides in the same way: 0 is `bye`, 2
//# is `error`, all others are `lost`.
Deno.test("relay: how a connection ended tells the others why somebody left", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  for (const [errorCode, reason] of [[undefined, "lost"], [0, "bye"], [2, "error"], [4, "lost"]]) {
    const resume = relay.endpoints.at(-1)!.messages[0].resume;
    relay.client(B, { resume }).lose(errorCode as number | undefined);
    assertEquals(a.last("peerLeft").reason, reason);
  }
});

Deno.test("relay: an endpoint that ends with a complaint has left with an error", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  b.control({ type: "disconnect", code: "protocol-error", message: "?" });
  assertEquals(a.last("peerLeft").reason, "error");
  assertEquals(b.closedWith, 2);
});

Deno.test("relay: a MAC whose session was lost before its welcome came can join at once", () => {
  const relay = new RelayHarness();
  const a = relay.connect();
  a.reads = false;
  relay.advance(100);
  a.hello({ mac: A }).lose();
  assertEquals(a.last("welcome").peerId, 1);
  assertEquals(relay.core.rooms(), []);
  relay.client(A);
  assertEquals(relay.core.rooms().length, 1);
});

//= PROTOCOL.md 5.3
//# A room without peers is gone.
Deno.test("relay: what leaves a room leaves nothing behind", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  b.blocked = true;
  a.send(whole(plain(B, A, 100)));
  assertEquals(relay.pool.freeSlots, relay.pool.slotCount - 1);
  b.lose();
  relay.assertNoSlotLost();
  assertEquals(relay.drops(), { "target-left": 1 });
  a.lose();
  assertEquals(relay.core.rooms(), []);
  assertEquals(relay.core.connections, 0);
  assertEquals(relay.core.nextDeadlineMs() > relay.nowMs + 50, true);
});

//= PROTOCOL.md 5.1
//# The hello must reach the relay within 10 s of the handshake.
//= PROTOCOL.md 5.2
//# No complete hello within 10 s of the handshake: `disconnect` `hello-timeout`.
//= PROTOCOL.md 6.6
//# | `hello-timeout` | relay | no complete hello within 10 s of the handshake
Deno.test("relay: a hello that does not come within ten seconds ends the session", () => {
  const relay = new RelayHarness();
  const endpoint = relay.connect().raw(framed("{}").subarray(0, 3));
  relay.advance(9_994);
  assertEquals(endpoint.messages, []);
  relay.advance(12);
  assertDisconnected(relay, endpoint, "hello-timeout", 2);
});

//= PROTOCOL.md 5.2
//# If the endpoint has not even opened its stream, there is nothing to say it on: the connection is
//# closed with code 2.
Deno.test("relay: a connection without a stream cannot be told and is closed", () => {
  const relay = new RelayHarness();
  const endpoint = relay.connect();
  relay.advance(10_006);
  assertEquals([endpoint.messages, endpoint.closedWith], [[], 2]);
});

//= PROTOCOL.md 7.1
//# | – | (`disconnect` `protocol-error`) | bad length or bad JSON, in the first message, too
Deno.test("relay: a bad length, bad JSON and a second stream are protocol errors, also before a hello", () => {
  for (const joined of [false, true]) {
    const offences: ((endpoint: ScriptedEndpoint, relay: RelayHarness) => void)[] = [
      (endpoint) => endpoint.raw(Uint8Array.of(0, 0, 0, 0)),
      (endpoint) => endpoint.raw(Uint8Array.of(0, 1, 0, 1)),
      (endpoint) => endpoint.raw(framed("{")),
      (endpoint) => endpoint.raw(Uint8Array.of(0, 0, 0, 2, 0xff, 0xff)),
    ];
    for (const offend of offences) {
      const relay = new RelayHarness();
      const endpoint = joined ? relay.client(A) : relay.connect();
      offend(endpoint, relay);
      assertDisconnected(relay, endpoint, "protocol-error", 2);
    }
  }
  const relay = new RelayHarness();
  const endpoint = relay.client(A);
  relay.core.handleSecondStream(endpoint.connection, relay.nowMs);
  relay.settle();
  assertDisconnected(relay, endpoint, "protocol-error", 2);
});

//= PROTOCOL.md 4
//# What breaks these rules, a message of unknown type, a message that the schema of section 6 does
//# not allow, a second hello, a second stream, and a message that belongs to the other side are
//# **protocol errors**:
//= PROTOCOL.md 6.6
//# | `protocol-error` | both | section 4
Deno.test("relay: unknown types, a second hello and messages of the relay's are protocol errors", () => {
  for (
    const message of [
      { type: "cheer" },
      { type: "hello", protocol: 1, role: "client", room: "PARTY", mac: A, datagramBudget: 1400 },
      { type: "welcome" },
      { type: "peerLeft", peerId: 1, role: "gateway", reason: "bye" },
      { type: "disconnect", code: "no such code" },
      { type: "stats", framesSent: -1 },
      "hello",
      null,
    ]
  ) {
    const relay = new RelayHarness();
    const [a, b] = [relay.client(A), relay.client(B)];
    b.control(message);
    assertEquals(a.last("peerLeft").reason, "error");
    assertDisconnected(relay, b, "protocol-error", 2);
  }
});

Deno.test("relay: a second hello while the first one waits is a protocol error", () => {
  const relay = new RelayHarness();
  const endpoint = relay.connect({ maxDatagramBytes: 1_400 }).hello({ role: "gateway" });
  assertEquals(endpoint.messages, []);
  endpoint.hello({ role: "gateway" });
  assertDisconnected(relay, endpoint, "protocol-error", 2);
});

Deno.test("relay: whoever goes while his hello waits opens no room", () => {
  const relay = new RelayHarness();
  const endpoint = relay.connect({ maxDatagramBytes: 1_400 }).hello({ role: "gateway" });
  endpoint.control({ type: "disconnect", code: "bye" });
  assertEquals(endpoint.closedWith, 0);
  relay.advance(2_000);
  assertEquals(relay.core.rooms(), []);
});

Deno.test("relay: a message that takes longer than ten seconds is a protocol error", () => {
  const relay = new RelayHarness();
  const endpoint = relay.client(A);
  relay.advance(3_000);
  endpoint.heard();
  endpoint.raw(framed('{"type":"stats"}').subarray(0, 7));
  relay.advance(9_994);
  assertEquals(endpoint.heard().some(({ type }) => type === "disconnect"), false);
  relay.advance(12);
  assertDisconnected(relay, endpoint, "protocol-error", 2);
});

Deno.test("relay: messages may come in any portions and several at once", () => {
  const relay = new RelayHarness();
  const endpoint = relay.client(A);
  const stats = framed(JSON.stringify({ type: "stats", framesSent: 3, future: [1] }));
  for (const byte of stats) endpoint.raw(Uint8Array.of(byte));
  assertEquals(relay.core.rooms()[0].peers[0].stats?.framesSent, 3);
  const bye = framed(JSON.stringify({ type: "disconnect", code: "bye" }));
  endpoint.raw(Uint8Array.from([...stats, ...bye, ...stats]));
  assertEquals(endpoint.closedWith, 0);
});

//= PROTOCOL.md 5.3
//# From then on nothing more that the other side sent counts.
Deno.test("relay: nothing that comes after the end of a session counts", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  a.control({ type: "cheer" });
  const heard = a.heard().length;
  a.control({ type: "disconnect", code: "bye" }).raw(framed("{")).finish();
  relay.core.handleSecondStream(a.connection, relay.nowMs);
  a.send(whole(plain(B, A, 100)));
  relay.settle();
  assertEquals([a.heard().length, heard > 0], [0, true]);
  assertEquals(b.received(), []);
  assertEquals(relay.drops(), { "sender-ending": 1 });
  a.lose();
  relay.assertNoSlotLost();
});

Deno.test("relay: a record of what comes after the end still says whose it was", () => {
  const relay = new RelayHarness({}, { frameLog: true });
  const a = relay.client(A);
  const { peerId } = a.last("welcome");
  a.control({ type: "cheer" });
  relay.frameRecords.length = 0;
  a.send(whole(plain(B, A, 100)));
  const told = relay.frameRecords.map(({ room, peer, dropReason }) => [room, peer, dropReason]);
  assertEquals(told, [["", Number(peerId), "sender-ending"]]);
});

//= PROTOCOL.md 5.3
//# Who ends a session sends `reject`, `redirect` or `disconnect` as its last message, finishes its
//# side of the stream (FIN), waits until the other side closes the connection, or 1 s, and then
//# closes it with the application error code below.
Deno.test("relay: the endpoint may close before the second is over", () => {
  const relay = new RelayHarness();
  const endpoint = relay.client(A).control({ type: "cheer" });
  endpoint.lose(2);
  relay.advance(2_000);
  assertEquals(endpoint.closedWith, undefined);
});

//= PROTOCOL.md 4
//# A relay should treat more than 100 control messages within 10 s as one, too (this project's:
//# unless its host says another number).
Deno.test("relay: a flood of control messages is a protocol error", () => {
  const relay = new RelayHarness();
  const endpoint = relay.client(A);
  for (let i = 0; i < 100; i++) endpoint.control({ type: "stats" });
  assertEquals(endpoint.messages.at(-1)?.type, "welcome");
  endpoint.control({ type: "stats" });
  assertDisconnected(relay, endpoint, "protocol-error", 2);
});

//= PROTOCOL.md 6.5
//# Every 10 s, from the welcome on.
//= PROTOCOL.md 6.5
//# An endpoint's are its own view; the relay's are what it did with the frames of this peer
//# (*received* from it, *sent* to it), and its drops.
Deno.test("relay: stats come every ten seconds and tell what was done with the peer's frames", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  relay.core.handleRtt(a.connection, 12.5);
  const joinedMs = relay.nowMs - 100;
  a.send(whole(plain(B, A, 100)));
  a.send(whole(plain(A, A, 100)));
  b.send(whole(plain(A, B, 300)));
  a.heard();
  relay.advance(9_894);
  assertEquals(a.heard(), []);
  relay.advance(12);
  const [stats] = a.heard();
  assertEquals(stats, {
    type: "stats",
    framesSent: 1,
    framesReceived: 2,
    bytesSent: 300,
    bytesReceived: 200,
    datagramsSent: 1,
    datagramsReceived: 2,
    framesSplit: 0,
    framesReassembled: 0,
    drops: { "own-destination": 1 },
    rttUs: 12_500,
    uptimeMs: stats.uptimeMs,
  });
  assert(Math.abs(Number(stats.uptimeMs) - (relay.nowMs - joinedMs)) <= 12);
  relay.advance(30_000);
  assertEquals(a.heard().length, 3);
});

//= PROTOCOL.md 6.5
//# | `dhcpServers` | list of integers | the relay's to a gateway only: `peerId`s of players of the
//# room whose answers as DHCP or DHCPv6 servers it has dropped; readers keep 64 at most
Deno.test("relay: the gateway alone is told which players answer DHCP", () => {
  const relay = new RelayHarness();
  const [gateway, a] = [relay.gateway(), relay.client(A)];
  relay.client(B);
  const offer = ethernet("ff:ff:ff:ff:ff:ff", A, 0x0800, ipv4(17, udp(67, 68)));
  for (const _ of [1, 2]) a.send(whole(offer));
  relay.advance(10_100);
  assertEquals(gateway.last("stats")["dhcpServers"], [2]);
  assertEquals("dhcpServers" in a.last("stats"), false);
  assertEquals(a.last("stats")["drops"], { "dhcp-server": 2 });
});

//= PROTOCOL.md 6.5
//# The relay keeps the last of each peer.
Deno.test("relay: the last stats of each peer are kept", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  a.control({ type: "stats", framesSent: 1 });
  a.control({ type: "stats", framesSent: 5, diagnostics: { tap: { state: "up", mtu: 1400 } } });
  const [peer] = relay.core.rooms()[0].peers;
  assertEquals(peer.stats?.framesSent, 5);
  assertEquals(peer.stats?.diagnostics?.tap?.mtu, 1400);
});

//= PROTOCOL.md 6.6
//# | `malformed-limit` | relay | more than 100 malformed datagrams within 10 s
//= PROTOCOL.md 8
//# When one endpoint has sent more than 100 within any 10 s, the relay ends its session with
//# `malformed-limit`.
Deno.test("relay: more than a hundred malformed datagrams in ten seconds end the session", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  for (let i = 0; i < 100; i++) a.send(Uint8Array.of(9, 9));
  assertEquals(a.messages.some(({ type }) => type === "disconnect"), false);
  a.send(Uint8Array.of(9, 9));
  assertEquals(b.last("peerLeft").reason, "error");
  assertDisconnected(relay, a, "malformed-limit", 2);
  assertEquals(relay.drops(), { "malformed-short": 101 });
});

//= PROTOCOL.md 8
//# When one endpoint has sent more than 100 within any 10 s, the relay ends its session with
//# `malformed-limit`.
Deno.test("relay: a hundred malformed datagrams in any ten seconds are borne", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  for (let i = 0; i < 300; i++) {
    a.send(Uint8Array.of(9, 9));
    relay.advance(100);
  }
  assertEquals(a.messages.some(({ type }) => type === "disconnect"), false);
  for (let i = 0; i < 2; i++) a.send(Uint8Array.of(9, 9));
  assertEquals(a.last("disconnect").code, "malformed-limit");
});

//= PROTOCOL.md 5.3
//# A relay bounds the control bytes that wait for an endpoint that does not read them (this
//# project: 65,536 and 1,024 for each peer that a room may have), and closes its connection with
//# code 2, without a message.
Deno.test("relay: a peer that does not read its control stream is given up before it costs memory", () => {
  const relay = new RelayHarness({ peersPerRoomMax: 8, hellosPerSecond: 1_000 });
  const [a, b] = [relay.client(A), relay.client(B)];
  b.reads = false;
  let rounds = 0;
  while (b.closedWith === undefined && rounds++ < 10_000) {
    const resume = relay.endpoints.at(-1)!.last("welcome").resume;
    const c = relay.client(C, { name: "x".repeat(64), resume });
    c.lose();
    a.heard();
    b.heard();
  }
  assertEquals(b.closedWith, 2);
  assert(b.pendingBytes <= 65_536 + 8 * 1_024, `${b.pendingBytes} bytes`);
  assert(b.pendingBytes > 65_536, `${b.pendingBytes} bytes`);
  relay.advance(10);
  assertEquals(relay.core.rooms()[0].peers.length, 1);
});

Deno.test("relay: stats are left out for a peer that is slow to read", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  a.reads = false;
  a.pendingBytes = 0;
  relay.advance(3_600_000);
  assert(a.pendingBytes < 20_000, `${a.pendingBytes} bytes`);
  assertEquals(a.closedWith, undefined);
  relay.core.handleControlSent(a.connection, a.pendingBytes);
  a.reads = true;
  a.heard();
  relay.advance(20_000);
  assertEquals(a.heard().map(({ type }) => type), ["stats", "stats"]);
});

//= PROTOCOL.md 6.6
//# | `relay-restarting` | relay | to everyone, with `retryAfterMs`
Deno.test("relay: when it stops, everyone is told when to come back and nobody is let in", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const b = relay.client(B);
  const silent = relay.connect();
  relay.core.handleShutdown(2_500, relay.nowMs);
  relay.settle();
  assertEquals(b.heard().filter(({ type }) => type === "peerLeft").length <= 1, true);
  assertEquals(a.last("disconnect").retryAfterMs, 2_500);
  assertEquals(silent.closedWith, 4);
  assertEquals(relay.connect().closedWith, 4);
  assertEquals(relay.core.stopped, false);
  assertDisconnected(relay, a, "relay-restarting", 4);
  for (const endpoint of relay.endpoints) endpoint.lose();
  assert(relay.core.stopped);
});

Deno.test("relay: a peer can be kicked and a room be closed", () => {
  const relay = new RelayHarness();
  const [a, b, c] = [relay.client(A), relay.client(B), relay.client(C)];
  assertEquals(
    relay.core.admin.kick("PARTY", asPeerId(9), { by: "operator" }, relay.nowMs),
    undefined,
  );
  assertEquals(
    relay.core.admin.kick("OTHER", asPeerId(2), { by: "operator" }, relay.nowMs),
    undefined,
  );
  assert(
    relay.core.admin.kick(
      "PARTY",
      asPeerId(2),
      { by: "operator", reason: "No cheating" },
      relay.nowMs,
    ),
  );
  relay.settle();
  assertEquals(a.last("peerLeft").reason, "kicked");
  assertEquals(b.last("disconnect").message, "The relay's operator has removed you: No cheating.");
  assertDisconnected(relay, b, "kicked", 3);
  c.heard();
  assertEquals(relay.core.admin.closeRoom("OTHER", undefined, relay.nowMs), 0);
  assertEquals(relay.core.admin.closeRoom("PARTY", "The party is over.", relay.nowMs), 2);
  relay.settle();
  assertEquals(relay.core.rooms(), []);
  // Nobody is told of the others of a closed room.
  assertEquals(c.heard(), [
    { type: "disconnect", code: "room-closed", message: "The party is over." },
  ]);
  assertDisconnected(relay, a, "room-closed", 3);
  assertEquals(c.closedWith, 3);
  assertEquals(relay.client("02:00:00:00:00:0d").last("welcome").room, "PARTY");
});

Deno.test("relay: rooms are shown as values", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({ agent: "box/1" }, { address: "198.51.100.1:7" });
  relay.client(A, { name: "Ann" });
  const [room] = relay.core.rooms();
  assertEquals([room.room, room.tapMtu, room.gatewayPresent], ["PARTY", 1400, true]);
  assertEquals(room.peers.map(({ identity }) => identity), [
    { peerId: asPeerId(1), role: "gateway" },
    { peerId: asPeerId(2), role: "client", mac: A, name: "Ann" },
  ]);
  assertEquals(room.peers[0].agent, "box/1");
  assertEquals(room.peers[0].address, "198.51.100.1:7");
  gateway.lose();
  assertEquals(relay.core.rooms()[0].gatewayPresent, false);
});
