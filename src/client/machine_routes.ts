/**
 * What the client asks and tells of a PC's routes: what one system's own shell has to bring, so that all that is
 * decided is decided here.
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
} from "../proto/ip_route.ts";

/**
 * What all systems have. What fails is thrown as an error that `failureOf` has words for; all else is a bug.
 *
 * @typeParam Held what stands for a route that was added and is in the journal
 */
export interface MachineRoutes<Held> {
  /** Whether the system has told of a change since the last call. @param isDue everything is looked at anyway */
  takeNotice(isDue: boolean): boolean;
  /** Adds a route, written down before; undefined: somebody has it already. */
  add(route: IpRoute): Held | undefined;
  remove(held: Held): void;
  /** Strikes a route out that is gone already. */
  forget(held: Held): void;
  /** What a failure says; undefined: it is no failure of the table's. */
  failureOf(error: unknown): string | undefined;
  /** Ends the notices. */
  close(): void;
}

/** What Linux says at one moment. */
export interface LinuxNetworks {
  /** Of all tables. */
  readonly routes: readonly TableRoute[];
  readonly addresses: readonly IpAddress[];
  /** The adapter; undefined: it is not there. */
  readonly tapIndex: number | undefined;
  /** Interfaces that are made upon the adapter (a VLAN's, a bridge), and upon these. */
  readonly upper: readonly number[];
  /** Interfaces that are no Ethernet. */
  readonly tunnels: readonly number[];
}

/** Linux' own. */
export interface LinuxMachineRoutes<Held> extends MachineRoutes<Held> {
  look(): LinuxNetworks;
  /** The addresses of all name servers, 4 or 16 bytes. */
  nameServers(): readonly Uint8Array[];
  /** As the kernel says it; undefined: none, or it has no carrier. */
  wayTo(address: Uint8Array): IpWay | undefined;
  /** Adds a route that goes with its address, by the kernel. */
  lead(route: NewRoute, place: RoutePlace): void;
}

/** What Windows says at one moment. */
export interface WindowsNetworks {
  readonly routes: readonly IpRoute[];
  readonly addresses: readonly IpAddress[];
  readonly interfaces: readonly {
    readonly interfaceIndex: number;
    readonly addressBytes: 4 | 16;
    readonly metric: number;
    readonly isTunnel: boolean;
  }[];
}

/** Windows' own. */
export interface WindowsMachineRoutes<Held> extends MachineRoutes<Held> {
  look(): WindowsNetworks;
  /** All adapters; none where Windows does not tell. It takes its time. */
  adapters(): readonly {
    readonly interfaceIndex: number;
    readonly name: string;
    readonly nameServers: readonly Uint8Array[];
  }[];
  /** The interface by which Windows sends to an address; undefined: it has no way there. */
  interfaceTo(address: Uint8Array): number | undefined;
}
