/**
 * All network adapters that Windows' registry knows, whether they are in use or not.
 *
 * @module
 */

import { RegistryKey } from "../system/registry/mod.ts";

/** `GUID_DEVCLASS_NET`: the class of network adapters. */
export const NETWORK_CLASS = "{4D36E972-E325-11CE-BFC1-08002BE10318}";
const CONTROL = "SYSTEM\\CurrentControlSet\\Control";
const ADAPTERS = `${CONTROL}\\Class\\${NETWORK_CLASS}`;

/** A network adapter. */
export interface WindowsAdapter {
  /** `{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}`. */
  readonly guid: string;
  /** As the player sees it among the network connections. */
  readonly name: string;
  /** The hardware id that its driver was installed for, in lower case, such as `root\tap0901`. */
  readonly componentId: string;
  /** What its maker calls it, such as `ZeroTier Virtual Port`. */
  readonly description: string;
  /** The device's instance id, by which it can be restarted; absent on a damaged installation. */
  readonly instanceId: string | undefined;
  /** The registry key of its driver's settings, under `HKEY_LOCAL_MACHINE`. */
  readonly settingsKey: string;
  /** The driver's version as the installer wrote it, such as `9.27.0.0`. */
  readonly driverVersion: string | undefined;
}

/** All adapters that have a connection, in the registry's order. */
export function findWindowsAdapters(): WindowsAdapter[] {
  using adapters = RegistryKey.open(ADAPTERS);
  // Beside the adapters there is "Properties", which may not even be opened.
  const numbers = adapters?.subkeys().filter((name) => /^\d{4}$/.test(name)) ?? [];
  return numbers.flatMap((number) => readAdapter(`${ADAPTERS}\\${number}`) ?? []);
}

function readAdapter(settingsKey: string): WindowsAdapter | undefined {
  using settings = RegistryKey.open(settingsKey);
  const componentId = settings?.text("ComponentId")?.toLowerCase();
  const guid = settings?.text("NetCfgInstanceId");
  if (componentId === undefined || guid === undefined) return undefined;
  if (!/^\{[0-9A-Fa-f-]{36}\}$/.test(guid)) return undefined;
  using connection = RegistryKey.open(
    `${CONTROL}\\Network\\${NETWORK_CLASS}\\${guid}\\Connection`,
  );
  return {
    guid,
    name: connection?.text("Name") ?? guid,
    componentId,
    description: settings?.text("DriverDesc") ?? "",
    instanceId: connection?.text("PnpInstanceID"),
    settingsKey,
    driverVersion: settings?.text("DriverVersion"),
  };
}
