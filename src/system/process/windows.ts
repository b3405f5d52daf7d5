/**
 * Windows' processes: since when one runs, and starting a program with an administrator's rights.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { windowsEvents } from "../../ffi/windows_events.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  ProcessConstant,
  SHELLEXECUTEINFOW,
  WINDOWS_PROCESS_SYMBOLS,
} from "../../ffi/windows_process.ts";

/** Processes of a PC that are looked through. */
const PROCESSES_MAX = 16_384;
/** A FILETIME counts 100 ns. */
const FILETIME_PER_MS = 10_000n;

/**
 * When a process was started, in milliseconds since 1601; undefined: there is none of that id, or it
 * has ended.
 */
export function processStartMs(pid: number): number | undefined {
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_PROCESS_SYMBOLS["kernel32.dll"]);
  try {
    const { OpenProcess, GetProcessTimes, GetExitCodeProcess, CloseHandle } = kernel.symbols;
    const handle = OpenProcess(ProcessConstant.PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
    if (handle === 0n) return undefined;
    const times = Array.from({ length: 4 }, () => new BigUint64Array(1));
    const done = GetProcessTimes(handle, times[0], times[1], times[2], times[3]);
    // An id stays with a process that has ended as long as somebody holds a handle of it.
    const code = new Int32Array(1);
    const runs = GetExitCodeProcess(handle, code) !== 0 && code[0] === ProcessConstant.STILL_ACTIVE;
    CloseHandle(handle);
    return done === 0 || !runs ? undefined : Number(times[0][0] / FILETIME_PER_MS);
  } finally {
    kernel.close();
  }
}

/** Whether there is a process of an id that this one may not look at: another user's. */
export function isProcessHidden(pid: number): boolean {
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_PROCESS_SYMBOLS["kernel32.dll"]);
  try {
    const { OpenProcess, K32EnumProcesses, CloseHandle } = kernel.symbols;
    const handle = OpenProcess(ProcessConstant.PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
    if (handle !== 0n) {
      CloseHandle(handle);
      return false;
    }
    // Why it cannot be opened is not known for sure: it is in the list of all, or there is none.
    const ids = new Uint32Array(PROCESSES_MAX);
    const usedBytes = new Uint32Array(1);
    if (K32EnumProcesses(ids, ids.byteLength, usedBytes) === 0) return false;
    return ids.subarray(0, usedBytes[0] / ids.BYTES_PER_ELEMENT).includes(pid);
  } finally {
    kernel.close();
  }
}

/** A program that is run for something short. */
export interface BriefRun {
  /** The program's path. */
  readonly program: string;
  /** Words as they stand on a command line: what holds spaces has quotes. */
  readonly args: readonly string[];
  /** It is ended when it takes longer. */
  readonly timeoutMs: number;
}

/**
 * Runs a program without a window, and waits for its end; nothing else of this program runs meanwhile.
 *
 * @returns its exit code; `"late"`: it took too long and was ended, its work done or not
 * @throws what Deno throws where it cannot be started
 */
export function runBriefly({ program, args, timeoutMs }: BriefRun): number | "late" {
  const child = new Deno.Command(program, {
    ...{ args: [...args], windowsRawArguments: true },
    ...{ stdin: "null", stdout: "null", stderr: "null" } as const,
  }).spawn();
  // The runtime holds the process: its id is nobody else's as long as it does.
  child.unref();
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_PROCESS_SYMBOLS["kernel32.dll"]);
  try {
    const { OpenProcess, GetExitCodeProcess, CloseHandle } = kernel.symbols;
    const { SYNCHRONIZE, PROCESS_QUERY_LIMITED_INFORMATION } = ProcessConstant;
    const rights = SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION;
    const process = OpenProcess(rights, 0, child.pid);
    const waited = windowsEvents().WaitForSingleObject(process, timeoutMs);
    const code = new Int32Array(1);
    const isOver = waited === ProcessConstant.WAIT_OBJECT_0 &&
      GetExitCodeProcess(process, code) !== 0;
    if (process !== 0n) CloseHandle(process);
    if (isOver) return code[0];
    child.kill("SIGKILL");
    return "late";
  } finally {
    kernel.close();
  }
}

/** A program that is to be started by the shell. */
export interface ShellStart {
  readonly verb: string;
  readonly file: string;
  /** The command line behind the program's name. */
  readonly parameters: string;
  readonly folder: string;
}

/**
 * Has the shell start a program, and waits for its end.
 *
 * @returns its exit code; `"refused"`: the player said no, or is not allowed to say yes
 * @throws {WindowsError} with a `SE_ERR_…` code: it could not be started
 */
export async function shellExecute(start: ShellStart): Promise<number | "refused"> {
  const process = beginShellExecute(start);
  if (process === "refused") return process;
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_PROCESS_SYMBOLS["kernel32.dll"]);
  try {
    const { WaitForSingleObject, GetExitCodeProcess, CloseHandle } = kernel.symbols;
    const waited = await WaitForSingleObject(process, ProcessConstant.INFINITE);
    if (waited !== ProcessConstant.WAIT_OBJECT_0) {
      throw new WindowsError("WaitForSingleObject", waited);
    }
    const code = new Int32Array(1);
    if (GetExitCodeProcess(process, code) === 0) throw new WindowsError("GetExitCodeProcess");
    CloseHandle(process);
    return code[0];
  } finally {
    kernel.close();
  }
}

function beginShellExecute(
  { verb, file, parameters, folder }: ShellStart,
): bigint | "refused" {
  const c = ProcessConstant;
  const info = new Struct(SHELLEXECUTEINFOW)
    .setNumber("cbSize", SHELLEXECUTEINFOW.sizeBytes)
    .setNumber("fMask", c.SEE_MASK_NOCLOSEPROCESS | c.SEE_MASK_NOASYNC | c.SEE_MASK_FLAG_NO_UI)
    .setBuffer("lpVerb", wideString(verb))
    .setBuffer("lpFile", wideString(file))
    .setBuffer("lpParameters", wideString(parameters))
    .setBuffer("lpDirectory", wideString(folder))
    .setNumber("nShow", c.SW_SHOWNORMAL);
  const shell = Deno.dlopen(systemDll("shell32.dll"), WINDOWS_PROCESS_SYMBOLS["shell32.dll"]);
  const ole = Deno.dlopen(systemDll("ole32.dll"), WINDOWS_PROCESS_SYMBOLS["ole32.dll"]);
  try {
    // The shell may start the program by a COM object.
    const initialized = ole.symbols
      .CoInitializeEx(null, c.COINIT_APARTMENTTHREADED | c.COINIT_DISABLE_OLE1DDE);
    const done = shell.symbols.ShellExecuteExW(info.bytes);
    if (initialized >= 0) ole.symbols.CoUninitialize();
    const process = new DataView(info.bytes.buffer)
      .getBigUint64(SHELLEXECUTEINFOW.fields.hProcess.offset, true);
    if (done !== 0 && process !== 0n) return process;
    // The thread's last error may be the runtime's own by now; this code stays.
    const code = info.getNumber("hInstApp");
    if (code === c.SE_ERR_ACCESSDENIED) return "refused";
    throw new WindowsError("ShellExecuteExW", code);
  } finally {
    shell.close();
    ole.close();
  }
}
