/**
 * Questions to and orders for Linux network interfaces: by ioctl, and by sysfs for what ioctls do
 * not tell.
 *
 * @module
 */

import { Struct } from "../ffi/layout.ts";
import { checkCall, closeFd, Errno, errno, SystemCallError } from "../ffi/libc.ts";
import {
  AddressFamily,
  ARPHRD_ETHER,
  INTERFACE_NAME_BYTES,
  InterfaceFlag,
  InterfaceIoctl,
  libcNet,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from "../ffi/libc_net.ts";
import { IFREQ, SOCKADDR } from "../ffi/linux_layouts.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { LinkError } from "./device.ts";

/** Where the address stands in `ifr_hwaddr`, behind the hardware type. */
const FAMILY_BYTES = SOCKADDR.fields.sa_data.offset;

/** What is known of an interface. */
export interface InterfaceInfo {
  readonly name: string;
  readonly index: number;
  /** Administratively up. */
  readonly up: boolean;
  /** Cable plugged in, associated, or the other end of a veth up. */
  readonly carrier: boolean;
  /** Whether it speaks Ethernet (`ARPHRD_ETHER`). */
  readonly ethernet: boolean;
  readonly loopback: boolean;
  readonly mtu: number;
  readonly mac: Uint8Array;
  /** A Wi-Fi station: most access points drop frames from foreign MACs. */
  readonly wireless: boolean;
  /** A bridge itself. */
  readonly bridge: boolean;
  /** The bridge or bond that it is a port of, if any. */
  readonly master: string | undefined;
  readonly bondSlave: boolean;
  /** A part of a card that a hypervisor has handed to this machine (SR-IOV). */
  readonly virtualFunction: boolean;
}

/**
 * Checks an interface name as the kernel would (`dev_valid_name`), so that none is cut short.
 *
 * @throws {LinkError} `bad-name`
 */
export function checkInterfaceName(name: string): void {
  const bytes = new TextEncoder().encode(name);
  // deno-fmt-ignore
  const bad = bytes.length === 0 || bytes.length >= INTERFACE_NAME_BYTES || name === "." ||
    name === ".." || bytes.some((byte) => byte <= 0x20 || byte === 0x2f || byte === 0x3a || byte >= 0x7f);
  if (bad) {
    throw new LinkError(
      "bad-name",
      `"${name}" cannot be an interface name: 1 to ${INTERFACE_NAME_BYTES - 1} ASCII characters ` +
        `without space, slash and colon`,
    );
  }
}

/** An `ifreq` that carries a name. */
export function interfaceRequest(name: string): Struct<typeof IFREQ> {
  checkInterfaceName(name);
  const request = new Struct(IFREQ);
  request.memberBytes("ifr_name").set(new TextEncoder().encode(name));
  return request;
}

/** Runs `work` with a socket for interface ioctls. */
function withSocket<T>(work: (fd: number) => T): T {
  const libc = libcNet();
  const fd = checkCall("socket", libc.socket(AddressFamily.inet, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    return work(fd);
  } finally {
    closeFd(fd);
  }
}

function ioctl(fd: number, call: string, request: bigint, struct: Struct<typeof IFREQ>): void {
  if (libcNet().ioctl(fd, request, struct.bytes) !== -1) return;
  throw interfaceError(call, errno(), nameOf(struct));
}

function nameOf(struct: Struct<typeof IFREQ>): string {
  const bytes = struct.memberBytes("ifr_name");
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** The error to throw for a failed call about an interface. */
export function interfaceError(call: string, code: number, name: string): Error {
  const cause = new SystemCallError(call, code, name);
  switch (code) {
    case Errno.ENODEV:
    case Errno.ENXIO:
      return new LinkError("no-such-interface", `there is no interface "${name}"`, { cause });
    case Errno.EPERM:
    case Errno.EACCES:
      return new LinkError(
        "no-permission",
        `not allowed to use interface "${name}": run as root or grant the capabilities ` +
          `CAP_NET_RAW and CAP_NET_ADMIN`,
        { cause },
      );
    default:
      return cause;
  }
}

/** Index of an interface, or 0 if there is none of that name. */
export function interfaceIndex(name: string): number {
  checkInterfaceName(name);
  return libcNet().if_nametoindex(new TextEncoder().encode(`${name}\0`));
}

/** The names of all interfaces, in the order of the alphabet. */
export function interfaceNames(): string[] {
  return [...Deno.readDirSync("/sys/class/net")]
    .filter(({ isSymlink }) => isSymlink)
    .map(({ name }) => name)
    .sort();
}

/** The name of an interface, or `undefined` if there is none with this index. */
export function interfaceName(index: number): string | undefined {
  return interfaceNames().find((name) => interfaceIndex(name) === index);
}

/**
 * Everything known of an interface.
 *
 * @throws {LinkError} `no-such-interface`, `bad-name`
 */
export function queryInterface(name: string): InterfaceInfo {
  return withSocket((fd) => {
    const request = interfaceRequest(name);
    ioctl(fd, "SIOCGIFINDEX", InterfaceIoctl.getIndex, request);
    const index = request.getNumber("ifr_ifindex");
    ioctl(fd, "SIOCGIFFLAGS", InterfaceIoctl.getFlags, request);
    const flags = request.getNumber("ifr_flags") & 0xffff;
    ioctl(fd, "SIOCGIFMTU", InterfaceIoctl.getMtu, request);
    const mtu = request.getNumber("ifr_mtu");
    ioctl(fd, "SIOCGIFHWADDR", InterfaceIoctl.getHardwareAddress, request);
    const address = request.memberBytes("ifr_hwaddr").slice();
    return {
      name,
      index,
      up: (flags & InterfaceFlag.up) !== 0,
      carrier: sysfsCarrier(name) ?? (flags & InterfaceFlag.running) !== 0,
      ethernet: (address[0] | address[1] << 8) === ARPHRD_ETHER,
      loopback: (flags & InterfaceFlag.loopback) !== 0,
      mtu,
      mac: address.slice(FAMILY_BYTES, FAMILY_BYTES + MAC_BYTES),
      wireless: sysfsHas(name, "phy80211") || sysfsHas(name, "wireless"),
      bridge: sysfsHas(name, "bridge"),
      master: sysfsLink(name, "master"),
      bondSlave: (flags & InterfaceFlag.slave) !== 0,
      virtualFunction: sysfsHas(name, "device/physfn"),
    };
  });
}

/** How deep interfaces lie on top of each other at most: a VLAN of a bond of cards is 2. */
const LOWER_DEPTH_MAX = 4;

/** Names of all interfaces that frames of this one go through: a bond's cards, what a VLAN is made from. */
export function lowerInterfaces(name: string, depth = 0): string[] {
  checkInterfaceName(name);
  if (depth === LOWER_DEPTH_MAX) return [];
  const direct = sysfsEntries(name).filter((entry) => entry.startsWith("lower_"))
    .map((entry) => entry.slice("lower_".length));
  return [...new Set(direct.flatMap((lower) => [lower, ...lowerInterfaces(lower, depth + 1)]))];
}

/** States of a bridge's port in which nothing passes: listening, learning, blocking (`BR_STATE_…`). */
const BRIDGE_PORT_BLOCKED = ["1", "2", "4"];

/** Whether a port of a bridge lets frames through, as far as its spanning tree is concerned. */
export function isForwardingPort(portName: string): boolean {
  return !BRIDGE_PORT_BLOCKED.includes(sysfsText(portName, "brport/state") ?? "");
}

/** Sets the MTU. */
export function setInterfaceMtu(name: string, mtu: number): void {
  withSocket((fd) => {
    const request = interfaceRequest(name).setNumber("ifr_mtu", mtu);
    ioctl(fd, "SIOCSIFMTU", InterfaceIoctl.setMtu, request);
  });
}

/** Sets the hardware address, 6 bytes. */
export function setInterfaceMac(name: string, mac: Uint8Array): void {
  withSocket((fd) => {
    const request = interfaceRequest(name);
    const address = request.memberBytes("ifr_hwaddr");
    address[0] = ARPHRD_ETHER;
    address.set(mac.subarray(0, MAC_BYTES), FAMILY_BYTES);
    ioctl(fd, "SIOCSIFHWADDR", InterfaceIoctl.setHardwareAddress, request);
  });
}

/** Brings an interface up or down. */
export function setInterfaceUp(name: string, up: boolean): void {
  withSocket((fd) => {
    const request = interfaceRequest(name);
    ioctl(fd, "SIOCGIFFLAGS", InterfaceIoctl.getFlags, request);
    const flags = request.getNumber("ifr_flags");
    request.setNumber("ifr_flags", up ? flags | InterfaceFlag.up : flags & ~InterfaceFlag.up);
    ioctl(fd, "SIOCSIFFLAGS", InterfaceIoctl.setFlags, request);
  });
}

function sysfsEntries(name: string): string[] {
  try {
    return [...Deno.readDirSync(`/sys/class/net/${name}`)].map((entry) => entry.name).sort();
  } catch {
    return [];
  }
}

function sysfsHas(name: string, entry: string): boolean {
  try {
    Deno.lstatSync(`/sys/class/net/${name}/${entry}`);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a carrier now: the flag `IFF_RUNNING` follows up to a second later. */
function sysfsCarrier(name: string): boolean | undefined {
  // An interface that is switched off does not tell.
  const text = sysfsText(name, "carrier");
  return text === undefined ? undefined : text === "1";
}

function sysfsText(name: string, entry: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/sys/class/net/${name}/${entry}`).trim();
  } catch {
    return undefined;
  }
}

function sysfsLink(name: string, entry: string): string | undefined {
  try {
    return Deno.readLinkSync(`/sys/class/net/${name}/${entry}`).split("/").pop();
  } catch {
    return undefined;
  }
}
