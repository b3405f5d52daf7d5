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

/** See the module. */
export class WindowsHostRoutes implements WindowsMachineRoutes<Change> {
  readonly #notices: RouteNotices;
  readonly #changes: Pick<WindowsChanges, "addRoute" | "undoOne" | "forget">;
  readonly #table: WindowsRouteTable;

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
    return this.#notices.take(isDue);
  }

  look(): WindowsNetworks {
    const table = this.#table;
    return { routes: table.read(), addresses: table.addresses(), interfaces: table.metrics() };
  }

  adapters(): ReturnType<WindowsRouteTable["adapters"]> {
    return this.#table.adapters();
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
