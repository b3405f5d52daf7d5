/**
 * The frame log: one record for each frame that passes, for those who look for a fault.
 *
 * @module
 */

import { formatMac } from "../proto/mac.ts";
import { type DropReason, dropReason, PASS, type Verdict } from "./drops.ts";

/** Where a frame comes from: a peer, the tunnel, or the LAN or adapter of this machine. */
export type FrameDirection = "from-peer" | "from-tunnel" | "from-link";

/** What happened to a frame. */
export type FrameAction = "forward" | "drop";

/** One frame, or one piece of a frame. */
export interface FrameRecord {
  /** The time that the core was given, ms; the sink knows what that is on the clock. */
  readonly timeMs: number;
  readonly room: string;
  /** The peer id of the sender as far as it is known, else 0. */
  readonly peer: number;
  readonly direction: FrameDirection;
  readonly sourceMac: string;
  readonly destinationMac: string;
  /** The EtherType behind VLAN tags; 0 if there is none. */
  readonly etherType: number;
  /** Bytes of the frame, or of the piece with its header. */
  readonly lengthBytes: number;
  readonly action: FrameAction;
  /** Only with `drop`. */
  readonly dropReason?: DropReason;
  /** To how many it goes. */
  readonly targets: number;
}

/** Takes records; must not throw. */
export type FrameSink = (record: FrameRecord) => void;

/**
 * Hands records to its sink. Callers test `enabled` before they call anything, so that a log that is
 * off costs one boolean:
 *
 * ```ts
 * if (log.enabled) log.record(nowMs, room, peerId, "from-peer", bytes, offset, length, etherType, PASS, 1);
 * ```
 */
export class FrameLog {
  /** Whether there is a sink. */
  readonly enabled: boolean;
  readonly #sink: FrameSink | undefined;
  readonly #oneIn: number;
  #skipped: number;

  /** @param oneIn of so many frames one is recorded, the first among them */
  constructor(sink?: FrameSink, oneIn = 1) {
    this.#sink = sink;
    this.#oneIn = oneIn;
    this.#skipped = oneIn - 1;
    this.enabled = sink !== undefined;
  }

  /**
   * Records a frame.
   *
   * @param offset index of the Ethernet header in `bytes`
   * @param length bytes from there on; with less than 12 the MACs are empty texts
   * @param verdict why it was dropped, or that it was forwarded
   */
  record(
    timeMs: number,
    room: string,
    peer: number,
    direction: FrameDirection,
    bytes: Uint8Array,
    offset: number,
    length: number,
    etherType: number,
    verdict: Verdict,
    targets: number,
  ): void {
    if (this.#sink === undefined) return;
    if (++this.#skipped < this.#oneIn) return;
    this.#skipped = 0;
    const hasMacs = length >= 12 && offset + 12 <= bytes.length;
    this.#sink({
      timeMs,
      room,
      peer,
      direction,
      sourceMac: hasMacs ? formatMac(bytes, offset + 6) : "",
      destinationMac: hasMacs ? formatMac(bytes, offset) : "",
      etherType,
      lengthBytes: length,
      action: verdict === PASS ? "forward" : "drop",
      ...(verdict === PASS ? {} : { dropReason: dropReason(verdict) }),
      targets,
    });
  }
}
