//   near                                    far
//   +-----------------------------+         +--------------------------+
//   | packet socket: super-frames,|  veth   | packet socket: what the  |
//   | unfinished frames ─ kernel ─|=========|-> kernel has put on the  |
//   | (all offloads off)          |         |   wire                   |
//   +-----------------------------+         +--------------------------+
//
// The kernel is the second opinion: what it makes of an unfinished packet, byte for byte, the gateway
// must make of it, too.

import { assertEquals } from "@std/assert";
import type { LinkFrame } from "../../../src/link/device.ts";
import { PacketSocket } from "../../../src/link/packet_socket.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import { finished, sendUnfinished, UNFINISHED_FRAMES } from "../../support/unfinished_frames.ts";
import { toHex } from "../../../tools/lab/frames.ts";
import { NetworkLab } from "../../../tools/lab/netns.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const RECEIVED_MAX = 100;

Deno.test("golden captures: what the kernel makes of a packet the gateway makes of it, too", async (t) => {
  await using lab = await NetworkLab.open();
  const near = await lab.namespace("near");
  const far = await lab.namespace("far");
  await lab.veth(
    { namespace: near, name: "wire", offloads: false },
    { namespace: far, name: "wire", offloads: false },
  );
  const [sender, receiver] = [near, far].map((place) =>
    inNamespace(place, () => PacketSocket.open({ interface: "wire" }))
  );
  try {
    for (const [name, frame] of UNFINISHED_FRAMES) {
      await t.step(name, async () => {
        const expected = finished(frame);
        const macs = expected[0].slice(0, 24);
        const received: string[] = [];
        const sink = {
          frame({ bytes, offset, length, gsoType, virtioFlags, vlanTpid, vlanTci }: LinkFrame) {
            const untagged = toHex(bytes.subarray(offset, offset + length));
            // The receiving kernel takes the outer tag out, and says which it was.
            const tag = vlanTpid === 0
              ? ""
              : (vlanTpid * 0x1_0000 + vlanTci).toString(16).padStart(8, "0");
            const hex = untagged.slice(0, 24) + tag + untagged.slice(24);
            if (!hex.startsWith(macs) || received.length >= RECEIVED_MAX) return;
            assertEquals([gsoType, virtioFlags & 1], [0, 0], "the kernel has finished it");
            received.push(hex);
          },
        };
        sendUnfinished(sender, frame);
        await eventually(
          "all frames are there",
          () => {
            while (receiver.receive(64, sink));
            return received.length >= expected.length;
          },
          3_000,
        ).catch(() => {});
        assertEquals(received, expected);
      });
    }
  } finally {
    sender.close();
    receiver.close();
  }
});
