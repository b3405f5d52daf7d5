/**
 * Totals of one side of a tunnel: what `stats` messages, metrics and pages show.
 *
 * @module
 */

import { DROP_REASONS, type DropCode, type DropReason } from "./drops.ts";

/** Totals as plain values; reasons that never occurred are left out. */
export interface TrafficSnapshot {
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly datagramsSent: number;
  readonly datagramsReceived: number;
  readonly framesSplit: number;
  readonly framesReassembled: number;
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
}

/**
 * Totals, written by hot paths directly. "Sent" is into the tunnel and "received" out of it, as the
 * side that counts sees it; bytes are those of Ethernet frames without their datagram headers.
 */
export class TrafficCounters {
  framesSent = 0;
  framesReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  datagramsSent = 0;
  datagramsReceived = 0;
  /** Frames that went out in pieces, and frames that were put together again. */
  framesSplit = 0;
  framesReassembled = 0;
  /** Drops by code. */
  readonly drops: Float64Array = new Float64Array(DROP_REASONS.length);

  /** Counts one drop. */
  drop(code: DropCode): void {
    this.drops[code]++;
  }

  /** Counts several drops of one reason. */
  dropMany(code: DropCode, count: number): void {
    this.drops[code] += count;
  }

  /** Drops of all reasons. */
  get dropsTotal(): number {
    let total = 0;
    for (let code = 0; code < this.drops.length; code++) total += this.drops[code];
    return total;
  }

  /** Adds another's totals to these: a room's from its peers', a relay's from its rooms'. */
  add(other: TrafficCounters): void {
    this.framesSent += other.framesSent;
    this.framesReceived += other.framesReceived;
    this.bytesSent += other.bytesSent;
    this.bytesReceived += other.bytesReceived;
    this.datagramsSent += other.datagramsSent;
    this.datagramsReceived += other.datagramsReceived;
    this.framesSplit += other.framesSplit;
    this.framesReassembled += other.framesReassembled;
    for (let code = 0; code < this.drops.length; code++) this.drops[code] += other.drops[code];
  }

  /** The totals now, in the form of a `stats` message. */
  snapshot(): TrafficSnapshot {
    const drops: Partial<Record<DropReason, number>> = {};
    for (let code = 0; code < this.drops.length; code++) {
      if (this.drops[code] > 0) drops[DROP_REASONS[code]] = this.drops[code];
    }
    return {
      framesSent: this.framesSent,
      framesReceived: this.framesReceived,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      datagramsSent: this.datagramsSent,
      datagramsReceived: this.datagramsReceived,
      framesSplit: this.framesSplit,
      framesReassembled: this.framesReassembled,
      drops,
    };
  }
}
