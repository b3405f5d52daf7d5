/**
 * Windows' handles, files and completion ports (kernel32, ntdll), and the timer's resolution
 * (winmm).
 *
 * Reads and writes go through ntdll's documented functions: they return their status. Win32's leave
 * it as the thread's last error, which the runtime may overwrite before we can ask for it.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";

const WIN32 = "https://learn.microsoft.com/windows/win32/api";

/** An operation in progress: its status, and what the kernel keeps of it. */
export const OVERLAPPED = {
  name: "OVERLAPPED",
  header: "windows.h",
  page: `${WIN32}/minwinbase/ns-minwinbase-overlapped`,
  sizeBytes: 32,
  fields: {
    Internal: { offset: 0, type: "u64" },
    InternalHigh: { offset: 8, type: "u64" },
    Offset: { offset: 16, type: "u32" },
    OffsetHigh: { offset: 20, type: "u32" },
    hEvent: { offset: 24, type: "pointer" },
  },
} as const satisfies StructLayout;

/** A completion, as a port delivers it. */
export const OVERLAPPED_ENTRY = {
  name: "OVERLAPPED_ENTRY",
  header: "windows.h",
  page: `${WIN32}/minwinbase/ns-minwinbase-overlapped_entry`,
  sizeBytes: 32,
  fields: {
    lpCompletionKey: { offset: 0, type: "u64" },
    lpOverlapped: { offset: 8, type: "pointer" },
    Internal: { offset: 16, type: "u64" },
    dwNumberOfBytesTransferred: { offset: 24, type: "u32" },
  },
} as const satisfies StructLayout;

/** What Windows may hold a process back by to save power, and by what not. */
export const PROCESS_POWER_THROTTLING_STATE = {
  name: "PROCESS_POWER_THROTTLING_STATE",
  header: "windows.h",
  page: `${WIN32}/processthreadsapi/ns-processthreadsapi-process_power_throttling_state`,
  sizeBytes: 12,
  fields: {
    Version: { offset: 0, type: "u32" },
    ControlMask: { offset: 4, type: "u32" },
    StateMask: { offset: 8, type: "u32" },
  },
} as const satisfies StructLayout;

/**
 * Constants of winnt.h, fileapi.h, winbase.h, processthreadsapi.h and ntstatus.h, by their names there.
 */
export const WindowsConstant = {
  GENERIC_READ: 0x80000000,
  GENERIC_WRITE: 0x40000000,
  FILE_ATTRIBUTE_SYSTEM: 4,
  ERROR_SUCCESS: 0,
  ERROR_FILE_NOT_FOUND: 2,
  ERROR_PATH_NOT_FOUND: 3,
  ERROR_NO_MORE_ITEMS: 259,
  WAIT_TIMEOUT: 258,
  ProcessPowerThrottling: 4,
  PROCESS_POWER_THROTTLING_CURRENT_VERSION: 1,
  PROCESS_POWER_THROTTLING_EXECUTION_SPEED: 1,
  PROCESS_POWER_THROTTLING_IGNORE_TIMER_RESOLUTION: 4,
  STATUS_SUCCESS: 0,
  STATUS_PENDING: 0x103,
  STATUS_BUFFER_OVERFLOW: 0x80000005,
  STATUS_CANCELLED: 0xc0000120,
} as const;

const KERNEL_SYMBOLS = {
  CreateIoCompletionPort: {
    parameters: [
      "usize", /* FileHandle */
      "usize", /* ExistingCompletionPort */
      "usize", /* CompletionKey */
      "u32", /* NumberOfConcurrentThreads */
    ],
    result: "usize",
  },
  GetQueuedCompletionStatusEx: {
    parameters: [
      "usize", /* CompletionPort */
      "buffer", /* lpCompletionPortEntries, out */
      "u32", /* ulCount */
      "buffer", /* ulNumEntriesRemoved, out */
      "u32", /* dwMilliseconds */
      "i32", /* fAlertable */
    ],
    result: "i32",
  },
  CloseHandle: { parameters: ["usize" /* hObject */], result: "i32" },
  CancelIoEx: {
    parameters: ["usize", /* hFile */ "pointer" /* lpOverlapped */],
    result: "i32",
  },
  GetCurrentProcess: { parameters: [], result: "usize" },
  SetProcessInformation: {
    parameters: [
      "usize", /* hProcess */
      "i32", /* ProcessInformationClass */
      "buffer", /* ProcessInformation */
      "u32", /* ProcessInformationSize */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const NT_SYMBOLS = {
  NtReadFile: {
    parameters: [
      "usize", /* FileHandle */
      "usize", /* Event */
      "pointer", /* ApcRoutine */
      "pointer", /* ApcContext: comes back as lpOverlapped */
      "pointer", /* IoStatusBlock: Internal and InternalHigh of an OVERLAPPED */
      "pointer", /* Buffer */
      "u32", /* Length */
      "buffer", /* ByteOffset */
      "pointer", /* Key */
    ],
    result: "u32",
  },
  NtWriteFile: {
    parameters: [
      "usize", /* FileHandle */
      "usize", /* Event */
      "pointer", /* ApcRoutine */
      "pointer", /* ApcContext */
      "pointer", /* IoStatusBlock */
      "pointer", /* Buffer */
      "u32", /* Length */
      "buffer", /* ByteOffset */
      "pointer", /* Key */
    ],
    result: "u32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const TIMER_SYMBOLS = {
  timeBeginPeriod: { parameters: ["u32" /* uPeriod */], result: "u32" },
  timeEndPeriod: { parameters: ["u32" /* uPeriod */], result: "u32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_KERNEL_SYMBOLS = {
  "kernel32.dll": KERNEL_SYMBOLS,
  "ntdll.dll": NT_SYMBOLS,
  "winmm.dll": TIMER_SYMBOLS,
} as const;

/** The bound functions of kernel32. */
export type WindowsKernel = Deno.StaticForeignLibraryInterface<typeof KERNEL_SYMBOLS>;
/** The bound functions of ntdll. */
export type WindowsNt = Deno.StaticForeignLibraryInterface<typeof NT_SYMBOLS>;

let kernel: Deno.DynamicLibrary<typeof KERNEL_SYMBOLS> | undefined;
let nt: Deno.DynamicLibrary<typeof NT_SYMBOLS> | undefined;

/** kernel32, opened at the first call. */
export function windowsKernel(): WindowsKernel {
  kernel ??= Deno.dlopen(systemDll("kernel32.dll"), KERNEL_SYMBOLS);
  return kernel.symbols;
}

/** ntdll, opened at the first call. */
export function windowsNt(): WindowsNt {
  nt ??= Deno.dlopen(systemDll("ntdll.dll"), NT_SYMBOLS);
  return nt.symbols;
}

/** Whether an NTSTATUS is an error: then an operation was not begun, and no completion comes. */
export function ntFailed(status: number): boolean {
  return status >>> 30 === 3;
}

/** `INVALID_HANDLE_VALUE`. */
export const INVALID_HANDLE = 0xffff_ffff_ffff_ffffn;

/** A call of Windows' that failed: which one, and with what error code. */
export class WindowsError extends Error {
  override readonly name = "WindowsError";
  /** The call as Microsoft names it, e.g. `NtCreateFile`. */
  readonly call: string;
  /** A Win32 error code, an NTSTATUS or an HRESULT; undefined: the call does not say why. */
  readonly code: number | undefined;

  constructor(call: string, code?: number, detail?: string) {
    const shown = code === undefined
      ? ""
      : `: error ${code > 0xffff ? `0x${code.toString(16)}` : code}`;
    super(`${call} failed${shown}${detail === undefined ? "" : ` (${detail})`}`);
    this.call = call;
    this.code = code;
  }
}
