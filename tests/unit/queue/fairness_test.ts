import { assert, assertGreater, assertLessOrEqual } from "@std/assert";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { FairQueue } from "../../../src/queue/fair_queue.ts";
import { FLOW_MASK, ofPlayer } from "../../../src/queue/flow.ts";
import { BORROWED_BYTES_MAX, QUANTUM_BYTES } from "../../../src/queue/flow_table.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { SeededRandom } from "../../sim/random.ts";

const FULL_BYTES = 1400;
const PING_BYTES = 98;

/** What a player offers to one target. */
interface Offer {
  readonly bytes: number;
  /** How many frames of its own it keeps queued; 0: a frame each `everyMs`. */
  readonly backlog: number;
  readonly everyMs?: number;
  /** Which of the others is the same player. */
  readonly playerOf?: number;
  /** The flow of its next frame, a hash. */
  readonly flow: (random: SeededRandom) => number;
}

/** What became of it. */
interface Share {
  bytes: number;
  sent: number;
  waitMaxMs: number;
}

/**
 * One target's path, on a clock of its own: it takes a frame whenever the one before has left, and players
 * offer theirs in the meantime.
 */
function play(seed: number, offers: readonly Offer[], durationMs: number, bytesPerMs: number) {
  const random = new SeededRandom(seed);
  const pool = new BufferPool(4096);
  const queue = new FairQueue(new QueueArena(4096), pool, { sojournMaxMs: Infinity });
  const shares: Share[] = offers.map(() => ({ bytes: 0, sent: 0, waitMaxMs: 0 }));
  const waiting = offers.map(() => 0);
  const dueMs = offers.map(() => 0);
  const view = new DataView(pool.bytes.buffer);
  const offer = (player: number, nowMs: number) => {
    const { bytes, flow, playerOf } = offers[player];
    const slot = pool.acquire();
    view.setFloat64(pool.offsetOf(slot), nowMs);
    view.setUint32(pool.offsetOf(slot) + 8, player);
    const number = ofPlayer(flow(random), (playerOf ?? player) + 1);
    queue.enqueue(slot, pool.offsetOf(slot), bytes, number, nowMs);
    waiting[player]++;
  };
  for (let nowMs = 0; nowMs < durationMs;) {
    for (const [player, { backlog, everyMs }] of offers.entries()) {
      while (waiting[player] < backlog) offer(player, nowMs);
      for (; everyMs !== undefined && dueMs[player] <= nowMs; dueMs[player] += everyMs) {
        offer(player, dueMs[player]);
      }
    }
    assert(queue.dequeue(nowMs));
    const player = view.getUint32(queue.offset + 8);
    waiting[player]--;
    const share = shares[player];
    share.bytes += queue.length;
    share.sent++;
    share.waitMaxMs = Math.max(share.waitMaxMs, nowMs - view.getFloat64(queue.offset));
    pool.release(queue.slot);
    nowMs += queue.length / bytesPerMs;
  }
  return shares;
}

const oneFlow = (number: number) => () => number;
const manyFlows = (count: number) => (random: SeededRandom) => random.integer(0, count - 1) * 7919;
const newFlowEachTime = (random: SeededRandom) => random.integer(0, FLOW_MASK);

Deno.test("whoever has many flows, or a new one for each frame, gets no more than who has one", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const shares = play(
      seed,
      [
        { bytes: FULL_BYTES, backlog: 40, flow: oneFlow(5) },
        { bytes: FULL_BYTES, backlog: 400, flow: manyFlows(200) },
        { bytes: 60, backlog: 400, flow: newFlowEachTime },
        { bytes: FULL_BYTES, backlog: 40, flow: newFlowEachTime },
      ],
      1_000,
      12_500,
    );
    const bytes = shares.map((share) => share.bytes);
    const bound = BORROWED_BYTES_MAX + 4 * QUANTUM_BYTES;
    assertLessOrEqual(Math.max(...bytes) - Math.min(...bytes), bound, `seed ${seed}: ${bytes}`);
  }
});

Deno.test("a player's pings wait for no bulk, be it another's or its own", () => {
  const bytesPerMs = 2_500; // 20 Mbit/s
  for (const seed of [6, 7, 8]) {
    const copier: Offer = { bytes: FULL_BYTES, backlog: 100, flow: manyFlows(3) };
    const flood: Offer = { bytes: 60, backlog: 300, flow: newFlowEachTime };
    for (const playerOf of [2, 0]) {
      const pings: Offer = {
        bytes: PING_BYTES,
        backlog: 0,
        everyMs: 10,
        flow: oneFlow(4),
        playerOf,
      };
      const [, , { sent, waitMaxMs }] = play(seed, [copier, flood, pings], 2_000, bytesPerMs);
      assertGreater(sent, 190);
      // Each of both may send a turn more than is its share, and a frame across the end of it; the copier's
      // own ping waits until that is made up for, too.
      const aheadMs = 2 * (BORROWED_BYTES_MAX + QUANTUM_BYTES + FULL_BYTES) / bytesPerMs;
      const boundMs = playerOf === 0 ? 2 * aheadMs : aheadMs;
      assertLessOrEqual(waitMaxMs, boundMs, `seed ${seed}, player ${playerOf}`);
    }
  }
});

Deno.test("the longest player's longest flow gives way first", () => {
  const pool = new BufferPool(4096);
  const queue = new FairQueue(new QueueArena(4096), pool, { bytesMax: 100_000 });
  const put = (player: number, flow: number) => {
    queue.enqueue(pool.acquire(), player, 1_000, ofPlayer(flow, player), 0);
  };
  for (let i = 0; i < 30; i++) put(1, 9); // the longest flow of all
  for (let i = 0; i < 400; i++) put(2, i * 7919);
  const left = [0, 0, 0];
  while (queue.dequeue(0)) {
    left[queue.offset]++;
    pool.release(queue.slot);
  }
  assert(left[1] === 30, `${left}`);
});

Deno.test("groups are given back when they have nothing: an arena serves more than it has", () => {
  const pool = new BufferPool(256);
  const arena = new QueueArena(64);
  const queue = new FairQueue(arena, pool);
  for (let round = 0; round < 100; round++) {
    for (let player = 0; player < 20; player++) {
      const flow = ofPlayer(round, (round * 20 + player) % 256);
      assert(queue.enqueue(pool.acquire(), 0, 100, flow, 0) === 0, `round ${round}`);
    }
    while (queue.dequeue(0)) pool.release(queue.slot);
  }
  assert(pool.freeSlots === 256 && arena.freeEntries === 64);
});
