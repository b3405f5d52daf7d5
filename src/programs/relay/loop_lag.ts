/**
 * How late the reactor comes round: what a frame waits at worst because something else took long.
 *
 * @module
 */
import type { ReactorCounters, Task } from "../../reactor/mod.ts";

/** For so long the reactor sleeps where there is nothing to do: its slice. */
const SLICE_MS = 20;

/** Counts each turn's lag in ranges. */
export class LoopLag implements Task {
  /** Upper ends of the ranges, in seconds. */
  static readonly BOUNDS_SECONDS: readonly number[] = [
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.5,
  ];
  /** Turns in each range, and at the end those beyond the last. */
  readonly counts: Float64Array = new Float64Array(LoopLag.BOUNDS_SECONDS.length + 1);
  sumSeconds = 0;
  #lastMs = -1;
  #sleeps = 0;
  readonly #counters: Readonly<ReactorCounters>;

  constructor(counters: Readonly<ReactorCounters>) {
    this.#counters = counters;
  }

  work(nowMs: number): boolean {
    if (this.#lastMs >= 0) {
      const asleepMs = this.#counters.sleeps === this.#sleeps ? 0 : SLICE_MS;
      const seconds = Math.max(0, nowMs - this.#lastMs - asleepMs) / 1_000;
      let range = 0;
      while (range < LoopLag.BOUNDS_SECONDS.length && seconds > LoopLag.BOUNDS_SECONDS[range]) {
        range++;
      }
      this.counts[range]++;
      this.sumSeconds += seconds;
    }
    this.#lastMs = nowMs;
    this.#sleeps = this.#counters.sleeps;
    return false;
  }

  nextDeadlineMs(): number {
    return Infinity;
  }
}
