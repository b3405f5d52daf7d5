/**
 * Windows' events, and how long the PC has slept (kernel32).
 *
 * @module
 */

import { systemDll } from "./system_dll.ts";

/** Constants of winbase.h, by their names there. */
export const EventConstant = { WAIT_OBJECT_0: 0 } as const;

const SYMBOLS = {
  CreateEventW: {
    parameters: [
      "pointer", /* lpEventAttributes */
      "i32", /* bManualReset */
      "i32", /* bInitialState */
      "pointer", /* lpName */
    ],
    result: "usize",
  },
  WaitForSingleObject: {
    parameters: ["usize", /* hHandle */ "u32" /* dwMilliseconds */],
    result: "u32",
  },
  CloseHandle: { parameters: ["usize" /* hObject */], result: "i32" },
  GetTickCount64: { parameters: [], result: "u64" },
  QueryUnbiasedInterruptTime: {
    parameters: ["buffer" /* UnbiasedTime, out: 100 ns each */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_EVENT_SYMBOLS = { "kernel32.dll": SYMBOLS } as const;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** The bound functions, opened at the first call. */
export function windowsEvents(): Deno.StaticForeignLibraryInterface<typeof SYMBOLS> {
  opened ??= Deno.dlopen(systemDll("kernel32.dll"), SYMBOLS);
  return opened.symbols;
}
