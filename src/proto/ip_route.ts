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
