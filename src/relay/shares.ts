/**
 * How much a whole room may have delivered, and one address over all of its peers: token buckets on the way of
 * every frame, behind those of its sender (`peer_limits.ts`).
 *
 * ```
 *  what                     a bucket of      it empties with
 *  broadcast, multicast     deliveries       the number of receivers of each frame or piece
 *  everything               bytes            the length of each datagram, once for each receiver
 * ```
 *
 * A frame passes while something is left, and may cost more than that: what is owed must come in again before
 * the next one passes. So no frame is too large for ever, whatever the limit. Nothing here allocates per frame.
 *
 * @module
 */

import { forgetOldest } from "./sites.ts";

/** What a room or an address may have delivered; 0 is no limit. */
export interface ShareLimits {
  /** Broadcast and multicast frames a second, times their receivers. */
  readonly deliveriesPerSecond: number;
  /** Bytes a second of all datagrams, times their receivers. */
  readonly bytesPerSecond: number;
  /** How much may be delivered at once: so many ms' worth of each limit. */
  readonly burstMs: number;
}

//= PROTOCOL.md 11
//# | `room-limit`, `address-limit` | […] 500,000,000 delivered a second |
/**
 * The defaults, more than a large party ever has: where a gateway passes a storm of its LAN on as far as it may
 * (2,000 broadcasts a second) to 50 players, and each of them sends 20, it is 150,000 deliveries a second; bulk
 * copies that fill a party's line of 1 Gbit/s both ways are 2,000 Mbit/s. Without these limits 64 peers of one
 * address reach 2,000,000 deliveries a second.
 */
export const SHARE_LIMITS: ShareLimits = {
  deliveriesPerSecond: 200_000,
  bytesPerSecond: 500_000_000,
  burstMs: 1_000,
};

/** Which limit lets a frame not pass; 0 for none. */
export const ShareRefusal = { none: 0, deliveries: 1, bytes: 2 } as const;

const DELIVERIES = 0;
const BYTES = 1;
const FILLED_MS = 2;

/** What one room or address may still have delivered. */
export class Share {
  /** Whether it was said in the log that a limit was met. */
  told = false;
  readonly #tokens = new Float64Array(FILLED_MS + 1);
  readonly #perMs = new Float64Array(FILLED_MS);
  readonly #burst = new Float64Array(FILLED_MS);

  /** Full buckets. */
  constructor(limits: ShareLimits, nowMs: number) {
    this.#set(DELIVERIES, limits.deliveriesPerSecond, limits.burstMs);
    this.#set(BYTES, limits.bytesPerSecond, limits.burstMs);
    this.#tokens[FILLED_MS] = nowMs;
  }

  /** Why nothing more may be delivered now (`ShareRefusal`); `isFlood` for a broadcast or multicast. */
  refuses(isFlood: boolean, nowMs: number): number {
    this.#fill(nowMs);
    if (isFlood && this.#tokens[DELIVERIES] <= 0) return ShareRefusal.deliveries;
    return this.#tokens[BYTES] <= 0 ? ShareRefusal.bytes : ShareRefusal.none;
  }

  /** A frame is delivered: `deliveries` is 0 for a unicast. */
  take(deliveries: number, bytes: number): void {
    this.#tokens[DELIVERIES] -= deliveries;
    this.#tokens[BYTES] -= bytes;
  }

  #set(bucket: number, perSecond: number, burstMs: number): void {
    const isLimited = perSecond > 0;
    this.#perMs[bucket] = isLimited ? perSecond / 1_000 : Infinity;
    this.#burst[bucket] = isLimited ? perSecond * burstMs / 1_000 : Infinity;
    this.#tokens[bucket] = this.#burst[bucket];
  }

  #fill(nowMs: number): void {
    const tokens = this.#tokens;
    const perMs = this.#perMs;
    const burst = this.#burst;
    const elapsedMs = nowMs - tokens[FILLED_MS];
    if (elapsedMs <= 0) return;
    tokens[FILLED_MS] = nowMs;
    for (let bucket = 0; bucket < FILLED_MS; bucket++) {
      const filled = tokens[bucket] + elapsedMs * perMs[bucket];
      tokens[bucket] = filled < burst[bucket] ? filled : burst[bucket];
    }
  }
}

/** The shares of all addresses that have peers, and of those that had some lately. */
export class AddressShares {
  readonly #used = new Map<string, { readonly share: Share; peers: number }>();
  /** Of addresses without a peer, the longest unused first: who comes back has no more than before. */
  readonly #resting = new Map<string, Share>();
  readonly #limits: ShareLimits;
  readonly #restingMax: number;

  /** @param restingMax addresses without a peer that are remembered */
  constructor(limits: ShareLimits, restingMax: number) {
    this.#limits = limits;
    this.#restingMax = restingMax;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#used.size + this.#resting.size;
  }

  /** A peer of this address (of its site: see `siteKey`) has joined. */
  enter(key: string, nowMs: number): Share {
    let entry = this.#used.get(key);
    if (entry === undefined) {
      entry = { share: this.#resting.get(key) ?? new Share(this.#limits, nowMs), peers: 0 };
      this.#resting.delete(key);
      this.#used.set(key, entry);
    }
    entry.peers++;
    return entry.share;
  }

  /** A peer of this address has left. */
  leave(key: string): void {
    const entry = this.#used.get(key);
    if (entry === undefined || --entry.peers > 0) return;
    this.#used.delete(key);
    this.#resting.set(key, entry.share);
    if (this.#resting.size > this.#restingMax) forgetOldest(this.#resting);
  }
}
