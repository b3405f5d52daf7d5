/**
 * Which TAP-Windows6 adapters this PC has, as the registry knows them.
 *
 * @module
 */

import { RegistryKey } from "../ffi/windows_registry.ts";

/** `GUID_DEVCLASS_NET`: the class of network adapters. */
const NETWORK_CLASS = "{4D36E972-E325-11CE-BFC1-08002BE10318}";
const CONTROL = "SYSTEM\\CurrentControlSet\\Control";

/** What the driver calls itself: installed by its own package, or by hand. */
const COMPONENT_IDS = ["tap0901", "root\\tap0901"];

/** A TAP adapter. */
export interface TapAdapter {
  /** `{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}`. */
  readonly guid: string;
  /** As the player sees it among the network connections. */
  readonly name: string;
  /** The device's instance id, by which it can be restarted; absent on a damaged installation. */
  readonly instanceId: string | undefined;
  /** The registry key of its driver's settings, under `HKEY_LOCAL_MACHINE`. */
  readonly settingsKey: string;
  /** The driver's version as the installer wrote it, such as `9.27.0.0`. */
  readonly driverVersion: string | undefined;
}

/** All TAP adapters, in the registry's order. */
export function findTapAdapters(): TapAdapter[] {
  using adapters = RegistryKey.open(`${CONTROL}\\Class\\${NETWORK_CLASS}`);
  if (adapters === undefined) return [];
  const found: TapAdapter[] = [];
  for (const number of adapters.subkeys()) {
    // Beside the adapters there is "Properties", which may not even be opened.
    if (!/^\d{4}$/.test(number)) continue;
    const adapter = readAdapter(`${adapters.path}\\${number}`);
    if (adapter !== undefined) found.push(adapter);
  }
  return found;
}

function readAdapter(settingsKey: string): TapAdapter | undefined {
  using settings = RegistryKey.open(settingsKey);
  const component = settings?.text("ComponentId")?.toLowerCase();
  if (component === undefined || !COMPONENT_IDS.includes(component)) return undefined;
  const guid = settings?.text("NetCfgInstanceId");
  if (guid === undefined || !/^\{[0-9A-Fa-f-]{36}\}$/.test(guid)) return undefined;
  using connection = RegistryKey.open(
    `${CONTROL}\\Network\\${NETWORK_CLASS}\\${guid}\\Connection`,
  );
  return {
    guid,
    name: connection?.text("Name") ?? guid,
    instanceId: connection?.text("PnpInstanceID"),
    settingsKey,
    driverVersion: settings?.text("DriverVersion"),
  };
}
