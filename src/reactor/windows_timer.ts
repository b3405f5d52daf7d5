/**
 * The resolution of Windows' timer, which its waits end by.
 *
 * @module
 */

import { Struct } from "../ffi/layout.ts";
import { systemDll } from "../ffi/system_dll.ts";
import {
  PROCESS_POWER_THROTTLING_STATE,
  WINDOWS_KERNEL_SYMBOLS,
  WindowsConstant,
  windowsKernel,
} from "../ffi/windows_kernel.ts";

type Timer = (typeof WINDOWS_KERNEL_SYMBOLS)["winmm.dll"];

let timer: Deno.DynamicLibrary<Timer> | undefined;

/**
 * Has waits end on the millisecond, rather than on a tick of 15.6 ms; `false` takes it back.
 *
 * Windows 11 passes over that wish of a program that has a window which nobody sees, and slows such a
 * program down: as this one is as soon as the player plays. So both are forbidden.
 */
export function setFineTimer(on: boolean): void {
  timer ??= Deno.dlopen(systemDll("winmm.dll"), WINDOWS_KERNEL_SYMBOLS["winmm.dll"]);
  if (on) timer.symbols.timeBeginPeriod(1);
  else timer.symbols.timeEndPeriod(1);
  const c = WindowsConstant;
  const speed = c.PROCESS_POWER_THROTTLING_EXECUTION_SPEED;
  const both = speed | c.PROCESS_POWER_THROTTLING_IGNORE_TIMER_RESOLUTION;
  // Windows 10 honours the wish without being asked, and takes no call with a flag that it does not know.
  if (!setThrottling(on ? both : 0)) setThrottling(on ? speed : 0);
}

/** Switches what is named off, and leaves the rest to Windows. Returns whether it took that. */
function setThrottling(off: number): boolean {
  const c = WindowsConstant;
  const { bytes } = new Struct(PROCESS_POWER_THROTTLING_STATE)
    .setNumber("Version", c.PROCESS_POWER_THROTTLING_CURRENT_VERSION)
    .setNumber("ControlMask", off);
  const { GetCurrentProcess, SetProcessInformation } = windowsKernel();
  const kind = c.ProcessPowerThrottling;
  return SetProcessInformation(GetCurrentProcess(), kind, bytes, bytes.length) !== 0;
}
