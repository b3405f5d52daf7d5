/**
 * Windows' table of routes, by its IP stack (iphlpapi).
 *
 * @module
 */

import { WindowsError } from "../../ffi/windows_kernel.ts";
import type { WindowsRouteTable } from "./table.ts";
import { addHostRoute, hostRouteRow, interfaceTo, removeHostRoute } from "./windows_host_route.ts";
import { readAdapters, readAddresses, readMetrics, readRoutes } from "./windows_tables.ts";
import { WindowsNetworkNotices } from "./windows_watch.ts";

/** See the module. Failures are `WindowsError`s. A record is a route's row in hexadecimal digits. */
export const windowsTable: WindowsRouteTable = {
  read: readRoutes,
  openNotices() {
    const notices = new WindowsNetworkNotices();
    return {
      take(isDue) {
        const isNoticed = notices.take();
        // Not every notice may be had: those that failed are asked for once more.
        if (!isNoticed && isDue) notices.renew();
        return isNoticed;
      },
      close: () => notices.close(),
    };
  },
  recordOf: (route) => hostRouteRow(route).toHex(),
  add(record) {
    const row = parseRecord(record);
    if (row === undefined) throw new TypeError(`no route is ${JSON.stringify(record)}`);
    return addHostRoute(row);
  },
  takeBack(record) {
    const row = parseRecord(record);
    return row !== undefined && removeHostRoute(row);
  },
  failureOf: (error) => error instanceof WindowsError ? error.message : undefined,
  interfaceTo,
  addresses: readAddresses,
  metrics: readMetrics,
  adapters: readAdapters,
};

function parseRecord(record: unknown): Uint8Array<ArrayBuffer> | undefined {
  const isHex = typeof record === "string" && /^([0-9a-f]{2})+$/.test(record);
  return isHex ? Uint8Array.fromHex(record) : undefined;
}
