/**
 * Windows' part of a player's routes that touches the machine: its table, and the journal of the adapter's changes.
 *
 * @module
 */
import type { WindowsMachineRoutes, WindowsNetworks } from "../../client/machine_routes.ts";
import type { IpRoute } from "../../proto/ip_route.ts";
import type { Change } from "../../system/journal/mod.ts";
import {
  type RouteNotices,
  type WindowsRouteTable,
  windowsTable,
} from "../../system/routes/mod.ts";
import type { WindowsChanges } from "./windows_changes.ts";

/** How often what was said of the adapters is used: looks without a notice come each 5 s. */
const ADAPTER_USES_MAX = 12;

/** See the module. */
export class WindowsHostRoutes implements WindowsMachineRoutes<Change> {
  readonly #notices: RouteNotices;
  readonly #changes: Pick<WindowsChanges, "addRoute" | "undoOne" | "forget">;
  readonly #table: WindowsRouteTable;
  /** None: they are to be asked for. */
  #adapters: ReturnType<WindowsRouteTable["adapters"]> = [];
  #uses = 0;

  /** @param table for tests */
  constructor(
    changes: Pick<WindowsChanges, "addRoute" | "undoOne" | "forget">,
    table: WindowsRouteTable = windowsTable,
  ) {
    this.#changes = changes;
    this.#table = table;
    this.#notices = table.openNotices();
  }

  takeNotice(isDue: boolean): boolean {
    const isNoticed = this.#notices.take(isDue);
    if (isNoticed) this.#adapters = [];
    return isNoticed;
  }

  look(): WindowsNetworks {
    const table = this.#table;
    return { routes: table.read(), addresses: table.addresses(), interfaces: table.metrics() };
  }

  /** Asking for all of them takes milliseconds: without a notice they are as they were, for a minute. */
  adapters(): ReturnType<WindowsRouteTable["adapters"]> {
    if (this.#adapters.length > 0 && ++this.#uses < ADAPTER_USES_MAX) return this.#adapters;
    this.#uses = 0;
    return this.#adapters = this.#table.adapters();
  }

  interfaceTo(address: Uint8Array): number | undefined {
    return this.#table.interfaceTo(address);
  }

  add(route: IpRoute): Change | undefined {
    const record = this.#table.recordOf(route);
    return this.#changes.addRoute(record, () => this.#table.add(record));
  }

  remove(change: Change): void {
    this.#changes.undoOne(change);
  }

  forget(change: Change): void {
    this.#changes.forget(change);
  }

  failureOf(error: unknown): string | undefined {
    return this.#table.failureOf(error);
  }

  close(): void {
    this.#notices.close();
  }
}
