/** One row of the demo: what was tried, what was seen, and whether it is good. */
export interface Row {
  readonly check: string;
  readonly seen: string;
  readonly ok: boolean;
}

/** The rows as a table with a verdict each, for a terminal. */
export function formatTable(rows: readonly Row[]): string {
  const checkWidth = Math.max(5, ...rows.map((row) => row.check.length));
  const seenWidth = Math.max(4, ...rows.map((row) => row.seen.length));
  const line = `+-${"-".repeat(checkWidth)}-+-${"-".repeat(seenWidth)}-+------+`;
  const text = (check: string, seen: string, verdict: string) =>
    `| ${check.padEnd(checkWidth)} | ${seen.padEnd(seenWidth)} | ${verdict.padEnd(4)} |`;
  return [
    line,
    text("check", "seen", ""),
    line,
    ...rows.map((row) => text(row.check, row.seen, row.ok ? "ok" : "FAIL")),
    line,
  ].join("\n");
}
