/**
 * The name of a Windows network connection, as the player sees it. Windows has no documented function that sets
 * it: its own program for networks does.
 *
 * @module
 */

import { systemDll } from "../../ffi/system_dll.ts";

/** What no connection's name holds; quotes would end an argument. */
const FORBIDDEN = /["\\/:*?<>|]/;

/** Renames a connection; returns whether that was possible. */
export function setConnectionName(name: string, wanted: string): boolean {
  if (FORBIDDEN.test(name) || FORBIDDEN.test(wanted)) return false;
  try {
    const { success } = new Deno.Command(systemDll("netsh.exe"), {
      args: ["interface", "set", "interface", `name="${name}"`, `newname="${wanted}"`],
      // The quotes stand inside the arguments.
      windowsRawArguments: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    return success;
  } catch {
    return false;
  }
}
