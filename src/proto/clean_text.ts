/**
 * Text that others wrote: names, agents, messages for people. It is shown in terminals and pages, so
 * what could move a cursor or turn a line around is taken out before anything else is done with it.
 *
 * @module
 */

/**
 * Takes C0 and C1 controls, DEL and the bidirectional controls (UAX #9: marks, embeddings, overrides
 * and isolates) out of a text, replaces halves of surrogate pairs by U+FFFD, and cuts the rest after
 * `codePointsMax` Unicode code points.
 */
export function cleanText(text: string, codePointsMax = Infinity): string {
  const clean = text.toWellFormed().replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
  // A text has no more code points than code units.
  if (clean.length <= codePointsMax) return clean;
  return [...clean].slice(0, codePointsMax).join("");
}

/** Number of Unicode code points. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
