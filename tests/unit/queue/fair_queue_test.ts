import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
  assertThrows,
} from "@std/assert";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { FairQueue, type FairQueueOptions } from "../../../src/queue/fair_queue.ts";
import { QUANTUM_BYTES } from "../../../src/queue/flow_table.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { FLOW_SPARSE } from "../../../src/queue/flow.ts";

/** A queue with a pool and an arena of its own, and slots that carry a serial number. */
class Bench {
  readonly pool: BufferPool;
  readonly arena: QueueArena;
  readonly queue: FairQueue;
  #serial = 0;

  constructor(options: FairQueueOptions & { slots?: number; arenaEntries?: number } = {}) {
    this.pool = new BufferPool(options.slots ?? 4096);
    this.arena = new QueueArena(options.arenaEntries ?? 4096);
    this.queue = new FairQueue(this.arena, this.pool, options);
  }

  /** Queues a frame; returns its serial number. */
  put(flow: number, length: number, nowMs: number): number {
    const slot = this.pool.acquire();
    assert(slot >= 0, "the pool of the test is empty");
    const serial = this.#serial++;
    const offset = this.pool.offsetOf(slot);
    new DataView(this.pool.bytes.buffer).setUint32(offset, serial);
    this.queue.enqueue(slot, offset, length, flow, nowMs);
    return serial;
  }

  /** Takes the next frame and releases it; its serial number, or undefined. */
  take(nowMs: number): number | undefined {
    if (!this.queue.dequeue(nowMs)) return undefined;
    const serial = new DataView(this.pool.bytes.buffer).getUint32(this.queue.offset);
    this.pool.release(this.queue.slot);
    return serial;
  }

  takeAll(nowMs: number): number[] {
    const all: number[] = [];
    for (let serial = this.take(nowMs); serial !== undefined; serial = this.take(nowMs)) {
      all.push(serial);
    }
    return all;
  }
}

Deno.test("an empty queue gives nothing", () => {
  const bench = new Bench();
  assertEquals(bench.take(0), undefined);
  assertEquals(bench.queue.oldestMs(5), 0);
});

Deno.test("what goes in comes out with its slot, offset, length and reference", () => {
  const { pool, queue } = new Bench();
  const slot = pool.acquire();
  queue.enqueue(slot, pool.offsetOf(slot) + 4, 1234, 7, 0);
  assertEquals([queue.queuedBytes, queue.queuedEntries], [1234, 1]);
  assert(queue.dequeue(0));
  assertEquals([queue.slot, queue.offset, queue.length], [slot, pool.offsetOf(slot) + 4, 1234]);
  assertEquals(pool.referencesOf(slot), 1);
  assertEquals([queue.queuedBytes, queue.queuedEntries], [0, 0]);
});

//= PROTOCOL.md 11
//# Inside a flow (MACs, IP addresses, protocol, ports) nothing is reordered.
Deno.test("a flow is first in, first out", () => {
  const bench = new Bench();
  const sent = Array.from({ length: 100 }, (_, i) => bench.put(9, 60 + 13 * i, 0));
  assertEquals(bench.takeAll(0), sent);
});

Deno.test("a ping gets through a bulk flood at once", () => {
  const bench = new Bench();
  for (let i = 0; i < 150; i++) bench.put(1, 1514, 0);
  bench.take(0);
  bench.take(0);
  const ping = bench.put(2, 98, 1);
  assertEquals(bench.take(1), ping);
});

Deno.test("an ARP reply gets through although floods fill every other bucket", () => {
  const bench = new Bench();
  for (let flow = 0; flow < 56; flow++) {
    for (let i = 0; i < 3; i++) bench.put(flow, 1514, 0);
  }
  for (let i = 0; i < 56; i++) bench.take(0);
  for (const sender of [3, 11, 62, 1000]) {
    const reply = bench.put(FLOW_SPARSE | sender, 60, 1);
    assertEquals(bench.take(1), reply, `sender ${sender}`);
  }
});

Deno.test("a flood of ARP does not hold up others once its first turn is over", () => {
  const bench = new Bench();
  for (let i = 0; i < 500; i++) bench.put(FLOW_SPARSE | 1, 60, 0);
  const others = [bench.put(1, 100, 0), bench.put(2, 100, 0)];
  const turn = Math.ceil(QUANTUM_BYTES / 60);
  const first = Array.from({ length: turn + 2 }, () => bench.take(0)!);
  assertEquals(first.slice(turn), others);
});

Deno.test("two backlogged flows share by bytes, whatever the size of their frames", () => {
  const bench = new Bench();
  const small = new Set<number>();
  for (let i = 0; i < 1000; i++) small.add(bench.put(1, 100, 0));
  for (let i = 0; i < 70; i++) bench.put(2, 1400, 0);
  let smallBytes = 0;
  let largeBytes = 0;
  while (smallBytes + largeBytes < 100_000) {
    if (small.has(bench.take(0)!)) smallBytes += 100;
    else largeBytes += 1400;
    assertLessOrEqual(Math.abs(smallBytes - largeBytes), 2 * QUANTUM_BYTES);
  }
});

Deno.test("flows that come back empty in turns cannot starve the backlogged one", () => {
  const bench = new Bench();
  const bulk = new Set<number>();
  for (let i = 0; i < 100; i++) bulk.add(bench.put(1, 1500, 0));
  bench.take(0);
  bench.take(0);
  let taken = 0;
  for (let i = 0; i < 200; i++) {
    // As much comes in as goes out, and each of the two is empty when the other sends.
    bench.put(2 + i % 2, 1500, 0);
    if (bulk.has(bench.take(0)!)) taken++;
  }
  assertGreater(taken, 60);
});

//= PROTOCOL.md 11
//# Queues are bounded in bytes (this project: 4,194,304) and in time (20 ms); the oldest is
//# dropped.
Deno.test("what waited longer than the limit is dropped from the head, what did not is served", () => {
  const bench = new Bench({ sojournMaxMs: 20 });
  bench.put(1, 100, 0);
  bench.put(1, 100, 4.5);
  const onTime = bench.put(1, 100, 5);
  const other = bench.put(2, 100, 24);
  assertEquals(bench.takeAll(25), [onTime, other]);
  assertEquals(bench.queue.droppedLate, 2);
  assertEquals(bench.queue.droppedOverflow, 0);
  assertEquals(bench.pool.freeSlots, 4096);
});

Deno.test("what waited only because nobody ran is not late", () => {
  const bench = new Bench({ sojournMaxMs: 20 });
  bench.queue.beginSending(100);
  const before = bench.put(1, 100, 101);
  bench.queue.beginSending(150); // the first since 100: the process did not run
  const after = bench.put(1, 100, 150);
  assertEquals(bench.queue.dropLate(150), 0);
  assertEquals(bench.takeAll(150), [before, after]);
});

Deno.test("what was passed over while others were sent is late", () => {
  const bench = new Bench({ sojournMaxMs: 20 });
  bench.put(1, 100, 100);
  const onTime = bench.put(1, 100, 115);
  for (let ms = 100; ms <= 130; ms += 5) bench.queue.beginSending(ms);
  assertEquals(bench.takeAll(130), [onTime]);
  assertEquals(bench.queue.droppedLate, 1);
});

Deno.test("a flow that grows clears its own late entries even if nobody takes any", () => {
  const bench = new Bench({ sojournMaxMs: 20, roundTripMinMs: 20 });
  for (let ms = 0; ms < 1000; ms++) bench.put(1, 100, ms);
  assertLessOrEqual(bench.queue.queuedEntries, 22);
  assertLessOrEqual(bench.queue.oldestMs(999), 20);
});

Deno.test("late entries of a target that takes nothing can be dropped from outside", () => {
  const bench = new Bench({ sojournMaxMs: 20 });
  for (let i = 0; i < 30; i++) bench.put(i, 100, i);
  assertEquals(bench.queue.oldestMs(30), 30);
  assertEquals(bench.queue.dropLate(30), 10);
  assertEquals(bench.queue.queuedEntries, 20);
  assertEquals(bench.queue.oldestMs(30), 20);
  assertEquals(bench.takeAll(30).length, 20);
});

//= PROTOCOL.md 11
//# Queues are bounded in bytes (this project: 4,194,304) and in time (20 ms); the oldest is
//# dropped.
Deno.test("beyond its bytes the longest flow gives way, its oldest frame first", () => {
  const bench = new Bench({ bytesMax: 20_000 });
  const quiet = [bench.put(2, 500, 0), bench.put(3, 500, 0)];
  const bulk = Array.from({ length: 100 }, () => bench.put(1, 1000, 0));
  assertLessOrEqual(bench.queue.queuedBytes, 20_000);
  assertEquals(bench.queue.droppedOverflow, 81);
  const left = bench.takeAll(0);
  assertEquals(left.filter((serial) => quiet.includes(serial)), quiet);
  assertEquals(left.filter((serial) => bulk.includes(serial)), bulk.slice(81));
});

Deno.test("the longest flow is found among many quiet ones", () => {
  const bench = new Bench({ bytesMax: 50_000 });
  const quiet: number[] = [];
  for (let flow = 0; flow < 55; flow++) quiet.push(bench.put(flow, 500, 0));
  for (let i = 0; i < 100; i++) bench.put(55, 1000, 0);
  const left = new Set(bench.takeAll(0));
  assertEquals(quiet.filter((serial) => !left.has(serial)), []);
});

Deno.test("enqueue says how many entries had to go", () => {
  const { pool, queue } = new Bench({ bytesMax: 2048 });
  for (let i = 0; i < 4; i++) {
    const slot = pool.acquire();
    assertEquals(queue.enqueue(slot, 0, 512, 1, 0), 0);
  }
  assertEquals(queue.enqueue(pool.acquire(), 0, 1100, 1, 0), 3);
  assertEquals(queue.enqueue(pool.acquire(), 0, 4096, 1, 0), 3, "two queued, and the new one");
  assertEquals(queue.queuedEntries, 0);
  assertEquals(pool.freeSlots, 4096);
});

Deno.test("an exhausted arena costs the queue that is long, and never the pool its slots", () => {
  const pool = new BufferPool(512);
  const arena = new QueueArena(64);
  const long = new FairQueue(arena, pool);
  for (let i = 0; i < 200; i++) long.enqueue(pool.acquire(), 0, 100, 1, 0);
  assertGreater(arena.freeEntries, 0);
  const short = new FairQueue(arena, pool);
  assertEquals(short.enqueue(pool.acquire(), 0, 100, 1, 0), 0);
  assertEquals(pool.freeSlots, 512 - long.queuedEntries - 1);
  long.clear();
  short.clear();
  assertEquals([arena.freeEntries, pool.freeSlots], [64, 512]);
});

Deno.test("with no entry left and nothing to give way, the new frame is dropped", () => {
  const pool = new BufferPool(8);
  const arena = new QueueArena(2);
  const full = new FairQueue(arena, pool);
  full.enqueue(pool.acquire(), 0, 100, 1, 0);
  full.enqueue(pool.acquire(), 0, 100, 1, 0);
  const empty = new FairQueue(arena, pool);
  assertEquals(empty.enqueue(pool.acquire(), 0, 100, 1, 0), 1);
  assertEquals([empty.queuedEntries, empty.droppedOverflow, pool.freeSlots], [0, 1, 6]);
});

Deno.test("a queue leaves slots of the pool to others", () => {
  const bench = new Bench({ slots: 100 });
  for (let i = 0; i < 1000; i++) bench.put(i, 60, 0);
  assertGreater(bench.pool.freeSlots, 10);
  assertLess(bench.queue.queuedEntries, 90);
});

Deno.test("clear releases everything and the queue goes on working", () => {
  const bench = new Bench();
  for (let i = 0; i < 300; i++) bench.put(i % 7, 500, 0);
  bench.take(0);
  bench.queue.clear();
  assertEquals([bench.queue.queuedBytes, bench.queue.queuedEntries], [0, 0]);
  assertEquals(bench.pool.freeSlots, 4096);
  assertEquals([bench.queue.droppedLate, bench.queue.droppedOverflow], [0, 0]);
  const serial = bench.put(3, 60, 1);
  assertEquals(bench.takeAll(1), [serial]);
});

Deno.test("one slot may wait in several queues", () => {
  const pool = new BufferPool(2);
  const arena = new QueueArena(16);
  const queues = [1, 2, 3].map(() => new FairQueue(arena, pool));
  const slot = pool.acquire();
  for (const queue of queues) {
    pool.retain(slot);
    queue.enqueue(slot, 8, 60, 1, 0);
  }
  pool.release(slot);
  queues[0].clear();
  assertEquals(queues[1].dequeue(100), false, "late");
  assertEquals(pool.referencesOf(slot), 1);
  assert(queues[2].dequeue(1));
  pool.release(queues[2].slot);
  assertEquals(pool.freeSlots, 2);
});

Deno.test("bounds that make no sense are refused", () => {
  const pool = new BufferPool(2);
  const arena = new QueueArena(2);
  for (
    const options of [
      { bytesMax: 100 },
      { entriesMax: 0 },
      { sojournMaxMs: 0 },
      { sojournMaxMs: NaN },
    ]
  ) assertThrows(() => new FairQueue(arena, pool, options), RangeError);
  assertThrows(() => new QueueArena(0), RangeError);
  assertThrows(() => new QueueArena(1 << 25), RangeError);
});
