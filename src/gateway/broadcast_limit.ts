/**
 * How much broadcast and multicast of the LAN may enter the tunnel: every such frame goes to every
 * player, over the uplink once and over the relay's as often as there are players.
 *
 * One token bucket for all, of which the last quarter is kept for what others wait for (ARP, leases,
 * discovery), and one for each station, so that one that floods does not take everybody's share.
 *
 * @module
 */
import { type Dissection, IpProtocol } from "../proto/dissect.ts";
import { EtherType } from "../proto/ethernet.ts";
import { Icmpv6Type, UdpPort } from "../proto/ip.ts";
import { isSparse } from "../queue/flow.ts";

/** How much may enter. A bucket holds what comes in half a second. */
export interface BroadcastLimits {
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of one source MAC. */
  readonly stationFramesPerSecond: number;
}

/** Enough for a hundred players whose game sends its state by broadcast, and for a whole game's talk. */
export const BROADCAST_LIMITS_DEFAULT: BroadcastLimits = {
  framesPerSecond: 2_000,
  bytesPerSecond: 1_000_000,
  stationFramesPerSecond: 500,
};

/** Buckets of stations; stations whose MACs fall together share one. */
const STATIONS = 1_024;
const BUCKET_SECONDS = 0.5;
/** What ordinary broadcast must leave in the bucket for the urgent. */
const RESERVED_SHARE = 0.25;

/** By which hosts and games' servers are found. */
const DISCOVERY_PORTS: readonly number[] = [
  ...[UdpPort.netbiosNames, UdpPort.netbiosDatagrams, UdpPort.ssdp, UdpPort.wsDiscovery],
  ...[UdpPort.mdns, UdpPort.llmnr],
];

/** Whether others wait for a frame: address resolution, leases, group membership, discovery. */
export function isUrgentBroadcast(frame: Dissection): boolean {
  if (isSparse(frame) || frame.etherType === EtherType.camRefresh) return true;
  switch (frame.ipProtocol) {
    case IpProtocol.udp:
      return DISCOVERY_PORTS.includes(frame.destinationPort);
    case IpProtocol.igmp:
      return frame.ipVersion === 4;
    case IpProtocol.icmpv6:
      return frame.icmpType >= Icmpv6Type.multicastListenerQuery &&
          frame.icmpType <= Icmpv6Type.multicastListenerDone ||
        frame.icmpType === Icmpv6Type.multicastListenerReportV2;
    default:
      return false;
  }
}

/** The buckets of one gateway. Nothing allocates after the constructor. */
export class BroadcastLimiter {
  readonly #limits: BroadcastLimits;
  #frames: number;
  #bytes: number;
  #filledMs = -Infinity;
  readonly #stationFrames = new Float64Array(STATIONS);
  readonly #stationFilledMs = new Float64Array(STATIONS).fill(-Infinity);

  constructor(limits: BroadcastLimits = BROADCAST_LIMITS_DEFAULT) {
    this.#limits = limits;
    this.#frames = limits.framesPerSecond * BUCKET_SECONDS;
    this.#bytes = limits.bytesPerSecond * BUCKET_SECONDS;
  }

  /**
   * Whether a broadcast may enter now; if so it has taken its tokens.
   *
   * @param macOffset where its source MAC is in `bytes`
   * @param count into how many frames it will be cut
   */
  admit(
    bytes: Uint8Array,
    macOffset: number,
    lengthBytes: number,
    count: number,
    urgent: boolean,
    nowMs: number,
  ): boolean {
    const { framesPerSecond, bytesPerSecond, stationFramesPerSecond } = this.#limits;
    const framesMax = framesPerSecond * BUCKET_SECONDS;
    const bytesMax = bytesPerSecond * BUCKET_SECONDS;
    const seconds = Math.max(0, nowMs - this.#filledMs) / 1000;
    this.#frames = Math.min(framesMax, this.#frames + seconds * framesPerSecond);
    this.#bytes = Math.min(bytesMax, this.#bytes + seconds * bytesPerSecond);
    this.#filledMs = Math.max(this.#filledMs, nowMs);
    const reserve = urgent ? 0 : RESERVED_SHARE;
    if (this.#frames - count < reserve * framesMax) return false;
    if (this.#bytes - lengthBytes < reserve * bytesMax) return false;

    const station = stationOf(bytes, macOffset);
    const stationMax = stationFramesPerSecond * BUCKET_SECONDS;
    const idleSeconds = Math.max(0, nowMs - this.#stationFilledMs[station]) / 1000;
    const gained = Math.min(stationMax, idleSeconds * stationFramesPerSecond);
    const left = Math.min(stationMax, this.#stationFrames[station] + gained);
    this.#stationFilledMs[station] = Math.max(this.#stationFilledMs[station], nowMs);
    this.#stationFrames[station] = left;
    // A station's own flood does not keep its ARP from passing.
    if (left - count < (urgent ? 0 : RESERVED_SHARE * stationMax)) return false;
    this.#stationFrames[station] = left - count;
    this.#frames -= count;
    this.#bytes -= lengthBytes;
    return true;
  }
}

function stationOf(bytes: Uint8Array, offset: number): number {
  const low = bytes[offset + 2] << 24 | bytes[offset + 3] << 16 | bytes[offset + 4] << 8 |
    bytes[offset + 5];
  const hash = Math.imul(low ^ (bytes[offset] << 8 | bytes[offset + 1]), 0x9e37_79b1);
  return (hash ^ hash >>> 15) & (STATIONS - 1);
}
