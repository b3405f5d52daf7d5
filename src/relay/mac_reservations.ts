/**
 * The MACs of players who have left, kept for them: whoever has the resume token of that session comes back
 * under it, and nobody else does.
 *
 * Bounded by time, by room, by site and over all. A party may be behind one address, so a site has as much as
 * a whole room; where a room or all of them have too much, the site with the most gives way. So a stranger
 * needs many sites to push out what is kept for others.
 *
 * @module
 */
import {
  MAC_RESERVATION_MS,
  RESERVATIONS_MAX,
  RESERVATIONS_PER_ROOM_MAX,
  RESERVATIONS_PER_SITE_MAX,
} from "./limits_removal.ts";
import { oldestOfMost, setOf, takeOut } from "./sites.ts";

/** A MAC that is kept for somebody. */
export interface MacReservation {
  /**
   * Any of these shows whom it is kept for: the token of the last session, and that with which it was begun
   * (its welcome may never have arrived).
   */
  readonly tokens: readonly string[];
  /** What stands for the site from which the player came: see `siteKey`. */
  readonly siteKey: string;
  readonly untilMs: number;
}

interface Kept extends MacReservation {
  readonly room: string;
  readonly mac: string;
}

//= PROTOCOL.md 7.5
//# When a client's session ends otherwise than by being banned or replaced, the room's relay keeps
//# its MAC for 10 minutes:
/** See the module. */
export class MacReservations {
  /** By room and MAC, those of each site, and those of each room: the oldest first. */
  readonly #all = new Map<string, Kept>();
  readonly #sites = new Map<string, Set<Kept>>();
  readonly #rooms = new Map<string, Set<Kept>>();
  readonly #perRoomMax: number;
  readonly #perSiteMax: number;

  /** @param peersPerRoomMax so many players may leave one room, and come back, all at once */
  constructor(peersPerRoomMax: number) {
    this.#perRoomMax = Math.max(RESERVATIONS_PER_ROOM_MAX, peersPerRoomMax);
    this.#perSiteMax = Math.max(RESERVATIONS_PER_SITE_MAX, peersPerRoomMax);
  }

  /** How many MACs are kept; those whose time is over may still be among them. */
  get size(): number {
    return this.#all.size;
  }

  /** Keeps a MAC from now on. */
  keep(
    room: string,
    mac: string,
    { tokens, siteKey }: Pick<MacReservation, "tokens" | "siteKey">,
    nowMs: number,
  ): void {
    this.release(room, mac);
    this.#prune(nowMs);
    const ofSite = this.#sites.get(siteKey) ?? new Set<Kept>();
    if (ofSite.size >= this.#perSiteMax) this.#forget(oldestOfMost([ofSite]));
    const ofRoom = this.#rooms.get(room) ?? new Set<Kept>();
    if (ofRoom.size >= this.#perRoomMax) {
      const bySite = Map.groupBy(ofRoom, (one) => one.siteKey).values();
      this.#forget(oldestOfMost(bySite.map((some) => new Set(some))));
    }
    //= PROTOCOL.md 7.5
    //# A relay bounds what it keeps (this project: 256 MACs for one site and 256 in a room, or as
    //# many as a room may have players, 16,384 over all; the oldest of the site with the most gives
    //# way.
    if (this.size >= RESERVATIONS_MAX) this.#forget(oldestOfMost(this.#sites.values()));
    const kept = { room, mac, tokens, siteKey, untilMs: nowMs + MAC_RESERVATION_MS };
    this.#all.set(nameOf(room, mac), kept);
    setOf(this.#sites, siteKey).add(kept);
    setOf(this.#rooms, room).add(kept);
  }

  /** Whom a MAC is kept for, if it is. */
  get(room: string, mac: string, nowMs: number): MacReservation | undefined {
    const kept = this.#all.get(nameOf(room, mac));
    return kept === undefined || kept.untilMs <= nowMs ? undefined : kept;
  }

  /** Keeps a MAC no longer; false if it was not kept. */
  release(room: string, mac: string): boolean {
    return this.#forget(this.#all.get(nameOf(room, mac)));
  }

  #forget(kept: Kept | undefined): boolean {
    if (kept === undefined) return false;
    this.#all.delete(nameOf(kept.room, kept.mac));
    takeOut(this.#sites, kept.siteKey, kept);
    takeOut(this.#rooms, kept.room, kept);
    return true;
  }

  #prune(nowMs: number): void {
    for (const kept of this.#all.values()) {
      if (kept.untilMs > nowMs) return;
      this.#forget(kept);
    }
  }
}

function nameOf(room: string, mac: string): string {
  return `${room} ${mac}`;
}
