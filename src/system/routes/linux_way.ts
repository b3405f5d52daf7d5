/**
 * The way that Linux takes to an address at this moment, as the kernel itself says: rules and tables of
 * VPNs are considered.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { Errno, SystemCallError } from "../../ffi/libc.ts";
import { AddressFamily, InterfaceFlag } from "../../ffi/libc_net.ts";
import { IFINFOMSG, NLMSGHDR, RTMSG } from "../../ffi/linux_layouts.ts";
import {
  NetlinkFlag,
  NetlinkType,
  RouteAttribute,
  RouteType,
} from "../../ffi/netlink_constants.ts";
import {
  askNetlink,
  encodeAttribute,
  encodeMessage,
  messageType,
  readAttributes,
} from "../netlink/mod.ts";
import type { IpWay } from "../../proto/ip_route.ts";

/** `rtvia`: a router of the other IP version, behind its family. */
const VIA_ADDRESS_OFFSET = 2;

/**
 * The way to an address; undefined: there is none, or its interface has no carrier (no cable, no Wi-Fi).
 *
 * @param address 4 or 16 bytes
 * @throws {SystemCallError} the kernel cannot be asked
 */
export function wayTo(address: Uint8Array): IpWay | undefined {
  const answer = askOrNone(encodeQuestion(address), "RTM_GETROUTE");
  if (answer === undefined || messageType(answer) !== NetlinkType.newRoute) return undefined;
  const way = readWay(answer, address.length);
  if (way === undefined || way.isLocal) return way;
  return isRunning(way.interfaceIndex) ? way : undefined;
}

/**
 * Whether the kernel takes a packet from another machine by an interface, as far as its routes say: with `rp_filter` 1
 * (ip-sysctl of the kernel's documentation) only if it would answer by the same one. Firewalls have their say beside this.
 *
 * @param source 4 bytes, as `destination`, an address of this machine
 * @throws {SystemCallError} the kernel cannot be asked
 */
export function takesFrom(
  source: Uint8Array,
  destination: Uint8Array,
  interfaceIndex: number,
): boolean {
  try {
    askNetlink(encodeQuestion(destination, { source, interfaceIndex }), "RTM_GETROUTE");
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && REFUSED.has(error.errno)) return false;
    throw error;
  }
}

/** What the kernel says of a source that it does not expect there; since Linux 6.14 the second. */
const REFUSED: ReadonlySet<number> = new Set([Errno.EXDEV, Errno.EINVAL]);

/** The question for the way to an address, or for that of a packet which has come in. */
export function encodeQuestion(
  address: Uint8Array,
  incoming?: { readonly source: Uint8Array; readonly interfaceIndex: number },
): Uint8Array<ArrayBuffer> {
  const body = new Struct(RTMSG)
    .setNumber("rtm_family", address.length === 4 ? AddressFamily.inet : AddressFamily.inet6)
    .setNumber("rtm_dst_len", address.length * 8);
  const parts = [encodeAttribute(RouteAttribute.destination, address)];
  if (incoming !== undefined) {
    const { source, interfaceIndex } = incoming;
    body.setNumber("rtm_src_len", source.length * 8);
    const index = new Uint8Array(4);
    new DataView(index.buffer).setUint32(0, interfaceIndex, true);
    parts.push(encodeAttribute(RouteAttribute.from, source));
    parts.push(encodeAttribute(RouteAttribute.incoming, index));
  }
  return encodeMessage(NetlinkType.getRoute, NetlinkFlag.request, [body.bytes, ...parts]);
}

const LEADING: ReadonlySet<number> = new Set([
  RouteType.unicast,
  RouteType.local,
  RouteType.multicast,
]);

/** The way in an answer; undefined: it leads nowhere. */
export function readWay(
  answer: Uint8Array<ArrayBuffer>,
  addressBytes: number,
): IpWay | undefined {
  const type = answer[NLMSGHDR.sizeBytes + RTMSG.fields.rtm_type.offset];
  if (!LEADING.has(type)) return undefined;
  const attributes = readAttributes(answer, RTMSG.sizeBytes);
  const index = attributes.get(RouteAttribute.interface);
  if (index === undefined || index.length !== 4) return undefined;
  return {
    interfaceIndex: new DataView(index.buffer).getUint32(0, true),
    nextHop: readGateway(attributes) ?? new Uint8Array(addressBytes),
    source: attributes.get(RouteAttribute.source),
    isLocal: type === RouteType.local,
  };
}

/** The router among a route's attributes; undefined: there is none. */
export function readGateway(
  attributes: ReadonlyMap<number, Uint8Array<ArrayBuffer>>,
): Uint8Array<ArrayBuffer> | undefined {
  return attributes.get(RouteAttribute.gateway) ??
    attributes.get(RouteAttribute.via)?.slice(VIA_ADDRESS_OFFSET);
}

/** Whether packets can leave by an interface: it is up, and has a cable, an access point or a peer. */
function isRunning(interfaceIndex: number): boolean {
  const body = new Struct(IFINFOMSG).setNumber("ifi_index", interfaceIndex);
  const question = encodeMessage(NetlinkType.getLink, NetlinkFlag.request, [body.bytes]);
  const answer = askOrNone(question, "RTM_GETLINK");
  if (answer === undefined || messageType(answer) !== NetlinkType.newLink) return false;
  const flags = new DataView(answer.buffer).getUint32(
    NLMSGHDR.sizeBytes + IFINFOMSG.fields.ifi_flags.offset,
    true,
  );
  return (flags & InterfaceFlag.running) !== 0;
}

/** What the kernel says when no way leads there. */
const NO_WAY: ReadonlySet<number> = new Set([
  ...[Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.ENETDOWN, Errno.EACCES, Errno.EINVAL],
  ...[Errno.ENODEV, Errno.EAGAIN],
]);

function askOrNone(
  question: Uint8Array<ArrayBuffer>,
  what: string,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    return askNetlink(question, what);
  } catch (error) {
    if (error instanceof SystemCallError && NO_WAY.has(error.errno)) return undefined;
    throw error;
  }
}
