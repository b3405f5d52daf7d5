/**
 * Devices of Windows' root bus: one is registered under a hardware id, and gets the driver of a package, or the
 * best that Windows' driver store has.
 *
 * These functions say no more than that they failed; why, only the thread's last error says, which the runtime
 * may have overwritten. So nothing is decided by it: an error of setupapi's own, which nobody else sets, is told
 * to the player, anything else is no reason.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { guidBytes } from "../../ffi/windows_guid.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { RegistryKey } from "../registry/mod.ts";
import { markDevice } from "./windows.ts";
import { SetupConstant, SP_DEVINFO_DATA, WINDOWS_SETUP_SYMBOLS } from "../../ffi/windows_setup.ts";

const INVALID_SET = 0xffff_ffff_ffff_ffffn;

/** `GUID_DEVCLASS_NET` of devguid.h, and the class' name: network adapters. */
const NET_CLASS = { guid: "{4D36E972-E325-11CE-BFC1-08002BE10318}", name: "Net" } as const;

/** What setupapi's own errors have in common (`APPLICATION_ERROR_MASK | ERROR_SEVERITY_ERROR`, winerror.h). */
const SETUP_ERRORS = 0xe000_0000;
const SETUP_ERROR_MASK = 0xffff_f000;

interface Libraries {
  readonly setup: Deno.StaticForeignLibraryInterface<
    (typeof WINDOWS_SETUP_SYMBOLS)["setupapi.dll"]
  >;
  readonly newdev: Deno.StaticForeignLibraryInterface<(typeof WINDOWS_SETUP_SYMBOLS)["newdev.dll"]>;
  /** @throws {WindowsError} `done` is 0: the call has failed */
  readonly check: (call: string, done: number) => void;
}

/** A device in a set of them. */
interface Device {
  readonly set: bigint;
  /** An {@linkcode SP_DEVINFO_DATA}. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Makes a device and installs its driver out of a package, for all devices of its hardware id. Windows may ask
 * the player whether the driver's publisher is to be trusted.
 *
 * @param infPath the absolute path of the driver's .inf file
 * @param hardwareId as that file has it, such as `root\tap0901`
 * @returns whether Windows has to be restarted before the device works
 * @throws {WindowsError} no device stays behind then
 */
export function installRootDevice(infPath: string, hardwareId: string): boolean {
  return withLibraries((libraries) => {
    const { setup, newdev, check } = libraries;
    const inf = wideString(infPath);
    const guid = new Uint8Array(16);
    const className = new Uint16Array(SetupConstant.MAX_CLASS_NAME_LEN);
    check(
      "SetupDiGetINFClassW",
      setup.SetupDiGetINFClassW(inf, guid, className, className.length, null),
    );
    return makeDevice(libraries, { guid, className, hardwareId }, (_device, needsRestart) => {
      const { INSTALLFLAG_FORCE } = SetupConstant;
      const id = wideString(hardwareId);
      check(
        "UpdateDriverForPlugAndPlayDevicesW",
        newdev.UpdateDriverForPlugAndPlayDevicesW(0n, id, inf, INSTALLFLAG_FORCE, needsRestart),
      );
    });
  });
}

/**
 * Makes a network adapter with a driver that Windows has in its store; other devices keep theirs.
 *
 * @param hardwareId such as `root\tap0901`
 * @returns whether Windows has to be restarted before the device works
 * @throws {WindowsError} with `ERROR_NO_DRIVER_SELECTED`, or no reason, where the store has none; no device stays
 *   behind then
 */
export function makeRootDevice(hardwareId: string): boolean {
  return withLibraries((libraries) => {
    const kind = {
      guid: guidBytes(NET_CLASS.guid),
      className: wideString(NET_CLASS.name),
      hardwareId,
    };
    return makeDevice(libraries, kind, ({ set, data }, needsRestart) => {
      const { newdev, check } = libraries;
      check("DiInstallDevice", newdev.DiInstallDevice(0n, set, data, null, 0, needsRestart));
    });
  });
}

/**
 * Takes a device away, and its settings with it.
 *
 * @param instanceId such as `ROOT\NET\0000`
 * @throws {WindowsError} there is none, or it may not be taken away
 */
export function removeRootDevice(instanceId: string): void {
  withLibraries((libraries) => {
    const { setup, check } = libraries;
    withDevice(libraries, guidBytes(NET_CLASS.guid), ({ set, data }) => {
      const id = wideString(instanceId);
      check("SetupDiOpenDeviceInfoW", setup.SetupDiOpenDeviceInfoW(set, id, 0n, 0, data));
      const { DIF_REMOVE } = SetupConstant;
      check("SetupDiCallClassInstaller", setup.SetupDiCallClassInstaller(DIF_REMOVE, set, data));
    });
  });
}

/** What a new device is. */
interface DeviceKind {
  readonly guid: Uint8Array<ArrayBuffer>;
  readonly className: Uint16Array<ArrayBuffer>;
  readonly hardwareId: string;
}

/** Registers a device and has its driver put to it; returns what that says of a restart of Windows. */
function makeDevice(
  libraries: Libraries,
  { guid, className, hardwareId }: DeviceKind,
  install: (device: Device, needsRestart: Int32Array<ArrayBuffer>) => void,
): boolean {
  const { setup, check } = libraries;
  const c = SetupConstant;
  return withDevice(libraries, guid, (device) => {
    const { set, data } = device;
    check(
      "SetupDiCreateDeviceInfoW",
      setup.SetupDiCreateDeviceInfoW(set, className, guid, null, 0n, c.DICD_GENERATE_ID, data),
    );
    // A list of texts, which ends with an empty one.
    const ids = new Uint16Array([...wideString(hardwareId), 0]);
    check(
      "SetupDiSetDeviceRegistryPropertyW",
      setup.SetupDiSetDeviceRegistryPropertyW(set, data, c.SPDRP_HARDWAREID, ids, ids.byteLength),
    );
    check(
      "SetupDiCallClassInstaller",
      setup.SetupDiCallClassInstaller(c.DIF_REGISTERDEVICE, set, data),
    );
    mark(libraries, device);
    const needsRestart = new Int32Array(1);
    try {
      install(device, needsRestart);
    } catch (error) {
      // A device without its driver would stay in Device Manager, with a question mark.
      setup.SetupDiCallClassInstaller(c.DIF_REMOVE, set, data);
      throw error;
    }
    return needsRestart[0] !== 0;
  });
}

/** Without its mark it is known by its adapter's alone, if that appears in time. */
function mark({ setup }: Libraries, { set, data }: Device): void {
  const { DICS_FLAG_GLOBAL, DIREG_DEV } = SetupConstant;
  const handle = BigInt(
    setup.SetupDiCreateDevRegKeyW(set, data, DICS_FLAG_GLOBAL, 0, DIREG_DEV, 0n, null),
  );
  if (handle === INVALID_SET) return;
  using parameters = RegistryKey.at("the device's parameters", handle);
  try {
    markDevice(parameters);
  } catch (error) {
    if (!(error instanceof WindowsError)) throw error;
  }
}

/** Does something with a device of a class, in a set of its own. */
function withDevice<T>(
  { setup }: Libraries,
  guid: Uint8Array<ArrayBuffer>,
  work: (device: Device) => T,
): T {
  const set = setup.SetupDiCreateDeviceInfoList(guid, 0n);
  if (set === INVALID_SET) throw new WindowsError("SetupDiCreateDeviceInfoList");
  try {
    const data = new Struct(SP_DEVINFO_DATA).setNumber("cbSize", SP_DEVINFO_DATA.sizeBytes).bytes;
    return work({ set, data });
  } finally {
    setup.SetupDiDestroyDeviceInfoList(set);
  }
}

function withLibraries<T>(work: (libraries: Libraries) => T): T {
  const setup = Deno.dlopen(systemDll("setupapi.dll"), WINDOWS_SETUP_SYMBOLS["setupapi.dll"]);
  const newdev = Deno.dlopen(systemDll("newdev.dll"), WINDOWS_SETUP_SYMBOLS["newdev.dll"]);
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_SETUP_SYMBOLS["kernel32.dll"]);
  const { GetLastError } = kernel.symbols;
  try {
    return work({
      setup: setup.symbols,
      newdev: newdev.symbols,
      check(call, done) {
        if (done === 0) throw new WindowsError(call, setupError(GetLastError()));
      },
    });
  } finally {
    for (const library of [setup, newdev, kernel]) library.close();
  }
}

/** A last error, where it is one of setupapi's own; else there is no reason that could be told. */
export function setupError(lastError: number): number | undefined {
  return (lastError & SETUP_ERROR_MASK) >>> 0 === SETUP_ERRORS ? lastError >>> 0 : undefined;
}
