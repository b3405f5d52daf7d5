/**
 * A doctor's report: findings in groups, for people, with marks at what may be wrong.
 *
 * @module
 */

import { cleanText, isolated } from "../proto/clean_text.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly how: string;
  /** What to do about it; a finding without is fine. */
  readonly advice?: string;
}

/** Findings about one thing. */
export interface FindingGroup {
  readonly title: string;
  readonly findings: readonly Finding[];
}

const COLUMN = 22;
const TEXT_MAX = 400;

/** The report's text. What comes from elsewhere cannot move the reader's cursor. */
export function formatReport(groups: readonly FindingGroup[]): string {
  const lines = groups.flatMap(({ title, findings }) => [
    title,
    ...findings.flatMap(({ what, how, advice }) => [
      `${advice === undefined ? "  " : "! "}${`${what}:`.padEnd(COLUMN)}${clean(how)}`,
      ...(advice === undefined ? [] : [`${" ".repeat(COLUMN + 2)}→ ${clean(advice)}`]),
    ]),
    "",
  ]);
  const problems = groups.flatMap(({ findings }) => findings)
    .filter(({ advice }) => advice !== undefined).length;
  const verdict = problems === 0
    ? "Nothing looks wrong."
    : `${problems} ${problems === 1 ? "thing" : "things"} to look at, marked with "!".`;
  return [...lines, verdict].join("\n");
}

function clean(text: string): string {
  return isolated(cleanText(text, TEXT_MAX));
}
