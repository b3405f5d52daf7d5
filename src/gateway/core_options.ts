/**
 * What a gateway's core is made with.
 *
 * @module
 */
import type { FramePath } from "../endpoint/frame_path.ts";
import type { TrafficCounters } from "../observe/counters.ts";
import type { FrameLog } from "../observe/frame_log.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { BroadcastLimits } from "./broadcast_limit.ts";

/** Players that a gateway serves at most, unless told otherwise. */
export const PLAYERS_MAX_DEFAULT = 1_024;

/** Where frames for the LAN go. */
export interface LanWriter {
  /** Sends one frame, or takes it into a batch; false if it is lost. */
  send(bytes: Uint8Array, offset: number, length: number): boolean;
  /** Whether its interface is up, and lets frames through. */
  readonly isUp: boolean;
  /** Whether something on this machine lets no players' frames through between it and the LAN. */
  readonly isHeld: boolean;
}

/** What a gateway core works with. */
export interface GatewayCoreOptions {
  readonly pool: BufferPool;
  readonly path: FramePath;
  readonly counters: TrafficCounters;
  readonly lan: LanWriter;
  /** Random bytes, of which the ids of its probes are made. */
  readonly random: (count: number) => Uint8Array;
  /** MAC of the LAN's interface, by which people find this gateway; absent: all zeros. */
  readonly lanMac?: Uint8Array;
  readonly broadcastLimits?: BroadcastLimits;
  /** Let IPv6 router advertisements of the LAN into the tunnel; the relay must allow them, too. */
  readonly allowRouterAdvertisements?: boolean;
  /** Let frames of VLANs out of the tunnel into the LAN; the relay must allow them, too. */
  readonly allowVlan?: boolean;
  readonly frameLog?: FrameLog;
  /** Players that the room may have. */
  readonly playersMax?: number;
}
