/**
 * Addresses of interfaces by netlink (rtnetlink(7)): one request, one acknowledgement.
 *
 * @module
 */

import { cString, Struct } from "../ffi/layout.ts";
import { checkCall, closeFd, Errno, libc, SystemCallError } from "../ffi/libc.ts";
import { AddressFamily, libcNet, SOCK_CLOEXEC, SOCK_RAW } from "../ffi/libc_net.ts";
import { IFADDRMSG, NLMSGHDR, RTATTR } from "../ffi/linux_layouts.ts";
import { LinkError } from "./device.ts";

const NETLINK_ROUTE = 0;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const REPLY_BYTES = 4096;

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
  const flags = NLM_F_CREATE | NLM_F_REPLACE;
  request(RTM_NEWADDR, flags, interfaceIndex, parseInterfaceAddress(cidr));
}

/** Takes an address from an interface. */
export function removeInterfaceAddress(interfaceIndex: number, cidr: string): void {
  request(RTM_DELADDR, 0, interfaceIndex, parseInterfaceAddress(cidr));
}

function request(
  type: number,
  flags: number,
  interfaceIndex: number,
  address: InterfaceAddress,
): void {
  const message = encodeAddressMessage(type, flags, interfaceIndex, address);
  const net = libcNet();
  const fd = checkCall(
    "socket",
    net.socket(AddressFamily.netlink, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
  );
  try {
    checkCall("write", libc().write(fd, message, BigInt(message.length)), "netlink");
    const reply = new Uint8Array(REPLY_BYTES);
    const length = checkCall("read", libc().read(fd, reply, BigInt(reply.length)), "netlink");
    checkReply(new DataView(reply.buffer, 0, length), type);
  } finally {
    closeFd(fd);
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
  const parts = [body.bytes, ...attributes];
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const header = new Struct(NLMSGHDR)
    .setNumber("nlmsg_len", NLMSGHDR.sizeBytes + bodyBytes)
    .setNumber("nlmsg_type", type)
    .setNumber("nlmsg_flags", NLM_F_REQUEST | NLM_F_ACK | flags)
    .setNumber("nlmsg_seq", 1);
  const message = new Uint8Array(NLMSGHDR.sizeBytes + bodyBytes);
  let offset = 0;
  for (const part of [header.bytes, ...parts]) {
    message.set(part, offset);
    offset += part.length;
  }
  return message;
}

/** An attribute; all that are used here are multiples of four bytes, so none needs padding. */
function encodeAttribute(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new Struct(RTATTR)
    .setNumber("rta_len", RTATTR.sizeBytes + value.length)
    .setNumber("rta_type", type);
  const bytes = new Uint8Array(RTATTR.sizeBytes + value.length);
  bytes.set(head.bytes);
  bytes.set(value, RTATTR.sizeBytes);
  return bytes;
}

/** Throws what an acknowledgement (`NLMSG_ERROR` with a negative errno) reports. */
function checkReply(reply: DataView, type: number): void {
  const call = type === RTM_NEWADDR ? "RTM_NEWADDR" : "RTM_DELADDR";
  const replyType = reply.byteLength < NLMSGHDR.sizeBytes + 4
    ? -1
    : reply.getUint16(NLMSGHDR.fields.nlmsg_type.offset, true);
  if (replyType !== NLMSG_ERROR) throw new SystemCallError(call, Errno.EIO, "unexpected reply");
  const code = -reply.getInt32(NLMSGHDR.sizeBytes, true);
  if (code === 0) return;
  const cause = new SystemCallError(call, code);
  if (code !== Errno.EPERM) throw cause;
  throw new LinkError("no-permission", "not allowed to set an address: CAP_NET_ADMIN is missing", {
    cause,
  });
}
