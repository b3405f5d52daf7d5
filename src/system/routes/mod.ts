/**
 * The machine's routes: what leads where, what is held where it is, and notices of changes.
 *
 * @module
 */
export { linuxTable } from "./linux.ts";
export { takesFrom } from "./linux_way.ts";
export { windowsTable } from "./windows.ts";
export type {
  AdapterServers,
  InterfaceMetric,
  LinuxRouteTable,
  RouteNotices,
  RouteRecord,
  RouteTable,
  WindowsRouteTable,
} from "./table.ts";
