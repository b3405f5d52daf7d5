/**
 * Linux' routing tables, whole: the main one says what leads where if no rule of a VPN's says otherwise.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { AddressFamily } from "../../ffi/libc_net.ts";
import { NLMSGHDR, RTMSG } from "../../ffi/linux_layouts.ts";
import {
  NetlinkFlag,
  NetlinkType,
  RouteAttribute,
  RouteTableId,
  RouteType,
} from "../../ffi/netlink_constants.ts";
import {
  dumpNetlink,
  encodeMessage,
  messageType,
  readAttributes,
  readAttributesAt,
} from "../netlink/mod.ts";
import type { IpRoute, TableRoute } from "../../proto/ip_route.ts";
import { readGateway } from "./linux_way.ts";

/** `struct rtnexthop`: its length, and the interface's index; attributes follow. */
const HOP = { lengthOffset: 0, interfaceOffset: 4, sizeBytes: 8 } as const;

/**
 * All routes that lead somewhere, of both IP versions, but for those to this machine itself.
 *
 * @throws {SystemCallError}
 */
export function readRoutes(): TableRoute[] {
  const flags = NetlinkFlag.request | NetlinkFlag.dump;
  const question = encodeMessage(NetlinkType.getRoute, flags, [new Struct(RTMSG).bytes]);
  return dumpNetlink(question, "RTM_GETROUTE").flatMap(parseRoute);
}

/**
 * The routes of one row: one for each of its next hops; none if it leads nowhere, or by a router of the
 * other IP version.
 */
export function parseRoute(row: Uint8Array<ArrayBuffer>): TableRoute[] {
  const byteOf = (field: "rtm_family" | "rtm_dst_len" | "rtm_table" | "rtm_type") =>
    row[NLMSGHDR.sizeBytes + RTMSG.fields[field].offset];
  const family = byteOf("rtm_family");
  const isIp = family === AddressFamily.inet || family === AddressFamily.inet6;
  if (messageType(row) !== NetlinkType.newRoute || !isIp) return [];
  if (byteOf("rtm_type") !== RouteType.unicast) return [];
  const attributes = readAttributes(row, RTMSG.sizeBytes);
  const none = new Uint8Array(family === AddressFamily.inet ? 4 : 16);
  // The byte is too small for the numbers of some.
  const table = readNumber(attributes.get(RouteAttribute.table)) ?? byteOf("rtm_table");
  if (table === RouteTableId.local) return [];
  const route = {
    isMain: table === RouteTableId.main,
    destination: attributes.get(RouteAttribute.destination) ?? none,
    prefixBits: byteOf("rtm_dst_len"),
    metric: readNumber(attributes.get(RouteAttribute.priority)) ?? 0,
  };
  const hops = attributes.get(RouteAttribute.multipath);
  const interfaceIndex = readNumber(attributes.get(RouteAttribute.interface));
  const own = interfaceIndex === undefined
    ? []
    : [{ interfaceIndex, nextHop: readGateway(attributes) ?? none }];
  return (hops === undefined ? own : readHops(hops, none))
    .filter(({ nextHop }) => nextHop.length === none.length)
    .map((hop) => ({ ...route, ...hop }));
}

function readHops(
  bytes: Uint8Array<ArrayBuffer>,
  none: Uint8Array,
): Pick<IpRoute, "interfaceIndex" | "nextHop">[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const hops: Pick<IpRoute, "interfaceIndex" | "nextHop">[] = [];
  for (let offset = 0; offset + HOP.sizeBytes <= bytes.length;) {
    const length = view.getUint16(offset + HOP.lengthOffset, true);
    if (length < HOP.sizeBytes || offset + length > bytes.length) break;
    const attributes = readAttributesAt(bytes.slice(offset, offset + length), HOP.sizeBytes);
    hops.push({
      interfaceIndex: view.getUint32(offset + HOP.interfaceOffset, true),
      nextHop: readGateway(attributes) ?? none,
    });
    offset += (length + 3) & ~3;
  }
  return hops;
}

function readNumber(value: Uint8Array<ArrayBuffer> | undefined): number | undefined {
  if (value?.length !== 4) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}
