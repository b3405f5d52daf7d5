/**
 * Text that others wrote: names, agents, messages for people. It is shown in terminals and pages, so
 * what could move a cursor, turn a line around or grow over other lines is taken out before anything else
 * is done with it, and where it is put into a line of ours it stands for itself.
 *
 * @module
 */

/** How many combining marks one character keeps; those of living scripts have three at most. */
export const MARKS_MAX = 4;

/** Controls, the bidirectional controls, and what ends a line or a paragraph (and with it an isolate). */
const HIDDEN = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;
/** What is drawn upon the character before it. */
const MARK = /[\p{Mn}\p{Me}]/u;
/** Joiners, tags and the like: they do not end what marks are drawn upon. */
const FORMAT = /\p{Cf}/u;

/**
 * Characters that run from right to left, and those that are not assigned yet in the blocks set aside for
 * them: the classes R and AL of UAX #9 and Arabic numbers, by the defaults of DerivedBidiClass.txt.
 */
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_DIRECTIONAL_ISOLATE = "\u2069";

/**
 * Takes C0 and C1 controls, DEL, the bidirectional controls (UAX #9: marks, embeddings, overrides
 * and isolates) and the separators of lines and paragraphs out of a text, replaces halves of surrogate pairs
 * by U+FFFD, leaves at most {@linkcode MARKS_MAX} combining marks on a character and none in front of the
 * first, and cuts the rest after `codePointsMax` Unicode code points.
 */
export function cleanText(text: string, codePointsMax = Infinity): string {
  //= PROTOCOL.md 4
  //# Text that people will read (`name`, `agent`, `message`) is cleaned before it is counted or
  //# shown:
  const clean = withFewMarks(text.toWellFormed().replace(HIDDEN, ""));
  // A text has no more code points than code units.
  if (clean.length <= codePointsMax) return clean;
  return [...clean].slice(0, codePointsMax).join("");
}

function withFewMarks(text: string): string {
  if (!MARK.test(text)) return text;
  let kept = "";
  let marks = MARKS_MAX;
  for (const character of text) {
    if (MARK.test(character)) {
      //= PROTOCOL.md 4
      //# Then combining marks (general categories Mn and Me) are taken out in front of the first
      //# other character, and behind each other character all but its first 4; format characters
      //# (Cf) count as neither.
      if (marks++ >= MARKS_MAX) continue;
    } else if (!FORMAT.test(character)) marks = 0;
    kept += character;
  }
  return kept;
}

/**
 * A clean text for a line of ours: one that runs from right to left is put into an isolate (UAX #9,
 * section 2.4), so that what stands around it stays where it is. Others stay as they are, since old consoles
 * draw isolates as boxes.
 */
export function isolated(text: string): string {
  //= PROTOCOL.md 4
  //# Whoever shows such a text beside others isolates it (UAX #9) where it may run from right to
  //# left.
  return RIGHT_TO_LEFT.test(text)
    ? `${FIRST_STRONG_ISOLATE}${text}${POP_DIRECTIONAL_ISOLATE}`
    : text;
}

/** Number of Unicode code points. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
