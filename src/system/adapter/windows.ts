/**
 * Settings of a Windows network adapter that its driver reads when it starts.
 *
 * @module
 */

import { restartDevice } from "./windows_device.ts";
import { RegistryConstant } from "../../ffi/windows_registry.ts";
import { RegistryKey } from "../registry/mod.ts";
import { formatMac } from "../../proto/mac.ts";

/** The standard keyword for a MAC that takes the place of the permanent one: 12 hex digits. */
const KEYWORD = "NetworkAddress";

/** An adapter whose installation is damaged. */
export class AdapterError extends Error {
  override readonly name = "AdapterError";
}

/** An adapter, as the registry knows it. */
export interface AdapterKeys {
  /** The key of its driver's settings, under `HKEY_LOCAL_MACHINE`. */
  readonly settingsKey: string;
  /** Its device's instance id. */
  readonly instanceId: string | undefined;
}

/**
 * Writes down the MAC that an adapter is to have and restarts it. The setting stays, so that
 * Windows keeps knowing the network by it; {@linkcode resetAdapterMac} takes it back.
 *
 * @throws {WindowsError} the setting may not be written, or the adapter not be restarted
 * @throws {AdapterError} its installation is damaged
 */
export function setAdapterMac(adapter: AdapterKeys, mac: Uint8Array): void {
  using settings = openSettings(adapter);
  settings.setText(KEYWORD, formatMac(mac).replaceAll(":", "").toUpperCase());
  restart(adapter);
}

/** The MAC that is written down for an adapter, as it stands there; undefined: none. */
export function adapterMacSetting({ settingsKey }: AdapterKeys): string | undefined {
  using settings = RegistryKey.open(settingsKey);
  return settings?.text(KEYWORD);
}

/**
 * Gives an adapter its permanent MAC back.
 *
 * @throws {WindowsError | AdapterError} as {@linkcode setAdapterMac}
 */
export function resetAdapterMac(adapter: AdapterKeys): void {
  using settings = openSettings(adapter);
  settings.remove(KEYWORD);
  restart(adapter);
}

function openSettings({ settingsKey }: AdapterKeys): RegistryKey {
  const access = RegistryConstant.KEY_READ | RegistryConstant.KEY_SET_VALUE;
  const settings = RegistryKey.open(settingsKey, access);
  if (settings === undefined) throw new AdapterError("its settings are gone");
  return settings;
}

function restart({ instanceId }: AdapterKeys): void {
  if (instanceId === undefined) throw new AdapterError("its device has no instance id");
  restartDevice(instanceId);
}
