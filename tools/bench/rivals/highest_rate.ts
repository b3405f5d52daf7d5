/** The highest rate at which hardly anything is lost, found by trying. */

/** What one try found. */
export interface RateTry {
  /** Packets a second that were really sent. */
  readonly offered: number;
  readonly received: number;
  /** 0 … 1. */
  readonly lost: number;
}

const LOST_MAX = 0.001;
const START = 16_000;
const LEAST = 500;
const MOST = 4_000_000;
/** A sender that cannot keep up says nothing about a higher rate. */
const KEEPS_UP = 0.8;
const PRECISION = 1.07;

/**
 * Searches by doubling and then halving the distance, in ratios.
 *
 * @returns the highest rate received with at most 0.1 % lost, in packets per second; 0 where nothing gets through
 */
export async function highestRate(
  attempt: (packetsPerSecond: number) => Promise<RateTry>,
): Promise<number> {
  let best = 0;
  const holds = async (rate: number) => {
    // Another program's burst must not decide: a failure is tried once more.
    for (let time = 0; time < 2; time++) {
      const { offered, received, lost } = await attempt(rate);
      if (lost > LOST_MAX) continue;
      best = Math.max(best, received);
      return offered > KEEPS_UP * rate;
    }
    return false;
  };
  let [good, bad] = [0, START];
  while (bad < MOST && await holds(bad)) [good, bad] = [bad, bad * 2];
  while (good === 0 && bad > LEAST) {
    const lower = bad / 2;
    if (await holds(lower)) good = lower;
    else bad = lower;
  }
  while (good > 0 && bad / good > PRECISION) {
    const middle = Math.sqrt(good * bad);
    if (await holds(middle)) good = middle;
    else bad = middle;
  }
  return best;
}
