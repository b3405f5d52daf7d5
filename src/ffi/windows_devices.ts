/**
 * Windows' devices (cfgmgr32): finding one by its instance id, and restarting it.
 *
 * @module
 */

import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { WindowsError } from "./windows_kernel.ts";

/** Constants of cfgmgr32.h, by their names there. */
export const DeviceConstant = {
  CR_SUCCESS: 0,
  CM_LOCATE_DEVNODE_NORMAL: 0,
  CM_DISABLE_UI_NOT_OK: 4,
} as const;

const SYMBOLS = {
  CM_Locate_DevNodeW: {
    parameters: ["buffer", /* pdnDevInst, out */ "buffer", /* pDeviceID */ "u32" /* ulFlags */],
    result: "u32",
  },
  CM_Disable_DevNode: {
    parameters: ["u32", /* dnDevInst */ "u32" /* ulFlags */],
    result: "u32",
  },
  CM_Enable_DevNode: {
    parameters: ["u32", /* dnDevInst */ "u32" /* ulFlags */],
    result: "u32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_DEVICE_SYMBOLS = { "cfgmgr32.dll": SYMBOLS } as const;

/**
 * Has a device stop and start again, so that its driver reads its settings anew.
 *
 * @param instanceId such as `ROOT\NET\0000`
 * @throws {WindowsError} with a CONFIGRET: there is no such device, or it may not be restarted
 */
export function restartDevice(instanceId: string): void {
  withDevice(instanceId, ({ CM_Disable_DevNode, CM_Enable_DevNode }, device) => {
    const { CM_DISABLE_UI_NOT_OK } = DeviceConstant;
    check("CM_Disable_DevNode", CM_Disable_DevNode(device, CM_DISABLE_UI_NOT_OK));
    check("CM_Enable_DevNode", CM_Enable_DevNode(device, 0));
  });
}

/**
 * Has a device start that was stopped; one that runs is left alone.
 *
 * @throws {WindowsError} with a CONFIGRET: there is no such device, or it may not be started
 */
export function startDevice(instanceId: string): void {
  withDevice(instanceId, ({ CM_Enable_DevNode }, device) => {
    check("CM_Enable_DevNode", CM_Enable_DevNode(device, 0));
  });
}

/** Does something with a device, by its handle. */
function withDevice(
  instanceId: string,
  work: (symbols: Deno.StaticForeignLibraryInterface<typeof SYMBOLS>, device: number) => void,
): void {
  const library = Deno.dlopen(systemDll("cfgmgr32.dll"), SYMBOLS);
  try {
    const { symbols } = library;
    const device = new Uint32Array(1);
    const { CM_LOCATE_DEVNODE_NORMAL } = DeviceConstant;
    const id = wideString(instanceId);
    check("CM_Locate_DevNodeW", symbols.CM_Locate_DevNodeW(device, id, CM_LOCATE_DEVNODE_NORMAL));
    work(symbols, device[0]);
  } finally {
    library.close();
  }
}

function check(call: string, result: number): void {
  if (result !== DeviceConstant.CR_SUCCESS) throw new WindowsError(call, result);
}
