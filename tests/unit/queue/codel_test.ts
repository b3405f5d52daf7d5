/** CoDel's law, and what it makes of a transport's queue, on the tests' own clock. */
import { assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { CODEL_TARGET_MS, endBulk, shallDrop, ticksOf } from "../../../src/queue/codel.ts";
import { FairQueue, ROUND_TRIP_MIN_MS } from "../../../src/queue/fair_queue.ts";
import { Bucket, BUCKET_WORDS, BUCKETS, QueueArena } from "../../../src/queue/queue_arena.ts";
import { FLOW_GROUP_SHIFT, FLOW_SPARSE } from "../../../src/queue/flow.ts";

const INTERVAL_MS = 50;

/** Numbers of a bucket that are the law's. */
const CODEL_WORDS = 2;
/** The state of some buckets, of which the tests use one; what has been before their time is long past. */
const AT = CODEL_WORDS * 3;
const START_MS = 1_000_000;

/** When the law drops, in steps of a ms, of a flow whose entries have all waited so long. */
function dropsOf(
  words: Int32Array,
  waitedMs: (nowMs: number) => number,
  fromMs: number,
  toMs: number,
) {
  const drops: number[] = [];
  for (let ms = fromMs; ms < toMs; ms++) {
    while (asks(words, waitedMs(ms), false, START_MS + ms)) drops.push(ms);
  }
  return drops;
}

function asks(words: Int32Array, waitedMs: number, isShort: boolean, nowMs: number): boolean {
  return shallDrop(words, AT, ticksOf(waitedMs), isShort, ticksOf(INTERVAL_MS), ticksOf(nowMs));
}

const makeState = () => new Int32Array(CODEL_WORDS * 8);

Deno.test("what waits above the target is let alone for an interval, then dropped ever faster", () => {
  const words = makeState();
  const drops = dropsOf(words, () => 10, 0, 500);
  assertEquals(drops.slice(0, 5), [50, 100, 136, 165, 190]);
  assertEquals(words.some((word, i) => word !== 0 && i !== AT && i !== AT + 1), false);
});

Deno.test("what waits no longer than the target is never dropped, nor what is the last of a flow", () => {
  const words = makeState();
  assertEquals(dropsOf(words, () => CODEL_TARGET_MS - 0.1, 0, 1_000), []);
  for (let ms = START_MS; ms < START_MS + 1_000; ms++) {
    assertEquals(asks(words, 50, true, ms), false);
  }
});

Deno.test("a wait that falls below the target in between begins anew", () => {
  const waits = (ms: number) => ms % 45 === 0 ? 1 : 10;
  assertEquals(dropsOf(makeState(), waits, 0, 1_000), []);
});

Deno.test("a queue that comes back soon is dropped from at the pace at which it went", () => {
  const words = makeState();
  const first = dropsOf(words, () => 10, 0, 300);
  endBulk(words, AT);
  const again = dropsOf(words, () => 10, 350, 500);
  assertGreater(first.length, 6);
  assertEquals(again[0], 400);
  assertLess(again[1] - again[0], 25);
  endBulk(words, AT);
  const late = dropsOf(words, () => 10, 10_000, 10_140);
  assertEquals(late, [10_050, 10_100, 10_136]);
});

Deno.test("the law's clock may go round", () => {
  const roundMs = 2 ** 32 / 16;
  const drops = dropsOf(
    makeState(),
    () => 10,
    roundMs / 2 - START_MS - 100,
    roundMs / 2 - START_MS + 100,
  );
  assertEquals(drops.map((ms) => Math.round(ms - drops[0])), [0, 50, 86, 115, 140]);
});

/** A queue towards a path, and a pool of its own. */
function makeQueue(rttMs: number) {
  const pool = new BufferPool(8192);
  const arena = new QueueArena(8192);
  const queue = new FairQueue(arena, pool);
  queue.rttMs = rttMs;
  const put = (flow: number, nowMs: number) => {
    const slot = pool.acquire();
    queue.enqueue(slot, pool.offsetOf(slot), 1_400, flow, nowMs);
  };
  const take = (nowMs: number) => {
    if (!queue.dequeue(nowMs)) return false;
    pool.release(queue.slot);
    return true;
  };
  return { arena, queue, put, take };
}

//= PROTOCOL.md 11
//# A flow that has more queued than a full frame may wait longer, 100 ms or one round trip of the path, whichever is
//# longer (this project: never above 500 ms), with single drops before that (this project: CoDel, RFC 8289).
Deno.test("a flow that fills its bucket may wait a round trip, another one 20 ms", () => {
  const { queue, put, take } = makeQueue(180);
  put(1, 0);
  put(1, 0);
  put(2, 0);
  put(FLOW_SPARSE | 1, 0);
  assertEquals(queue.dropLate(21), 2);
  assertEquals(queue.dropLate(180), 0);
  put(1, 180);
  assertEquals(take(180), true);
  assertEquals(queue.dropLate(181), 1);
  assertEquals(take(181), true);
  put(1, 181); // it was empty: a single one again
  assertEquals(queue.dropLate(202), 1);
});

Deno.test("a flow whose other end is far behind a short path has 100 ms", () => {
  const { queue, put } = makeQueue(1);
  put(1, 0);
  put(1, 0);
  assertEquals(queue.dropLate(100), 0);
  assertEquals(queue.dropLate(101), 2);
});

Deno.test("what CoDel remembers of a player's copy is not another's who comes behind it", () => {
  const { arena, put, take } = makeQueue(1);
  const [mine, other] = [1, 2].map((player) => player << FLOW_GROUP_SHIFT | 7);
  const drops = () => arena.buckets.filter((_, at) => at % BUCKET_WORDS === Bucket.codel + 1);
  /** One entry comes and goes, and with it the only group in use. */
  const pass = (flow: number) => {
    put(flow, 0);
    assertEquals([take(0), take(0)], [true, false]);
  };
  pass(mine);
  for (let at = 0; at < BUCKETS * BUCKET_WORDS; at += BUCKET_WORDS) {
    arena.buckets[at + Bucket.codel + 1] = 99;
  }
  pass(mine);
  assertEquals(drops().includes(99), true);
  pass(other);
  assertEquals(drops().includes(99), false);
});

Deno.test("a round trip that a peer makes last is no leave to keep its frames", () => {
  const { queue, put } = makeQueue(60_000);
  put(1, 0);
  put(1, 0);
  assertEquals(queue.dropLate(501), 2);
});

/**
 * A transport over a bottleneck of a packet a ms, by AIMD: what it has under way grows by one in a round trip, and by one
 * for each packet until its first loss; a loss leaves 0.7 of it.
 */
function playTransport(rttMs: number, durationMs: number) {
  const { queue, put, take } = makeQueue(rttMs);
  let [window, threshold, underWay, sent, congestedMs] = [10, Infinity, 0, 0, 0];
  const acknowledgements: number[] = [];
  let [taken, waitedMs, waitedMaxMs] = [0, 0, 0];
  for (let nowMs = 0; nowMs < durationMs; nowMs++) {
    while (acknowledgements[0] <= nowMs) {
      acknowledgements.shift();
      underWay--;
      window += window < threshold ? 1 : 1 / window;
    }
    for (; underWay < Math.floor(window); underWay++, sent++) put(7, nowMs);
    const before = queue.droppedLate + queue.droppedByCodel;
    const oldest = queue.oldestMs(nowMs);
    if (take(nowMs)) {
      acknowledgements.push(nowMs + rttMs);
      if (nowMs > durationMs / 2) {
        taken++;
        waitedMs += oldest;
        waitedMaxMs = Math.max(waitedMaxMs, oldest);
      }
    }
    const lost = queue.droppedLate + queue.droppedByCodel - before;
    underWay -= lost;
    if (lost > 0 && nowMs >= congestedMs) {
      window = threshold = Math.max(2, window * 0.7);
      congestedMs = nowMs + rttMs;
    }
  }
  return { share: taken / (durationMs / 2), meanMs: waitedMs / taken, maxMs: waitedMaxMs };
}

Deno.test("a transport fills its path behind the queue, and waits little in it", () => {
  for (const rttMs of [20, 50, 100, 150]) {
    const { share, meanMs, maxMs } = playTransport(rttMs, 120_000);
    assertGreater(share, 0.87, `${rttMs} ms: ${share}`);
    assertLess(meanMs, Math.max(20, rttMs / 5), `${rttMs} ms: ${meanMs}`);
    assertLessOrEqual(maxMs, Math.max(ROUND_TRIP_MIN_MS, rttMs) + 1, `${rttMs} ms: ${maxMs}`);
  }
});
