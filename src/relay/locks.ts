/**
 * Rooms that the administrator has locked: who is in them stays, and nobody new is let in.
 *
 * @module
 */
import { ROOM_LOCKS_MAX } from "./limits.ts";

/** How many characters of what tells rooms of one code apart go into a room's id. */
const ID_SUFFIX_CHARACTERS = 8;

/**
 * A short name of a room that is not secret and tells it from the other rooms of its code: `CODE`, or
 * `CODE.xxxxxxxx` where a key is a part of the room.
 */
export function roomId(code: string, key: string): string {
  return key.slice(0, code.length + 1 + ID_SUFFIX_CHARACTERS);
}

/**
 * The locks, by room code (then all rooms of that code) or by room id. They outlast the room: locked stays
 * locked until it is unlocked.
 */
export class RoomLocks {
  readonly #names = new Set<string>();

  /** Locks; false when there are too many locks. */
  lock(name: string): boolean {
    if (this.#names.size >= ROOM_LOCKS_MAX && !this.#names.has(name)) return false;
    this.#names.add(name);
    return true;
  }

  /** Unlocks; false when there is no such lock. */
  unlock(name: string): boolean {
    return this.#names.delete(name);
  }

  /** Whether the room of this code and key is locked. */
  has(code: string, key: string): boolean {
    return this.#names.size > 0 && (this.#names.has(code) || this.#names.has(roomId(code, key)));
  }

  /** All locks, in the order in which they were set. */
  values(): string[] {
    return [...this.#names];
  }
}
