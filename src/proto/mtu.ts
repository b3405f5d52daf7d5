/**
 * What one datagram can carry, when that is known, and the MTU of a room that follows from it.
 *
 * @module
 */

import { DATAGRAM_HEADER_BYTES } from "./datagram.ts";
import { ETHERNET_HEADER_BYTES } from "./ethernet.ts";
import { SPLIT_DATAGRAM_BYTES_MIN } from "./split.ts";

/** Narrowest datagrams with which a peer is let in: a first piece must fit. */
export const BUDGET_BYTES_MIN = SPLIT_DATAGRAM_BYTES_MIN;

/** Least MTU of a room: what IPv6 asks of every link (RFC 8200 §5). */
export const TAP_MTU_MIN = 1280;

/** Greatest MTU of a room: what a frame carries without VLAN tags (IEEE 802.3). */
export const TAP_MTU_MAX = 1500;

/** Greatest MTU of a room, unless its relay is told otherwise. */
export const TAP_MTU_MAX_DEFAULT = 1400;

/** What a whole frame has around its IP packet in a datagram: two headers. */
export const TAP_OVERHEAD_BYTES = DATAGRAM_HEADER_BYTES + ETHERNET_HEADER_BYTES;

/**
 * The MTU of a room, by its gateway's path.
 *
 * @param budgetBytes what its gateway advertises
 * @param relayMaximumBytes what the relay's datagrams towards that gateway can carry
 * @param maxTapMtu the relay's `--max-tap-mtu`
 */
export function tapMtuFor(
  budgetBytes: number,
  relayMaximumBytes: number,
  maxTapMtu: number,
): number {
  //= PROTOCOL.md 10
  //# Where `max-tap-mtu` is 1500, a LAN's own, all rooms have 1500, whatever their paths carry: full
  //# frames are split then.
  if (maxTapMtu === TAP_MTU_MAX) return TAP_MTU_MAX;
  const carriedBytes = Math.min(budgetBytes, relayMaximumBytes) - TAP_OVERHEAD_BYTES;
  //= PROTOCOL.md 10
  //# **A room's MTU** is its gateway's: 18 = 4 (header) + 14 (Ethernet).
  //= PROTOCOL.md 10
  //# `max-tap-mtu` is the relay's setting, 1400 unless told otherwise: full frames then nearly fill
  //# a packet on a path of 1500.
  //= PROTOCOL.md 10
  //# | 1450 | 1450 | 1400 | 1400 | […] | 608 | 608 | 1500 | 1500 |
  return Math.max(TAP_MTU_MIN, Math.min(maxTapMtu, carriedBytes));
}

/**
 * A maximum that carries a whole frame of {@linkcode TAP_MTU_MAX_DEFAULT} has settled. A narrower one has when it has
 * not grown for this long, or for three round trips: most paths do carry such a frame, and a machine that stands still
 * for a moment is no narrow path.
 */
export const SETTLE_QUIET_MIN_MS = 400;
export const SETTLE_QUIET_ROUND_TRIPS = 3;

/** It counts as settled this long after the handshake, whatever it does. */
export const SETTLE_MAX_MS = 1000;

/** Watches a connection's largest datagram until path MTU discovery (RFC 8899) has settled. */
export class MtuSettler {
  /** The largest datagram now; 0 while none is known. */
  maximumBytes = 0;

  readonly #startedMs: number;
  #grownMs: number;
  #rttMs = 0;

  /** @param nowMs when the handshake was done */
  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#grownMs = nowMs;
  }

  /** The largest datagram is known or has changed. */
  handleMaximum(bytes: number, nowMs: number): void {
    if (bytes > this.maximumBytes) this.#grownMs = nowMs;
    this.maximumBytes = bytes;
  }

  /** The round trip time as far as it is known. */
  handleRtt(rttMs: number): void {
    this.#rttMs = rttMs;
  }

  /** Whether what is known now is what the path can carry. */
  settled(nowMs: number): boolean {
    return nowMs >= this.deadlineMs();
  }

  /** When it settles if it does not grow before, ms; that may have passed. */
  deadlineMs(): number {
    //= PROTOCOL.md 10
    //# It has settled as soon as it is 1418 or more (a whole frame of the usual MTU, 1400): what it
    //# grows later can be told.
    if (this.maximumBytes >= TAP_MTU_MAX_DEFAULT + TAP_OVERHEAD_BYTES) return this.#grownMs;
    //= PROTOCOL.md 10
    //# Below that it has when it has not grown for 400 ms or for 3 round trips, whichever is longer,
    //# and in any case 1 s after the handshake: most paths carry that much, and a machine that is
    //# busy for a moment must not narrow the room for everybody.
    const quietMs = Math.max(SETTLE_QUIET_MIN_MS, SETTLE_QUIET_ROUND_TRIPS * this.#rttMs);
    return Math.min(this.#startedMs + SETTLE_MAX_MS, this.#grownMs + quietMs);
  }
}
