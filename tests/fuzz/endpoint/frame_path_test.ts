import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { BufferPool, HEADROOM_BYTES, NO_SLOT } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 2000 };

function pathOf(slots: number) {
  const pool = new BufferPool(slots);
  const counters = new TrafficCounters();
  const path = new FramePath({ pool, counters, arena: new QueueArena(512) });
  return { pool, counters, path };
}

const pathForNoise = pathOf(4);

Deno.test("noise from the relay never comes out as a frame of a wrong length, nor as a fault", () => {
  const { path, counters } = pathForNoise;
  path.open(1439);
  let nowMs = 0;
  let frames = 0;
  const header = fc.constantFrom([], [1, 0, 0, 3], [1, 1, 0, 3, 0, 1, 0x80, 0], [1, 1, 0, 3, 0, 1]);
  const datagram = fc.tuple(header, fc.uint8Array({ maxLength: 2000, size: "max" }))
    .map(([start, rest]) => Uint8Array.of(...start, ...rest));
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 10 }), (datagrams) => {
      for (const bytes of datagrams) {
        nowMs += 10;
        path.handleDatagram(bytes, 0, bytes.length, nowMs, {
          frame(frame, offset, length) {
            assert(length >= 14 && length <= 1522);
            assert(offset >= 0 && offset + length <= frame.length);
            frames++;
          },
        });
      }
    }),
    RUNS,
  );
  assertEquals(counters.framesReceived, frames);
  assert(frames > 100 && counters.dropsTotal > 100, `too tame: ${frames} frames`);
});

/** What one sender does between two paths: frames of any length, through pieces in any order. */
const burst = fc.record({
  lengths: fc.array(fc.integer({ min: 14, max: 1522 }), { minLength: 1, maxLength: 8 }),
  maximumBytes: fc.oneof(fc.constantFrom(608, 1187, 1439), fc.integer({ min: 608, max: 1530 })),
  order: fc.infiniteStream(fc.nat()),
  lost: fc.option(fc.nat({ max: 20 })),
});

Deno.test("frames arrive whole and unchanged whatever the order, or not at all", () => {
  const sender = pathOf(128);
  const receiver = pathOf(4);
  receiver.path.open(1439);
  const dissection = new Dissection();
  let nowMs = 0;
  let arrived = 0;
  fc.assert(
    fc.property(burst, ({ lengths, maximumBytes, order, lost }) => {
      nowMs += 1000;
      sender.path.open(maximumBytes);
      const sent = new Set<string>();
      lengths.forEach((length, index) => {
        const slot = sender.pool.acquire();
        assert(slot !== NO_SLOT);
        const offset = sender.pool.offsetOf(slot) + HEADROOM_BYTES;
        const frame = sender.pool.bytes.subarray(offset, offset + length);
        for (let at = 0; at < length; at++) frame[at] = (at * 7 + index * 31 + length) & 0xff;
        sent.add(frame.toHex());
        dissect(sender.pool.bytes, offset, length, dissection);
        sender.path.sendDissected(slot, offset, length, dissection, nowMs);
      });
      const datagrams: Uint8Array[] = [];
      while (sender.path.queue.dequeue(nowMs)) {
        const { slot, offset, length } = sender.path.queue;
        assert(length <= maximumBytes);
        datagrams.push(sender.pool.bytes.slice(offset, offset + length));
        sender.pool.release(slot);
      }
      assertEquals(sender.pool.freeSlots, sender.pool.slotCount);
      const loses = lost !== null && lost < datagrams.length;
      if (loses) datagrams.splice(lost, 1);
      const got = new Set<string>();
      while (datagrams.length > 0) {
        const [datagram] = datagrams.splice(order.next().value % datagrams.length, 1);
        receiver.path.handleDatagram(datagram, 0, datagram.length, nowMs, {
          frame(bytes, offset, length) {
            const frame = bytes.slice(offset, offset + length).toHex();
            assert(sent.has(frame), "a frame was invented");
            got.add(frame);
            arrived++;
          },
        });
      }
      assertEquals(got.size, loses ? sent.size - 1 : sent.size);
      receiver.path.handleTimer(nowMs + 500);
    }),
    RUNS,
  );
  assert(arrived > 300, `too tame: ${arrived}`);
});
