/**
 * Installing a device's driver on Windows (setupapi, newdev).
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

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

/** Constants of setupapi.h, newdev.h and winerror.h, by their names there. */
export const SetupConstant = {
  MAX_CLASS_NAME_LEN: 32,
  DICD_GENERATE_ID: 1,
  SPDRP_HARDWAREID: 1,
  DIF_REMOVE: 5,
  DIF_REGISTERDEVICE: 0x19,
  DICS_FLAG_GLOBAL: 1,
  DIREG_DEV: 1,
  INSTALLFLAG_FORCE: 1,
  ERROR_NO_DRIVER_SELECTED: 0xe0000203,
  ERROR_IN_WOW64: 0xe0000235,
  ERROR_AUTHENTICODE_TRUST_NOT_ESTABLISHED: 0xe0000242,
  ERROR_AUTHENTICODE_PUBLISHER_NOT_TRUSTED: 0xe0000243,
  ERROR_NO_CATALOG_FOR_OEM_INF: 0xe000022f,
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
  SetupDiCreateDevRegKeyW: {
    parameters: [
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceInfoData */
      "u32", /* Scope */
      "u32", /* HwProfile */
      "u32", /* KeyType */
      "usize", /* InfHandle */
      "pointer", /* InfSectionName */
    ],
    result: "usize",
  },
  SetupDiCallClassInstaller: {
    parameters: [
      "u32", /* InstallFunction */
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceInfoData */
    ],
    result: "i32",
  },
  SetupDiOpenDeviceInfoW: {
    parameters: [
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceInstanceId */
      "usize", /* hwndParent */
      "u32", /* OpenFlags */
      "buffer", /* DeviceInfoData, in and out */
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
  DiInstallDevice: {
    parameters: [
      "usize", /* hwndParent */
      "usize", /* DeviceInfoSet */
      "buffer", /* DeviceInfoData */
      "pointer", /* DriverInfoData */
      "u32", /* Flags */
      "buffer", /* NeedReboot, out */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** See `system/adapter/windows_setup.ts` for what may be made of it. */
const KERNEL_SYMBOLS = {
  GetLastError: { parameters: [], result: "u32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_SETUP_SYMBOLS = {
  "setupapi.dll": SETUP_SYMBOLS,
  "newdev.dll": NEWDEV_SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;
