import { assert, assertAlmostEquals, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import {
  CAM_REFRESH_BURST_MAX,
  CAM_REFRESH_INTERVAL_MS,
  CAM_REFRESH_SPACING_MS,
  CAM_REFRESHES_PER_SECOND_MAX,
  CamRefresher,
} from "../../../src/gateway/cam_refresh.ts";
import { formatMac, parseMac } from "../../../src/proto/mac.ts";
import { toHex } from "../proto/frames.ts";

const MINUTE = CAM_REFRESH_INTERVAL_MS;

function macOf(place: number): Uint8Array {
  return parseMac(
    `02:00:00:00:${(place >> 8).toString(16).padStart(2, "0")}:${
      (place & 0xff).toString(16).padStart(2, "0")
    }`,
  )!;
}

/** The source MACs, by their last two bytes, of what is emitted now. */
function refreshed(cam: CamRefresher, nowMs: number): number[] {
  const places: number[] = [];
  const count = cam.handleTimer(nowMs, (bytes, offset, length) => {
    assertEquals(length, 60);
    places.push(bytes[offset + 10] * 256 + bytes[offset + 11]);
  });
  assertEquals(count, places.length);
  return places;
}

/** Runs the timer at its own deadlines; the times at which each frame came. */
function play(cam: CamRefresher, untilMs: number): [timeMs: number, place: number][] {
  const frames: [number, number][] = [];
  for (let turns = 0; turns < 10_000; turns++) {
    const deadlineMs = cam.nextDeadlineMs();
    if (deadlineMs > untilMs) return frames;
    for (const place of refreshed(cam, deadlineMs)) frames.push([deadlineMs, place]);
  }
  throw new Error("the timer never rests");
}

Deno.test("a refresh is a broadcast of 60 bytes in the player's name", () => {
  const cam = new CamRefresher(4);
  cam.add(2, parseMac("02:00:00:00:00:51")!, 0);
  const frames: string[] = [];
  cam.handleTimer(0, (bytes, offset, length) => {
    frames.push(toHex(bytes.slice(offset, offset + length)));
  });
  assertEquals(frames, ["ffffffffffff02000000005188b56c616e7061727479" + "00".repeat(38)]);
});

//= PROTOCOL.md 12
//# **Teaching switches.** When a client joins, when the gateway's own session begins anew, and each
//# 60 s from then on, the gateway puts this frame on the LAN, so that switches learn where the
//# client is.
Deno.test("a player is refreshed at join and then each minute, until it leaves", () => {
  const cam = new CamRefresher(4);
  assertEquals(cam.nextDeadlineMs(), Infinity);
  cam.add(1, macOf(1), 1000);
  cam.add(3, macOf(3), 2000);
  assertEquals(cam.nextDeadlineMs(), 1000);
  assertEquals(refreshed(cam, 999), []);
  assertEquals(play(cam, 1000 + 2 * MINUTE), [
    [1000, 1],
    [2000, 3],
    [1000 + MINUTE, 1],
    [2000 + MINUTE, 3],
    [1000 + 2 * MINUTE, 1],
  ]);
  cam.remove(3);
  assertEquals(play(cam, 2000 + 3 * MINUTE).map(([, place]) => place), [1]);
  cam.clear();
  assertEquals(cam.nextDeadlineMs(), Infinity);
  assertEquals(refreshed(cam, 10 * MINUTE), []);
});

//= PROTOCOL.md 12
//# A broadcast of the client's own does as well.
Deno.test("a player's own broadcast takes a refresh's place", () => {
  const cam = new CamRefresher(4);
  cam.add(0, macOf(0), 0);
  cam.noteBroadcast(0, 0);
  assertEquals(refreshed(cam, 0), []);
  cam.noteBroadcast(0, 50_000);
  assertEquals(play(cam, 109_999), []);
  assertEquals(play(cam, 110_000), [[110_000, 0]]);
});

Deno.test("a broadcast of nobody, or of one who left, starts nothing", () => {
  const cam = new CamRefresher(4);
  cam.noteBroadcast(1, 0);
  cam.add(2, macOf(2), 0);
  cam.remove(2);
  cam.noteBroadcast(2, 0);
  assertEquals(play(cam, 10 * MINUTE), []);
});

Deno.test("when the LAN is back, everyone is refreshed at once", () => {
  const cam = new CamRefresher(4);
  cam.add(0, macOf(0), 0);
  cam.add(1, macOf(1), 0);
  play(cam, 1000);
  cam.refreshAll(5000);
  assertEquals(play(cam, 5000), [[5000, 0], [5000, 1]]);
});

Deno.test("many joins at once are spread over time, and nobody is left out", () => {
  const players = 400;
  const cam = new CamRefresher(players);
  for (let place = 0; place < players; place++) cam.add(place, macOf(place), 0);
  const frames = play(cam, MINUTE - 1);
  assertEquals(new Set(frames.map(([, place]) => place)).size, players);
  assertEquals(frames.length, players);
  assertEquals(frames.filter(([timeMs]) => timeMs === 0).length, CAM_REFRESH_BURST_MAX);
  const spreadMs = (players - CAM_REFRESH_BURST_MAX) / CAM_REFRESHES_PER_SECOND_MAX * 1000;
  assertAlmostEquals(frames[frames.length - 1][0], spreadMs, 1);
});

Deno.test("whatever happens, the rate is bounded, and a quiet player's switches never wait longer", () => {
  const events = fc.array(
    fc.tuple(fc.constantFrom("add", "remove", "broadcast", "all"), fc.nat(39), fc.nat(3000)),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(events, (list) => {
      const cam = new CamRefresher(40);
      const lastMs = new Map<number, number>();
      const frames: number[] = [];
      const sentMs = new Map<number, number>();
      let nowMs = 0;
      for (const [what, place, waitMs] of list) {
        for (const [timeMs, emitted] of play(cam, nowMs)) {
          assert(
            lastMs.has(emitted),
            `a refresh for ${formatMac(macOf(emitted))}, who is not here`,
          );
          // At most two a second of one player, even of one that comes and goes.
          const spacingMs = timeMs - (sentMs.get(emitted) ?? -Infinity);
          assert(spacingMs >= CAM_REFRESH_SPACING_MS, `after ${spacingMs} ms`);
          sentMs.set(emitted, timeMs);
          lastMs.set(emitted, timeMs);
          frames.push(timeMs);
        }
        if (what === "add") {
          cam.add(place, macOf(place), nowMs);
          lastMs.set(place, nowMs);
        } else if (what === "remove") {
          cam.remove(place);
          lastMs.delete(place);
        } else if (what === "all") cam.refreshAll(nowMs);
        else {
          cam.noteBroadcast(place, nowMs);
          if (lastMs.has(place)) lastMs.set(place, nowMs);
        }
        for (const since of lastMs.values()) assertLessOrEqual(nowMs - since, MINUTE + 3500);
        nowMs += waitMs;
      }
      frames.forEach((timeMs, index) => {
        const inSecond = frames.slice(index).findIndex((later) => later >= timeMs + 1000);
        const count = inSecond < 0 ? frames.length - index : inSecond;
        assertLessOrEqual(count, CAM_REFRESH_BURST_MAX + CAM_REFRESHES_PER_SECOND_MAX);
      });
    }),
    { numRuns: 60 },
  );
});
