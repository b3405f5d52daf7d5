/**
 * What decides on Linux about a player's routes, for the keeper of them.
 *
 * - What is sent to the relay stays out of the adapter where that has a route there, such as a default route
 *   that the player has allowed, by a host route. All else the kernel decides, and rules of VPNs hold.
 * - Broadcasts and multicasts that a program binds to nothing leave by the adapter, not by the
 *   default route. Those of IPv6 do so by the kernel's own table, where each interface has a route to all groups: the
 *   one with the least metric is taken, and else the one that was there first, which is home's.
 * - Where home and party have the same addresses, the party's network is looked for behind the adapter,
 *   and the home's router and name servers by host routes at home.
 *
 * What leads into the adapter goes with its address, by the kernel; the host routes are in the journal.
 *
 * @module
 */

import type { StatusEvent } from "../observe/status.ts";
import { equalBytes } from "../proto/bytes.ts";
import {
  broadcastOf,
  formatIp,
  IPV4_BYTES,
  isInNetwork,
  LIMITED_BROADCAST,
  networkOf,
} from "../proto/ip.ts";
import type { IpAddress, IpRoute, IpWay, NewRoute } from "../proto/ip_route.ts";
import { type LanNetworks, NetworkVerdict, type Surroundings } from "./lan_networks.ts";
import type { LinuxMachineRoutes, LinuxNetworks } from "./machine_routes.ts";
import type { NetworkLook, RelayWay, RoutingTable } from "./route_keeper.ts";
import {
  findClashes,
  lastingSource,
  type NetworkSnapshot,
  planRoutes,
  type RoutePlan,
} from "./route_plan.ts";

/** What belongs to no network: the limited broadcast, and all of multicast. */
const UNBOUND = [
  { destination: LIMITED_BROADCAST, prefixBits: 32 },
  { destination: Uint8Array.of(224, 0, 0, 0), prefixBits: 4 },
] as const;

/** All groups of IPv6; half the metric of the kernel's own routes to them (256): a player's own may be better still. */
const UNBOUND_IPV6: Pick<NewRoute, "destination" | "prefixBits" | "metric" | "kind"> = {
  destination: Uint8Array.of(0xff, ...new Uint8Array(15)),
  prefixBits: 8,
  metric: 128,
  kind: "multicast",
};

/** See the module. */
export class LinuxRoutes<Held> implements RoutingTable<Held> {
  /** There cannot be two to one destination, and nothing is sent in between. */
  readonly removesFirst = true;
  readonly #machine: LinuxMachineRoutes<Held>;
  readonly #networks: LanNetworks;
  readonly #allowLanDefaultRoute: boolean;
  /** Host routes that the player has. */
  readonly #theirs = new Set<string>();

  /**
   * @param networks which networks may be led into the adapter
   * @param allowLanDefaultRoute the LAN may bring a default route: the relay is held before
   */
  constructor(
    machine: LinuxMachineRoutes<Held>,
    networks: LanNetworks,
    allowLanDefaultRoute: boolean,
  ) {
    this.#machine = machine;
    this.#networks = networks;
    this.#allowLanDefaultRoute = allowLanDefaultRoute;
  }

  takeNotice(isDue: boolean): boolean {
    return this.#machine.takeNotice(isDue);
  }

  look(): NetworkLook {
    const networks = this.#machine.look();
    const { addresses, tunnels } = networks;
    const routes = networks.routes.filter(({ isMain }) => isMain);
    return {
      snapshot: { routes, addresses, interfaceMetrics: new Map(), nameServers: [] },
      surroundings: { ...surroundingsOf(networks), tunnels },
    };
  }

  nameServers(clashes: RoutePlan["clashes"]): NetworkSnapshot["nameServers"] {
    const servers = this.#machine.nameServers();
    const distinct = new Map(servers.map((address) => [formatIp(address), address]));
    return clashes.flatMap(({ interfaceIndex }) =>
      [...distinct.values()].map((address) => ({ interfaceIndex, address }))
    );
  }

  /** Without a route of its own a relay's packets go into the adapter, or may soon. */
  mustHold(relay: Uint8Array, { snapshot, surroundings }: NetworkLook, isHeld: boolean): boolean {
    const { tapIndex } = surroundings;
    const isCovered = tapIndex !== undefined &&
      snapshot.routes.some((route) =>
        route.interfaceIndex === tapIndex && isInNetwork(relay, route.destination, route.prefixBits)
      );
    if (isHeld) return isCovered || this.#allowLanDefaultRoute;
    if (!isCovered && !this.#allowLanDefaultRoute) return false;
    const way = this.#machine.wayTo(relay);
    if (way === undefined || way.isLocal) return false;
    if (way.interfaceIndex === tapIndex) return true;
    if (!this.#allowLanDefaultRoute) return false;
    // Where a VPN's rules lead elsewhere than the table does, they go on doing so with the adapter.
    const { way: known } = planRoutes(snapshot, { tapIndex, relays: [relay] }, []);
    return known?.interfaceIndex === way.interfaceIndex && equalBytes(known.nextHop, way.nextHop);
  }

  add(route: IpRoute): Held | undefined {
    const key = `${formatIp(route.destination)} ${route.interfaceIndex}`;
    if (this.#theirs.has(key)) return undefined;
    const held = this.#machine.add(route);
    if (held === undefined) this.#theirs.add(key);
    return held;
  }

  remove(held: Held): void {
    this.#machine.remove(held);
  }

  forget(held: Held): void {
    this.#machine.forget(held);
  }

  /** Leads into the adapter what is the party's. */
  follow({ snapshot, surroundings }: NetworkLook): readonly StatusEvent[] {
    const { tapIndex } = surroundings;
    const others = snapshot.addresses.filter((other) => other.interfaceIndex !== tapIndex);
    const adapters = snapshot.addresses.filter((own) => own.interfaceIndex === tapIndex);
    if (tapIndex !== undefined && adapters.some(({ address }) => address.length !== IPV4_BYTES)) {
      this.#machine.lead({ ...UNBOUND_IPV6, interfaceIndex: tapIndex }, "only");
    }
    for (const own of adapters) {
      const { address, prefixBits } = own;
      if (address.length !== IPV4_BYTES) continue;
      const isLan = this.#networks.judgeKind(address, 0, IPV4_BYTES, prefixBits) ===
        NetworkVerdict.good;
      const clashes = findClashes({ addresses: [...others, own] }, tapIndex).length > 0;
      // One that is no LAN's, wherever it has come from, gets nothing beside what the kernel gives it.
      this.#leadIntoAdapter(own, clashes && isLan && !this.#networks.mustYield(own));
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
    const way = this.#machine.wayTo(relay);
    const isTap = way !== undefined && way.interfaceIndex === surroundings.tapIndex;
    return {
      way: way === undefined || isTap ? undefined : lasting(way),
      isLocal: way?.isLocal ?? false,
      isPinned: isHeld ? way !== undefined && !isTap : undefined,
    };
  }

  failureOf(error: unknown): string | undefined {
    return this.#machine.failureOf(error);
  }

  close(): void {
    this.#machine.close();
  }

  /** Has what the party's network is for leave by the adapter. */
  #leadIntoAdapter(own: IpAddress, clashes: boolean): void {
    const { interfaceIndex, address: source, prefixBits } = own;
    const route = { interfaceIndex, source };
    for (const unbound of UNBOUND) this.#machine.lead({ ...route, ...unbound }, "only");
    const broadcast = broadcastOf(own);
    if (!clashes || broadcast === undefined) return;
    const destination = networkOf(source, prefixBits);
    this.#machine.lead({ ...route, destination, prefixBits }, "first");
    this.#machine.lead(
      { ...route, destination: broadcast, prefixBits: 32, kind: "broadcast" },
      "first",
    );
  }
}

/** What lies upon the adapter (a VLAN's interface, a bridge) belongs to it. */
function surroundingsOf(
  { routes, addresses, tapIndex, upper }: LinuxNetworks,
): Omit<Surroundings, "relays"> {
  const own = <T extends { readonly interfaceIndex: number }>(one: T): T =>
    tapIndex !== undefined && upper.includes(one.interfaceIndex)
      ? { ...one, interfaceIndex: tapIndex }
      : one;
  return {
    ...{ routes: routes.map(own), addresses: addresses.map(own) },
    ...{ tapIndex, takesVlans: upper.length > 0 },
  };
}

/** What of a way stays as long as the network is the same one. */
function lasting(way: IpWay): IpWay {
  return { ...way, source: way.source === undefined ? undefined : lastingSource(way.source) };
}
