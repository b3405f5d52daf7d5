/**
 * Linux' clocks of sleep: clock_gettime(2).
 *
 * @module
 */

import { checkCall, libc } from "../../ffi/libc.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

/** How long the machine has slept since it started, in ms. */
export function sleptMsOfLinux(): number {
  return readClockMs(CLOCK_BOOTTIME) - readClockMs(CLOCK_MONOTONIC);
}

function readClockMs(clock: number): number {
  const time = new BigInt64Array(2);
  checkCall("clock_gettime", libc().clock_gettime(clock, time));
  return Number(time[0]) * 1_000 + Number(time[1]) / 1_000_000;
}
