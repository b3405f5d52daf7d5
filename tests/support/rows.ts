/** The demo's checks as assertions. */
import { assert, AssertionError } from "@std/assert";
import type { Row } from "../../tools/lab/table.ts";

/** A neighbour that takes both processors away for a moment costs packets; a fault costs them always. */
const ATTEMPTS_MAX = 3;

/** That all is well. */
export function assertRows(...rows: Row[]): void {
  for (const { check, seen, ok } of rows) assert(ok, `${check}: ${seen}`);
}

/** Repeats a check that counts lost packets: one run without any is wanted. */
export async function assertRow(check: () => Promise<Row>): Promise<void> {
  const seen: string[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const row = await check();
    if (row.ok) return;
    seen.push(`${row.check}: ${row.seen}`);
  }
  throw new AssertionError(seen.join("\n"));
}
