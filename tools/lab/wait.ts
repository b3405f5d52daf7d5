/** Waiting in tests: for a time, or until something holds. */

const POLL_MS = 50;

/** Waits a while. */
export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/**
 * Waits until a condition holds.
 *
 * @throws {Error} if it does not hold in time
 */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  for (const endMs = performance.now() + timeoutMs; !(await holds());) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await pause(POLL_MS);
  }
}
