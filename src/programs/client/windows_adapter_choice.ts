/**
 * Which of a PC's TAP adapters the client takes: one of its own, which nobody else uses. Only where Windows
 * makes none it takes one that nobody has claimed, or the one that it is told to.
 *
 * @module
 */
import { LinkError } from "../../link/device.ts";
import { type AdapterMark, type MacSettings, macSettingsOf } from "../../system/adapter/mod.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { equalMacs } from "../../proto/mac.ts";
import { UserError } from "../../log/user_error.ts";

/** A TAP adapter, and what is known of whose it is. */
export interface KnownAdapter extends TapAdapter {
  /** How the client came by it; undefined: it is not the client's. */
  readonly mark: AdapterMark | undefined;
  readonly macSettings: MacSettings;
  /** Whether it has addresses that somebody has set. */
  readonly hasFixedAddress: boolean;
}

/** An adapter that is not in use, and the MAC that it has. */
export interface FreeAdapter {
  readonly adapter: KnownAdapter;
  readonly mac: Uint8Array;
}

/** What the party's adapter is called; where others are called so, a number follows. */
const OWN_NAME = "LAN party";
const OWN_NAMES = /^LAN party( \d+)?$/i;
/** Names that other products give their adapters. */
const PRODUCTS = new RegExp(
  "vpn|tunnel|openconnect|securepoint|softether|hamachi|zerotier|radmin|mullvad|proton|nord|" +
    "surfshark|windscribe|viscosity|pritunl|anchorfree|hotspot|expressvpn|qemu|evolve|gameranger",
  "i",
);

/** A name for a new adapter of the party's. @param names those of all connections of this PC */
export function freeName(names: readonly string[]): string {
  const taken = new Set(names.map((name) => name.toLowerCase()));
  for (let number = 2, name = OWN_NAME;; number++) {
    if (!taken.has(name.toLowerCase())) return name;
    name = `${OWN_NAME} ${number}`;
  }
}

/**
 * Whether an adapter is the party's: it is marked so, has the party's name, or has kept the player's MAC of an
 * earlier version of the client.
 *
 * @param mac the player's
 */
export function isPartys(adapter: KnownAdapter, mac: Uint8Array | undefined): boolean {
  if (adapter.mark !== undefined || OWN_NAMES.test(adapter.name)) return true;
  return hasMac(adapter.macSettings, mac) && !isProducts(adapter);
}

/** Whether nobody has claimed an adapter, by a name, a MAC or an address. */
export function isUnclaimed(adapter: KnownAdapter): boolean {
  const { NetworkAddress, MAC } = adapter.macSettings;
  return NetworkAddress === null && MAC === null && !adapter.hasFixedAddress &&
    !isProducts(adapter);
}

/**
 * Whether the client may keep an adapter's MAC when it ends: on one that is its own. Anybody else's gets back
 * what its owner had there.
 */
export function keepsMac(adapter: KnownAdapter, mac: Uint8Array): boolean {
  if (adapter.mark !== undefined) return true;
  const { NetworkAddress, MAC } = adapter.macSettings;
  const isEmpty = NetworkAddress === null && MAC === null;
  return isPartys(adapter, mac) && (isEmpty || hasMac(adapter.macSettings, mac));
}

/**
 * The adapters that may be used, in the order in which they are tried.
 *
 * @param tapName the one that is asked for, in whatever case; undefined: one of the party's, or else of nobody's
 * @param mac the player's
 * @throws {UserError} there is none of the name
 */
export function candidatesOf(
  adapters: readonly KnownAdapter[],
  tapName: string | undefined,
  mac?: Uint8Array,
): readonly KnownAdapter[] {
  if (tapName === undefined) {
    const own = adapters.filter((one) => isPartys(one, mac));
    return own.length > 0 ? own : adapters.filter(isUnclaimed);
  }
  const named = adapters.filter(({ name }) => name.toLowerCase() === tapName.toLowerCase());
  if (named.length > 0) return named;
  const names = adapters.map(({ name }) => `"${name}"`).join(", ");
  throw new UserError(`there is no TAP adapter "${tapName}"; this PC has ${names || "none"}`);
}

/**
 * An adapter that can be opened: the one that has the player's MAC already, so that Windows knows the
 * network again, or else the first one.
 *
 * @param wanted the player's MAC
 * @param readMac the MAC that an adapter has now; throws a `LinkError` where it is not free
 * @throws {UserError} none is free
 */
export function chooseAdapter(
  candidates: readonly KnownAdapter[],
  wanted: Uint8Array,
  readMac: (adapter: TapAdapter) => Uint8Array,
): FreeAdapter {
  const failures: string[] = [];
  const free = candidates.flatMap((adapter) => {
    try {
      return [{ adapter, mac: readMac(adapter) }];
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      failures.push(error.message);
      return [];
    }
  });
  if (free.length === 0) throw new UserError(failures.join("; "));
  return free.find(({ mac }) => equalMacs(mac, 0, wanted, 0)) ?? free[0];
}

/** What the driver's makers call it says nothing: it is the same for all. */
function isProducts({ name, description }: TapAdapter): boolean {
  const what = /^TAP-Windows\b/i.test(description) ? "" : description;
  return PRODUCTS.test(`${name} ${what}`);
}

function hasMac({ NetworkAddress }: MacSettings, mac: Uint8Array | undefined): boolean {
  return mac !== undefined && NetworkAddress?.toUpperCase() === macSettingsOf(mac).NetworkAddress;
}
