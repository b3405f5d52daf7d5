/** How properties are run: a bounded number of times, with a seed that a failure prints. */

import fc from "fast-check";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = 2_000;

/**
 * Looks for a counterexample. A failure names the seed and path: put them into `replay` to see it
 * again.
 *
 * @throws {Error} there is one
 */
export function fuzz<Values>(
  property: fc.IProperty<Values>,
  replay: { readonly seed?: number; readonly path?: string; readonly runs?: number } = {},
): void {
  const { runs = RUNS, ...where } = replay;
  fc.assert(property, { ...where, numRuns: runs });
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
