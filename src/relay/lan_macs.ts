/**
 * The MACs of a room's LAN, as its gateway's frames show them: what is sent to one of them is no unknown
 * unicast.
 *
 * Two tables take turns, so that memory is bounded and nothing needs a time per address: when one is full
 * or old enough, the other is emptied and becomes the present one. An address that goes on speaking is
 * always in one of them.
 */
import { MAC_BYTES } from "../proto/mac.ts";
import { MacTable } from "../proto/mac_table.ts";

/** Addresses in each of the two tables. */
export const LAN_MACS_MAX = 512;
/** A silent address is forgotten after this long at the earliest, and twice as long at the latest. */
export const LAN_MAC_AGE_MS = 600_000;

/** Learns and forgets without an allocation. */
export class LanMacs {
  private present = new MacTable(LAN_MACS_MAX);
  private former = new MacTable(LAN_MACS_MAX);
  private turnedMs: number;

  constructor(nowMs: number) {
    this.turnedMs = nowMs;
  }

  /** The gateway has sent a frame that begins at `bytes[frame]`: somebody in the LAN has its source MAC. */
  learn(bytes: Uint8Array, frame: number, nowMs: number): void {
    if (nowMs - this.turnedMs >= LAN_MAC_AGE_MS) this.turn(nowMs);
    const source = frame + MAC_BYTES;
    if (this.present.get(bytes, source) >= 0 || this.present.set(bytes, source, 0)) return;
    this.turn(nowMs);
    this.present.set(bytes, source, 0);
  }

  /** Whether the destination of a frame at `bytes[frame]` has spoken lately. */
  knows(bytes: Uint8Array, frame: number): boolean {
    return this.present.get(bytes, frame) >= 0 || this.former.get(bytes, frame) >= 0;
  }

  private turn(nowMs: number): void {
    const oldest = this.former;
    oldest.clear();
    this.former = this.present;
    this.present = oldest;
    this.turnedMs = nowMs;
  }
}
