/**
 * What has become of the PC's way to the relay: whether the connection at hand is still worth waiting
 * for. A path that died is noticed by the transport after 15 s, one that the PC itself has taken away
 * at once.
 *
 * @module
 */

import { equalBytes } from "../proto/bytes.ts";
import { isSameWay, type Way } from "./route_plan.ts";

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
  /** The one before, as long as it may be needed. */
  #earlier: Uint8Array | undefined;

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
   * The relays whose ways are needed, the one at hand first. The one before is among them until the next
   * one has let us in: its connection may still be ending, and it may be come back to.
   */
  get relays(): readonly Uint8Array[] {
    return [this.#relay, this.#earlier].filter((relay) => relay !== undefined);
  }

  /**
   * The relay that is connected to next: the way to another one is no change, unless there was none at
   * all before.
   *
   * @returns whether it is another one
   */
  useRelay(relay: Uint8Array): boolean {
    if (this.#relay !== undefined && equalBytes(relay, this.#relay)) return false;
    this.#earlier = this.#relay;
    this.#relay = relay;
    if (this.#lostMs === undefined) this.#way = undefined;
    return true;
  }

  /** The relay at hand has let us in. @returns whether another one is not needed any more */
  settle(): boolean {
    const wasNeeded = this.#earlier !== undefined;
    this.#earlier = undefined;
    return wasNeeded;
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
