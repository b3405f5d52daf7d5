/**
 * Addresses of interfaces by netlink (rtnetlink(7)): one request, one acknowledgement.
 *
 * @module
 */

import { Struct } from "../ffi/layout.ts";
import { Errno, SystemCallError } from "../ffi/libc.ts";
import { AddressFamily } from "../ffi/libc_net.ts";
import { IFADDRMSG } from "../ffi/linux_layouts.ts";
import { NetlinkFlag, NetlinkType } from "../ffi/netlink_constants.ts";
import { askNetlink, encodeAttribute, encodeMessage } from "../system/netlink/mod.ts";
import { broadcastOf, type IpNetwork, IPV4_BYTES } from "../proto/ip.ts";
import { LinkError } from "./device.ts";

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;

/**
 * Gives an interface an address; one that it has already is left as it is.
 *
 * @throws {LinkError} `no-permission`
 * @throws {SystemCallError} if the kernel refuses
 */
export function addInterfaceAddress(interfaceIndex: number, address: IpNetwork): void {
  const flags = NetlinkFlag.create | NetlinkFlag.replace;
  request(NetlinkType.newAddress, flags, interfaceIndex, address);
}

/** Takes an address from an interface. */
export function removeInterfaceAddress(interfaceIndex: number, address: IpNetwork): void {
  request(NetlinkType.deleteAddress, 0, interfaceIndex, address);
}

function request(
  type: number,
  flags: number,
  interfaceIndex: number,
  address: IpNetwork,
): void {
  const message = encodeAddressMessage(type, flags, interfaceIndex, address);
  const what = type === NetlinkType.newAddress ? "RTM_NEWADDR" : "RTM_DELADDR";
  try {
    askNetlink(message, what);
  } catch (cause) {
    if (!(cause instanceof SystemCallError) || cause.errno !== Errno.EPERM) throw cause;
    throw new LinkError(
      "no-permission",
      "not allowed to set an address: CAP_NET_ADMIN is missing",
      { cause },
    );
  }
}

/** A message about one address: header, `ifaddrmsg`, attributes. */
export function encodeAddressMessage(
  type: number,
  flags: number,
  interfaceIndex: number,
  network: IpNetwork,
): Uint8Array<ArrayBuffer> {
  const { address, prefixBits } = network;
  const attributes = [
    encodeAttribute(IFA_LOCAL, address),
    encodeAttribute(IFA_ADDRESS, address),
  ];
  const broadcast = broadcastOf(network);
  if (broadcast !== undefined) attributes.push(encodeAttribute(IFA_BROADCAST, broadcast));
  const body = new Struct(IFADDRMSG)
    .setNumber(
      "ifa_family",
      address.length === IPV4_BYTES ? AddressFamily.inet : AddressFamily.inet6,
    )
    .setNumber("ifa_prefixlen", prefixBits)
    .setNumber("ifa_index", interfaceIndex);
  return encodeMessage(type, NetlinkFlag.request | NetlinkFlag.ack | flags, [
    body.bytes,
    ...attributes,
  ]);
}
