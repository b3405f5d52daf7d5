/**
 * A port of our own at a Linux bridge, as a link: a TAP device that the bridge treats as it treats the
 * cards of its other ports. So this machine itself, whose addresses are the bridge's, is a station
 * behind another port, too.
 *
 * ```
 *   eth0 ─┐
 *         ├─ br0 (this machine's address) ─── lanparty-gw0 ─── this program
 *   vnet1 ┘
 * ```
 *
 * The port is gone when its descriptor is closed, however the process ends.
 *
 * @module
 */

import { checkCall, closeFd, errno, libc } from "../ffi/libc.ts";
import {
  AddressFamily,
  InterfaceIoctl,
  libcNet,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
} from "../ffi/libc_net.ts";
import { NETLINK_ROUTE } from "../ffi/netlink_constants.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { TAP_MTU_MAX } from "../proto/mtu.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { LanDevice, LinkCounters, LinkReactor, LinkSink, LinkState } from "./device.ts";
import {
  interfaceError,
  interfaceRequest,
  isForwardingPort,
  queryInterface,
  setInterfaceMtu,
} from "./interface.ts";
import { reportLink } from "./link_report.ts";
import { TapDevice } from "./tap.ts";

/** How a port is made. */
export interface BridgePortOptions {
  /** Name of an existing bridge. */
  readonly bridge: string;
  /** Where received frames are put. */
  readonly pool: BufferPool;
  /** Four bytes by which this port's MAC differs from others'. */
  readonly macSuffix: Uint8Array;
}

/** `%d` is the first number that is free. */
const PORT_NAME = "lanparty-gw%d";
/**
 * How the MACs of ports begin. Unless it was given one, a bridge takes the lowest MAC of its ports; it
 * must not take this one, or all stations would have to learn the machine's MAC anew.
 */
const MAC_PREFIX = [0xfe, 0x6c];
const REPLY_BYTES = 4096;

/** Constants of the order by which multicast goes to a port, whoever has asked for it. */
export const BridgeLink = {
  AF_BRIDGE: 7,
  RTM_SETLINK: 19,
  NLM_F_REQUEST: 1,
  NLM_F_ACK: 4,
  NLA_F_NESTED: 0x8000,
  IFLA_PROTINFO: 12,
  IFLA_BRPORT_MULTICAST_ROUTER: 25,
  MDB_RTR_TYPE_PERM: 2,
} as const;

/** See the module. Name, index, MAC and MTU are the bridge's. */
export class BridgePort implements LanDevice {
  readonly index: number;
  readonly mac: Uint8Array;
  /** The port's own MAC, which no station has. */
  readonly portMac: Uint8Array;
  #name: string;
  #portName: string;
  readonly #tap: TapDevice;
  #sink: LinkSink | undefined;
  #state: LinkState;

  /**
   * Makes a port and attaches it.
   *
   * @throws {LinkError} `no-such-interface`, `no-permission`, `no-tun-driver`
   */
  static open(options: BridgePortOptions): BridgePort {
    const info = queryInterface(options.bridge);
    const mac = new Uint8Array(MAC_BYTES);
    mac.set(MAC_PREFIX);
    mac.set(options.macSuffix.subarray(0, MAC_BYTES - MAC_PREFIX.length), MAC_PREFIX.length);
    const mtu = Math.min(info.mtu, TAP_MTU_MAX);
    const tap = TapDevice.open({ name: PORT_NAME, mac, mtu, pool: options.pool });
    try {
      // A port with a smaller MTU would lower the bridge's. What is longer than we read is dropped.
      if (info.mtu > mtu) setInterfaceMtu(tap.name, info.mtu);
      attach(info.name, tap.index);
      askForMulticast(tap.index);
      return new BridgePort(info.name, info.index, info.mac, info.up, tap);
    } catch (error) {
      tap.close();
      throw error;
    }
  }

  private constructor(
    name: string,
    index: number,
    mac: Uint8Array,
    up: boolean,
    tap: TapDevice,
  ) {
    this.#name = name;
    this.index = index;
    this.mac = mac;
    this.portMac = tap.mac;
    this.#portName = tap.name;
    this.#tap = tap;
    this.#state = up && !this.blocked ? "up" : "down";
  }

  /** As the bridge is called now. */
  get name(): string {
    return this.#name;
  }

  /** Name of the port's own interface. */
  get portName(): string {
    return this.#portName;
  }

  /**
   * Whether the bridge lets nothing through at this port: where it speaks spanning tree, a new port has to
   * listen and learn first (twice the forward delay, 30 s unless set otherwise).
   */
  get blocked(): boolean {
    return !isForwardingPort(this.portName);
  }

  get mtu(): number {
    return this.#tap.mtu;
  }

  get counters(): LinkCounters {
    return this.#tap.counters;
  }

  get state(): LinkState {
    return this.#state;
  }

  start(reactor: LinkReactor, sink: LinkSink): void {
    this.#sink = sink;
    this.#tap.start(reactor, { frame: (frame) => sink.frame(frame) });
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#tap.send(bytes, offset, length);
  }

  flush(): void {
    this.#tap.flush();
  }

  updateCounters(): void {
    this.#tap.updateCounters();
  }

  /** Looks at the bridge, and at whether the port still is one of its ports. */
  checkState(): LinkState {
    if (this.#state === "gone") return "gone";
    const bridge = reportLink(this.index);
    const port = reportLink(this.#tap.index);
    if (bridge === undefined || port?.masterIndex !== this.index) this.#setState("gone");
    else {
      this.#name = bridge.name;
      this.#portName = port.name;
      this.#setState(bridge.isUp && port.isUp && !this.blocked ? "up" : "down");
    }
    return this.#state;
  }

  close(): void {
    this.#tap.close();
  }

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sink?.state?.(state);
  }
}

/** Makes an interface a port of a bridge, as `ip link set … master …` does. */
function attach(bridge: string, portIndex: number): void {
  const net = libcNet();
  const fd = checkCall("socket", net.socket(AddressFamily.inet, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const request = interfaceRequest(bridge).setNumber("ifr_ifindex", portIndex);
    if (net.ioctl(fd, InterfaceIoctl.addBridgePort, request.bytes) === -1) {
      throw interfaceError("SIOCBRADDIF", errno(), bridge);
    }
  } finally {
    closeFd(fd);
  }
}

/**
 * Has all multicast sent to a port, by rtnetlink: `/sys` is root's alone. A kernel whose bridges do not
 * look into multicast refuses, and needs no such order.
 */
function askForMulticast(portIndex: number): void {
  const message = encodeMulticastOrder(portIndex);
  const type = SOCK_RAW | SOCK_CLOEXEC;
  const fd = checkCall("socket", libcNet().socket(AddressFamily.netlink, type, NETLINK_ROUTE));
  try {
    checkCall("write", libc().write(fd, message, BigInt(message.length)), "netlink");
    const reply = new Uint8Array(REPLY_BYTES);
    checkCall("read", libc().read(fd, reply, BigInt(reply.length)), "netlink");
  } finally {
    closeFd(fd);
  }
}

/**
 * ```
 *  nlmsghdr(16) │ ifinfomsg(16): AF_BRIDGE, index │ IFLA_PROTINFO, nested { MULTICAST_ROUTER: u8, pad 3 }
 * ```
 */
export function encodeMulticastOrder(portIndex: number): Uint8Array<ArrayBuffer> {
  const message = new DataView(new ArrayBuffer(44));
  message.setUint32(0, message.byteLength, true);
  message.setUint16(4, BridgeLink.RTM_SETLINK, true);
  message.setUint16(6, BridgeLink.NLM_F_REQUEST | BridgeLink.NLM_F_ACK, true);
  message.setUint32(8, 1, true);
  message.setUint8(16, BridgeLink.AF_BRIDGE);
  message.setInt32(20, portIndex, true);
  message.setUint16(32, 12, true);
  message.setUint16(34, BridgeLink.IFLA_PROTINFO | BridgeLink.NLA_F_NESTED, true);
  message.setUint16(36, 5, true);
  message.setUint16(38, BridgeLink.IFLA_BRPORT_MULTICAST_ROUTER, true);
  message.setUint8(40, BridgeLink.MDB_RTR_TYPE_PERM);
  return new Uint8Array(message.buffer);
}
