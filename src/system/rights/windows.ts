/**
 * What this process may do on Windows.
 *
 * @module
 */

import { systemDll } from "../../ffi/system_dll.ts";
import { WINDOWS_RIGHTS_SYMBOLS } from "../../ffi/windows_rights.ts";

/** Whether this process has an administrator's rights, and not only its user could have them. */
export function isAdministrator(): boolean {
  const shell = Deno.dlopen(systemDll("shell32.dll"), WINDOWS_RIGHTS_SYMBOLS["shell32.dll"]);
  try {
    return shell.symbols.IsUserAnAdmin() !== 0;
  } finally {
    shell.close();
  }
}
