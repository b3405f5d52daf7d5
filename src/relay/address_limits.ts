/**
 * What one network address may do: handshakes, hellos, keys to try, peers, and what these may send.
 *
 * An address is an IPv4 address or an IPv6 /64 (`addressKey`). Only connections whose handshake is complete
 * are counted: QUIC has then made sure that the address is not forged, so nobody can use up another's
 * share. Peers are counted for its site, too, and what they may send is a site's (`siteKey`), since a home may
 * have 256 of such /64s. Nothing is counted per room: strangers could lock a room's owners out.
 *
 * @module
 */
import {
  addressKey,
  RATE_ADDRESSES_MAX,
  RateLimiter,
  type RelayOptions,
  SITE_SHARE,
} from "./limits.ts";
import type { Session } from "./session.ts";
import { AddressShares, type Share } from "./shares.ts";

/** The counts and buckets of all addresses; all of it bounded. */
export class AddressLimits {
  readonly #handshakes: RateLimiter;
  readonly #hellos: RateLimiter;
  readonly #failures: RateLimiter;
  /** Connections that have not joined, and peers that have: of each address. */
  readonly #pending = new Map<string, number>();
  readonly #joined = new Map<string, number>();
  /** The latter at each site. */
  readonly #joinedAtSite = new Map<string, number>();
  readonly #shares: AddressShares;
  readonly #options: RelayOptions;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#handshakes = new RateLimiter(options.handshakeBurstMax, options.handshakesPerSecond);
    this.#hellos = new RateLimiter(options.helloBurstMax, options.hellosPerSecond);
    this.#failures = new RateLimiter(options.keyFailureBurstMax, options.keyFailuresPerSecond);
    this.#shares = new AddressShares(options.addressLimits, RATE_ADDRESSES_MAX);
  }

  /** Whether a handshake that begins is worth the work: it is not counted yet. */
  mayBegin(address: string, nowMs: number): boolean {
    return this.#handshakes.waitMs(addressKey(address), nowMs) === 0;
  }

  /** Counts a connection whose handshake is complete; false: there are too many of its address. */
  connected(session: Session, nowMs: number): boolean {
    const isFull = this.#pendingAreFull(session);
    this.#count(session, "pending");
    return this.#handshakes.take(session.addressKey, nowMs) === 0 && !isFull;
  }

  /** Counts a hello: 0, or how long its sender must wait, ms. */
  hello(session: Session, nowMs: number): number {
    return Math.max(
      this.#hellos.take(session.addressKey, nowMs),
      this.#failures.waitMs(session.addressKey, nowMs),
    );
  }

  /** A hello was not admitted: a few are forgiven, then each costs time. */
  failed(session: Session, nowMs: number): void {
    this.#failures.take(session.addressKey, nowMs);
  }

  /** Whether an address, or its site, has as many peers as it may have. */
  crowded({ addressKey, siteKey }: Session): boolean {
    const { peersPerAddressMax } = this.#options;
    return (this.#joined.get(addressKey) ?? 0) >= peersPerAddressMax ||
      (this.#joinedAtSite.get(siteKey) ?? 0) >= SITE_SHARE * peersPerAddressMax;
  }

  /** A session joins: what may be delivered for all peers of its site. */
  entered(session: Session, nowMs: number): Share {
    this.gone(session);
    this.#count(session, "joined");
    return this.#shares.enter(session.siteKey, nowMs);
  }

  /**
   * A session's other side is at another address now: it counts there, and no more where it was. It is not turned
   * away where there are as many as there may be, but counts on where it did: nobody has more by moving.
   *
   * @returns the share of a peer's site; undefined: it is no peer
   */
  moved(session: Session, address: string, nowMs: number): Share | undefined {
    const { countedAs, siteKey: before } = session;
    session.move(address);
    if (countedAs === undefined) return undefined;
    const isJoined = countedAs === "joined";
    const isFull = isJoined ? this.crowded(session) : this.#pendingAreFull(session);
    if (!isFull) {
      this.#uncount(session);
      this.#count(session, countedAs);
    }
    if (!isJoined) return undefined;
    this.#shares.leave(before);
    return this.#shares.enter(session.siteKey, nowMs);
  }

  /** A session has left, or its connection is gone. */
  gone(session: Session): void {
    if (session.countedAs === "joined") this.#shares.leave(session.siteKey);
    this.#uncount(session);
  }

  #pendingAreFull({ addressKey }: Session): boolean {
    return (this.#pending.get(addressKey) ?? 0) >= this.#options.pendingPerAddressMax;
  }

  #count(session: Session, as: "pending" | "joined"): void {
    const { addressKey, siteKey } = session;
    session.countedAs = as;
    session.countedAt = { addressKey, siteKey };
    add(as === "pending" ? this.#pending : this.#joined, addressKey, 1);
    if (as === "joined") add(this.#joinedAtSite, siteKey, 1);
  }

  #uncount(session: Session): void {
    const { countedAs, countedAt: { addressKey, siteKey } } = session;
    session.countedAs = undefined;
    if (countedAs === undefined) return;
    add(countedAs === "pending" ? this.#pending : this.#joined, addressKey, -1);
    if (countedAs === "joined") add(this.#joinedAtSite, siteKey, -1);
  }
}

/** Changes a count, and forgets it at 0. */
function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
