/** Probes that somebody sends back, or makes up, against loops that are there. */
import { assert, assertEquals } from "@std/assert";
import { UNPROVEN_STOP_MS } from "../../../src/gateway/loop_guard.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { GatewayHarness, PLAYER } from "./harness.ts";
import { hubOf, PROBE_MARK } from "./hub.ts";
import { hex } from "../proto/frames.ts";

/** How long a gateway stands still while somebody sends frames to it each 100 ms, and what it says. */
function stoppedUnder(
  harness: GatewayHarness,
  untilMs: number,
  attack: (atMs: number) => void,
): { stoppedMs: number; longestMs: number; events: string[] } {
  let [stoppedMs, longestMs, sinceMs] = [0, 0, -1];
  const events: string[] = [];
  for (; harness.nowMs < untilMs; harness.nowMs += 100) {
    harness.core.handleTimer(harness.nowMs);
    attack(harness.nowMs);
    harness.lan.length = 0;
    harness.tunnel();
    if (!harness.core.stopped) sinceMs = -1;
    else {
      if (sinceMs < 0) sinceMs = harness.nowMs;
      stoppedMs += 100;
      longestMs = Math.max(longestMs, harness.nowMs + 100 - sinceMs);
    }
    events.push(...harness.core.drainLoopEvents().map(({ type }) => type));
  }
  return { stoppedMs, longestMs, events };
}

const isProbe = (text: string) => text.includes(PROBE_MARK);

/** A LAN probe of a gateway that says it is very old, or of any age. */
function forgedProbe(ageHex = "ffffffff", state = "01"): Uint8Array<ArrayBuffer> {
  const head = `${"ff".repeat(6)}020102030405${PROBE_MARK}0100${state}00`;
  return hex(`${head}1122334455667788${ageHex}001122334499${"00".repeat(16)}`);
}

Deno.test("a station that sends the gateway's own probes back stops it for 3 s in 10 minutes", () => {
  const harness = GatewayHarness.joined();
  const { stoppedMs, longestMs, events } = stoppedUnder(harness, 1_201_000, () => {
    for (const text of harness.lan.filter(isProbe)) harness.fromLan(hex(text));
  });
  assert(longestMs <= UNPROVEN_STOP_MS, `stopped for ${longestMs} ms at once`);
  assert(stoppedMs <= 2 * UNPROVEN_STOP_MS, `stopped for ${stoppedMs} ms in 20 minutes`);
  assertEquals(events, ["loop", "loopUnproven", "loop", "loopUnproven"]);
  assertEquals(harness.drops()["probe"]! > 3_000, true, "it is asked all the time");
});

Deno.test("a made-up older gateway stops it for 3 s in 10 minutes, also beside an echo", () => {
  for (const echoes of [false, true]) {
    const harness = GatewayHarness.joined();
    const { stoppedMs, longestMs } = stoppedUnder(harness, 1_201_000, () => {
      harness.fromLan(forgedProbe());
      if (!echoes) return;
      for (const text of harness.lan.filter(isProbe)) harness.fromLan(hex(text));
    });
    assert(longestMs <= UNPROVEN_STOP_MS, `stopped for ${longestMs} ms at once`);
    assert(stoppedMs <= 2 * UNPROVEN_STOP_MS, `stopped for ${stoppedMs} ms in 20 minutes`);
  }
});

Deno.test("one who is in the LAN and in the room, and sends what looks like a probe back, does no more", () => {
  const harness = GatewayHarness.joined();
  const { stoppedMs } = stoppedUnder(harness, 1_201_000, () => {
    const probes = [...harness.lan, ...harness.tunnel()].filter(isProbe);
    for (const text of probes) {
      harness.fromLan(hex(text));
      const own = hex(text);
      own.set(hex(PLAYER.replaceAll(":", "")), 6);
      harness.fromTunnel(own, 1);
    }
  });
  assert(stoppedMs <= 2 * UNPROVEN_STOP_MS, `stopped for ${stoppedMs} ms in 20 minutes`);
});

Deno.test("a flood of probes asks for no more witnesses than one in 300 ms, and for those of all players", () => {
  const harness = GatewayHarness.joined();
  const other = "02:00:00:00:00:52";
  harness.core.handlePeerJoined({ peerId: asPeerId(2), role: "client", mac: other }, harness.nowMs);
  harness.nowMs += 300;
  harness.core.handleTimer(harness.nowMs);
  const probe = hex(harness.lan.find(isProbe)!);
  harness.lan.length = 0;
  const sources: string[] = [];
  for (let step = 0; step < 6_000; step += 10) {
    harness.nowMs += 10;
    for (let index = 0; index < 20; index++) harness.fromLan(probe);
    harness.core.handleTimer(harness.nowMs);
    for (const text of harness.lan.splice(0)) {
      if (!isProbe(text)) sources.push(text.slice(12, 24));
    }
    harness.tunnel();
  }
  assert(sources.length >= 15 && sources.length <= 22, `${sources.length} in 6 s`);
  assertEquals(new Set(sources), new Set([PLAYER, other].map((mac) => mac.replaceAll(":", ""))));
});

Deno.test("who sends false probes does not keep real loops from being found within a second", () => {
  for (const kind of ["lan", "bridged-player"] as const) {
    const hub = hubOf(1);
    for (; hub.nowMs < 20_000;) {
      hub.run(hub.nowMs + 100);
      hub.gateways[0].fromLan(forgedProbe());
    }
    assertEquals(hub.stopped(), [false]);
    hub.drain();
    if (kind === "lan") hub.loops = true;
    else hub.bridged[0] = true;
    hub.run(21_000);
    const [event] = hub.drain();
    assertEquals([hub.stopped()[0], event.type === "loop" && event.cause], [true, kind]);
    hub.run(40_000);
    assertEquals(hub.stopped(), [true], "as long as it is there");
  }
});

Deno.test("an empty room's LAN with a loop is not kept still, but the first player is not let into it", () => {
  const hub = hubOf(1);
  hub.gateways[0].core.handlePeerLeft(asPeerId(1), hub.nowMs);
  hub.loops = true;
  hub.run(20_000);
  assertEquals(hub.stopped(), [false]);
  hub.gateways[0].core.handlePeerJoined(
    { peerId: asPeerId(2), role: "client", mac: PLAYER },
    hub.nowMs,
  );
  hub.run(21_000);
  assertEquals(hub.stopped(), [true]);
});
