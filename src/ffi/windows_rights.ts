/**
 * What this process may do on Windows.
 *
 * @module
 */

import { systemDll } from "./system_dll.ts";

const SYMBOLS = {
  IsUserAnAdmin: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_RIGHTS_SYMBOLS = { "shell32.dll": SYMBOLS } as const;

/** Whether this process has an administrator's rights, and not only its user could have them. */
export function isAdministrator(): boolean {
  const shell = Deno.dlopen(systemDll("shell32.dll"), SYMBOLS);
  try {
    return shell.symbols.IsUserAnAdmin() !== 0;
  } finally {
    shell.close();
  }
}
