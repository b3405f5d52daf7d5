/**
 * A table of routes in memory, for tests: as Linux has it, or Windows.
 *
 * @module
 */

import { equalBytes } from "../../proto/bytes.ts";
import { isInNetwork, isUnspecified } from "../../proto/ip.ts";
import {
  type IpAddress,
  type IpRoute,
  type IpWay,
  isHeldNetwork,
  isSameRoute,
  type NewRoute,
  type RoutePlace,
  type TableRoute,
} from "../../proto/ip_route.ts";
import type {
  AdapterServers,
  InterfaceMetric,
  LinuxRouteTable,
  RouteNotices,
  RouteRecord,
  WindowsRouteTable,
} from "./table.ts";

/** A table's failure. */
export class FakeTableError extends Error {
  override readonly name = "FakeTableError";
}

/** See the module. */
export class FakeRouteTable implements LinuxRouteTable, WindowsRouteTable {
  /** All routes; the test may change them. */
  routes: TableRoute[] = [];
  /** Those that go with an address, of `lead`. */
  readonly led: NewRoute[] = [];
  inUse: IpAddress[] = [];
  interfaces: InterfaceMetric[] = [];
  named: AdapterServers[] = [];
  /** Something has changed. */
  notice = false;
  /** Every call fails with this text. */
  failure: string | undefined;
  readonly #system: "linux" | "windows";

  constructor(system: "linux" | "windows") {
    this.#system = system;
  }

  /** The interface is gone, and with it, as on a real system, all that led there. */
  removeInterface(index: number): void {
    this.routes = this.routes.filter(({ interfaceIndex }) => interfaceIndex !== index);
    this.inUse = this.inUse.filter(({ interfaceIndex }) => interfaceIndex !== index);
    this.led.splice(0, Infinity, ...this.led.filter((route) => route.interfaceIndex !== index));
    this.notice = true;
  }

  read(): readonly TableRoute[] {
    this.#mayFail();
    return [...this.routes];
  }

  openNotices(): RouteNotices {
    return {
      take: () => {
        const { notice } = this;
        this.notice = false;
        return notice;
      },
      close: () => {},
    };
  }

  recordOf({ destination, nextHop, prefixBits, interfaceIndex }: IpRoute): RouteRecord {
    const hex = { destination: destination.toHex(), nextHop: nextHop.toHex() };
    return { ...hex, prefixBits, interfaceIndex };
  }

  add(record: RouteRecord): boolean {
    this.#mayFail();
    const route = parseRecord(record);
    // Linux has one route to a destination, Windows one by each way.
    const isThere = this.routes.some((other) =>
      this.#system === "windows" ? isSameRoute(other, route) : hasSameDestination(other, route)
    );
    if (!isThere) this.routes.push(route);
    return !isThere;
  }

  takeBack(record: unknown): boolean {
    this.#mayFail();
    const route = parseRecord(record as RouteRecord);
    if (!isHeldNetwork(route.destination, route.prefixBits)) return false;
    this.routes = this.routes.filter((other) => !isSameRoute(other, route));
    return true;
  }

  failureOf(error: unknown): string | undefined {
    return error instanceof FakeTableError ? error.message : undefined;
  }

  wayTo(address: Uint8Array): IpWay | undefined {
    this.#mayFail();
    const own = this.inUse.find((one) => equalBytes(one.address, address));
    if (own !== undefined) {
      const nextHop = new Uint8Array(address.length);
      return { interfaceIndex: own.interfaceIndex, nextHop, source: address, isLocal: true };
    }
    const [best] = this.routes
      .filter(({ destination, prefixBits }) => isInNetwork(address, destination, prefixBits))
      .toSorted((one, other) => other.prefixBits - one.prefixBits || one.metric - other.metric);
    if (best === undefined) return undefined;
    const { interfaceIndex, nextHop } = best;
    const near = isUnspecified(nextHop) ? address : nextHop;
    const source = this.inUse.find((one) =>
      one.interfaceIndex === interfaceIndex && isInNetwork(near, one.address, one.prefixBits)
    )?.address;
    return { interfaceIndex, nextHop, source, isLocal: false };
  }

  lead(route: NewRoute, place: RoutePlace): boolean {
    this.#mayFail();
    const isThere = this.led.some((other) =>
      hasSameDestination(other, route) &&
      (place === "only" || other.interfaceIndex === route.interfaceIndex)
    );
    if (!isThere) this.led.push(route);
    return !isThere;
  }

  withdraw(route: NewRoute): void {
    this.#mayFail();
    const index = this.led.findIndex((other) => hasSameDestination(other, route));
    if (index >= 0) this.led.splice(index, 1);
  }

  interfaceTo(address: Uint8Array): number | undefined {
    return this.wayTo(address)?.interfaceIndex;
  }

  addresses(): readonly IpAddress[] {
    return [...this.inUse];
  }

  metrics(): readonly InterfaceMetric[] {
    return [...this.interfaces];
  }

  adapters(): readonly AdapterServers[] {
    return [...this.named];
  }

  #mayFail(): void {
    if (this.failure !== undefined) throw new FakeTableError(this.failure);
  }
}

function hasSameDestination(
  one: Pick<IpRoute, "destination" | "prefixBits">,
  other: Pick<IpRoute, "destination" | "prefixBits">,
): boolean {
  return one.prefixBits === other.prefixBits && equalBytes(one.destination, other.destination);
}

function parseRecord(record: RouteRecord): TableRoute {
  if (typeof record === "string") throw new TypeError(`no record: ${record}`);
  return {
    destination: Uint8Array.fromHex(String(record["destination"])),
    nextHop: Uint8Array.fromHex(String(record["nextHop"])),
    prefixBits: Number(record["prefixBits"]),
    interfaceIndex: Number(record["interfaceIndex"]),
    metric: 0,
    isMain: true,
  };
}
