/** Rehearsals end, and what is played in them goes the whole way and arrives nowhere. */
import { assertEquals } from "@std/assert";
import { ClientRehearsal } from "../../../../src/programs/client/rehearsal.ts";
import {
  FRAMES_A_ROUND,
  type Play,
  Rehearsal,
  REHEARSAL_MAX_MS,
  REHEARSAL_ROUNDS_MAX,
  rehearse,
} from "../../../../src/programs/common/rehearsal.ts";
import { GatewayRehearsal } from "../../../../src/programs/gateway/rehearsal.ts";
import { RelayRehearsal } from "../../../../src/programs/relay/rehearsal.ts";
import type { Task } from "../../../../src/reactor/mod.ts";

/** A play whose rounds take so long. */
function slowPlay(clock: { ms: number }, roundMs: number): Play {
  return { round: () => void (clock.ms += roundMs) };
}

Deno.test("a rehearsal has so many rounds at most", () => {
  const clock = { ms: 0 };
  const rehearsal = new Rehearsal(() => slowPlay(clock, 0), () => clock.ms);
  let rounds = 0;
  while (rehearsal.work()) rounds++;
  assertEquals(rounds + 1, REHEARSAL_ROUNDS_MAX);
  assertEquals([rehearsal.rounds, rehearsal.isOver], [REHEARSAL_ROUNDS_MAX, true]);
  assertEquals(rehearsal.work(), false);
  assertEquals(rehearsal.rounds, REHEARSAL_ROUNDS_MAX);
});

Deno.test("its rounds take so long at most, with what it takes to begin and without what is between them", () => {
  const clock = { ms: 0 };
  const rehearsal = new Rehearsal(() => {
    clock.ms += 30;
    return slowPlay(clock, 20);
  }, () => clock.ms);
  let spentMs = 0;
  for (let more = true; more;) {
    const beganMs = clock.ms;
    more = rehearsal.work();
    spentMs += clock.ms - beganMs;
    clock.ms += 1_000;
  }
  assertEquals(rehearsal.rounds, 6);
  assertEquals(spentMs, REHEARSAL_MAX_MS);
});

Deno.test("the reactor plays it to its end, and has no task for it then", () => {
  const tasks = new Set<Task>();
  let rounds = 0;
  rehearse({
    now: () => 0,
    addTask: (task) => {
      tasks.add(task);
      return () => void tasks.delete(task);
    },
  }, () => ({ round: () => void rounds++ }));
  assertEquals(rounds, 0);
  const [task] = tasks;
  while (task.work(0)) assertEquals([tasks.size, task.nextDeadlineMs(0)], [1, Infinity]);
  assertEquals([rounds, tasks.size], [REHEARSAL_ROUNDS_MAX, 0]);
});

/** Frames that a round has each way. */
const ROUNDS = 20;
const FRAMES = ROUNDS * FRAMES_A_ROUND;

/** What a stage has counted after so many rounds: nothing is dropped, and every slot is back. */
function played(rehearsal: ClientRehearsal | GatewayRehearsal) {
  const { pool, counters } = rehearsal.stage;
  for (let round = 0; round < ROUNDS; round++) rehearsal.round();
  const { framesSent, framesReceived } = counters;
  return {
    ...{ framesSent, framesReceived, delivered: rehearsal.delivered },
    drops: counters.snapshot().drops,
    slotsInUse: pool.slotCount - pool.freeSlots,
  };
}

Deno.test("the client's goes from the adapter to the relay and back, and nothing is dropped", () => {
  const { framesSent, ...rest } = played(new ClientRehearsal());
  const expected = { framesReceived: FRAMES, delivered: FRAMES, drops: {}, slotsInUse: 0 };
  assertEquals(rest, expected);
  // Beside them the core asks the gateway how the LAN is.
  assertEquals(framesSent >= FRAMES, true, `${framesSent}`);
});

Deno.test("the gateway's goes from the LAN to the relay and back, and nothing is dropped", () => {
  const { framesSent, delivered, ...rest } = played(new GatewayRehearsal());
  assertEquals(rest, { framesReceived: FRAMES, drops: {}, slotsInUse: 0 });
  // Beside them the core makes the LAN's switches know the player, and looks for loops.
  assertEquals([framesSent >= FRAMES, delivered >= FRAMES], [true, true]);
});

Deno.test("the relay's goes from each to the other, and nobody is sent away", () => {
  const rehearsal = new RelayRehearsal();
  assertEquals(new Set(rehearsal.told), new Set(["send"]));
  for (let round = 0; round < ROUNDS; round++) rehearsal.round();
  assertEquals(rehearsal.delivered, 2 * FRAMES);
  assertEquals(rehearsal.pool.slotCount - rehearsal.pool.freeSlots, 0);
  assertEquals(new Set(rehearsal.told), new Set(["send"]));
});
