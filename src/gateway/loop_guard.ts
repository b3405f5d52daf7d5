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
 * Every station of the LAN sees the probes, and can send them back or make up those of another gateway. So
 * a probe alone stops the gateway at once, but for {@link UNPROVEN_STOP_MS}, and then not again before it
 * has been {@link UNPROVEN_REST_MS}. What lasts needs a **witness**: other frames of ours that come back.
 * They are asked for when a probe has come: the next player's CAM refresh goes to the LAN, and a broadcast
 * that bears no mark into the room. A real loop gives back these, too, and what the players send.
 *
 * What players can send never stops the whole gateway: they do not know the id of its LAN probe, and
 * its room probe counts only where no player's frames come in.
 *
 * @module
 */
import { copyBytes } from "../proto/bytes.ts";
import { equalMacs, formatMac, MAC_BYTES } from "../proto/mac.ts";
import { SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import {
  isWitness,
  LoopProbe,
  parseProbe,
  PROBE_ID_BYTES,
  ProbeLan,
  ProbeSide,
  ProbeView,
  witnessFrame,
} from "../proto/loop_probe.ts";

//= PROTOCOL.md 12
//# broadcast a frame of 60 bytes into the room each 300 ms, also while nothing else passes
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
/** How long a probe alone stops the gateway, whatever it says and whoever repeats it. */
export const UNPROVEN_STOP_MS = 3_000;
/** How long no probe alone stops it after that. */
export const UNPROVEN_REST_MS = 600_000;
/** A probe and a witness that come within this time show a loop together. */
export const WITNESS_WINDOW_MS = 2_000;
/** Ids that a guard needs: of its two probes, and of the witness for the room. */
export const GUARD_IDS = 3;
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
  /** A probe had stopped it, and nothing else showed a loop: frames flow again. */
  | { readonly type: "loopUnproven"; readonly cause: LoopCause; readonly mac: string }
  /** Another gateway is on the LAN. */
  | { readonly type: "otherGateway"; readonly mac: string }
  /** One player is not served: its MAC is a station's of the LAN, too. */
  | { readonly type: "playerOnLan"; readonly mac: string }
  | { readonly type: "playerOffLan"; readonly mac: string };

/** How a guard sends its frames. */
export interface ProbeSender {
  probe(side: ProbeSide, bytes: Uint8Array): void;
  /** Sends the CAM refresh of a player to the LAN; each time of another one. */
  refreshPlayer(): void;
  /** What is wrong with the LAN, as the room's probe says: bits of `ProbeLan`. */
  lanFaults(): number;
}

/** See the module. Players are known by their place in the roster. */
export class LoopGuard {
  readonly #lanProbe: LoopProbe;
  readonly #roomProbe: LoopProbe;
  /** A broadcast for the room that looks like any other. */
  readonly #witness: Uint8Array;
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
  /** Whether a witness has shown what stopped it. */
  #proven = false;
  #cause: LoopCause = "lan";
  readonly #causeMac = new Uint8Array(MAC_BYTES);
  /** When the last probe came that shows a loop, and the last witness. */
  #hintMs = -Infinity;
  #witnessMs = -Infinity;
  /** Per side: whether a witness is to be sent there now, and when that was asked for last. */
  readonly #asks = [false, false];
  readonly #askedMs = [-Infinity, -Infinity];
  /** Before this no probe alone stops it. */
  #unprovenDueMs = -Infinity;
  #holdMs = LOOP_HOLD_MS;
  #mentionDueMs = -Infinity;
  /** Per place: its frames from the LAN in the window, the window's start, and the end of its exclusion. */
  readonly #sightings: Uint8Array;
  readonly #sightedMs: Float64Array;
  readonly #excludedUntilMs: Float64Array;
  #exclusionEndsMs = Infinity;

  /** @param ids {@link GUARD_IDS} ids of {@link PROBE_ID_BYTES} random bytes each, one behind the other */
  constructor(playersMax: number, ids: Uint8Array, gatewayMac: Uint8Array) {
    this.#lanProbe = new LoopProbe(ProbeSide.lan, ids, gatewayMac);
    const roomId = ids.subarray(PROBE_ID_BYTES);
    this.#roomProbe = new LoopProbe(ProbeSide.tunnel, roomId, gatewayMac);
    this.#witness = witnessFrame(ids.subarray(2 * PROBE_ID_BYTES));
    this.#sightings = new Uint8Array(playersMax);
    this.#sightedMs = new Float64Array(playersMax).fill(-Infinity);
    this.#excludedUntilMs = new Float64Array(playersMax).fill(-Infinity);
  }

  /** Whether nothing is to be forwarded. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The MAC at which players reach this gateway. */
  get roomMac(): Uint8Array {
    return this.#roomProbe.source;
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
   * @returns whether it is a frame of the guard's that ends here
   */
  handleLanBroadcast(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const view = this.#view;
    if (!parseProbe(bytes, offset, length, view)) {
      if (!isWitness(bytes, offset, length, this.#witness)) return false;
      this.#testify(nowMs);
      return true;
    }
    if (view.side === ProbeSide.tunnel) {
      // Another's goes on: only its own gateway can tell what it means.
      if (this.#roomProbe.compareId(bytes, view.idOffset) !== 0) return false;
      this.#suspect("bridged-player", bytes, offset + SOURCE_MAC_OFFSET, nowMs);
      return true;
    }
    const order = this.#lanProbe.compareId(bytes, view.idOffset);
    if (order === 0) this.#suspect("lan", bytes, offset + SOURCE_MAC_OFFSET, nowMs);
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
    const source = offset + SOURCE_MAC_OFFSET;
    // A player who is in the LAN, too, knows its id; but the relay lets a player send from its own MAC only.
    const own = this.#lanProbe.compareId(bytes, view.idOffset) === 0 &&
      equalMacs(bytes, source, this.#lanProbe.bytes, SOURCE_MAC_OFFSET);
    if (own && view.side === ProbeSide.lan) this.#suspect("room", bytes, source, nowMs);
    return true;
  }

  /** A frame came out of the room from a MAC that is not its sender's. */
  handleForeignSource(nowMs: number): void {
    if (this.#cause === "room" && nowMs - this.#hintMs <= WITNESS_WINDOW_MS) this.#testify(nowMs);
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
    this.#testify(nowMs);
    const excluded = this.isExcluded(place);
    if (!excluded) {
      // The loop says why: that player is no station of the LAN.
      if (this.#proven) return false;
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
  handleTimer(nowMs: number, sender: ProbeSender, readmit: (place: number) => string): boolean {
    if (nowMs >= this.#exclusionEndsMs) this.#readmit(nowMs, readmit);
    const resumed = this.#stopped && nowMs >= this.#untilMs;
    if (resumed) this.#resume(nowMs);
    this.#sendWitnesses(sender);
    if (nowMs >= this.#probeDueMs) {
      this.#probeDueMs = nowMs + PROBE_INTERVAL_MS;
      const ageMs = this.#stopped ? 0 : nowMs - this.#sinceMs;
      this.#lanProbe.write(!this.#stopped, ageMs, 0);
      this.#roomProbe.write(!this.#stopped, ageMs, ProbeLan.answers | sender.lanFaults());
      sender.probe(ProbeSide.lan, this.#lanProbe.bytes);
      sender.probe(ProbeSide.tunnel, this.#roomProbe.bytes);
    }
    return resumed;
  }

  #sendWitnesses(sender: ProbeSender): void {
    if (this.#asks[ProbeSide.lan]) sender.refreshPlayer();
    if (this.#asks[ProbeSide.tunnel]) sender.probe(ProbeSide.tunnel, this.#witness);
    this.#asks[ProbeSide.lan] = this.#asks[ProbeSide.tunnel] = false;
  }

  /** When {@link LoopGuard.handleTimer} has something to do. */
  nextDeadlineMs(): number {
    if (this.#asks[ProbeSide.lan]) return this.#askedMs[ProbeSide.lan];
    if (this.#asks[ProbeSide.tunnel]) return this.#askedMs[ProbeSide.tunnel];
    const resumeMs = this.#stopped ? this.#untilMs : Infinity;
    return Math.min(this.#probeDueMs, resumeMs, this.#exclusionEndsMs);
  }

  /** What happened since the last call. */
  drainEvents(): LoopEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /** Another gateway forwards on the same LAN: one of the two gives way, and both know which. */
  #meetGateway(view: ProbeView, order: number, nowMs: number): void {
    const olderByMs = view.ageMs - (nowMs - this.#sinceMs);
    const sameAge = Math.abs(olderByMs) < SAME_AGE_MS;
    if (!this.#joined) return;
    if (this.#stopped || (sameAge ? order < 0 : olderByMs > 0)) {
      this.#suspect("gateway", view.gatewayMac, 0, nowMs);
    }
    if (!this.#stopped && nowMs >= this.#mentionDueMs) {
      this.#mentionDueMs = nowMs + MENTION_INTERVAL_MS;
      this.#tell({ type: "otherGateway", mac: formatMac(view.gatewayMac) });
    }
  }

  /** A probe shows a loop, or somebody wants it to. */
  #suspect(cause: LoopCause, macBytes: Uint8Array, macOffset: number, nowMs: number): void {
    // What it was said to be, it stays; and its own probe tells more than what others say of themselves.
    const better = cause !== "gateway" || this.#cause === "gateway" ||
      nowMs - this.#hintMs > WITNESS_WINDOW_MS;
    if (!this.#stopped && better) {
      this.#cause = cause;
      copyBytes(macBytes, macOffset, MAC_BYTES, this.#causeMac, 0);
    }
    this.#hintMs = nowMs;
    if (cause !== "gateway") this.#ask(cause, nowMs);
    if (nowMs - this.#witnessMs <= WITNESS_WINDOW_MS) return this.#prove(nowMs);
    if (this.#stopped || nowMs < this.#unprovenDueMs) return;
    this.#stop(nowMs);
    this.#untilMs = nowMs + UNPROVEN_STOP_MS;
  }

  /** A frame of ours came back that is no probe. */
  #testify(nowMs: number): void {
    this.#witnessMs = nowMs;
    if (nowMs - this.#hintMs <= WITNESS_WINDOW_MS) this.#prove(nowMs);
  }

  /** Asks for witnesses, once between two probes of its own: others may send as many as they like. */
  #ask(cause: LoopCause, nowMs: number): void {
    const side = cause === "bridged-player" ? ProbeSide.tunnel : ProbeSide.lan;
    if (nowMs - this.#askedMs[side] < PROBE_INTERVAL_MS) return;
    this.#askedMs[side] = nowMs;
    this.#asks[side] = true;
  }

  #prove(nowMs: number): void {
    if (!this.#stopped) this.#stop(nowMs);
    const sinceMs = Math.min(this.#hintMs, this.#witnessMs);
    if (!this.#proven) {
      const back = nowMs - this.#resumedMs < LOOP_FORGOTTEN_MS;
      this.#holdMs = back ? Math.min(2 * this.#holdMs, LOOP_HOLD_MS_MAX) : LOOP_HOLD_MS;
      this.#proven = true;
    }
    this.#untilMs = Math.max(this.#untilMs, sinceMs + this.#holdMs);
  }

  #stop(nowMs: number): void {
    this.#stopped = true;
    this.#proven = false;
    this.#stoppedSinceMs = nowMs;
    this.#sinceMs = Infinity;
    this.#tell({ type: "loop", cause: this.#cause, mac: formatMac(this.#causeMac) });
  }

  #resume(nowMs: number): void {
    this.#stopped = false;
    if (this.#joined) this.#sinceMs = nowMs;
    if (this.#proven) {
      this.#resumedMs = nowMs;
      this.#tell({ type: "loopOver", stoppedMs: nowMs - this.#stoppedSinceMs });
    } else {
      this.#unprovenDueMs = nowMs + UNPROVEN_REST_MS;
      this.#tell({ type: "loopUnproven", cause: this.#cause, mac: formatMac(this.#causeMac) });
    }
    this.#proven = false;
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
