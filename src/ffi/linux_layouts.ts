/**
 * Layouts of the Linux network structs that packet sockets, TAP devices and netlink need.
 * `tests/ffi/linux_layout_test.ts` compares each with what a C compiler says.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

const PACKET_PAGE = "https://man7.org/linux/man-pages/man7/packet.7.html";
const MMAP_PAGE = "https://docs.kernel.org/networking/packet_mmap.html";
const NETDEVICE_PAGE = "https://man7.org/linux/man-pages/man7/netdevice.7.html";
const SENDMMSG_PAGE = "https://man7.org/linux/man-pages/man2/sendmmsg.2.html";
const RECV_PAGE = "https://man7.org/linux/man-pages/man2/recv.2.html";
const NETLINK_PAGE = "https://man7.org/linux/man-pages/man7/netlink.7.html";
const RTNETLINK_PAGE = "https://man7.org/linux/man-pages/man7/rtnetlink.7.html";
const FILTER_PAGE = "https://docs.kernel.org/networking/filter.html";

/** The address of a packet socket; `sll_protocol` is big-endian. */
export const SOCKADDR_LL = {
  name: "struct sockaddr_ll",
  header: "linux/if_packet.h",
  page: PACKET_PAGE,
  sizeBytes: 20,
  fields: {
    sll_family: { offset: 0, type: "u16" },
    sll_protocol: { offset: 2, type: "u16" },
    sll_ifindex: { offset: 4, type: "i32" },
    sll_hatype: { offset: 8, type: "u16" },
    sll_pkttype: { offset: 10, type: "u8" },
    sll_halen: { offset: 11, type: "u8" },
    sll_addr: { offset: 12, type: "bytes", sizeBytes: 8 },
  },
} as const satisfies StructLayout;

/** The request of interface ioctls; the members after the name are a union. */
export const IFREQ = {
  name: "struct ifreq",
  header: "net/if.h",
  page: NETDEVICE_PAGE,
  sizeBytes: 40,
  fields: {
    ifr_name: { offset: 0, type: "bytes", sizeBytes: 16 },
    ifr_flags: { offset: 16, type: "i16" },
    ifr_ifindex: { offset: 16, type: "i32" },
    ifr_mtu: { offset: 16, type: "i32" },
    ifr_hwaddr: { offset: 16, type: "bytes", sizeBytes: 16 },
    ifr_data: { offset: 16, type: "pointer" },
  },
} as const satisfies StructLayout;

/** The first half of every socket address; of a hardware address, family and up to 14 bytes. */
export const SOCKADDR = {
  name: "struct sockaddr",
  header: "sys/socket.h",
  page: "https://man7.org/linux/man-pages/man3/sockaddr.3type.html",
  sizeBytes: 16,
  fields: {
    sa_family: { offset: 0, type: "u16" },
    sa_data: { offset: 2, type: "bytes", sizeBytes: 14 },
  },
} as const satisfies StructLayout;

/** Shape of a memory-mapped ring, for TPACKET_V1 and V2. */
export const TPACKET_REQ = {
  name: "struct tpacket_req",
  header: "linux/if_packet.h",
  page: MMAP_PAGE,
  sizeBytes: 16,
  fields: {
    tp_block_size: { offset: 0, type: "u32" },
    tp_block_nr: { offset: 4, type: "u32" },
    tp_frame_size: { offset: 8, type: "u32" },
    tp_frame_nr: { offset: 12, type: "u32" },
  },
} as const satisfies StructLayout;

/** What stands at the start of each slot of a TPACKET_V2 ring. */
export const TPACKET2_HDR = {
  name: "struct tpacket2_hdr",
  header: "linux/if_packet.h",
  page: MMAP_PAGE,
  sizeBytes: 32,
  fields: {
    tp_status: { offset: 0, type: "u32" },
    tp_len: { offset: 4, type: "u32" },
    tp_snaplen: { offset: 8, type: "u32" },
    tp_mac: { offset: 12, type: "u16" },
    tp_net: { offset: 14, type: "u16" },
    tp_sec: { offset: 16, type: "u32" },
    tp_nsec: { offset: 20, type: "u32" },
    tp_vlan_tci: { offset: 24, type: "u16" },
    tp_vlan_tpid: { offset: 26, type: "u16" },
  },
} as const satisfies StructLayout;

/** Counters of a packet socket since the last reading (`PACKET_STATISTICS`). */
export const TPACKET_STATS = {
  name: "struct tpacket_stats",
  header: "linux/if_packet.h",
  page: PACKET_PAGE,
  sizeBytes: 8,
  fields: {
    tp_packets: { offset: 0, type: "u32" },
    tp_drops: { offset: 4, type: "u32" },
  },
} as const satisfies StructLayout;

/** A membership of a packet socket, e.g. promiscuous mode. */
export const PACKET_MREQ = {
  name: "struct packet_mreq",
  header: "linux/if_packet.h",
  page: PACKET_PAGE,
  sizeBytes: 16,
  fields: {
    mr_ifindex: { offset: 0, type: "i32" },
    mr_type: { offset: 4, type: "u16" },
    mr_alen: { offset: 6, type: "u16" },
    mr_address: { offset: 8, type: "bytes", sizeBytes: 8 },
  },
} as const satisfies StructLayout;

/** Offload metadata in front of a frame (`PACKET_VNET_HDR`); native byte order. */
export const VIRTIO_NET_HDR = {
  name: "struct virtio_net_hdr",
  header: "linux/virtio_net.h",
  page: "https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html",
  sizeBytes: 10,
  fields: {
    flags: { offset: 0, type: "u8" },
    gso_type: { offset: 1, type: "u8" },
    hdr_len: { offset: 2, type: "u16" },
    gso_size: { offset: 4, type: "u16" },
    csum_start: { offset: 6, type: "u16" },
    csum_offset: { offset: 8, type: "u16" },
  },
} as const satisfies StructLayout;

/** One piece of memory of a scattered read or gathered write. */
export const IOVEC = {
  name: "struct iovec",
  header: "sys/uio.h",
  page: "https://man7.org/linux/man-pages/man3/iovec.3type.html",
  sizeBytes: 16,
  fields: {
    iov_base: { offset: 0, type: "pointer" },
    iov_len: { offset: 8, type: "u64" },
  },
} as const satisfies StructLayout;

/** One message of `sendmsg` / `recvmsg`. */
export const MSGHDR = {
  name: "struct msghdr",
  header: "sys/socket.h",
  page: RECV_PAGE,
  sizeBytes: 56,
  fields: {
    msg_name: { offset: 0, type: "pointer" },
    msg_namelen: { offset: 8, type: "u32" },
    msg_iov: { offset: 16, type: "pointer" },
    msg_iovlen: { offset: 24, type: "u64" },
    msg_control: { offset: 32, type: "pointer" },
    msg_controllen: { offset: 40, type: "u64" },
    msg_flags: { offset: 48, type: "i32" },
  },
} as const satisfies StructLayout;

/** What stands before each piece of a message's control data. */
export const CMSGHDR = {
  name: "struct cmsghdr",
  header: "sys/socket.h",
  page: "https://man7.org/linux/man-pages/man3/cmsg.3.html",
  sizeBytes: 16,
  fields: {
    cmsg_len: { offset: 0, type: "u64" },
    cmsg_level: { offset: 8, type: "i32" },
    cmsg_type: { offset: 12, type: "i32" },
  },
} as const satisfies StructLayout;

/** An error of a socket's error queue; the address of who has told of it follows. */
export const SOCK_EXTENDED_ERR = {
  name: "struct sock_extended_err",
  header: "linux/errqueue.h",
  page: "https://man7.org/linux/man-pages/man7/ip.7.html",
  sizeBytes: 16,
  fields: {
    ee_errno: { offset: 0, type: "u32" },
    ee_origin: { offset: 4, type: "u8" },
    ee_type: { offset: 5, type: "u8" },
    ee_code: { offset: 6, type: "u8" },
    ee_info: { offset: 8, type: "u32" },
    ee_data: { offset: 12, type: "u32" },
  },
} as const satisfies StructLayout;

/** One message of `sendmmsg` / `recvmmsg`, with what became of it. */
export const MMSGHDR = {
  name: "struct mmsghdr",
  header: "sys/socket.h",
  page: SENDMMSG_PAGE,
  sizeBytes: 64,
  fields: {
    msg_hdr: { offset: 0, type: "bytes", sizeBytes: 56 },
    msg_len: { offset: 56, type: "u32" },
  },
} as const satisfies StructLayout;

/** One instruction of a classic BPF program. */
export const SOCK_FILTER = {
  name: "struct sock_filter",
  header: "linux/filter.h",
  page: FILTER_PAGE,
  sizeBytes: 8,
  fields: {
    code: { offset: 0, type: "u16" },
    jt: { offset: 2, type: "u8" },
    jf: { offset: 3, type: "u8" },
    k: { offset: 4, type: "u32" },
  },
} as const satisfies StructLayout;

/** A classic BPF program, as `SO_ATTACH_FILTER` wants it. */
export const SOCK_FPROG = {
  name: "struct sock_fprog",
  header: "linux/filter.h",
  page: FILTER_PAGE,
  sizeBytes: 16,
  fields: {
    len: { offset: 0, type: "u16" },
    filter: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** The address of a netlink socket; all zero is the kernel. */
export const SOCKADDR_NL = {
  name: "struct sockaddr_nl",
  header: "linux/netlink.h",
  page: NETLINK_PAGE,
  sizeBytes: 12,
  fields: {
    nl_family: { offset: 0, type: "u16" },
    nl_pid: { offset: 4, type: "u32" },
    nl_groups: { offset: 8, type: "u32" },
  },
} as const satisfies StructLayout;

/** The head of a netlink message. */
export const NLMSGHDR = {
  name: "struct nlmsghdr",
  header: "linux/netlink.h",
  page: NETLINK_PAGE,
  sizeBytes: 16,
  fields: {
    nlmsg_len: { offset: 0, type: "u32" },
    nlmsg_type: { offset: 4, type: "u16" },
    nlmsg_flags: { offset: 6, type: "u16" },
    nlmsg_seq: { offset: 8, type: "u32" },
    nlmsg_pid: { offset: 12, type: "u32" },
  },
} as const satisfies StructLayout;

/** What an address message says, before its attributes. */
export const IFADDRMSG = {
  name: "struct ifaddrmsg",
  header: "linux/if_addr.h",
  page: RTNETLINK_PAGE,
  sizeBytes: 8,
  fields: {
    ifa_family: { offset: 0, type: "u8" },
    ifa_prefixlen: { offset: 1, type: "u8" },
    ifa_flags: { offset: 2, type: "u8" },
    ifa_scope: { offset: 3, type: "u8" },
    ifa_index: { offset: 4, type: "u32" },
  },
} as const satisfies StructLayout;

/** What a route message says, before its attributes. */
export const RTMSG = {
  name: "struct rtmsg",
  header: "linux/rtnetlink.h",
  page: RTNETLINK_PAGE,
  sizeBytes: 12,
  fields: {
    rtm_family: { offset: 0, type: "u8" },
    rtm_dst_len: { offset: 1, type: "u8" },
    rtm_src_len: { offset: 2, type: "u8" },
    rtm_table: { offset: 4, type: "u8" },
    rtm_protocol: { offset: 5, type: "u8" },
    rtm_scope: { offset: 6, type: "u8" },
    rtm_type: { offset: 7, type: "u8" },
    rtm_flags: { offset: 8, type: "u32" },
  },
} as const satisfies StructLayout;

/** What an interface message says, before its attributes. */
export const IFINFOMSG = {
  name: "struct ifinfomsg",
  header: "linux/rtnetlink.h",
  page: RTNETLINK_PAGE,
  sizeBytes: 16,
  fields: {
    ifi_index: { offset: 4, type: "i32" },
    ifi_flags: { offset: 8, type: "u32" },
  },
} as const satisfies StructLayout;

/** The head of an attribute: length (itself included) and type. */
export const RTATTR = {
  name: "struct rtattr",
  header: "linux/rtnetlink.h",
  page: RTNETLINK_PAGE,
  sizeBytes: 4,
  fields: {
    rta_len: { offset: 0, type: "u16" },
    rta_type: { offset: 2, type: "u16" },
  },
} as const satisfies StructLayout;

/** Every layout of this file, for the test that proves them. */
export const LINUX_LAYOUTS: readonly StructLayout[] = [
  SOCKADDR_LL,
  IFREQ,
  SOCKADDR,
  TPACKET_REQ,
  TPACKET2_HDR,
  TPACKET_STATS,
  PACKET_MREQ,
  VIRTIO_NET_HDR,
  IOVEC,
  MSGHDR,
  CMSGHDR,
  SOCK_EXTENDED_ERR,
  MMSGHDR,
  SOCK_FILTER,
  SOCK_FPROG,
  SOCKADDR_NL,
  NLMSGHDR,
  IFADDRMSG,
  RTMSG,
  IFINFOMSG,
  RTATTR,
];
