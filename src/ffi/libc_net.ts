/**
 * The part of libc that packet sockets, TAP devices and netlink need.
 *
 * Calls on a frame path are chosen and typed so that nothing is allocated: their counts are C
 * `int`s (`readv`, `writev`, `sendmmsg` rather than `read`, `write`, `send`), and `ssize_t` results
 * are taken as `i32`, since an `isize` comes back as a bigint and a number given for a `usize`
 * leaves the fast path. None of them can return more than 2^31 − 1: the buffers are far smaller.
 *
 * @module
 */

import { LIBC_NAME } from "./libc.ts";

/** Address families (sys/socket.h). */
export const AddressFamily = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;

/** Socket types and their flags (sys/socket.h). */
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** Socket levels and options of `SOL_SOCKET` (asm-generic/socket.h). */
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

/** Options of packet sockets (linux/if_packet.h). */
export const SOL_PACKET = 263;
export const PacketOption = {
  addMembership: 1,
  rxRing: 5,
  statistics: 6,
  copyThresh: 7,
  version: 10,
  vnetHeader: 15,
  ignoreOutgoing: 23,
} as const;

/** `PACKET_MR_PROMISC`, `TPACKET_V2`, and `ETH_P_ALL` in network byte order. */
export const PACKET_MR_PROMISC = 1;
export const TPACKET_V2 = 1;
export const ETH_P_ALL_BIG_ENDIAN = 0x0300;

/** `TP_STATUS_*` bits of a received frame (linux/if_packet.h). */
export const TpStatus = {
  kernel: 0,
  user: 1 << 0,
  copy: 1 << 1,
  vlanValid: 1 << 4,
  vlanTpidValid: 1 << 6,
} as const;

/** `mmap` protections and flags (asm-generic/mman-common.h). */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;

/** `MSG_DONTWAIT` and `MSG_ERRQUEUE` (sys/socket.h). */
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;

/** Levels and options of IP sockets that have ICMP's errors told, and who tells them (linux/in.h, linux/in6.h). */
export const IpOption = {
  levelIpv4: 0,
  levelIpv6: 41,
  receiveErrors: 11,
  receiveErrorsIpv6: 25,
} as const;

/** `SO_EE_ORIGIN_*`: who tells of an error (linux/errqueue.h). */
export const ErrorOrigin = { local: 1, icmp: 2, icmp6: 3 } as const;

/** Requests of interface ioctls (linux/sockios.h). */
export const InterfaceIoctl = {
  getFlags: 0x8913n,
  setFlags: 0x8914n,
  getMtu: 0x8921n,
  setMtu: 0x8922n,
  setHardwareAddress: 0x8924n,
  getHardwareAddress: 0x8927n,
  getIndex: 0x8933n,
  addBridgePort: 0x89a2n,
} as const;

/** `TUNSETIFF` and its flags (linux/if_tun.h). */
export const TUNSETIFF = 0x400454can;
export const IFF_TAP = 0x0002;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;

/** `TUNSETOFFLOAD`, and `TUN_F_*`: what the kernel may leave undone of what it hands out (linux/if_tun.h). */
export const TUNSETOFFLOAD = 0x400454d0n;
export const TunOffload = {
  checksum: 0x01,
  tcp4: 0x02,
  tcp6: 0x04,
  tcpEcn: 0x08,
  /** UDP segmentation, since Linux 6.2. */
  udp4: 0x20,
  udp6: 0x40,
} as const;

/** `IFF_*` flags of an interface (net/if.h). */
export const InterfaceFlag = {
  up: 0x1,
  loopback: 0x8,
  running: 0x40,
  slave: 0x800,
} as const;

/** Hardware type of Ethernet interfaces (net/if_arp.h). */
export const ARPHRD_ETHER = 1;

/** Longest interface name, terminating zero included (`IFNAMSIZ`). */
export const INTERFACE_NAME_BYTES = 16;

const SYMBOLS = {
  socket: {
    parameters: ["i32", /* domain */ "i32", /* type */ "i32" /* protocol */],
    result: "i32",
  },
  bind: {
    parameters: ["i32", /* sockfd */ "buffer", /* addr */ "u32" /* addrlen */],
    result: "i32",
  },
  connect: {
    parameters: ["i32", /* sockfd */ "buffer", /* addr */ "u32" /* addrlen */],
    result: "i32",
  },
  setsockopt: {
    parameters: [
      "i32", /* sockfd */
      "i32", /* level */
      "i32", /* optname */
      "buffer", /* optval */
      "u32", /* optlen */
    ],
    result: "i32",
  },
  getsockopt: {
    parameters: [
      "i32", /* sockfd */
      "i32", /* level */
      "i32", /* optname */
      "buffer", /* optval */
      "buffer", /* optlen */
    ],
    result: "i32",
  },
  ioctl: {
    parameters: ["i32", /* fd */ "u64", /* request */ "buffer" /* argp */],
    result: "i32",
  },
  ioctlValue: {
    name: "ioctl",
    // Variadic in C; a long in its third place is passed like any other argument on x86-64 and AArch64.
    parameters: ["i32", /* fd */ "u64", /* request */ "u64" /* arg */],
    result: "i32",
  },
  readv: {
    parameters: ["i32", /* fd */ "buffer", /* iov */ "i32" /* iovcnt */],
    result: "i32",
  },
  writev: {
    parameters: ["i32", /* fd */ "buffer", /* iov */ "i32" /* iovcnt */],
    result: "i32",
  },
  recvmsg: {
    parameters: ["i32", /* sockfd */ "buffer", /* msg */ "i32" /* flags */],
    result: "i32",
  },
  sendmmsg: {
    parameters: ["i32", /* sockfd */ "buffer", /* msgvec */ "u32", /* vlen */ "i32" /* flags */],
    result: "i32",
  },
  mmap: {
    parameters: [
      "pointer", /* addr */
      "usize", /* length */
      "i32", /* prot */
      "i32", /* flags */
      "i32", /* fd */
      "i64", /* offset */
    ],
    result: "pointer",
  },
  munmap: {
    parameters: ["pointer", /* addr */ "usize" /* length */],
    result: "i32",
  },
  if_nametoindex: { parameters: ["buffer" /* ifname */], result: "u32" },
  inet_pton: {
    parameters: ["i32", /* af */ "buffer", /* src */ "buffer" /* dst */],
    result: "i32",
  },
  memcpy: {
    parameters: ["u64", /* dest */ "u64", /* src */ "u64" /* n */],
    result: "void",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The bound functions. */
export type LibcNet = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/**
 * The bound functions, opened at the first call and kept for the life of the process.
 *
 * @throws {Error} where there is no glibc, i.e. on other platforms than Linux.
 */
export function libcNet(): LibcNet {
  opened ??= Deno.dlopen(LIBC_NAME, SYMBOLS);
  return opened.symbols;
}
