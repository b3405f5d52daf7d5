import * as net from "../../src/ffi/libc_net.ts";
import { LINUX_LAYOUTS } from "../../src/ffi/linux_layouts.ts";
import { ANCILLARY_PACKET_TYPE, BpfCode, PACKET_OUTGOING } from "../../src/link/bpf.ts";
import { BridgeLink } from "../../src/link/bridge_port.ts";
import {
  HopFlag,
  LinkAttribute,
  NetfilterGroup,
  NETLINK_NETFILTER,
  NetlinkFlag,
  NetlinkGroup,
  NetlinkType,
  RouteAttribute,
  RouteScope,
  RouteTableId,
  RouteType,
} from "../../src/ffi/netlink_constants.ts";
import {
  GsoType,
  VIRTIO_GSO_ECN,
  VIRTIO_HEADER_BYTES,
  VIRTIO_NEEDS_CHECKSUM,
} from "../../src/offload/lan_frame.ts";
import { assertConstants, assertLayouts } from "../support/layout_probe.ts";

const HEADERS = {
  preamble: [
    "#define _GNU_SOURCE 1",
    "#include <stdint.h>",
    "#include <poll.h>",
    "#include <sys/ioctl.h>",
    "#include <sys/mman.h>",
    "#include <sys/socket.h>",
    "#include <sys/uio.h>",
    "#include <net/if.h>",
    "#include <net/if_arp.h>",
    "#include <arpa/inet.h>",
    "#include <linux/errqueue.h>",
    "#include <linux/filter.h>",
    "#include <linux/if_addr.h>",
    "#include <linux/if_ether.h>",
    "#include <linux/if_packet.h>",
    "#include <linux/if_tun.h>",
    "#include <linux/netfilter/nfnetlink.h>",
    "#include <linux/netlink.h>",
    "#include <linux/rtnetlink.h>",
    "#include <linux/sockios.h>",
    "#include <linux/virtio_net.h>",
  ],
};

Deno.test("the network structs of Linux are laid out as the system's headers say", async () => {
  await assertLayouts(LINUX_LAYOUTS, HEADERS);
});

Deno.test("the network constants of Linux have the values of the system's headers", async () => {
  const { AddressFamily, InterfaceFlag, InterfaceIoctl, PacketOption, TpStatus } = net;
  await assertConstants({
    AF_INET: AddressFamily.inet,
    AF_INET6: AddressFamily.inet6,
    AF_NETLINK: AddressFamily.netlink,
    AF_PACKET: AddressFamily.packet,
    SOCK_DGRAM: net.SOCK_DGRAM,
    SOCK_RAW: net.SOCK_RAW,
    MSG_ERRQUEUE: net.MSG_ERRQUEUE,
    IPPROTO_IP: net.IpOption.levelIpv4,
    IPPROTO_IPV6: net.IpOption.levelIpv6,
    IP_RECVERR: net.IpOption.receiveErrors,
    IPV6_RECVERR: net.IpOption.receiveErrorsIpv6,
    SO_EE_ORIGIN_LOCAL: net.ErrorOrigin.local,
    SO_EE_ORIGIN_ICMP: net.ErrorOrigin.icmp,
    SO_EE_ORIGIN_ICMP6: net.ErrorOrigin.icmp6,
    SOCK_NONBLOCK: net.SOCK_NONBLOCK,
    SOCK_CLOEXEC: net.SOCK_CLOEXEC,
    SOL_SOCKET: net.SOL_SOCKET,
    SO_ERROR: net.SO_ERROR,
    SO_SNDBUF: net.SO_SNDBUF,
    SO_RCVBUF: net.SO_RCVBUF,
    SO_ATTACH_FILTER: net.SO_ATTACH_FILTER,
    SO_DETACH_FILTER: net.SO_DETACH_FILTER,
    SO_SNDBUFFORCE: net.SO_SNDBUFFORCE,
    SO_RCVBUFFORCE: net.SO_RCVBUFFORCE,
    SOL_PACKET: net.SOL_PACKET,
    PACKET_ADD_MEMBERSHIP: PacketOption.addMembership,
    PACKET_RX_RING: PacketOption.rxRing,
    PACKET_STATISTICS: PacketOption.statistics,
    PACKET_COPY_THRESH: PacketOption.copyThresh,
    PACKET_VERSION: PacketOption.version,
    PACKET_VNET_HDR: PacketOption.vnetHeader,
    PACKET_IGNORE_OUTGOING: PacketOption.ignoreOutgoing,
    PACKET_MR_PROMISC: net.PACKET_MR_PROMISC,
    TPACKET_V2: net.TPACKET_V2,
    "htons(ETH_P_ALL)": net.ETH_P_ALL_BIG_ENDIAN,
    TP_STATUS_KERNEL: TpStatus.kernel,
    TP_STATUS_USER: TpStatus.user,
    TP_STATUS_COPY: TpStatus.copy,
    TP_STATUS_VLAN_VALID: TpStatus.vlanValid,
    TP_STATUS_VLAN_TPID_VALID: TpStatus.vlanTpidValid,
    PROT_READ: net.PROT_READ,
    PROT_WRITE: net.PROT_WRITE,
    MAP_SHARED: net.MAP_SHARED,
    MSG_DONTWAIT: net.MSG_DONTWAIT,
    SIOCGIFFLAGS: Number(InterfaceIoctl.getFlags),
    SIOCSIFFLAGS: Number(InterfaceIoctl.setFlags),
    SIOCGIFMTU: Number(InterfaceIoctl.getMtu),
    SIOCSIFMTU: Number(InterfaceIoctl.setMtu),
    SIOCSIFHWADDR: Number(InterfaceIoctl.setHardwareAddress),
    SIOCGIFHWADDR: Number(InterfaceIoctl.getHardwareAddress),
    SIOCGIFINDEX: Number(InterfaceIoctl.getIndex),
    SIOCBRADDIF: Number(InterfaceIoctl.addBridgePort),
    IFF_UP: InterfaceFlag.up,
    IFF_LOOPBACK: InterfaceFlag.loopback,
    IFF_RUNNING: InterfaceFlag.running,
    IFF_SLAVE: InterfaceFlag.slave,
    ARPHRD_ETHER: net.ARPHRD_ETHER,
    IFNAMSIZ: net.INTERFACE_NAME_BYTES,
  }, HEADERS);
});

Deno.test("TAP devices and virtio headers have the constants of the system's headers", async () => {
  await assertConstants({
    TUNSETIFF: Number(net.TUNSETIFF),
    IFF_TAP: net.IFF_TAP,
    IFF_NO_PI: net.IFF_NO_PI,
    IFF_VNET_HDR: net.IFF_VNET_HDR,
    TUNSETOFFLOAD: Number(net.TUNSETOFFLOAD),
    TUN_F_CSUM: net.TunOffload.checksum,
    TUN_F_TSO4: net.TunOffload.tcp4,
    TUN_F_TSO6: net.TunOffload.tcp6,
    TUN_F_TSO_ECN: net.TunOffload.tcpEcn,
    VIRTIO_NET_HDR_F_NEEDS_CSUM: VIRTIO_NEEDS_CHECKSUM,
    VIRTIO_NET_HDR_GSO_NONE: GsoType.none,
    VIRTIO_NET_HDR_GSO_TCPV4: GsoType.tcp4,
    VIRTIO_NET_HDR_GSO_UDP: GsoType.udpFragments,
    VIRTIO_NET_HDR_GSO_TCPV6: GsoType.tcp6,
    VIRTIO_NET_HDR_GSO_ECN: VIRTIO_GSO_ECN,
    "sizeof(struct virtio_net_hdr)": VIRTIO_HEADER_BYTES,
  }, HEADERS);
});

Deno.test("the order for multicast has the constants of the system's headers", async () => {
  const preamble = [
    ...HEADERS.preamble,
    "#include <linux/if_bridge.h>",
    "#include <linux/if_link.h>",
  ];
  await assertConstants(BridgeLink, { ...HEADERS, preamble });
});

Deno.test("netlink's constants have the values of the system's headers", async () => {
  await assertConstants({
    NLM_F_REQUEST: NetlinkFlag.request,
    NLM_F_ACK: NetlinkFlag.ack,
    NLM_F_REPLACE: NetlinkFlag.replace,
    NLM_F_EXCL: NetlinkFlag.exclusive,
    NLM_F_CREATE: NetlinkFlag.create,
    NLM_F_DUMP: NetlinkFlag.dump,
    NLMSG_ERROR: NetlinkType.error,
    NLMSG_DONE: NetlinkType.done,
    RTM_NEWLINK: NetlinkType.newLink,
    RTM_GETLINK: NetlinkType.getLink,
    RTM_NEWADDR: NetlinkType.newAddress,
    RTM_DELADDR: NetlinkType.deleteAddress,
    RTM_NEWROUTE: NetlinkType.newRoute,
    RTM_DELROUTE: NetlinkType.deleteRoute,
    RTM_GETROUTE: NetlinkType.getRoute,
    NETLINK_NETFILTER,
    "1 << (NFNLGRP_NFTABLES - 1)": NetfilterGroup.nftables,
    RTMGRP_LINK: NetlinkGroup.link,
    RTMGRP_IPV4_IFADDR: NetlinkGroup.ipv4Address,
    RTMGRP_IPV4_ROUTE: NetlinkGroup.ipv4Route,
    RTMGRP_IPV6_IFADDR: NetlinkGroup.ipv6Address,
    RTMGRP_IPV6_ROUTE: NetlinkGroup.ipv6Route,
    RTA_DST: RouteAttribute.destination,
    RTA_SRC: RouteAttribute.from,
    RTA_IIF: RouteAttribute.incoming,
    RTA_OIF: RouteAttribute.interface,
    RTA_GATEWAY: RouteAttribute.gateway,
    RTA_PRIORITY: RouteAttribute.priority,
    RTA_PREFSRC: RouteAttribute.source,
    RTA_MULTIPATH: RouteAttribute.multipath,
    RTA_TABLE: RouteAttribute.table,
    RTA_VIA: RouteAttribute.via,
    RTN_UNICAST: RouteType.unicast,
    RTN_LOCAL: RouteType.local,
    RTN_BROADCAST: RouteType.broadcast,
    RTN_MULTICAST: RouteType.multicast,
    RT_SCOPE_UNIVERSE: RouteScope.universe,
    RT_SCOPE_LINK: RouteScope.link,
    RTNH_F_ONLINK: HopFlag.onLink,
    RT_TABLE_MAIN: RouteTableId.main,
    RT_TABLE_LOCAL: RouteTableId.local,
  }, HEADERS);
});

Deno.test("an interface's attributes have the numbers of the system's headers", async () => {
  const preamble = [...HEADERS.preamble, "#include <linux/if_link.h>"];
  await assertConstants({
    IFLA_IFNAME: LinkAttribute.name,
    IFLA_MTU: LinkAttribute.mtu,
    IFLA_MASTER: LinkAttribute.master,
    IFLA_PROMISCUITY: LinkAttribute.promiscuity,
    IFLA_CARRIER: LinkAttribute.carrier,
  }, { ...HEADERS, preamble });
});

Deno.test("BPF instructions have the codes of the system's headers", async () => {
  await assertConstants({
    "BPF_LD | BPF_W | BPF_ABS": BpfCode.loadWord,
    "BPF_LD | BPF_H | BPF_ABS": BpfCode.loadHalf,
    "BPF_LD | BPF_B | BPF_ABS": BpfCode.loadByte,
    "BPF_LD | BPF_H | BPF_IND": BpfCode.loadHalfIndexed,
    "BPF_LDX | BPF_B | BPF_MSH": BpfCode.loadXIpHeaderLength,
    "BPF_JMP | BPF_JEQ | BPF_K": BpfCode.jumpEqual,
    "BPF_JMP | BPF_JSET | BPF_K": BpfCode.jumpSet,
    "BPF_RET | BPF_K": BpfCode.return,
    "(unsigned) (SKF_AD_OFF + SKF_AD_PKTTYPE)": ANCILLARY_PACKET_TYPE,
    PACKET_OUTGOING,
  }, HEADERS);
});
