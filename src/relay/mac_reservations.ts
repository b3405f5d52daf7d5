/**
 * The MACs of players who have left, kept for them: whoever has the resume token of that session comes back
 * under it, and nobody else does.
 *
 * Bounded by time, by address, by room and over all; where there is one too many, the oldest of those gives
 * way. So a stranger needs many addresses to push out what is kept for others.
 */
import {
  MAC_RESERVATION_MS,
  RESERVATIONS_MAX,
  RESERVATIONS_PER_ADDRESS_MAX,
  RESERVATIONS_PER_ROOM_MAX,
} from "./limits_removal.ts";

/** A MAC that is kept for somebody. */
export interface MacReservation {
  /**
   * Any of these shows whom it is kept for: the token of the last session, and that with which it was begun
   * (its welcome may never have arrived).
   */
  readonly tokens: readonly string[];
  /** What stands for the address from which the player came. */
  readonly addressKey: string;
  readonly untilMs: number;
}

/** See the module. */
export class MacReservations {
  /** By what tells a room apart, then by MAC, each the oldest first. */
  private readonly rooms = new Map<string, Map<string, MacReservation>>();
  private count = 0;

  /** How many MACs are kept; those whose time is over may still be among them. */
  get size(): number {
    return this.count;
  }

  /** Keeps a MAC from now on. */
  keep(
    room: string,
    mac: string,
    { tokens, addressKey }: Pick<MacReservation, "tokens" | "addressKey">,
    nowMs: number,
  ): void {
    this.release(room, mac);
    this.prune(nowMs);
    const kept = this.rooms.get(room) ?? new Map<string, MacReservation>();
    // The room that was last left stands last.
    this.rooms.delete(room);
    this.rooms.set(room, kept);
    const ofAddress = [...kept].filter(([, other]) => other.addressKey === addressKey);
    if (ofAddress.length >= RESERVATIONS_PER_ADDRESS_MAX) this.release(room, ofAddress[0][0]);
    if (kept.size >= RESERVATIONS_PER_ROOM_MAX) this.release(room, firstOf(kept));
    if (this.count >= RESERVATIONS_MAX) {
      const oldest = firstOf(this.rooms);
      this.release(oldest, firstOf(this.rooms.get(oldest)!));
    }
    this.rooms.set(room, kept);
    kept.set(mac, { tokens, addressKey, untilMs: nowMs + MAC_RESERVATION_MS });
    this.count++;
  }

  /** Whom a MAC is kept for, if it is. */
  get(room: string, mac: string, nowMs: number): MacReservation | undefined {
    const reservation = this.rooms.get(room)?.get(mac);
    return reservation === undefined || reservation.untilMs <= nowMs ? undefined : reservation;
  }

  /** Keeps a MAC no longer; false if it was not kept. */
  release(room: string, mac: string): boolean {
    const kept = this.rooms.get(room);
    if (kept === undefined || !kept.delete(mac)) return false;
    this.count--;
    if (kept.size === 0) this.rooms.delete(room);
    return true;
  }

  private prune(nowMs: number): void {
    for (const [room, kept] of this.rooms) {
      for (const [mac, { untilMs }] of kept) {
        if (untilMs > nowMs) break;
        this.release(room, mac);
      }
      // Rooms that were left later have nothing older.
      if (this.rooms.has(room)) return;
    }
  }
}

function firstOf<Key>(map: ReadonlyMap<Key, unknown>): Key {
  return map.keys().next().value!;
}
