/**
 * The console of a program on Windows: whose it is, and whether it holds up who writes there.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import {
  CONSOLE_SELECTION_INFO,
  ConsoleConstant,
  windowsConsole,
} from "../../ffi/windows_console.ts";
import { WINDOWS_PROCESS_SYMBOLS } from "../../ffi/windows_process.ts";

/** Who shares this process's console: 1 if it was opened for this process alone, 0 if there is none. */
export function consoleProcessCount(): number {
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_PROCESS_SYMBOLS["kernel32.dll"]);
  try {
    const list = new Uint32Array(4);
    return kernel.symbols.GetConsoleProcessList(list, list.length);
  } finally {
    kernel.close();
  }
}

/**
 * Whether somebody marks text in this console's window, for which a click is enough: until that is
 * over, Windows has everybody who writes there wait.
 */
export function isConsoleMarked(): boolean {
  const { GetConsoleSelectionInfo } = windowsConsole();
  if (GetConsoleSelectionInfo === null) return false;
  const info = new Struct(CONSOLE_SELECTION_INFO);
  return GetConsoleSelectionInfo(info.bytes) !== 0 &&
    (info.getNumber("dwFlags") & ConsoleConstant.CONSOLE_SELECTION_IN_PROGRESS) !== 0;
}
