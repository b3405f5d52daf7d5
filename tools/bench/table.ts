/** The benchmark's table: each row has a figure, what it is compared with, and a goal. */

/** One measured thing. */
export interface BenchRow {
  readonly name: string;
  readonly figure: string;
  /** What the figure is held against: a peer's figure, or an earlier one. */
  readonly peer?: string;
  /** Figure over peer, or their difference, as text. */
  readonly ratio?: string;
  readonly goal?: string;
  /** Absent where there is no goal. */
  readonly ok?: boolean;
}

const HEADINGS = ["", "figure", "against", "ratio", "goal", ""] as const;

/** The rows as a table for a terminal; rows without a figure are headings. */
export function formatBench(rows: readonly BenchRow[]): string {
  const cells = rows.map((row) => [
    row.name,
    row.figure,
    row.peer ?? "",
    row.ratio ?? "",
    row.goal ?? "",
    row.ok === undefined ? "" : row.ok ? "ok" : "MISSED",
  ]);
  const widths = HEADINGS.map((heading, column) => {
    return Math.max(heading.length, ...cells.map((row) => row[column].length));
  });
  const line = `+-${widths.map((width) => "-".repeat(width)).join("-+-")}-+`;
  const text = (row: readonly string[]) => {
    const padded = row.map((cell, column) => {
      return column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
    });
    return `| ${padded.join(" | ")} |`;
  };
  return [line, text(HEADINGS), line, ...cells.map(text), line].join("\n");
}

/** The middle one of some figures. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** 1234567 as `1,234,567`. */
export function grouped(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}
