/** Round trips of pings: their figures, the bins of their histogram, and how they go over a minute. */
import { median } from "../table.ts";
import { percentile } from "../../lab/figures.ts";
import type { PingSecond } from "./results.ts";

const BIN_LEAST_MS = 0.1;
const BIN_GROWTH = 1.15;
const BIN_COUNT = 48;
const STEP_SECONDS = 0.5;

/** Upper ends of the histogram's bins, in milliseconds: each 15 % above the one before; the last has all above. */
export const PING_BINS: readonly number[] = Array.from(
  { length: BIN_COUNT },
  (_, index) => BIN_LEAST_MS * BIN_GROWTH ** index,
);

/** One ping that came back. */
export interface Ping {
  /** When, by the clock on the wall. */
  readonly unixSeconds: number;
  readonly ms: number;
}

/** Reads what `ping -D` prints: `[1764600000.123456] 64 bytes from …: icmp_seq=1 ttl=64 time=0.321 ms`. */
export function readPings(output: string): Ping[] {
  const lines = output.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from .* time=([0-9.]+) ms/gm);
  return [...lines].map(([, at, ms]) => ({ unixSeconds: Number(at), ms: Number(ms) }));
}

/** Median, p99 and longest of some pings, under the names of the rows that begin with `id`. */
export function pingFigures(id: string, pings: readonly Ping[]): Record<string, number> {
  if (pings.length === 0) throw new Error("no ping came back");
  const times = pings.map(({ ms }) => ms);
  return {
    [`${id}MedianMs`]: median(times),
    [`${id}P99Ms`]: percentile(times, 0.99),
    [`${id}MaxMs`]: Math.max(...times),
  };
}

/** How many of the pings fall into each bin. */
export function countPings(pings: readonly Ping[]): number[] {
  const counts = new Array<number>(BIN_COUNT).fill(0);
  for (const { ms } of pings) {
    const bin = PING_BINS.findIndex((end) => ms <= end);
    counts[bin < 0 ? BIN_COUNT - 1 : bin]++;
  }
  return counts;
}

/** The pings by half seconds, from the first that came back on. */
export function pingSeconds(pings: readonly Ping[]): PingSecond[] {
  const steps = new Map<number, number[]>();
  for (const { unixSeconds, ms } of pings) {
    const step = Math.floor((unixSeconds - pings[0].unixSeconds) / STEP_SECONDS);
    const times = steps.get(step) ?? [];
    steps.set(step, times);
    times.push(ms);
  }
  return [...steps].sort(([a], [b]) => a - b).map(([step, times]) => ({
    atSeconds: step * STEP_SECONDS,
    medianMs: median(times),
    maxMs: Math.max(...times),
  }));
}
