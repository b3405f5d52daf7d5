/**
 * When an endpoint tries again, and at which relay: everything about failures that outlives one
 * connection.
 *
 * - A path that broke is tried at once, where it was; after that, always at the relay of the
 *   invitation (home), since only it knows where a room has moved to.
 * - A relay's `retryAfterMs` is never cut short; without one the wait doubles (`backoff.ts`).
 * - Where our own earlier session may stand in the way, the hello is repeated each second for 20 s.
 *
 * @module
 */

import { parseEndpointAddress } from "../control/address.ts";
import type { Redirect, RejectCode } from "../control/messages.ts";
import type { RelayTarget, SessionOptions } from "./actions.ts";
import { isLocalHost, isPublicHost } from "../proto/ip_blocks.ts";
import { backoffDelayMs, RETRY_AFTER_MAX_MS, retryAfterDelayMs } from "./backoff.ts";
import { type Reaction, REJECT_REACTIONS } from "./outcomes.ts";
import type { RandomBytes } from "./random.ts";

/** Redirects followed one after the other. */
export const REDIRECTS_MAX = 3;
/** How often, and how long, a hello is repeated that our own earlier session may stand against. */
export const REPEAT_INTERVAL_MS = 1000;
export const REPEAT_WINDOW_MS = 20_000;
/** No refused hello is repeated sooner, whatever the relay says. */
export const REFUSED_RETRY_MIN_MS = 1000;
/** A session this long has shown that all is well: the backoff begins anew. */
export const STABLE_SESSION_MS = 10_000;
/** Protocol errors in a row, without a stable session between them, after which it is no use. */
export const PROTOCOL_ERRORS_MAX = 5;

/** The next attempt. */
export interface Retry {
  /** The first that answers is used. */
  readonly targets: readonly RelayTarget[];
  readonly delayMs: number;
}

/** The memory of one endpoint's failures. */
export class Reconnection {
  /** The relay of the invitation, by each way that it names. */
  readonly home: readonly RelayTarget[];
  readonly #random: RandomBytes;
  #targets: readonly RelayTarget[];
  #target: RelayTarget;
  /** Redirects that led to the target. */
  #redirects = 0;
  /** Waits of our own choice since all was well. */
  #attempt = 0;
  #protocolErrors = 0;
  #refusedSinceMs: number | undefined;
  #everJoined = false;

  constructor(options: SessionOptions, random: RandomBytes) {
    this.#random = random;
    this.home = options.relays.map(({ host, port }) => ({
      host,
      port,
      //= PROTOCOL.md 3
      //# | server name (SNI) | the name that the certificate is checked against: the relay's host,
      //# unless set otherwise
      serverName: options.serverName ?? host,
      ...(options.fingerprint === undefined ? {} : { fingerprint: options.fingerprint }),
    }));
    this.#targets = this.home;
    this.#target = this.home[0];
  }

  /** The relay at hand. */
  get target(): RelayTarget {
    return this.#target;
  }

  /** Number of the attempt at hand, from 1. */
  get attempt(): number {
    return this.#attempt + 1;
  }

  /** Whether a hello is being repeated each second: no news for anybody. */
  get repeating(): boolean {
    return this.#refusedSinceMs !== undefined;
  }

  /** Whether the relay at hand has never been heard of but by its address: then trust is all. */
  get untried(): boolean {
    return !this.#everJoined && this.#targets === this.home;
  }

  /** A connection to one of these begins. */
  connecting(targets: readonly RelayTarget[]): void {
    this.#targets = targets;
    this.#target = targets[0];
    if (targets === this.home) this.#redirects = 0;
  }

  /** It is this one that has answered. */
  connected(target: RelayTarget): void {
    this.#target = target;
  }

  /** The relay let us in. */
  joined(): void {
    this.#everJoined = true;
  }

  /** A session is over that lasted this long. */
  sessionEnded(durationMs: number): void {
    if (durationMs < STABLE_SESSION_MS) return;
    this.#attempt = 0;
    this.#protocolErrors = 0;
  }

  /** After a `reject`; undefined: it is final. */
  afterReject(
    code: RejectCode,
    retryAfterMs: number | undefined,
    nowMs: number,
  ): Retry | undefined {
    switch (REJECT_REACTIONS[code]) {
      case "repeat": {
        this.#refusedSinceMs ??= nowMs;
        //= PROTOCOL.md 5.4
        //# After `reject` `mac-in-use` and `gateway-exists`: repeat each second for 20 s, since the
        //# one who is in the way is probably the endpoint's own session, which the relay has not
        //# yet given up.
        //= PROTOCOL.md 5.4
        //# Then it is final.
        if (nowMs - this.#refusedSinceMs >= REPEAT_WINDOW_MS) return undefined;
        const askedMs = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
        return { targets: [this.#target], delayMs: Math.max(REPEAT_INTERVAL_MS, askedMs) };
      }
      case "retry":
        this.#refusedSinceMs = undefined;
        return {
          targets: this.home,
          //= PROTOCOL.md 5.4
          //# After `rate-limited`, `relay-full`, `room-full`, and `mac-reserved`: as after a loss,
          //# but not within 1 s.
          delayMs: Math.max(REFUSED_RETRY_MIN_MS, this.#delayMs(retryAfterMs)),
        };
      default:
        return undefined;
    }
  }

  //= PROTOCOL.md 5.4
  //# An endpoint should come back by itself after everything but what is final:
  /**
   * After the connection or the session was lost; undefined: it is final. `stay` says that the path
   * broke while all was well, so that the same relay is tried first.
   */
  afterLoss(reaction: Reaction, stay: boolean, retryAfterMs?: number): Retry | undefined {
    this.#refusedSinceMs = undefined;
    if (reaction === "final") return undefined;
    //= PROTOCOL.md 5.4
    //# After the fifth `protocol-error` in a row, none of them after a session of 10 s or more:
    //# final.
    if (reaction === "suspicious" && ++this.#protocolErrors >= PROTOCOL_ERRORS_MAX) {
      return undefined;
    }
    return { targets: this.#targetsAfter(stay), delayMs: this.#delayMs(retryAfterMs) };
  }

  /** The machine has another network, or one again: earlier failures say nothing about it. */
  afterNetworkChange(stay: boolean): Retry {
    this.#refusedSinceMs = undefined;
    this.#attempt = 0;
    return { targets: this.#targetsAfter(stay), delayMs: 0 };
  }

  /** After a `redirect`; undefined: there were too many. */
  afterRedirect(redirect: Redirect): Retry | undefined {
    const address = parseEndpointAddress(redirect.relay);
    //= PROTOCOL.md 6.3
    //# It follows at most 3, one behind the other.
    if (address === undefined || this.#redirects >= REDIRECTS_MAX) return undefined;
    this.#redirects++;
    //= PROTOCOL.md 6.3
    //# Where the redirect has no fingerprint, what the endpoint was given for its first relay
    //# decides.
    const fingerprint = redirect.fingerprint ?? this.home[0].fingerprint;
    const target = {
      host: address.host,
      port: address.port,
      serverName: redirect.serverName ?? address.host,
      ...(fingerprint === undefined ? {} : { fingerprint }),
    };
    return { targets: [...this.#beforeNat(target, redirect.serverName), target], delayMs: 0 };
  }

  //= PROTOCOL.md 6.3
  //# Where a public address led to the sender of a redirect to an address of private networks, a
  //# translator (NAT) stands before it: the address at hand, with the redirect's port, is tried
  //# first.
  #beforeNat(target: RelayTarget, givenName?: string): readonly RelayTarget[] {
    const { host, serverName } = this.#target;
    if (!isLocalHost(target.host) || !isPublicHost(host)) return [];
    return [{ ...target, host, serverName: givenName ?? serverName }];
  }

  /** Where it was, by any way that leads there, or the relay of the invitation. */
  #targetsAfter(stay: boolean): readonly RelayTarget[] {
    if (!stay) return this.home;
    return [this.#target, ...this.#targets.filter((target) => target !== this.#target)];
  }

  #delayMs(retryAfterMs: number | undefined): number {
    return retryAfterMs === undefined
      ? backoffDelayMs(this.#attempt++, this.#random)
      : retryAfterDelayMs(retryAfterMs, this.#random);
  }
}
