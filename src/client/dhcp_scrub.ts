/**
 * Takes out of DHCP replies what would take over the player's routes and names.
 *
 * The LAN's DHCP server gives the player's TAP an address; its router and its name servers must
 * not become the player's own (TunnelVision, CVE-2024-3661). The options go, everything else stays:
 *
 * ```
 *  BOOTP message, from the first byte after the UDP header (RFC 2131 section 2)
 *    0 op   1 htype   2 hlen   3 hops   4 xid …   28 chaddr (16)
 *   44 sname (64)   108 file (128)   236 magic cookie 63 82 53 63   240 options …
 * ```
 *
 * A message keeps its length: the options that stay move together, an end option (255) follows
 * them, and zeroes fill the rest of the field. So the IP header and the frame's length need no
 * change, and only the UDP checksum does. It is corrected by the difference (RFC 1624), so that a
 * message that arrived damaged stays recognisably damaged.
 *
 * @module
 */

import { foldChecksum, sumBytes } from "../proto/checksum.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";

/** What {@link DhcpScrubber.scrub} did: not negative means that the frame may go on. */
export const ScrubResult = {
  /** No DHCP reply. */
  other: 0,
  /** A reply without such options, or one that is only looked at: not a byte has changed. */
  clean: 1,
  /** A reply from which options were taken out. */
  scrubbed: 2,
  /** A reply that is split over IP fragments: it cannot be scrubbed, so it must be dropped. */
  fragment: -1,
  /** UDP to the DHCP client's port that is no well-formed reply: it must be dropped. */
  malformed: -2,
} as const;

/** The options taken out (RFC 2132, 3442, and Microsoft's and the browsers' private ones). */
export const SCRUBBED_OPTIONS: readonly number[] = [
  3, // router
  6, // domain name servers
  33, // static routes
  121, // classless static routes
  249, // classless static routes, as Windows asked for them first
  252, // web proxy auto-discovery
];

const DHCP_CLIENT_PORT = 68;
const UDP_HEADER_BYTES = 8;
const BOOTREPLY = 2;
const SNAME_OFFSET = 44;
const FILE_OFFSET = 108;
const COOKIE_OFFSET = 236;
const OPTIONS_OFFSET = 240;
const MAGIC_COOKIE = 0x63825363;

const OPTION_PAD = 0;
const OPTION_OVERLOAD = 52;
const OPTION_END = 255;
const OVERLOAD_FILE = 1;
const OVERLOAD_SNAME = 2;

/** A field is not a sequence of whole options. */
const MALFORMED = -1;

/** Scrubs replies in place. Keeps a little state between its steps, so that none is allocated. */
export class DhcpScrubber {
  readonly #remove: boolean;
  readonly #unwanted = new Uint8Array(256);
  /** Value of the overload option of the message at hand; 0: none. */
  #overload = 0;
  /** What the rewritten fields add to the ones' complement sum of the message at hand. */
  #sumBefore = 0;
  #sumAfter = 0;
  /** Index of the first byte of the BOOTP message of the last reply, and the one after its last. */
  messageOffset = 0;
  messageEnd = 0;
  /** By option number: whether the last reply had it and it was taken out. */
  readonly #removed = new Uint8Array(256);

  /** Without `remove` it only says what it sees, and changes nothing. */
  constructor(remove = true) {
    this.#remove = remove;
    for (const code of SCRUBBED_OPTIONS) this.#unwanted[code] = 1;
  }

  /**
   * Looks at the frame at `bytes[offset … offset + length)`, which `dissection` describes, and
   * takes the options out if it is a DHCP reply. The length never changes. Returns a
   * {@link ScrubResult}; if that is negative, the bytes are as they were.
   */
  scrub(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): number {
    if (
      dissection.ipVersion !== 4 || dissection.ipProtocol !== IpProtocol.udp ||
      dissection.destinationPort !== DHCP_CLIENT_PORT
    ) {
      return ScrubResult.other;
    }
    if (dissection.ipFragment !== IpFragment.no) return ScrubResult.fragment;
    const udp = dissection.transportOffset;
    const udpEnd = udpEndOf(bytes, offset + length, dissection.networkOffset, udp);
    const message = udp + UDP_HEADER_BYTES;
    if (udpEnd < 0 || !isReply(bytes, message, udpEnd)) return ScrubResult.malformed;
    this.messageOffset = message;
    this.messageEnd = udpEnd;
    return this.#scrubMessage(bytes, udp, message, udpEnd);
  }

  /** The numbers of the options that were taken out of the last reply. */
  removedOptions(): number[] {
    return SCRUBBED_OPTIONS.filter((code) => this.#removed[code] !== 0);
  }

  /** Checks every field before the first byte is written. */
  #scrubMessage(bytes: Uint8Array, udp: number, message: number, end: number): number {
    this.#overload = 0;
    this.#removed.fill(0);
    const options = message + OPTIONS_OFFSET;
    const file = message + FILE_OFFSET;
    const sname = message + SNAME_OFFSET;
    const fromOptions = this.#count(bytes, options, end);
    if (fromOptions === MALFORMED) return ScrubResult.malformed;
    let fromFile = 0;
    if ((this.#overload & OVERLOAD_FILE) !== 0) {
      fromFile = this.#count(bytes, file, message + COOKIE_OFFSET);
    }
    let fromSname = 0;
    if ((this.#overload & OVERLOAD_SNAME) !== 0) fromSname = this.#count(bytes, sname, file);
    if (fromFile === MALFORMED || fromSname === MALFORMED) return ScrubResult.malformed;
    if (fromOptions + fromFile + fromSname === 0 || !this.#remove) return ScrubResult.clean;

    this.#sumBefore = 0;
    this.#sumAfter = 0;
    if (fromOptions > 0) this.#compact(bytes, options, end);
    if (fromFile > 0) this.#compact(bytes, file, message + COOKIE_OFFSET);
    if (fromSname > 0) this.#compact(bytes, sname, file);
    this.#correctChecksum(bytes, udp + 6);
    return ScrubResult.scrubbed;
  }

  /**
   * How many unwanted options stand in a field, or MALFORMED. A field that ends with its last
   * option and has no end option is accepted, since there is one way only to read it.
   */
  #count(bytes: Uint8Array, start: number, end: number): number {
    let unwanted = 0;
    let at = start;
    while (at < end) {
      const code = bytes[at];
      if (code === OPTION_END) break;
      if (code === OPTION_PAD) {
        at++;
        continue;
      }
      if (at + 2 > end) return MALFORMED;
      const optionBytes = 2 + bytes[at + 1];
      if (at + optionBytes > end) return MALFORMED;
      if (code === OPTION_OVERLOAD) {
        // With a second one, in this field or an overloaded one, receivers would differ in what they
        // read.
        if (this.#overload !== 0 || optionBytes !== 3) return MALFORMED;
        const value = bytes[at + 2];
        if (value < OVERLOAD_FILE || value > (OVERLOAD_FILE | OVERLOAD_SNAME)) return MALFORMED;
        this.#overload = value;
      }
      unwanted += this.#unwanted[code];
      at += optionBytes;
    }
    return unwanted;
  }

  /** Moves the wanted options of a field together. At least one goes, so the end option fits. */
  #compact(bytes: Uint8Array, start: number, end: number): void {
    // Every field starts at an even distance from the UDP header, as the checksum's words do.
    this.#sumBefore = sumBytes(bytes, start, end - start, this.#sumBefore);
    let from = start;
    let to = start;
    while (from < end && bytes[from] !== OPTION_END) {
      const code = bytes[from];
      const optionBytes = code === OPTION_PAD ? 1 : 2 + bytes[from + 1];
      if (this.#unwanted[code] === 0) {
        if (from !== to) bytes.copyWithin(to, from, from + optionBytes);
        to += optionBytes;
      } else {
        this.#removed[code] = 1;
      }
      from += optionBytes;
    }
    bytes[to++] = OPTION_END;
    bytes.fill(0, to, end);
    this.#sumAfter = sumBytes(bytes, start, end - start, this.#sumAfter);
  }

  /** RFC 1624: C' = ~(~C + ~m + m'). A checksum of zero means "none" and stays (RFC 768). */
  #correctChecksum(bytes: Uint8Array, at: number): void {
    const checksum = (bytes[at] << 8) | bytes[at + 1];
    if (checksum === 0) return;
    const notBefore = foldChecksum(this.#sumBefore);
    const after = ~foldChecksum(this.#sumAfter) & 0xffff;
    const corrected = foldChecksum((~checksum & 0xffff) + notBefore + after);
    const sent = corrected === 0 ? 0xffff : corrected;
    bytes[at] = sent >> 8;
    bytes[at + 1] = sent & 0xff;
  }
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

function isReply(bytes: Uint8Array, message: number, end: number): boolean {
  if (message + OPTIONS_OFFSET > end || bytes[message] !== BOOTREPLY) return false;
  const cookie = message + COOKIE_OFFSET;
  return ((bytes[cookie] << 24) | (bytes[cookie + 1] << 16) | (bytes[cookie + 2] << 8) |
    bytes[cookie + 3]) === MAGIC_COOKIE;
}
