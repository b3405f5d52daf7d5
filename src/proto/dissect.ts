/**
 * What filters and queues must know of a frame: its type behind VLAN tags and LLC/SNAP, its IP
 * protocol behind options and extension headers, its ports.
 *
 * ```
 *  MACs ─ tag ─ tag ─ length ─ LLC/SNAP ─ type ─ IPv4 + options ─────────── TCP, UDP, ICMP
 *         └──────── each may be absent ───────┘  IPv6 ─ extension headers ─┘
 * ```
 *
 * It looks deeper than a receiver would rather than less deep: what it cannot see, a filter cannot
 * drop.
 *
 * @module
 */

import { readU16 } from "./bytes.ts";
import {
  ETHER_TYPE_MIN,
  ETHER_TYPE_OFFSET,
  ETHERNET_HEADER_BYTES,
  EtherType,
  isVlanTagType,
  VLAN_TAG_BYTES,
  VLAN_TAGS_MAX,
} from "./ethernet.ts";
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "./ip.ts";

/** IP protocol numbers, and the IPv6 extension headers that are seen through (IANA registries). */
export const IpProtocol = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmpv6: 58,
  destinationOptions: 60,
  eigrp: 88,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  sctp: 132,
  mobility: 135,
  udpLite: 136,
  hip: 139,
  shim6: 140,
} as const;

/** Whether a packet is a fragment. */
export const IpFragment = { no: 0, first: 1, later: 2 } as const;
export type IpFragment = (typeof IpFragment)[keyof typeof IpFragment];

const VLAN_ID_BITS = 12;
const VLAN_ID_MASK = 0x0fff;
const LLC_BYTES = 3;
const LLC_SNAP_BYTES = 8;
const SNAP_SAP = 0xaa;
const UNNUMBERED_INFORMATION = 0x03;
const POLL_BIT = 0x10;
/** Bridge-tunnel encapsulation (IEEE 802.1H): the organization code 00-00-F8. */
const BRIDGE_TUNNEL = 0xf8;

const IPV4_MORE_FRAGMENTS = 0x2000;
const IPV4_FRAGMENT_OFFSET_MASK = 0x1fff;
const IPV6_FRAGMENT_HEADER_BYTES = 8;
const IPV6_FRAGMENT_OFFSET_MASK = 0xfff8;
const IPV6_MORE_FRAGMENTS = 0x0001;

/** What {@link dissect} finds; made once and refilled. Offsets are indexes in the bytes. */
export class Dissection {
  /** Tags seen through: 0, 1 or 2. */
  vlanTags = 0;
  /** Their VLAN ids, 12 bits each, the outer one above; 0: priority tags alone, or none. */
  vlanIds = 0;
  /** The innermost type; 0 for LLC without SNAP and for frames cut before it. */
  etherType = 0;
  /** Where the network header begins; -1 if the frame ends before. */
  networkOffset = -1;
  /** 4 or 6, or 0 for what is not IP or has a header of a wrong version. */
  ipVersion: 0 | 4 | 6 = 0;
  /** The upper layer's protocol, behind all extension headers; -1 if there is none or it is not seen. */
  ipProtocol = -1;
  /** Where the upper layer's header begins; -1 if it is not seen, as in later fragments. */
  transportOffset = -1;
  /** Ports of TCP, UDP, UDP-Lite, SCTP and DCCP; else -1. */
  sourcePort = -1;
  destinationPort = -1;
  /** Type of ICMP in IPv4 or of ICMPv6 in IPv6; else -1. */
  icmpType = -1;
  /** Whether the IP packet is a fragment. */
  ipFragment: IpFragment = IpFragment.no;
  /** More than two VLAN tags: nothing behind them was looked at. */
  tooManyTags = false;
  /**
   * The chain of headers, the upper layer's included, does not end inside the bytes present or inside
   * the length that the IP header gives (RFC 7112, RFC 7113). A later fragment has no such chain.
   */
  truncated = false;
}

//= PROTOCOL.md 11.1
//# Filters must see through all of this, and must never read beyond the bytes that are there:
/**
 * Dissects the frame of which `bytes[offset … offset + length)` is present: all of it or a first
 * piece. Never throws, and reads nothing outside that range.
 */
export function dissect(bytes: Uint8Array, offset: number, length: number, out: Dissection): void {
  out.vlanTags = 0;
  out.vlanIds = 0;
  out.etherType = 0;
  out.networkOffset = -1;
  out.ipVersion = 0;
  out.ipProtocol = -1;
  out.transportOffset = -1;
  out.sourcePort = -1;
  out.destinationPort = -1;
  out.icmpType = -1;
  out.ipFragment = IpFragment.no;
  out.tooManyTags = false;
  out.truncated = false;
  if (length < ETHERNET_HEADER_BYTES) {
    out.truncated = true;
    return;
  }
  const end = offset + length;
  if (!findNetworkHeader(bytes, offset, end, out)) return;
  if (out.etherType === EtherType.ipv4) dissectIpv4(bytes, out.networkOffset, end, out);
  else if (out.etherType === EtherType.ipv6) dissectIpv6(bytes, out.networkOffset, end, out);
}

/** Goes through tags and SNAP; false if there is nothing to see behind them. */
function findNetworkHeader(
  bytes: Uint8Array,
  offset: number,
  end: number,
  out: Dissection,
): boolean {
  let type = readU16(bytes, offset + ETHER_TYPE_OFFSET);
  let at = offset + ETHERNET_HEADER_BYTES;
  let snapSeen = false;
  for (;;) {
    if (isVlanTagType(type)) {
      //= PROTOCOL.md 11.1
      //# **VLAN tags**: types 8100, 88A8, 9100 and 9200; 4 bytes each.
      //= PROTOCOL.md 11.1
      //# A third one: too many tags, wherever it stands.
      if (out.vlanTags === VLAN_TAGS_MAX) {
        out.tooManyTags = true;
        return false;
      }
      if (at + VLAN_TAG_BYTES > end) {
        out.truncated = true;
        return false;
      }
      out.vlanTags++;
      out.vlanIds = out.vlanIds << VLAN_ID_BITS | readU16(bytes, at) & VLAN_ID_MASK;
      type = readU16(bytes, at + 2);
      at += VLAN_TAG_BYTES;
      continue;
    }
    //= PROTOCOL.md 11.1
    //# There may be tags behind them, but no second SNAP.
    if (type >= ETHER_TYPE_MIN || snapSeen) break;
    if (at + LLC_BYTES > end) {
      out.truncated = true;
      return false;
    }
    if (!isSnap(bytes, at)) {
      out.networkOffset = at;
      return false;
    }
    if (at + LLC_SNAP_BYTES > end) {
      out.truncated = true;
      return false;
    }
    if (!holdsEtherType(bytes, at + LLC_BYTES)) {
      out.networkOffset = at;
      return false;
    }
    snapSeen = true;
    type = readU16(bytes, at + 6);
    at += LLC_SNAP_BYTES;
  }
  out.etherType = type;
  out.networkOffset = at;
  return true;
}

/** LLC of SNAP: AA AA 03, leaving aside the bits for groups, responses and polls (IEEE 802.2). */
function isSnap(bytes: Uint8Array, at: number): boolean {
  return (bytes[at] & 0xfe) === SNAP_SAP && (bytes[at + 1] & 0xfe) === SNAP_SAP &&
    (bytes[at + 2] & ~POLL_BIT) === UNNUMBERED_INFORMATION;
}

/** Whether a type follows the organization code: 00-00-00 (RFC 1042) or 00-00-F8 (IEEE 802.1H). */
function holdsEtherType(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 0 &&
    (bytes[at + 2] === 0 || bytes[at + 2] === BRIDGE_TUNNEL);
}

/** RFC 791. */
function dissectIpv4(bytes: Uint8Array, at: number, end: number, out: Dissection): void {
  if (at + IPV4_HEADER_BYTES > end) {
    if (at < end && bytes[at] >>> 4 === 4) out.ipVersion = 4;
    out.truncated = true;
    return;
  }
  if (bytes[at] >>> 4 !== 4) return;
  out.ipVersion = 4;
  const fragment = readU16(bytes, at + 6);
  if ((fragment & IPV4_FRAGMENT_OFFSET_MASK) !== 0) out.ipFragment = IpFragment.later;
  else if ((fragment & IPV4_MORE_FRAGMENTS) !== 0) out.ipFragment = IpFragment.first;
  out.ipProtocol = bytes[at + 9];
  const headerBytes = (bytes[at] & 0x0f) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || at + headerBytes > end) {
    out.truncated = true;
    return;
  }
  if (out.ipFragment === IpFragment.later) return;
  const packetEnd = at + readU16(bytes, at + 2);
  const transport = at + headerBytes;
  //= PROTOCOL.md 11.1
  //# The upper layer lies inside the total length (where that is shorter than the header, it is
  //# ignored, and the chain does not end).
  if (packetEnd >= transport) {
    dissectTransport(bytes, transport, packetEnd < end ? packetEnd : end, out);
  } else {
    // No receiver should take it; should one do so, the ports are those in front of us.
    dissectTransport(bytes, transport, end, out);
    out.truncated = true;
  }
}

/** RFC 8200; the chain of extension headers is followed to its end. */
function dissectIpv6(bytes: Uint8Array, start: number, end: number, out: Dissection): void {
  if (start + IPV6_HEADER_BYTES > end) {
    if (start < end && bytes[start] >>> 4 === 6) out.ipVersion = 6;
    out.truncated = true;
    return;
  }
  if (bytes[start] >>> 4 !== 6) return;
  out.ipVersion = 6;
  let at = start + IPV6_HEADER_BYTES;
  // A length of 0 is that of a jumbogram (RFC 2675): then what is present counts.
  const payloadBytes = readU16(bytes, start + 4);
  if (payloadBytes > 0 && at + payloadBytes < end) end = at + payloadBytes;
  let next = bytes[start + 6];
  for (;;) {
    const headerBytes = extensionHeaderBytes(bytes, next, at, end);
    if (headerBytes === 0) break;
    if (headerBytes < 0 || at + headerBytes > end) {
      out.truncated = true;
      return;
    }
    const isFragment = next === IpProtocol.fragment;
    next = bytes[at];
    if (isFragment) {
      const place = readU16(bytes, at + 2);
      if ((place & IPV6_FRAGMENT_OFFSET_MASK) !== 0) {
        out.ipFragment = IpFragment.later;
        out.ipProtocol = next;
        return;
      }
      // Neither offset nor more: an atomic fragment (RFC 6946), a whole packet.
      if ((place & IPV6_MORE_FRAGMENTS) !== 0) out.ipFragment = IpFragment.first;
    }
    at += headerBytes;
  }
  out.ipProtocol = next;
  dissectTransport(bytes, at, end, out);
}

//= PROTOCOL.md 11.1
//# Extension headers 0, 43, 60, 135, 139 and 140 have (second byte + 1) · 8 bytes; 44 (fragment)
//# has 8; 51 (AH) has (second byte + 2) · 4.
/** Length of the extension header `type` at `at`: 0 if it is none, -1 if it is not present. */
function extensionHeaderBytes(bytes: Uint8Array, type: number, at: number, end: number): number {
  switch (type) {
    case IpProtocol.hopByHop:
    case IpProtocol.routing:
    case IpProtocol.destinationOptions:
    case IpProtocol.mobility:
    case IpProtocol.hip:
    case IpProtocol.shim6:
      return at + 2 > end ? -1 : (bytes[at + 1] + 1) * 8;
    case IpProtocol.fragment:
      return at + 2 > end ? -1 : IPV6_FRAGMENT_HEADER_BYTES;
    case IpProtocol.authentication:
      return at + 2 > end ? -1 : (bytes[at + 1] + 2) * 4;
    default:
      return 0;
  }
}

/** Reads ports or the ICMP type of the protocol that is set. */
function dissectTransport(bytes: Uint8Array, at: number, end: number, out: Dissection): void {
  const headerBytes = transportHeaderBytes(out.ipProtocol, out.ipVersion);
  if (at + headerBytes > end) out.truncated = true;
  else out.transportOffset = at;
  if (hasPorts(out.ipProtocol)) {
    if (at + 4 > end) return;
    out.sourcePort = readU16(bytes, at);
    out.destinationPort = readU16(bytes, at + 2);
  } else if (isIcmp(out.ipProtocol, out.ipVersion) && at < end) {
    out.icmpType = bytes[at];
  }
}

function hasPorts(protocol: number): boolean {
  return protocol === IpProtocol.udp || protocol === IpProtocol.tcp ||
    protocol === IpProtocol.sctp || protocol === IpProtocol.dccp ||
    protocol === IpProtocol.udpLite;
}

function isIcmp(protocol: number, ipVersion: number): boolean {
  return protocol === (ipVersion === 6 ? IpProtocol.icmpv6 : IpProtocol.icmp);
}

//= PROTOCOL.md 11.1
//# **The chain ends inside** if the upper layer's shortest header is there: TCP 20 bytes, SCTP and
//# DCCP 12, UDP and UDP-Lite 8, IGMP (in IPv4) 8, ICMP (in IPv4) and ICMPv6 (in IPv6) 4, all others
//# 0.
/** Shortest header of the upper layer; 0 for those that are not known. */
function transportHeaderBytes(protocol: number, ipVersion: number): number {
  switch (protocol) {
    case IpProtocol.tcp:
      return 20;
    case IpProtocol.udp:
    case IpProtocol.udpLite:
      return 8;
    case IpProtocol.sctp:
    case IpProtocol.dccp:
      return 12;
    case IpProtocol.igmp:
      return ipVersion === 4 ? 8 : 0;
    default:
      return isIcmp(protocol, ipVersion) ? 4 : 0;
  }
}
