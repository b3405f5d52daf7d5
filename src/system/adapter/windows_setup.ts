/**
 * Installing a device's driver on Windows: a device of the root bus is registered under a hardware id,
 * then the driver of a package is put to all devices with that id.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { SetupConstant, SP_DEVINFO_DATA, WINDOWS_SETUP_SYMBOLS } from "../../ffi/windows_setup.ts";

const INVALID_SET = 0xffff_ffff_ffff_ffffn;

interface Libraries {
  readonly setup: Deno.StaticForeignLibraryInterface<
    (typeof WINDOWS_SETUP_SYMBOLS)["setupapi.dll"]
  >;
  readonly newdev: Deno.StaticForeignLibraryInterface<(typeof WINDOWS_SETUP_SYMBOLS)["newdev.dll"]>;
  readonly lastError: () => number;
}

/**
 * Makes a device of the root bus and installs its driver. Windows may ask the player whether the
 * driver's publisher is to be trusted.
 *
 * @param infPath the absolute path of the driver's .inf file
 * @param hardwareId as that file has it, such as `root\tap0901`
 * @returns whether Windows has to be restarted before the device works
 * @throws {WindowsError} no device stays behind then
 */
export function installRootDevice(infPath: string, hardwareId: string): boolean {
  const setup = Deno.dlopen(systemDll("setupapi.dll"), WINDOWS_SETUP_SYMBOLS["setupapi.dll"]);
  const newdev = Deno.dlopen(systemDll("newdev.dll"), WINDOWS_SETUP_SYMBOLS["newdev.dll"]);
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_SETUP_SYMBOLS["kernel32.dll"]);
  const { GetLastError: lastError } = kernel.symbols;
  try {
    return install(
      { setup: setup.symbols, newdev: newdev.symbols, lastError },
      infPath,
      hardwareId,
    );
  } finally {
    for (const library of [setup, newdev, kernel]) library.close();
  }
}

function install({ setup, newdev, lastError }: Libraries, infPath: string, id: string): boolean {
  const check = (call: string, done: number): void => {
    if (done === 0) throw new WindowsError(call, lastError());
  };
  const c = SetupConstant;
  const inf = wideString(infPath);
  const guid = new Uint8Array(16);
  const className = new Uint16Array(c.MAX_CLASS_NAME_LEN);
  check(
    "SetupDiGetINFClassW",
    setup.SetupDiGetINFClassW(inf, guid, className, className.length, null),
  );
  const devices = setup.SetupDiCreateDeviceInfoList(guid, 0n);
  if (devices === INVALID_SET) throw new WindowsError("SetupDiCreateDeviceInfoList", lastError());
  const device = new Struct(SP_DEVINFO_DATA).setNumber("cbSize", SP_DEVINFO_DATA.sizeBytes).bytes;
  let isRegistered = false;
  try {
    check(
      "SetupDiCreateDeviceInfoW",
      setup.SetupDiCreateDeviceInfoW(
        devices,
        className,
        guid,
        null,
        0n,
        c.DICD_GENERATE_ID,
        device,
      ),
    );
    // A list of texts, which ends with an empty one.
    const ids = new Uint16Array([...wideString(id), 0]);
    check(
      "SetupDiSetDeviceRegistryPropertyW",
      setup.SetupDiSetDeviceRegistryPropertyW(
        devices,
        device,
        c.SPDRP_HARDWAREID,
        ids,
        ids.byteLength,
      ),
    );
    check(
      "SetupDiCallClassInstaller",
      setup.SetupDiCallClassInstaller(c.DIF_REGISTERDEVICE, devices, device),
    );
    isRegistered = true;
    const needsRestart = new Int32Array(1);
    check(
      "UpdateDriverForPlugAndPlayDevicesW",
      newdev.UpdateDriverForPlugAndPlayDevicesW(
        0n,
        wideString(id),
        inf,
        c.INSTALLFLAG_FORCE,
        needsRestart,
      ),
    );
    return needsRestart[0] !== 0;
  } catch (error) {
    // A device without its driver would stay in Device Manager, with a question mark.
    if (isRegistered) setup.SetupDiCallClassInstaller(c.DIF_REMOVE, devices, device);
    throw error;
  } finally {
    setup.SetupDiDestroyDeviceInfoList(devices);
  }
}
