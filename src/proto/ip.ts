/**
 * IP addresses and networks as bytes and as text, and the numbers of ports and messages that every LAN
 * knows. 4 bytes are IPv4, 16 are IPv6.
 *
 * @module
 */

import { writeU32 } from "./bytes.ts";

/** Bytes of an IPv4 address. */
export const IPV4_BYTES = 4;
/** Bytes of an IPv6 address. */
export const IPV6_BYTES = 16;
/** Bytes of an IPv4 header without options (RFC 791). */
export const IPV4_HEADER_BYTES = 20;
/** Where an IPv4 packet's addresses lie. */
export const IPV4_SOURCE_OFFSET = 12;
export const IPV4_DESTINATION_OFFSET = 16;
/** Bytes of an IPv6 header without extension headers (RFC 8200). */
export const IPV6_HEADER_BYTES = 40;
/** Where an IPv6 packet's addresses lie. */
export const IPV6_SOURCE_OFFSET = 8;
export const IPV6_DESTINATION_OFFSET = 24;
/** Bytes of a UDP header (RFC 768). */
export const UDP_HEADER_BYTES = 8;

/** UDP ports (IANA's registry of service names and port numbers). */
export const UdpPort = {
  dhcpServer: 67,
  dhcpClient: 68,
  netbiosNames: 137,
  netbiosDatagrams: 138,
  rip: 520,
  ripng: 521,
  dhcpv6Client: 546,
  dhcpv6Server: 547,
  ssdp: 1900,
  hsrp: 1985,
  hsrpv6: 2029,
  glbp: 3222,
  wsDiscovery: 3702,
  mdns: 5353,
  llmnr: 5355,
  babel: 6696,
} as const;

/** Types of ICMP messages (RFC 792, RFC 1256). */
export const IcmpType = { redirect: 5, routerAdvertisement: 9 } as const;

/** Types of ICMPv6 messages (RFC 4861, RFC 2710, RFC 3810). */
export const Icmpv6Type = {
  multicastListenerQuery: 130,
  multicastListenerDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
  multicastListenerReportV2: 143,
} as const;

/** What belongs to no network: everybody on the link. */
export const LIMITED_BROADCAST: Uint8Array = Uint8Array.of(255, 255, 255, 255);
/** The group of multicast DNS (RFC 6762). */
export const MDNS_GROUP: Uint8Array = Uint8Array.of(224, 0, 0, 251);
/** The same of IPv6 (ff02::fb). */
export const IPV6_MDNS_GROUP: Uint8Array = Uint8Array.of(0xff, 0x02, ...new Uint8Array(13), 0xfb);
/** The group of SSDP, by which UPnP devices and games are found. */
export const SSDP_GROUP: Uint8Array = Uint8Array.of(239, 255, 255, 250);

/** An address, 4 or 16 bytes, and how many of its first bits name the network that it is in. */
export interface IpNetwork {
  readonly address: Uint8Array;
  readonly prefixBits: number;
}

/** Reads four decimal numbers of 0 … 255 without leading zeros, which some readers take for octal. */
export function parseIpv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const parts = text.split(".");
  if (parts.length !== IPV4_BYTES) return undefined;
  const address = new Uint8Array(IPV4_BYTES);
  for (let index = 0; index < IPV4_BYTES; index++) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(parts[index]) || Number(parts[index]) > 255) return undefined;
    address[index] = Number(parts[index]);
  }
  return address;
}

/** Reads an IPv6 address in any form of RFC 4291 section 2.2, without zone and brackets. */
export function parseIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = IPV6_BYTES - head.length - tail.length;
  // "::" stands for at least one group.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const address = new Uint8Array(IPV6_BYTES);
  address.set(head);
  address.set(tail, IPV6_BYTES - tail.length);
  return address;
}

/** Reads an address of either version, without zone and brackets. */
export function parseIp(text: string): Uint8Array<ArrayBuffer> | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/**
 * Reads an address as programs write them: `192.0.2.1`, `2001:db8::1`, `::ffff:192.0.2.1`, `fe80::1%eth0`,
 * `[::1]`. An IPv4-mapped address is given as its 4 bytes, because that is what the packets carry.
 * Undefined for anything else.
 */
export function parseIpAddress(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (!bare.includes(":")) return parseIpv4(bare);
  const address = parseIpv6(bare.replace(/%.*$/, ""));
  return address === undefined || !isIpv4Mapped(address) ? address : address.slice(12);
}

/** Reads `192.168.1.77/24` or `2001:db8:7::1/64`; the address may be that of a station in the network. */
export function parseCidr(text: string): IpNetwork | undefined {
  const [host, bits, ...more] = text.split("/");
  const address = parseIp(host);
  if (address === undefined || bits === undefined || more.length > 0) return undefined;
  if (!/^(0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > 8 * address.length) return undefined;
  return { address, prefixBits: Number(bits) };
}

/** The bytes of groups joined by ":"; only the last may be in IPv4 form, and only at the end. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (mayEndInIpv4 && index === groups.length - 1 && group.includes(".")) {
      const address = parseIpv4(group);
      if (address === undefined) return undefined;
      bytes.push(...address);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
    if (bytes.length > IPV6_BYTES) return undefined;
  }
  return bytes;
}

/** An address as text: `192.0.2.1`, or IPv6 in RFC 5952's form. */
export function formatIp(address: Uint8Array): string {
  if (address.length === IPV4_BYTES) return address.join(".");
  const groups: number[] = [];
  for (let i = 0; i < IPV6_BYTES; i += 2) groups.push(address[i] << 8 | address[i + 1]);
  const [start, length] = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** The bytes of an IPv4 address that is a 32-bit number. */
export function ipv4Bytes(address: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(IPV4_BYTES);
  writeU32(bytes, 0, address);
  return bytes;
}

/** An IPv4 address that is a 32-bit number, as text. */
export function formatIpv4(address: number): string {
  return formatIp(ipv4Bytes(address));
}

/** What {@linkcode parseCidr} reads. */
export function formatCidr({ address, prefixBits }: IpNetwork): string {
  return `${formatIp(address)}/${prefixBits}`;
}

/** Where the first longest run of zero groups begins, and how long it is. */
function longestZeros(groups: readonly number[]): [number, number] {
  let [start, length] = [0, 0];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  return [start, length];
}

/** Whether 16 bytes are an IPv4 address in IPv6's form (RFC 4291 section 2.5.5.2): its last 4. */
export function isIpv4Mapped(address: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (address[index] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}

/** Whether an address lies in a network; addresses of the other version never do. */
export function isInNetwork(address: Uint8Array, network: Uint8Array, prefixBits: number): boolean {
  return address.length === network.length && startsAs(address, 0, network, prefixBits);
}

/** Whether the first bits of the address at `bytes[at]` are those of another one. Allocates nothing. */
export function startsAs(
  bytes: Uint8Array,
  at: number,
  other: Uint8Array,
  prefixBits: number,
): boolean {
  const whole = prefixBits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[at + i] !== other[i]) return false;
  const restBits = prefixBits & 7;
  return restBits === 0 || (bytes[at + whole] ^ other[whole]) >> (8 - restBits) === 0;
}

/** Whether two networks have addresses in common. */
export function networksOverlap(one: IpNetwork, other: IpNetwork): boolean {
  return isInNetwork(one.address, other.address, Math.min(one.prefixBits, other.prefixBits));
}

/** The address of the network that an address is in: all bits behind the prefix are zero. */
export function networkOf(address: Uint8Array, prefixBits: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(address, (byte, index) => byte & ~hostMask(index, prefixBits));
}

/** The broadcast address of an IPv4 network; undefined where there is none (/31, /32, IPv6). */
export function broadcastOf(
  { address, prefixBits }: IpNetwork,
): Uint8Array<ArrayBuffer> | undefined {
  if (address.length !== IPV4_BYTES || prefixBits > 30) return undefined;
  return Uint8Array.from(address, (byte, index) => byte | hostMask(index, prefixBits));
}

/** Those bits of an address's byte that are behind the prefix. */
function hostMask(index: number, prefixBits: number): number {
  return 0xff >> Math.min(8, Math.max(0, prefixBits - 8 * index));
}

/** Whether an address is all zero: "none", or the default route's destination. */
export function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** Whether an address is that of the machine itself: 127.0.0.0/8 or ::1. */
export function isLoopback(address: Uint8Array): boolean {
  return address.length === IPV4_BYTES
    ? address[0] === 127
    : address.every((byte, index) => byte === (index === IPV6_BYTES - 1 ? 1 : 0));
}

/** The prefix length of an IPv4 mask as a 32-bit number; -1 for one with holes, and for none at all. */
export function prefixOfMask(mask: number): number {
  const inverse = ~mask >>> 0;
  if (mask === 0 || (inverse & (inverse + 1)) !== 0) return -1;
  return Math.clz32(inverse);
}

/** What takes the place of a mask that is not told: the prefix of an address's class, by its first byte (RFC 950). */
export function classPrefixBits(first: number): number {
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}
