/** A gateway core between a LAN and a tunnel that are lists of frames. */
import { assertEquals } from "@std/assert";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { GatewayCore } from "../../../src/gateway/core.ts";
import type { LanFrame } from "../../../src/offload/lan_frame.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import type { DropReason } from "../../../src/observe/drops.ts";
import { FrameLog, type FrameRecord } from "../../../src/observe/frame_log.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { writeDatagramHeader } from "../../../src/proto/datagram.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { lanFrame } from "../offload/packets.ts";
import { hex, join, pattern, toHex } from "../proto/frames.ts";

export const PLAYER = "02:00:00:00:00:51";
export const OTHER = "02:00:00:00:00:52";
export const STATION = "00:11:22:33:44:55";
export const GATEWAY_MAC = "00:11:22:33:44:01";
export const BROADCAST = "ff:ff:ff:ff:ff:ff";

/** A frame of `count` bytes from one MAC to another, with a type (and what else stands there). */
export function frameOf(
  destination: string,
  source: string,
  count = 60,
  type = "0806",
): Uint8Array<ArrayBuffer> {
  const head = hex((destination + source).replaceAll(":", "") + type);
  return join(head, pattern(count - head.length, count));
}

/** See the module. Joined to a room as peer 9, with PLAYER as peer 1. */
export class GatewayHarness {
  readonly pool: BufferPool;
  readonly counters = new TrafficCounters();
  readonly path: FramePath;
  readonly core: GatewayCore;
  readonly records: FrameRecord[] = [];
  /** What was put on the LAN, as hex. */
  readonly lan: string[] = [];
  lanWorks = true;
  isLanUp = true;
  isLanHeld = false;
  nowMs = 1000;

  constructor(
    options: {
      slots?: number;
      playersMax?: number;
      log?: boolean;
      seed?: number;
      advertise?: boolean;
    } = {},
  ) {
    this.pool = new BufferPool(options.slots ?? 64);
    const { pool, counters } = this;
    const isUp = () => this.isLanUp;
    const isHeld = () => this.isLanHeld;
    this.path = new FramePath({ pool, arena: new QueueArena(1024), counters });
    this.core = new GatewayCore({
      pool,
      counters,
      path: this.path,
      lan: {
        send: (bytes, offset, length) => {
          if (this.lanWorks) this.lan.push(toHex(bytes.slice(offset, offset + length)));
          return this.lanWorks;
        },
        get isUp() {
          return isUp();
        },
        get isHeld() {
          return isHeld();
        },
      },
      frameLog: options.log ? new FrameLog((record) => this.records.push(record)) : new FrameLog(),
      playersMax: options.playersMax ?? 16,
      random: (count) => pattern(count, options.seed ?? 7),
      allowRouterAdvertisements: options.advertise ?? false,
      lanMac: hex(GATEWAY_MAC.replaceAll(":", "")),
    });
  }

  /** Enters a room with PLAYER in it, whose first refresh is made and forgotten. */
  static joined(options: ConstructorParameters<typeof GatewayHarness>[0] = {}): GatewayHarness {
    const harness = new GatewayHarness(options);
    harness.path.open(1439);
    harness.core.handleJoined("PARTY", asPeerId(9), harness.nowMs);
    harness.core.handlePeerJoined(
      { peerId: asPeerId(1), role: "client", mac: PLAYER },
      harness.nowMs,
    );
    harness.core.handleTimer(harness.nowMs);
    harness.tunnel();
    for (const bytes of ["bytesSent", "framesSent"] as const) harness.counters[bytes] = 0;
    harness.lan.length = 0;
    harness.records.length = 0;
    return harness;
  }

  /** A frame from the LAN, in memory of the device. */
  fromLan(bytes: Uint8Array, changes: Partial<LanFrame> = {}): void {
    this.core.handleLanFrame(lanFrame(bytes, changes), this.nowMs);
  }

  /** A frame from the LAN, in a slot of the pool. */
  fromLanInSlot(bytes: Uint8Array, changes: Partial<LanFrame> = {}): void {
    const slot = this.pool.acquire();
    const offset = this.pool.offsetOf(slot) + HEADROOM_BYTES;
    this.pool.bytes.set(bytes, offset);
    const { length } = bytes;
    this.core.handleLanFrame(
      lanFrame(this.pool.bytes, { ...changes, slot, offset, length }),
      this.nowMs,
    );
  }

  /** A whole frame out of the tunnel, in a datagram among other bytes. */
  fromTunnel(bytes: Uint8Array, peerId = 1): void {
    const memory = new Uint8Array(bytes.length + 100).fill(0xee);
    writeDatagramHeader(memory, 20, asPeerId(peerId));
    memory.set(bytes, 24);
    const before = toHex(memory);
    this.core.handleDatagram(memory, 20, bytes.length + 4, this.nowMs);
    assertEquals(toHex(memory), before, "the tunnel's memory was written to");
  }

  /** The frames that entered the tunnel, as hex; the slots are free again. */
  tunnel(): string[] {
    const frames: string[] = [];
    while (this.path.queue.dequeue(this.nowMs)) {
      const { slot, offset, length } = this.path.queue;
      frames.push(toHex(this.pool.bytes.slice(offset + 4, offset + length)));
      this.pool.release(slot);
    }
    assertEquals(this.pool.freeSlots, this.pool.slotCount, "a slot is lost");
    return frames;
  }

  /** Everything that was dropped, by reason. */
  drops(): Partial<Record<DropReason, number>> {
    return this.counters.snapshot().drops;
  }
}
