/**
 * Who is in the room: what `peerJoined` told, remembered so that `peerLeft` can name the player.
 *
 * @module
 */

import type { PeerId } from "../proto/brands.ts";

/** A peer of the room. */
export interface PeerIdentity {
  readonly peerId: PeerId;
  readonly role: "client" | "gateway";
  /** Canonical MAC of a client. */
  readonly mac?: string;
  /** The name the player gave itself. */
  readonly name?: string;
}

/** The peers of one room, and those that were there before the connection broke. */
export class PeerTable {
  // Peer ids are 16 bits, so the table is bounded by them.
  readonly #peers = new Map<number, PeerIdentity>();
  /** Keys of who was there when the last session ended. */
  #before = new Set<string>();

  /** How many peers there are. */
  get size(): number {
    return this.#peers.size;
  }

  /** Whether a gateway is among the peers. */
  get hasGateway(): boolean {
    for (const peer of this.#peers.values()) if (peer.role === "gateway") return true;
    return false;
  }

  /** The peers, in the order in which they came. */
  list(): PeerIdentity[] {
    return [...this.#peers.values()];
  }

  /** The peer with this id, or undefined. */
  get(peerId: PeerId): PeerIdentity | undefined {
    return this.#peers.get(peerId);
  }

  /**
   * Enters a peer. True if it was in the room already when the last session of our own ended: then
   * its coming is no news.
   */
  join(peer: PeerIdentity): boolean {
    this.#peers.set(peer.peerId, peer);
    return this.#before.delete(keyOf(peer));
  }

  /**
   * Takes a peer out, and says who it was: what is remembered, with what the message adds. A peer
   * that nobody announced is known by the message alone.
   */
  leave(told: PeerIdentity): PeerIdentity {
    const remembered = this.#peers.get(told.peerId);
    this.#peers.delete(told.peerId);
    return remembered === undefined ? told : { ...told, ...remembered };
  }

  /** Enough time has passed since our return: who comes from now on, comes anew. */
  forgetBefore(): void {
    this.#before.clear();
  }

  /** Our own session has ended: the table is empty until the next catch-up. */
  sessionEnded(): void {
    this.#before = new Set(this.list().map(keyOf));
    this.#peers.clear();
  }
}

function keyOf(peer: PeerIdentity): string {
  return peer.role === "gateway" ? "gateway" : peer.mac ?? `peer ${peer.peerId}`;
}
