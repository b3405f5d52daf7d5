/**
 * The MACs of a room's LAN, as its gateway's frames show them: what is sent to one of them is no unknown
 * unicast, and no player gets that of a station that goes on speaking.
 *
 * Two tables take turns, so that memory is bounded and nothing needs a time per address: when one is full
 * or old enough, the other is emptied and becomes the present one. An address that goes on speaking is
 * always in one of them.
 *
 * @module
 */
import { MAC_BYTES } from "../proto/mac.ts";
import { MacTable } from "../proto/mac_table.ts";

/** Addresses in each of the two tables. */
export const LAN_MACS_MAX = 512;
/** A silent address is forgotten after this long at the earliest, and twice as long at the latest. */
export const LAN_MAC_AGE_MS = 600_000;

/** Whose MAC has been in so many frames … */
export const STATION_FRAMES_MIN = 3;
/** … each within this time of the one before, and of now, is a station: one frame is soon forged, or stray. */
export const STATION_SILENCE_MAX_MS = 60_000;

/** A table's value: the second of the last frame, behind so many bits of how many there were. */
const COUNT_BITS = 2;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const SECOND_MS = 1_000;

/** Learns and forgets without an allocation. */
export class LanMacs {
  #present = new MacTable(LAN_MACS_MAX);
  #former = new MacTable(LAN_MACS_MAX);
  #turnedMs: number;
  readonly #openedMs: number;

  constructor(openedMs: number) {
    this.#openedMs = openedMs;
    this.#turnedMs = openedMs;
  }

  /** The gateway has sent a frame that begins at `bytes[frame]`: somebody in the LAN has its source MAC. */
  learn(bytes: Uint8Array, frame: number, nowMs: number): void {
    if (nowMs - this.#turnedMs >= LAN_MAC_AGE_MS) this.#turn(nowMs);
    const source = frame + MAC_BYTES;
    const present = this.#present.get(bytes, source);
    const last = present >= 0 ? present : this.#former.get(bytes, source);
    const value = this.#secondOf(nowMs) << COUNT_BITS |
      Math.min(this.#countOf(last, nowMs) + 1, STATION_FRAMES_MIN);
    if (value === present || this.#present.set(bytes, source, value)) return;
    this.#turn(nowMs);
    this.#present.set(bytes, source, value);
  }

  /** Whether the destination of a frame at `bytes[frame]` has spoken lately. */
  knows(bytes: Uint8Array, frame: number): boolean {
    return this.#present.get(bytes, frame) >= 0 || this.#former.get(bytes, frame) >= 0;
  }

  /** Whether a station has the MAC at `bytes[offset]`, and not only a frame or two that say so. */
  isStation(bytes: Uint8Array, offset: number, nowMs: number): boolean {
    const last = Math.max(this.#present.get(bytes, offset), this.#former.get(bytes, offset));
    //= PROTOCOL.md 7.5
    //# A client is refused, too, if its MAC is not kept for it and the gateway has sent at least 3
    //# frames from it, none of them 60 s after the one before, the last within 60 s: a station of
    //# the LAN has it.
    //= PROTOCOL.md 7.5
    //# A single frame shows nothing, since it is soon forged, or may be the player's own that came
    //# by another room's gateway.
    return this.#countOf(last, nowMs) >= STATION_FRAMES_MIN;
  }

  /** Forgets a MAC until it speaks again; false if it was not known. */
  forget(mac: Uint8Array): boolean {
    const wasPresent = this.#present.delete(mac, 0);
    return this.#former.delete(mac, 0) || wasPresent;
  }

  /** In how many frames a MAC was, none of them too long after the one before. */
  #countOf(value: number, nowMs: number): number {
    const silentMs = (this.#secondOf(nowMs) - (value >> COUNT_BITS)) * SECOND_MS;
    return value < 0 || silentMs >= STATION_SILENCE_MAX_MS ? 0 : value & COUNT_MASK;
  }

  #secondOf(nowMs: number): number {
    return Math.floor((nowMs - this.#openedMs) / SECOND_MS);
  }

  #turn(nowMs: number): void {
    const oldest = this.#former;
    oldest.clear();
    this.#former = this.#present;
    this.#present = oldest;
    this.#turnedMs = nowMs;
  }
}
