/**
 * Which flow a frame belongs to: the number by which a `FairQueue` keeps flows apart.
 *
 * @module
 */

import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { EtherType, SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { Icmpv6Type, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, UdpPort } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";

/** Set in a flow number: few and urgent (address resolution, leases), kept apart from all others. */
export const FLOW_SPARSE = 0x2000_0000;

/** The bits of a flow number that are its hash. Flow numbers stay small integers: 30 bits. */
export const FLOW_MASK = 0xf_ffff;

/** Above them is the number of the group that a flow belongs to, from 0 to so many. */
export const FLOW_GROUP_SHIFT = 20;
export const FLOW_GROUPS = 512;
/** The upper half is for stations of the LAN, by their MACs. */
const STATIONS = FLOW_GROUPS >> 1;

const IPV4_ADDRESSES_OFFSET = 12;
const IPV4_ADDRESSES_BYTES = 8;
const IPV6_ADDRESSES_OFFSET = 8;
const IPV6_ADDRESSES_BYTES = 32;

//= PROTOCOL.md 11
//# Inside a flow (MACs, IP addresses, protocol, ports) nothing is reordered.
/**
 * The flow of a frame that `dissection` describes: by MAC addresses and, where there are such, IP
 * addresses, protocol and ports.
 *
 * @param frameOffset index of the Ethernet header
 * @param frameLength bytes present from there on, at least 14
 */
export function flowOf(
  bytes: Uint8Array,
  frameOffset: number,
  frameLength: number,
  dissection: Dissection,
): number {
  if (isSparse(dissection)) {
    // By source alone: one sender's flood of requests shall not delay another's.
    return FLOW_SPARSE |
      (finish(hashWords(bytes, frameOffset + SOURCE_MAC_OFFSET, MAC_BYTES, 1)) & FLOW_MASK);
  }
  let hash = hashWords(bytes, frameOffset, 2 * MAC_BYTES, 2);
  const end = frameOffset + frameLength;
  const network = dissection.networkOffset;
  if (dissection.ipVersion === 4 && network + IPV4_HEADER_BYTES <= end) {
    hash = hashWords(bytes, network + IPV4_ADDRESSES_OFFSET, IPV4_ADDRESSES_BYTES, hash);
    hash = hashTransport(dissection, hash);
  } else if (dissection.ipVersion === 6 && network + IPV6_HEADER_BYTES <= end) {
    hash = hashWords(bytes, network + IPV6_ADDRESSES_OFFSET, IPV6_ADDRESSES_BYTES, hash);
    hash = hashTransport(dissection, hash);
  } else {
    hash = mix(hash, dissection.etherType);
  }
  return finish(hash) & FLOW_MASK;
}

/** The same flow as one of this player's, or of whoever has this number. */
export function ofPlayer(flow: number, peerId: number): number {
  return flow & (FLOW_SPARSE | FLOW_MASK) | (peerId & (STATIONS - 1)) << FLOW_GROUP_SHIFT;
}

/**
 * The same flow as one of the station that has this MAC: two stations share a group now and then, and never one
 * with a player.
 */
export function ofStation(flow: number, bytes: Uint8Array, macOffset: number): number {
  const hash = finish(hashWords(bytes, macOffset, MAC_BYTES, 3));
  return flow & (FLOW_SPARSE | FLOW_MASK) |
    (STATIONS | hash & (STATIONS - 1)) << FLOW_GROUP_SHIFT;
}

/** The flow of a piece whose first piece was not seen: by its MAC addresses, all that it carries. */
export function flowOfMacs(bytes: Uint8Array, frameOffset: number): number {
  return finish(hashWords(bytes, frameOffset, 2 * MAC_BYTES, 2)) & FLOW_MASK;
}

/**
 * Whether a frame is of the kind that others wait for: ARP, DHCP, DHCPv6, IPv6 neighbor discovery
 * (RFC 4861: types 133 to 137).
 */
export function isSparse(dissection: Dissection): boolean {
  const { ipVersion, ipProtocol } = dissection;
  if (ipProtocol === IpProtocol.udp) {
    const source = dissection.sourcePort;
    const destination = dissection.destinationPort;
    if (ipVersion === 6) {
      return destination === UdpPort.dhcpv6Client || destination === UdpPort.dhcpv6Server;
    }
    return (destination === UdpPort.dhcpServer || destination === UdpPort.dhcpClient) &&
      (source === UdpPort.dhcpServer || source === UdpPort.dhcpClient);
  }
  if (ipVersion === 6) {
    return ipProtocol === IpProtocol.icmpv6 &&
      dissection.icmpType >= Icmpv6Type.routerSolicitation &&
      dissection.icmpType <= Icmpv6Type.redirect;
  }
  return dissection.etherType === EtherType.arp;
}

/**
 * Fragments of one IP datagram stay together: of those only the first has ports, so ports count in
 * none.
 */
function hashTransport(dissection: Dissection, hash: number): number {
  const withProtocol = mix(hash, dissection.ipProtocol);
  if (dissection.ipFragment !== IpFragment.no || dissection.sourcePort < 0) return withProtocol;
  return mix(withProtocol, dissection.sourcePort << 16 | dissection.destinationPort);
}

/** Mixes `count` bytes in, four at a time and the rest two at a time; `count` is even. */
function hashWords(bytes: Uint8Array, offset: number, count: number, seed: number): number {
  let hash = seed;
  let at = offset;
  const end = offset + count;
  for (; at + 4 <= end; at += 4) {
    hash = mix(hash, bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]);
  }
  if (at < end) hash = mix(hash, bytes[at] << 8 | bytes[at + 1]);
  return hash;
}

/** One round: multiply and fold, so that every bit of the word reaches the low bits. */
function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e37_79b1);
  return product ^ product >>> 15;
}

function finish(hash: number): number {
  const product = Math.imul(hash ^ hash >>> 16, 0x85eb_ca6b);
  return product ^ product >>> 13;
}

/** Frames in pieces whose flow is remembered at one time. */
const PIECE_FLOWS = 1024;

/**
 * Remembers the flow of frames that come in pieces: only the first piece shows ports, and the
 * later ones must queue behind it. A table of fixed size in which the newest frame wins; what was
 * forgotten goes by its MAC addresses.
 */
export class PieceFlows {
  readonly #sources = new Float64Array(PIECE_FLOWS).fill(-1);
  readonly #frameIds = new Int32Array(PIECE_FLOWS);
  readonly #flows = new Int32Array(PIECE_FLOWS);

  /**
   * @param source who sent it: any whole number that is unique in the process, such as a
   *   connection handle
   */
  remember(source: number, frameId: number, flow: number): void {
    const at = indexOf(source, frameId);
    this.#sources[at] = source;
    this.#frameIds[at] = frameId;
    this.#flows[at] = flow;
  }

  /** The flow of the first piece of this frame, or -1. */
  recall(source: number, frameId: number): number {
    const at = indexOf(source, frameId);
    if (this.#sources[at] !== source || this.#frameIds[at] !== frameId) return -1;
    return this.#flows[at];
  }
}

function indexOf(source: number, frameId: number): number {
  return finish(mix(source | 0, frameId)) & (PIECE_FLOWS - 1);
}
