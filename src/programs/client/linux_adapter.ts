/**
 * The adapter on Linux, kept as it has to be: the kernel tells of changes by netlink, `adapter_upkeep.ts` says what is
 * to be done about them.
 *
 * @module
 */
import {
  type AdapterRepair,
  AdapterUpkeep,
  type FoundAdapter,
} from "../../client/adapter_upkeep.ts";
import { SystemCallError } from "../../ffi/libc.ts";
import { NetlinkGroup } from "../../ffi/netlink_constants.ts";
import { type AdapterDevice, LinkError } from "../../link/device.ts";
import {
  queryInterface,
  setInterfaceMac,
  setInterfaceMtu,
  setInterfaceUp,
} from "../../link/interface.ts";
import { addInterfaceAddress, removeInterfaceAddress } from "../../link/netlink.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { AdapterFault } from "../../observe/adapter_events.ts";
import { statusLine } from "../../observe/status.ts";
import { formatCidr, type IpNetwork, parseCidr } from "../../proto/ip.ts";
import { formatMac, parseMac } from "../../proto/mac.ts";
import { findManagers } from "../../system/managers/mod.ts";
import { NetlinkNotices } from "../../system/netlink/mod.ts";
import { interfaceAddresses } from "../common/interface_addresses.ts";

const GROUPS = NetlinkGroup.link | NetlinkGroup.ipv4Address | NetlinkGroup.ipv6Address;
/** How often it is looked without a notice, ms: what was let be is put back then. */
const RECHECK_INTERVAL_MS = 5_000;

/** See the module. */
export class LinuxAdapter {
  readonly #device: AdapterDevice;
  readonly #logger: Logger;
  readonly #notices = new NetlinkNotices(GROUPS);
  readonly #upkeep: AdapterUpkeep;
  #address: IpNetwork | undefined;
  #dueMs = 0;

  /** @param address the one that it has from its beginning; undefined: it comes by {@linkcode setAddress}, if at all */
  constructor(device: AdapterDevice, address: IpNetwork | undefined, logger: Logger) {
    this.#device = device;
    this.#address = address;
    this.#logger = logger;
    const { name, mac, mtu } = device;
    const addresses = textsOf(address);
    this.#upkeep = new AdapterUpkeep(name, { mac: formatMac(mac), mtu, addresses }, findManagers);
  }

  get name(): string {
    return this.#device.name;
  }

  get index(): number {
    return this.#device.index;
  }

  /** What keeps this PC out of the party although it was put right again and again. */
  get fault(): AdapterFault | undefined {
    return this.#upkeep.fault;
  }

  /**
   * Gives the adapter an address in the place of the one before; undefined: takes it away.
   *
   * @throws {SystemCallError} the kernel refuses; one that is switched off, or gone, is tried again
   */
  setAddress(address: IpNetwork | undefined): void {
    const before = this.#address;
    this.#address = address;
    this.#upkeep.want({ addresses: textsOf(address) });
    const isSame = textsOf(before).join() === textsOf(address).join();
    if (before !== undefined && !isSame) {
      // It may be gone already.
      this.#attempt(undefined, () => removeInterfaceAddress(this.index, before));
    }
    if (address !== undefined) addInterfaceAddress(this.index, address);
  }

  /** Looks whether all is as it has to be, if there was a notice, or not for a while. */
  check(nowMs: number): void {
    if (!this.#notices.take() && nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + RECHECK_INTERVAL_MS;
    const found = this.#look();
    // One that is gone, or has another name, is seen to by who has opened it.
    if (found === undefined) return;
    this.#upkeep.want({ mtu: this.#device.mtu });
    const repairs = this.#upkeep.handleFound(found, nowMs);
    for (const event of this.#upkeep.drainEvents()) {
      const { level, text } = statusLine(event);
      logText(this.#logger, level, text, { event: event.type });
    }
    for (const repair of repairs) {
      this.#attempt(repair.trait, () => this.#carryOut(repair));
    }
  }

  /** Ends the notices. */
  close(): void {
    this.#notices.close();
  }

  #look(): FoundAdapter | undefined {
    const { name, index } = this;
    try {
      const info = queryInterface(name);
      if (info.index !== index) return undefined;
      const { mtu, up: isUp } = info;
      const addresses = interfaceAddresses(name);
      return { mac: formatMac(info.mac), mtu, isUp, addresses, hasIpv6: hasIpv6(name) };
    } catch (error) {
      if (error instanceof LinkError) return undefined;
      throw error;
    }
  }

  #carryOut(repair: AdapterRepair): void {
    const { name, index } = this;
    switch (repair.trait) {
      case "up":
        return setInterfaceUp(name, true);
      case "mac": {
        const mac = parseMac(repair.mac);
        return mac && setInterfaceMac(name, mac);
      }
      case "mtu":
        return setInterfaceMtu(name, repair.mtu);
      case "address":
      case "ipv6": {
        const address = parseCidr(repair.address);
        return address && addInterfaceAddress(index, address);
      }
    }
  }

  /** @param what is not as it has to be if it fails; undefined: a failure means nothing */
  #attempt(what: string | undefined, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SystemCallError || error instanceof LinkError)) throw error;
      if (what === undefined) return;
      // What stays as it is is told when it is given up.
      logText(this.#logger, "debug", `The adapter's ${what} cannot be put back (${error.message})`);
    }
  }
}

function textsOf(address: IpNetwork | undefined): readonly string[] {
  return address === undefined ? [] : [formatCidr(address)];
}

function hasIpv6(name: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`).trim() === "0";
  } catch {
    return false;
  }
}
