import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { asSlot } from "../../../src/proto/brands.ts";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { FairQueue } from "../../../src/queue/fair_queue.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { FLOW_SPARSE } from "../../../src/queue/flow.ts";

const SLOTS = 96;
const ENTRIES = 128;
const BYTES_MAX = 24_000;
const ENTRIES_MAX = 60;
const SOJOURN_MAX_MS = 20;

interface Sent {
  readonly serial: number;
  readonly flow: number;
  readonly length: number;
  readonly atMs: number;
}

/** Flows that fall into different buckets, and two that are sparse. */
const flow = fc.constantFrom(0, 1, 2, 3, 55, FLOW_SPARSE | 0, FLOW_SPARSE | 1);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      flow,
      length: fc.integer({ min: 18, max: 1530 }),
      queues: fc.constantFrom([0], [1], [0, 1]),
      count: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("dequeue" as const),
      queue: fc.constantFrom(0, 1),
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.double({ min: 0, max: 12, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("dropLate" as const),
      queue: fc.constantFrom(0, 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("clear" as const),
      queue: fc.constantFrom(0, 1),
    }),
  },
);

/** Two queues over one pool and one arena, and a model of what is in them. */
class Model {
  readonly pool = new BufferPool(SLOTS);
  readonly arena = new QueueArena(ENTRIES);
  readonly queues = [0, 1].map(() =>
    new FairQueue(this.arena, this.pool, {
      bytesMax: BYTES_MAX,
      entriesMax: ENTRIES_MAX,
      sojournMaxMs: SOJOURN_MAX_MS,
      roundTripMinMs: SOJOURN_MAX_MS,
    })
  );
  readonly sent = new Map<number, Sent>();
  readonly enqueued = [0, 0];
  readonly dequeued = [0, 0];
  readonly cleared = [0, 0];
  readonly lastSerial = [new Map<number, number>(), new Map<number, number>()];
  nowMs = 0;
  #serial = 0;

  enqueue(flow: number, length: number, queues: readonly number[]): void {
    const slot = this.pool.acquire();
    if (slot < 0) return;
    const offset = this.pool.offsetOf(slot);
    const serial = this.#serial++;
    new DataView(this.pool.bytes.buffer).setUint32(offset, serial);
    this.sent.set(serial, { serial, flow, length, atMs: this.nowMs });
    for (const index of queues) {
      const queue = this.queues[index];
      const before = queue.droppedOverflow;
      this.pool.retain(slot);
      const dropped = queue.enqueue(slot, offset, length, flow, this.nowMs);
      assertEquals(dropped, queue.droppedOverflow - before);
      this.enqueued[index]++;
    }
    this.pool.release(slot);
  }

  dequeue(index: number): void {
    const queue = this.queues[index];
    if (!queue.dequeue(this.nowMs)) {
      assertEquals([queue.queuedEntries, queue.queuedBytes], [0, 0]);
      return;
    }
    const serial = new DataView(this.pool.bytes.buffer).getUint32(queue.offset);
    const sent = this.sent.get(serial)!;
    assertEquals(queue.length, sent.length);
    assertEquals(queue.offset, this.pool.offsetOf(queue.slot));
    assertLessOrEqual(this.nowMs - sent.atMs, SOJOURN_MAX_MS + 1e-9);
    assertGreater(serial, this.lastSerial[index].get(sent.flow) ?? -1, "reordered or doubled");
    this.lastSerial[index].set(sent.flow, serial);
    this.dequeued[index]++;
    this.pool.release(queue.slot);
  }

  clear(index: number): void {
    this.cleared[index] += this.queues[index].queuedEntries;
    this.queues[index].clear();
  }

  check(): void {
    let entries = 0;
    for (const [index, queue] of this.queues.entries()) {
      assertLessOrEqual(queue.queuedBytes, BYTES_MAX);
      assertLessOrEqual(queue.queuedEntries, ENTRIES_MAX);
      const gone = this.dequeued[index] + this.cleared[index] + queue.droppedLate +
        queue.droppedOverflow + queue.droppedByCodel;
      assertEquals(this.enqueued[index], gone + queue.queuedEntries);
      entries += queue.queuedEntries;
    }
    assertEquals(this.arena.freeEntries, ENTRIES - entries);
    let references = 0;
    for (let slot = 0; slot < SLOTS; slot++) references += this.pool.referencesOf(asSlot(slot));
    assertEquals(
      references,
      entries,
      "each queued entry owns one reference, and nothing else does",
    );
  }
}

Deno.test("nothing is reordered, doubled, leaked or late, and all bounds hold, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      const model = new Model();
      for (const action of steps) {
        if (action.do === "wait") model.nowMs += action.ms;
        else if (action.do === "dropLate") model.queues[action.queue].dropLate(model.nowMs);
        else if (action.do === "clear") model.clear(action.queue);
        else if (action.do === "dequeue") {
          for (let i = 0; i < action.count; i++) model.dequeue(action.queue);
        } else {
          for (let i = 0; i < action.count; i++) {
            model.enqueue(action.flow, action.length, action.queues);
          }
        }
        model.check();
      }
      for (const [index, queue] of model.queues.entries()) {
        while (queue.queuedEntries > 0) model.dequeue(index);
        assertEquals(queue.dequeue(model.nowMs), false);
      }
      model.check();
      assertEquals(model.pool.freeSlots, SLOTS);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a sparse flow waits for at most one turn of each other new flow, whatever the flood", () => {
  const frames = fc.array(
    fc.record({ flow: fc.nat({ max: 55 }), length: fc.integer({ min: 60, max: 1514 }) }),
    { minLength: 1, maxLength: 150 },
  );
  fc.assert(fc.property(frames, fc.nat({ max: 149 }), (flood, served) => {
    const pool = new BufferPool(512);
    const queue = new FairQueue(new QueueArena(512), pool);
    for (const { flow, length } of flood) queue.enqueue(pool.acquire(), 0, length, flow, 0);
    for (let i = 0; i < served && queue.dequeue(0); i++) pool.release(queue.slot);
    const slot = pool.acquire();
    queue.enqueue(slot, 0, 60, FLOW_SPARSE | 5, 0);
    const flows = new Set(flood.map(({ flow }) => flow)).size;
    let bytesBefore = 0;
    while (queue.dequeue(0) && queue.slot !== slot) {
      bytesBefore += queue.length;
      pool.release(queue.slot);
    }
    assertEquals(queue.slot, slot);
    // Each flow that was still new sends its quantum and at most one frame across its end.
    assertLessOrEqual(bytesBefore, flows * 2 * 1514);
    assert(queue.droppedLate === 0 && queue.droppedOverflow === 0);
  }));
});
