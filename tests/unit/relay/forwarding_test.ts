import { assert, assertEquals } from "@std/assert";
import { asConnectionId } from "../../../src/proto/brands.ts";
import { BROADCAST, piece, plain, whole } from "./frames.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";
const LAN = "00:1b:21:00:00:01";
const LAN2 = "00:1b:21:00:00:02";
const MULTICAST = "01:00:5e:00:00:fb";
const ZERO = "00:00:00:00:00:00";

/** A room with a gateway (peer 1) and three clients (2, 3, 4), and a client in another room. */
function party(options: { frameLog?: boolean } = {}) {
  const relay = new RelayHarness({}, options);
  const gateway = relay.gateway();
  const [a, b, c] = [A, B, C].map((address) => relay.client(address));
  const stranger = relay.client(B, { room: "OTHER" });
  return { relay, gateway, a, b, c, stranger, all: [gateway, a, b, c, stranger] };
}

/** How many datagrams each has got. */
function counts(endpoints: readonly ScriptedEndpoint[]): number[] {
  return endpoints.map((endpoint) => endpoint.received().length);
}

//= PROTOCOL.md 11
//# | broadcast, multicast | all other peers (`no-target` if there are none) | all clients
//# (`no-target`)
Deno.test("forwarding: broadcast and multicast of a client go to all others in the room", () => {
  const { relay, a, all } = party();
  for (const destination of [BROADCAST, MULTICAST, "33:33:00:00:00:01"]) {
    a.send(whole(plain(destination, A, 60)));
    assertEquals(counts(all), [1, 0, 1, 1, 0], destination);
  }
  assertEquals(relay.drops(), {});
  relay.assertNoSlotLost();
});

Deno.test("forwarding: broadcast and multicast of the gateway go to all clients in the room", () => {
  const { relay, gateway, all } = party();
  for (const destination of [BROADCAST, MULTICAST]) {
    gateway.send(whole(plain(destination, LAN, 60)));
    assertEquals(counts(all), [0, 1, 1, 1, 0], destination);
  }
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 11
//# | MAC of a client in the room | that client; its own: `own-destination` | that client
Deno.test("forwarding: a frame for a client's MAC goes to that client alone", () => {
  const { gateway, a, all } = party();
  a.send(whole(plain(C, A, 60)));
  assertEquals(counts(all), [0, 0, 0, 1, 0]);
  gateway.send(whole(plain(C, LAN, 60)));
  assertEquals(counts(all), [0, 0, 0, 1, 0]);
});

Deno.test("forwarding: a client's frame for a MAC that nobody here has goes to the gateway alone", () => {
  const { relay, gateway, a, all } = party();
  for (const destination of [LAN, ZERO]) {
    a.send(whole(plain(destination, A, 60)));
    assertEquals(counts(all), [1, 0, 0, 0, 0], destination);
  }
  gateway.lose();
  a.send(whole(plain(LAN, A, 60)));
  assertEquals(counts(all), [0, 0, 0, 0, 0]);
  assertEquals(relay.drops(), { "no-gateway": 1 });
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 11
//# | another unicast MAC | the gateway (`no-gateway` if there is none) | dropped:
//# `unknown-destination`
Deno.test("forwarding: the gateway's frame for a MAC that nobody here has is dropped", () => {
  const { relay, gateway, all } = party();
  gateway.send(whole(plain(LAN2, LAN, 60)));
  assertEquals(counts(all), [0, 0, 0, 0, 0]);
  assertEquals(relay.drops(), { "unknown-destination": 1 });
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 11
//# Nothing ever goes back to its sender.
Deno.test("forwarding: a client's frame for itself is dropped", () => {
  const { relay, a, all } = party();
  a.send(whole(plain(A, A, 60)));
  assertEquals(counts(all), [0, 0, 0, 0, 0]);
  assertEquals(relay.drops(), { "own-destination": 1 });
});

//= PROTOCOL.md 11
//# | 6 | client | the source MAC is not the client's own | `foreign-source`
Deno.test("forwarding: a client sends from its own MAC only", () => {
  const { relay, a, all } = party();
  for (const source of [B, LAN, ZERO, BROADCAST, "02:00:00:00:01:0a"]) {
    a.send(whole(plain(BROADCAST, source, 60)));
  }
  const long = plain(BROADCAST, B, 1400);
  a.send(piece(long, 0, 700)).send(piece(long, 700, 1400));
  assertEquals(counts(all), [0, 0, 0, 0, 0]);
  assertEquals(relay.drops(), { "foreign-source": 7 });
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 11
//# | 3 | gateway | […] | 5 | gateway |
Deno.test("forwarding: the gateway sends from no client's MAC, no group's and not from zero", () => {
  const { relay, gateway, all } = party();
  for (const source of [A, MULTICAST, BROADCAST, ZERO]) {
    gateway.send(whole(plain(BROADCAST, source, 60)));
  }
  assertEquals(counts(all), [0, 0, 0, 0, 0]);
  assertEquals(relay.drops(), { "loop": 1, "multicast-source": 2, "zero-source": 1 });
});

Deno.test("forwarding: a broadcast without anybody to hear it is dropped", () => {
  const relay = new RelayHarness();
  relay.client(A).send(whole(plain(BROADCAST, A, 60)));
  assertEquals(relay.drops(), { "no-target": 1 });
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 8
//# The relay overwrites it with the sender's, whatever it was.
Deno.test("forwarding: the sender's peer id is written, and nothing else is changed", () => {
  const { b, a } = party();
  for (const length of [14, 60, 1000, 1446]) {
    const frame = plain(B, A, length);
    a.send(whole(frame, 0x7777));
    assertEquals(b.received(), [whole(frame, 2)]);
  }
  const frame = plain(B, A, 1500);
  const options = { frameId: 0x7fff, sourcePeerId: 9 };
  a.send(piece(frame, 700, 1500, options)).send(piece(frame, 0, 700, options));
  assertEquals(b.received(), [
    piece(frame, 700, 1500, { frameId: 0x7fff, sourcePeerId: 2 }),
    piece(frame, 0, 700, { frameId: 0x7fff, sourcePeerId: 2 }),
  ]);
});

Deno.test("forwarding: all targets share one slot until the last has sent it", () => {
  const { relay, a, b, c, gateway } = party();
  for (const endpoint of [b, c, gateway]) endpoint.blocked = true;
  a.send(whole(plain(BROADCAST, A, 1000)));
  assertEquals(relay.pool.freeSlots, relay.pool.slotCount - 1);
  b.pull();
  c.pull();
  assertEquals(relay.pool.freeSlots, relay.pool.slotCount - 1);
  gateway.pull();
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 8
//# Datagrams that come before the sender's welcome are dropped and counted apart; they are neither
//# read nor malformed.
Deno.test("forwarding: what comes before the welcome is dropped and counted apart", () => {
  const relay = new RelayHarness();
  const early = relay.connect({ maxDatagramBytes: 1_400 });
  early.send(whole(plain(BROADCAST, A, 60))).send(Uint8Array.of(9));
  early.hello({ role: "gateway" }).send(whole(plain(BROADCAST, A, 60)));
  assertEquals(relay.drops(), { "before-welcome": 3 });
  relay.core.handleDatagram(asConnectionId(99), relay.pool.acquire(), 0, 60, relay.nowMs);
  assertEquals(relay.drops(), { "before-welcome": 3 });
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 8
//# A relay also treats a piece **from an endpoint** with a frame id of 8000 or more as malformed.
//= PROTOCOL.md 8
//# A malformed datagram is dropped and counted.
//= PROTOCOL.md 11
//# | 1 | all | malformed (section 8) | `malformed-…`
Deno.test("forwarding: every kind of malformed datagram is dropped under its name", () => {
  const { relay, a, all } = party();
  const frame = plain(BROADCAST, A, 1400);
  const changed = (datagram: Uint8Array, at: number, value: number) => datagram.with(at, value);
  const cases: [string, Uint8Array][] = [
    ["malformed-short", new Uint8Array(0)],
    ["malformed-short", whole(frame).subarray(0, 3)],
    ["malformed-short", piece(frame, 0, 700).subarray(0, 7)],
    ["malformed-short", piece(frame, 700, 1400).subarray(0, 8 + 13)],
    ["malformed-version", changed(whole(frame), 0, 0)],
    ["malformed-version", changed(whole(frame), 0, 2)],
    ["malformed-flags", changed(whole(frame), 1, 2)],
    ["malformed-flags", changed(piece(frame, 0, 700), 1, 0x81)],
    ["malformed-short-frame", whole(frame).subarray(0, 4 + 13)],
    ["malformed-first-piece", piece(frame, 0, 599)],
    ["malformed-first-piece", piece(frame, 0, 1400)],
    ["malformed-piece-offset", piece(frame, 599, 1400)],
    ["malformed-piece-offset", piece(frame, 14, 1400)],
    ["malformed-empty-piece", piece(frame, 700, 700)],
    ["malformed-other", piece(frame, 0, 700, { frameId: 0x8000 })],
  ];
  const expected: Record<string, number> = {};
  for (const [reason, datagram] of cases) {
    a.send(datagram);
    expected[reason] = (expected[reason] ?? 0) + 1;
    assertEquals(relay.drops(), expected, `${reason}: ${datagram.subarray(0, 24)}`);
  }
  assertEquals(counts(all), [0, 0, 0, 0, 0]);
  a.send(whole(frame)).send(piece(frame, 0, 600)).send(piece(frame, 600, 601));
  assertEquals(counts(all), [3, 0, 3, 3, 0]);
  relay.assertNoSlotLost();
});

Deno.test("forwarding: a whole frame is cut for a narrower target under the relay's frame ids", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const wide = relay.client(B);
  const narrow = relay.client(C, {}, { maxDatagramBytes: 700 });
  const frame = plain(BROADCAST, A, 1414);
  a.send(whole(frame)).send(whole(frame));
  assertEquals(wide.received(), [whole(frame, 1), whole(frame, 1)]);
  const pieces = (frameId: number) => [
    piece(frame, 0, 692, { frameId, sourcePeerId: 1 }),
    piece(frame, 692, 1370, { frameId, sourcePeerId: 1 }),
    piece(frame, 1370, 1414, { frameId, sourcePeerId: 1 }),
  ];
  assertEquals(narrow.received(), [...pieces(0x8001), ...pieces(0x8002)]);
  assertEquals(relay.core.rooms()[0].peers[2].traffic.framesSplit, 2);
  assertEquals(relay.core.rooms()[0].peers[2].traffic.framesSent, 2);
  assertEquals(relay.core.rooms()[0].peers[2].traffic.bytesSent, 2 * 1414);
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 10
//# Whether a frame is split is decided by the maximum at that moment (the relay's: and by the
//# endpoint's budget).
Deno.test("forwarding: a frame that just fits is not cut, one byte more is", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const narrow = relay.client(B, {}, { maxDatagramBytes: 1_000 });
  a.send(whole(plain(B, A, 996)));
  assertEquals(narrow.received().length, 1);
  a.send(whole(plain(B, A, 997)));
  assertEquals(narrow.received().map((datagram) => datagram.length), [1_000, 22 + 5]);
});

//= PROTOCOL.md 10
//# The relay sends it nothing longer either, whatever its own maximum towards the endpoint.
Deno.test("forwarding: nobody gets longer datagrams than its hello asks for, however wide its path is", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const modest = relay.client(B, { datagramBudget: 1_000 });
  const lengths = () => modest.received().map((datagram) => datagram.length);
  a.send(whole(plain(B, A, 996))).send(whole(plain(B, A, 997)));
  assertEquals(lengths(), [1_000, 1_000, 22 + 5]);
  relay.core.handleMaxDatagram(modest.connection, 1_480, relay.nowMs);
  a.send(whole(plain(B, A, 997)));
  assertEquals(lengths(), [1_000, 22 + 5], "a wider path does not change it");
  relay.core.handleMaxDatagram(modest.connection, 900, relay.nowMs);
  a.send(whole(plain(B, A, 997)));
  assertEquals(lengths(), [900, 22 + 105], "a narrower one does");
  a.send(piece(plain(B, A, 1_500), 0, 1_000));
  assertEquals(lengths(), [900, 22 + 108]);
});

//= PROTOCOL.md 9.1
//# The relay, where it must split a whole frame for a target with a narrower path, counts through
//# 8000 … FFFF, per source.
Deno.test("forwarding: the relay's frame ids go around within its half", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const narrow = relay.client(B, {}, { maxDatagramBytes: 700 });
  const frame = whole(plain(B, A, 1000));
  const ids: number[] = [];
  for (let i = 0; i < 0x8001; i++) {
    a.send(frame);
    const [first] = narrow.received();
    ids.push(first[4] << 8 | first[5]);
  }
  assertEquals([ids[0], ids[0x7ffe], ids[0x7fff], ids[0x8000]], [0x8001, 0xffff, 0x8000, 0x8001]);
});

//= PROTOCOL.md 9.1
//# **Cutting further.** A piece that does not fit a target is cut by the same rules, keeps its
//# frame id and its offsets, and repeats its copy of the header; only the last part of a piece with
//# M not set has M not set.
Deno.test("forwarding: a piece is cut further for a narrower target under its own frame id", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const narrow = relay.client(B, {}, { maxDatagramBytes: 608 });
  const frame = plain(B, A, 1522);
  const id = { frameId: 0x1234, sourcePeerId: 1 };
  a.send(piece(frame, 0, 1300, { frameId: 0x1234 }));
  assertEquals(narrow.received(), [
    piece(frame, 0, 600, id),
    piece(frame, 600, 1186, id),
    piece(frame, 1186, 1300, id),
  ]);
  a.send(piece(frame, 900, 1522, { frameId: 0x1234 }));
  assertEquals(narrow.received(), [
    piece(frame, 900, 1486, id),
    piece(frame, 1486, 1522, id),
  ]);
  relay.assertNoSlotLost();
});

//= PROTOCOL.md 10
//# Maximums may change later, in either direction.
Deno.test("forwarding: a connection that has become too narrow for any piece gets none", () => {
  const { relay, a, b } = party();
  relay.core.handleMaxDatagram(b.connection, 607, relay.nowMs);
  a.send(whole(plain(B, A, 604)));
  assertEquals([b.received().length, relay.drops()], [0, { "target-too-narrow": 1 }]);
  a.send(whole(plain(B, A, 603)));
  assertEquals([b.received().length, relay.drops()], [1, { "target-too-narrow": 1 }]);
});

Deno.test("forwarding: without slots to cut into, the frame is dropped for that target alone", () => {
  const relay = new RelayHarness({}, { poolSlots: 6 });
  const [a, b] = [relay.client(A), relay.client(B)];
  const narrow = relay.client(C, {}, { maxDatagramBytes: 700 });
  const held = relay.pool.acquire();
  a.send(whole(plain(BROADCAST, A, 1000)));
  assertEquals([b.received().length, narrow.received().length], [1, 2]);
  const alsoHeld = [relay.pool.acquire(), relay.pool.acquire()];
  a.send(whole(plain(BROADCAST, A, 1000)));
  assertEquals([b.received().length, narrow.received().length], [1, 0]);
  assertEquals(relay.drops(), { "no-buffer": 1 });
  for (const slot of [held, ...alsoHeld]) relay.pool.release(slot);
  relay.assertNoSlotLost();
});

Deno.test("forwarding: a queue that nobody empties is bounded in bytes and in time", () => {
  const relay = new RelayHarness({ queueBytesMax: 10_000 });
  const [a, b] = [relay.client(A), relay.client(B)];
  b.blocked = true;
  for (let i = 0; i < 50; i++) a.send(whole(plain(B, A, 996)));
  assertEquals(relay.pool.slotCount - relay.pool.freeSlots, 10);
  assertEquals(relay.drops(), { "queue-overflow": 40 });
  relay.advance(210);
  relay.assertNoSlotLost();
  assertEquals(relay.drops(), { "queue-overflow": 40, "queue-late": 10 });
  assertEquals(b.datagrams.length, 0);
  b.blocked = false;
  a.send(whole(plain(B, A, 996)));
  assertEquals(b.received().length, 1);
});

Deno.test("forwarding: counters add up for each session and in total, also when sessions are gone", () => {
  const { relay, gateway, a, b, c, stranger } = party();
  a.send(whole(plain(BROADCAST, A, 100)));
  a.send(whole(plain(A, A, 60)));
  gateway.send(whole(plain(B, LAN, 200)));
  const long = plain(B, A, 1500);
  a.send(piece(long, 0, 700)).send(piece(long, 700, 1500));
  const traffic = relay.core.rooms()[0].peers.map(({ traffic }) => traffic);
  const row = ({ framesReceived, bytesReceived, datagramsReceived, framesSent, bytesSent }: {
    framesReceived: number;
    bytesReceived: number;
    datagramsReceived: number;
    framesSent: number;
    bytesSent: number;
  }) => [framesReceived, bytesReceived, datagramsReceived, framesSent, bytesSent];
  assertEquals(traffic.map(row), [
    [1, 200, 1, 1, 100],
    [3, 1660, 4, 0, 0],
    [0, 0, 0, 3, 1800],
    [0, 0, 0, 1, 100],
  ]);
  assertEquals(traffic.map(({ datagramsSent }) => datagramsSent), [1, 0, 4, 1]);
  assertEquals(traffic[1].drops, { "own-destination": 1 });
  const before = relay.core.counters.snapshot();
  assertEquals(row(before), [4, 1860, 5, 5, 2000]);
  for (const endpoint of [a, b, c, gateway, stranger]) endpoint.lose();
  assertEquals(relay.core.counters.snapshot(), before);
});

Deno.test("forwarding: the frame log has a record for each datagram, with reason or targets", () => {
  const { relay, gateway, a } = party({ frameLog: true });
  relay.frameRecords.length = 0;
  a.send(whole(plain(BROADCAST, A, 100)));
  gateway.send(whole(plain(LAN2, LAN, 60)));
  a.send(Uint8Array.of(1));
  const record = { timeMs: relay.nowMs, room: "PARTY", direction: "from-peer" };
  assertEquals(relay.frameRecords as unknown[], [
    {
      ...record,
      peer: 2,
      sourceMac: A,
      destinationMac: BROADCAST,
      etherType: 0x88b6,
      lengthBytes: 100,
      action: "forward",
      targets: 3,
    },
    {
      ...record,
      peer: 1,
      sourceMac: LAN,
      destinationMac: LAN2,
      etherType: 0x88b6,
      lengthBytes: 60,
      action: "drop",
      dropReason: "unknown-destination",
      targets: 0,
    },
    {
      ...record,
      peer: 2,
      sourceMac: "",
      destinationMac: "",
      etherType: 0,
      lengthBytes: 0,
      action: "drop",
      dropReason: "malformed-short",
      targets: 0,
    },
  ]);
});

Deno.test("forwarding: a room's frames reach nobody who has left it or joins it later", () => {
  const { relay, a, b, c, gateway } = party();
  b.lose();
  a.send(whole(plain(BROADCAST, A, 100))).send(whole(plain(B, A, 100)));
  assertEquals(counts([gateway, b, c]), [2, 0, 1]);
  const again = relay.client(B, { resume: b.last("welcome").resume });
  assertEquals(again.received().length, 0);
  a.send(whole(plain(B, A, 100)));
  assertEquals(counts([gateway, again]), [0, 1]);
  assert(again.connection === b.connection, "the handle was not used again");
});

Deno.test("forwarding: a shell that cannot send now is not asked again until something new comes", () => {
  const { relay, a, b } = party();
  b.blocked = true;
  a.send(whole(plain(B, A, 100)));
  assertEquals(relay.core.nextReady(), -1);
  assertEquals(relay.core.queueOf(b.connection)?.queuedEntries, 1);
  b.blocked = false;
  a.send(whole(plain(B, A, 100)));
  assertEquals(b.received().length, 2);
  assertEquals(relay.core.queueOf(asConnectionId(99)), undefined);
});

Deno.test("forwarding: the frame log has a record for each drop of a queue, too", () => {
  const relay = new RelayHarness({ queueBytesMax: 3_000 }, { frameLog: true });
  const [a, b] = [relay.client(A), relay.client(B)];
  b.blocked = true;
  const dropped = () =>
    relay.frameRecords.splice(0).filter(({ action }) => action === "drop")
      .map(({ dropReason, room, peer }) => `${dropReason} ${room} ${peer}`);
  for (let i = 0; i < 4; i++) a.send(whole(plain(B, A, 996)));
  assertEquals(dropped(), ["queue-overflow PARTY 0"]);
  relay.advance(210);
  assertEquals(dropped(), new Array(3).fill("queue-late PARTY 0"));
  a.send(whole(plain(B, A, 996)));
  b.lose();
  assertEquals(dropped(), ["target-left PARTY 0"]);
});

Deno.test("forwarding: CoDel's drops are counted and logged under their own name", () => {
  const relay = new RelayHarness({}, { frameLog: true });
  const [a, b] = [relay.client(A), relay.client(B)];
  b.blocked = true;
  const queue = relay.core.queueOf(b.connection)!;
  for (let ms = 0; ms < 190; ms++) {
    for (let count = 0; count < 2; count++) a.send(whole(plain(B, A, 700)));
    relay.advance(1);
    if (queue.dequeue(relay.nowMs)) relay.pool.release(queue.slot);
  }
  assertEquals(relay.drops(), { "queue-codel": 1 });
  const reasons = relay.frameRecords.map(({ dropReason }) => dropReason);
  assertEquals(reasons.filter((reason) => reason !== undefined), ["queue-codel"]);
});
