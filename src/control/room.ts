/**
 * Room codes: the names by which a party is found.
 *
 * @module
 */

/** Longest room code, in characters. */
export const ROOM_CODE_CHARACTERS_MAX = 32;
const ROOM_CODE = new RegExp(`^[A-Za-z0-9-]{1,${ROOM_CODE_CHARACTERS_MAX}}$`);

/**
 * The canonical form of a room code: 1 to 32 of A–Z, 0–9 and `-`. Only ASCII letters are folded, so
 * that no other alphabet's letters turn into a code. Undefined if the text is none.
 */
export function parseRoomCode(text: string): string | undefined {
  return ROOM_CODE.test(text) ? text.toUpperCase() : undefined;
}
