/**
 * Leaves of DHCP replies only what a LAN needs.
 *
 * The LAN's DHCP server gives the player's TAP an address; nothing else that it says may become the
 * player's own (TunnelVision, CVE-2024-3661), and the address itself only where its network may be the
 * LAN's ({@link LanNetworks}). Options pass that {@link DHCP_OPTIONS} lists, all others go:
 *
 * ```
 *  BOOTP message, from the first byte after the UDP header (RFC 2131 section 2)
 *    0 op   1 htype   2 hlen   3 hops   4 xid …   16 yiaddr   20 siaddr   24 giaddr   28 chaddr (16)
 *   44 sname (64)   108 file (128)   236 magic cookie 63 82 53 63   240 options …
 * ```
 *
 * A message keeps its length: the options that stay move together, an end option (255) follows
 * them, and zeroes fill the rest of the field. So the IP header and the frame's length need no
 * change, and only the UDP checksum does. It is corrected by the difference (RFC 1624), so that a
 * message that arrived damaged stays recognisably damaged. What a computer is started from (siaddr, sname,
 * file) and the relay agent's address are cleared.
 *
 * @module
 */

import { readU16, readU32 } from "../proto/bytes.ts";
import { correctChecksum, sumBytes } from "../proto/checksum.ts";
import { DhcpField, DhcpMessageType, DhcpOption, DhcpOverload } from "../proto/dhcp.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import {
  classPrefixBits,
  IPV4_BYTES,
  prefixOfMask,
  UDP_HEADER_BYTES,
  UdpPort,
} from "../proto/ip.ts";
import { DHCP_OPTION_HEADER_BYTES, DhcpOptionWalk } from "./dhcp_option_walk.ts";
import { DHCP_OPTIONS, passing, valueBytesOf } from "./dhcp_options.ts";
import { isDhcpReply } from "./dhcp_reply.ts";
import { isStation, type LanNetworks, NetworkVerdict } from "./lan_networks.ts";

/** What a scrubber did: not negative means that the frame may go on. */
export const ScrubResult = {
  /** Nothing to be scrubbed. */
  other: 0,
  /** Not a byte has changed. */
  clean: 1,
  /** Something was taken out. */
  scrubbed: 2,
  /** It is split over IP fragments, so it cannot be scrubbed: it must be dropped. */
  fragment: -1,
  /** It goes where such a message goes, and is no well-formed one: it must be dropped. */
  malformed: -2,
  /** It gives an address that this PC must not have: it must be dropped. */
  network: -3,
} as const;

/** A client that had to ask again sooner would do little else. */
export const TIME_SECONDS_MIN = 10;

/** What an answer to a client that has an address already (DHCPINFORM) keeps. */
const INFORM_OPTIONS = [
  DhcpOption.overload,
  DhcpOption.messageType,
  DhcpOption.serverId,
  DhcpOption.clientId,
];

//= PROTOCOL.md 12
//# **DHCP.** Of DHCP replies (IPv4 UDP to port 68) a client leaves only what a LAN needs, whatever
//# the relay filters.
/** Scrubs replies in place. Keeps a little state between its steps, so that none is allocated. */
export class DhcpScrubber {
  readonly #networks: LanNetworks;
  /** By code: whether it passes; that of the message at hand, which may be narrower. */
  readonly #passing: Uint8Array;
  readonly #passingInform = new Uint8Array(256);
  readonly #passingNow = new Uint8Array(256);
  readonly #valueBytes = valueBytesOf(DHCP_OPTIONS);
  readonly #walk = new DhcpOptionWalk();
  /** By code: where the value of the first such option lies; 0: there is none. */
  readonly #valueAt = new Uint32Array(256);
  /** Value of the overload option of the message at hand; 0: none. */
  #overload = 0;
  /** Index of the first byte of the BOOTP message of the last reply, and the one after its last. */
  messageOffset = 0;
  messageEnd = 0;
  /** What was wrong with the network of the last reply, and its prefix length. */
  verdict: number = NetworkVerdict.good;
  prefixBits = 0;
  /** By option number: whether the last reply had it and it was taken out. */
  readonly #removed = new Uint8Array(256);
  /** The transaction in which this PC asks for settings alone; -1: none. */
  #informXid = -1;

  constructor(networks: LanNetworks, allowsDefaultRoute = false) {
    this.#networks = networks;
    this.#passing = passing(DHCP_OPTIONS, allowsDefaultRoute);
    for (const code of INFORM_OPTIONS) this.#passingInform[code] = 1;
  }

  /** This PC has an address, and asks for settings (DHCPINFORM): the one answer without an address. */
  noteInform(xid: number): void {
    this.#informXid = xid;
  }

  /**
   * Looks at the frame at `bytes[offset … offset + length)`, which `dissection` describes, and
   * scrubs it if it is a DHCP reply. The length never changes. Returns a {@link ScrubResult}; if that is
   * negative, the bytes are as they were.
   */
  scrub(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): number {
    if (
      dissection.ipVersion !== 4 || dissection.ipProtocol !== IpProtocol.udp ||
      dissection.destinationPort !== UdpPort.dhcpClient
    ) {
      return ScrubResult.other;
    }
    //= PROTOCOL.md 12
    //# in IP fragments, or whose UDP length does not end where the IP packet ends, or beyond the
    //# frame; whose first byte is not 2; whose bytes 236 to 239 are not 63 82 53 63;
    if (dissection.ipFragment !== IpFragment.no) return ScrubResult.fragment;
    const udp = dissection.transportOffset;
    const udpEnd = udpEndOf(bytes, offset + length, dissection.networkOffset, udp);
    const message = udp + UDP_HEADER_BYTES;
    if (udpEnd < 0 || !isDhcpReply(bytes, message, udpEnd)) return ScrubResult.malformed;
    this.messageOffset = message;
    this.messageEnd = udpEnd;
    const wrong = this.#check(bytes, message, udpEnd);
    return wrong < 0 ? wrong : this.#rewrite(bytes, udp, message, udpEnd);
  }

  /** The numbers of the options that were taken out of the last reply, in their order. */
  removedOptions(): number[] {
    const codes: number[] = [];
    for (let code = 1; code < DhcpOption.end; code++) {
      if (this.#removed[code] !== 0) codes.push(code);
    }
    return codes;
  }

  /** Everything is checked before the first byte is written: negative if the message must be dropped. */
  #check(bytes: Uint8Array, message: number, end: number): number {
    this.#overload = 0;
    this.#valueAt.fill(0);
    this.#removed.fill(0);
    this.#passingNow.set(this.#passing);
    this.#walk.beginMessage(bytes, message, end);
    let isWhole = true;
    while (isWhole && this.#walk.next()) isWhole = this.#noteOption(bytes);
    isWhole &&= this.#walk.isWhole;
    const typeAt = this.#valueAt[DhcpOption.messageType];
    if (!isWhole || typeAt === 0) return ScrubResult.malformed;
    const type = bytes[typeAt];
    const hasAddress = readU32(bytes, message + DhcpField.yourAddress) !== 0;
    //= PROTOCOL.md 12
    //# without option 53, or with another one than 2, 5 and 6; a 6 with an address in `yiaddr`, a 2
    //# or 5 without one. (A 5 without one answers the client's own DHCPINFORM, if it has the same
    //# `xid`: it passes, with the options 52, 53, 54 and 61 alone.)
    if (type === DhcpMessageType.nak) return hasAddress ? ScrubResult.malformed : ScrubResult.clean;
    if (type !== DhcpMessageType.offer && type !== DhcpMessageType.ack) {
      return ScrubResult.malformed;
    }
    if (!hasAddress) {
      const isAnswer = type === DhcpMessageType.ack &&
        readU32(bytes, message + DhcpField.transactionId) === this.#informXid;
      this.#passingNow.set(this.#passingInform);
      return isAnswer ? ScrubResult.clean : ScrubResult.malformed;
    }
    return this.#checkLease(bytes, message + DhcpField.yourAddress);
  }

  #checkLease(bytes: Uint8Array, address: number): number {
    const serverAt = this.#valueAt[DhcpOption.serverId];
    if (serverAt !== 0 && !isStation(bytes, serverAt, IPV4_BYTES)) return ScrubResult.malformed;
    const hasTimes = this.#isLong(bytes, DhcpOption.leaseSeconds) &&
      this.#isLong(bytes, DhcpOption.renewalSeconds) &&
      this.#isLong(bytes, DhcpOption.rebindingSeconds);
    const maskAt = this.#valueAt[DhcpOption.subnetMask];
    const prefixBits = maskAt === 0
      ? classPrefixBits(bytes[address])
      : prefixOfMask(readU32(bytes, maskAt));
    //= PROTOCOL.md 12
    //# with a mask of zero, or one with holes; whose address or network is not the LAN's to give:
    //# the network (without option 1 it is that of the class:
    if (!hasTimes || prefixBits < 0) return ScrubResult.malformed;
    this.prefixBits = prefixBits;
    //= PROTOCOL.md 12
    //# whose address or network is not the LAN's to give: the network (without option 1 it is that
    //# of the class:
    this.verdict = this.#networks.judge(bytes, address, IPV4_BYTES, prefixBits);
    if (this.verdict !== NetworkVerdict.good) return ScrubResult.network;
    const broadcastAt = this.#valueAt[DhcpOption.broadcastAddress];
    const hosts = prefixBits > 30 ? 0 : 0xffff_ffff >>> prefixBits;
    const broadcast = (readU32(bytes, address) | hosts) >>> 0;
    if (broadcastAt !== 0 && (hosts === 0 || readU32(bytes, broadcastAt) !== broadcast)) {
      //= PROTOCOL.md 12
      //# Option 28 goes, too, where it is not the last address of the network, or the mask has more
      //# than 30 bits.
      this.#passingNow[DhcpOption.broadcastAddress] = 0;
    }
    return ScrubResult.clean;
  }

  #isLong(bytes: Uint8Array, code: number): boolean {
    const at = this.#valueAt[code];
    return at === 0 || readU32(bytes, at) >= TIME_SECONDS_MIN;
  }

  #overloads(field: number): boolean {
    return (this.#overload & field) !== 0;
  }

  /** Of those of one length there is one: with two, receivers would differ in what they read. */
  #noteOption(bytes: Uint8Array): boolean {
    const { code, valueAt, valueBytes } = this.#walk;
    //= PROTOCOL.md 12
    //# where 1, 28, 51, 54, 58 or 59 has not 4 bytes, 52 or 53 not one, 80 any, or one of these is
    //# there twice; where 52 is not 1, 2 or 3; where 51, 58 or 59 is below 10 seconds; where 54
    //# begins with 0, 127, or 224 and above;
    const fixedBytes = this.#valueBytes[code];
    if (fixedBytes >= 0 && (valueBytes !== fixedBytes || this.#valueAt[code] !== 0)) return false;
    if (this.#valueAt[code] === 0) this.#valueAt[code] = valueAt;
    if (code !== DhcpOption.overload) return true;
    this.#overload = bytes[valueAt];
    return this.#overload >= DhcpOverload.file &&
      this.#overload <= (DhcpOverload.file | DhcpOverload.serverName);
  }

  /** Takes out what does not pass. */
  #rewrite(bytes: Uint8Array, udp: number, message: number, end: number): number {
    const file = message + DhcpField.file;
    // Every field begins at an even distance from the UDP header, as the checksum's words do.
    const before = sumBytes(bytes, message, end - message);
    let isChanged = this.#compact(bytes, message + DhcpField.options, end);
    isChanged =
      //= PROTOCOL.md 12
      //# `siaddr`, `giaddr`, and of `file` and `sname` what holds no options are cleared.
      clear(bytes, message + DhcpField.serverAddress, message + DhcpField.clientHardware) ||
      isChanged;
    isChanged =
      (this.#overloads(DhcpOverload.file)
        ? this.#compact(bytes, file, message + DhcpField.cookie)
        : clear(bytes, file, message + DhcpField.cookie)) || isChanged;
    isChanged =
      (this.#overloads(DhcpOverload.serverName)
        ? this.#compact(bytes, message + DhcpField.serverName, file)
        : clear(bytes, message + DhcpField.serverName, file)) || isChanged;
    if (!isChanged) return ScrubResult.clean;
    const after = sumBytes(bytes, message, end - message);
    // One of zero means "none" and stays (RFC 768).
    //= PROTOCOL.md 12
    //# The message keeps its length; the UDP checksum is corrected, and one of 0 stays 0.
    if (readU16(bytes, udp + 6) !== 0) correctChecksum(bytes, udp + 6, before, after);
    return ScrubResult.scrubbed;
  }

  //= PROTOCOL.md 12
  //# All others are taken out, also where option 52 says that they go on in the fields `file` and
  //# `sname`.
  //= PROTOCOL.md 12
  //# The options that stay move together, pads (0) among them as well; behind them come an end
  //# option and zeros, up to the end of the field.
  /** Moves the options of a field together that pass. If one goes, the end option has room. */
  #compact(bytes: Uint8Array, start: number, end: number): boolean {
    const walk = this.#walk;
    let isChanged = false;
    // What stays is moved with the padding in front of it.
    let from = start;
    let to = start;
    for (walk.beginField(bytes, start, end); walk.next(); from = walk.valueAt + walk.valueBytes) {
      const passes = this.#passingNow[walk.code] !== 0;
      const optionAt = walk.valueAt - DHCP_OPTION_HEADER_BYTES;
      const next = passes ? walk.valueAt + walk.valueBytes : optionAt;
      if (from !== to) bytes.copyWithin(to, from, next);
      to += next - from;
      if (passes) continue;
      this.#removed[walk.code] = 1;
      isChanged = true;
    }
    if (!isChanged) return false;
    bytes.copyWithin(to, from, walk.at);
    to += walk.at - from;
    bytes[to++] = DhcpOption.end;
    bytes.fill(0, to, end);
    return true;
  }
}

/** Fills with zeros; whether there was something else. */
function clear(bytes: Uint8Array, start: number, end: number): boolean {
  let isChanged = false;
  for (let at = start; at < end && !isChanged; at++) isChanged = bytes[at] !== 0;
  if (isChanged) bytes.fill(0, start, end);
  return isChanged;
}

/**
 * Index after the UDP datagram, or -1 if the lengths do not agree: receivers that go by the IP
 * length and receivers that go by the UDP length must see the same options.
 */
function udpEndOf(bytes: Uint8Array, frameEnd: number, network: number, udp: number): number {
  if (udp < 0 || udp + UDP_HEADER_BYTES > frameEnd) return -1;
  const ipEnd = network + ((bytes[network + 2] << 8) | bytes[network + 3]);
  const udpEnd = udp + ((bytes[udp + 4] << 8) | bytes[udp + 5]);
  return ipEnd === udpEnd && udpEnd <= frameEnd ? udpEnd : -1;
}
