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
  let clean = "";
  let count = 0;
  for (const character of text.toWellFormed()) {
    if (isControl(character.codePointAt(0)!)) continue;
    if (count === codePointsMax) break;
    clean += character;
    count++;
  }
  return clean;
}

/** Number of Unicode code points. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function isControl(codePoint: number): boolean {
  if (codePoint < 0x20 || (codePoint >= 0x7f && codePoint <= 0x9f)) return true;
  if (codePoint < 0x061c) return false;
  return codePoint === 0x061c || codePoint === 0x200e || codePoint === 0x200f ||
    (codePoint >= 0x202a && codePoint <= 0x202e) || (codePoint >= 0x2066 && codePoint <= 0x2069);
}
