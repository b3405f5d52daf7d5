/**
 * Windows' own program for networks, for what no documented function sets.
 *
 * @module
 */

import { systemDll } from "../../ffi/system_dll.ts";

/**
 * Runs it, and waits for its end.
 *
 * @param args words as they stand on a command line: what holds spaces has quotes
 * @returns whether it has done what it was told
 */
export function runNetsh(...args: string[]): boolean {
  try {
    return new Deno.Command(systemDll("netsh.exe"), {
      args,
      windowsRawArguments: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}
