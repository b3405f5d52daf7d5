/**
 * The players of the room, as the gateway must know them for each frame: by MAC and by peer id.
 *
 * @module
 */
import { asPeerId, NO_PEER, type PeerId } from "../proto/brands.ts";
import { equalMacs, isIdentityMac, MAC_BYTES } from "../proto/mac.ts";
import { MacTable } from "../proto/mac_table.ts";

/** Most players that a roster can be made for. */
export const ROSTER_PLAYERS_MAX = 16_384;

/**
 * How long frames of a peer id are believed that no `peerJoined` has told of: its datagrams may outrun
 * the message on the control stream, by a retransmission or a few.
 */
export const STRANGER_GRACE_MS = 5_000;

/** Peer ids without a `peerJoined` that are watched at a time. */
export const STRANGERS_MAX = 64;

/** A peer id is not used again within this time, so a stranger may be forgotten after it. */
const STRANGER_FORGOTTEN_MS = 60_000;

const PEER_IDS = 0x1_0000;
/** Values of the peer id table below 0; others are places. */
const UNKNOWN = -1;
const BARRED = -2;

/** Who a peer id is, from the frames' point of view: a place ≥ 0, or one of these. */
export const Sender = {
  /** Not told of yet; believed for a while. */
  stranger: -1,
  /** Not a player (any more), or a stranger for too long, or not the owner of the MAC. */
  refused: -2,
} as const;

/** The players of one session. Each has a place, a small number, while it is there. */
export class Roster {
  readonly #table: MacTable;
  readonly #places = new Int16Array(PEER_IDS).fill(UNKNOWN);
  /** Per place: its MAC and its peer id, 0 while it is free. */
  readonly #macs: Uint8Array;
  readonly #peerIds: Uint16Array;
  readonly #strangerIds = new Uint16Array(STRANGERS_MAX);
  readonly #strangerSinceMs = new Float64Array(STRANGERS_MAX);
  #strangers = 0;

  /** @throws RangeError `playersMax` is not in 1 … {@link ROSTER_PLAYERS_MAX} */
  constructor(playersMax: number) {
    if (!(playersMax >= 1 && playersMax <= ROSTER_PLAYERS_MAX)) {
      throw new RangeError(`a roster cannot have ${playersMax} players`);
    }
    this.#table = new MacTable(playersMax);
    this.#macs = new Uint8Array(playersMax * MAC_BYTES);
    this.#peerIds = new Uint16Array(playersMax);
  }

  /** Players that are there. */
  get size(): number {
    return this.#table.size;
  }

  /** Starts a session: nobody is known but the gateway itself, which never sends to itself. */
  reset(ownPeerId: PeerId): void {
    this.#table.clear();
    this.#places.fill(UNKNOWN);
    this.#peerIds.fill(0);
    this.#strangers = 0;
    this.#places[0] = BARRED;
    this.#places[ownPeerId] = BARRED;
  }

  /**
   * Enters a player. One with the same MAC gives way, since the relay lets a MAC in only once.
   *
   * @returns its place, or -1 when the roster is full
   */
  join(peerId: PeerId, mac: Uint8Array): number {
    this.leave(peerId);
    const before = this.#table.get(mac, 0);
    if (before >= 0) this.leave(asPeerId(this.#peerIds[before]));
    const place = this.#peerIds.indexOf(0);
    if (place < 0 || !this.#table.set(mac, 0, place)) return -1;
    this.#macs.set(mac.subarray(0, MAC_BYTES), place * MAC_BYTES);
    this.#peerIds[place] = peerId;
    this.#places[peerId] = place;
    this.#forgetStranger(peerId);
    return place;
  }

  /** Takes a peer out, known or not; what it sent and is still under way is not believed. */
  leave(peerId: PeerId): number {
    const place = this.#places[peerId];
    this.#places[peerId] = BARRED;
    this.#forgetStranger(peerId);
    if (place < 0) return -1;
    this.#table.delete(this.#macs, place * MAC_BYTES);
    this.#peerIds[place] = 0;
    return place;
  }

  /** The place of a peer that is one of the players that are there, or less than 0. */
  placeOf(peerId: PeerId): number {
    return this.#places[peerId];
  }

  /** The place of the player with the MAC at `bytes[offset]`, or -1. */
  placeOfMac(bytes: Uint8Array, offset: number): number {
    return this.#table.get(bytes, offset);
  }

  /** The peer id of the player with the MAC at `bytes[offset]`; 0: there is none. */
  peerIdOf(bytes: Uint8Array, offset: number): PeerId {
    const place = this.#table.get(bytes, offset);
    return place < 0 ? NO_PEER : asPeerId(this.#peerIds[place]);
  }

  /** The place of the player behind this one, the first again behind the last; -1: there is none. */
  nextPlace(place: number): number {
    for (let step = 1; step <= this.#peerIds.length; step++) {
      const next = (place + step) % this.#peerIds.length;
      if (this.#peerIds[next] !== 0) return next;
    }
    return -1;
  }

  /** The MAC of the player at a place; it changes with the next player there. */
  macAt(place: number): Uint8Array {
    return this.#macs.subarray(place * MAC_BYTES, (place + 1) * MAC_BYTES);
  }

  //= PROTOCOL.md 8
  //# Receivers accept any source peer id, also one that they do not know: a datagram may outrun its
  //# `peerJoined`.
  /** Who sent a frame with this source MAC under this peer id: a place, or a value of {@link Sender}. */
  senderOf(peerId: PeerId, bytes: Uint8Array, macOffset: number, nowMs: number): number {
    const place = this.#places[peerId];
    if (place >= 0) {
      const own = equalMacs(bytes, macOffset, this.#macs, place * MAC_BYTES);
      return own ? place : Sender.refused;
    }
    if (place === BARRED || !isIdentityMac(bytes, macOffset)) return Sender.refused;
    return this.#isFreshStranger(peerId, nowMs) ? Sender.stranger : Sender.refused;
  }

  #isFreshStranger(peerId: PeerId, nowMs: number): boolean {
    let free = this.#strangers;
    for (let index = 0; index < this.#strangers; index++) {
      const ageMs = nowMs - this.#strangerSinceMs[index];
      if (this.#strangerIds[index] === peerId && ageMs < STRANGER_FORGOTTEN_MS) {
        return ageMs <= STRANGER_GRACE_MS;
      }
      if (ageMs >= STRANGER_FORGOTTEN_MS) free = index;
    }
    if (free === STRANGERS_MAX) return false;
    this.#strangerIds[free] = peerId;
    this.#strangerSinceMs[free] = nowMs;
    if (free === this.#strangers) this.#strangers++;
    return true;
  }

  #forgetStranger(peerId: PeerId): void {
    for (let index = 0; index < this.#strangers; index++) {
      if (this.#strangerIds[index] !== peerId) continue;
      this.#strangers--;
      this.#strangerIds[index] = this.#strangerIds[this.#strangers];
      this.#strangerSinceMs[index] = this.#strangerSinceMs[this.#strangers];
      return;
    }
  }
}
