/**
 * The player's own networks on Linux, while the client runs: what becomes of the way to the relay, and
 * routes that lead what is the party's into the adapter, and keep what is the home's at home.
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
import { LanNetworks, NetworkVerdict, type Surroundings } from "../../client/lan_networks.ts";
import { type NetworkEvent, NetworkWatch } from "../../client/network_watch.ts";
import {
  findClashes,
  lastingSource,
  type NetworkSnapshot,
  planRoutes,
} from "../../client/route_plan.ts";
import { SystemCallError } from "../../ffi/libc.ts";
import { ARPHRD_ETHER } from "../../ffi/libc_net.ts";
import { NetlinkGroup, NetlinkNotices } from "../../ffi/netlink.ts";
import { LinkError } from "../../link/device.ts";
import { interfaceIndex } from "../../link/interface.ts";
import { type StatusEvent, type StatusLevel, statusLine } from "../../observe/status.ts";
import {
  type Change,
  type ChangeData,
  type ChangeJournal,
  ForeignChangeError,
  isRecord,
} from "../../os/journal.ts";
import { equalBytes } from "../../proto/bytes.ts";
import {
  broadcastOf,
  formatIp,
  type IpNetwork,
  isInNetwork,
  LIMITED_BROADCAST,
  networkOf,
  parseIpAddress,
} from "../../proto/ip.ts";
import { type IpAddress, type IpRoute, isHeldNetwork, isSameRoute } from "../../proto/ip_route.ts";
import { addRoute, removeRoute, RouteTable } from "../../route/linux_route_entry.ts";
import { readRoutes } from "../../route/linux_table.ts";
import { type LinuxWay, wayTo } from "../../route/linux_way.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** How often it is looked whether the kernel has told of a change. */
export const NOTICE_INTERVAL_MS = 250;
/** The kind of change that a host route is in the journal. */
export const HOST_ROUTE = "linux-host-route";
/** How often everything is looked at in any case: not all that decides on a way is told. */
const RECHECK_INTERVAL_MS = 5_000;
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

/** A route that this process has added. */
interface HeldRoute {
  readonly route: IpRoute;
  readonly change: Change;
}

/** See the module. */
export class LinuxNetwork {
  private readonly notices = new NetlinkNotices(GROUPS);
  private readonly watch = new NetworkWatch();
  private readonly held: HeldRoute[] = [];
  /** Host routes that the player has. */
  private readonly theirs = new Set<string>();
  private readonly said = new Set<string>();
  private dueMs = 0;
  private closed = false;
  private pinned: boolean | undefined;
  private readonly allowLanDefaultRoute: boolean;
  /** Which networks may be led into the adapter, wherever this PC is. */
  private readonly networks: LanNetworks;
  /** Told of what this PC has at each look. */
  onSurroundings: (surroundings: Surroundings) => void = () => {};

  /** @param options whether the LAN may bring a default route: the relay is held before */
  constructor(
    private readonly tapName: string,
    options: {
      readonly allowLanDefaultRoute: boolean;
      readonly allowLanNetworks: readonly IpNetwork[];
    },
    private readonly journal: ChangeJournal,
    private readonly logger: Logger,
  ) {
    this.allowLanDefaultRoute = options.allowLanDefaultRoute;
    this.networks = new LanNetworks(options.allowLanNetworks, options.allowLanDefaultRoute);
  }

  /** Whether the relay is held, and packets go by that way; undefined: it need not be held. */
  get routePinned(): boolean | undefined {
    return this.pinned;
  }

  /**
   * Sees to the way to a relay that is about to be connected to, before anything is sent there. The one
   * before is seen to until {@linkcode settle}.
   *
   * @param relay its address, 4 or 16 bytes
   */
  holdRelay(relay: Uint8Array, nowMs: number): NetworkEvent | undefined {
    if (this.closed) return undefined;
    this.watch.useRelay(relay);
    return this.look(nowMs);
  }

  /** The relay at hand has let us in: the one before is let go at the next look. */
  settle(): void {
    if (this.watch.settle()) this.dueMs = 0;
  }

  /** Looks whether anything has changed, and sees to it. */
  check(nowMs: number): NetworkEvent | undefined {
    if (this.closed) return undefined;
    const isNoticed = this.notices.take();
    if (!isNoticed && nowMs < this.dueMs) return undefined;
    this.dueMs = nowMs + RECHECK_INTERVAL_MS;
    const { isWithout } = this.watch;
    return this.look(nowMs) ?? (isNoticed && isWithout ? "changed" : undefined);
  }

  private look(nowMs: number): NetworkEvent | undefined {
    try {
      const tapIndex = this.seeToRoutes();
      const { relay } = this.watch;
      const way = relay === undefined ? undefined : wayTo(relay);
      if (relay === undefined || way?.isLocal) return undefined;
      const isTap = way !== undefined && way.interfaceIndex === tapIndex;
      this.pinned = this.isHeld(relay) ? way !== undefined && !isTap : undefined;
      // The tunnel cannot go through itself: if only that is left, there is no network.
      return this.watch.handleWay(way === undefined || isTap ? undefined : lasting(way), nowMs);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      this.say("warning", `This PC's routes cannot be seen to (${error.message})`);
      return undefined;
    }
  }

  /** Ends the notices, and takes the host routes back. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.notices.close();
    for (const { route } of [...this.held]) this.letGo(route);
  }

  /** Returns the adapter's index. */
  private seeToRoutes(): number | undefined {
    const { addresses, tapIndex, tunnels } = readAddresses(this.tapName);
    const own = addresses.filter((address) => address.interfaceIndex === tapIndex);
    const ours = this.held.map(({ route }) => route);
    const all = readRoutes();
    const routes = all.filter(({ table }) => table === RouteTable.main);
    const surroundings = { ...this.surroundings(all, addresses, tapIndex), tunnels };
    this.networks.update(surroundings);
    this.onSurroundings(surroundings);
    const look = { routes, addresses, interfaceMetrics: new Map(), nameServers: [] };
    const relays = this.watch.relays.filter((relay) => this.mustHold(relay, look, tapIndex));
    const wishes = {
      ...{ tapIndex, relays },
      mustYield: (address: IpAddress) => this.networks.mustYield(address),
    };
    let plan = planRoutes(look, wishes, ours);
    if (plan.clashes.length > 0) {
      const nameServers = readNameServers(plan.clashes);
      plan = planRoutes({ ...look, nameServers }, wishes, ours);
    }
    // There cannot be two to one destination, and nothing is sent in between.
    for (const route of plan.remove) this.letGo(route);
    for (const route of plan.add) this.hold(route);
    for (const address of own) {
      if (address.address.length !== 4) continue;
      const others = addresses.filter((other) => other.interfaceIndex !== tapIndex);
      const isLan = this.networks.judgeKind(address.address, 0, 4, address.prefixBits) ===
        NetworkVerdict.good;
      const clashes = findClashes({ addresses: [...others, address] }, tapIndex).length > 0;
      // One that is no LAN's, wherever it has come from, gets nothing beside what the kernel gives it.
      leadIntoAdapter(address, clashes && isLan && !this.networks.mustYield(address));
    }
    for (const network of plan.yielded) this.tell({ type: "networkYielded", network });
    for (const { network } of plan.clashes) this.tell({ type: "sameSubnet", network });
    return tapIndex;
  }

  /** What lies upon the adapter (a VLAN's interface, a bridge) belongs to it. */
  private surroundings(
    routes: readonly IpRoute[],
    addresses: readonly IpAddress[],
    tapIndex: number | undefined,
  ): Surroundings {
    const upper = tapIndex === undefined ? [] : interfacesUpon(this.tapName);
    const own = <T extends { readonly interfaceIndex: number }>(one: T): T =>
      tapIndex !== undefined && upper.includes(one.interfaceIndex)
        ? { ...one, interfaceIndex: tapIndex }
        : one;
    return {
      ...{ routes: routes.map(own), addresses: addresses.map(own) },
      ...{ relays: this.watch.relays, tapIndex, takesVlans: upper.length > 0 },
    };
  }

  private isHeld(relay: Uint8Array): boolean {
    return this.held.some(({ route }) => equalBytes(route.destination, relay));
  }

  /** Whether a relay needs a host route: without one its packets go into the adapter, or may soon. */
  private mustHold(
    relay: Uint8Array,
    look: NetworkSnapshot,
    tapIndex: number | undefined,
  ): boolean {
    const isCovered = tapIndex !== undefined &&
      look.routes.some((route) =>
        route.interfaceIndex === tapIndex && isInNetwork(relay, route.destination, route.prefixBits)
      );
    if (this.isHeld(relay)) return isCovered || this.allowLanDefaultRoute;
    if (!isCovered && !this.allowLanDefaultRoute) return false;
    const way = wayTo(relay);
    if (way === undefined || way.isLocal) return false;
    if (way.interfaceIndex === tapIndex) return true;
    if (!this.allowLanDefaultRoute) return false;
    // Where a VPN's rules lead elsewhere than the table does, they go on doing so with the adapter.
    const { way: known } = planRoutes(look, { tapIndex, relays: [relay] }, []);
    return known?.interfaceIndex === way.interfaceIndex && equalBytes(known.nextHop, way.nextHop);
  }

  private hold(route: IpRoute): void {
    this.letGo(route); // somebody has deleted it
    const { destination, prefixBits, nextHop, interfaceIndex } = route;
    const key = `${formatIp(destination)} ${interfaceIndex}`;
    if (this.theirs.has(key)) return;
    const hex = { destination: destination.toHex(), nextHop: nextHop.toHex() };
    const data = { ...hex, prefixBits, interfaceIndex };
    const change = this.journal.record(HOST_ROUTE, data);
    let isOurs = false;
    try {
      isOurs = addRoute(route, "only");
    } finally {
      if (!isOurs) this.journal.forget(change);
    }
    if (isOurs) this.held.push({ route, change });
    else this.theirs.add(key);
  }

  private letGo(route: IpRoute): void {
    const index = this.held.findIndex((one) => isSameRoute(one.route, route));
    if (index < 0) return;
    try {
      this.journal.undo(this.held.splice(index, 1)[0].change);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      this.say("warning", `A route could not be taken back (${error.message})`);
    }
  }

  private tell(event: StatusEvent): void {
    const { level, text } = statusLine(event);
    this.say(level, text);
  }

  private say(level: StatusLevel, text: string): void {
    if (this.said.has(text)) return;
    this.said.add(text);
    logText(this.logger, level, text);
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
