/**
 * Frames made by hand, for tests: every header field can be set, checksums are right unless one
 * asks otherwise. Written without the code under test, so that both cannot share a mistake.
 */

import { type Bytes, checksum, ip4, ip6, join, mac, pattern, u16, u32 } from "./frame_bytes.ts";

export * from "./frame_bytes.ts";

/** EtherTypes and IP protocols by name. */
export const Type = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  qinq: 0x88a8,
  ipv6: 0x86dd,
} as const;
export const Protocol = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  fragment: 44,
  icmpv6: 58,
} as const;

export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff";

/** A VLAN tag; the first of a frame's is the outer one. */
export interface VlanTag {
  readonly id: number;
  readonly priority?: number;
  /** Default 0x8100. */
  readonly tpid?: number;
}

/** What an Ethernet frame is made of. */
export interface EthernetFields {
  readonly destination: string;
  readonly source: string;
  readonly type: number;
  readonly payload: Uint8Array;
  readonly tags?: readonly VlanTag[];
  /** Pads with zeros to so many bytes. Default 60, the least on a wire; 0: no padding. */
  readonly lengthMin?: number;
}

/** An Ethernet II frame without FCS. */
export function ethernet(fields: EthernetFields): Bytes {
  const tags = (fields.tags ?? []).map((tag) =>
    join(u16(tag.tpid ?? Type.vlan), u16((tag.priority ?? 0) << 13 | tag.id))
  );
  const frame = join(
    mac(fields.destination),
    mac(fields.source),
    ...tags,
    u16(fields.type),
    fields.payload,
  );
  const padding = Math.max(0, (fields.lengthMin ?? 60) - frame.length);
  return join(frame, new Uint8Array(padding));
}

/** An IEEE 802.3 frame: a length in place of a type, then LLC (and SNAP, if it is in `payload`). */
export function llc(fields: Omit<EthernetFields, "type">): Bytes {
  return ethernet({ ...fields, type: fields.payload.length });
}

/** A SNAP header (RFC 1042) and what it carries. */
export function snap(type: number, payload: Uint8Array, oui: readonly number[] = [0, 0, 0]): Bytes {
  return join([0xaa, 0xaa, 0x03], oui, u16(type), payload);
}

/** An ARP packet for IPv4 over Ethernet (RFC 826). */
export function arp(fields: {
  readonly operation: "request" | "reply";
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac?: string;
  readonly targetIp: string;
}): Bytes {
  return join(
    u16(1),
    u16(Type.ipv4),
    [6, 4],
    u16(fields.operation === "request" ? 1 : 2),
    mac(fields.senderMac),
    ip4(fields.senderIp),
    mac(fields.targetMac ?? "00:00:00:00:00:00"),
    ip4(fields.targetIp),
  );
}

/** What an IPv4 packet is made of. */
export interface Ipv4Fields {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly ttl?: number;
  readonly id?: number;
  readonly moreFragments?: boolean;
  readonly dontFragment?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  /** A multiple of 4 bytes. */
  readonly options?: Uint8Array;
}

/** An IPv4 packet (RFC 791). */
export function ipv4(fields: Ipv4Fields): Bytes {
  const options = fields.options ?? new Uint8Array(0);
  const headerBytes = 20 + options.length;
  const flags = (fields.dontFragment ? 0x4000 : 0) | (fields.moreFragments ? 0x2000 : 0) |
    (fields.fragmentOffset ?? 0) >> 3;
  const header = join(
    [0x40 | headerBytes >> 2, 0],
    u16(headerBytes + fields.payload.length),
    u16(fields.id ?? 0),
    u16(flags),
    [fields.ttl ?? 64, fields.protocol],
    [0, 0],
    ip4(fields.source),
    ip4(fields.destination),
    options,
  );
  header.set(u16(checksum(header)), 10);
  return join(header, fields.payload);
}

/** What an IPv6 packet is made of. */
export interface Ipv6Fields {
  readonly source: string;
  readonly destination: string;
  readonly nextHeader: number;
  readonly payload: Uint8Array;
  readonly hopLimit?: number;
}

/** An IPv6 packet (RFC 8200). */
export function ipv6(fields: Ipv6Fields): Bytes {
  return join(
    [0x60, 0, 0, 0],
    u16(fields.payload.length),
    [fields.nextHeader, fields.hopLimit ?? 64],
    ip6(fields.source),
    ip6(fields.destination),
    fields.payload,
  );
}

/** A hop-by-hop or destination options header of `units` × 8 bytes, full of padding. */
export function optionsHeader(nextHeader: number, units = 1): Bytes {
  const paddingBytes = units * 8 - 4;
  return join([nextHeader, units - 1, 1, paddingBytes], new Uint8Array(paddingBytes));
}

/** An IPv6 fragment header (RFC 8200 section 4.5). */
export function fragmentHeader(
  nextHeader: number,
  offsetBytes: number,
  moreFragments: boolean,
  id = 1,
): Bytes {
  return join([nextHeader, 0], u16(offsetBytes & 0xfff8 | (moreFragments ? 1 : 0)), u32(id));
}

/** The pseudo header that checksums of UDP, TCP and ICMPv6 cover. */
function pseudoHeader(
  source: string,
  destination: string,
  protocol: number,
  lengthBytes: number,
): Bytes {
  if (source.includes(":")) {
    return join(ip6(source), ip6(destination), u32(lengthBytes), [0, 0, 0, protocol]);
  }
  return join(ip4(source), ip4(destination), [0, protocol], u16(lengthBytes));
}

/** What a UDP datagram is made of; the IP addresses are for its checksum. */
export interface UdpFields {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** A UDP datagram (RFC 768) without its IP header. */
export function udp(fields: UdpFields): Bytes {
  const datagram = join(
    u16(fields.sourcePort),
    u16(fields.destinationPort),
    u16(8 + fields.payload.length),
    [0, 0],
    fields.payload,
  );
  const pseudo = pseudoHeader(fields.source, fields.destination, Protocol.udp, datagram.length);
  datagram.set(u16(checksum(pseudo, datagram) || 0xffff), 6);
  return datagram;
}

/** A UDP datagram in its IP packet, of the family that the addresses say. */
export function udpPacket(fields: UdpFields & { readonly hopLimit?: number }): Bytes {
  const { source, destination } = fields;
  const payload = udp(fields);
  if (!source.includes(":")) {
    return ipv4({
      source,
      destination,
      protocol: Protocol.udp,
      payload,
      ttl: fields.hopLimit ?? 64,
    });
  }
  const hopLimit = fields.hopLimit ?? 64;
  return ipv6({ source, destination, nextHeader: Protocol.udp, payload, hopLimit });
}

/** What a TCP segment is made of. */
export interface TcpFields {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** Default 0x18: PSH and ACK. */
  readonly flags?: number;
  readonly window?: number;
  readonly options?: Uint8Array;
  readonly payload: Uint8Array;
}

/** A TCP segment (RFC 9293) without its IP header. */
export function tcp(fields: TcpFields): Bytes {
  const options = fields.options ?? new Uint8Array(0);
  const segment = join(
    u16(fields.sourcePort),
    u16(fields.destinationPort),
    u32(fields.sequence ?? 1),
    u32(fields.acknowledgement ?? 1),
    [(20 + options.length) << 2, fields.flags ?? 0x18],
    u16(fields.window ?? 0xffff),
    [0, 0, 0, 0],
    options,
    fields.payload,
  );
  const pseudo = pseudoHeader(fields.source, fields.destination, Protocol.tcp, segment.length);
  segment.set(u16(checksum(pseudo, segment)), 16);
  return segment;
}

/** An ICMP echo request (or reply) without its IP header. */
export function icmpEcho(
  fields: {
    readonly id?: number;
    readonly sequence?: number;
    readonly reply?: boolean;
    readonly payload?: Uint8Array;
  },
): Bytes {
  const message = join(
    [fields.reply ? 0 : 8, 0, 0, 0],
    u16(fields.id ?? 1),
    u16(fields.sequence ?? 1),
    fields.payload ?? pattern(32),
  );
  message.set(u16(checksum(message)), 2);
  return message;
}

/** An ICMPv6 message (RFC 4443) without its IP header; the addresses are for its checksum. */
export function icmpv6(fields: {
  readonly source: string;
  readonly destination: string;
  readonly type: number;
  readonly code?: number;
  readonly body: Uint8Array;
}): Bytes {
  const message = join([fields.type, fields.code ?? 0, 0, 0], fields.body);
  const pseudo = pseudoHeader(fields.source, fields.destination, Protocol.icmpv6, message.length);
  message.set(u16(checksum(pseudo, message)), 2);
  return message;
}

/** Message types of neighbour discovery (RFC 4861). */
export const NeighbourDiscovery = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** A router advertisement with one prefix, as an ICMPv6 message. */
export function routerAdvertisement(source: string, destination = "ff02::1"): Bytes {
  const prefix = join(
    [3, 4, 64, 0xc0],
    u32(3600),
    u32(1800),
    u32(0),
    ip6("2001:db8:bad::"),
  );
  const body = join([64, 0], u16(1800), u32(0), u32(0), prefix);
  const type = NeighbourDiscovery.routerAdvertisement;
  return icmpv6({ source, destination, type, body });
}

/** A neighbour solicitation for an address, as an ICMPv6 message. */
export function neighbourSolicitation(
  source: string,
  destination: string,
  target: string,
  sourceMac: string,
): Bytes {
  const body = join(u32(0), ip6(target), [1, 1], mac(sourceMac));
  return icmpv6({ source, destination, type: NeighbourDiscovery.neighbourSolicitation, body });
}

/** A redirect to another router, as an ICMPv6 message. */
export function redirect(
  source: string,
  destination: string,
  target: string,
  about: string,
): Bytes {
  const body = join(u32(0), ip6(target), ip6(about));
  return icmpv6({ source, destination, type: NeighbourDiscovery.redirect, body });
}

/** DHCP message types (RFC 2132 section 9.6). */
export const DhcpType = { discover: 1, offer: 2, request: 3, ack: 5, nak: 6 } as const;

/** A DHCP option: its code and value. */
export type DhcpOption = readonly [code: number, value: Uint8Array | readonly number[]];

/** What a DHCP message (RFC 2131) is made of. */
export interface DhcpFields {
  readonly type: number;
  readonly clientMac: string;
  readonly xid?: number;
  readonly yourIp?: string;
  readonly serverIp?: string;
  /** Ask for a broadcast reply. */
  readonly broadcast?: boolean;
  readonly options?: readonly DhcpOption[];
  /** Raw contents of the `sname` and `file` fields, for option overload. */
  readonly sname?: Uint8Array;
  readonly file?: Uint8Array;
}

/** A DHCP message without its UDP header. */
export function dhcp(fields: DhcpFields): Bytes {
  const reply = fields.type === DhcpType.offer || fields.type === DhcpType.ack ||
    fields.type === DhcpType.nak;
  const options = (fields.options ?? []).map(([code, value]) => join(code, value.length, value));
  return join(
    [reply ? 2 : 1, 1, 6, 0],
    u32(fields.xid ?? 0x12345678),
    u16(0),
    u16(fields.broadcast ? 0x8000 : 0),
    ip4("0.0.0.0"),
    ip4(fields.yourIp ?? "0.0.0.0"),
    ip4(fields.serverIp ?? "0.0.0.0"),
    ip4("0.0.0.0"),
    mac(fields.clientMac),
    new Uint8Array(10),
    padded(fields.sname, 64),
    padded(fields.file, 128),
    [99, 130, 83, 99],
    [53, 1, fields.type],
    ...options,
    [255],
  );
}

function padded(bytes: Uint8Array | undefined, lengthBytes: number): Bytes {
  const field = new Uint8Array(lengthBytes);
  if (bytes !== undefined) field.set(bytes.subarray(0, lengthBytes));
  return field;
}

/** A whole frame of a DHCP client (to port 67) or server (to port 68). */
export function dhcpFrame(
  fields: DhcpFields & {
    readonly source: string;
    readonly destination?: string;
    readonly fromServer?: boolean;
  },
): Bytes {
  const server = fields.fromServer ?? false;
  return ethernet({
    destination: fields.destination ?? BROADCAST_MAC,
    source: fields.source,
    type: Type.ipv4,
    payload: udpPacket({
      source: server ? fields.serverIp ?? "192.0.2.1" : "0.0.0.0",
      destination: "255.255.255.255",
      sourcePort: server ? 67 : 68,
      destinationPort: server ? 68 : 67,
      payload: dhcp(fields),
    }),
  });
}

/** A spanning tree configuration message to 01-80-C2-00-00-00. */
export function stpFrame(source: string): Bytes {
  const bpdu = join([0x42, 0x42, 0x03], new Uint8Array(35));
  return llc({ destination: "01:80:c2:00:00:00", source, payload: bpdu });
}

/** A frame to Cisco's 01-00-0C-CC-CC-CC (CDP, VTP, …). */
export function cdpFrame(source: string): Bytes {
  const payload = snap(0x2000, Uint8Array.of(2, 180, 0, 0), [0, 0, 0x0c]);
  return llc({ destination: "01:00:0c:cc:cc:cc", source, payload });
}

/** An LLDP frame to 01-80-C2-00-00-0E. */
export function lldpFrame(source: string): Bytes {
  const payload = join([0x02, 0x07, 0x04], mac(source), [0x04, 0x02, 0x07, 0x31], [0, 0]);
  return ethernet({ destination: "01:80:c2:00:00:0e", source, type: 0x88cc, payload });
}
