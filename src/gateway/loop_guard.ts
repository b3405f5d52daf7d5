/**
 * Notices that the LAN is reached twice, and stands still until it is not.
 *
 * ```
 *  own LAN probe    ──> comes in from the LAN     the LAN has a loop of its own
 *                   ──> comes out of the room     the room leads to the LAN
 *  own room probe   ──> comes in from the LAN     a player's PC bridges the room to the LAN
 *  another's probe  ──> comes in from the LAN     a second gateway: the younger one stands still
 *  a player's MAC   ──> comes in from the LAN     that player alone is not served
 * ```
 *
 * What players can send never stops the whole gateway: they do not know the id of its LAN probe, and
 * its room probe counts only where no player's frames come in.
 *
 * @module
 */
import { formatMac } from "../proto/mac.ts";
import { LoopProbe, parseProbe, PROBE_ID_BYTES, ProbeSide, ProbeView } from "./loop_probe.ts";

/** Time between two probes of a side: a few are sent within the second in which a loop must stop. */
export const PROBE_INTERVAL_MS = 300;
/** How long nothing may hint at a loop before frames flow again; doubled each time it comes back … */
export const LOOP_HOLD_MS = 3_000;
/** … up to this … */
export const LOOP_HOLD_MS_MAX = 60_000;
/** … unless it had been gone for this long. */
export const LOOP_FORGOTTEN_MS = 60_000;
/** Frames of a player's MAC that must come in from the LAN, within a time, before they are believed. */
export const SIGHTINGS_MIN = 3;
/** See {@link SIGHTINGS_MIN}. */
export const SIGHTING_WINDOW_MS = 2_000;
/** Gateways whose ages differ by less are of the same age: then the ids decide. */
export const SAME_AGE_MS = 700;
/** How often the same other gateway is mentioned. */
const MENTION_INTERVAL_MS = 60_000;
/** Events that wait to be drained at most. */
const EVENTS_MAX = 64;

/** What shows that the LAN is reached twice. */
export type LoopCause = "lan" | "room" | "bridged-player" | "gateway";

/** What people are to know. */
export type LoopEvent =
  /** Nothing is forwarded from now on. `mac`: the probe's source, or the other gateway's MAC. */
  | { readonly type: "loop"; readonly cause: LoopCause; readonly mac: string }
  | { readonly type: "loopOver"; readonly stoppedMs: number }
  /** Another gateway is on the LAN, and is expected to stand still. */
  | { readonly type: "otherGateway"; readonly mac: string }
  /** One player is not served: its MAC is a station's of the LAN, too. */
  | { readonly type: "playerOnLan"; readonly mac: string }
  | { readonly type: "playerOffLan"; readonly mac: string };

/** How a guard sends a probe. */
export type EmitProbe = (side: ProbeSide, bytes: Uint8Array) => void;

/** See the module. Players are known by their place in the roster. */
export class LoopGuard {
  readonly #lanProbe: LoopProbe;
  readonly #roomProbe: LoopProbe;
  readonly #view = new ProbeView();
  #events: LoopEvent[] = [];
  #joined = false;
  /** Since when frames flow; Infinity: they do not. */
  #sinceMs = Infinity;
  #probeDueMs = Infinity;
  /** Nothing is forwarded before this. */
  #untilMs = -Infinity;
  #stoppedSinceMs = -Infinity;
  #resumedMs = -Infinity;
  #stopped = false;
  #holdMs = LOOP_HOLD_MS;
  #mentionDueMs = -Infinity;
  /** Per place: its frames from the LAN in the window, the window's start, and the end of its exclusion. */
  readonly #sightings: Uint8Array;
  readonly #sightedMs: Float64Array;
  readonly #excludedUntilMs: Float64Array;
  #exclusionEndsMs = Infinity;

  /** @param ids two ids of {@link PROBE_ID_BYTES} random bytes each, one behind the other */
  constructor(playersMax: number, ids: Uint8Array, gatewayMac: Uint8Array) {
    this.#lanProbe = new LoopProbe(ProbeSide.lan, ids, gatewayMac);
    const roomId = ids.subarray(PROBE_ID_BYTES);
    this.#roomProbe = new LoopProbe(ProbeSide.tunnel, roomId, gatewayMac);
    this.#sightings = new Uint8Array(playersMax);
    this.#sightedMs = new Float64Array(playersMax).fill(-Infinity);
    this.#excludedUntilMs = new Float64Array(playersMax).fill(-Infinity);
  }

  /** Whether nothing is to be forwarded. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether a player's frames are not to be forwarded. */
  isExcluded(place: number): boolean {
    return this.#excludedUntilMs[place] !== -Infinity;
  }

  /** Frames may flow: probes are sent from now on. What stands still stays so. */
  handleJoined(nowMs: number): void {
    this.#joined = true;
    this.#probeDueMs = nowMs;
    this.#sinceMs = this.#stopped ? Infinity : nowMs;
    this.#forgetPlayers();
  }

  /** No frames flow. */
  handleLeft(): void {
    this.#joined = false;
    this.#probeDueMs = Infinity;
    this.#sinceMs = Infinity;
    this.#forgetPlayers();
  }

  /** The player at a place has left, or another one is there. */
  forgetPlayer(place: number): void {
    this.#sightings[place] = 0;
    this.#excludedUntilMs[place] = -Infinity;
  }

  /**
   * A broadcast that came in from the LAN.
   *
   * @returns whether it is a probe that ends here
   */
  handleLanBroadcast(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const view = this.#view;
    if (!parseProbe(bytes, offset, length, view)) return false;
    if (view.side === ProbeSide.tunnel) {
      // Another's goes on: only its own gateway can tell what it means.
      if (this.#roomProbe.compareId(bytes, view.idOffset) !== 0) return false;
      this.#stop("bridged-player", this.#roomProbe.bytes, 6, nowMs);
      return true;
    }
    const order = this.#lanProbe.compareId(bytes, view.idOffset);
    if (order === 0) this.#stop("lan", this.#lanProbe.bytes, 6, nowMs);
    else if (view.forwarding) this.#meetGateway(view, order, nowMs);
    return true;
  }

  /**
   * A broadcast that came out of the room.
   *
   * @returns whether it is a probe, or looks like one: none goes to the LAN from there
   */
  handleRoomBroadcast(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const view = this.#view;
    if (!parseProbe(bytes, offset, length, view)) return false;
    const own = this.#lanProbe.compareId(bytes, view.idOffset) === 0;
    if (own && view.side === ProbeSide.lan) this.#stop("room", this.#lanProbe.bytes, 6, nowMs);
    return true;
  }

  /**
   * A frame of a player's MAC came in from the LAN.
   *
   * @returns whether the player is excluded from now on
   */
  handlePlayerOnLan(
    place: number,
    bytes: Uint8Array,
    macOffset: number,
    nowMs: number,
  ): boolean {
    const excluded = this.isExcluded(place);
    if (!excluded) {
      if (nowMs - this.#sightedMs[place] > SIGHTING_WINDOW_MS) {
        this.#sightedMs[place] = nowMs;
        this.#sightings[place] = 0;
      }
      if (++this.#sightings[place] < SIGHTINGS_MIN) return false;
      this.#tell({ type: "playerOnLan", mac: formatMac(bytes, macOffset) });
    }
    this.#excludedUntilMs[place] = nowMs + LOOP_HOLD_MS;
    this.#exclusionEndsMs = Math.min(this.#exclusionEndsMs, nowMs + LOOP_HOLD_MS);
    return !excluded;
  }

  /**
   * Sends the probes that are due and ends what has lasted long enough.
   *
   * @param readmit called with the place of each player that is served again; returns its MAC
   * @returns whether frames flow again since now
   */
  handleTimer(nowMs: number, emit: EmitProbe, readmit: (place: number) => string): boolean {
    if (nowMs >= this.#exclusionEndsMs) this.#readmit(nowMs, readmit);
    const resumed = this.#stopped && nowMs >= this.#untilMs;
    if (resumed) {
      this.#stopped = false;
      this.#resumedMs = nowMs;
      if (this.#joined) this.#sinceMs = nowMs;
      this.#tell({ type: "loopOver", stoppedMs: nowMs - this.#stoppedSinceMs });
    }
    if (nowMs >= this.#probeDueMs) {
      this.#probeDueMs = nowMs + PROBE_INTERVAL_MS;
      const ageMs = this.#stopped ? 0 : nowMs - this.#sinceMs;
      this.#lanProbe.write(!this.#stopped, ageMs);
      this.#roomProbe.write(!this.#stopped, ageMs);
      emit(ProbeSide.lan, this.#lanProbe.bytes);
      emit(ProbeSide.tunnel, this.#roomProbe.bytes);
    }
    return resumed;
  }

  /** When {@link LoopGuard.handleTimer} has something to do. */
  nextDeadlineMs(): number {
    const resumeMs = this.#stopped ? this.#untilMs : Infinity;
    return Math.min(this.#probeDueMs, resumeMs, this.#exclusionEndsMs);
  }

  /** What happened since the last call. */
  drainEvents(): LoopEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /** Another gateway forwards on the same LAN: one of the two stands still, and both know which. */
  #meetGateway(view: ProbeView, order: number, nowMs: number): void {
    const olderByMs = view.ageMs - (nowMs - this.#sinceMs);
    const sameAge = Math.abs(olderByMs) < SAME_AGE_MS;
    if (this.#stopped || (sameAge ? order < 0 : olderByMs > 0)) {
      if (this.#joined) this.#stop("gateway", view.gatewayMac, 0, nowMs);
    } else if (this.#joined && nowMs >= this.#mentionDueMs) {
      this.#mentionDueMs = nowMs + MENTION_INTERVAL_MS;
      this.#tell({ type: "otherGateway", mac: formatMac(view.gatewayMac) });
    }
  }

  #stop(cause: LoopCause, macBytes: Uint8Array, macOffset: number, nowMs: number): void {
    if (!this.#stopped) {
      const back = nowMs - this.#resumedMs < LOOP_FORGOTTEN_MS;
      this.#holdMs = back ? Math.min(2 * this.#holdMs, LOOP_HOLD_MS_MAX) : LOOP_HOLD_MS;
      this.#stopped = true;
      this.#stoppedSinceMs = nowMs;
      this.#sinceMs = Infinity;
      this.#tell({ type: "loop", cause, mac: formatMac(macBytes, macOffset) });
    }
    this.#untilMs = nowMs + this.#holdMs;
  }

  #readmit(nowMs: number, readmit: (place: number) => string): void {
    this.#exclusionEndsMs = Infinity;
    for (let place = 0; place < this.#excludedUntilMs.length; place++) {
      const untilMs = this.#excludedUntilMs[place];
      if (untilMs === -Infinity) continue;
      if (untilMs > nowMs) this.#exclusionEndsMs = Math.min(this.#exclusionEndsMs, untilMs);
      else {
        this.forgetPlayer(place);
        this.#tell({ type: "playerOffLan", mac: readmit(place) });
      }
    }
  }

  #forgetPlayers(): void {
    this.#sightings.fill(0);
    this.#excludedUntilMs.fill(-Infinity);
    this.#exclusionEndsMs = Infinity;
  }

  #tell(event: LoopEvent): void {
    if (this.#events.length < EVENTS_MAX) this.#events.push(event);
  }
}
