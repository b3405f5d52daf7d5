/**
 * What went wrong, as people are told it.
 *
 * @module
 */

/** What went wrong, for people: what the runtime adds to the system's own words is for programmers. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\).*$/s, "");
}
