/** The MTU of a room: who decides it, and what becomes of it. */
import { assertEquals } from "@std/assert";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const FEATURES = { features: ["room-mtu"] };
const NARROW = { datagramBudget: 1_318 };

/** The MTUs that somebody was told: by the welcome, and after it. */
function mtusOf({ messages }: ScriptedEndpoint): unknown[] {
  return messages.flatMap(({ type, tapMtu }) =>
    type === "welcome" || type === "roomMtu" ? [tapMtu] : []
  );
}

/** What a gateway, or a player, says that its path carries. */
function carries(endpoint: ScriptedEndpoint, datagramBudget: number): void {
  endpoint.control({ type: "budget", datagramBudget });
}

//= PROTOCOL.md 10
//# It waits by the same rule for its own direction before a gateway opens a new room.
Deno.test("room MTU: a gateway's new room waits until the relay's own direction has settled", () => {
  const relay = new RelayHarness();
  const first = relay.connect({ maxDatagramBytes: 1_200 });
  relay.core.handleRtt(first.connection, 150);
  relay.advance(20);
  first.hello({ role: "gateway" });
  assertEquals(first.messages, []);
  relay.core.handleMaxDatagram(first.connection, 1_350, relay.nowMs);
  relay.advance(449);
  assertEquals(first.messages, []);
  relay.advance(6);
  assertEquals(first.last("welcome").tapMtu, 1_350 - 18);
});

Deno.test("room MTU: a gateway's new room waits no longer once a frame of 1400 fits", () => {
  const relay = new RelayHarness();
  const first = relay.connect({ maxDatagramBytes: 1_200 }).hello({ role: "gateway" });
  relay.advance(20);
  assertEquals(first.messages, []);
  relay.core.handleMaxDatagram(first.connection, 1_450, relay.nowMs);
  relay.settle();
  assertEquals(first.last("welcome").tapMtu, 1_400);
});

//= PROTOCOL.md 5.2
//# A gateway's hello that would open a new room may wait (at most 1 s from the handshake) for the
//# relay's own direction of the path: section 10.
Deno.test("room MTU: a path that never settles holds a gateway's new room up for one second", () => {
  const relay = new RelayHarness();
  const first = relay.connect({ maxDatagramBytes: 1_200 }).hello({ role: "gateway" });
  let bytes = 1_310;
  while (first.messages.length === 0 && relay.nowMs < 10_000) {
    relay.advance(50);
    relay.core.handleMaxDatagram(first.connection, bytes += 1, relay.nowMs);
  }
  assertEquals(relay.nowMs, 2_000);
  assertEquals(first.last("welcome").tapMtu, 1_329 - 18);
});

//= PROTOCOL.md 10
//# A room that a player opens has `max-tap-mtu`.
Deno.test("room MTU: a player's path narrows nobody else's, and holds no new room up", () => {
  for (const maxTapMtu of [1_280, 1_360, 1_400, 1_500]) {
    const relay = new RelayHarness({ maxTapMtu });
    const ann = relay.connect({ maxDatagramBytes: 700 }).hello({ mac: A, datagramBudget: 700 });
    assertEquals(mtusOf(ann), [maxTapMtu]);
    assertEquals(mtusOf(relay.client(B)), [maxTapMtu]);
  }
});

//= PROTOCOL.md 10
//# **A room's MTU** is its gateway's: 18 = 4 (header) + 14 (Ethernet).
Deno.test("room MTU: both directions of the gateway's path and --max-tap-mtu limit it", () => {
  const relay = new RelayHarness({ maxTapMtu: 1_360 });
  const rows = [
    ["WIDE", {}, {}, 1_360],
    ["UP", NARROW, {}, 1_300],
    ["DOWN", {}, { maxDatagramBytes: 1_338 }, 1_320],
  ] as const;
  for (const [room, fields, path, tapMtu] of rows) {
    assertEquals(mtusOf(relay.gateway({ room, ...fields }, path)), [tapMtu], room);
    assertEquals(mtusOf(relay.client(A, { room })), [tapMtu], room);
  }
});

//= PROTOCOL.md 10
//# Where `max-tap-mtu` is 1500, a LAN's own, all rooms have 1500, whatever their paths carry: full frames are
//# split then.
Deno.test("room MTU: a relay that allows 1500 gives 1500, whatever the gateway's path carries", () => {
  const relay = new RelayHarness({ maxTapMtu: 1_500 });
  const gateway = relay.gateway({ datagramBudget: 700, ...FEATURES }, { maxDatagramBytes: 700 });
  const ann = relay.client(A, FEATURES);
  carries(gateway, 608);
  relay.advance(120_000);
  assertEquals([mtusOf(gateway), mtusOf(ann)], [[1_500], [1_500]]);
});

//= PROTOCOL.md 10
//# It rises as soon as the gateway's path carries more, and falls when that has carried less for 60
//# s without a break; it changes once a second at most.
//= PROTOCOL.md 6.9
//# It takes the place of the hello's.
//= PROTOCOL.md 6.9
//# Whoever has not named `room-mtu` keeps the MTU of its welcome until the next one.
Deno.test("room MTU: it rises at once, for who understands that, and for the others when they come again", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({ ...NARROW, ...FEATURES });
  const [ann, bob] = [relay.client(A, FEATURES), relay.client(B)];
  carries(gateway, 1_450);
  assertEquals([gateway, ann, bob].map(mtusOf), [[1_300, 1_400], [1_300, 1_400], [1_300]]);
  assertEquals(relay.core.rooms()[0].tapMtu, 1_400);
  const again = relay.connect().hello({ mac: B, resume: bob.last("welcome").resume });
  assertEquals(mtusOf(again), [1_400]);
});

Deno.test("room MTU: a gateway that has it changed each second does not flood the log", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({ ...NARROW, ...FEATURES });
  const ann = relay.client(A, FEATURES);
  for (let budget = 1_320; budget < 1_340; budget++) {
    carries(gateway, budget);
    relay.advance(1_000);
  }
  assertEquals(mtusOf(ann).length, 21);
  const said = relay.logs.filter(({ message }) => message === "Room's MTU changed");
  assertEquals(said.map(({ level }) => level), [
    "info",
    ...Array.from({ length: 19 }, () => "debug"),
  ]);
});

Deno.test("room MTU: it rises with the relay's own direction, too", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({}, { maxDatagramBytes: 1_318 });
  const ann = relay.client(A, FEATURES);
  relay.core.handleMaxDatagram(gateway.connection, 1_338, relay.nowMs);
  relay.settle();
  assertEquals(mtusOf(ann), [1_300, 1_320]);
  // Each is told to everybody, so they come no faster than one a second; the last is what counts.
  for (const bytes of [1_339, 1_340, 1_341]) {
    relay.core.handleMaxDatagram(gateway.connection, bytes, relay.nowMs);
  }
  relay.advance(999);
  assertEquals(mtusOf(ann), [1_300, 1_320]);
  relay.advance(10);
  assertEquals(mtusOf(ann), [1_300, 1_320, 1_323]);
});

Deno.test("room MTU: a gateway that comes later decides, too: up at once, down after a minute", () => {
  const relay = new RelayHarness();
  const ann = relay.client(A, FEATURES);
  relay.gateway(NARROW);
  relay.advance(59_990);
  assertEquals(mtusOf(ann), [1_400]);
  relay.advance(15);
  assertEquals(mtusOf(ann), [1_400, 1_300]);
  assertEquals(mtusOf(relay.client(B)), [1_300]);
});

Deno.test("room MTU: a gateway that is narrow for a moment lowers nothing", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({ ...FEATURES });
  const ann = relay.client(A, FEATURES);
  for (let i = 0; i < 5; i++) {
    carries(gateway, 1_318);
    relay.advance(59_000);
    carries(gateway, 1_450);
    relay.advance(1_000);
  }
  const { resume } = gateway.last("welcome");
  const back = relay.connect().hello({ role: "gateway", ...NARROW, ...FEATURES, resume });
  assertEquals(back.last("welcome").tapMtu, 1_400);
  relay.advance(30_000);
  // And another one of it: the minute begins anew.
  back.lose();
  relay.gateway(NARROW);
  relay.advance(59_000);
  assertEquals(mtusOf(ann), [1_400]);
  relay.advance(1_010);
  assertEquals(mtusOf(ann), [1_400, 1_300]);
});

//= PROTOCOL.md 10
//# While there is no gateway, it stays.
Deno.test("room MTU: without its gateway a room keeps what it has", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway({ ...NARROW });
  const ann = relay.client(A, FEATURES);
  gateway.lose();
  relay.advance(120_000);
  assertEquals(mtusOf(ann), [1_300]);
  assertEquals(mtusOf(relay.client(B)), [1_300]);
});

//= PROTOCOL.md 6.9
//# Both belong to the feature `room-mtu`; from who has not named it, `budget` is a protocol error.
Deno.test("room MTU: a budget of who has not named the feature is a protocol error", () => {
  const relay = new RelayHarness();
  const ann = relay.client(A);
  carries(ann, 1_400);
  assertEquals(ann.last("disconnect").code, "protocol-error");
});

//= PROTOCOL.md 10
//# Whether a frame is split is decided by the maximum at that moment (the relay's: and by the
//# endpoint's budget).
Deno.test("room MTU: what a player is sent whole follows the player's own budget, and nobody else's", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway();
  const ann = relay.client(A, { ...NARROW, ...FEATURES });
  const frame = new Uint8Array(4 + 1_414);
  frame.set([1, 0, 0, 0, 2, 0, 0, 0, 0, 0x0a, 0, 0x1b, 0x21, 0, 0, 1, 8, 0]);
  frame.set([0x45, 0, 0x05, 0x78, 0, 0, 0x40, 0, 64, 17], 18);
  const piecesFor = (bytes: Uint8Array) => {
    gateway.send(bytes);
    return ann.received().length;
  };
  assertEquals(piecesFor(frame), 2);
  carries(ann, 1_450);
  assertEquals(piecesFor(frame), 1);
  carries(ann, 1_000);
  assertEquals(piecesFor(frame), 2);
  assertEquals(mtusOf(gateway), [1_400]);
});
