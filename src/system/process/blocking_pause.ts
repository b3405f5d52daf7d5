/**
 * A pause in which nothing else of the program runs: for moments in which nothing else must, such as
 * before the adapter is there.
 *
 * @module
 */

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. */
export function pauseBlocking(durationMs: number): void {
  Atomics.wait(sleeper, 0, 0, durationMs);
}
