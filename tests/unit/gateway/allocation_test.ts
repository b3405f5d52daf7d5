import { assertEquals } from "@std/assert";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { GatewayCore } from "../../../src/gateway/core.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { FrameLog } from "../../../src/observe/frame_log.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { writeDatagramHeader } from "../../../src/proto/datagram.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { assertAllocatesNothing, ObjectClock } from "../../support/heap.ts";
import { BROADCAST, frameOf, GATEWAY_MAC, PLAYER, STATION } from "./harness.ts";
import { lanFrame } from "../offload/packets.ts";
import { hex } from "../proto/frames.ts";

const FRAMES = 20_000;

const pool = new BufferPool(64);
const path = new FramePath({ pool, arena: new QueueArena(64), counters: new TrafficCounters() });
const clock = new ObjectClock();
let sent = 0;
const core = new GatewayCore({
  pool,
  path,
  counters: new TrafficCounters(),
  lan: { send: () => ++sent > 0, isUp: true, isHeld: false },
  frameLog: new FrameLog(),
  playersMax: 16,
  random: (count) => new Uint8Array(count).fill(7),
  allowRouterAdvertisements: false,
  lanMac: hex(GATEWAY_MAC.replaceAll(":", "")),
});
path.open(1439);
core.handleJoined("PARTY", asPeerId(9), clock.nowMs);
core.handlePeerJoined({ peerId: asPeerId(1), role: "client", mac: PLAYER }, clock.nowMs);

/** Does something many times: the heap must stay as it was. */
function assertNoTrace(act: (nowMs: number) => void): void {
  assertAllocatesNothing(FRAMES, () => {
    for (let count = 0; count < FRAMES; count++) {
      if ((count & 63) === 0) clock.advance(1.3);
      act(clock.nowMs);
    }
  });
}

for (
  const [name, bytes] of [
    ["a frame for a player", frameOf(PLAYER, STATION, 300, "0800")],
    ["a broadcast", frameOf(BROADCAST, STATION, 100, "88b6")],
    ["a frame between stations", frameOf(GATEWAY_MAC, STATION, 100, "0800")],
  ] as const
) {
  Deno.test(`from the LAN into the tunnel: ${name} allocates nothing`, () => {
    const slot = pool.acquire();
    const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
    pool.bytes.set(bytes, offset);
    const frame = lanFrame(pool.bytes, { slot, offset, length: bytes.length });
    assertNoTrace((nowMs) => {
      pool.retain(slot);
      core.handleLanFrame(frame, nowMs);
      while (path.queue.dequeue(nowMs)) pool.release(path.queue.slot);
    });
    pool.release(slot);
    assertEquals(pool.freeSlots, pool.slotCount);
  });
}

Deno.test("from the tunnel to the LAN: a player's frame allocates nothing", () => {
  const bytes = frameOf(STATION, PLAYER, 300, "0800");
  const datagram = new Uint8Array(bytes.length + 100);
  writeDatagramHeader(datagram, 20, asPeerId(1));
  datagram.set(bytes, 24);
  const before = sent;
  assertNoTrace((nowMs) => core.handleDatagram(datagram, 20, bytes.length + 4, nowMs));
  assertEquals((sent - before) % FRAMES, 0);
  assertEquals(sent > before, true);
});
