/**
 * What is seen of a frame's headers, for the second implementation: written from the text of PROTOCOL.md
 * alone (section 11.1).
 */

/** What section 14 calls `headers`: −1 and 0 are "none", offsets count from the frame's start. */
export interface SeenHeaders {
  vlanTags: number;
  /** 12 bits for each tag. */
  vlanIds: number;
  etherType: number;
  networkOffset: number;
  ipVersion: number;
  ipProtocol: number;
  transportOffset: number;
  sourcePort: number;
  destinationPort: number;
  icmpType: number;
  /** 1: first, 2: later. */
  ipFragment: number;
  tooManyTags: boolean;
  /** The chain of headers does not end inside. */
  truncated: boolean;
}

const TAG_TYPES = [0x8100, 0x88a8, 0x9100, 0x9200];
const LENGTH_MAX = 0x05ff;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ICMP = 1;
const ICMPV6 = 58;
const FRAGMENT_HEADER = 44;
const AUTHENTICATION_HEADER = 51;
/** Their length is (second byte + 1) · 8. */
const EXTENSION_HEADERS = [0, 43, 60, 135, 139, 140];
/** The shortest header of each upper layer that has one. */
const UPPER_BYTES: Readonly<Record<number, number>> = {
  ...{ 6: 20, 132: 12, 33: 12, 17: 8, 136: 8 },
};
/** Of ICMP in IPv4 and of ICMPv6 in IPv6. */
const ICMP_BYTES = 4;
/** Of IGMP in IPv4. */
const IGMP = 2;
const IGMP_BYTES = 8;
/** TCP, UDP, DCCP, SCTP and UDP-Lite begin with two ports. */
const WITH_PORTS = [6, 17, 33, 132, 136];

const u16 = (bytes: Uint8Array, at: number) => bytes[at] << 8 | bytes[at + 1];

/** Section 11.1. */
export function readHeaders(frame: Uint8Array): SeenHeaders {
  const seen: SeenHeaders = {
    ...{ vlanTags: 0, vlanIds: 0, etherType: 0, networkOffset: -1, ipVersion: 0, ipProtocol: -1 },
    ...{ transportOffset: -1, sourcePort: -1, destinationPort: -1, icmpType: -1, ipFragment: 0 },
    ...{ tooManyTags: false, truncated: true },
  };
  readLink(frame, 12, false, seen);
  return seen;
}

/** From a type (or length) on; sets `truncated` to false where the chain ends. */
function readLink(frame: Uint8Array, at: number, behindSnap: boolean, seen: SeenHeaders): void {
  if (frame.length < at + 2) return;
  const type = u16(frame, at);
  if (TAG_TYPES.includes(type)) {
    if (seen.vlanTags === 2) {
      seen.tooManyTags = true;
      seen.truncated = false;
      return;
    }
    if (frame.length < at + 6) {
      // A tag that is cut counts for nothing.
      return;
    }
    seen.vlanTags++;
    seen.vlanIds = seen.vlanIds * 4096 + u16(frame, at + 2) % 4096;
    return readLink(frame, at + 4, behindSnap, seen);
  }
  seen.networkOffset = at + 2;
  if (type <= LENGTH_MAX) {
    if (behindSnap) seen.truncated = false;
    else readLlc(frame, at + 2, seen);
    return;
  }
  seen.etherType = type;
  if (type === IPV4) readIpv4(frame.subarray(at + 2), seen);
  else if (type === IPV6) readIpv6(frame.subarray(at + 2), seen);
  else seen.truncated = false;
}

function readLlc(frame: Uint8Array, at: number, seen: SeenHeaders): void {
  const llc = frame.subarray(at);
  if (llc.length < 3) return;
  const expected = [[0xfe, 0xaa], [0xfe, 0xaa], [0xef, 0x03]];
  const isSnap = expected.every(([mask, value], i) => (llc[i] & mask) === value);
  if (!isSnap) {
    seen.truncated = false;
    return;
  }
  if (llc.length < 8) return;
  const organization = llc[3] << 16 | u16(llc, 4);
  if (organization === 0 || organization === 0xf8) readLink(frame, at + 6, true, seen);
  else seen.truncated = false;
}

function readIpv4(packet: Uint8Array, seen: SeenHeaders): void {
  if (packet.length < 20) {
    if (packet[0] >> 4 === 4) seen.ipVersion = 4;
    return;
  }
  if (packet[0] >> 4 !== 4) {
    seen.truncated = false;
    return;
  }
  seen.ipVersion = 4;
  const flags = u16(packet, 6);
  const isLater = (flags & 0x1fff) !== 0;
  if (isLater) seen.ipFragment = 2;
  else if ((flags & 0x2000) !== 0) seen.ipFragment = 1;
  seen.ipProtocol = packet[9];
  const headerBytes = (packet[0] & 15) * 4;
  if (headerBytes < 20 || packet.length < headerBytes) return;
  if (isLater) {
    seen.truncated = false;
    return;
  }
  const totalBytes = u16(packet, 2);
  const isShort = totalBytes < headerBytes;
  readUpper(isShort ? packet : packet.subarray(0, totalBytes), headerBytes, seen);
  if (isShort) seen.truncated = true;
}

function readIpv6(packet: Uint8Array, seen: SeenHeaders): void {
  if (packet[0] >> 4 === 6) seen.ipVersion = 6;
  if (packet.length < 40) return;
  if (seen.ipVersion !== 6) {
    seen.truncated = false;
    return;
  }
  const payloadBytes = u16(packet, 4);
  const inside = payloadBytes === 0 ? packet : packet.subarray(0, 40 + payloadBytes);
  readExtension(inside, packet[6], 40, seen);
}

/** The header `next` at an offset, and those behind it. */
function readExtension(packet: Uint8Array, next: number, at: number, seen: SeenHeaders): void {
  const isFragment = next === FRAGMENT_HEADER;
  const isAuthentication = next === AUTHENTICATION_HEADER;
  if (!isFragment && !isAuthentication && !EXTENSION_HEADERS.includes(next)) {
    seen.ipProtocol = next;
    return readUpper(packet, at, seen);
  }
  if (packet.length < at + (isFragment ? 8 : 2)) return;
  if (isFragment) {
    const place = u16(packet, at + 2);
    if (place >> 3 !== 0) {
      seen.ipFragment = 2;
      seen.ipProtocol = packet[at];
      seen.truncated = false;
      return;
    }
    if ((place & 1) !== 0) seen.ipFragment = 1;
  }
  const second = packet[at + 1];
  const bytes = isFragment ? 8 : isAuthentication ? (second + 2) * 4 : (second + 1) * 8;
  if (packet.length < at + bytes) return;
  readExtension(packet, packet[at], at + bytes, seen);
}

/** The upper layer's ports or type as far as they are there, and whether its shortest header is. */
function readUpper(packet: Uint8Array, at: number, seen: SeenHeaders): void {
  const protocol = seen.ipProtocol;
  const there = packet.length - at;
  if (WITH_PORTS.includes(protocol)) {
    if (there >= 4) {
      [seen.sourcePort, seen.destinationPort] = [u16(packet, at), u16(packet, at + 2)];
    }
  }
  const isIcmp = protocol === (seen.ipVersion === 4 ? ICMP : ICMPV6);
  if (isIcmp && there >= 1) seen.icmpType = packet[at];
  const isIgmp = protocol === IGMP && seen.ipVersion === 4;
  const least = isIcmp ? ICMP_BYTES : isIgmp ? IGMP_BYTES : UPPER_BYTES[protocol] ?? 0;
  if (there < least) return;
  seen.truncated = false;
  seen.transportOffset = seen.networkOffset + at;
}
