/**
 * A network adapter as Windows' IP stack sees it: its index, and the settings that make it the
 * party's LAN without taking anything from the player's own network.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { guidBytes } from "../../ffi/windows_guid.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { IpConstant, MIB_IPINTERFACE_ROW, windowsIp } from "../../ffi/windows_ip.ts";

type Row = Struct<typeof MIB_IPINTERFACE_ROW>;

/** What routers of the LAN may do, as far as Windows itself decides. */
export interface RouterPolicy {
  /** They may take over the player's traffic. */
  readonly allowDefaultRoutes: boolean;
  /** They may tell of the LAN's IPv6 networks. */
  readonly allowRouterAdvertisements: boolean;
}

/** One IP version's settings of an interface, as far as the client changes them. */
export interface InterfaceSettings {
  readonly family: number;
  readonly automaticMetric: number;
  readonly metric: number;
  readonly mtu: number;
  readonly disableDefaultRoutes: number;
  /** Whether routers are looked for; the records of earlier versions do not hold this. */
  readonly routerDiscovery?: number;
  /**
   * Whether packets for others are passed on from there, and those for this PC's other addresses taken
   * there; the records of earlier versions do not hold these.
   */
  readonly forwarding?: number;
  readonly weakHostReceive?: number;
  /** IPv6 alone: whether DHCPv6 is asked, for addresses and for other settings, if a router says so. */
  readonly managedAddresses?: number;
  readonly otherSettings?: number;
}

/**
 * The least metric that an interface can have: broadcasts and multicasts, which belong to no
 * network, leave by the interface with the least.
 */
const METRIC = 1;
/** Not its MTU, which may not be as small as IPv4's. */
const KEPT_OF_IPV6 = ["automaticMetric", "metric", "routerDiscovery", "forwarding"] as const;
const FAMILIES = [IpConstant.AF_INET, IpConstant.AF_INET6] as const;

/** See the module. */
export class WindowsInterface {
  /** The interface's index. */
  readonly index: number;
  readonly #luid: Uint8Array<ArrayBuffer>;

  /**
   * Finds an adapter's interface.
   *
   * @param guid `{XXXXXXXX-…}`
   * @throws {WindowsError} it has none: the adapter is disabled
   */
  static find(guid: string): WindowsInterface {
    const luid = new Uint8Array(8);
    const ip = windowsIp();
    check("ConvertInterfaceGuidToLuid", ip.ConvertInterfaceGuidToLuid(guidBytes(guid), luid));
    const index = new Uint32Array(1);
    check("ConvertInterfaceLuidToIndex", ip.ConvertInterfaceLuidToIndex(luid, index));
    return new WindowsInterface(luid, index[0]);
  }

  private constructor(luid: Uint8Array<ArrayBuffer>, index: number) {
    this.#luid = luid;
    this.index = index;
  }

  /** The settings of this moment; a version of IP that the interface has not is left out. */
  settings(): InterfaceSettings[] {
    return FAMILIES.flatMap((family) => {
      const row = this.#read(family);
      return row === undefined ? [] : [{
        family,
        automaticMetric: row.getNumber("UseAutomaticMetric"),
        metric: row.getNumber("Metric"),
        mtu: row.getNumber("NlMtu"),
        disableDefaultRoutes: row.getNumber("DisableDefaultRoutes"),
        routerDiscovery: row.getNumber("RouterDiscoveryBehavior"),
        forwarding: row.getNumber("ForwardingEnabled"),
        weakHostReceive: row.getNumber("WeakHostReceive"),
        ...(family === IpConstant.AF_INET ? {} : {
          managedAddresses: row.getNumber("ManagedAddressConfigurationSupported"),
          otherSettings: row.getNumber("OtherStatefulConfigurationSupported"),
        }),
      }];
    });
  }

  /**
   * Gives the interface an MTU and the least metric, and keeps default routes and routers away from it.
   *
   * @throws {WindowsError} IPv4's settings are refused; IPv6 may be absent or want a larger MTU
   */
  configure(mtu: number, policy: RouterPolicy): void {
    for (const family of FAMILIES) {
      this.#apply(wantedSettings(family, mtu, policy), isRequired(family));
    }
  }

  /**
   * Whether IPv4 has what `configure` sets, and IPv6 has its metric, looks for no more routers than it says and is
   * none; false as well while the interface is gone.
   */
  isConfigured(mtu: number, policy: RouterPolicy): boolean {
    const found = this.settings();
    const ipv4 = found.find(({ family }) => family === IpConstant.AF_INET);
    const wanted = wantedSettings(IpConstant.AF_INET, mtu, policy);
    const isAsWanted = (name: keyof InterfaceSettings) => ipv4?.[name] === wanted[name];
    const names = Object.keys(wanted) as (keyof InterfaceSettings)[];
    const ipv6 = wantedSettings(IpConstant.AF_INET6, mtu, policy);
    return names.every(isAsWanted) &&
      found.every((one) =>
        one.family === IpConstant.AF_INET ||
        KEPT_OF_IPV6.every((name) => one[name] === ipv6[name])
      );
  }

  /**
   * Puts settings back; an IP version that is gone has nothing to be put back.
   *
   * @throws {WindowsError} IPv4's settings are refused
   */
  restore(settings: readonly InterfaceSettings[]): void {
    const failures: unknown[] = [];
    for (const one of settings) {
      try {
        if (this.#read(one.family) !== undefined) this.#apply(one, isRequired(one.family));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #apply(settings: InterfaceSettings, required: boolean): void {
    const row = this.#read(settings.family);
    if (row === undefined) {
      if (required) throw new WindowsError("GetIpInterfaceEntry", IpConstant.ERROR_NOT_FOUND);
      return;
    }
    row.setNumber("UseAutomaticMetric", settings.automaticMetric)
      .setNumber("Metric", settings.metric)
      .setNumber("NlMtu", settings.mtu)
      .setNumber("DisableDefaultRoutes", settings.disableDefaultRoutes);
    const { routerDiscovery, forwarding, weakHostReceive } = settings;
    const { managedAddresses, otherSettings } = settings;
    if (forwarding !== undefined) row.setNumber("ForwardingEnabled", forwarding);
    if (weakHostReceive !== undefined) row.setNumber("WeakHostReceive", weakHostReceive);
    if (routerDiscovery !== undefined) row.setNumber("RouterDiscoveryBehavior", routerDiscovery);
    if (managedAddresses !== undefined) {
      row.setNumber("ManagedAddressConfigurationSupported", managedAddresses);
    }
    if (otherSettings !== undefined) {
      row.setNumber("OtherStatefulConfigurationSupported", otherSettings);
    }
    // For IPv4 the call wants this to be 0, whatever GetIpInterfaceEntry has put there.
    if (settings.family === IpConstant.AF_INET) row.setNumber("SitePrefixLength", 0);
    const code = windowsIp().SetIpInterfaceEntry(row.bytes);
    if (required) check("SetIpInterfaceEntry", code);
  }

  #read(family: number): Row | undefined {
    const row = new Struct(MIB_IPINTERFACE_ROW);
    windowsIp().InitializeIpInterfaceEntry(row.bytes);
    row.setNumber("Family", family);
    row.memberBytes("InterfaceLuid").set(this.#luid);
    const code = windowsIp().GetIpInterfaceEntry(row.bytes);
    // IPv6 may be switched off, for this adapter or for all.
    if (family !== IpConstant.AF_INET && code !== IpConstant.NO_ERROR) return undefined;
    if (code === IpConstant.ERROR_NOT_FOUND || code === IpConstant.ERROR_FILE_NOT_FOUND) {
      return undefined;
    }
    check("GetIpInterfaceEntry", code);
    return row;
  }
}

/** The party's games are IPv4's; IPv6 may be switched off. */
function isRequired(family: number): boolean {
  return family === IpConstant.AF_INET;
}

function wantedSettings(family: number, mtu: number, policy: RouterPolicy): InterfaceSettings {
  const disableDefaultRoutes = policy.allowDefaultRoutes ? 0 : 1;
  const own = {
    ...{ family, automaticMetric: 0, metric: METRIC, mtu, disableDefaultRoutes },
    // This PC is no router between the party and its other networks.
    ...{ forwarding: 0, weakHostReceive: 0 },
  };
  // IPv4 would look for routers where an option of DHCP says so (RFC 1256).
  if (family === IpConstant.AF_INET) {
    return { ...own, routerDiscovery: IpConstant.RouterDiscoveryDisabled };
  }
  const asks = policy.allowRouterAdvertisements ? 1 : 0;
  return {
    ...own,
    routerDiscovery: policy.allowRouterAdvertisements
      ? IpConstant.RouterDiscoveryEnabled
      : IpConstant.RouterDiscoveryDisabled,
    managedAddresses: asks,
    otherSettings: asks,
  };
}

function check(call: string, code: number): void {
  if (code !== IpConstant.NO_ERROR) throw new WindowsError(call, code);
}
