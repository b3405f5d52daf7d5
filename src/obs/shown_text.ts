/**
 * The last barrier before a terminal or a page: whoever wrote a text, it stays in its line.
 *
 * @module
 */

/**
 * A text without control characters (C0, DEL, C1) and bidirectional controls, cut after
 * `codePointsMax` code points. Messages are cleaned by the same rule as they arrive; here it covers
 * what comes another way, such as names of files and hosts.
 */
export function shownText(text: string, codePointsMax = Infinity): string {
  const clean = text.toWellFormed().replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
  if (clean.length <= codePointsMax) return clean;
  return [...clean].slice(0, codePointsMax).join("");
}
