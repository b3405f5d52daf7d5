/**
 * The layout of DHCP messages (RFC 2131, RFC 2132) and of DHCPv6's (RFC 8415), behind the UDP header.
 *
 * ```
 *  DHCP    0 op htype hlen hops  4 xid  8 secs flags  12 ciaddr  16 yiaddr  20 siaddr  24 giaddr
 *          28 chaddr (16)  44 sname (64)  108 file (128)  236 magic cookie  240 options: code, length, value
 *  DHCPv6  0 type  1 transaction (3)  4 options: code (2), length (2), value
 * ```
 *
 * @module
 */

/** Where the fields of a DHCP message begin. */
export const DhcpField = {
  transactionId: 4,
  seconds: 8,
  clientAddress: 12,
  yourAddress: 16,
  serverAddress: 20,
  clientHardware: 28,
  serverName: 44,
  file: 108,
  cookie: 236,
  options: 240,
} as const;

/** What stands in front of the options. */
export const DHCP_COOKIE = 0x63825363;
/** The first byte: from a client, or from a server. */
export const BootpOperation = { request: 1, reply: 2 } as const;
/** The kind of network, and the bytes of its addresses: Ethernet's, as the second and third byte. */
export const ETHERNET_HARDWARE = 1;

/** Types of messages (RFC 2132 section 9.6). */
export const DhcpMessageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;
export type DhcpMessageType = (typeof DhcpMessageType)[keyof typeof DhcpMessageType];

/** The options in use (RFC 2132; 121 is RFC 3442, 119 RFC 3397). */
export const DhcpOption = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  broadcastAddress: 28,
  requestedAddress: 50,
  leaseSeconds: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameters: 55,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  clientId: 61,
  searchList: 119,
  classlessRoutes: 121,
  end: 255,
} as const;

/** Bits of the overload option: fields that hold options, too (RFC 2132 section 9.3). */
export const DhcpOverload = { file: 1, serverName: 2 } as const;

/** Types of DHCPv6 messages that give addresses (RFC 8415 section 7.3). */
export const Dhcpv6MessageType = { advertise: 2, reply: 7 } as const;
/** Options of DHCPv6 that hold addresses, or say that there are none (RFC 8415 section 21). */
export const Dhcpv6Option = { identityAssociation: 3, address: 5, status: 13 } as const;
/** Where the options of a DHCPv6 message begin. */
export const DHCPV6_OPTIONS_OFFSET = 4;
