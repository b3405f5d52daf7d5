/**
 * Leaves of IPv6 router advertisements only what a LAN needs: its own networks, and no router.
 *
 * ```
 *  message (RFC 4861 section 4.2, RFC 4191)
 *    0 type 134   1 code   2 checksum   4 hop limit   5 flags M O H Prf(2) P   6 router lifetime
 *    8 reachable time   12 retransmission timer   16 options: type (1), length / 8 (1), value …
 *  prefix option (3), 32 bytes:
 *    2 prefix length   3 flags L A R   4 valid lifetime   8 preferred lifetime   16 prefix
 * ```
 *
 * @module
 */

import { writeU16 } from "../proto/bytes.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { Icmpv6Type } from "../proto/ip.ts";
import { passing, ROUTER_OPTIONS } from "./dhcp_options.ts";
import { ScrubResult } from "./dhcp_scrub.ts";
import { finishMessage, packetEndOf, sumPart } from "./ipv6_message.ts";
import { type LanNetworks, NetworkVerdict } from "./lan_networks.ts";

/** What comes through a router has less (RFC 4861 section 6.1.2). */
const HOP_LIMIT = 255;
const HOP_LIMIT_OFFSET = 7;
const HEADER_BYTES = 16;
const CHECKSUM_OFFSET = 2;
/** From here on the message may change; an even number of bytes. */
const CHANGES_OFFSET = 4;
const FLAGS_OFFSET = 5;
const LIFETIME_OFFSET = 6;
const TIMES_OFFSET = 8;
/** M and O: addresses, or settings, are to be had by DHCPv6. */
const FLAGS_KEPT = 0xc0;
const PREFERENCE_FLAGS = 0x18;
const OPTION_UNIT_BYTES = 8;
const PREFIX_OPTION = 3;
const PREFIX_OPTION_BYTES = 32;
const PREFIX_BYTES = 16;
/** L and A: it is on the link, and addresses can be made of it. */
const PREFIX_FLAGS_KEPT = 0xc0;

/** Scrubs advertisements in place, and allocates nothing. */
export class RouterScrubber {
  readonly #networks: LanNetworks;
  readonly #allowsDefaultRoute: boolean;
  readonly #passing: Uint8Array;
  /** What was wrong with the last prefix that was taken out, and where it lay: good if none was. */
  verdict: number = NetworkVerdict.good;
  prefixBits = 0;
  readonly prefix: Uint8Array<ArrayBuffer> = new Uint8Array(PREFIX_BYTES);

  constructor(networks: LanNetworks, allowsDefaultRoute = false) {
    this.#networks = networks;
    this.#allowsDefaultRoute = allowsDefaultRoute;
    this.#passing = passing(ROUTER_OPTIONS, allowsDefaultRoute);
  }

  /** Whether a frame is a router advertisement, or the first fragment of one. */
  static isAdvertisement(dissection: Dissection): boolean {
    return dissection.ipVersion === 6 && dissection.ipProtocol === IpProtocol.icmpv6 &&
      dissection.icmpType === Icmpv6Type.routerAdvertisement;
  }

  /**
   * Looks at the frame at `bytes[offset … offset + length)`, which `dissection` describes, and scrubs it
   * if it is a router advertisement. Returns a {@link ScrubResult}; if that is negative, the bytes are as
   * they were.
   */
  scrub(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): number {
    if (!RouterScrubber.isAdvertisement(dissection)) return ScrubResult.other;
    if (dissection.ipFragment !== IpFragment.no) return ScrubResult.fragment;
    const { networkOffset: network, transportOffset: message } = dissection;
    const end = packetEndOf(bytes, network, offset + length);
    const isWhole = message >= 0 && end >= message + HEADER_BYTES && bytes[message + 1] === 0 &&
      bytes[network + HOP_LIMIT_OFFSET] === HOP_LIMIT &&
      areOptions(bytes, message + HEADER_BYTES, end);
    return isWhole ? this.#rewrite(bytes, network, message, end) : ScrubResult.malformed;
  }

  #rewrite(bytes: Uint8Array, network: number, message: number, end: number): number {
    this.verdict = NetworkVerdict.good;
    const start = message + CHANGES_OFFSET;
    const sumBefore = sumPart(bytes, start, end);
    bytes[start] = 0;
    bytes[message + FLAGS_OFFSET] &= this.#allowsDefaultRoute
      ? FLAGS_KEPT | PREFERENCE_FLAGS
      : FLAGS_KEPT;
    //= PROTOCOL.md 12
    //# Where the user lets the LAN's default route in, lifetime and preference stay, the options
    //# 24, 25 and 31, and prefixes of others.
    if (!this.#allowsDefaultRoute) writeU16(bytes, message + LIFETIME_OFFSET, 0);
    //= PROTOCOL.md 12
    //# Then they come without router: hop limit, router lifetime, the two times and all flags but M
    //# and O become 0.
    bytes.fill(0, message + TIMES_OFFSET, message + HEADER_BYTES);
    let to = message + HEADER_BYTES;
    for (let at = to; at < end;) {
      const next = at + bytes[at + 1] * OPTION_UNIT_BYTES;
      if (this.#passes(bytes, at, next)) {
        if (at !== to) bytes.copyWithin(to, at, next);
        if (bytes[to] === PREFIX_OPTION) bytes[to + 3] &= PREFIX_FLAGS_KEPT;
        to += next - at;
      }
      at = next;
    }
    finishMessage(bytes, network, message + CHECKSUM_OFFSET, start, to, end, sumBefore, 1);
    return ScrubResult.scrubbed;
  }

  //= PROTOCOL.md 12
  //# The options 1 and 3 stay, of 3 those whose prefix is the LAN's to give: of fc00::/7, with at
  //# least 48 bits.
  #passes(bytes: Uint8Array, at: number, end: number): boolean {
    if (this.#passing[bytes[at]] === 0) return false;
    if (bytes[at] !== PREFIX_OPTION) return true;
    if (end - at !== PREFIX_OPTION_BYTES) return false;
    const prefixBits = bytes[at + 2];
    const prefixAt = at + PREFIX_OPTION_BYTES - PREFIX_BYTES;
    const verdict = this.#networks.judge(bytes, prefixAt, PREFIX_BYTES, prefixBits);
    if (verdict === NetworkVerdict.good) return true;
    this.verdict = verdict;
    this.prefixBits = prefixBits;
    for (let i = 0; i < PREFIX_BYTES; i++) this.prefix[i] = bytes[prefixAt + i];
    return false;
  }
}

/** Whether a field is a sequence of whole options. */
function areOptions(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (at + OPTION_UNIT_BYTES > end || bytes[at + 1] === 0) return false;
    at += bytes[at + 1] * OPTION_UNIT_BYTES;
  }
  return at === end;
}
