/**
 * The name of a Windows network connection, as the player sees it.
 *
 * @module
 */

import { runNetsh } from "./windows_netsh.ts";

/** What no connection's name holds; quotes would end an argument. */
const FORBIDDEN = /["\\/:*?<>|]/;

/** Renames a connection; returns whether that was possible. */
export function setConnectionName(name: string, wanted: string): boolean {
  if (FORBIDDEN.test(name) || FORBIDDEN.test(wanted)) return false;
  const words = ["interface", "set", "interface", `name="${name}"`, `newname="${wanted}"`];
  return runNetsh(words) === "done";
}
