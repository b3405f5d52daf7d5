/** How properties are run: bounded in runs and in time, with a seed that a failure prints. */

import fc from "fast-check";

const RUNS_MAX = 2_000;
const TIME_MAX_MS = 2_500;
/** Fewer runs than this would prove nothing: a busy machine takes longer for them. */
const RUNS_MIN = 100;

/**
 * Looks for a counterexample. A failure names the seed and path: put them into `replay` to see it
 * again.
 *
 * @throws {Error} there is one
 */
export function fuzz<Values>(
  property: fc.IProperty<Values>,
  replay: { readonly seed?: number; readonly path?: string; readonly runsMax?: number } = {},
): void {
  const { runsMax = RUNS_MAX, ...where } = replay;
  const endMs = performance.now() + TIME_MAX_MS;
  const check = (numRuns: number, parameters: fc.Parameters<Values>) => {
    const details = fc.check(property, { ...where, ...parameters, numRuns });
    if (details.failed) throw new Error(fc.defaultReportMessage(details));
  };
  check(Math.min(RUNS_MIN, runsMax), {});
  const leftMs = endMs - performance.now();
  if (runsMax <= RUNS_MIN || leftMs <= 0) return;
  check(runsMax - RUNS_MIN, { interruptAfterTimeLimit: leftMs, markInterruptAsFailure: false });
}

/** A hostile input: bytes, and what lies around them in memory. */
export interface Placed {
  /** The bytes with others around them. */
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly offset: number;
  readonly length: number;
}

/** Puts bytes into memory that is otherwise filled with one byte. */
export function place(bytes: Uint8Array, before: number, around: number): Placed {
  const memory = new Uint8Array(before + bytes.length + 96).fill(around);
  memory.set(bytes, before);
  return { memory, offset: before, length: bytes.length };
}

/** Bytes with a few of them changed, and perhaps cut. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
  return fc.tuple(bytes, fc.array(change, { maxLength: 4 }), fc.option(fc.nat())).map(
    ([original, changes, cut]) => {
      const copy = original.slice();
      for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
      return cut === null ? copy : copy.subarray(0, cut % (copy.length + 1));
    },
  );
}
