/**
 * Which packets out of the tunnel are for the party's adapter, and come from where they say.
 *
 * A PC takes a packet for any of its addresses by any of its adapters (Linux does, the weak host model of
 * RFC 1122 section 3.3.4.2), and one that passes packets on does so for all. So without this the party would
 * reach a player's home address, and the home behind it, and could answer in the name of a server there.
 *
 * - **To:** an address of the adapter's, a broadcast of its networks, a group. Of the adapter's are also those
 *   that this PC's own system sends from: some are seen there before they are seen in a table, and what runs
 *   upon the adapter in a container or a virtual machine is in no table.
 * - **From:** not an address that this PC reaches elsewhere by a more exact route than by the adapter, nor one
 *   that somebody has on the internet.
 *
 * @module
 */
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import { ARP_BYTES, ArpField } from "../proto/arp.ts";
import { copyBytes } from "../proto/bytes.ts";
import { type Dissection, IpProtocol } from "../proto/dissect.ts";
import { EtherType } from "../proto/ethernet.ts";
import {
  broadcastOf,
  formatCidr,
  Icmpv6Type,
  type IpNetwork,
  IPV4_BYTES,
  IPV4_HEADER_BYTES,
  IPV4_SOURCE_OFFSET,
  IPV6_BYTES,
  IPV6_HEADER_BYTES,
  IPV6_SOURCE_OFFSET,
  startsAs,
  UdpPort,
} from "../proto/ip.ts";
import { isLinkLocal } from "../proto/ip_blocks.ts";
import type { IpAddress } from "../proto/ip_route.ts";
import {
  isInternetRoute,
  type LanNetworks,
  NetworkVerdict,
  type Surroundings,
} from "./lan_networks.ts";

/** Addresses that this PC sends from and that are in no table: how many are kept, and for how long. */
export const LEARNT_MAX = 16;
export const LEARNT_MS = 60_000;

const SOLICITATION_TARGET_OFFSET = 8;
const KEY_BYTES = IPV6_BYTES;

//= PROTOCOL.md 12
//# **Whose PC.** A client should give its TAP no IP packet for an address that the TAP does not
//# have and that means no group, and no ARP request or neighbour solicitation for an address of the
//# system's other interfaces (`other-address`);
/** See the module. Nothing allocates per frame. */
export class OwnAddresses {
  readonly #networks: LanNetworks;
  /** Whether it is known what the adapter has: before, everything passes. */
  #isKnown = false;
  #takesVlans = false;
  #own: readonly IpAddress[] = [];
  /** Those that mean all stations of a network of the adapter's. */
  #broadcasts: readonly Uint8Array[] = [];
  #others: readonly Uint8Array[] = [];
  /** What other adapters lead to. */
  #elsewhere: readonly IpNetwork[] = [];
  readonly #learnt = new Uint8Array(LEARNT_MAX * KEY_BYTES);
  /** Bytes of each: 0, 4 or 16. */
  readonly #learntBytes = new Uint8Array(LEARNT_MAX);
  readonly #learntMs = new Float64Array(LEARNT_MAX).fill(-Infinity);

  /** @param networks which addresses others have on the internet */
  constructor(networks: LanNetworks) {
    this.#networks = networks;
  }

  /** To be told at first, and whenever something has changed. */
  update({ routes, addresses, tapIndex, takesVlans = false }: Surroundings): void {
    this.#isKnown = tapIndex !== undefined;
    this.#takesVlans = takesVlans;
    const [own, others] = [true, false].map((isOwn) =>
      addresses.filter(({ interfaceIndex }) => (interfaceIndex === tapIndex) === isOwn)
    );
    this.#own = own;
    this.#broadcasts = own.map(broadcastOf).filter((address) => address !== undefined);
    this.#others = others.map(({ address }) => address);
    const routed = routes.filter((route) =>
      route.interfaceIndex !== tapIndex && !isInternetRoute(route)
    );
    this.#elsewhere = [
      ...routed.map(({ destination, prefixBits }) => ({ address: destination, prefixBits })),
      ...others.map(({ address, prefixBits }) => ({ address, prefixBits })),
    ];
  }

  /** A frame that this PC's system sends by the adapter, which `frame` describes: what it is sent from. */
  noteSent(bytes: Uint8Array, end: number, frame: Dissection, nowMs: number): void {
    if (!this.#isKnown) return;
    const ipBytes = frame.ipVersion === 6 ? IPV6_BYTES : IPV4_BYTES;
    const at = sourceOffset(frame, end);
    if (at < 0 || isUnspecified(bytes, at, ipBytes) || isGroup(bytes, at, ipBytes)) return;
    if (ipBytes === 4 && bytes[at] === 127) return;
    if (this.isOwn(bytes, at, ipBytes) || isOneOf(this.#others, bytes, at, ipBytes)) return;
    const known = this.#findLearnt(bytes, at, ipBytes);
    const index = known >= 0 ? known : this.#oldestLearnt();
    copyBytes(bytes, at, ipBytes, this.#learnt, index * KEY_BYTES);
    this.#learntBytes[index] = ipBytes;
    this.#learntMs[index] = nowMs;
  }

  /** Judges a frame out of the tunnel, which `frame` describes: a drop code, or {@link PASS}. */
  judge(bytes: Uint8Array, end: number, frame: Dissection, nowMs: number): Verdict {
    // A system without such an interface takes no frame of a VLAN: who reads them there is another program.
    //= PROTOCOL.md 12
    //# As long as it does not know its addresses, all pass.
    if (!this.#isKnown || (frame.vlanIds !== 0 && !this.#takesVlans)) return PASS;
    if (frame.etherType === EtherType.arp) return this.#judgeArp(bytes, end, frame, nowMs);
    const source = sourceOffset(frame, end);
    if (source < 0) return PASS;
    const ipBytes = frame.ipVersion === 4 ? IPV4_BYTES : IPV6_BYTES;
    const target = source + ipBytes;
    // An answer to a question for an address goes to the one that it gives; what it says is looked at elsewhere.
    //= PROTOCOL.md 12
    //# DHCP's replies to an address that is none of the system's yet pass.
    const isLease = ipBytes === 4 && frame.ipProtocol === IpProtocol.udp &&
      frame.destinationPort === UdpPort.dhcpClient;
    if (!isGroup(bytes, target, ipBytes) && !this.#has(bytes, target, ipBytes, nowMs)) {
      if (!isLease || isOneOf(this.#others, bytes, target, ipBytes)) return DropCode.otherAddress;
    }
    if (this.#asksForOther(bytes, end, frame, nowMs)) return DropCode.otherAddress;
    return !isLease && this.#isElsewhere(bytes, source, ipBytes) ? DropCode.elsewhereSource : PASS;
  }

  /** A question for an address that another adapter has is not heard: it would be answered. */
  #judgeArp(bytes: Uint8Array, end: number, frame: Dissection, nowMs: number): Verdict {
    const at = frame.networkOffset;
    if (at < 0 || at + ARP_BYTES > end) return PASS;
    const target = at + ArpField.targetAddress;
    const isOther = isOneOf(this.#others, bytes, target, 4) && !this.#has(bytes, target, 4, nowMs);
    return isOther ? DropCode.otherAddress : PASS;
  }

  /** The same of IPv6. */
  #asksForOther(bytes: Uint8Array, end: number, frame: Dissection, nowMs: number): boolean {
    const isQuestion = frame.ipVersion === 6 && frame.ipProtocol === IpProtocol.icmpv6 &&
      frame.icmpType === Icmpv6Type.neighbourSolicitation && frame.transportOffset >= 0;
    if (!isQuestion) return false;
    const target = frame.transportOffset + SOLICITATION_TARGET_OFFSET;
    return target + 16 <= end && isOneOf(this.#others, bytes, target, 16) &&
      !this.#has(bytes, target, 16, nowMs);
  }

  /** Whether an address is the adapter's, or means all in a network of its. */
  #has(bytes: Uint8Array, at: number, ipBytes: number, nowMs: number): boolean {
    if (this.isOwn(bytes, at, ipBytes) || isOneOf(this.#broadcasts, bytes, at, ipBytes)) {
      return true;
    }
    const index = this.#findLearnt(bytes, at, ipBytes);
    return index >= 0 && nowMs - this.#learntMs[index] <= LEARNT_MS;
  }

  /** Whether the adapter has the address at `bytes[at]`, by the tables. */
  isOwn(bytes: Uint8Array, at: number, ipBytes: number): boolean {
    for (const { address } of this.#own) {
      if (address.length === ipBytes && startsAs(bytes, at, address, ipBytes * 8)) return true;
    }
    return false;
  }

  /** Whether this PC reaches an address elsewhere than by the adapter. */
  #isElsewhere(bytes: Uint8Array, at: number, ipBytes: number): boolean {
    if (isUnspecified(bytes, at, ipBytes) || isLinkLocal(bytes, at, ipBytes)) return false;
    let hasAny = false;
    let ownBits = -1;
    for (const { address, prefixBits } of this.#own) {
      if (address.length !== ipBytes) continue;
      hasAny = true;
      if (prefixBits > ownBits && startsAs(bytes, at, address, prefixBits)) ownBits = prefixBits;
    }
    // Which network is the party's is not known yet.
    if (!hasAny) return false;
    for (const { address, prefixBits } of this.#elsewhere) {
      if (address.length !== ipBytes || prefixBits <= ownBits) continue;
      if (startsAs(bytes, at, address, prefixBits)) return true;
    }
    return ownBits < 0 && this.#isForeign(bytes, at, ipBytes);
  }

  #isForeign(bytes: Uint8Array, at: number, ipBytes: number): boolean {
    const verdict = this.#networks.judgeKind(bytes, at, ipBytes, ipBytes * 8);
    return verdict !== NetworkVerdict.good;
  }

  #findLearnt(bytes: Uint8Array, at: number, ipBytes: number): number {
    for (let index = 0; index < LEARNT_MAX; index++) {
      if (this.#learntBytes[index] !== ipBytes) continue;
      let byte = ipBytes - 1;
      while (byte >= 0 && this.#learnt[index * KEY_BYTES + byte] === bytes[at + byte]) byte--;
      if (byte < 0) return index;
    }
    return -1;
  }

  #oldestLearnt(): number {
    let oldest = 0;
    for (let index = 1; index < LEARNT_MAX; index++) {
      if (this.#learntMs[index] < this.#learntMs[oldest]) oldest = index;
    }
    return oldest;
  }
}

/** The adapter's own addresses, such as `192.168.1.77/24`, IPv4 first; none while it is away. */
export function addressesOf(
  { addresses, tapIndex }: Pick<Surroundings, "addresses" | "tapIndex">,
): string[] {
  return addresses.filter(({ interfaceIndex }) => interfaceIndex === tapIndex)
    .sort((one, other) => one.address.length - other.address.length)
    .map((one) => formatCidr(one));
}

/** Where the address is that a frame comes from: a packet's source, or ARP's sender; -1: nowhere. */
function sourceOffset(frame: Dissection, end: number): number {
  const { networkOffset: at, ipVersion } = frame;
  if (frame.etherType === EtherType.arp) {
    return at >= 0 && at + ARP_BYTES <= end ? at + ArpField.senderAddress : -1;
  }
  if (ipVersion === 4) return at + IPV4_HEADER_BYTES <= end ? at + IPV4_SOURCE_OFFSET : -1;
  return ipVersion === 6 && at + IPV6_HEADER_BYTES <= end ? at + IPV6_SOURCE_OFFSET : -1;
}

function isOneOf(
  list: readonly Uint8Array[],
  bytes: Uint8Array,
  at: number,
  ipBytes: number,
): boolean {
  for (const address of list) {
    if (address.length === ipBytes && startsAs(bytes, at, address, ipBytes * 8)) return true;
  }
  return false;
}

/** All stations, or those of a group. */
function isGroup(bytes: Uint8Array, at: number, ipBytes: number): boolean {
  if (ipBytes === 16) return bytes[at] === 0xff;
  if (bytes[at] >= 224 && bytes[at] < 240) return true;
  return (bytes[at] & bytes[at + 1] & bytes[at + 2] & bytes[at + 3]) === 0xff;
}

function isUnspecified(bytes: Uint8Array, at: number, ipBytes: number): boolean {
  let any = 0;
  for (let index = 0; index < ipBytes; index++) any |= bytes[at + index];
  return any === 0;
}
