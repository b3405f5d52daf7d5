/** The settings of Windows' network adapter, its device, and its driver's package. */
export { findDriverPackage } from "./driver_package.ts";
export type { DriverPackage } from "./driver_package.ts";
export { AdapterError, adapterMacSetting, resetAdapterMac, setAdapterMac } from "./windows.ts";
export { startDevice } from "./windows_device.ts";
export { installRootDevice } from "./windows_setup.ts";
