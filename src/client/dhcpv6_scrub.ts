/**
 * Leaves of DHCPv6 answers only what a LAN needs, as `dhcp_scrub.ts` does of DHCP's.
 *
 * ```
 *  message, from the first byte after the UDP header (RFC 8415 section 8)
 *    0 type   1 transaction (3)   4 options: code (2), length (2), value …
 *  value of Dhcpv6Option.identityAssociation (3):  0 id   4 T1   8 T2   12 options, of which an address (5) is
 *    0 address (16)   16 preferred lifetime   20 valid lifetime   24 options
 * ```
 *
 * An address that this PC must not have is taken out like an option; an answer of which none is left is dropped.
 * What is taken out makes the message shorter: lengths and checksum follow, and the frame's end becomes
 * padding. Answers of relay agents (which hold another message) and RECONFIGURE are no client's to read.
 *
 * @module
 */

import { readU16, readU32, writeU16 } from "../proto/bytes.ts";
import { DHCPV6_OPTIONS_OFFSET, Dhcpv6MessageType, Dhcpv6Option } from "../proto/dhcp.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { IPV6_BYTES, UDP_HEADER_BYTES, UdpPort } from "../proto/ip.ts";
import { DHCPV6_OPTIONS, passing, valueBytesOf } from "./dhcp_options.ts";
import { ScrubResult, TIME_SECONDS_MIN } from "./dhcp_scrub.ts";
import { finishMessage, packetEndOf, sumPart } from "./ipv6_message.ts";
import { type LanNetworks, NetworkVerdict } from "./lan_networks.ts";

/** What clients take for the length of an address's network, if they take one. */
export const DHCPV6_PREFIX_BITS = 64;

const OPTION_HEADER_BYTES = 4;
const IA_NA_BYTES = 12;
const IA_ADDRESS_BYTES = 24;

//= PROTOCOL.md 12
//# **DHCPv6** (IPv6 UDP to port 546).
//= PROTOCOL.md 12
//# What is taken out makes the message shorter; the lengths of UDP and IPv6 and the checksum
//# follow, and zeros fill the frame.
/** Scrubs answers in place, and allocates nothing. */
export class Dhcpv6Scrubber {
  readonly #networks: LanNetworks;
  readonly #passing: Uint8Array;
  readonly #valueBytes = valueBytesOf(DHCPV6_OPTIONS);
  /** What was wrong with an address of the last answer that was refused, and which it was: good if none was. */
  verdict: number = NetworkVerdict.good;
  readonly refused: Uint8Array<ArrayBuffer> = new Uint8Array(IPV6_BYTES);
  /** Addresses of the last answer that pass. */
  #passed = 0;

  constructor(networks: LanNetworks, allowsDefaultRoute = false) {
    this.#networks = networks;
    this.#passing = passing(DHCPV6_OPTIONS, allowsDefaultRoute);
  }

  /**
   * Looks at the frame at `bytes[offset … offset + length)`, which `dissection` describes, and scrubs it
   * if it is for a DHCPv6 client. Returns a {@link ScrubResult}; if that is negative, the bytes are as
   * they were.
   */
  scrub(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): number {
    if (
      dissection.ipVersion !== 6 || dissection.ipProtocol !== IpProtocol.udp ||
      dissection.destinationPort !== UdpPort.dhcpv6Client
    ) {
      return ScrubResult.other;
    }
    //= PROTOCOL.md 12
    //# Dropped is an answer in fragments, one that is neither ADVERTISE nor REPLY (so RECONFIGURE
    //# and the messages of relay agents), that has no checksum or is not well-formed.
    if (dissection.ipFragment !== IpFragment.no) return ScrubResult.fragment;
    const { networkOffset: network, transportOffset: udp } = dissection;
    const end = packetEndOf(bytes, network, offset + length);
    const options = udp + UDP_HEADER_BYTES + DHCPV6_OPTIONS_OFFSET;
    if (udp < 0 || end < options || udp + readU16(bytes, udp + 4) !== end) {
      return ScrubResult.malformed;
    }
    const type = bytes[udp + UDP_HEADER_BYTES];
    const hasChecksum = readU16(bytes, udp + 6) !== 0;
    if (
      !hasChecksum || (type !== Dhcpv6MessageType.advertise && type !== Dhcpv6MessageType.reply)
    ) return ScrubResult.malformed;
    this.verdict = NetworkVerdict.good;
    this.#passed = 0;
    const wrong = this.#check(bytes, options, end);
    if (wrong < 0) return wrong;
    if (this.verdict !== NetworkVerdict.good && this.#passed === 0) return ScrubResult.network;
    return this.#rewrite(bytes, network, udp, options, end);
  }

  /** Everything is checked before the first byte is written: negative if the answer must be dropped. */
  #check(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const valueAt = at + OPTION_HEADER_BYTES;
      const next = optionEnd(bytes, at, end);
      if (next < 0) return ScrubResult.malformed;
      const code = readU16(bytes, at);
      if (this.#passes(code)) {
        const fixedBytes = this.#valueBytes[code];
        if (fixedBytes >= 0 && next - valueAt !== fixedBytes) return ScrubResult.malformed;
        const result = code === Dhcpv6Option.identityAssociation
          ? this.#checkAddresses(bytes, valueAt, next)
          : 0;
        if (result < 0) return result;
      }
      at = next;
    }
    return ScrubResult.clean;
  }

  //= PROTOCOL.md 12
  //# Option 3 holds options 5 and 13 alone, and 5 option 13; T1, T2 and valid lifetimes are 0, or
  //# 10 seconds and more; option 7 has one byte, and 14 none.
  #checkAddresses(bytes: Uint8Array, start: number, end: number): number {
    let at = start + IA_NA_BYTES;
    if (at > end || !isLong(bytes, start + 4) || !isLong(bytes, start + 8)) {
      return ScrubResult.malformed;
    }
    while (at < end) {
      const next = optionEnd(bytes, at, end);
      if (next < 0) return ScrubResult.malformed;
      const code = readU16(bytes, at);
      if (code !== Dhcpv6Option.status) {
        const result = code === Dhcpv6Option.address
          ? this.#checkAddress(bytes, at + OPTION_HEADER_BYTES, next)
          : ScrubResult.malformed;
        if (result < 0) return result;
      }
      at = next;
    }
    return ScrubResult.clean;
  }

  #checkAddress(bytes: Uint8Array, start: number, end: number): number {
    let at = start + IA_ADDRESS_BYTES;
    if (at > end || !isLong(bytes, start + IPV6_BYTES + 4)) return ScrubResult.malformed;
    while (at < end) {
      if (optionEnd(bytes, at, end) < 0 || readU16(bytes, at) !== Dhcpv6Option.status) {
        return ScrubResult.malformed;
      }
      at = optionEnd(bytes, at, end);
    }
    const verdict = this.#judge(bytes, start);
    if (verdict === NetworkVerdict.good) this.#passed++;
    else {
      this.verdict = verdict;
      for (let i = 0; i < IPV6_BYTES; i++) this.refused[i] = bytes[start + i];
    }
    return ScrubResult.clean;
  }

  #judge(bytes: Uint8Array, addressAt: number): number {
    //= PROTOCOL.md 12
    //# An address whose /64 is not in fc00::/7, by the same rules, is taken out of its option 3; an
    //# answer that gives such addresses alone is dropped.
    return this.#networks.judge(bytes, addressAt, IPV6_BYTES, DHCPV6_PREFIX_BITS);
  }

  #rewrite(
    bytes: Uint8Array,
    network: number,
    udp: number,
    start: number,
    end: number,
  ): number {
    const sumBefore = sumPart(bytes, start, end);
    let to = start;
    for (let at = start; at < end;) {
      const next = optionEnd(bytes, at, end);
      const code = readU16(bytes, at);
      if (code === Dhcpv6Option.identityAssociation && this.verdict !== NetworkVerdict.good) {
        to = this.#moveAddresses(bytes, at, next, to);
      } else if (this.#passes(code)) {
        if (at !== to) bytes.copyWithin(to, at, next);
        to += next - at;
      }
      at = next;
    }
    if (to === end) return ScrubResult.clean;
    writeU16(bytes, udp + 4, to - udp);
    finishMessage(bytes, network, udp + 6, start, to, end, sumBefore, 2);
    return ScrubResult.scrubbed;
  }

  /** Moves an Dhcpv6Option.identityAssociation without the addresses that are refused; returns the index after it. */
  #moveAddresses(bytes: Uint8Array, start: number, end: number, to: number): number {
    const addressesAt = start + OPTION_HEADER_BYTES + IA_NA_BYTES;
    bytes.copyWithin(to, start, addressesAt);
    let next = to + (addressesAt - start);
    for (let at = addressesAt; at < end;) {
      const after = optionEnd(bytes, at, end);
      const isRefused = readU16(bytes, at) === Dhcpv6Option.address &&
        this.#judge(bytes, at + OPTION_HEADER_BYTES) !== NetworkVerdict.good;
      if (!isRefused) {
        bytes.copyWithin(next, at, after);
        next += after - at;
      }
      at = after;
    }
    writeU16(bytes, to + 2, next - to - OPTION_HEADER_BYTES);
    return next;
  }

  #passes(code: number): boolean {
    return code < this.#passing.length && this.#passing[code] !== 0;
  }
}

/** Index after the option at `at`, or -1 if it ends beyond `end`. */
function optionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + OPTION_HEADER_BYTES > end) return -1;
  const next = at + OPTION_HEADER_BYTES + readU16(bytes, at + 2);
  return next > end ? -1 : next;
}

/** Whether a time is none (the client decides, or it is over), or not too short. */
function isLong(bytes: Uint8Array, at: number): boolean {
  const seconds = readU32(bytes, at);
  return seconds === 0 || seconds >= TIME_SECONDS_MIN;
}
