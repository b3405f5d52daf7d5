/**
 * What an administrator should know of the dates of a certificate: for the log, `check-config` and the pages.
 *
 * @module
 */

import { formatTimeSpan } from "../proto/time_span.ts";

/** When a certificate is valid, in ms since 1970. */
export interface Validity {
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

const DAY_MS = 86_400_000;
/** A certificate that ends sooner should have been renewed: those of 90 days are, 30 days before their end. */
export const SOON_MS = 14 * DAY_MS;

/** What an administrator should know of a certificate's dates, as one clause; undefined: nothing. */
export function validityTrouble(
  { fromUnixMs, toUnixMs }: Validity,
  unixMs: number,
): string | undefined {
  if (unixMs > toUnixMs) {
    return `expired on ${day(toUnixMs)}: whoever does not have its fingerprint is kept out`;
  }
  if (unixMs < fromUnixMs) {
    return `is valid from ${day(fromUnixMs)} on, and here it is ${
      day(unixMs)
    }: is the clock right?`;
  }
  if (toUnixMs - unixMs >= SOON_MS) return undefined;
  return `expires in ${formatTimeSpan(toUnixMs - unixMs)} (${day(toUnixMs)})`;
}

function day(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}
