/**
 * Numbers of Linux' netlink (netlink(7), rtnetlink(7), and what tells of firewalls).
 *
 * @module
 */

/** Flags of a message (linux/netlink.h). */
export const NetlinkFlag = {
  request: 1,
  ack: 4,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  /** Of a question: not one answer, but all there are. */
  dump: 0x300,
} as const;

/** Types of messages (linux/netlink.h, linux/rtnetlink.h). */
export const NetlinkType = {
  error: 2,
  done: 3,
  newLink: 16,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
} as const;

/** Attributes of an interface (linux/if_link.h). */
export const LinkAttribute = {
  name: 3,
  mtu: 4,
  master: 10,
  promiscuity: 30,
  carrier: 33,
} as const;

/** Attributes of a route (linux/rtnetlink.h). */
export const RouteAttribute = {
  destination: 1,
  from: 2,
  incoming: 3,
  interface: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  multipath: 9,
  table: 15,
  via: 18,
} as const;

/** Types of routes that lead somewhere (linux/rtnetlink.h): `local` to this machine. */
export const RouteType = { unicast: 1, local: 2, broadcast: 3, multicast: 5 } as const;

/** Groups of notices, as bits (linux/rtnetlink.h). */
export const NetlinkGroup = {
  link: 1,
  ipv4Address: 0x10,
  ipv4Route: 0x40,
  ipv6Address: 0x100,
  ipv6Route: 0x400,
} as const;

/** Groups of notices about firewalls, as bits (linux/netfilter/nfnetlink.h): rules of nftables, whoever made them. */
export const NetfilterGroup = { nftables: 1 << 6 } as const;

/** The protocol of addresses, routes and interfaces (netlink(7)). */
export const NETLINK_ROUTE = 0;
/** The protocol of firewalls (netlink(7)). */
export const NETLINK_NETFILTER = 12;

/** Routing tables (linux/rtnetlink.h); the kernel looks into `local` first. */
export const RouteTableId = { main: 254, local: 255 } as const;
/** How far away a route leads (linux/rtnetlink.h). */
export const RouteScope = { universe: 0, link: 253 } as const;

/** Flags of a next hop (linux/rtnetlink.h): it is on the link, whatever the addresses say. */
export const HopFlag = { onLink: 4 } as const;
