/**
 * Which host routes a player's PC needs while it is in the party's LAN, from what its routing table
 * says at this moment. A plan takes away only routes that an earlier plan has added: the player's own
 * are looked at and never touched.
 *
 * - The tunnel's packets must not go into the tunnel: a host route holds the relay on the way that
 *   leads to it without the adapter, and follows when the PC changes networks.
 * - Where home and party use the same addresses, the home's routers and name servers would be looked
 *   for in the party: host routes keep them at home.
 * - Where a VPN's network (or that of containers) has come up that the party's adapter is in already, it is
 *   the VPN's: two routes, each to a half of it, go before the adapter's.
 *
 * @module
 */

import { equalBytes } from "../proto/bytes.ts";
import {
  formatCidr,
  type IpNetwork,
  IPV6_MDNS_GROUP,
  isInNetwork,
  isLoopback,
  isUnspecified,
  LIMITED_BROADCAST,
  networkOf,
  networksOverlap,
  SSDP_GROUP,
} from "../proto/ip.ts";
import { isLinkLocal } from "../proto/ip_blocks.ts";
import { type IpAddress, type IpRoute, isSameRoute } from "../proto/ip_route.ts";
import { isInternetRoute } from "./lan_networks.ts";

/** What a system's IP stack says at one moment. */
export interface NetworkSnapshot {
  readonly routes: readonly IpRoute[];
  readonly addresses: readonly IpAddress[];
  /** What an interface adds to its routes' metrics, by {@linkcode metricKey}. */
  readonly interfaceMetrics: ReadonlyMap<string, number>;
  /** Name servers, by the interface that they are for. */
  readonly nameServers: readonly Pick<IpAddress, "interfaceIndex" | "address">[];
}

/** What is to be held. */
export interface RouteWishes {
  /** The adapter's interface; undefined: it is not there. */
  readonly tapIndex: number | undefined;
  /** Addresses of relays that are in use. */
  readonly relays: readonly Uint8Array[];
  /** Whether what others have of the network of an address of the adapter's stays theirs; absent: never. */
  readonly mustYield?: (address: IpAddress) => boolean;
}

/** The way to an address without the adapter. */
export interface Way {
  readonly interfaceIndex: number;
  /** All zero: on the link. */
  readonly nextHop: Uint8Array;
  /**
   * The address that packets come from, where one is known. Of IPv6 its network: the other half
   * changes by itself each day, and what has come from an old one is still answered.
   */
  readonly source: Uint8Array | undefined;
}

/** A network of the player's that has the same addresses as the party's LAN. */
export interface SubnetClash {
  /** Such as `192.168.178.0/24`. */
  readonly network: string;
  readonly interfaceIndex: number;
}

/** What is to be done, and what there is to be said. */
export interface RoutePlan {
  /** Routes to add, before any is removed. */
  readonly add: readonly IpRoute[];
  /** Some of those that were added before. */
  readonly remove: readonly IpRoute[];
  /** The way to the first relay: undefined without a network, or if it is this PC. */
  readonly way: Way | undefined;
  /** Whether the first relay is this very PC. */
  readonly isLocal: boolean;
  readonly clashes: readonly SubnetClash[];
  /** The adapter's networks that stay others', such as `10.8.0.0/24`. */
  readonly yielded: readonly string[];
  /** The interface by which broadcasts leave that belong to no network; undefined: none. */
  readonly broadcastIndex: number | undefined;
  /** The same for multicasts. */
  readonly multicastIndex: number | undefined;
  readonly ipv6MulticastIndex: number | undefined;
}

/** The key of an interface's metric for one IP version. */
export function metricKey(interfaceIndex: number, addressBytes: number): string {
  return `${interfaceIndex}/${addressBytes === 4 ? 4 : 6}`;
}

/**
 * Makes a plan.
 *
 * @param ours the routes that earlier plans have added and that are not removed yet
 */
export function planRoutes(
  snapshot: NetworkSnapshot,
  wishes: RouteWishes,
  ours: readonly IpRoute[],
): RoutePlan {
  const isOurs = (route: IpRoute) => ours.some((own) => isSameRoute(own, route));
  const theirs = snapshot.routes.filter((route) => !isOurs(route));
  const wanted: IpRoute[] = [];
  const want = (route: IpRoute) => {
    if (!wanted.some((other) => isSameRoute(other, route))) wanted.push(route);
  };
  for (const relay of wishes.relays) {
    if (isOwnAddress(snapshot, relay)) continue;
    const way = wayTo(snapshot, theirs, relay, wishes.tapIndex);
    if (way !== undefined) want(hostRoute(relay, way));
  }
  const yielding = yieldingAddresses(snapshot, wishes);
  for (const address of yielding) {
    for (const half of halvesOfOthers(snapshot, theirs, address, wishes.tapIndex)) want(half);
  }
  const others = snapshot.addresses.filter((address) => !yielding.includes(address));
  const clashes = findClashes({ addresses: others }, wishes.tapIndex);
  for (const { interfaceIndex } of clashes) {
    for (const address of homeServers(snapshot, theirs, interfaceIndex, wishes.tapIndex)) {
      const nextHop = new Uint8Array(address.length);
      want(hostRoute(address, { interfaceIndex, nextHop, source: undefined }));
    }
  }
  const isThere = (route: IpRoute) => snapshot.routes.some((other) => isSameRoute(other, route));
  const [first] = wishes.relays;
  const isLocal = first !== undefined && isOwnAddress(snapshot, first);
  return {
    add: wanted.filter((route) => !isThere(route)),
    remove: ours.filter((own) => !wanted.some((route) => isSameRoute(route, own))),
    way: first === undefined || isLocal
      ? undefined
      : wayTo(snapshot, theirs, first, wishes.tapIndex),
    isLocal,
    clashes,
    yielded: [...new Set(yielding.map(networkText))],
    broadcastIndex: bestRoute(snapshot.routes, LIMITED_BROADCAST, snapshot.interfaceMetrics)
      ?.interfaceIndex,
    multicastIndex: bestRoute(snapshot.routes, SSDP_GROUP, snapshot.interfaceMetrics)
      ?.interfaceIndex,
    ipv6MulticastIndex: bestRoute(snapshot.routes, IPV6_MDNS_GROUP, snapshot.interfaceMetrics)
      ?.interfaceIndex,
  };
}

function yieldingAddresses(
  { addresses }: NetworkSnapshot,
  { tapIndex, mustYield = () => false }: RouteWishes,
): readonly IpAddress[] {
  return addresses.filter((own) =>
    own.interfaceIndex === tapIndex && !isLinkLocal(own.address) && mustYield(own)
  );
}

/** Routes that lead what others have of the network of an adapter's address where it would go without it. */
function halvesOfOthers(
  snapshot: NetworkSnapshot,
  theirs: readonly IpRoute[],
  { address, prefixBits }: IpAddress,
  tapIndex: number | undefined,
): readonly IpRoute[] {
  const network = networkOf(address, prefixBits);
  // What is more exact goes before the adapter's in any case.
  const others = theirs.filter((route) =>
    route.interfaceIndex !== tapIndex && route.prefixBits <= prefixBits && !isInternetRoute(route)
  );
  const way = bestRoute(others, network, snapshot.interfaceMetrics);
  if (way === undefined || prefixBits >= 8 * address.length) return [];
  const upper = network.slice();
  upper[prefixBits >> 3] |= 0x80 >> (prefixBits & 7);
  const { nextHop, interfaceIndex } = way;
  return [network, upper].map((destination) => {
    return { destination, prefixBits: prefixBits + 1, nextHop, interfaceIndex, metric: 0 };
  });
}

function networkText({ address, prefixBits }: IpNetwork): string {
  return formatCidr({ address: networkOf(address, prefixBits), prefixBits });
}

/** Whether two ways are the same one. */
export function isSameWay(one: Way | undefined, other: Way | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.interfaceIndex === other.interfaceIndex && equalBytes(one.nextHop, other.nextHop) &&
    equalBytes(one.source ?? NONE, other.source ?? NONE);
}

const NONE = new Uint8Array(0);

function hostRoute(destination: Uint8Array, { interfaceIndex, nextHop }: Way): IpRoute {
  return { destination, prefixBits: destination.length * 8, nextHop, interfaceIndex, metric: 0 };
}

/** The way that leads to an address if the adapter and our own routes were not there. */
function wayTo(
  snapshot: NetworkSnapshot,
  theirs: readonly IpRoute[],
  address: Uint8Array,
  tapIndex: number | undefined,
): Way | undefined {
  // An interface that has lost its cable still has its routes, but no address that can be used: it
  // must not stand in the way of one that has.
  const others = theirs.filter(({ interfaceIndex }) =>
    interfaceIndex !== tapIndex && sourcesOf(snapshot, interfaceIndex, address).length > 0
  );
  const route = bestRoute(others, address, snapshot.interfaceMetrics);
  if (route === undefined) return undefined;
  const { interfaceIndex, nextHop } = route;
  const sources = sourcesOf(snapshot, interfaceIndex, address);
  const near = isUnspecified(nextHop) ? address : nextHop;
  const [best] = sources.toSorted((one, other) =>
    Number(isInNetwork(near, other.address, other.prefixBits)) -
      Number(isInNetwork(near, one.address, one.prefixBits)) ||
    commonBits(other.address, address) - commonBits(one.address, address) ||
    compareBytes(one.address, other.address)
  );
  return { interfaceIndex, nextHop, source: lastingSource(best.address) };
}

/** The part of a source address that stays as long as the network is the same one. */
export function lastingSource(source: Uint8Array): Uint8Array {
  return source.length === 4 ? source : networkOf(source, IPV6_NETWORK_BITS);
}

const IPV6_NETWORK_BITS = 64;

/** An interface's addresses from which an address can be reached. */
function sourcesOf(
  { addresses }: NetworkSnapshot,
  interfaceIndex: number,
  address: Uint8Array,
): readonly IpAddress[] {
  return addresses.filter((own) =>
    own.interfaceIndex === interfaceIndex && own.address.length === address.length &&
    (isLinkLocal(address) || !isLinkLocal(own.address))
  );
}

function commonBits(one: Uint8Array, other: Uint8Array): number {
  const index = one.findIndex((byte, index) => byte !== other[index]);
  return index < 0 ? one.length * 8 : index * 8 + Math.clz32(one[index] ^ other[index]) - 24;
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const index = one.findIndex((byte, index) => byte !== other[index]);
  return index < 0 ? 0 : one[index] - other[index];
}

/**
 * The route that a packet to an address takes: the longest prefix, and of those the least metric.
 *
 * @param interfaceMetrics what is added to a route's own, by {@linkcode metricKey}
 */
export function bestRoute(
  routes: readonly IpRoute[],
  address: Uint8Array,
  interfaceMetrics: NetworkSnapshot["interfaceMetrics"] = new Map(),
): IpRoute | undefined {
  const metricOf = ({ interfaceIndex, metric }: IpRoute) =>
    metric + (interfaceMetrics.get(metricKey(interfaceIndex, address.length)) ?? 0);
  let best: IpRoute | undefined;
  for (const route of routes) {
    if (!isInNetwork(address, route.destination, route.prefixBits)) continue;
    const isBetter = best === undefined || route.prefixBits > best.prefixBits ||
      (route.prefixBits === best.prefixBits && metricOf(route) < metricOf(best));
    if (isBetter) best = route;
  }
  return best;
}

function isOwnAddress(snapshot: NetworkSnapshot, address: Uint8Array): boolean {
  return isLoopback(address) || snapshot.addresses.some((own) => equalBytes(own.address, address));
}

/** Networks of other interfaces that overlap with one of the adapter's; link-local ones always do. */
export function findClashes(
  snapshot: Pick<NetworkSnapshot, "addresses">,
  tapIndex: number | undefined,
): SubnetClash[] {
  const tap = snapshot.addresses.filter((own) => own.interfaceIndex === tapIndex);
  return snapshot.addresses.flatMap((home) => {
    const { interfaceIndex, address } = home;
    if (interfaceIndex === tapIndex || isLoopback(address) || isLinkLocal(address)) return [];
    const clashes = tap.some((own) => networksOverlap(own, home));
    return clashes ? [{ network: networkText(home), interfaceIndex }] : [];
  });
}

/** Routers and name servers on an interface's own networks that would be looked for in the party. */
function homeServers(
  snapshot: NetworkSnapshot,
  theirs: readonly IpRoute[],
  interfaceIndex: number,
  tapIndex: number | undefined,
): Uint8Array[] {
  const routers = theirs.filter((route) =>
    route.interfaceIndex === interfaceIndex && !isUnspecified(route.nextHop)
  ).map(({ nextHop }) => nextHop);
  const servers = snapshot.nameServers.filter((server) => server.interfaceIndex === interfaceIndex)
    .map(({ address }) => address);
  const isNear = (address: Uint8Array, index: number | undefined) =>
    snapshot.addresses.some((own) =>
      own.interfaceIndex === index && isInNetwork(address, own.address, own.prefixBits)
    );
  return [...routers, ...servers].filter((address) =>
    !isLinkLocal(address) && isNear(address, interfaceIndex) && isNear(address, tapIndex)
  );
}
