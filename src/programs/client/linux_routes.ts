/**
 * Linux' table of routes, for the keeper of a player's routes.
 *
 * - What is sent to the relay stays out of the adapter where that has a route there, such as a default route
 *   that the player has allowed, by a host route. All else the kernel decides, and rules of VPNs hold.
 * - Broadcasts and multicasts that a program binds to nothing leave by the adapter, not by the
 *   default route.
 * - Where home and party have the same addresses, the party's network is looked for behind the adapter,
 *   and the home's router and name servers by host routes at home.
 *
 * What leads into the adapter goes with its address, by the kernel; the host routes are in the journal.
 */
import { type LanNetworks, NetworkVerdict, type Surroundings } from "../../client/lan_networks.ts";
import type { NetworkLook, RelayWay, RoutingTable } from "../../client/route_keeper.ts";
import {
  findClashes,
  lastingSource,
  type NetworkSnapshot,
  planRoutes,
  type RoutePlan,
} from "../../client/route_plan.ts";
import { SystemCallError } from "../../ffi/libc.ts";
import { ARPHRD_ETHER } from "../../ffi/libc_net.ts";
import { NetlinkGroup } from "../../ffi/netlink_constants.ts";
import { NetlinkNotices } from "../../system/netlink/mod.ts";
import { LinkError } from "../../link/device.ts";
import { interfaceIndex } from "../../link/interface.ts";
import type { StatusEvent } from "../../observe/status.ts";
import {
  type Change,
  type ChangeData,
  type ChangeJournal,
  ForeignChangeError,
  isRecord,
} from "../../system/journal/mod.ts";
import { equalBytes } from "../../proto/bytes.ts";
import {
  broadcastOf,
  formatIp,
  IPV4_BYTES,
  isInNetwork,
  LIMITED_BROADCAST,
  networkOf,
  parseIpAddress,
} from "../../proto/ip.ts";
import { type IpAddress, type IpRoute, isHeldNetwork } from "../../proto/ip_route.ts";
import { addRoute, removeRoute, RouteTable } from "../../system/routes/linux_entry.ts";
import { readRoutes } from "../../system/routes/linux_table.ts";
import { type LinuxWay, wayTo } from "../../system/routes/linux_way.ts";

/** The kind of change that a host route is in the journal. */
export const HOST_ROUTE = "linux-host-route";
const GROUPS = Object.values(NetlinkGroup).reduce((all, group) => all | group, 0);
/** Where name servers are written down: the second is systemd-resolved's, which hides them. */
const NAME_SERVER_FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] as const;
/** Interfaces upon the adapter that are looked for. */
const UPPER_MAX = 64;
/** What belongs to no network: the limited broadcast, and all of multicast. */
const UNBOUND = [
  { destination: LIMITED_BROADCAST, prefixBits: 32 },
  { destination: Uint8Array.of(224, 0, 0, 0), prefixBits: 4 },
] as const;

/** See the module. */
export class LinuxRoutes implements RoutingTable<Change> {
  /** There cannot be two to one destination, and nothing is sent in between. */
  readonly removesFirst = true;
  private readonly notices = new NetlinkNotices(GROUPS);
  /** Host routes that the player has. */
  private readonly theirs = new Set<string>();

  /**
   * @param networks which networks may be led into the adapter
   * @param allowLanDefaultRoute the LAN may bring a default route: the relay is held before
   */
  constructor(
    private readonly tapName: string,
    private readonly networks: LanNetworks,
    private readonly allowLanDefaultRoute: boolean,
    private readonly journal: ChangeJournal,
  ) {}

  takeNotice(): boolean {
    return this.notices.take();
  }

  look(): NetworkLook {
    const { addresses, tapIndex, tunnels } = readAddresses(this.tapName);
    const all = readRoutes();
    const routes = all.filter(({ table }) => table === RouteTable.main);
    return {
      snapshot: { routes, addresses, interfaceMetrics: new Map(), nameServers: [] },
      surroundings: { ...this.surroundings(all, addresses, tapIndex), tunnels },
    };
  }

  nameServers(clashes: RoutePlan["clashes"]): NetworkSnapshot["nameServers"] {
    return readNameServers(clashes);
  }

  /** Without a route of its own a relay's packets go into the adapter, or may soon. */
  mustHold(relay: Uint8Array, { snapshot, surroundings }: NetworkLook, isHeld: boolean): boolean {
    const { tapIndex } = surroundings;
    const isCovered = tapIndex !== undefined &&
      snapshot.routes.some((route) =>
        route.interfaceIndex === tapIndex && isInNetwork(relay, route.destination, route.prefixBits)
      );
    if (isHeld) return isCovered || this.allowLanDefaultRoute;
    if (!isCovered && !this.allowLanDefaultRoute) return false;
    const way = wayTo(relay);
    if (way === undefined || way.isLocal) return false;
    if (way.interfaceIndex === tapIndex) return true;
    if (!this.allowLanDefaultRoute) return false;
    // Where a VPN's rules lead elsewhere than the table does, they go on doing so with the adapter.
    const { way: known } = planRoutes(snapshot, { tapIndex, relays: [relay] }, []);
    return known?.interfaceIndex === way.interfaceIndex && equalBytes(known.nextHop, way.nextHop);
  }

  add(route: IpRoute): Change | undefined {
    const { destination, prefixBits, nextHop, interfaceIndex } = route;
    const key = `${formatIp(destination)} ${interfaceIndex}`;
    if (this.theirs.has(key)) return undefined;
    const hex = { destination: destination.toHex(), nextHop: nextHop.toHex() };
    const change = this.journal.record(HOST_ROUTE, { ...hex, prefixBits, interfaceIndex });
    let isOurs = false;
    try {
      isOurs = addRoute(route, "only");
    } finally {
      if (!isOurs) this.journal.forget(change);
    }
    if (isOurs) return change;
    this.theirs.add(key);
    return undefined;
  }

  remove(change: Change): void {
    this.journal.undo(change);
  }

  forget(change: Change): void {
    this.journal.forget(change);
  }

  /** Leads into the adapter what is the party's. */
  follow({ snapshot, surroundings }: NetworkLook): readonly StatusEvent[] {
    const { tapIndex } = surroundings;
    const others = snapshot.addresses.filter((other) => other.interfaceIndex !== tapIndex);
    for (const own of snapshot.addresses) {
      const { interfaceIndex, address, prefixBits } = own;
      if (interfaceIndex !== tapIndex || address.length !== IPV4_BYTES) continue;
      const isLan = this.networks.judgeKind(address, 0, IPV4_BYTES, prefixBits) ===
        NetworkVerdict.good;
      const clashes = findClashes({ addresses: [...others, own] }, tapIndex).length > 0;
      // One that is no LAN's, wherever it has come from, gets nothing beside what the kernel gives it.
      leadIntoAdapter(own, clashes && isLan && !this.networks.mustYield(own));
    }
    return [];
  }

  /** As the kernel says it. The tunnel cannot go through itself: if only that is left, there is no network. */
  wayTo(
    relay: Uint8Array,
    { surroundings }: NetworkLook,
    _plan: RoutePlan,
    isHeld: boolean,
  ): RelayWay {
    const way = wayTo(relay);
    const isTap = way !== undefined && way.interfaceIndex === surroundings.tapIndex;
    return {
      way: way === undefined || isTap ? undefined : lasting(way),
      isLocal: way?.isLocal ?? false,
      isPinned: isHeld ? way !== undefined && !isTap : undefined,
    };
  }

  failureOf(error: unknown): string | undefined {
    return error instanceof SystemCallError ? error.message : undefined;
  }

  close(): void {
    this.notices.close();
  }

  /** What lies upon the adapter (a VLAN's interface, a bridge) belongs to it. */
  private surroundings(
    routes: readonly IpRoute[],
    addresses: readonly IpAddress[],
    tapIndex: number | undefined,
  ): Omit<Surroundings, "relays"> {
    const upper = tapIndex === undefined ? [] : interfacesUpon(this.tapName);
    const own = <T extends { readonly interfaceIndex: number }>(one: T): T =>
      tapIndex !== undefined && upper.includes(one.interfaceIndex)
        ? { ...one, interfaceIndex: tapIndex }
        : one;
    return {
      ...{ routes: routes.map(own), addresses: addresses.map(own) },
      ...{ tapIndex, takesVlans: upper.length > 0 },
    };
  }
}

/**
 * Takes a host route back, or one to a half of a private network, that bears our mark.
 *
 * @throws {ForeignChangeError} the journal names something else
 */
export function undoHostRoute(data: ChangeData): void {
  const { destination, nextHop = "", prefixBits, interfaceIndex } = isRecord(data) ? data : {};
  const isHop = nextHop === "" || isHexAddress(nextHop);
  const isIndex = Number.isInteger(interfaceIndex) && (interfaceIndex as number) > 0;
  const isHeld = isHexAddress(destination) && Number.isInteger(prefixBits) &&
    isHeldNetwork(Uint8Array.fromHex(destination), prefixBits as number);
  if (!isHeld || !isHop || !isIndex) {
    throw new ForeignChangeError(`no host route is ${JSON.stringify(data)}`);
  }
  removeRoute({
    destination: Uint8Array.fromHex(destination),
    nextHop: Uint8Array.fromHex(nextHop),
    prefixBits: prefixBits as number,
    interfaceIndex: interfaceIndex as number,
  });
}

/** Has what the party's network is for leave by the adapter. */
function leadIntoAdapter(own: IpAddress, clashes: boolean): void {
  const { interfaceIndex, address: source, prefixBits } = own;
  const route = { interfaceIndex, source };
  for (const unbound of UNBOUND) addRoute({ ...route, ...unbound }, "only");
  const broadcast = broadcastOf(own);
  if (!clashes || broadcast === undefined) return;
  const destination = networkOf(source, prefixBits);
  addRoute({ ...route, destination, prefixBits }, "first");
  addRoute({ ...route, destination: broadcast, prefixBits: 32, isBroadcast: true }, "first");
}

function isHexAddress(text: unknown): text is string {
  return typeof text === "string" && /^([0-9a-f]{8}|[0-9a-f]{32})$/.test(text);
}

/** What of a way stays as long as the network is the same one. */
function lasting(way: LinuxWay): LinuxWay {
  return { ...way, source: way.source === undefined ? undefined : lastingSource(way.source) };
}

/** All addresses, the adapter's index, if it is there, and which interfaces are no Ethernet: tunnels. */
function readAddresses(
  tapName: string,
): { addresses: IpAddress[]; tapIndex: number | undefined; tunnels: number[] } {
  const indexes = new Map<string, number | undefined>();
  const addresses = Deno.networkInterfaces().flatMap(({ name: label, address, cidr }) => {
    // A further IPv4 address may bear a label: that of its interface, a colon, and more.
    const name = label.split(":")[0];
    if (!indexes.has(name)) indexes.set(name, indexOf(name));
    const [bytes, index] = [parseIpAddress(address), indexes.get(name)];
    if (bytes === undefined || index === undefined) return [];
    return [{ interfaceIndex: index, address: bytes, prefixBits: Number(cidr.split("/")[1]) }];
  });
  const tunnels = [...indexes].flatMap(([name, index]) =>
    index === undefined || isEthernet(name) ? [] : [index]
  );
  return { addresses, tapIndex: indexes.get(tapName), tunnels };
}

/** Whether an interface speaks Ethernet, as far as sysfs tells (`ARPHRD_ETHER`). */
function isEthernet(name: string): boolean {
  try {
    return Deno.readTextFileSync(`/sys/class/net/${name}/type`).trim() === `${ARPHRD_ETHER}`;
  } catch {
    return true;
  }
}

/** Indexes of the interfaces that are made upon another one, and upon these: sysfs links to each. */
function interfacesUpon(name: string): number[] {
  const found = new Set<string>();
  for (const names = [name]; names.length > 0 && found.size < UPPER_MAX;) {
    try {
      for (const entry of Deno.readDirSync(`/sys/class/net/${names.pop()}`)) {
        const upper = /^upper_(.+)$/.exec(entry.name)?.[1];
        if (upper === undefined || found.has(upper)) continue;
        found.add(upper);
        names.push(upper);
      }
    } catch {
      // Without sysfs, or gone meanwhile: none is known.
    }
  }
  return [...found].map(indexOf).filter((index) => index !== undefined);
}

function indexOf(name: string): number | undefined {
  try {
    return interfaceIndex(name);
  } catch (error) {
    if (error instanceof LinkError) return undefined; // gone meanwhile
    throw error;
  }
}

/** The system's name servers, for each network of which they may be. */
function readNameServers(
  clashes: readonly { readonly interfaceIndex: number }[],
): NetworkSnapshot["nameServers"] {
  const texts = NAME_SERVER_FILES.flatMap((path) => {
    try {
      return Deno.readTextFileSync(path).split("\n");
    } catch {
      return [];
    }
  });
  const servers = texts.flatMap((line) => {
    const address = parseIpAddress(/^nameserver\s+(\S+)/.exec(line)?.[1] ?? "");
    return address === undefined ? [] : [address];
  });
  const distinct = new Map(servers.map((address) => [formatIp(address), address]));
  return clashes.flatMap(({ interfaceIndex }) =>
    [...distinct.values()].map((address) => ({ interfaceIndex, address }))
  );
}
