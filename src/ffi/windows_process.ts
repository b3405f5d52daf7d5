/**
 * Windows' processes and consoles (shell32, kernel32): starting a program with an administrator's
 * rights, and whose console this is.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

/** What `ShellExecuteExW` is told, and what it answers. */
export const SHELLEXECUTEINFOW = {
  name: "SHELLEXECUTEINFOW",
  header: "shellapi.h",
  page: "https://learn.microsoft.com/windows/win32/api/shellapi/ns-shellapi-shellexecuteinfow",
  sizeBytes: 112,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    fMask: { offset: 4, type: "u32" },
    lpVerb: { offset: 16, type: "pointer" },
    lpFile: { offset: 24, type: "pointer" },
    lpParameters: { offset: 32, type: "pointer" },
    lpDirectory: { offset: 40, type: "pointer" },
    nShow: { offset: 48, type: "i32" },
    hInstApp: { offset: 56, type: "u64" },
    hProcess: { offset: 104, type: "u64" },
  },
} as const satisfies StructLayout;

/** Constants of shellapi.h, winuser.h, objbase.h and winbase.h, by their names there. */
export const ProcessConstant = {
  SEE_MASK_NOCLOSEPROCESS: 0x40,
  SEE_MASK_NOASYNC: 0x100,
  SEE_MASK_FLAG_NO_UI: 0x400,
  SE_ERR_ACCESSDENIED: 5,
  SW_SHOWNORMAL: 1,
  COINIT_APARTMENTTHREADED: 2,
  COINIT_DISABLE_OLE1DDE: 4,
  INFINITE: 0xffffffff,
  WAIT_OBJECT_0: 0,
  PROCESS_QUERY_LIMITED_INFORMATION: 0x1000,
  SYNCHRONIZE: 0x100000,
  STILL_ACTIVE: 259,
} as const;

const SHELL_SYMBOLS = {
  ShellExecuteExW: { parameters: ["buffer" /* pExecInfo, in and out */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const OLE_SYMBOLS = {
  CoInitializeEx: {
    parameters: ["pointer", /* pvReserved */ "u32" /* dwCoInit */],
    result: "i32",
  },
  CoUninitialize: { parameters: [], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

const KERNEL_SYMBOLS = {
  /** Blocks: called on another thread, so that the runtime's own loop goes on. */
  WaitForSingleObject: {
    parameters: ["usize", /* hHandle */ "u32" /* dwMilliseconds */],
    result: "u32",
    nonblocking: true,
  },
  GetExitCodeProcess: {
    parameters: ["usize", /* hProcess */ "buffer" /* lpExitCode, out */],
    result: "i32",
  },
  OpenProcess: {
    parameters: [
      "u32", /* dwDesiredAccess */
      "i32", /* bInheritHandle */
      "u32", /* dwProcessId */
    ],
    result: "usize",
  },
  GetProcessTimes: {
    parameters: [
      "usize", /* hProcess */
      "buffer", /* lpCreationTime, out */
      "buffer", /* lpExitTime, out */
      "buffer", /* lpKernelTime, out */
      "buffer", /* lpUserTime, out */
    ],
    result: "i32",
  },
  K32EnumProcesses: {
    parameters: ["buffer", /* lpidProcess, out */ "u32", /* cb */ "buffer" /* lpcbNeeded, out */],
    result: "i32",
  },
  CloseHandle: { parameters: ["usize" /* hObject */], result: "i32" },
  GetConsoleProcessList: {
    parameters: ["buffer", /* lpdwProcessList, out */ "u32" /* dwProcessCount */],
    result: "u32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_PROCESS_SYMBOLS = {
  "shell32.dll": SHELL_SYMBOLS,
  "ole32.dll": OLE_SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;
