/**
 * The table of routes of a machine: what others ask and tell of it.
 *
 * @module
 */

import type {
  IpAddress,
  IpRoute,
  IpWay,
  NewRoute,
  RoutePlace,
  TableRoute,
} from "../../proto/ip_route.ts";

/** What is written down of a held route before it is added, and what it is taken back by: a JSON value. */
export type RouteRecord = string | { readonly [name: string]: string | number };

/** Notices that something of routes, addresses or interfaces has changed. */
export interface RouteNotices {
  /** Whether there was one since the last call. @param isDue everything is looked at anyway */
  take(isDue: boolean): boolean;
  close(): void;
}

/** What all systems have. What fails is thrown as an error that `failureOf` has words for. */
export interface RouteTable {
  /** All routes that lead somewhere, of both IP versions. */
  read(): readonly TableRoute[];
  /** Begins notices; what cannot be had is left out. */
  openNotices(): RouteNotices;
  /** What is to be written down of a route that holds something where it is. */
  recordOf(route: IpRoute): RouteRecord;
  /** Adds a held route. @returns false: somebody has one to there already */
  add(record: RouteRecord): boolean;
  /**
   * Takes a held route away; one that is gone already is no failure.
   *
   * @param record as it was read out of a file: what is none of ours is left alone
   * @returns false: it is none of ours
   */
  takeBack(record: unknown): boolean;
  /** What a failure says; undefined: it is no failure of the table's. */
  failureOf(error: unknown): string | undefined;
}

/** Linux' own. */
export interface LinuxRouteTable extends RouteTable {
  /** The way to an address, by the rules and tables of VPNs, too; undefined: none, or it has no carrier. */
  wayTo(address: Uint8Array): IpWay | undefined;
  /** Adds a route that goes with its address. @returns false: it is there already */
  lead(route: NewRoute, place: RoutePlace): boolean;
  /** Takes such a route away; one that is gone already is no failure. */
  withdraw(route: NewRoute): void;
}

/** An interface's metric for one IP version. */
export interface InterfaceMetric {
  readonly interfaceIndex: number;
  readonly addressBytes: 4 | 16;
  readonly metric: number;
  /** Whether it is a tunnel by its kind, as most VPNs' are. */
  readonly isTunnel: boolean;
}

/** An adapter by its name, with its name servers. */
export interface AdapterServers {
  readonly interfaceIndex: number;
  /** As the player sees it among the network connections. */
  readonly name: string;
  readonly nameServers: readonly Uint8Array[];
}

/** Windows' own. */
export interface WindowsRouteTable extends RouteTable {
  /** The interface by which Windows sends to an address at this moment; undefined: it has no way there. */
  interfaceTo(address: Uint8Array): number | undefined;
  /** All addresses that are in use. */
  addresses(): readonly IpAddress[];
  metrics(): readonly InterfaceMetric[];
  /** All adapters; none where Windows does not tell. It takes its time. */
  adapters(): readonly AdapterServers[];
}
