//   near (this test)            far (this test)
//   +------------------+ veth   +------------------+
//   | PacketSocket     |========| PacketSocket     |
//   | TapDevice        |        +------------------+
//   +------------------+
//
// Frames go through real devices; the heap must be as large as before.

import { assertEquals } from "@std/assert";
import type { LinkDevice, LinkFrame } from "../../../src/link/device.ts";
import { PacketSocket } from "../../../src/link/packet_socket.ts";
import { TapDevice } from "../../../src/link/tap.ts";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import { makeFrame } from "../../unit/offload/packets.ts";
import { ethernet, mac, pattern } from "../../../tools/lab/frames.ts";
import { assertAllocatesNothing } from "../../support/heap.ts";
import { NetworkLab, whyNoNamespaces } from "../../../tools/lab/netns.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const BATCH = 50;
const BATCHES = 400;
const ignore = whyNoNamespaces() !== undefined;

const pool = new BufferPool(256);
const frame = ethernet({
  destination: "02:00:00:00:00:51",
  source: "02:00:00:00:00:52",
  type: 0x9000,
  payload: pattern(986),
});
const slab = new Uint8Array(4096);
slab.set(frame, 1000);

/** Segments of one TCP stream: each batch of them is joined. */
const segments = Array.from({ length: BATCH }, (_, index) => {
  const payload = new Array<number>(900).fill(index);
  return makeFrame({
    ipVersion: 4,
    protocol: "tcp",
    payload,
    sequence: 0xf000_0000 + 900 * index,
    id: index,
  });
});
const streamSlab = new Uint8Array(BATCH * 1024);
segments.forEach((segment, index) => streamSlab.set(segment, index * 1024));

function sendStream(device: LinkDevice): void {
  for (let index = 0; index < BATCH; index++) {
    device.send(streamSlab, index * 1024, segments[index].length);
  }
  device.flush?.();
}

/** Batches must leave the heap as it was. */
function assertNoTrace(batch: () => void): void {
  assertAllocatesNothing(BATCHES * BATCH, () => {
    for (let count = 0; count < BATCHES; count++) batch();
  });
}

function sendBatch(device: LinkDevice): void {
  for (let count = 0; count < BATCH; count++) device.send(slab, 1000, frame.length);
  device.flush?.();
}

Deno.test({
  name: "sending and receiving through packet sockets allocates nothing",
  ignore,
  async fn() {
    await using lab = await NetworkLab.open();
    const near = await lab.namespace("near", { ipv6: false });
    const far = await lab.namespace("far", { ipv6: false });
    await lab.veth({ namespace: near, name: "wire" }, { namespace: far, name: "wire" });
    const open = () => PacketSocket.open({ interface: "wire" });
    const from = inNamespace(near, open);
    const to = inNamespace(far, open);
    let bytes = 0;
    const sink = { frame: ({ length }: LinkFrame) => void (bytes += length) };
    assertNoTrace(() => {
      sendBatch(from);
      while (to.receive(BATCH, sink));
    });
    // A busy kernel delivers later.
    await eventually("the last frames", () => {
      while (to.receive(BATCH, sink));
      return bytes >= from.counters.framesSent * frame.length;
    });
    // It was measured on frames that really went over the wire.
    assertEquals(from.counters.framesSent % (BATCH * BATCHES), 0);
    from.close();
    to.close();
  },
});

/** What goes through a TAP device, in each direction, by which batches, and how long each frame is. */
const TAP_TRAFFIC = [
  ["writing to and reading from a TAP device", sendBatch, frame.length],
  ["joining a stream, and cutting it again,", sendStream, segments[0].length],
] as const;

for (const [what, send, frameBytes] of TAP_TRAFFIC) {
  Deno.test({
    name: `${what} allocates nothing`,
    ignore,
    async fn() {
      await using lab = await NetworkLab.open();
      const near = await lab.namespace("near", { ipv6: false });
      const [tap, inside] = inNamespace(near, () => [
        TapDevice.open({ name: "tap0", mac: mac("02:00:00:00:00:51"), mtu: 1400, pool }),
        // What this sends over the interface, the TAP device reads.
        PacketSocket.open({ interface: "tap0" }),
      ]);
      let received = 0;
      const sink = {
        frame: ({ length, slot }: LinkFrame) => {
          if (length === frameBytes) received++;
          pool.release(slot);
        },
      };
      assertNoTrace(() => {
        send(inside);
        while (tap.receive(BATCH, sink));
        send(tap);
        while (inside.receive(BATCH, undefined));
      });
      await eventually("the last frames", () => {
        while (tap.receive(BATCH, sink));
        return received >= inside.counters.framesSent;
      });
      assertEquals(received, inside.counters.framesSent);
      assertEquals(received, tap.counters.framesSent);
      inside.close();
      tap.close();
      assertEquals(pool.freeSlots, pool.slotCount);
    },
  });
}
