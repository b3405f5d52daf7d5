/**
 * Tables for terminals.
 *
 * @module
 */

/** Rows as lines, each column as wide as its widest text. The first row is the head. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    return row.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd();
  }).join("\n");
}
