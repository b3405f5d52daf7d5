/**
 * Every bound and every period of the relay, and the two meters that enforce bounds over time.
 *
 * A limit that a host may set is a field of {@link RelayOptions}; the others are constants.
 *
 * @module
 */
import { TAP_MTU_MAX_DEFAULT } from "../proto/mtu.ts";
import { QUEUE_BYTES_MAX } from "../queue/fair_queue.ts";
import type { RoomDirectory } from "./directory.ts";
import { PEER_LIMITS, type PeerLimits } from "./peer_limits.ts";
import type { AdmissionPolicy } from "./policy.ts";
import { SHARE_LIMITS, type ShareLimits } from "./shares.ts";
import { forgetOldest } from "./sites.ts";

/** A hello must be complete this long after the handshake. */
export const HELLO_DEADLINE_MS = 10_000;
/** Where there are too many connections, one that has said nothing for so long gives way. */
export const SILENT_GRACE_MS = 2_000;
/** How long a session that was told of its end may take to close the connection itself. */
export const END_GRACE_MS = 1_000;
/** Both sides send their `stats` this often. */
export const STATS_INTERVAL_MS = 10_000;
/** How often queues whose peers take nothing are cleared of what waits too long. */
export const SWEEP_INTERVAL_MS = 100;
/** Timers are looked at no more often than this. */
export const TIMER_GRAIN_MS = 5;
/** A peer id that was given back is not given out again for this long. */
export const PEER_ID_REST_MS = 60_000;
/** Peer ids are u16, from 1. */
export const PEER_ID_MAX = 0xffff;

/** More malformed datagrams than this within the window end a session (`malformed-limit`). */
export const MALFORMED_MAX = 100;
/** The window of {@link MALFORMED_MAX}. */
export const MALFORMED_WINDOW_MS = 10_000;
/** More control messages than this within the window end a session (`protocol-error`). */
export const CONTROL_MESSAGES_MAX = 100;
/** The window of `controlMessagesMax`. */
export const CONTROL_WINDOW_MS = 10_000;

/** Control bytes that may wait for one peer: this much and {@link CONTROL_UNSENT_PEER_BYTES} for each peer a room can hold. */
export const CONTROL_UNSENT_BYTES = 65_536;
/** Room for a `peerJoined` and a `peerLeft` with the longest name. */
export const CONTROL_UNSENT_PEER_BYTES = 1_024;
/** `stats` are left out while this many control bytes wait: they are the one message nobody misses. */
export const STATS_UNSENT_BYTES_MAX = 16_384;

/** How many rooms that became empty are remembered, for their peer ids to rest. */
export const RESTING_ROOMS_MAX = 4_096;
/** How many addresses each rate limiter remembers. */
export const RATE_ADDRESSES_MAX = 8_192;
/** How many locks of rooms there may be. */
export const ROOM_LOCKS_MAX = 1_024;
/** How many times an address's peers and rooms a site may have, such as an IPv6 /48: see `siteKey`. */
export const SITE_SHARE = 4;
/** `retryAfterMs` where an address has too many peers or rooms. */
export const PEERS_RETRY_AFTER_MS = 10_000;

/** `retryAfterMs` of each reject after which trying again makes sense, but for `rate-limited`. */
export const RETRY_AFTER_MS = {
  "relay-full": 30_000,
  "gateway-exists": 1_000,
  "mac-in-use": 1_000,
  "room-full": 10_000,
} as const;

/** What a host may set. */
export interface RelayOptions {
  /** The largest TAP MTU that a room gets, in bytes. */
  readonly maxTapMtu: number;
  /** Rooms at once. */
  readonly roomsMax: number;
  /** Clients and gateways in one room. */
  readonly peersPerRoomMax: number;
  /** Joined peers in all rooms. */
  readonly peersMax: number;
  /** Connections, joined or not; one more is closed at once, unheard. */
  readonly connectionsMax: number;
  /** Connections of one address that have not joined. */
  readonly pendingPerAddressMax: number;
  /** Joined peers of one address; of one site {@link SITE_SHARE} times as many, as of the next. */
  readonly peersPerAddressMax: number;
  /** Rooms that one address may have opened at once. */
  readonly roomsPerAddressMax: number;
  /** Handshakes that one address may complete at once … */
  readonly handshakeBurstMax: number;
  /** … and in the long run, each second. */
  readonly handshakesPerSecond: number;
  /** Hellos that one address may send at once … */
  readonly helloBurstMax: number;
  /** … and in the long run, each second. */
  readonly hellosPerSecond: number;
  /** Hellos of one address that may be refused as `not-admitted` at once … */
  readonly keyFailureBurstMax: number;
  /** … and in the long run, each second. */
  readonly keyFailuresPerSecond: number;
  /** Control messages of one peer in 10 s. */
  readonly controlMessagesMax: number;
  /** Frames and bytes of one peer. */
  readonly peerLimits: PeerLimits;
  /** What is delivered in one room. */
  readonly roomLimits: ShareLimits;
  /** What is delivered for all peers of one address. */
  readonly addressLimits: ShareLimits;
  /** Who is let in: `open` is everyone. */
  readonly policy: "open" | AdmissionPolicy;
  /** Whether a gateway's IPv6 router advertisements reach the players. */
  readonly allowRouterAdvertisements: boolean;
  /** Whether players may send frames of VLANs. */
  readonly allowVlan: boolean;
  /** Which rooms are here and which elsewhere; by default all are here. */
  readonly directory?: RoomDirectory;
  /** Bytes that may wait for one peer. */
  readonly queueBytesMax: number;
  /** How long a frame may wait for one peer, ms. */
  readonly queueSojournMaxMs: number;
}

/** The defaults of {@link RelayOptions}. */
export const RELAY_DEFAULTS: RelayOptions = {
  maxTapMtu: TAP_MTU_MAX_DEFAULT,
  roomsMax: 1_000,
  peersPerRoomMax: 64,
  peersMax: 4_096,
  connectionsMax: 8_192,
  pendingPerAddressMax: 256,
  helloBurstMax: 200,
  peersPerAddressMax: 64,
  roomsPerAddressMax: 16,
  handshakeBurstMax: 400,
  handshakesPerSecond: 20,
  hellosPerSecond: 10,
  keyFailureBurstMax: 10,
  keyFailuresPerSecond: 0.1,
  controlMessagesMax: CONTROL_MESSAGES_MAX,
  peerLimits: PEER_LIMITS,
  roomLimits: SHARE_LIMITS,
  addressLimits: SHARE_LIMITS,
  policy: "open",
  allowRouterAdvertisements: false,
  allowVlan: false,
  queueBytesMax: QUEUE_BYTES_MAX,
  queueSojournMaxMs: 20,
};

/**
 * Tells when more than `eventsMax` events fell into any window of `windowMs`.
 *
 * It keeps the times of the last `eventsMax` events in a ring made at construction: exact at every
 * moment, unlike a count that starts anew each window.
 */
export class EventMeter {
  readonly #timesMs: Float64Array;
  #next = 0;
  readonly #windowMs: number;

  constructor(eventsMax: number, windowMs: number) {
    this.#windowMs = windowMs;
    this.#timesMs = new Float64Array(eventsMax).fill(-Infinity);
  }

  /** Counts one event; true when it is one too many. */
  exceeds(nowMs: number): boolean {
    const before = this.#timesMs[this.#next];
    this.#timesMs[this.#next] = nowMs;
    this.#next = this.#next + 1 === this.#timesMs.length ? 0 : this.#next + 1;
    return nowMs - before < this.#windowMs;
  }
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** A token bucket for each network address; the least recently seen one gives way to a new one. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #burstMax: number;
  readonly #perSecond: number;
  readonly #addressesMax: number;

  constructor(
    burstMax: number,
    perSecond: number,
    addressesMax = RATE_ADDRESSES_MAX,
  ) {
    this.#burstMax = burstMax;
    this.#perSecond = perSecond;
    this.#addressesMax = addressesMax;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes one token of an address (as `addressKey` gives it): 0, or after how many ms there is one
   * again.
   */
  take(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burstMax, filledMs: nowMs };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#addressesMax) forgetOldest(this.#buckets);
    const waitMs = this.#wait(bucket, nowMs);
    if (waitMs === 0) bucket.tokens -= 1;
    return waitMs;
  }

  /** As {@link take}, but takes nothing. */
  waitMs(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    return bucket === undefined ? 0 : this.#wait(bucket, nowMs);
  }

  #wait(bucket: Bucket, nowMs: number): number {
    const gained = (nowMs - bucket.filledMs) * this.#perSecond / 1_000;
    bucket.tokens = Math.min(this.#burstMax, bucket.tokens + gained);
    bucket.filledMs = nowMs;
    if (bucket.tokens >= 1) return 0;
    // Sums of fractions are a little off: not a whole ms for that.
    return Math.max(1, Math.ceil((1 - bucket.tokens) * 1_000 / this.#perSecond - 1e-6));
  }
}

export { addressKey } from "../control/address_key.ts";
