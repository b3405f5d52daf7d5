import { assert, assertEquals } from "@std/assert";
import { encodeMessage } from "../../../src/control/framing.ts";
import { CLOSE_TIMEOUT_MS, FINISH_TIMEOUT_MS } from "../../../src/endpoint/session_state.ts";
import { TokenStore } from "../../../src/endpoint/token_store.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { DropCode } from "../../../src/observe/drops.ts";
import { player, Stage, WELCOME } from "./harness.ts";

const bob = player(9, "Bob");

//= PROTOCOL.md 3
//# | server name (SNI) | the name that the certificate is checked against: the relay's host, unless
//# set otherwise
Deno.test("a session connects to the relay it was given, and asks for its host's name", () => {
  const stage = new Stage();
  stage.start();
  assertEquals(stage.only("connect").targets, [
    { host: "relay.example.org", port: 443, serverName: "relay.example.org" },
  ]);
  assertEquals(stage.session.state, "connecting");
});

Deno.test("another server name and a pin go along with the connection", () => {
  const stage = new Stage({ serverName: "lan.example.org", fingerprint: "pin" });
  stage.start();
  const { serverName, fingerprint } = stage.only("connect").targets[0];
  assertEquals({ serverName, fingerprint }, { serverName: "lan.example.org", fingerprint: "pin" });
});

Deno.test("a second start changes nothing", () => {
  const stage = new Stage();
  stage.start();
  stage.start();
  stage.only("connect");
});

//= PROTOCOL.md 5.1
//# **settling**: waits as section 10 says, then sends `hello`.
Deno.test("the hello waits until the maximum carries a frame of 1400, or has not grown for 400 ms", () => {
  const stage = new Stage();
  stage.start();
  stage.connected(1187);
  stage.advance(60);
  assertEquals(stage.sent(), []);
  stage.session.handleMaxDatagram(1439, stage.nowMs);
  stage.advance(0);
  assertEquals(stage.sent().map((message) => message.datagramBudget), [1439]);

  const narrow = new Stage();
  narrow.start();
  narrow.connected(1187);
  narrow.advance(60);
  narrow.session.handleMaxDatagram(1337, narrow.nowMs);
  narrow.advance(399);
  assertEquals(narrow.sent(), []);
  narrow.advance(1);
  assertEquals(narrow.sent().map((message) => message.datagramBudget), [1337]);
});

Deno.test("on a long path the hello waits for three round trips, and a second at most", () => {
  const stage = new Stage();
  stage.start();
  stage.connected(1187);
  stage.session.handleRtt(180);
  stage.advance(539);
  assertEquals(stage.sent(), []);
  stage.advance(1);
  assertEquals(stage.sent().length, 1);

  const slow = new Stage();
  slow.start();
  slow.connected(1187);
  slow.session.handleRtt(600);
  slow.advance(999);
  assertEquals(slow.sent(), []);
  slow.advance(1);
  assertEquals(slow.sent().length, 1);
});

//= PROTOCOL.md 7.3
//# Players get the room key, only the gateway has the gateway key.
Deno.test("a client's hello says all that the relay must know, and no gateway key", () => {
  const stage = new Stage({ name: "Alice", roomKey: "key", gatewayKey: "secret" });
  stage.start();
  stage.greet();
  assertEquals(stage.sent(), [{
    type: "hello",
    protocol: 1,
    role: "client",
    room: "LAN",
    mac: "02:00:00:00:00:51",
    name: "Alice",
    agent: "lanparty-client/test",
    datagramBudget: 1439,
    features: ["removal", "room-mtu"],
    roomKey: "key",
  }]);
});

//= PROTOCOL.md 7.3
//# Players get the room key, only the gateway has the gateway key.
Deno.test("a gateway's hello has neither MAC nor room key", () => {
  const stage = new Stage({ role: "gateway", roomKey: "key", gatewayKey: "secret" });
  stage.start();
  stage.greet();
  assertEquals(stage.sent(), [{
    type: "hello",
    protocol: 1,
    role: "gateway",
    room: "LAN",
    agent: "lanparty-client/test",
    datagramBudget: 1439,
    features: ["removal", "host-requests", "room-mtu"],
    gatewayKey: "secret",
  }]);
});

//= PROTOCOL.md 10
//# The endpoint sends its hello then, with what the maximum is now (or less: a user may cap it, and
//# then the cap holds for all that the endpoint sends).
Deno.test("the datagram budget caps what is advertised and what is used", () => {
  const stage = new Stage({ datagramBudget: 1200 });
  stage.start();
  stage.greet();
  assertEquals(stage.sent()[0].datagramBudget, 1200);
  assertEquals(stage.session.datagramBytesMax, 1200);
  stage.session.handleMaxDatagram(1100, stage.nowMs);
  assertEquals(stage.session.datagramBytesMax, 1100);
});

Deno.test("names that are too long or hold control characters are made fit for the hello", () => {
  const stage = new Stage({ name: "A\u202e\u0007" + "b".repeat(100) });
  stage.start();
  stage.greet();
  assertEquals(stage.sent()[0].name, "A" + "b".repeat(63));
});

Deno.test("a welcome brings a token to keep, joined, and the MTU", () => {
  const tokens = new TokenStore();
  const stage = new Stage({ tokens });
  stage.join();
  assertEquals(stage.only("joined").welcome, WELCOME);
  assertEquals(stage.only("mtu").tapMtu, 1400);
  const key = { relay: "relay.example.org:443", room: "LAN", peer: "02:00:00:00:00:51" };
  assertEquals(stage.only("saveToken"), { type: "saveToken", key, token: "token-1" });
  assertEquals(tokens.get(key), "token-1");
  assertEquals(stage.session.room.welcome, WELCOME);
  assertEquals(stage.session.room.gatewayPresent, true);
  assertEquals(stage.statuses("joined"), [{
    type: "joined",
    role: "client",
    room: "LAN",
    peerId: 7,
    tapMtu: 1400,
    gatewayPresent: true,
  }]);
});

Deno.test("the token of an earlier session goes into the hello, the gateway's under its own name", () => {
  const tokens = new TokenStore();
  tokens.set({ relay: "relay.example.org:443", room: "LAN", peer: "gateway" }, "earlier");
  const gateway = new Stage({ role: "gateway", tokens });
  gateway.start();
  gateway.greet();
  assertEquals(gateway.sent()[0].resume, "earlier");
  const client = new Stage({ tokens });
  client.start();
  client.greet();
  assertEquals(client.sent()[0].resume, undefined);
});

//= PROTOCOL.md 7.4
//# Endpoints should keep the latest token per relay, room and identity, on disk and readable by
//# their owner only: per relay by the key of its certificate, since one relay has many names, and
//# since another one must not be shown the token.
Deno.test("a token belongs to a relay's key: by another name it is shown to the same relay, and to no other", () => {
  const tokens = new TokenStore();
  const join = (host: string, relayKey: string, resume: string) => {
    const stage = new Stage({ tokens, relays: [{ host, port: 443 }] });
    stage.relayKey = relayKey;
    stage.join({ resume });
    return stage.sent()[0].resume;
  };
  assertEquals(join("relay.example.org", "key-1", "token-1"), undefined);
  assertEquals(join("192.0.2.1", "key-1", "token-2"), "token-1");
  assertEquals(join("relay.example.org", "key-2", "token-3"), undefined);
  assertEquals(join("relay.example.org", "key-1", "token-4"), "token-2");
});

Deno.test("a token that is the same again is not written again", () => {
  const tokens = new TokenStore();
  const stage = new Stage({ tokens });
  stage.join();
  stage.clear();
  stage.closed({ transport: "timeout" });
  stage.advance(200);
  stage.join();
  assertEquals(stage.sent()[0].resume, "token-1");
  assertEquals(stage.actions("saveToken"), []);
});

Deno.test("messages may come in single bytes", () => {
  const stage = new Stage();
  stage.start();
  stage.greet();
  for (const byte of encodeMessage(WELCOME)) stage.relaySends(Uint8Array.of(byte));
  assertEquals(stage.session.state, "joined");
});

//= PROTOCOL.md 6.2
//# A later welcome, or `roomMtu` (section 6.9), may bring another one, which is then applied to the
//# running TAP |
Deno.test("a new welcome's MTU is applied live, and the same one is no news", () => {
  const stage = new Stage();
  stage.join({ tapMtu: 1400 });
  stage.clear();
  stage.closed({ transport: "reset" });
  stage.advance(200);
  stage.join({ tapMtu: 1400 });
  assertEquals(stage.actions("mtu"), []);
  stage.clear();
  stage.closed({ transport: "reset" });
  stage.advance(1000);
  stage.join({ tapMtu: 1320 });
  assertEquals(stage.only("mtu").tapMtu, 1320);
  assertEquals(stage.statuses("mtu"), [{ type: "mtu", tapMtu: 1320, beforeMtu: 1400 }]);
});

//= PROTOCOL.md 6.5
//# Every 10 s, from the welcome on.
//= PROTOCOL.md 6.5
//# | `bytesSent`, `bytesReceived` | count | their bytes, Ethernet header included
//= PROTOCOL.md 6.5
//# | `uptimeMs` | number ≥ 0 | since the welcome
Deno.test("stats go out each 10 s, with totals since this session began", () => {
  const counters = new TrafficCounters();
  counters.framesSent = 1000;
  counters.dropMany(DropCode.queueLate, 5);
  const diagnostics = {
    relayReachable: true,
    tap: { state: "up", mtu: 1400, addresses: ["192.0.2.7/24"] },
  } as const;
  const stage = new Stage({}, {
    statistics: () => ({
      traffic: counters.snapshot(),
      diagnostics: { ...diagnostics, tap: { ...diagnostics.tap, addresses: ["192.0.2.7/24"] } },
    }),
  });
  stage.join();
  stage.session.handleRtt(12.3456);
  stage.clear();
  counters.framesSent += 3;
  counters.bytesSent += 300;
  counters.drop(DropCode.queueOverflow);
  stage.advance(9999);
  assertEquals(stage.sent(), []);
  stage.advance(1);
  assertEquals(stage.sent(), [{
    type: "stats",
    framesSent: 3,
    framesReceived: 0,
    bytesSent: 300,
    bytesReceived: 0,
    datagramsSent: 0,
    datagramsReceived: 0,
    framesSplit: 0,
    framesReassembled: 0,
    drops: { "queue-overflow": 1 },
    rttUs: 12346,
    uptimeMs: 10_000,
    diagnostics: {
      relayReachable: true,
      tap: { state: "up", mtu: 1400, addresses: ["192.0.2.7/24"] },
    },
  }]);
  stage.clear();
  stage.advance(60_000);
  assertEquals(stage.sent().length, 6);
});

Deno.test("after a sleep one stats message goes out, not one for each that was missed", () => {
  const stage = new Stage();
  stage.join();
  stage.clear();
  stage.nowMs += 3_600_000;
  stage.session.handleTimer(stage.nowMs);
  stage.drain();
  assertEquals(stage.sent().length, 1);
  assert(stage.session.nextDeadlineMs() > stage.nowMs);
});

Deno.test("leaving says goodbye, finishes the stream, and ends with 0 when the relay has closed", () => {
  const stage = new Stage();
  stage.join();
  stage.clear();
  stage.leave();
  assertEquals(stage.sent().map(({ type, code }) => ({ type, code })), [
    { type: "disconnect", code: "bye" },
  ]);
  assertEquals(stage.actions("finish").length, 1);
  assertEquals(stage.only("left").final, true);
  assertEquals(stage.actions("close"), []);
  assertEquals(stage.actions("ended"), []);
  stage.closed({ errorCode: 0 });
  assertEquals(stage.only("ended").exitCode, 0);
  assertEquals(stage.statuses("left"), [{ type: "left", room: "LAN" }]);
});

Deno.test("leaving ends within its bound when the relay is silent and the transport hangs", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.join();
  stage.clear();
  stage.leave();
  stage.advance(FINISH_TIMEOUT_MS - 1);
  assertEquals(stage.actions("close"), []);
  stage.advance(1);
  assertEquals(stage.only("close").errorCode, 0);
  stage.advance(CLOSE_TIMEOUT_MS - 1);
  assertEquals(stage.actions("ended"), []);
  stage.advance(1);
  assertEquals(stage.only("ended").exitCode, 0);
  assert(FINISH_TIMEOUT_MS + CLOSE_TIMEOUT_MS < 2000);
});

Deno.test("leaving closes at once when the relay finishes its side, too", () => {
  const stage = new Stage();
  stage.join();
  stage.clear();
  stage.leave();
  stage.finished();
  assertEquals(stage.only("close").errorCode, 0);
  assertEquals(stage.only("ended").exitCode, 0);
});

Deno.test("a second leave ends at once", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.join();
  stage.clear();
  stage.leave();
  stage.leave();
  stage.only("close");
  stage.only("ended");
  stage.leave();
  stage.only("ended");
  assertEquals(stage.session.nextDeadlineMs(), Infinity);
});

Deno.test("leaving before the hello says nothing to the relay", () => {
  for (const reach of ["idle", "connecting", "settling", "waiting"]) {
    const stage = new Stage();
    if (reach !== "idle") stage.start();
    if (reach === "settling") stage.connected();
    if (reach === "waiting") stage.closed({ transport: "refused" });
    assertEquals(stage.session.state, reach);
    stage.clear();
    stage.leave();
    assertEquals(stage.sent(), [], reach);
    assertEquals(stage.only("ended").exitCode, 0, reach);
    const connected = reach === "connecting" || reach === "settling";
    assertEquals(stage.actions("close").length, connected ? 1 : 0, reach);
  }
});

Deno.test("leaving between hello and welcome takes leave, and a late welcome counts no more", () => {
  const stage = new Stage();
  stage.start();
  stage.greet();
  stage.clear();
  stage.leave();
  assertEquals(stage.sent()[0].code, "bye");
  stage.relaySays(WELCOME);
  assertEquals(stage.actions("joined"), []);
  assertEquals(stage.statuses("left"), []);
  stage.advance(2000);
  assertEquals(stage.only("ended").exitCode, 0);
});

Deno.test("leaving while a refusal is being carried out keeps the refusal's exit code", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.start();
  stage.greet();
  stage.relaySays({ type: "reject", code: "not-admitted", message: "" });
  assertEquals(stage.session.state, "closing");
  stage.leave();
  stage.closed();
  assertEquals(stage.only("ended").exitCode, 1);
});

Deno.test("peers are remembered, so that a peer that leaves has a name and a MAC", () => {
  const stage = new Stage();
  stage.join();
  stage.clear();
  stage.relaySays({ type: "peerJoined", ...bob });
  assertEquals(stage.only("peerJoined"), { type: "peerJoined", peer: bob, known: false });
  assertEquals(stage.session.room.peers.list(), [bob]);
  stage.relaySays({ type: "peerLeft", peerId: 9, role: "client", mac: bob.mac, reason: "lost" });
  assertEquals(stage.only("peerLeft"), { type: "peerLeft", peer: bob, reason: "lost" });
  assertEquals(stage.session.room.peers.size, 0);
  assertEquals(stage.statuses("peerLeft"), [{ type: "peerLeft", peer: bob, reason: "lost" }]);
});

Deno.test("a peer that leaves without having been announced is known by the message", () => {
  const stage = new Stage();
  stage.join();
  const carol = player(3, "Carol");
  stage.relaySays({ type: "peerLeft", ...carol, reason: "bye" });
  assertEquals(stage.only("peerLeft").peer, carol);
});

Deno.test("whether the gateway is there follows the welcome and the gateway's coming and going", () => {
  const stage = new Stage();
  stage.join({ gatewayPresent: true });
  stage.clear();
  const gateway = { peerId: 2, role: "gateway", name: "Host" } as const;
  stage.relaySays({ type: "peerJoined", ...gateway });
  assertEquals(stage.statuses("gateway"), []);
  stage.relaySays({ type: "peerLeft", ...gateway, reason: "lost" });
  assertEquals(stage.session.room.gatewayPresent, false);
  stage.relaySays({ type: "peerJoined", ...gateway, peerId: 11 });
  assertEquals(stage.session.room.gatewayPresent, true);
  assertEquals(stage.statuses("gateway").map((event) => event.present), [false, true]);
});

Deno.test("a gateway whose replacement joined before it left is still there", () => {
  const stage = new Stage();
  stage.join({ gatewayPresent: true });
  stage.relaySays({ type: "peerJoined", peerId: 2, role: "gateway" });
  stage.relaySays({ type: "peerJoined", peerId: 3, role: "gateway" });
  stage.relaySays({ type: "peerLeft", peerId: 2, role: "gateway", reason: "replaced" });
  assertEquals(stage.session.room.gatewayPresent, true);
  assertEquals(stage.statuses("gateway"), []);
});

Deno.test("after a reconnection those who were there before are no news, strangers are", () => {
  const stage = new Stage();
  stage.join();
  stage.relaySays({ type: "peerJoined", ...bob });
  stage.closed({ transport: "timeout" });
  assertEquals(stage.session.room.peers.size, 0);
  stage.advance(200);
  stage.join();
  stage.clear();
  const eve = { peerId: 12, role: "client", mac: "02:00:00:00:00:0e" } as const;
  stage.relaySays({ type: "peerJoined", ...bob, peerId: 10 }, { type: "peerJoined", ...eve });
  assertEquals(stage.actions("peerJoined").map(({ peer, known }) => [peer.peerId, known]), [
    [10, true],
    [12, false],
  ]);
  assertEquals(stage.statuses("peerJoined").map((event) => event.peer), [eve]);
  stage.relaySays({ type: "peerLeft", ...bob, peerId: 10, reason: "bye" });
  stage.relaySays({ type: "peerJoined", ...bob, peerId: 13 });
  assertEquals(stage.actions("peerJoined").at(-1)?.known, false);
});

Deno.test("who comes back long after us has come anew", () => {
  const stage = new Stage();
  stage.join();
  stage.relaySays({ type: "peerJoined", ...bob });
  stage.closed({ transport: "timeout" });
  stage.advance(200);
  stage.join();
  stage.clear();
  stage.advance(60_000);
  stage.relaySays({ type: "peerJoined", ...bob });
  assertEquals(stage.only("peerJoined").known, false);
  assertEquals(stage.statuses("peerJoined").length, 1);
});
