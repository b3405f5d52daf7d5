/** Whether code leaves the heap as it was. */

import { assertEquals } from "@std/assert";

/** An object of no fields has 12 bytes or more. */
const BYTES_EACH_MAX = 2;
/** So many rounds without an allocation are no chance. */
const ROUNDS_WITHOUT = 3;
/**
 * The first rounds belong to the compiler, which works in threads of its own: on a busy machine they
 * get their turn late.
 */
const COMPILED_MAX_MS = 20_000;
const ROUNDS_MIN = 60;

/**
 * Runs rounds until some have allocated nothing. A round that a collection falls into shows less than
 * nothing and does not count.
 *
 * @param count how often `round` does what is looked at
 * @throws {AssertionError} each round allocates
 */
export function assertAllocatesNothing(count: number, round: () => void): void {
  const seen: number[] = [];
  const without = () => seen.filter((bytes) => bytes >= 0 && bytes < BYTES_EACH_MAX).length;
  const endMs = performance.now() + COMPILED_MAX_MS;
  while (
    without() < ROUNDS_WITHOUT && (seen.length < ROUNDS_MIN || performance.now() < endMs)
  ) {
    const beforeBytes = Deno.memoryUsage().heapUsed;
    round();
    seen.push((Deno.memoryUsage().heapUsed - beforeBytes) / count);
  }
  const shown = seen.slice(-ROUNDS_MIN).map(Math.round);
  assertEquals(without(), ROUNDS_WITHOUT, `bytes of heap for each: ${shown}`);
}

/**
 * Times with a fraction, as a clock tells them: the same object until time goes on. In a variable the compiler would keep
 * the bits, and make an object of them for each call, which would count as the callee's.
 */
export class ObjectClock {
  /** Not a list of nothing but numbers: that would hold their bits. */
  readonly #kept: unknown[] = ["ms", 1000.3];

  get nowMs(): number {
    return this.#kept[1] as number;
  }

  advance(ms: number): void {
    this.#kept[1] = this.nowMs + ms;
  }
}
