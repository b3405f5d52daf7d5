/**
 * Routes that the client adds on Linux. They bear a mark, and only marked ones are ever removed.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { Errno, SystemCallError } from "../../ffi/libc.ts";
import { AddressFamily } from "../../ffi/libc_net.ts";
import { RTMSG } from "../../ffi/linux_layouts.ts";
import {
  HopFlag,
  NetlinkFlag,
  NetlinkType,
  RouteAttribute,
  RouteScope,
  RouteTableId,
  RouteType,
} from "../../ffi/netlink_constants.ts";
import { askNetlink, encodeAttribute, encodeMessage } from "../netlink/mod.ts";
import { IPV4_BYTES, isUnspecified } from "../../proto/ip.ts";
import type { NewRoute, RoutePlace } from "../../proto/ip_route.ts";

/** `rtm_protocol`, which says who has made a route: a number that nobody else has. */
const MARK = 76;

/**
 * Adds a route. `only`: not if there is one to the same destination, whoever has made it.
 *
 * @returns false: it is there already
 * @throws {SystemCallError}
 */
export function addRoute(route: NewRoute, place: RoutePlace): boolean {
  const flags = NetlinkFlag.create | (place === "only" ? NetlinkFlag.exclusive : 0);
  try {
    askNetlink(encodeRoute(NetlinkType.newRoute, flags, route), "RTM_NEWROUTE");
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === Errno.EEXIST) return false;
    throw error;
  }
}

/**
 * Removes a route that {@linkcode addRoute} has added; one that is gone already is no failure.
 *
 * @throws {SystemCallError}
 */
export function removeRoute(route: NewRoute): void {
  try {
    askNetlink(encodeRoute(NetlinkType.deleteRoute, 0, route), "RTM_DELROUTE");
  } catch (error) {
    const isGone = error instanceof SystemCallError &&
      (error.errno === Errno.ESRCH || error.errno === Errno.ENODEV);
    if (!isGone) throw error;
  }
}

/** The message that adds or removes a route. */
export function encodeRoute(
  type: number,
  flags: number,
  route: NewRoute,
): Uint8Array<ArrayBuffer> {
  const { destination, prefixBits, interfaceIndex, source, metric, kind = "unicast" } = route;
  const isIpv4 = destination.length === IPV4_BYTES;
  const nextHop = route.nextHop === undefined || isUnspecified(route.nextHop)
    ? undefined
    : route.nextHop;
  const isOnLink = isIpv4 && nextHop === undefined;
  const body = new Struct(RTMSG)
    .setNumber("rtm_family", isIpv4 ? AddressFamily.inet : AddressFamily.inet6)
    .setNumber("rtm_dst_len", prefixBits)
    // The kernel looks into its own table first: what it has there cannot be led elsewhere by another one.
    .setNumber("rtm_table", kind === "unicast" ? RouteTableId.main : RouteTableId.local)
    .setNumber("rtm_protocol", MARK)
    .setNumber("rtm_scope", isOnLink ? RouteScope.link : RouteScope.universe)
    // What the route to everything goes by can be reached, whatever the interface's own network is.
    .setNumber("rtm_flags", isIpv4 && nextHop !== undefined ? HopFlag.onLink : 0)
    .setNumber("rtm_type", RouteType[kind]);
  return encodeMessage(type, NetlinkFlag.request | NetlinkFlag.ack | flags, [
    body.bytes,
    encodeAttribute(RouteAttribute.destination, destination),
    encodeAttribute(RouteAttribute.interface, numberBytes(interfaceIndex)),
    ...(metric === undefined
      ? []
      : [encodeAttribute(RouteAttribute.priority, numberBytes(metric))]),
    ...(nextHop === undefined ? [] : [encodeAttribute(RouteAttribute.gateway, nextHop)]),
    ...(source === undefined ? [] : [encodeAttribute(RouteAttribute.source, source)]),
  ]);
}

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
