/**
 * Settings of a Windows network adapter that stand in the registry: its MAC, which its driver reads when it
 * starts, and whether it is the party's.
 *
 * @module
 */

import { restartDevice } from "./windows_device.ts";
import { RegistryConstant } from "../../ffi/windows_registry.ts";
import { RegistryKey } from "../registry/mod.ts";
import { formatMac } from "../../proto/mac.ts";

/**
 * The values for a MAC that takes the place of the permanent one, 12 hex digits. TAP-Windows6 reads Windows'
 * standard keyword from 9.24.2 on, 9.21 to 9.23 one of their own; neither minds the other.
 */
export const MAC_KEYWORDS = ["NetworkAddress", "MAC"] as const;

/** The value by which an adapter is known for the party's: `made` by the client, or `taken` over by it. */
const MARK = "LanPartyAdapter";
/** The root bus' network devices, and the key below each of them that is its installer's. */
const ROOT_DEVICES = "ROOT\\NET";
const ENUM = "SYSTEM\\CurrentControlSet\\Enum";
const PARAMETERS = "Device Parameters";

/** How the client came by an adapter that is its own. */
export type AdapterMark = "made" | "taken";

/** What stands under {@linkcode MAC_KEYWORDS}; null: nothing. */
export type MacSettings = { readonly [keyword in (typeof MAC_KEYWORDS)[number]]: string | null };

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

/** The values that take an adapter's MAC back to its permanent one. */
export const NO_MAC_SETTINGS: MacSettings = { NetworkAddress: null, MAC: null };

/** A MAC as {@linkcode MAC_KEYWORDS} have it. */
export function macSettingsOf(mac: Uint8Array): MacSettings {
  const digits = formatMac(mac).replaceAll(":", "").toUpperCase();
  return { NetworkAddress: digits, MAC: digits };
}

/** What is written down for an adapter's MAC. */
export function readMacSettings({ settingsKey }: AdapterKeys): MacSettings {
  using settings = RegistryKey.open(settingsKey);
  const [networkAddress, own] = MAC_KEYWORDS.map((keyword) => settings?.text(keyword) ?? null);
  return { NetworkAddress: networkAddress, MAC: own };
}

/**
 * Writes an adapter's MAC down, or what its owner had there, and restarts it.
 *
 * @returns false: it is disabled, and left so: it has the MAC when somebody enables it
 * @throws {WindowsError} the settings may not be written, or the adapter not be restarted
 * @throws {AdapterError} its installation is damaged
 */
export function applyMacSettings(adapter: AdapterKeys, wanted: MacSettings): boolean {
  using settings = openSettings(adapter);
  for (const keyword of MAC_KEYWORDS) {
    const text = wanted[keyword];
    if (text === null) settings.remove(keyword);
    else settings.setText(keyword, text);
  }
  if (adapter.instanceId === undefined) throw new AdapterError("its device has no instance id");
  return restartDevice(adapter.instanceId);
}

/** Whether, and how, an adapter became the party's: its own mark says so, or its device's. */
export function adapterMark(adapter: AdapterKeys): AdapterMark | undefined {
  const { settingsKey, instanceId } = adapter;
  using settings = RegistryKey.open(settingsKey);
  const mark = settings?.text(MARK);
  if (mark === "made" || mark === "taken") return mark;
  return instanceId !== undefined && isMadeDevice(instanceId) ? "made" : undefined;
}

/** Whether an adapter is of a device that the client has made, and has no mark of its own yet. */
export function isUnsettled({ settingsKey, instanceId }: AdapterKeys): boolean {
  using settings = RegistryKey.open(settingsKey);
  return settings?.text(MARK) === undefined && instanceId !== undefined && isMadeDevice(instanceId);
}

/**
 * Marks a device as made by the client, before it has a driver and settings: its adapter may appear much later.
 *
 * @param parameters the device's own key
 * @throws {WindowsError}
 */
export function markDevice(parameters: RegistryKey): void {
  parameters.setText(MARK, "made");
}

/** The instance ids of the devices that the client has made, with an adapter or without. */
export function madeDevices(): string[] {
  using devices = RegistryKey.open(`${ENUM}\\${ROOT_DEVICES}`);
  const ids = devices?.subkeys().map((name) => `${ROOT_DEVICES}\\${name}`) ?? [];
  return ids.filter(isMadeDevice);
}

function isMadeDevice(instanceId: string): boolean {
  using parameters = RegistryKey.open(`${ENUM}\\${instanceId}\\${PARAMETERS}`);
  return parameters?.text(MARK) === "made";
}

/**
 * Marks an adapter as the party's; undefined: as nobody's any more.
 *
 * @throws {WindowsError | AdapterError} as {@linkcode applyMacSettings}
 */
export function markAdapter(adapter: AdapterKeys, mark: AdapterMark | undefined): void {
  using settings = openSettings(adapter);
  if (mark === undefined) settings.remove(MARK);
  else settings.setText(MARK, mark);
}

function openSettings({ settingsKey }: AdapterKeys): RegistryKey {
  const access = RegistryConstant.KEY_READ | RegistryConstant.KEY_SET_VALUE;
  const settings = RegistryKey.open(settingsKey, access);
  if (settings === undefined) throw new AdapterError("its settings are gone");
  return settings;
}
