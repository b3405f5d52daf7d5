import { assert, assertEquals } from "@std/assert";
import { FramePath, type FrameSink } from "../../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import type { DropReason } from "../../../src/observe/drops.ts";
import { asPeerId, type PeerId } from "../../../src/proto/brands.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { BufferPool, HEADROOM_BYTES, NO_SLOT } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";

/** A path with a pool of its own; what it sends is taken out as datagrams. */
class Bench implements FrameSink {
  readonly #dissection = new Dissection();
  readonly pool: BufferPool;
  readonly counters = new TrafficCounters();
  readonly path: FramePath;
  readonly frames: { bytes: Uint8Array; sourcePeerId: number }[] = [];
  nowMs = 1000;

  constructor(slots = 64, open = true) {
    this.pool = new BufferPool(slots);
    const arena = new QueueArena(256);
    this.path = new FramePath({ pool: this.pool, arena, counters: this.counters });
    if (open) this.path.open(1439);
  }

  send(frame: Uint8Array, headroomBytes = HEADROOM_BYTES): void {
    const slot = this.pool.acquire();
    assert(slot !== NO_SLOT);
    const offset = this.pool.offsetOf(slot) + headroomBytes;
    this.pool.bytes.set(frame, offset);
    dissect(this.pool.bytes, offset, frame.length, this.#dissection);
    this.path.sendDissected(slot, offset, frame.length, this.#dissection, this.nowMs);
  }

  /** All datagrams that wait, in the order in which they go. */
  datagrams(): Uint8Array[] {
    const datagrams: Uint8Array[] = [];
    while (this.path.queue.dequeue(this.nowMs)) {
      const { slot, offset, length } = this.path.queue;
      datagrams.push(this.pool.bytes.slice(offset, offset + length));
      this.pool.release(slot);
    }
    return datagrams;
  }

  receive(datagram: Uint8Array): void {
    // Not at index 0, and with other bytes around it.
    const bytes = new Uint8Array(datagram.length + 100).fill(0xee);
    bytes.set(datagram, 50);
    this.path.handleDatagram(bytes, 50, datagram.length, this.nowMs, this);
  }

  frame(bytes: Uint8Array, offset: number, length: number, sourcePeerId: PeerId): void {
    this.frames.push({ bytes: bytes.slice(offset, offset + length), sourcePeerId });
  }

  assertDrops(drops: Partial<Record<DropReason, number>>): void {
    assertEquals(this.counters.snapshot().drops, drops);
  }

  /** Every slot is free again. */
  assertNothingHeld(): void {
    assertEquals(this.path.queue.queuedEntries, 0);
    assertEquals(this.pool.freeSlots, this.pool.slotCount);
  }
}

/** A frame of an experimental type whose bytes count upwards. */
function frameOf(bytes: number, seed = 0): Uint8Array {
  const frame = new Uint8Array(bytes);
  for (let index = 14; index < bytes; index++) frame[index] = (index + seed) & 0xff;
  frame.set(Uint8Array.fromHex("0200000000010200000000518875").subarray(0, bytes));
  return frame;
}

/** The datagram with which the relay hands a piece on. */
function piece(sourcePeerId: PeerId, frameId: number, place: number, content: Uint8Array) {
  const datagram = new Uint8Array(8 + content.length);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, 0x0101);
  view.setUint16(2, sourcePeerId);
  view.setUint16(4, frameId);
  view.setUint16(6, place);
  datagram.set(content, 8);
  return datagram;
}

function whole(sourcePeerId: PeerId, frame: Uint8Array): Uint8Array {
  return Uint8Array.of(1, 0, sourcePeerId >> 8, sourcePeerId & 0xff, ...frame);
}

//= PROTOCOL.md 8
//# **source peer id**: endpoints send 0.
Deno.test("a frame that fits goes whole, behind four bytes, from source 0", () => {
  const bench = new Bench();
  for (const bytes of [14, 60, 1435]) {
    const frame = frameOf(bytes);
    bench.send(frame);
    assertEquals(bench.datagrams(), [Uint8Array.of(1, 0, 0, 0, ...frame)]);
  }
  assertEquals(bench.counters.framesSent, 3);
  assertEquals(bench.counters.bytesSent, 14 + 60 + 1435);
  assertEquals(bench.counters.datagramsSent, 3);
  assertEquals(bench.counters.framesSplit, 0);
  bench.assertNothingHeld();
});

//= PROTOCOL.md 9.1
//# A frame goes whole if frame + 4 bytes fit into the connection's present maximum datagram.
Deno.test("a frame of one byte more is cut, byte for byte as the protocol says", () => {
  const bench = new Bench();
  const frame = frameOf(1436);
  bench.send(frame);
  const [first, second, ...more] = bench.datagrams();
  assertEquals(more, []);
  assertEquals(first.length, 1439);
  assertEquals(first.subarray(0, 8).toHex(), "0101000000008000");
  assertEquals(first.subarray(8), frame.subarray(0, 1431));
  assertEquals(second.subarray(0, 8).toHex(), "0101000000000597");
  assertEquals(second.subarray(8, 22), frame.subarray(0, 14));
  assertEquals(second.subarray(22), frame.subarray(1431));
  assertEquals(bench.counters.framesSplit, 1);
  assertEquals(bench.counters.framesSent, 1);
  assertEquals(bench.counters.datagramsSent, 2);
  bench.assertNothingHeld();
});

//= PROTOCOL.md 9.1
//# Frame ids: an endpoint counts through 0 … 7FFF and around.
Deno.test("frame ids count from 0 to 0x7FFF and begin again", () => {
  const bench = new Bench();
  const ids: number[] = [];
  const frame = frameOf(1500);
  for (let count = 0; count < 0x8002; count++) {
    bench.send(frame);
    assert(bench.path.queue.dequeue(bench.nowMs));
    const { offset } = bench.path.queue;
    ids.push(bench.pool.bytes[offset + 4] << 8 | bench.pool.bytes[offset + 5]);
    bench.pool.release(bench.path.queue.slot);
    assert(bench.path.queue.dequeue(bench.nowMs));
    bench.pool.release(bench.path.queue.slot);
  }
  assertEquals(ids.slice(0, 3), [0, 1, 2]);
  assertEquals(ids.slice(-3), [0x7fff, 0, 1]);
  assertEquals(new Set(ids).size, 0x8000);
});

//= PROTOCOL.md 6.5
//# | `framesSplit`, `framesReassembled` | count
Deno.test("frames of every length come out of the other side as they went in", () => {
  const sender = new Bench();
  const receiver = new Bench();
  for (const maximum of [608, 609, 700, 1187, 1439, 1526]) {
    sender.path.setMaximum(maximum);
    for (let bytes = 14; bytes <= 1522; bytes += bytes < 1500 ? 37 : 1) {
      const frame = frameOf(bytes, maximum);
      sender.send(frame);
      const datagrams = sender.datagrams();
      for (const datagram of datagrams) {
        assert(datagram.length <= maximum);
        receiver.receive(datagram);
      }
      assertEquals(receiver.frames.pop(), { bytes: frame, sourcePeerId: 0 }, `${bytes}`);
      assertEquals(receiver.frames.length, 0);
    }
  }
  assertEquals(sender.counters.framesSent, receiver.counters.framesReceived);
  assertEquals(sender.counters.bytesSent, receiver.counters.bytesReceived);
  assertEquals(sender.counters.datagramsSent, receiver.counters.datagramsReceived);
  assertEquals(sender.counters.framesSplit, receiver.counters.framesReassembled);
  sender.assertDrops({});
  receiver.assertDrops({});
  sender.assertNothingHeld();
});

Deno.test("pieces may come in any order, and between those of another peer", () => {
  const bench = new Bench();
  const alice = frameOf(1400, 1);
  const bob = frameOf(1300, 2);
  const later = (frame: Uint8Array, from: number) =>
    Uint8Array.of(...frame.subarray(0, 14), ...frame.subarray(from));
  bench.receive(piece(asPeerId(3), 0x8000, 700, later(alice, 700)));
  bench.receive(piece(asPeerId(4), 0x8000, 600, later(bob, 600)));
  bench.receive(piece(asPeerId(4), 0x8000, 0x8000, bob.subarray(0, 600)));
  bench.receive(piece(asPeerId(3), 0x8000, 0x8000, alice.subarray(0, 700)));
  assertEquals(bench.frames, [
    { bytes: bob, sourcePeerId: 4 },
    { bytes: alice, sourcePeerId: 3 },
  ]);
  assertEquals(bench.counters.framesReassembled, 2);
});

Deno.test("frames that cannot go are counted by their reason, and their slots given back", () => {
  const bench = new Bench();
  bench.send(frameOf(13));
  bench.send(frameOf(1523));
  bench.path.setMaximum(607);
  bench.send(frameOf(604));
  bench.send(frameOf(603));
  bench.path.close();
  bench.send(frameOf(60));
  bench.assertDrops({ "short-frame": 1, "over-long": 1, "budget": 1, "not-joined": 1 });
  assertEquals(bench.counters.framesSent, 1);
  bench.assertNothingHeld();
});

Deno.test("when slots run out in the middle of a frame, its first piece alone goes", () => {
  const bench = new Bench(2);
  const held = bench.pool.acquire();
  bench.send(frameOf(1500));
  assertEquals(bench.datagrams().length, 1);
  bench.assertDrops({ "no-buffer": 1 });
  bench.pool.release(held);
  bench.assertNothingHeld();
});

Deno.test("a slot with more than the headroom is used where its frame lies", () => {
  const bench = new Bench();
  const frame = frameOf(1500);
  bench.send(frame, 300);
  const [first] = bench.datagrams();
  assertEquals(first.subarray(8), frame.subarray(0, 1431));
  bench.assertNothingHeld();
});

//= PROTOCOL.md 5.1
//# Datagrams that arrive before the welcome may be dropped: datagrams and stream are not in order
//# with each other.
Deno.test("datagrams before the welcome are dropped and counted apart", () => {
  const bench = new Bench(64, false);
  bench.receive(whole(asPeerId(3), frameOf(60)));
  bench.receive(Uint8Array.of(9));
  bench.assertDrops({ "before-welcome": 2 });
  assertEquals(bench.counters.datagramsReceived, 2);
  assertEquals(bench.frames, []);
});

//= PROTOCOL.md 8
//# An endpoint drops and counts only.
Deno.test("malformed datagrams are counted by what is wrong with them", () => {
  const bench = new Bench();
  const frame = frameOf(1400);
  bench.receive(Uint8Array.of(1, 0, 0));
  bench.receive(Uint8Array.of(2, 0, 0, 3, ...frame));
  bench.receive(Uint8Array.of(1, 2, 0, 3, ...frame));
  bench.receive(whole(asPeerId(3), frame.subarray(0, 13)));
  bench.receive(piece(asPeerId(3), 1, 0, frame));
  bench.receive(piece(asPeerId(3), 1, 0x8000, frame.subarray(0, 599)));
  bench.receive(piece(asPeerId(3), 1, 0x8000 | 599, frame));
  bench.receive(piece(asPeerId(3), 1, 600, frame.subarray(0, 14)));
  bench.assertDrops({
    "malformed-short": 1,
    "malformed-version": 1,
    "malformed-flags": 1,
    "malformed-short-frame": 1,
    "malformed-first-piece": 2,
    "malformed-piece-offset": 1,
    "malformed-empty-piece": 1,
  });
  assertEquals(bench.frames, []);
  assertEquals(bench.counters.framesReceived, 0);
});

Deno.test("a frame over 1522 bytes is dropped, whole or in pieces", () => {
  const bench = new Bench();
  bench.receive(whole(asPeerId(3), frameOf(1522)));
  bench.receive(whole(asPeerId(3), frameOf(1523)));
  bench.receive(piece(asPeerId(3), 1, 1400, frameOf(14 + 123)));
  bench.assertDrops({ "over-long": 1, "reassembly-over-long": 1 });
  assertEquals(bench.frames.length, 1);
});

Deno.test("pieces that contradict each other drop their frame", () => {
  const bench = new Bench();
  const frame = frameOf(1400);
  bench.receive(piece(asPeerId(3), 1, 0x8000, frame.subarray(0, 700)));
  bench.receive(piece(asPeerId(3), 1, 0x8000, frame.subarray(0, 700)));
  bench.receive(
    piece(asPeerId(3), 1, 700, Uint8Array.of(...frame.subarray(0, 14), ...frame.subarray(700))),
  );
  bench.assertDrops({ "reassembly-overlap": 1, "reassembly-dropped": 1 });
  assertEquals(bench.frames, []);
});

Deno.test("a frame whose pieces do not all come is given up after half a second", () => {
  const bench = new Bench();
  bench.receive(piece(asPeerId(3), 1, 0x8000, frameOf(700)));
  assertEquals(bench.path.nextDeadlineMs(), bench.nowMs + 500);
  bench.nowMs += 499;
  bench.path.handleTimer(bench.nowMs);
  bench.assertDrops({});
  bench.nowMs += 1;
  bench.path.handleTimer(bench.nowMs);
  bench.assertDrops({ "reassembly-expired": 1 });
  assertEquals(bench.path.nextDeadlineMs(), Infinity);
  for (const frameId of [2, 3]) bench.receive(piece(asPeerId(3), frameId, 0x8000, frameOf(700)));
  bench.nowMs += 500;
  bench.path.handleTimer(bench.nowMs);
  bench.assertDrops({ "reassembly-expired": 3 });
});

Deno.test("the 65th open frame of a peer pushes its oldest out", () => {
  const bench = new Bench();
  for (let frameId = 0; frameId < 65; frameId++) {
    bench.receive(piece(asPeerId(3), frameId, 0x8000, frameOf(700)));
  }
  bench.assertDrops({ "reassembly-gave-way": 1 });
  for (let frameId = 65; frameId < 68; frameId++) {
    bench.receive(piece(asPeerId(3), frameId, 0x8000, frameOf(700)));
  }
  bench.assertDrops({ "reassembly-gave-way": 4 });
});

//= PROTOCOL.md 9.2
//# When a `peerLeft` comes, that peer's open frames are given up.
Deno.test("what a peer left half-sent goes with it, uncounted", () => {
  const bench = new Bench();
  bench.receive(piece(asPeerId(3), 1, 0x8000, frameOf(700)));
  bench.path.dropSource(asPeerId(3));
  assertEquals(bench.path.nextDeadlineMs(), Infinity);
  bench.assertDrops({});
});

Deno.test("what waits longer than 20 ms is dropped and counted", () => {
  const bench = new Bench();
  bench.send(frameOf(60));
  bench.nowMs += 21;
  assertEquals(bench.datagrams(), []);
  bench.assertDrops({ "queue-late": 1 });
  bench.send(frameOf(60));
  bench.nowMs += 21;
  bench.path.handleTimer(bench.nowMs);
  bench.assertDrops({ "queue-late": 2 });
  assertEquals(bench.counters.datagramsSent, 0);
  bench.assertNothingHeld();
});

Deno.test("what CoDel drops of a copy is counted apart from what is late", () => {
  const bench = new Bench(512);
  const { queue } = bench.path;
  for (let ms = 0; ms < 190; ms++) {
    for (let count = 0; count < 2; count++) bench.send(frameOf(700));
    if (queue.dequeue(++bench.nowMs)) bench.pool.release(queue.slot);
  }
  bench.assertDrops({ "queue-codel": 1 });
  bench.nowMs += 100;
  bench.path.handleTimer(bench.nowMs);
  bench.assertDrops({ "queue-codel": 1, "queue-late": 189 });
  bench.assertNothingHeld();
});

Deno.test("more than the queue holds pushes the oldest out, counted and given back", () => {
  const bench = new Bench(512);
  for (let count = 0; count < 500; count++) bench.send(frameOf(1400, count));
  assertEquals(bench.path.queue.queuedEntries, 205); // four fifths of the arena
  const sent = bench.datagrams().length;
  assertEquals(bench.counters.snapshot().drops["queue-overflow"], 500 - sent);
  bench.assertNothingHeld();
});

Deno.test("leaving the room empties the queue, and the next room begins clean", () => {
  const bench = new Bench();
  bench.send(frameOf(60));
  bench.receive(piece(asPeerId(3), 1, 0x8000, frameOf(1400).subarray(0, 700)));
  bench.path.close();
  bench.assertNothingHeld();
  bench.path.open(1439);
  const rest = frameOf(1400);
  bench.receive(
    piece(asPeerId(3), 1, 700, Uint8Array.of(...rest.subarray(0, 14), ...rest.subarray(700))),
  );
  assertEquals(bench.frames, []);
});

Deno.test("an ARP request passes a bulk flow that was there before", () => {
  const bench = new Bench();
  for (let count = 0; count < 20; count++) bench.send(frameOf(1400));
  const arp = frameOf(60);
  arp[12] = 0x08;
  arp[13] = 0x06;
  bench.send(arp);
  const order = bench.datagrams().map((datagram) => datagram.length);
  assert(order.indexOf(64) < 3, `${order}`);
});

Deno.test("the pieces of one frame stay in order and together with their flow", () => {
  const bench = new Bench();
  for (let count = 0; count < 10; count++) bench.send(frameOf(1500, count));
  const ids = bench.datagrams().map((datagram) => datagram[5] * 2 + (datagram[6] >> 7));
  assertEquals(ids, Array.from({ length: 10 }, (_, id) => [id * 2 + 1, id * 2]).flat());
});
