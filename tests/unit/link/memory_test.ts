import { assertEquals, assertThrows } from "@std/assert";
import type { LinkFrame } from "../../../src/link/device.ts";
import { MemoryLink } from "../../../src/link/memory.ts";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { mac, pattern } from "../../../tools/lab/frames.ts";

const NEAR = { name: "near", mac: mac("02:00:00:00:00:01") };
const FAR = { name: "far", mac: mac("02:00:00:00:00:02") };

Deno.test("a memory wire delivers frames in order, in slots or without", () => {
  const pool = new BufferPool(8);
  const [near, far] = MemoryLink.pair(NEAR, { ...FAR, pool });
  const slab = pattern(200);
  near.send(slab, 10, 60);
  near.send(slab, 20, 61);
  // The bytes were taken when they were sent.
  slab.fill(0);
  const seen: [number, number, number][] = [];
  const sink = {
    frame({ bytes, offset, length, slot }: LinkFrame) {
      assertEquals(offset, pool.offsetOf(slot) + 8);
      seen.push([bytes[offset], bytes[offset + length - 1], length]);
      pool.release(slot);
    },
  };
  far.start(undefined, sink);
  assertEquals(far.receive(1), true);
  assertEquals(far.receive(1), false);
  assertEquals(seen, [[10, 69, 60], [20, 80, 61]]);
  assertEquals(pool.freeSlots, 8);

  far.send(pattern(60), 0, 60);
  let slot = 0;
  near.receive(1, { frame: (frame) => void (slot = frame.slot) });
  assertEquals(slot, -1);
  assertEquals([near.counters.framesSent, near.counters.bytesSent], [2, 121]);
  assertEquals([far.counters.framesReceived, far.counters.bytesReceived], [2, 121]);
});

Deno.test("a memory wire is bounded, and an exhausted pool drops", () => {
  const pool = new BufferPool(2);
  const [near, far] = MemoryLink.pair(NEAR, { ...FAR, pool });
  const frame = pattern(60);
  let sent = 0;
  while (near.send(frame, 0, 60)) sent++;
  assertEquals(sent, far.waitingFrames);
  assertEquals(near.counters.sendFull, 1);
  let delivered = 0;
  far.receive(10, { frame: () => void delivered++ });
  assertEquals([delivered, far.counters.receivedWithoutSlot], [2, 8]);
});

Deno.test("a memory wire that is cut or closed loses frames and says so", () => {
  const [near, far] = MemoryLink.pair(NEAR, FAR);
  const states: string[] = [];
  near.start(undefined, { frame() {}, state: (state) => states.push(state) });
  near.setState("down");
  assertEquals(near.send(pattern(60), 0, 60), false);
  near.setState("up");
  near.setState("up");
  assertEquals(states, ["down", "up"]);
  far.close();
  assertEquals(near.send(pattern(60), 0, 60), false);
  assertEquals(near.counters.sendDown, 2);
  assertThrows(() => far.start(undefined, { frame() {} }), Error, "closed");
});
