/**
 * What has become of the PC's way to the relay: whether the connection at hand is still worth waiting
 * for. A path that died is noticed by the transport after 15 s, one that the PC itself has taken away
 * at once.
 *
 * @module
 */

import { equalBytes } from "../proto/bytes.ts";
import { isSameWay, type Way } from "./route_plan.ts";

/** Relays beside the one at hand. */
const OTHERS_MAX = 16;
/** A network that was gone so briefly is the same to a connection. */
export const GAP_MIN_MS = 2_000;

/**
 * `lost`: no way leads to the relay. `reconnect`: the connection is of no use, but another would be.
 * `changed`: no way has led to a relay yet, and now perhaps one does.
 */
export type NetworkEvent = "lost" | "back" | "reconnect" | "changed";

/** See the module. */
export class NetworkWatch {
  /** The last way that there was. */
  #way: Way | undefined;
  #lostMs: number | undefined;
  #relay: Uint8Array | undefined;
  /** Others, as long as they may be needed: the one before, and those that are tried at the same time. */
  #others: Uint8Array[] = [];

  /** Whether no way has led to the relay at hand yet: it may be that its name cannot be resolved. */
  get isWithout(): boolean {
    return this.#way === undefined && this.#lostMs === undefined;
  }

  /** The way to the relay at this moment; undefined: there is none. What there is to be said or done. */
  handleWay(way: Way | undefined, nowMs: number): NetworkEvent | undefined {
    if (way === undefined) {
      if (this.#lostMs !== undefined || this.#way === undefined) return undefined;
      this.#lostMs = nowMs;
      return "lost";
    }
    const lostMs = this.#lostMs;
    const isOther = this.#way !== undefined && !isSameWay(way, this.#way);
    this.#way = way;
    this.#lostMs = undefined;
    if (isOther) return "reconnect";
    if (lostMs === undefined) return undefined;
    return nowMs - lostMs < GAP_MIN_MS ? "back" : "reconnect";
  }

  /** The relay whose way is watched: its address, 4 or 16 bytes. */
  get relay(): Uint8Array | undefined {
    return this.#relay;
  }

  /**
   * The relays whose ways are needed, the one at hand first. The one before, and those that were tried, are among them
   * until one has let us in: a connection may still be ending, and may be come back to.
   */
  get relays(): readonly Uint8Array[] {
    return this.#relay === undefined ? this.#others : [this.#relay, ...this.#others];
  }

  /**
   * The relay that is connected to next: the way to another one is no change, unless there was none at
   * all before.
   *
   * @returns whether it is another one
   */
  useRelay(relay: Uint8Array): boolean {
    if (this.#relay !== undefined && equalBytes(relay, this.#relay)) return false;
    this.#others = this.#others.filter((other) => !equalBytes(other, relay));
    if (this.#relay !== undefined) this.#addOther(this.#relay);
    this.#relay = relay;
    if (this.#lostMs === undefined) this.#way = undefined;
    return true;
  }

  /** Another one that is tried at the same time: its way is needed, and not watched. */
  tryRelay(relay: Uint8Array): void {
    const isThere = this.relays.some((other) => equalBytes(other, relay));
    if (!isThere) this.#addOther(relay);
  }

  /** The relay at hand has let us in. @returns whether another one is not needed any more */
  settle(): boolean {
    const wasNeeded = this.#others.length > 0;
    this.#others = [];
    return wasNeeded;
  }

  #addOther(relay: Uint8Array): void {
    this.#others.unshift(relay);
    if (this.#others.length > OTHERS_MAX) this.#others.pop();
  }
}

/** What follows from a look at this PC's network. */
export interface NetworkDecision {
  /** The status event that the player is told. */
  readonly says?: "networkLost" | "networkBack";
  /** The connection at hand, or the wait for the next one, is given up: why, for the log. */
  readonly reconnect?: string;
}

/**
 * What follows from a look at this PC's network.
 *
 * @param wasAsleep the PC was, since the look before
 * @param isWaiting the session waits for its next attempt
 */
export function decideOnNetwork(
  event: NetworkEvent | undefined,
  wasAsleep: boolean,
  isWaiting: boolean,
): NetworkDecision {
  if (wasAsleep) return { reconnect: "This PC was asleep." };
  switch (event) {
    case undefined:
      return {};
    case "lost":
      return { says: "networkLost" };
    case "back": {
      const says = "networkBack";
      return isWaiting ? { says, reconnect: "This PC has its network again." } : { says };
    }
    case "changed":
      return isWaiting ? { reconnect: "This PC's network has changed." } : {};
    case "reconnect":
      return { reconnect: "This PC has another network." };
  }
}
