//   player                                               far
//   +----------------------------------------+   veth   +-------------------------------+
//   | packet socket ── kernel ── tap0 ── test|          |                               |
//   |           test ── packet socket ── wire|==========|wire ── packet socket ── test  |
//   +----------------------------------------+          +-------------------------------+
//
// What the kernel hands to a TAP device unfinished comes out of it as single, finished frames; what is
// sent as single frames goes to the kernel joined, and comes out of it byte for byte.

import { assertEquals, assertGreater } from "@std/assert";
import { closeFd, EFD_NONBLOCK, libc } from "../../../src/ffi/libc.ts";
import { LinkCounters, type LinkDevice, type LinkFrame } from "../../../src/link/device.ts";
import { TapWriter } from "../../../src/link/tap_writer.ts";
import { PacketSocket } from "../../../src/link/packet_socket.ts";
import { TapDevice } from "../../../src/link/tap.ts";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import { finished, sendUnfinished, UNFINISHED_FRAMES } from "../../support/unfinished_frames.ts";
import { mac, toHex } from "../../../tools/lab/frames.ts";
import { hex } from "../../unit/proto/frames.ts";
import { type Namespace, NetworkLab, whyNoNamespaces } from "../../../tools/lab/netns.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

/** Kinds that are joined, by the names of {@linkcode UNFINISHED_FRAMES}, and those that are not. */
const NEVER_JOINED = [
  "TCP with IPv4 options",
  "TCP with urgent data",
  "TCP over IPv6 behind options",
];

const ignore = whyNoNamespaces() !== undefined;
const MAC = "02:00:00:00:00:99";
/** More than any test frame has by itself, less than its super-frame. */
const WHOLE_BYTES_MIN = 1_600;

Deno.test({
  name: "what the kernel leaves to a TAP device is finished and cut as by the kernel itself",
  ignore,
  async fn(t) {
    await using lab = await NetworkLab.open();
    const player = await lab.namespace("player", { ipv6: false });
    const pool = new BufferPool(64);
    const options = { name: "tap0", mac: mac(MAC), mtu: 1500, pool };
    const tap = inNamespace(player, () => TapDevice.open(options));
    const sender = inNamespace(player, () => PacketSocket.open({ interface: "tap0" }));
    const witness = inNamespace(
      player,
      () => PacketSocket.open({ interface: "tap0", ignoreOutgoing: false }),
    );
    let whole = 0;
    try {
      for (const [name, frame] of UNFINISHED_FRAMES) {
        await t.step(name, async () => {
          const expected = finished(frame);
          const received: string[] = [];
          sendUnfinished(sender, frame);
          await eventually("all frames are there", () => {
            while (
              tap.receive(64, {
                frame({ bytes, offset, length, slot, gsoType, virtioFlags }: LinkFrame) {
                  assertEquals([gsoType, virtioFlags], [0, 0]);
                  received.push(toHex(bytes.subarray(offset, offset + length)));
                  pool.release(slot);
                },
              })
            );
            return received.length >= expected.length;
          });
          assertEquals(received, expected);
          while (
            witness.receive(64, {
              frame: ({ length }: LinkFrame) => void (whole += length > WHOLE_BYTES_MIN ? 1 : 0),
            })
          );
        });
      }
      // The kernel has cut nothing: what leaves an interface is seen as its driver gets it.
      const { length } = UNFINISHED_FRAMES.filter(([, frame]) => frame.gsoType !== 0);
      assertGreater(whole, length / 2);
    } finally {
      sender.close();
      witness.close();
      tap.close();
    }
    assertEquals(pool.freeSlots, 64);
  },
});

/** Hands frames to a device one by one, as they come out of the tunnel. */
function sendSingles(device: LinkDevice, hexFrames: readonly string[]): void {
  const slab = new Uint8Array(4096);
  for (const [index, text] of hexFrames.entries()) {
    const bytes = hex(text);
    slab.set(bytes, 100 + index % 3);
    assertEquals(device.send(slab, 100 + index % 3, bytes.length), true);
  }
  device.flush?.();
}

/** A sink that notes frames, their stripped tags put back. */
class Noted {
  readonly frames: string[] = [];
  whole = 0;

  constructor(readonly macs: string) {}

  frame({ bytes, offset, length, gsoType, vlanTpid, vlanTci }: LinkFrame): void {
    const text = toHex(bytes.subarray(offset, offset + length));
    if (!text.startsWith(this.macs)) return;
    if (gsoType !== 0) this.whole++;
    const tag = vlanTpid === 0 ? "" : (vlanTpid * 0x1_0000 + vlanTci).toString(16).padStart(8, "0");
    this.frames.push(text.slice(0, 24) + tag + text.slice(24));
  }
}

for (const offloads of [false, true]) {
  const how = offloads ? "a card that cuts" : "a kernel that cuts for the card";
  Deno.test({
    name: `what a packet socket joins leaves ${how} byte for byte`,
    ignore,
    async fn(t) {
      await using lab = await NetworkLab.open();
      const near = await lab.namespace("near", { ipv6: false });
      const far = await lab.namespace("far", { ipv6: false });
      await lab.veth({ namespace: near, name: "wire", offloads }, {
        namespace: far,
        name: "wire",
        offloads,
      });
      const [sender, receiver] = [near, far].map((place) =>
        inNamespace(place, () => PacketSocket.open({ interface: "wire" }))
      );
      try {
        for (const [name, frame] of UNFINISHED_FRAMES) {
          if (frame.gsoType === 0) continue;
          await t.step(name, async () => {
            const singles = finished(frame);
            const noted = new Noted(singles[0].slice(0, 24));
            sendSingles(sender, singles);
            const count = () => noted.frames.length;
            const isJoined = offloads && !NEVER_JOINED.includes(name);
            await eventually("all frames are there", () => {
              while (receiver.receive(64, noted));
              return isJoined ? noted.whole > 0 : count() >= singles.length;
            });
            // A card that cuts is a veth, which leaves it to the other end.
            if (!isJoined) assertEquals(noted.frames, singles);
            assertEquals(noted.whole, isJoined ? 1 : 0);
          });
        }
        assertEquals(sender.counters.sendLostLater, 0);
      } finally {
        sender.close();
        receiver.close();
      }
    },
  });
}

/** Frames on a busy machine are at the other end of a veth pair by then. */
const ARRIVAL_MS = 100;

/** Kinds with full segments, and the least MTU of an interface that takes those (a first tag of 802.1Q apart). */
const MTUS_MIN = [["TCP over IPv4", 1_488], ["TCP in a VLAN", 1_488], [
  "TCP behind two tags",
  1_448,
]] as const;

Deno.test({
  name:
    "a packet socket joins nothing that its interface is too small for: it is refused as by itself",
  ignore,
  async fn(t) {
    await using lab = await NetworkLab.open();
    const near = await lab.namespace("near", { ipv6: false });
    const far = await lab.namespace("far", { ipv6: false });
    await lab.veth({ namespace: near, name: "wire" }, { namespace: far, name: "wire" });
    const [sender, receiver] = [near, far].map((place) =>
      inNamespace(place, () => PacketSocket.open({ interface: "wire" }))
    );
    for (const [name, mtuMin] of MTUS_MIN) {
      const frame = UNFINISHED_FRAMES.find(([kind]) => kind === name)?.[1];
      const singles = frame === undefined ? [] : finished(frame);
      for (const mtu of [mtuMin, mtuMin - 1]) {
        await t.step(`${name}, MTU ${mtu}`, async () => {
          await near.ip("link", "set", "wire", "mtu", `${mtu}`);
          assertEquals(inNamespace(near, () => sender.checkState()), "up");
          const before = sender.counters.sendTooLong;
          const noted = new Noted(singles[0].slice(0, 24));
          sendSingles(sender, singles);
          await eventually("the last frame is there", () => {
            while (receiver.receive(64, noted));
            return noted.frames.length > 0;
          });
          const full = singles.length - 1;
          const isTaken = mtu === mtuMin;
          assertEquals(sender.counters.sendTooLong - before, isTaken ? 0 : full);
          assertEquals(noted.whole, isTaken ? 1 : 0);
          if (!isTaken) assertEquals(noted.frames, singles.slice(full));
        });
      }
    }
    for (const socket of [sender, receiver]) socket.close();
  },
});

Deno.test({
  name: "what a TAP device joins reaches the system as one, and its bridges byte for byte",
  ignore,
  async fn(t) {
    await using lab = await NetworkLab.open();
    const player = await lab.namespace("player", { ipv6: false });
    const far = await lab.namespace("far", { ipv6: false });
    await lab.veth({ namespace: player, name: "wire", offloads: false }, {
      namespace: far,
      name: "wire",
      offloads: false,
    });
    const pool = new BufferPool(64);
    const options = { name: "tap0", mac: mac(MAC), mtu: 1500, pool };
    const tap = inNamespace(player, () => TapDevice.open(options));
    await player.ip("link", "add", "br0", "type", "bridge");
    for (const port of ["tap0", "wire"]) await player.ip("link", "set", port, "master", "br0");
    await player.ip("link", "set", "br0", "up");
    const [inside, outside] = [[player, "tap0"], [far, "wire"]].map(([place, name]) =>
      inNamespace(place as Namespace, () => PacketSocket.open({ interface: name as string }))
    );
    try {
      for (const [name, frame] of UNFINISHED_FRAMES) {
        if (frame.gsoType === 0) continue;
        await t.step(name, async () => {
          const singles = finished(frame);
          const macs = singles[0].slice(0, 24);
          const [seen, left] = [new Noted(macs), new Noted(macs)];
          sendSingles(tap, singles);
          await eventually("all frames are there", () => {
            while (inside.receive(64, seen));
            while (outside.receive(64, left));
            while (inside.receive(64, seen));
            return left.frames.length >= singles.length;
          });
          assertEquals(left.frames, singles);
          assertEquals(seen.whole, NEVER_JOINED.includes(name) ? 0 : 1);
        });
      }
    } finally {
      for (const device of [inside, outside, tap]) device.close();
    }
  },
});

Deno.test({
  name: "a super-frame counts in a turn for the frames that it holds",
  ignore,
  async fn() {
    await using lab = await NetworkLab.open();
    const near = await lab.namespace("near", { ipv6: false });
    const far = await lab.namespace("far", { ipv6: false });
    await lab.veth({ namespace: near, name: "wire" }, { namespace: far, name: "wire" });
    const pool = new BufferPool(64);
    const options = { name: "tap0", mac: mac(MAC), mtu: 1500, pool };
    const tap = inNamespace(near, () => TapDevice.open(options));
    const [toTap, toWire] = ["tap0", "wire"].map((name) =>
      inNamespace(near, () => PacketSocket.open({ interface: name }))
    );
    const wire = inNamespace(far, () => PacketSocket.open({ interface: "wire" }));
    const [, frame] = UNFINISHED_FRAMES[0];
    const segments = finished(frame).length;
    assertEquals(segments, 5);
    let delivered = 0;
    const sink = {
      frame({ slot }: LinkFrame) {
        delivered++;
        if (slot >= 0) pool.release(slot);
      },
    };
    for (let count = 0; count < 4; count++) {
      for (const to of [toTap, toWire]) sendUnfinished(to, frame);
    }
    // One that was begun is cut to its end, and no other is begun.
    assertEquals(tap.receive(7, sink), true);
    assertEquals(delivered, 2 * segments);
    while (tap.receive(7, sink));
    assertEquals([delivered, tap.counters.framesReceived], [4 * segments, 4 * segments]);

    delivered = 0;
    await pause(ARRIVAL_MS);
    assertEquals(wire.receive(7, sink), true);
    assertEquals(delivered, 2);
    while (wire.receive(7, sink));
    assertEquals(delivered, 4);
    for (const device of [tap, toTap, toWire, wire]) device.close();
    assertEquals(pool.freeSlots, 64);
  },
});

Deno.test({
  name: "what a kernel does not take joined is written frame by frame, and is joined no more",
  ignore: Deno.build.os !== "linux",
  fn() {
    // It takes eight bytes of whatever is written: as good as a refusal.
    const fd = libc().eventfd(0, EFD_NONBLOCK);
    const counters = new LinkCounters();
    const writer = new TapWriter(fd, counters, { udp: true, zeroIds: false });
    const singles = finished(UNFINISHED_FRAMES[0][1]).map(hex);
    for (const bytes of singles) assertEquals(writer.send(bytes, 0, bytes.length), true);
    writer.flush();
    assertEquals(counters.sendFailed, singles.length);
    assertEquals(counters.sendLostLater, singles.length);
    for (const bytes of singles) assertEquals(writer.send(bytes, 0, bytes.length), false);
    assertEquals(counters.sendFailed, 2 * singles.length);
    // Of these the caller knows.
    assertEquals(counters.sendLostLater, singles.length);
    writer.close();
    closeFd(fd);
  },
});
