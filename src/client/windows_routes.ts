/**
 * What decides on Windows about a player's routes, for the keeper of them: host routes hold the relay and the home's
 * servers where they are.
 *
 * @module
 */

import type { StatusEvent } from "../observe/status.ts";
import { IPV6_BYTES } from "../proto/ip.ts";
import type { IpRoute } from "../proto/ip_route.ts";
import type { WindowsMachineRoutes } from "./machine_routes.ts";
import type { NetworkLook, RelayWay, RoutingTable } from "./route_keeper.ts";
import { metricKey, type NetworkSnapshot, type RoutePlan } from "./route_plan.ts";

/** An adapter that has just come up has no routes yet. */
const ELSEWHERE_MIN_MS = 8_000;

/** See the module. */
export class WindowsRoutes<Held> implements RoutingTable<Held> {
  /** A route's change of metric or next hop must not leave a gap. */
  readonly removesFirst = false;
  /** The adapter's interface; undefined: it is gone. */
  tapIndex: number | undefined;
  readonly #machine: WindowsMachineRoutes<Held>;
  readonly #each: (nowMs: number) => void;
  /** Since when broadcasts or multicasts leave by another interface. */
  #elsewhereMs: number | undefined;

  /** @param each done whenever everything is looked at */
  constructor(machine: WindowsMachineRoutes<Held>, each: (nowMs: number) => void) {
    this.#machine = machine;
    this.#each = each;
  }

  takeNotice(isDue: boolean): boolean {
    return this.#machine.takeNotice(isDue);
  }

  look(): NetworkLook {
    const { routes, addresses, interfaces } = this.#machine.look();
    const interfaceMetrics = new Map(
      interfaces.map(({ interfaceIndex, addressBytes, metric }) => [
        metricKey(interfaceIndex, addressBytes),
        metric,
      ]),
    );
    const tunnels = interfaces.flatMap(({ interfaceIndex, isTunnel }) =>
      isTunnel ? [interfaceIndex] : []
    );
    return {
      snapshot: { routes, addresses, interfaceMetrics, nameServers: [] },
      surroundings: { routes, addresses, tapIndex: this.tapIndex, tunnels },
    };
  }

  nameServers(): NetworkSnapshot["nameServers"] {
    return this.#machine.adapters().flatMap(({ interfaceIndex, nameServers }) =>
      nameServers.map((address) => ({ interfaceIndex, address }))
    );
  }

  /** Windows sends broadcasts and more by the adapter as soon as that has the better metric. */
  mustHold(): boolean {
    return true;
  }

  add(route: IpRoute): Held | undefined {
    return this.#machine.add(route);
  }

  remove(held: Held): void {
    this.#machine.remove(held);
  }

  forget(held: Held): void {
    this.#machine.forget(held);
  }

  follow({ snapshot }: NetworkLook, plan: RoutePlan, nowMs: number): readonly StatusEvent[] {
    this.#each(nowMs);
    const isElsewhere = (index: number | undefined) =>
      index !== undefined && index !== this.tapIndex;
    const ipv4 = [plan.broadcastIndex, plan.multicastIndex].find(isElsewhere);
    // An adapter without IPv6 leaves its groups to others.
    const ipv6 =
      snapshot.addresses.some(({ interfaceIndex, address }) =>
          interfaceIndex === this.tapIndex && address.length === IPV6_BYTES
        ) && isElsewhere(plan.ipv6MulticastIndex)
        ? plan.ipv6MulticastIndex
        : undefined;
    const elsewhere = ipv4 ?? ipv6;
    if (this.tapIndex === undefined || elsewhere === undefined) {
      this.#elsewhereMs = undefined;
      return [];
    }
    this.#elsewhereMs ??= nowMs;
    if (nowMs - this.#elsewhereMs < ELSEWHERE_MIN_MS) return [];
    const adapter = this.#machine.adapters().find((one) => one.interfaceIndex === elsewhere);
    const name = adapter?.name ?? `interface ${elsewhere}`;
    return [{ type: "broadcastElsewhere", name, version: ipv4 === undefined ? "IPv6" : "IPv4" }];
  }

  /** The tunnel's packets must leave by the interface that the plan says, not by the adapter. */
  wayTo(relay: Uint8Array, _look: NetworkLook, { way, isLocal }: RoutePlan): RelayWay {
    if (isLocal) return { way, isLocal, isPinned: true };
    const index = way === undefined ? undefined : this.#machine.interfaceTo(relay);
    const isPinned = index !== undefined && index === way?.interfaceIndex;
    if (way === undefined || isPinned) return { way, isLocal, isPinned };
    const warning = `This PC sends to the relay by interface ${index ?? "none"} instead of ` +
      `${way.interfaceIndex}: another program changes its routes`;
    return { way, isLocal, isPinned, warning };
  }

  failureOf(error: unknown): string | undefined {
    return this.#machine.failureOf(error);
  }

  close(): void {
    this.#machine.close();
  }
}
