/**
 * Linux' table of routes, by netlink.
 *
 * @module
 */

import { SystemCallError } from "../../ffi/libc.ts";
import { NetlinkGroup } from "../../ffi/netlink_constants.ts";
import { type IpRoute, isHeldNetwork } from "../../proto/ip_route.ts";
import { NetlinkNotices } from "../netlink/mod.ts";
import { addRoute, removeRoute } from "./linux_entry.ts";
import { readRoutes } from "./linux_table.ts";
import { wayTo } from "./linux_way.ts";
import type { LinuxRouteTable } from "./table.ts";

const GROUPS = Object.values(NetlinkGroup).reduce((all, group) => all | group, 0);

/** See the module. Failures are `SystemCallError`s. */
export const linuxTable: LinuxRouteTable = {
  read: readRoutes,
  openNotices: () => new NetlinkNotices(GROUPS),
  recordOf: ({ destination, nextHop, prefixBits, interfaceIndex }) => {
    const hex = { destination: destination.toHex(), nextHop: nextHop.toHex() };
    return { ...hex, prefixBits, interfaceIndex };
  },
  add(record) {
    const route = parseRecord(record);
    if (route === undefined) {
      throw new TypeError(`no route is ${JSON.stringify(record)}`);
    }
    return addRoute(route, "only");
  },
  takeBack(record) {
    const route = parseRecord(record);
    if (route === undefined || !isHeldNetwork(route.destination, route.prefixBits)) return false;
    removeRoute(route);
    return true;
  },
  failureOf: (error) => error instanceof SystemCallError ? error.message : undefined,
  wayTo,
  lead: addRoute,
  withdraw: removeRoute,
};

/** The route of a record; undefined: it is none. */
function parseRecord(record: unknown): IpRoute | undefined {
  if (typeof record !== "object" || record === null) return undefined;
  const { destination, nextHop = "", prefixBits, interfaceIndex } = record as Record<
    string,
    unknown
  >;
  if (!isHexAddress(destination) || !(nextHop === "" || isHexAddress(nextHop))) return undefined;
  if (!isWhole(prefixBits) || !isWhole(interfaceIndex) || interfaceIndex === 0) return undefined;
  return {
    ...{ destination: Uint8Array.fromHex(destination), nextHop: Uint8Array.fromHex(nextHop) },
    ...{ prefixBits, interfaceIndex, metric: 0 },
  };
}

function isHexAddress(text: unknown): text is string {
  return typeof text === "string" && /^([0-9a-f]{8}|[0-9a-f]{32})$/.test(text);
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
