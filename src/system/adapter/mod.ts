/**
 * Windows' network adapter: its settings and addresses, its device, and its driver's package.
 *
 * @module
 */
export { findDriverPackage } from "./driver_package.ts";
export type { DriverPackage } from "./driver_package.ts";
export { addAddress, removeAddress, renewLease } from "./windows_address.ts";
export { WindowsInterface } from "./windows_interface.ts";
export type { InterfaceSettings, RouterPolicy } from "./windows_interface.ts";
export { AdapterError, adapterMacSetting, resetAdapterMac, setAdapterMac } from "./windows.ts";
export { startDevice } from "./windows_device.ts";
export { installRootDevice } from "./windows_setup.ts";
