/**
 * How long an endpoint waits before it tries its relay again.
 *
 * The wait doubles from a quarter of a second to half a minute. Half of it is random, so that the
 * players of a whole party do not come back in step after the relay has restarted.
 *
 * @module
 */

import { type RandomBytes, randomFraction } from "./random.ts";

/** Longest wait before the first repetition: a path that only hiccuped is back at once. */
export const BACKOFF_MIN_MS = 250;
/** Longest wait ever chosen by the endpoint itself. */
export const BACKOFF_MAX_MS = 30_000;
/** A relay's `retryAfterMs` is believed up to here: ten minutes. */
export const RETRY_AFTER_MAX_MS = 600_000;
/** A wait named by the relay is stretched by up to this part of itself. */
export const RETRY_AFTER_STRETCH = 0.25;

//= PROTOCOL.md 5.4
//# The wait doubles from 250 ms to 30 s, half of it random.
/**
 * Wait before repetition number `attempt` (from 0), in ms: between a half and the whole of
 * min(30 s, 250 ms · 2^attempt).
 */
export function backoffDelayMs(attempt: number, random: RandomBytes): number {
  const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(attempt, 16));
  return ceilingMs / 2 + (ceilingMs / 2) * randomFraction(random);
}

//= PROTOCOL.md 5.4
//# Where the message has `retryAfterMs`, wait that long instead (never less; up to a quarter more,
//# at random).
/** Wait that follows a relay's `retryAfterMs`: never shorter, at most a quarter longer, bounded. */
export function retryAfterDelayMs(retryAfterMs: number, random: RandomBytes): number {
  const askedMs = Math.min(RETRY_AFTER_MAX_MS, Math.max(0, retryAfterMs));
  return askedMs + askedMs * RETRY_AFTER_STRETCH * randomFraction(random);
}
