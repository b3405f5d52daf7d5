/**
 * The system's routing table, as the client needs it: to hold the way to the relay where it is, while
 * the party's LAN offers routes of its own.
 *
 * It is made for Windows, where a new adapter can take over the default route. On Linux the TAP gets
 * an address and no route (see `os/dhcp_clients.ts`), so nothing has to be held.
 *
 * @module
 */

import { UnsupportedPlatformError } from "./unsupported.ts";

/** One route. */
export interface Route {
  /** 4 or 16 bytes; all zero with a prefix of 0 bits is the default route. */
  readonly destination: Uint8Array;
  readonly prefixBits: number;
  /** 4 or 16 bytes; `undefined`: the destination is on the interface's own link. */
  readonly nextHop: Uint8Array | undefined;
  readonly interfaceIndex: number;
  /** Of equally long prefixes the route with the least metric is taken. */
  readonly metric: number;
}

/** IP version of an interface's settings. */
export type IpVersion = 4 | 6;

/** The routing table of this system. Every change is the caller's to undo (`os/journal.ts`). */
export interface RouteTable {
  /** The route that a packet to `destination` (4 or 16 bytes) takes now; `undefined`: none. */
  bestRoute(destination: Uint8Array): Route | undefined;
  /** All routes of an IP version. */
  routes(version: IpVersion): Route[];
  /** Adds a route; one that is there already is no error. */
  add(route: Route): void;
  /** Removes a route; one that is not there is no error. */
  remove(route: Route): void;
  /** The metric that an interface adds to its routes; `undefined`: the system chooses it. */
  interfaceMetric(interfaceIndex: number, version: IpVersion): number | undefined;
  /** Sets that metric; `undefined` gives the choice back to the system. */
  setInterfaceMetric(interfaceIndex: number, version: IpVersion, metric: number | undefined): void;
  /** Has `changed` called, on the reactor's thread, whenever a route changes, until it is closed. */
  watch(changed: () => void): { close(): void };
  close(): void;
}

/**
 * Opens the system's routing table.
 *
 * @throws {UnsupportedPlatformError} where there is no implementation
 */
export function openRouteTable(): RouteTable {
  throw new UnsupportedPlatformError("changing the routing table", Deno.build.os);
}
