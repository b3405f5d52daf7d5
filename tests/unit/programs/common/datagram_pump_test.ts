import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { TrafficCounters } from "../../../../src/observe/counters.ts";
import { DropCode } from "../../../../src/observe/drops.ts";
import { DatagramPump, HANDOVER_BYTES_MAX } from "../../../../src/programs/common/datagram_pump.ts";
import { SEND_BATCH_MAX } from "../../../../src/quic/mod.ts";
import type { Slot } from "../../../../src/proto/brands.ts";
import { BufferPool } from "../../../../src/queue/buffer_pool.ts";
import { FairQueue } from "../../../../src/queue/fair_queue.ts";
import { ofPlayer } from "../../../../src/queue/flow.ts";
import { QueueArena } from "../../../../src/queue/queue_arena.ts";
import { SeededRandom } from "../../../sim/random.ts";

const SMALL_BYTES = 104;
const FULL_BYTES = 1_418;

/** A connection whose path carries whatever it is given, when it is polled. */
class FakeConnection {
  maxDatagramBytes = 1_439;
  unsentBytes = 0;
  unsentInOrder = 0;
  sent = 0;
  /** What is held unsent, in the order in which it will go: the offset of each. */
  readonly held: number[] = [];
  #heldAhead = 0;
  readonly batches: number[] = [];
  #batched = 0;

  constructor(readonly pool: BufferPool) {}

  batchDatagram(slot: Slot, offset: number, length: number, isAhead = false): boolean {
    assertLess(this.#batched, SEND_BATCH_MAX, "a batch has room for so many");
    this.#batched++;
    this.unsentBytes += length;
    if (isAhead) this.held.splice(this.#heldAhead++, 0, offset);
    else this.unsentInOrder++, this.held.push(offset);
    this.pool.release(slot);
    return true;
  }

  sendBatch(): number {
    if (this.#batched > 0) this.batches.push(this.#batched);
    this.sent += this.#batched;
    this.#batched = 0;
    return 0;
  }

  /** A fast path: in 0.1 ms a window of 256 KiB. */
  statistics(out: { rttUs: number; congestionWindowBytes: number }): boolean {
    out.rttUs = 100;
    out.congestionWindowBytes = 256 * 1024;
    return true;
  }

  poll(): void {
    this.unsentBytes =
      this.unsentInOrder =
      this.#heldAhead =
      this.held.length =
        0;
  }

  /** Sends so many of what is held, each of this length; the offset of each. */
  sendSome(count: number, length: number): number[] {
    const gone = this.held.splice(0, count);
    const goneAhead = Math.min(gone.length, this.#heldAhead);
    this.#heldAhead -= goneAhead;
    this.unsentInOrder -= gone.length - goneAhead;
    this.unsentBytes -= gone.length * length;
    return gone;
  }
}

function make(entries = 4096) {
  const pool = new BufferPool(2 * entries);
  const queue = new FairQueue(new QueueArena(entries), pool);
  const connection = new FakeConnection(pool);
  const counters = new TrafficCounters();
  const pump = new DatagramPump(connection, pool, counters);
  const put = (length: number, nowMs: number) => {
    queue.enqueue(pool.acquire(), 0, length, 7, nowMs);
  };
  return { pool, queue, connection, counters, pump, put };
}

Deno.test("a round hands over so many bytes, whether they are many small datagrams or few large ones", () => {
  for (const length of [SMALL_BYTES, FULL_BYTES]) {
    const { queue, connection, pump, put } = make();
    for (let i = 0; i < 2_000; i++) put(length, 0);
    const taken = pump.pump(queue, 0);
    assertEquals(taken, Math.ceil(HANDOVER_BYTES_MAX / length));
    assertEquals(connection.sent, taken);
    const last = connection.batches.pop() ?? 0;
    assert(connection.batches.every((count) => count === SEND_BATCH_MAX));
    assertLessOrEqual(last, SEND_BATCH_MAX);
  }
});

Deno.test("what has become too long for the path is dropped, and what is behind it goes", () => {
  const { pool, queue, connection, counters, pump, put } = make(64);
  connection.maxDatagramBytes = 1_200;
  put(FULL_BYTES, 0);
  put(SMALL_BYTES, 0);
  assertEquals(pump.pump(queue, 0), 2);
  assertEquals([connection.sent, counters.drops[DropCode.budget]], [1, 1]);
  assertEquals(pool.freeSlots, pool.slotCount);
});

Deno.test("what went ahead in the queue goes ahead of what is held unsent, and no flow is reordered", () => {
  for (const seed of [1, 2, 3]) {
    const random = new SeededRandom(seed);
    const { pool, queue, connection, pump } = make();
    const offered = new Map<number, number>();
    const went = new Map<number, number>();
    let ahead = 0;
    for (let turn = 0; turn < 3_000; turn++) {
      // Two flows that always have something queued, and some that seldom have.
      const flows = random.chance(0.2) ? [1, 1, 2, 2, 3 + random.integer(0, 5)] : [1, 2, 2];
      for (const flow of flows) {
        const serial = offered.get(flow) ?? 0;
        offered.set(flow, serial + 1);
        queue.enqueue(pool.acquire(), flow * 10_000 + serial, 1_000, ofPlayer(flow, 1), turn);
      }
      const isSeldomWaiting = flows.length === 5;
      pump.pump(queue, turn);
      const gone = connection.sendSome(random.integer(0, 6), 1_000);
      if (isSeldomWaiting && connection.held.length > 0 && gone[0] >= 30_000) ahead++;
      for (const offset of gone) {
        const flow = Math.floor(offset / 10_000);
        const serial = offset % 10_000;
        assertGreater(serial, went.get(flow) ?? -1, `seed ${seed}, turn ${turn}, flow ${flow}`);
        went.set(flow, serial);
      }
    }
    assertGreater(ahead, 100, `seed ${seed}`);
  }
});

/** What a relay's thread needs for a datagram, ms: to receive it and find its target, and to send it. */
const RECEIVE_MS = 0.0005;
const SEND_MS = 0.0004;
/** Bytes that one event of the socket brings, and those that wait in its buffer. */
const RECEIVE_BYTES = 4 * 64 * 1024;
const SOCKET_BYTES = 2 * 1024 * 1024;
/** Rounds of a reactor's turn. */
const ROUNDS = 16;

/**
 * Turns of a relay that is offered `times` what it has the time to carry, on a clock that only its own work moves;
 * the share of what it could carry that it delivers, and the longest wait in its queue.
 */
function overload(times: number, length: number, pumpOnce: "pump" | "64 datagrams") {
  const { queue, pool, connection, pump, put } = make(8192);
  const capacity = 1 / (RECEIVE_MS + SEND_MS);
  let offered = 0;
  let waiting = 0;
  let nowMs = 0;
  let waitedMs = 0;
  const endMs = 250;
  while (nowMs < endMs) {
    const due = Math.floor(nowMs * capacity * times) - offered;
    offered += due;
    waiting = Math.min(waiting + due, SOCKET_BYTES / length);
    const received = Math.floor(Math.min(waiting, RECEIVE_BYTES / length));
    waiting -= received;
    for (let i = 0; i < received; i++) put(length, nowMs);
    nowMs += received * RECEIVE_MS;
    for (let round = 0; round < ROUNDS; round++) {
      const before = connection.sent;
      if (pumpOnce === "pump") pump.pump(queue, nowMs);
      else {
        queue.beginSending(nowMs);
        for (let i = 0; i < 64 && queue.dequeue(nowMs); i++) {
          connection.batchDatagram(queue.slot, queue.offset, queue.length);
        }
        connection.sendBatch();
      }
      connection.poll();
      if (connection.sent === before) break;
      nowMs += (connection.sent - before) * SEND_MS;
    }
    waitedMs = Math.max(waitedMs, queue.oldestMs(nowMs));
    nowMs += 0.001;
  }
  queue.clear();
  assertEquals(pool.freeSlots, pool.slotCount);
  return { delivery: connection.sent / (endMs * capacity), waitedMs };
}

Deno.test("a relay that is offered twice what it can carry delivers what it can, and nothing waits", () => {
  for (const length of [SMALL_BYTES, 504, 1_204, FULL_BYTES]) {
    for (const times of [2, 5]) {
      const { delivery, waitedMs } = overload(times, length, "pump");
      assertGreater(delivery, 0.95, `${length} bytes, ${times} times`);
      assertLess(waitedMs, 20, `${length} bytes, ${times} times`);
    }
  }
});

Deno.test("handing over datagrams by number would leave small ones behind", () => {
  assertLess(overload(2, SMALL_BYTES, "64 datagrams").delivery, 0.6);
});
