/**
 * Reasons for which frames are dropped that a player's PC must not send in a LAN that it only visits, claims to
 * addresses of others, and what looks for a player's own networks. In the order of their codes.
 *
 * @module
 */

/** By the names of their codes: name, who drops for it, and the explanation. */
export const GUEST_DROPS = {
  vlanTag: [
    "vlan-tag",
    "all",
    "a frame of a VLAN from a player, or to one, where --allow-vlan is not set",
  ],
  vlanRegistration: [
    "vlan-registration",
    "all",
    "a player's PC talks to switches of VLANs and groups (MVRP, MMRP, MSRP, GVRP)",
  ],
  routerProtocol: [
    "router-protocol",
    "all",
    "a player's PC talks to routers as one of them (VRRP, CARP, HSRP, GLBP, OSPF, EIGRP, RIP, PIM, Babel)",
  ],
  multicastQuery: [
    "multicast-query",
    "all",
    "a player's PC asks who wants which multicast (IGMP, MLD), which is up to the LAN's own switches and routers",
  ],
  proxyName: [
    "proxy-name",
    "all",
    "somebody answers for wpad or isatap (LLMNR, mDNS, NetBIOS), or registers one: others' traffic would go that way",
  ],
  neighbourForged: [
    "neighbour-forged",
    "all",
    "a player's PC says of an address that another MAC than its own has it (ARP, IPv6 neighbour discovery)",
  ],
  addressTaken: [
    "address-taken",
    "endpoints",
    "somebody claims the IP address of a player, or a player that of a station of the LAN, its router or its DHCP server",
  ],
  tooManyAddresses: [
    "too-many-addresses",
    "endpoints",
    "a player claims more than 16 IP addresses at a time",
  ],
  otherAddress: [
    "other-address",
    "client",
    "the party looks for an address that the adapter does not have: the PC's own at home, or one behind it",
  ],
  elsewhereSource: [
    "elsewhere-source",
    "client",
    "it says that it comes from an address that the PC reaches elsewhere, such as its home's or the internet's",
  ],
} as const;
