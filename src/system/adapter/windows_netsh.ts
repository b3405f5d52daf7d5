/**
 * Windows' own program for networks, for what no documented function sets.
 *
 * @module
 */

import { systemDll } from "../../ffi/system_dll.ts";
import { runBriefly } from "../process/mod.ts";

/** It asks services of Windows', and one that hangs would have it wait for ever; it takes less than a second. */
const NETSH_MAX_MS = 10_000;

/** What became of it; `unanswered`: it was ended, and nobody knows whether it had done its work. */
export type NetshResult = "done" | "refused" | "unanswered";

/**
 * Runs it, and waits for its end.
 *
 * @param args words as they stand on a command line: what holds spaces has quotes
 * @param run for tests
 */
export function runNetsh(args: readonly string[], run: typeof start = start): NetshResult {
  try {
    const code = run(args, NETSH_MAX_MS);
    return code === "late" ? "unanswered" : code === 0 ? "done" : "refused";
  } catch {
    return "refused"; // it cannot be started
  }
}

function start(args: readonly string[], timeoutMs: number): number | "late" {
  return runBriefly({ program: systemDll("netsh.exe"), args, timeoutMs });
}
