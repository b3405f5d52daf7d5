/**
 * Addresses of interfaces by netlink (rtnetlink(7)): one request, one acknowledgement.
 *
 * @module
 */

import { cString, Struct } from "../ffi/layout.ts";
import { Errno, SystemCallError } from "../ffi/libc.ts";
import { AddressFamily, libcNet } from "../ffi/libc_net.ts";
import { IFADDRMSG } from "../ffi/linux_layouts.ts";
import {
  askNetlink,
  encodeAttribute,
  encodeMessage,
  NetlinkFlag,
  NetlinkType,
} from "../ffi/netlink.ts";
import { LinkError } from "./device.ts";

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;

/** An IP address and the length of its network's prefix. */
export interface InterfaceAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly prefixBits: number;
}

/**
 * Reads `192.168.1.50/24` or `fd00::5/64`.
 *
 * @throws {LinkError} `bad-address`
 */
export function parseInterfaceAddress(cidr: string): InterfaceAddress {
  const match = /^([0-9a-fA-F.:]+)\/([0-9]{1,3})$/.exec(cidr);
  const family = match?.[1].includes(":") ? 6 : 4;
  const bytes = new Uint8Array(family === 6 ? 16 : 4);
  const prefixBits = Number(match?.[2]);
  if (match !== null && prefixBits >= 1 && prefixBits <= bytes.length * 8) {
    const code = family === 6 ? AddressFamily.inet6 : AddressFamily.inet;
    if (libcNet().inet_pton(code, cString(match[1]), bytes) === 1) {
      return { family, bytes, prefixBits };
    }
  }
  throw new LinkError(
    "bad-address",
    `"${cidr}" is no address with a prefix length, like 192.168.1.50/24`,
  );
}

/** The broadcast address of an IPv4 network, or `undefined` where there is none (/31, /32). */
export function broadcastOf(address: InterfaceAddress): Uint8Array<ArrayBuffer> | undefined {
  if (address.family !== 4 || address.prefixBits > 30) return undefined;
  const broadcast = address.bytes.slice();
  for (let bit = address.prefixBits; bit < 32; bit++) broadcast[bit >> 3] |= 0x80 >> (bit & 7);
  return broadcast;
}

/**
 * Gives an interface an address; one that it has already is left as it is.
 *
 * @throws {LinkError} `bad-address`, `no-permission`
 * @throws {SystemCallError} if the kernel refuses
 */
export function addInterfaceAddress(interfaceIndex: number, cidr: string): void {
  const flags = NetlinkFlag.create | NetlinkFlag.replace;
  request(NetlinkType.newAddress, flags, interfaceIndex, parseInterfaceAddress(cidr));
}

/** Takes an address from an interface. */
export function removeInterfaceAddress(interfaceIndex: number, cidr: string): void {
  request(NetlinkType.deleteAddress, 0, interfaceIndex, parseInterfaceAddress(cidr));
}

function request(
  type: number,
  flags: number,
  interfaceIndex: number,
  address: InterfaceAddress,
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
  address: InterfaceAddress,
): Uint8Array<ArrayBuffer> {
  const attributes = [
    encodeAttribute(IFA_LOCAL, address.bytes),
    encodeAttribute(IFA_ADDRESS, address.bytes),
  ];
  const broadcast = broadcastOf(address);
  if (broadcast !== undefined) attributes.push(encodeAttribute(IFA_BROADCAST, broadcast));
  const body = new Struct(IFADDRMSG)
    .setNumber("ifa_family", address.family === 6 ? AddressFamily.inet6 : AddressFamily.inet)
    .setNumber("ifa_prefixlen", address.prefixBits)
    .setNumber("ifa_index", interfaceIndex);
  return encodeMessage(type, NetlinkFlag.request | NetlinkFlag.ack | flags, [
    body.bytes,
    ...attributes,
  ]);
}
