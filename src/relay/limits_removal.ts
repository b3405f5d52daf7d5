/**
 * Every bound of removing peers, and of keeping a MAC for who has left: numbers and times.
 *
 * @module
 */

/** A host's ban lasts no longer; it lasts so long where no length is given. */
export const HOST_BAN_MAX_MS = 30 * 86_400_000;
/** Bans that the hosts of one room may have made. */
export const ROOM_BANS_MAX = 64;
/** Bans that the hosts at one site may have made, in all rooms: see `siteKey`. */
export const HOST_BANS_PER_SITE_MAX = 128;
/** Bans of all hosts. */
export const HOST_BANS_MAX = 4_096;
/** Bans of the relay's operator. */
export const OPERATOR_BANS_MAX = 4_096;

/** How long the MAC of a player who has left stays theirs. */
export const MAC_RESERVATION_MS = 600_000;
/** Somebody else with that MAC, or that of a station, may ask again after this, since the host may release it. */
export const MAC_RESERVED_RETRY_MS = 15_000;
/** MACs that are kept for players who came from one site, in all rooms; more where a room may be larger. */
export const RESERVATIONS_PER_SITE_MAX = 256;
/** MACs that are kept in one room, likewise … */
export const RESERVATIONS_PER_ROOM_MAX = 256;
/** … and in all of them. */
export const RESERVATIONS_MAX = 16_384;
