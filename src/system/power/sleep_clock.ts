/**
 * Notices that the machine has slept: a connection of before is dead then, though no timer says so,
 * since clocks that measure how long a program has run stand still in the meantime.
 *
 * Windows would call a program back when it resumes, but on a thread of its own, where none of this
 * program's code may run. Two clocks tell the same: one that counts sleep and one that does not.
 *
 * @module
 */

import { checkCall, libc } from "../../ffi/libc.ts";
import { windowsEvents } from "../../ffi/windows_events.ts";

/** A relay gives an endpoint up that is silent for 15 s; it may have been so for some before. */
export const SLEEP_MIN_MS = 8_000;

/** Clocks of clock_gettime(2), and units of QueryUnbiasedInterruptTime. */
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
const UNITS_PER_MS = 10_000;

/** See the module. */
export class SleepClock {
  readonly #readSleptMs: () => number;
  #sleptMs: number;

  /** @param readSleptMs how long the machine has slept since it started */
  constructor(readSleptMs: () => number = readSystemSleptMs) {
    this.#readSleptMs = readSleptMs;
    this.#sleptMs = readSleptMs();
  }

  /** How long the machine has slept since this was last asked, in ms; 0 for a nap that does no harm. */
  take(): number {
    const sleptMs = this.#readSleptMs();
    const lengthMs = sleptMs - this.#sleptMs;
    // Kept also after a nap: the clocks do not tick quite alike, which would add up to a sleep.
    this.#sleptMs = sleptMs;
    return lengthMs >= SLEEP_MIN_MS ? lengthMs : 0;
  }
}

/** How long this machine has slept since it started, in ms. */
function readSystemSleptMs(): number {
  if (Deno.build.os === "windows") {
    const unbiased = new BigUint64Array(1);
    if (windowsEvents().QueryUnbiasedInterruptTime(unbiased) === 0) return 0;
    return windowsSleptMs(windowsEvents().GetTickCount64(), unbiased[0]);
  }
  return readClockMs(CLOCK_BOOTTIME) - readClockMs(CLOCK_MONOTONIC);
}

/**
 * How long a Windows PC has slept since it started, in ms.
 *
 * @param tickMs what GetTickCount64 says: sleep included
 * @param unbiasedUnits what QueryUnbiasedInterruptTime says: without it, in units of 100 ns
 */
export function windowsSleptMs(tickMs: bigint, unbiasedUnits: bigint): number {
  return Number(tickMs) - Number(unbiasedUnits) / UNITS_PER_MS;
}

function readClockMs(clock: number): number {
  const time = new BigInt64Array(2);
  checkCall("clock_gettime", libc().clock_gettime(clock, time));
  return Number(time[0]) * 1_000 + Number(time[1]) / 1_000_000;
}
