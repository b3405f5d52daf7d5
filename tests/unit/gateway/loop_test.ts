/**
 * Loops played in memory: gateways on one LAN, and what may join their rooms to it once more.
 *
 * ```
 *    gateway A ──┐                        ┌── room A ── a player's PC ──┐
 *                ├── LAN (a hub) ─────────┤                            (bridged: to the LAN)
 *    gateway B ──┘        │               └── room B
 *                    a station
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import { LOOP_HOLD_MS, UNPROVEN_STOP_MS } from "../../../src/gateway/loop_guard.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { hubOf, PROBE_MARK } from "./hub.ts";
import { BROADCAST, frameOf, GATEWAY_MAC, GatewayHarness, PLAYER, STATION } from "./harness.ts";
import { hex } from "../proto/frames.ts";

Deno.test("without a loop nothing is said and nothing stands still", () => {
  const hub = hubOf(1);
  hub.run(70_000);
  assertEquals(hub.drain(), []);
  assertEquals(hub.stopped(), [false]);
});

Deno.test("a player's PC that bridges the room to the LAN: stopped within a second, and over", () => {
  const hub = hubOf(1);
  hub.run(5_000);
  hub.bridged[0] = true;
  hub.transmit(
    Array.from(frameOf(BROADCAST, STATION), (b) => b.toString(16).padStart(2, "0"))
      .join(""),
    -1,
  );
  hub.run(7_000);
  assertEquals(hub.stopped(), [true]);
  const [[atMs, , event]] = hub.events;
  assert(atMs - 5_000 <= 1_000, `stopped after ${atMs - 5_000} ms`);
  assertEquals(event.type === "loop" && event.cause, "bridged-player");
  assertEquals(hub.events.length, 1);
  assert(hub.carried < 1_000, `${hub.carried} copies of one broadcast: no storm`);
  const before = hub.carried;
  hub.run(30_000);
  assertEquals(hub.carried, before, "the storm is over");
  assertEquals(hub.stopped(), [true], "as long as the bridge is there");
  hub.events.length = 0;
  hub.bridged[0] = false;
  hub.run(33_500);
  assertEquals(hub.stopped(), [false]);
  const { type } = hub.events[0][2];
  assertEquals([type, hub.events.length], ["loopOver", 1]);
});

Deno.test("after a loop the switches learn all players anew", () => {
  const hub = hubOf(1);
  hub.bridged[0] = true;
  hub.run(2_000);
  hub.bridged[0] = false;
  const refreshes = hub.gateways[0].core.camRefreshes;
  hub.run(4_000);
  assertEquals(hub.gateways[0].core.camRefreshes, refreshes, "none while nothing is forwarded");
  hub.run(6_000);
  assertEquals(hub.gateways[0].core.camRefreshes, refreshes + 1);
});

Deno.test("a loop that comes back is given longer each time, up to a minute, until it is forgotten", () => {
  const hub = hubOf(1);
  const pauses: number[] = [];
  for (let round = 0; round < 7; round++) {
    hub.bridged[0] = true;
    hub.run(hub.nowMs + 1_000);
    hub.bridged[0] = false;
    const sinceMs = hub.nowMs;
    while (hub.gateways[0].core.stopped) hub.run(hub.nowMs + 100);
    pauses.push(Math.round((hub.nowMs - sinceMs) / 1000));
  }
  assertEquals(pauses, [3, 6, 12, 24, 48, 60, 60]);
  hub.run(hub.nowMs + 61_000);
  hub.bridged[0] = true;
  hub.run(hub.nowMs + 1_000);
  hub.bridged[0] = false;
  hub.run(hub.nowMs + 3_200);
  assertEquals(hub.stopped(), [false]);
});

Deno.test("of two gateways on one LAN the younger stands still, until the older is gone", () => {
  for (const [older, younger] of [[0, 1], [1, 0]]) {
    const hub = hubOf(2);
    hub.gateways[younger].core.handleLeft(1000);
    hub.run(10_000);
    assertEquals(hub.drain(), []);
    hub.gateways[younger].core.handleJoined("OTHER", asPeerId(9), 10_000);
    hub.run(11_000);
    assertEquals(hub.stopped().indexOf(true), younger);
    assertEquals(hub.stopped()[older], false);
    const [atMs] = hub.events[0];
    assert(atMs <= 10_500, `stopped at ${atMs}`);
    assertEquals(
      hub.events.map(([, gateway, { type }]) => [gateway, type]).sort(),
      [[older, "otherGateway"], [younger, "loop"]].sort(),
    );
    const loop = hub.events.find(([, gateway]) => gateway === younger)![2];
    assertEquals(loop, { type: "loop", cause: "gateway", mac: GATEWAY_MAC });
    hub.run(60_000);
    assertEquals(hub.stopped()[older], false, "the older one works all the time");
    hub.gateways[older].core.handleLeft(60_000);
    hub.run(63_500);
    assertEquals(hub.stopped(), [false, false]);
    hub.events.length = 0;
    // Whoever comes back is the younger one.
    hub.gateways[older].core.handleJoined("PARTY", asPeerId(9), 63_500);
    hub.run(65_000);
    assertEquals(hub.stopped().indexOf(true), older);
  }
});

Deno.test("of gateways that started at once, one works; the others wait whether anything comes back", () => {
  for (const count of [2, 3]) {
    const hub = hubOf(count);
    hub.run(3_000);
    assertEquals(hub.stopped().filter((stopped) => !stopped).length, 1, `of ${count}`);
    hub.run(30_000);
    // Any station could say that it is a gateway, and an older one: a probe alone stops none for long.
    assertEquals(hub.stopped().filter((stopped) => stopped).length, 0, `of ${count}`);
    assertEquals(
      hub.drain().filter(({ type }) => type === "loopUnproven").length,
      count - 1,
      `of ${count}`,
    );
  }
});

Deno.test("a younger gateway stands still as long as its players' frames come back by the older one", () => {
  const hub = hubOf(2);
  hub.gateways[1].core.handleLeft(1000);
  hub.run(10_000);
  hub.gateways[1].core.handleJoined("PARTY", asPeerId(9), 10_000);
  const [, younger] = hub.gateways;
  younger.core.handlePeerJoined({ peerId: asPeerId(1), role: "client", mac: PLAYER }, 10_000);
  for (let atMs = 10_500; atMs <= 30_000; atMs += 500) {
    hub.run(atMs);
    // The older one is in the same room by some other way, and hears the player, too.
    hub.gateways[0].fromTunnel(frameOf(BROADCAST, PLAYER), 1);
  }
  assertEquals(hub.stopped(), [false, true]);
  hub.run(30_000 + LOOP_HOLD_MS + UNPROVEN_STOP_MS + 500);
  assertEquals(hub.stopped(), [false, false]);
});

Deno.test("a LAN that gives frames back has a loop of its own", () => {
  const hub = hubOf(1);
  hub.run(2_000);
  hub.loops = true;
  hub.run(3_000);
  assertEquals(hub.stopped(), [true]);
  const [event] = hub.drain();
  assertEquals(event.type === "loop" && event.cause, "lan");
});

Deno.test("the gateway's own LAN probe out of the room, by whatever way, is a loop", () => {
  const harness = GatewayHarness.joined({ playersMax: 4 });
  harness.nowMs += 300;
  harness.core.handleTimer(harness.nowMs);
  const probe = harness.lan.find((text) => text.includes(PROBE_MARK))!;
  harness.fromTunnel(hex(probe), 1);
  assertEquals(harness.core.stopped, true);
  const [event] = harness.core.drainLoopEvents();
  assertEquals(event.type === "loop" && event.cause, "room");
});

Deno.test("players can neither stop a gateway by what they see, nor speak to another through it", () => {
  const harness = GatewayHarness.joined();
  harness.nowMs += 300;
  harness.core.handleTimer(harness.nowMs);
  const seen = harness.tunnel().find((text) => text.includes(PROBE_MARK))!;
  harness.lan.length = 0;
  // As it was, in the player's own name, and made into another gateway's LAN probe.
  const own = hex(seen);
  own.set(hex(PLAYER.replaceAll(":", "")), 6);
  const forged = own.slice();
  forged[23] = 0;
  forged.fill(0xff, 34, 38);
  forged[24] = 1;
  for (const frame of [hex(seen), own, forged]) harness.fromTunnel(frame, 1);
  assertEquals(harness.core.stopped, false);
  assertEquals(harness.lan, []);
  assertEquals(harness.drops(), { "probe": 3 });
});

Deno.test("another gateway's room probe goes on, since only its own gateway knows what it means", () => {
  const [harness, other] = [1, 2].map((seed) => GatewayHarness.joined({ seed }));
  other.nowMs += 300;
  other.core.handleTimer(other.nowMs);
  const probe = other.tunnel().find((text) => text.includes(PROBE_MARK))!;
  harness.fromLan(hex(probe));
  assertEquals(harness.tunnel(), [probe]);
  assertEquals(harness.core.stopped, false);
});

//= PROTOCOL.md 12
//# broadcast a frame of 60 bytes into the room each 300 ms, also while nothing else passes
Deno.test("while nothing is forwarded both directions are counted, and probes go on", () => {
  const hub = hubOf(1);
  hub.bridged[0] = true;
  hub.run(2_000);
  const [harness] = hub.gateways;
  harness.tunnel();
  harness.fromLan(frameOf(BROADCAST, STATION));
  harness.fromLan(frameOf(PLAYER, STATION));
  harness.fromTunnel(frameOf(STATION, PLAYER));
  assertEquals([harness.lan, harness.tunnel()], [[], []]);
  assertEquals(harness.drops()["loop-stopped"], 3);
  harness.core.handleTimer(2_400);
  assertEquals([harness.lan.length, harness.tunnel().length], [1, 1]);
});

Deno.test("a player whose MAC is on the LAN, too, is not served; all others are", () => {
  const harness = GatewayHarness.joined();
  const other = "02:00:00:00:00:52";
  harness.core.handlePeerJoined({ peerId: asPeerId(2), role: "client", mac: other }, harness.nowMs);
  harness.core.handleTimer(harness.nowMs);
  harness.lan.length = 0;
  for (const _ of [1, 2]) harness.fromLan(frameOf(BROADCAST, PLAYER));
  harness.nowMs += 2_100;
  harness.fromLan(frameOf(BROADCAST, PLAYER));
  assertEquals(harness.core.drainLoopEvents(), [], "single frames may be stray ones");
  for (const _ of [1, 2]) harness.fromLan(frameOf(BROADCAST, PLAYER));
  assertEquals(harness.core.drainLoopEvents(), [{ type: "playerOnLan", mac: PLAYER }]);
  harness.tunnel();

  harness.fromTunnel(frameOf(BROADCAST, PLAYER), 1);
  harness.fromLan(frameOf(PLAYER, STATION));
  assertEquals([harness.lan, harness.tunnel()], [[], []]);
  assertEquals(harness.drops()["loop-stopped"], 2);
  harness.fromTunnel(frameOf(BROADCAST, other), 2);
  harness.fromLan(frameOf(other, STATION));
  assertEquals([harness.lan.length, harness.tunnel().length], [1, 1]);

  const refreshes = harness.core.camRefreshes;
  harness.nowMs += 2_000;
  harness.core.handleTimer(harness.nowMs);
  harness.fromLan(frameOf(BROADCAST, PLAYER));
  harness.nowMs += 2_990;
  harness.core.handleTimer(harness.nowMs);
  assertEquals(harness.core.drainLoopEvents(), [], "it is still there");
  harness.nowMs += 20;
  harness.core.handleTimer(harness.nowMs);
  assertEquals(harness.core.drainLoopEvents(), [{ type: "playerOffLan", mac: PLAYER }]);
  assertEquals(harness.core.camRefreshes, refreshes + 1);
  harness.tunnel();
  harness.fromLan(frameOf(PLAYER, STATION));
  assertEquals(harness.tunnel().length, 1);
});

Deno.test("a new player at the place of an excluded one is served", () => {
  const harness = GatewayHarness.joined({ playersMax: 1 });
  for (const _ of [1, 2, 3]) harness.fromLan(frameOf(BROADCAST, PLAYER));
  harness.core.handlePeerLeft(asPeerId(1), harness.nowMs);
  harness.core.handlePeerJoined(
    { peerId: asPeerId(2), role: "client", mac: "02:00:00:00:00:52" },
    harness.nowMs,
  );
  harness.fromLan(frameOf("02:00:00:00:00:52", STATION));
  assertEquals(harness.tunnel().length, 1);
  harness.core.drainLoopEvents();
  harness.core.handleTimer(harness.nowMs + 10_000);
  assertEquals(harness.core.drainLoopEvents(), []);
});
