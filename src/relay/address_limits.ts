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
    session.countedAs = "pending";
    const pending = add(this.#pending, session.addressKey, 1);
    return this.#handshakes.take(session.addressKey, nowMs) === 0 &&
      pending <= this.#options.pendingPerAddressMax;
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
    session.countedAs = "joined";
    add(this.#joined, session.addressKey, 1);
    add(this.#joinedAtSite, session.siteKey, 1);
    return this.#shares.enter(session.siteKey, nowMs);
  }

  /**
   * A session's other side is at another address now: it counts there, and no more where it was. It is not turned
   * away for that, whoever else is there already.
   *
   * @returns the share of a peer's site; undefined: it is no peer
   */
  moved(session: Session, address: string, nowMs: number): Share | undefined {
    const { countedAs } = session;
    this.gone(session);
    session.move(address);
    if (countedAs === "joined") return this.entered(session, nowMs);
    session.countedAs = countedAs;
    if (countedAs === "pending") add(this.#pending, session.addressKey, 1);
    return undefined;
  }

  /** A session has left, or its connection is gone. */
  gone(session: Session): void {
    if (session.countedAs === "pending") add(this.#pending, session.addressKey, -1);
    else if (session.countedAs === "joined") {
      add(this.#joined, session.addressKey, -1);
      add(this.#joinedAtSite, session.siteKey, -1);
      this.#shares.leave(session.siteKey);
    }
    session.countedAs = undefined;
  }
}

/** Changes a count, and forgets it at 0. */
function add(counts: Map<string, number>, key: string, change: 1 | -1): number {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
  return count;
}
