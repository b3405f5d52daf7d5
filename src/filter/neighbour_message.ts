/**
 * What a frame says of who has an IP address: ARP, and IPv6 neighbour discovery.
 *
 * ```
 *  ARP (RFC 826)   0 hardware 2 protocol 4 lengths 6 operation 8 sender MAC 14 sender IP 18 target MAC 24 target IP
 *  RS, NS          source IP of the packet,      option 1: its MAC       (RFC 4861)
 *  RA              source IP of the packet,      option 1: its MAC
 *  NA, redirect    target (8 bytes behind the type), option 2: its MAC
 * ```
 *
 * @module
 */
import { ARP_BYTES, ARP_LENGTHS, ArpField } from "../proto/arp.ts";
import { readU16 } from "../proto/bytes.ts";
import { type Dissection, IpProtocol } from "../proto/dissect.ts";
import { EtherType, SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { Icmpv6Type, IPV6_SOURCE_OFFSET } from "../proto/ip.ts";
import { equalMacs } from "../proto/mac.ts";

const TARGET_OFFSET = 8;
const SOURCE_LINK_OPTION = 1;
const TARGET_LINK_OPTION = 2;
/** Bytes of the option with a MAC: 8, as one unit of 8. */
const LINK_OPTION_UNITS = 1;

/** What is read; made once and refilled. */
export class NeighbourMessage {
  /** 4 or 16: bytes of the address; 0: the frame says nothing of an address. */
  ipBytes: 0 | 4 | 16 = 0;
  /** Where the address is that somebody has. */
  ipOffset = -1;
  /** Where the MAC is that it is said to have; the frame's source where nothing else is said. */
  macOffset = -1;
  /** A router says so of itself. */
  isRouter = false;
  /** There is a second MAC, and it is another one: receivers would differ in which they take. */
  #differs = false;

  /**
   * Reads the whole frame at `bytes[offset … end)` that `frame` describes. False: it is none of these, or says
   * nothing of who has an address, as a question for one that is not taken yet does (a sender of
   * 0.0.0.0 or ::).
   */
  read(bytes: Uint8Array, offset: number, end: number, frame: Dissection): boolean {
    this.ipBytes = 0;
    this.#differs = false;
    this.isRouter = false;
    if (frame.etherType === EtherType.arp) return this.#readArp(bytes, frame.networkOffset, end);
    if (frame.ipVersion !== 6 || frame.ipProtocol !== IpProtocol.icmpv6) return false;
    const isKnown = frame.icmpType >= Icmpv6Type.routerSolicitation &&
      frame.icmpType <= Icmpv6Type.redirect;
    if (!isKnown || frame.transportOffset < 0) return false;
    return this.#readDiscovery(bytes, offset, end, frame);
  }

  //= PROTOCOL.md 11.2
  //# The frame is dropped if one of its MACs is not its source.
  /** Whether the MAC that is named is this one. */
  isOf(bytes: Uint8Array, macOffset: number): boolean {
    return !this.#differs && equalMacs(bytes, this.macOffset, bytes, macOffset);
  }

  //= PROTOCOL.md 11.2
  //# | ARP of 28 bytes with protocol 0800 and lengths 6 and 4 | the sender's (14) | the sender's
  //# (8)
  #readArp(bytes: Uint8Array, at: number, end: number): boolean {
    if (at < 0 || at + ARP_BYTES > end) return false;
    // Linux takes Ethernet's number and that of IEEE 802 networks: the number does not matter.
    if (readU16(bytes, at + ArpField.protocol) !== EtherType.ipv4) return false;
    if (readU16(bytes, at + ArpField.lengths) !== ARP_LENGTHS) return false;
    return this.#say(bytes, at + ArpField.senderAddress, 4, at + ArpField.senderMac);
  }

  //= PROTOCOL.md 11.2
  //# | ICMPv6 133, 134, 135 | the packet's source | options 1 of 8 bytes, from 8, 16, 24 behind the
  //# type on
  //= PROTOCOL.md 11.2
  //# | ICMPv6 136, 137 | the target (8) | options 2 of 8 bytes, from 24, 40 on
  #readDiscovery(bytes: Uint8Array, offset: number, end: number, frame: Dissection): boolean {
    const message = frame.transportOffset;
    const { icmpType } = frame;
    const ofTarget = icmpType === Icmpv6Type.neighbourAdvertisement ||
      icmpType === Icmpv6Type.redirect;
    const ip = ofTarget ? message + TARGET_OFFSET : frame.networkOffset + IPV6_SOURCE_OFFSET;
    const options = message + optionsOffset(icmpType);
    if (options > end) return false;
    const wanted = ofTarget ? TARGET_LINK_OPTION : SOURCE_LINK_OPTION;
    let mac = -1;
    for (let at = options; at + 8 <= end;) {
      const units = bytes[at + 1];
      if (units === 0) break;
      if (bytes[at] === wanted && units === LINK_OPTION_UNITS) {
        if (mac >= 0 && !equalMacs(bytes, mac, bytes, at + 2)) this.#differs = true;
        mac = mac < 0 ? at + 2 : mac;
      }
      at += 8 * units;
    }
    this.isRouter = icmpType === Icmpv6Type.routerAdvertisement;
    // A redirect without a MAC leaves it to who is asked.
    if (mac < 0 && icmpType === Icmpv6Type.redirect) return false;
    return this.#say(bytes, ip, 16, mac < 0 ? offset + SOURCE_MAC_OFFSET : mac);
  }

  /** An address of zeros is nobody's. */
  #say(bytes: Uint8Array, ip: number, ipBytes: 4 | 16, mac: number): boolean {
    let any = 0;
    for (let index = 0; index < ipBytes; index++) any |= bytes[ip + index];
    //= PROTOCOL.md 11.2
    //# An address of zeros is nobody's (a probe, duplicate address detection).
    if (any === 0) return false;
    this.ipBytes = ipBytes;
    this.ipOffset = ip;
    this.macOffset = mac;
    return true;
  }
}

/** Where options begin, from the type on (RFC 4861 section 4). */
function optionsOffset(icmpType: number): number {
  switch (icmpType) {
    case Icmpv6Type.routerSolicitation:
      return 8;
    case Icmpv6Type.routerAdvertisement:
      return 16;
    case Icmpv6Type.neighbourSolicitation:
    case Icmpv6Type.neighbourAdvertisement:
      return 24;
    default:
      return 40;
  }
}
