/**
 * Keeps the LAN's switches knowing that a remote player lives behind the gateway's port.
 *
 * A switch learns a station's port from the frames that it sends (its CAM or MAC table), and forgets
 * it after some minutes of silence; then it floods that station's traffic to every port. A short
 * broadcast in the player's name, at join and each minute, reaches every switch of the LAN:
 *
 * ```
 *  ff:ff:ff:ff:ff:ff │ the player's MAC │ 88b5 │ "lanparty", zeros up to 60 bytes
 * ```
 *
 * A broadcast of the player's own teaches just the same, and puts the next refresh off.
 *
 * @module
 */
import { EtherType, FRAME_BYTES_MIN, SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { equalMacs, MAC_BYTES } from "../proto/mac.ts";
import type { Roster } from "./roster.ts";

/** Time between two refreshes of a player, well below the 300 s after which switches forget. */
export const CAM_REFRESH_INTERVAL_MS = 60_000;
/** Time between two refreshes of a player at least, whatever happens: joins, links that flap, loops. */
export const CAM_REFRESH_SPACING_MS = 500;
/** Refreshes of all players together, sustained … */
export const CAM_REFRESHES_PER_SECOND_MAX = 100;
/** … and at once, after a pause. */
export const CAM_REFRESH_BURST_MAX = 16;

const RATE_PER_MS = CAM_REFRESHES_PER_SECOND_MAX / 1000;

/** Takes a frame to be put on the LAN; the bytes are only good until it returns. */
export type EmitFrame = (bytes: Uint8Array, offset: number, length: number) => void;

/** The timetable of refreshes; players are known by their place in the roster. */
export class CamRefresher {
  readonly #macs: Uint8Array;
  /** Per place: when the next refresh is due; Infinity: no player there. */
  readonly #dueMs: Float64Array;
  /** Per place: when its MAC was refreshed last. */
  readonly #sentMs: Float64Array;
  readonly #frame = refreshFrame();
  /** Not later than the earliest of `#dueMs`. */
  #earliestMs = Infinity;
  /** Where the next search begins, so that nobody is always last. */
  #cursor = 0;
  /** The place of the player whose refresh was asked for last. */
  #lastAsked = -1;
  #allowance = CAM_REFRESH_BURST_MAX;
  #allowanceMs = -Infinity;

  constructor(playersMax: number) {
    this.#macs = new Uint8Array(playersMax * MAC_BYTES);
    this.#dueMs = new Float64Array(playersMax).fill(Infinity);
    this.#sentMs = new Float64Array(playersMax).fill(-Infinity);
  }

  /** A player joined, or is back: due at once. */
  add(place: number, mac: Uint8Array, nowMs: number): void {
    const at = place * MAC_BYTES;
    if (!equalMacs(mac, 0, this.#macs, at)) this.#sentMs[place] = -Infinity;
    this.#macs.set(mac.subarray(0, MAC_BYTES), at);
    this.#makeDue(place, nowMs);
  }

  /** A player left. */
  remove(place: number): void {
    this.#dueMs[place] = Infinity;
  }

  /** All players left. */
  clear(): void {
    this.#dueMs.fill(Infinity);
    this.#earliestMs = Infinity;
  }

  /** Every player is due at once: the LAN's cable is in again, maybe in another switch. */
  refreshAll(nowMs: number): void {
    for (let place = 0; place < this.#dueMs.length; place++) {
      if (this.#dueMs[place] !== Infinity) this.#makeDue(place, nowMs);
    }
  }

  //= PROTOCOL.md 12
  //# A broadcast of the client's own does as well.
  /** An untagged broadcast of the player's own went out to the LAN. */
  noteBroadcast(place: number, nowMs: number): void {
    if (this.#dueMs[place] !== Infinity) this.#dueMs[place] = nowMs + CAM_REFRESH_INTERVAL_MS;
  }

  /**
   * Emits what is due, within the bounds of the rate.
   *
   * @returns how many frames that were
   */
  handleTimer(nowMs: number, emit: EmitFrame): number {
    if (nowMs < this.nextDeadlineMs()) return 0;
    this.#refillAllowance(nowMs);
    const places = this.#dueMs.length;
    const first = this.#cursor;
    let emitted = 0;
    let earliestMs = Infinity;
    for (let step = 0; step < places; step++) {
      const place = (first + step) % places;
      if (this.#dueMs[place] <= nowMs && this.#allowance >= 1) {
        this.#allowance--;
        this.#dueMs[place] = nowMs + CAM_REFRESH_INTERVAL_MS;
        this.#sentMs[place] = nowMs;
        this.#cursor = (place + 1) % places;
        emitted++;
        this.#emitOne(place, emit);
      }
      earliestMs = Math.min(earliestMs, this.#dueMs[place]);
    }
    this.#earliestMs = earliestMs;
    return emitted;
  }

  /**
   * Emits the refresh of one player of those that are there, of the next one with each call, whatever is
   * due: where it comes back, there is a loop.
   */
  refreshNext(roster: Roster, emit: EmitFrame): void {
    const place = roster.nextPlace(this.#lastAsked);
    if (place < 0) return;
    this.#lastAsked = place;
    const mac = roster.macAt(place);
    for (let index = 0; index < MAC_BYTES; index++) {
      this.#frame[SOURCE_MAC_OFFSET + index] = mac[index];
    }
    emit(this.#frame, 0, FRAME_BYTES_MIN);
  }

  /** When {@link CamRefresher.handleTimer} has something to do, or something to look at. */
  nextDeadlineMs(): number {
    if (this.#earliestMs === Infinity || this.#allowance >= 1) return this.#earliestMs;
    return Math.max(this.#earliestMs, this.#allowanceMs + (1 - this.#allowance) / RATE_PER_MS);
  }

  #makeDue(place: number, nowMs: number): void {
    const dueMs = Math.max(nowMs, this.#sentMs[place] + CAM_REFRESH_SPACING_MS);
    this.#dueMs[place] = dueMs;
    this.#earliestMs = Math.min(this.#earliestMs, dueMs);
  }

  #refillAllowance(nowMs: number): void {
    const gained = (nowMs - this.#allowanceMs) * RATE_PER_MS;
    this.#allowance = Math.min(CAM_REFRESH_BURST_MAX, this.#allowance + gained);
    this.#allowanceMs = nowMs;
  }

  #emitOne(place: number, emit: EmitFrame): void {
    const at = place * MAC_BYTES;
    for (let index = 0; index < MAC_BYTES; index++) {
      this.#frame[SOURCE_MAC_OFFSET + index] = this.#macs[at + index];
    }
    emit(this.#frame, 0, FRAME_BYTES_MIN);
  }
}

//= PROTOCOL.md 12
//# **Teaching switches.** When a client joins, when the gateway's own session begins anew, and each
//# 60 s from then on, the gateway puts this frame on the LAN, so that switches learn where the
//# client is.
function refreshFrame(): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES_MIN).fill(0xff, 0, MAC_BYTES);
  frame[12] = EtherType.camRefresh >> 8;
  frame[13] = EtherType.camRefresh & 0xff;
  frame.set(new TextEncoder().encode("lanparty"), 14);
  return frame;
}
