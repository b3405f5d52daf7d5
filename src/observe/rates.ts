/**
 * How much goes through a tunnel now, from totals that only grow.
 *
 * @module
 */
import type { TrafficCounters } from "./counters.ts";

/** What goes one way. */
export interface Rate {
  readonly framesPerSecond: number;
  readonly bitsPerSecond: number;
}

const NO_RATE: Rate = { framesPerSecond: 0, bitsPerSecond: 0 };

/** Both ways over the time between the last two looks. */
export class TrafficRates {
  /** Into the tunnel. */
  sent: Rate = NO_RATE;
  /** Out of it. */
  received: Rate = NO_RATE;
  readonly #traffic: Readonly<TrafficCounters>;
  #lookedMs: number;
  readonly #seen: Pick<
    TrafficCounters,
    "framesSent" | "bytesSent" | "framesReceived" | "bytesReceived"
  >;

  constructor(traffic: Readonly<TrafficCounters>, nowMs: number) {
    this.#traffic = traffic;
    this.#lookedMs = nowMs;
    const { framesSent, bytesSent, framesReceived, bytesReceived } = traffic;
    this.#seen = { framesSent, bytesSent, framesReceived, bytesReceived };
  }

  /** Looks at the totals; to be called about once a second. */
  look(nowMs: number): void {
    const seconds = (nowMs - this.#lookedMs) / 1000;
    if (seconds <= 0) return;
    const { framesSent, bytesSent, framesReceived, bytesReceived } = this.#traffic;
    const seen = this.#seen;
    this.sent = rateOf(framesSent - seen.framesSent, bytesSent - seen.bytesSent, seconds);
    this.received = rateOf(
      framesReceived - seen.framesReceived,
      bytesReceived - seen.bytesReceived,
      seconds,
    );
    Object.assign(seen, { framesSent, bytesSent, framesReceived, bytesReceived });
    this.#lookedMs = nowMs;
  }
}

function rateOf(frames: number, bytes: number, seconds: number): Rate {
  return { framesPerSecond: frames / seconds, bitsPerSecond: bytes * 8 / seconds };
}
