/**
 * What Windows tells a console's programs: Ctrl-C, that their window is closed, and whether somebody
 * marks text in it (kernel32).
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";

/** What is marked in a console's window. */
export const CONSOLE_SELECTION_INFO = {
  name: "CONSOLE_SELECTION_INFO",
  header: "windows.h",
  page: "https://learn.microsoft.com/windows/console/console-selection-info-str",
  sizeBytes: 16,
  fields: { dwFlags: { offset: 0, type: "u32" } },
} as const satisfies StructLayout;

/** Constants of wincon.h, by their names there. */
export const ConsoleConstant = {
  CTRL_CLOSE_EVENT: 2,
  CTRL_LOGOFF_EVENT: 5,
  CTRL_SHUTDOWN_EVENT: 6,
  CONSOLE_SELECTION_IN_PROGRESS: 1,
} as const;

/**
 * `PHANDLER_ROUTINE`: called on a thread of Windows' own, with the event; not 0: nobody else is asked
 * (https://learn.microsoft.com/windows/console/handlerroutine).
 */
export const HANDLER_ROUTINE = {
  parameters: ["u32" /* dwCtrlType */],
  result: "i32",
} as const satisfies Deno.UnsafeCallbackDefinition;

const SYMBOLS = {
  SetConsoleCtrlHandler: {
    parameters: ["function", /* HandlerRoutine */ "i32" /* Add */],
    result: "i32",
  },
  /** Wine has none. */
  GetConsoleSelectionInfo: {
    parameters: ["buffer" /* lpConsoleSelectionInfo, out */],
    result: "i32",
    optional: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_CONSOLE_SYMBOLS = { "kernel32.dll": SYMBOLS } as const;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** The bound functions, opened at the first call. */
export function windowsConsole(): Deno.StaticForeignLibraryInterface<typeof SYMBOLS> {
  opened ??= Deno.dlopen(systemDll("kernel32.dll"), SYMBOLS);
  return opened.symbols;
}
