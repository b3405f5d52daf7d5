/**
 * Windows' devices: stopping one and starting it again.
 *
 * @module
 */

import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { DeviceConstant, WINDOWS_DEVICE_SYMBOLS } from "../../ffi/windows_devices.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";

/** What a CONFIGRET means, where a player can do something about it; its numbers are not those of other calls. */
const MEANINGS: Readonly<Record<number, string>> = {
  [DeviceConstant.CR_NO_SUCH_DEVNODE]: "there is no such device",
  [DeviceConstant.CR_REMOVE_VETOED]: "another program uses it",
  [DeviceConstant.CR_ACCESS_DENIED]: "not allowed",
};

type Symbols = (typeof WINDOWS_DEVICE_SYMBOLS)["cfgmgr32.dll"];
type Calls = Deno.StaticForeignLibraryInterface<Symbols>;

/**
 * Has a device stop and start again, so that its driver reads its settings anew.
 *
 * @param instanceId such as `ROOT\NET\0000`
 * @returns false: it is disabled, and left so: its driver reads them when somebody enables it
 * @throws {WindowsError} with a CONFIGRET: there is no such device, or it may not be restarted
 */
export function restartDevice(instanceId: string): boolean {
  return withDevice(instanceId, (symbols, device) => {
    if (isDisabled(symbols, device)) return false;
    const { CM_Disable_DevNode, CM_Enable_DevNode } = symbols;
    const { CM_DISABLE_UI_NOT_OK } = DeviceConstant;
    check("CM_Disable_DevNode", CM_Disable_DevNode(device, CM_DISABLE_UI_NOT_OK));
    check("CM_Enable_DevNode", CM_Enable_DevNode(device, 0));
    return true;
  });
}

function isDisabled({ CM_Get_DevNode_Status }: Calls, device: number): boolean {
  const [status, problem] = [new Uint32Array(1), new Uint32Array(1)];
  check("CM_Get_DevNode_Status", CM_Get_DevNode_Status(status, problem, device, 0));
  const { DN_HAS_PROBLEM, CM_PROB_DISABLED } = DeviceConstant;
  return (status[0] & DN_HAS_PROBLEM) !== 0 && problem[0] === CM_PROB_DISABLED;
}

/**
 * Has a device start that was stopped; one that runs is left alone.
 *
 * @returns false: there is no such device
 * @throws {WindowsError} with a CONFIGRET: it may not be started
 */
export function startDevice(instanceId: string): boolean {
  try {
    withDevice(instanceId, ({ CM_Enable_DevNode }, device) => {
      check("CM_Enable_DevNode", CM_Enable_DevNode(device, 0));
    });
    return true;
  } catch (error) {
    const code = error instanceof WindowsError ? error.code : undefined;
    if (code === DeviceConstant.CR_NO_SUCH_DEVNODE) return false;
    throw error;
  }
}

/** Does something with a device, by its handle. */
function withDevice<T>(instanceId: string, work: (symbols: Calls, device: number) => T): T {
  const library = Deno.dlopen(systemDll("cfgmgr32.dll"), WINDOWS_DEVICE_SYMBOLS["cfgmgr32.dll"]);
  try {
    const { symbols } = library;
    const device = new Uint32Array(1);
    const { CM_LOCATE_DEVNODE_NORMAL } = DeviceConstant;
    const id = wideString(instanceId);
    check("CM_Locate_DevNodeW", symbols.CM_Locate_DevNodeW(device, id, CM_LOCATE_DEVNODE_NORMAL));
    return work(symbols, device[0]);
  } finally {
    library.close();
  }
}

function check(call: string, result: number): void {
  if (result !== DeviceConstant.CR_SUCCESS) throw new WindowsError(call, result, MEANINGS[result]);
}
