/**
 * A packet on Linux: a connected socket whose error queue tells what ICMP says, and who (ip(7), `IP_RECVERR`).
 *
 * @module
 */
import { Struct } from "../../ffi/layout.ts";
import { closeFd, Errno, errno } from "../../ffi/libc.ts";
import {
  AddressFamily,
  ErrorOrigin,
  IpOption,
  type LibcNet,
  libcNet,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../../ffi/libc_net.ts";
import { CMSGHDR, IOVEC, MSGHDR, SOCK_EXTENDED_ERR } from "../../ffi/linux_layouts.ts";
import { ANSWER_BYTES_MAX, readUnreachable, type UdpFinding, type UdpProbe } from "./finding.ts";

/** `sizeof(struct sockaddr_in)` and `sizeof(struct sockaddr_in6)`, and where their addresses lie. */
const ADDRESS_BYTES = { 4: 16, 6: 28 } as const;
const IP_OFFSET = { 4: 4, 6: 8 } as const;
const IP_BYTES = { 4: 4, 6: 16 } as const;
const CONTROL_BYTES = 256;
/** An error queue that is longer than this is not read to its end at once. */
const ERRORS_MAX = 16;

const NO_WAY: UdpFinding = { kind: "noWay" };
/** This machine's own firewall. */
const HELD_BACK: UdpFinding = { kind: "prohibited", from: undefined };

/**
 * Sends a packet.
 *
 * @param socketAddress a `sockaddr_in` or `sockaddr_in6`
 */
export function openUdpProbeLinux(
  socketAddress: Uint8Array<ArrayBuffer>,
  packet: Uint8Array<ArrayBuffer>,
): UdpProbe {
  return new LinuxProbe(socketAddress, packet);
}

/** Whether this machine has a way there; nothing is sent. */
export function hasWayLinux(socketAddress: Uint8Array<ArrayBuffer>): boolean {
  const version = versionOf(socketAddress);
  const fd = openSocket(version);
  if (fd < 0) return false;
  const isWay = libcNet().connect(fd, socketAddress, ADDRESS_BYTES[version]) === 0;
  closeFd(fd);
  return isWay;
}

function versionOf(socketAddress: Uint8Array<ArrayBuffer>): 4 | 6 {
  const family = new DataView(socketAddress.buffer, socketAddress.byteOffset).getUint16(0, true);
  return family === AddressFamily.inet6 ? 6 : 4;
}

function openSocket(version: 4 | 6): number {
  const family = version === 6 ? AddressFamily.inet6 : AddressFamily.inet;
  return libcNet().socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

class LinuxProbe implements UdpProbe {
  readonly #libc: LibcNet = libcNet();
  readonly #version: 4 | 6;
  readonly #target: Uint8Array<ArrayBuffer>;
  readonly #data = new Uint8Array(ANSWER_BYTES_MAX);
  readonly #control = new Uint8Array(CONTROL_BYTES);
  #fd: number;
  #finding: UdpFinding | undefined;

  constructor(socketAddress: Uint8Array<ArrayBuffer>, packet: Uint8Array<ArrayBuffer>) {
    const version = versionOf(socketAddress);
    this.#version = version;
    const from = IP_OFFSET[version];
    this.#target = socketAddress.slice(from, from + IP_BYTES[version]);
    this.#fd = openSocket(version);
    this.#finding = this.#send(socketAddress, packet);
  }

  take(): UdpFinding | undefined {
    if (this.#fd < 0) return this.#finding;
    return this.#finding ??= this.#readAnswer() ?? this.#readErrors();
  }

  close(): void {
    if (this.#fd >= 0) closeFd(this.#fd);
    this.#fd = -1;
  }

  #send(
    socketAddress: Uint8Array<ArrayBuffer>,
    packet: Uint8Array<ArrayBuffer>,
  ): UdpFinding | undefined {
    if (this.#fd < 0) return NO_WAY;
    const isIpv6 = this.#version === 6;
    this.#libc.setsockopt(
      this.#fd,
      isIpv6 ? IpOption.levelIpv6 : IpOption.levelIpv4,
      isIpv6 ? IpOption.receiveErrorsIpv6 : IpOption.receiveErrors,
      ...[new Int32Array([1]), 4] as const,
    );
    if (this.#libc.connect(this.#fd, socketAddress, ADDRESS_BYTES[this.#version]) !== 0) {
      return NO_WAY;
    }
    const piece = new Struct(IOVEC).setBuffer("iov_base", packet).setNumber(
      "iov_len",
      packet.length,
    );
    if (this.#libc.writev(this.#fd, piece.bytes, 1) >= 0) return undefined;
    switch (errno()) {
      case Errno.EPERM:
      case Errno.EACCES:
        return HELD_BACK;
      case Errno.EAGAIN:
      case Errno.ECONNREFUSED:
      case Errno.EHOSTUNREACH:
        return undefined; // its reason lies in the error queue
      default:
        return NO_WAY;
    }
  }

  #receive(flags: number): number {
    this.#control.fill(0);
    const piece = new Struct(IOVEC).setBuffer("iov_base", this.#data)
      .setNumber("iov_len", this.#data.length);
    const message = new Struct(MSGHDR).setBuffer("msg_iov", piece).setNumber("msg_iovlen", 1)
      .setBuffer("msg_control", this.#control)
      .setNumber("msg_controllen", this.#control.length);
    return this.#libc.recvmsg(this.#fd, message.bytes, flags | MSG_DONTWAIT);
  }

  #readAnswer(): UdpFinding | undefined {
    const length = this.#receive(0);
    return length < 0 ? undefined : { kind: "answered", bytes: this.#data.slice(0, length) };
  }

  #readErrors(): UdpFinding | undefined {
    for (let read = 0; read < ERRORS_MAX; read++) {
      if (this.#receive(MSG_ERRQUEUE) < 0) return undefined;
      const finding = this.#readError();
      if (finding !== undefined) return finding;
    }
    return undefined;
  }

  /** The error that stands first in the control data: this socket asks for nothing else there. */
  #readError(): UdpFinding | undefined {
    const view = new DataView(this.#control.buffer);
    const at = CMSGHDR.sizeBytes;
    const { ee_origin, ee_type, ee_code } = SOCK_EXTENDED_ERR.fields;
    const origin = view.getUint8(at + ee_origin.offset);
    const isIcmp = origin === (this.#version === 6 ? ErrorOrigin.icmp6 : ErrorOrigin.icmp);
    if (!isIcmp) {
      // Nobody answers to ARP or to neighbour discovery, for one.
      return origin === ErrorOrigin.local ? { kind: "unreachable", from: undefined } : undefined;
    }
    const type = view.getUint8(at + ee_type.offset);
    const kind = readUnreachable(this.#version, type, view.getUint8(at + ee_code.offset));
    if (kind === undefined) return undefined;
    const start = at + SOCK_EXTENDED_ERR.sizeBytes + IP_OFFSET[this.#version];
    const from = this.#control.slice(start, start + IP_BYTES[this.#version]);
    const isTarget = from.every((byte, index) => byte === this.#target[index]);
    return { kind, from: isTarget ? undefined : from };
  }
}
