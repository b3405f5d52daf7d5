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
export {
  AdapterError,
  adapterMark,
  applyMacSettings,
  isUnsettled,
  MAC_KEYWORDS,
  macSettingsOf,
  madeDevices,
  markAdapter,
  NO_MAC_SETTINGS,
  readMacSettings,
} from "./windows.ts";
export type { AdapterMark, MacSettings } from "./windows.ts";
export {
  fixAddresses,
  isFixedAddresses,
  readDhcpSettings,
  readFixedAddresses,
  switchDhcpOn,
} from "./windows_dhcp.ts";
export type { FixedAddresses } from "./windows_dhcp.ts";
export { startDevice } from "./windows_device.ts";
export { setConnectionName } from "./windows_name.ts";
export { installRootDevice, makeRootDevice, removeRootDevice } from "./windows_setup.ts";
