/**
 * Routes and addresses of a system as values.
 *
 * @module
 */
import { equalBytes } from "./bytes.ts";
import { type IpNetwork, networkOf } from "./ip.ts";

/** One route of a system's table. */
export interface IpRoute {
  /** The network's address, 4 or 16 bytes. */
  readonly destination: Uint8Array;
  /** 0: the default route. */
  readonly prefixBits: number;
  /** As long as the destination; all zero: the destination is on the interface's own link. */
  readonly nextHop: Uint8Array;
  readonly interfaceIndex: number;
  /** The route's own share; the interface's is added to it. */
  readonly metric: number;
}

/** An address of an interface, with the network that it is in. */
export interface IpAddress extends IpNetwork {
  readonly interfaceIndex: number;
}

/** A route as it stands in a system's tables. */
export interface TableRoute extends IpRoute {
  /** Whether it is in the table that decides where no rule of a VPN's says otherwise; Windows has no other one. */
  readonly isMain: boolean;
}

/** The way that a system takes to an address. */
export interface IpWay {
  readonly interfaceIndex: number;
  /** All zero: on the link. */
  readonly nextHop: Uint8Array;
  /** The address that packets come from, where the system says one. */
  readonly source: Uint8Array | undefined;
  /** The address is one of this machine's. */
  readonly isLocal: boolean;
}

/** A route that goes with an address or an interface, by the system; without a `nextHop`, on the link. */
export interface NewRoute
  extends
    Pick<IpRoute, "destination" | "prefixBits" | "interfaceIndex">,
    Partial<Pick<IpRoute, "nextHop" | "metric">> {
  /** The address that packets come from: the route goes when that goes. */
  readonly source?: Uint8Array;
  /** What the destination is if it is no host and no network of hosts: a network's broadcast address, or groups. */
  readonly kind?: "broadcast" | "multicast";
}

/** `only`: not beside another route to the same destination. `first`: before another one, which stays. */
export type RoutePlace = "only" | "first";

/** Whether two routes lead to the same place by the same way; their metrics may differ. */
export function isSameRoute(one: IpRoute, other: IpRoute): boolean {
  return one.interfaceIndex === other.interfaceIndex && one.prefixBits === other.prefixBits &&
    equalBytes(one.destination, other.destination) && equalBytes(one.nextHop, other.nextHop);
}

/**
 * Whether the client may have added a route to this: a host, or half of a private network, the widest of which
 * has 8 bits. What undoes the changes of an earlier run believes nothing else.
 */
export function isHeldNetwork(destination: Uint8Array, prefixBits: number): boolean {
  return prefixBits > 8 && prefixBits <= 8 * destination.length &&
    equalBytes(networkOf(destination, prefixBits), destination);
}
