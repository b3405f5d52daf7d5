/** What each step of a frame's way costs by itself. */
import { GsoType, VIRTIO_NEEDS_CHECKSUM } from "../../src/offload/lan_frame.ts";
import { Segmenter } from "../../src/offload/segmenter.ts";
import { asPeerId } from "../../src/proto/brands.ts";
import {
  DATAGRAM_HEADER_BYTES,
  DatagramView,
  parseDatagram,
  writeDatagramHeader,
} from "../../src/proto/datagram.ts";
import { dissect, Dissection } from "../../src/proto/dissect.ts";
import { Reassembler } from "../../src/proto/reassembly.ts";
import { copyPiece, Splitter } from "../../src/proto/split.ts";
import { BufferPool, HEADROOM_BYTES, NO_SLOT, SLOT_BYTES } from "../../src/queue/buffer_pool.ts";
import { FairQueue } from "../../src/queue/fair_queue.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { flowOf } from "../../src/queue/flow.ts";
import { udpFrame } from "./udp_frame.ts";
import { type BenchRow, median } from "./table.ts";

const FRAME_BYTES = 1400;
const LONG_FRAME_BYTES = 1514;
const SUPER_FRAME_BYTES = 64_000;
const NARROW_DATAGRAM_BYTES = 1187;
const CALLS = 200_000;
const ROUNDS = 7;
const QUEUED = 32;
const TARGET_OFFSET = 2 * SLOT_BYTES + HEADROOM_BYTES;

/** Nanoseconds of each step, for frames of UDP over IPv4. */
export function measureCodec(): BenchRow[] {
  return [
    ...[["parse a datagram's header", parse()], ["dissect a frame", dissection()]] as const,
    ...[["name a frame's flow", flow()], ["queue and take out", queue()]] as const,
    ...[["cut a super-frame of 64 KB", cutSuperFrames()]] as const,
    ...[["split into two datagrams", split()], ["put two together", reassemble()]] as const,
  ].map(([name, ns]) => ({ name: `${name}, per frame`, figure: `${ns.toFixed(0)} ns` }));
}

/** The middle of some rounds; `work` does its step so many times. */
function nanoseconds(work: (calls: number) => void): number {
  work(CALLS);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    work(CALLS);
    return (performance.now() - startMs) * 1e6 / CALLS;
  });
  return median(rounds);
}

function parse(): number {
  const bytes = new Uint8Array(2048);
  bytes.set(udpFrame(FRAME_BYTES), DATAGRAM_HEADER_BYTES);
  writeDatagramHeader(bytes, 0, asPeerId(1));
  const view = new DatagramView();
  return nanoseconds((calls) => {
    for (let i = 0; i < calls; i++) parseDatagram(bytes, 0, FRAME_BYTES + 4 - (i & 7), view);
  });
}

function dissection(): number {
  const frame = udpFrame(FRAME_BYTES);
  const out = new Dissection();
  return nanoseconds((calls) => {
    for (let i = 0; i < calls; i++) dissect(frame, 0, FRAME_BYTES - (i & 7), out);
  });
}

function flow(): number {
  const frame = udpFrame(FRAME_BYTES);
  const out = new Dissection();
  dissect(frame, 0, FRAME_BYTES, out);
  return nanoseconds((calls) => {
    for (let i = 0; i < calls; i++) flowOf(frame, 0, FRAME_BYTES, out);
  });
}

function queue(): number {
  const pool = new BufferPool(4 * QUEUED);
  const fair = new FairQueue(new QueueArena(4 * QUEUED), pool);
  return nanoseconds((calls) => {
    for (let i = 0; i < calls; i += QUEUED) {
      for (let k = 0; k < QUEUED; k++) {
        const slot = pool.acquire();
        fair.enqueue(slot, pool.offsetOf(slot), FRAME_BYTES, k * 0x61c88647 & 0xffff, i);
      }
      while (fair.dequeue(i)) pool.release(fair.slot);
    }
  });
}

/** A frame's share of a super-frame that the gateway cuts, with all its checksums. */
function cutSuperFrames(): number {
  const bytes = udpFrame(SUPER_FRAME_BYTES);
  const superFrame = {
    ...{ bytes, offset: 0, length: SUPER_FRAME_BYTES, slot: NO_SLOT, vlanTpid: 0, vlanTci: 0 },
    ...{ virtioFlags: VIRTIO_NEEDS_CHECKSUM, gsoType: GsoType.udpSegments, segmentBytes: 1472 },
    ...{ checksumStart: 34, checksumOffset: 6 },
  };
  const segmenter = new Segmenter();
  const target = new Uint8Array(SLOT_BYTES);
  return nanoseconds((calls) => {
    for (let done = 0; done < calls;) {
      const segments = segmenter.begin(superFrame);
      if (segments < 1) throw new Error(`a super-frame that cannot be cut: ${segments}`);
      done += segments;
      while (segmenter.next(target, 0) > 0);
    }
  });
}

/** A slab, as programs have one: a frame at its start, and room for a datagram. */
function slabWithFrame(): Uint8Array<ArrayBuffer> {
  const slab = new Uint8Array(4 * SLOT_BYTES);
  slab.set(udpFrame(LONG_FRAME_BYTES), 0);
  return slab;
}

/** Cuts the slab's frame and hands each datagram's length on; it lies at `TARGET_OFFSET`. */
function cut(slab: Uint8Array, splitter: Splitter, id: number, use: (length: number) => void) {
  splitter.begin(LONG_FRAME_BYTES, NARROW_DATAGRAM_BYTES);
  while (splitter.next()) {
    const { byteOffset, pieceBytes, more } = splitter;
    use(copyPiece(slab, 0, byteOffset, pieceBytes, more, asPeerId(1), id, slab, TARGET_OFFSET));
  }
}

function split(): number {
  const slab = slabWithFrame();
  const splitter = new Splitter();
  let bytes = 0;
  return nanoseconds((calls) => {
    for (let i = 0; i < calls; i++) cut(slab, splitter, i & 0x7fff, (length) => bytes += length);
  });
}

function reassemble(): number {
  const slab = slabWithFrame();
  const splitter = new Splitter();
  const reassembler = new Reassembler();
  const view = new DatagramView();
  let nowMs = 0;
  const together = nanoseconds((calls) => {
    for (let i = 0; i < calls; i++) {
      nowMs = i / 1000;
      cut(slab, splitter, i & 0x7fff, (length) => {
        parseDatagram(slab, TARGET_OFFSET, length, view);
        reassembler.handlePiece(slab, view, nowMs);
      });
    }
  });
  return Math.max(0, together - split());
}
