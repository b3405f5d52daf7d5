/**
 * Randomness as an argument: pure code never makes its own.
 *
 * @module
 */

/** Hands out `count` random bytes. The shell passes the system's source, a test a seeded one. */
export type RandomBytes = (count: number) => Uint8Array;

/** A number in [0, 1) with 32 random bits. */
export function randomFraction(random: RandomBytes): number {
  const bytes = random(4);
  return (bytes[0] * 0x1000000 + bytes[1] * 0x10000 + bytes[2] * 0x100 + bytes[3]) / 0x100000000;
}
