/**
 * Windows' table of routes, for the keeper of a player's routes: host routes hold the relay and the home's servers
 * where they are.
 */
import type { NetworkLook, RelayWay, RoutingTable } from "../../client/route_keeper.ts";
import { metricKey, type NetworkSnapshot, type RoutePlan } from "../../client/route_plan.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import type { StatusEvent } from "../../observe/status.ts";
import type { Change } from "../../system/journal/mod.ts";
import type { IpRoute } from "../../proto/ip_route.ts";
import { interfaceTo } from "../../system/routes/windows_host_route.ts";
import {
  readAdapters,
  readAddresses,
  readMetrics,
  readRoutes,
} from "../../system/routes/windows_tables.ts";
import { WindowsNetworkNotices } from "../../system/routes/windows_watch.ts";
import type { WindowsChanges } from "./windows_changes.ts";

/** An adapter that has just come up has no routes yet. */
const ELSEWHERE_MIN_MS = 8_000;

/** See the module. */
export class WindowsRoutes implements RoutingTable<Change> {
  /** A route's change of metric or next hop must not leave a gap. */
  readonly removesFirst = false;
  /** The adapter's interface; undefined: it is gone. */
  tapIndex: number | undefined;
  private readonly notices = new WindowsNetworkNotices();
  /** Since when broadcasts or multicasts leave by another interface. */
  private elsewhereMs: number | undefined;

  /** @param each done whenever everything is looked at */
  constructor(private readonly changes: WindowsChanges, private readonly each: () => void) {}

  takeNotice(isDue: boolean): boolean {
    const isNoticed = this.notices.take();
    // Not every notice may be had: those that failed are asked for once more.
    if (!isNoticed && isDue) this.notices.renew();
    return isNoticed;
  }

  look(): NetworkLook {
    const { tunnels, ...snapshot } = readSnapshot();
    const { routes, addresses } = snapshot;
    return { snapshot, surroundings: { routes, addresses, tapIndex: this.tapIndex, tunnels } };
  }

  nameServers(): NetworkSnapshot["nameServers"] {
    return readNameServers();
  }

  /** Windows sends broadcasts and more by the adapter as soon as that has the better metric. */
  mustHold(): boolean {
    return true;
  }

  add(route: IpRoute): Change | undefined {
    return this.changes.addRoute(route);
  }

  remove(change: Change): void {
    this.changes.undoOne(change);
  }

  forget(change: Change): void {
    this.changes.forget(change);
  }

  follow(_look: NetworkLook, plan: RoutePlan, nowMs: number): readonly StatusEvent[] {
    this.each();
    const elsewhere = [plan.broadcastIndex, plan.multicastIndex].find((index) =>
      index !== undefined && index !== this.tapIndex
    );
    if (this.tapIndex === undefined || elsewhere === undefined) {
      this.elsewhereMs = undefined;
      return [];
    }
    this.elsewhereMs ??= nowMs;
    if (nowMs - this.elsewhereMs < ELSEWHERE_MIN_MS) return [];
    const adapter = readAdapters().find((one) => one.interfaceIndex === elsewhere);
    return [{ type: "broadcastElsewhere", name: adapter?.name ?? `interface ${elsewhere}` }];
  }

  /** The tunnel's packets must leave by the interface that the plan says, not by the adapter. */
  wayTo(relay: Uint8Array, _look: NetworkLook, { way, isLocal }: RoutePlan): RelayWay {
    if (isLocal) return { way, isLocal, isPinned: true };
    const index = way === undefined ? undefined : interfaceTo(relay);
    const isPinned = index !== undefined && index === way?.interfaceIndex;
    if (way === undefined || isPinned) return { way, isLocal, isPinned };
    const warning = `This PC sends to the relay by interface ${index ?? "none"} instead of ` +
      `${way.interfaceIndex}: another program changes its routes`;
    return { way, isLocal, isPinned, warning };
  }

  failureOf(error: unknown): string | undefined {
    return error instanceof WindowsError ? error.message : undefined;
  }

  close(): void {
    this.notices.close();
  }
}

function readSnapshot(): NetworkSnapshot & { readonly tunnels: readonly number[] } {
  const [routes, addresses, interfaces] = [readRoutes(), readAddresses(), readMetrics()];
  return {
    ...{ routes, addresses },
    interfaceMetrics: new Map(
      interfaces.map(({ interfaceIndex, addressBytes, metric }) => [
        metricKey(interfaceIndex, addressBytes),
        metric,
      ]),
    ),
    nameServers: [],
    tunnels: interfaces.flatMap(({ interfaceIndex, isTunnel }) => isTunnel ? [interfaceIndex] : []),
  };
}

function readNameServers(): NetworkSnapshot["nameServers"] {
  return readAdapters().flatMap(({ interfaceIndex, nameServers }) =>
    nameServers.map((address) => ({ interfaceIndex, address }))
  );
}
