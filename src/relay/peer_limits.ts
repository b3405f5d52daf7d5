/**
 * How much one peer may send: token buckets that allow a burst, on the way of every frame.
 *
 * ```
 *  what                     a bucket of      it empties with
 *  broadcast, multicast     frames           each frame or piece
 *  broadcast, multicast     bytes            its length
 *  unknown unicast          frames           each frame or piece to a MAC that nobody is known to have
 *  everything               bytes            the length of each datagram
 * ```
 *
 * A gateway speaks for a whole LAN and has {@link GATEWAY_SHARE} times as much. Nothing here allocates.
 *
 * @module
 */

/** The buckets of a peer. */
export const PeerBucket = { floodFrames: 0, floodBytes: 1, unknownFrames: 2, bytes: 3 } as const;

const BUCKETS = 4;
/** Where the time of the last filling stands. */
const FILLED_MS = BUCKETS;
/** A bucket of bytes holds at least two of the longest datagrams, so that nothing is shut out for ever. */
const BURST_BYTES_MIN = 3_100;

//= PROTOCOL.md 11
//# A gateway, which speaks for a whole LAN, has four times as much.
/** How many times a client's share a gateway has. */
export const GATEWAY_SHARE = 4;

/** What one client may send; 0 is no limit. */
export interface PeerLimits {
  /** Broadcast and multicast frames a second. */
  readonly floodFramesPerSecond: number;
  /** Bytes a second of broadcast and multicast frames. */
  readonly floodBytesPerSecond: number;
  /** Frames a second to MACs that nobody is known to have. */
  readonly unknownFramesPerSecond: number;
  /** Bytes a second, of all datagrams. */
  readonly bytesPerSecond: number;
  /** How much may come at once: so many ms' worth of each limit. */
  readonly burstMs: number;
}

//= PROTOCOL.md 11
//# **Limits.** So that one peer cannot flood the others or the relay's line, a relay should limit
//# what each peer sends, with some room for bursts.
//= PROTOCOL.md 11
//# | `bandwidth-limit` | […] | `unknown-unicast-limit` |
//= PROTOCOL.md 11
//# A second's worth may come at once.
/** The defaults: far above what games do, far below what floods do. */
export const PEER_LIMITS: PeerLimits = {
  floodFramesPerSecond: 500,
  floodBytesPerSecond: 500_000,
  unknownFramesPerSecond: 500,
  bytesPerSecond: 250_000_000,
  burstMs: 1_000,
};

/** The sizes of the buckets of one role, made once. */
export class BucketSizes {
  readonly perMs: Float64Array = new Float64Array(BUCKETS);
  readonly burst: Float64Array = new Float64Array(BUCKETS);

  constructor(limits: PeerLimits, share: number) {
    this.#set(PeerBucket.floodFrames, limits.floodFramesPerSecond * share, limits.burstMs, 1);
    this.#set(
      PeerBucket.floodBytes,
      limits.floodBytesPerSecond * share,
      limits.burstMs,
      BURST_BYTES_MIN,
    );
    this.#set(PeerBucket.unknownFrames, limits.unknownFramesPerSecond * share, limits.burstMs, 1);
    this.#set(PeerBucket.bytes, limits.bytesPerSecond * share, limits.burstMs, BURST_BYTES_MIN);
  }

  #set(bucket: number, perSecond: number, burstMs: number, burstMin: number): void {
    const isLimited = perSecond > 0;
    this.perMs[bucket] = isLimited ? perSecond / 1_000 : Infinity;
    this.burst[bucket] = isLimited ? Math.max(burstMin, perSecond * burstMs / 1_000) : Infinity;
  }
}

/** The buckets of one peer. */
export class PeerBuckets {
  readonly #tokens = new Float64Array(BUCKETS + 1);
  readonly #sizes: BucketSizes;

  /** Full buckets. */
  constructor(sizes: BucketSizes, nowMs: number) {
    this.#sizes = sizes;
    this.#tokens.set(sizes.burst);
    this.#tokens[FILLED_MS] = nowMs;
  }

  /** Fills up for the time that has passed; to be called before the others, once per datagram. */
  fill(nowMs: number): void {
    const tokens = this.#tokens;
    const elapsedMs = nowMs - tokens[FILLED_MS];
    if (elapsedMs <= 0) return;
    const { perMs, burst } = this.#sizes;
    tokens[FILLED_MS] = nowMs;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const filled = tokens[bucket] + elapsedMs * perMs[bucket];
      tokens[bucket] = filled < burst[bucket] ? filled : burst[bucket];
    }
  }

  /** Takes so much out of a bucket; false, and nothing taken, when less is in it. */
  take(bucket: number, cost: number): boolean {
    if (this.#tokens[bucket] < cost) return false;
    this.#tokens[bucket] -= cost;
    return true;
  }

  /** Takes a broadcast or multicast of so many bytes, if both of its buckets hold enough. */
  takeFlood(lengthBytes: number): boolean {
    const tokens = this.#tokens;
    if (tokens[PeerBucket.floodFrames] < 1) return false;
    if (!this.take(PeerBucket.floodBytes, lengthBytes)) return false;
    tokens[PeerBucket.floodFrames] -= 1;
    return true;
  }
}
