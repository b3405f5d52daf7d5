/** Random values from a seed, so that what a test did can be done again. @module */

/** A number from a seed, 0 ≤ n < `below`: a linear congruential generator's upper bits. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 0x1_0000_0000 * below);
  };
}

/** So many random bytes. */
export function randomBytes(random: (below: number) => number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random(256));
}
