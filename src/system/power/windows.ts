/**
 * Windows' clocks of sleep. Windows would call a program back when it resumes, but on a thread of its own, where none of
 * this program's code may run.
 *
 * @module
 */

import { windowsEvents } from "../../ffi/windows_events.ts";

/** Units of QueryUnbiasedInterruptTime. */
const UNITS_PER_MS = 10_000;

/** How long the PC has slept since it started, in ms. */
export function sleptMsOfWindows(): number {
  const unbiased = new BigUint64Array(1);
  if (windowsEvents().QueryUnbiasedInterruptTime(unbiased) === 0) return 0;
  return windowsSleptMs(windowsEvents().GetTickCount64(), unbiased[0]);
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
