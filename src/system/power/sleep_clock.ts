/**
 * Notices that the machine has slept: a connection of before is dead then, though no timer says so,
 * since clocks that measure how long a program has run stand still in the meantime. Each system has two
 * clocks, one that counts sleep and one that does not.
 *
 * @module
 */

import { sleptMsOfLinux } from "./linux.ts";
import { sleptMsOfWindows } from "./windows.ts";

/** A relay gives an endpoint up that is silent for 15 s; it may have been so for some before. */
export const SLEEP_MIN_MS = 8_000;

/** How long this machine has slept since it started, in ms. */
const systemSleptMs = Deno.build.os === "windows" ? sleptMsOfWindows : sleptMsOfLinux;

/** See the module. */
export class SleepClock {
  readonly #readSleptMs: () => number;
  #sleptMs: number;

  /** @param readSleptMs how long the machine has slept since it started */
  constructor(readSleptMs: () => number = systemSleptMs) {
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
