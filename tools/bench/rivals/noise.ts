/** Who computes while something is measured: the peer's programs, this measurement, and others. */
import { cpuSeconds } from "../process_figures.ts";

const TICKS_PER_SECOND = 100;
const IDLE_FIELDS = [3, 4];
const FIELDS = 7;
const OWN_FIRST_FIELD = 11;
/** The kernel counts in hundredths of a second. */
const SECONDS_LEAST = 0.5;

/** CPU time of all processors that was not idle, from the first line of /proc/stat (proc(5)): steal is left out. */
export function busySeconds(stat: string): number {
  const ticks = stat.slice(0, stat.indexOf("\n")).trim().split(/ +/).slice(1, 1 + FIELDS).map(
    Number,
  );
  const busy = ticks.filter((_, index) => !IDLE_FIELDS.includes(index));
  return busy.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND;
}

/** CPU time of a process and of its children that have ended, from its /proc/PID/stat. */
export function familySeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(OWN_FIRST_FIELD, OWN_FIRST_FIELD + 4).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND;
}

/** CPU time of some processes; of one that has ended none. */
export function cpuSecondsOf(processIds: readonly number[]): number {
  return processIds.reduce((sum, pid) => {
    try {
      return sum + cpuSeconds(pid);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return sum;
      throw error;
    }
  }, 0);
}

/** What the machine did between two moments. */
export class NoiseMeter {
  readonly #startedMs = performance.now();
  readonly #before: number;

  /** `processIds` are the peer's programs. */
  constructor(processIds: readonly number[]) {
    this.#before = othersSeconds(processIds);
  }

  /**
   * What others took of all processors since then, 0 … 1; `processIds` are the peer's programs that run now. Undefined
   * where it was too short to say.
   */
  share(processIds: readonly number[]): number | undefined {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    if (seconds < SECONDS_LEAST) return undefined;
    const others = othersSeconds(processIds) - this.#before;
    return Math.max(0, others / seconds / navigator.hardwareConcurrency);
  }
}

/** A program that has ended is a child of this process, and counts as such. */
function othersSeconds(processIds: readonly number[]): number {
  return busySeconds(Deno.readTextFileSync("/proc/stat")) -
    familySeconds(Deno.readTextFileSync("/proc/self/stat")) - cpuSecondsOf(processIds);
}
