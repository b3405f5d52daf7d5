/**
 * Installing a device's driver on Windows (setupapi, newdev): a device of the root bus is registered
 * under a hardware id, then the driver of a package is put to all devices with that id.
 *
 * @module
 */

import { Struct, type StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { WindowsError } from "./windows_kernel.ts";

/** A device, as setupapi knows it. */
export const SP_DEVINFO_DATA = {
  name: "SP_DEVINFO_DATA",
  header: "setupapi.h",
  page: "https://learn.microsoft.com/windows/win32/api/setupapi/ns-setupapi-sp_devinfo_data",
  sizeBytes: 32,
  fields: {
    cbSize: { offset: 0, type: "u32" },
    ClassGuid: { offset: 4, type: "bytes", sizeBytes: 16 },
    DevInst: { offset: 20, type: "u32" },
  },
} as const satisfies StructLayout;

/** Constants of setupapi.h and newdev.h, by their names there. */
export const SetupConstant = {
  MAX_CLASS_NAME_LEN: 32,
  DICD_GENERATE_ID: 1,
  SPDRP_HARDWAREID: 1,
  DIF_REMOVE: 5,
  DIF_REGISTERDEVICE: 0x19,
  INSTALLFLAG_FORCE: 1,
} as const;

const SETUP_SYMBOLS = {
  SetupDiGetINFClassW: {
    parameters: [
      "buffer", /* InfName */
      "buffer", /* ClassGuid, out */
      "buffer", /* ClassName, out */
      "u32", /* ClassNameSize */
      "pointer", /* RequiredSize */
    ],
    result: "i32",
  },
  SetupDiCreateDeviceInfoList: {
    parameters: ["buffer", /* ClassGuid */ "usize" /* hwndParent */],
    result: "usize",
  },
  SetupDiCreateDeviceInfoW: {
    parameters: [
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceName */
      "buffer", /* ClassGuid */
      "pointer", /* DeviceDescription */
      "usize", /* hwndParent */
      "u32", /* CreationFlags */
      "buffer", /* DeviceInfoData, in and out */
    ],
    result: "i32",
  },
  SetupDiSetDeviceRegistryPropertyW: {
    parameters: [
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceInfoData */
      "u32", /* Property */
      "buffer", /* PropertyBuffer */
      "u32", /* PropertyBufferSize */
    ],
    result: "i32",
  },
  SetupDiCallClassInstaller: {
    parameters: [
      "u32", /* InstallFunction */
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceInfoData */
    ],
    result: "i32",
  },
  SetupDiDestroyDeviceInfoList: { parameters: ["usize" /* DeviceInfoSet */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const NEWDEV_SYMBOLS = {
  UpdateDriverForPlugAndPlayDevicesW: {
    parameters: [
      "usize", /* hwndParent */
      "buffer", /* HardwareId */
      "buffer", /* FullInfPath */
      "u32", /* InstallFlags */
      "buffer", /* bRebootRequired, out */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const KERNEL_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_SETUP_SYMBOLS = {
  "setupapi.dll": SETUP_SYMBOLS,
  "newdev.dll": NEWDEV_SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;

const INVALID_SET = 0xffff_ffff_ffff_ffffn;

interface Libraries {
  readonly setup: Deno.StaticForeignLibraryInterface<typeof SETUP_SYMBOLS>;
  readonly newdev: Deno.StaticForeignLibraryInterface<typeof NEWDEV_SYMBOLS>;
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
  const setup = Deno.dlopen(systemDll("setupapi.dll"), SETUP_SYMBOLS);
  const newdev = Deno.dlopen(systemDll("newdev.dll"), NEWDEV_SYMBOLS);
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), KERNEL_SYMBOLS);
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
