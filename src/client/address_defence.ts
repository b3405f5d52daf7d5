/**
 * Whether the leased address is this PC's alone (RFC 5227, Address Conflict Detection): it is used at once,
 * asked for meanwhile, then announced, and defended as long as it is used.
 *
 * ```
 *  begin ── probe ── 200 ms ── probe ── 200 ms ── probe ── 200 ms ── announcement ── 2 s ── announcement
 *     └───────── somebody has it: conflict ──────────┘└── somebody claims it: announced once more,
 *                                                         a second time within 10 s: conflict
 * ```
 *
 * @module
 */

import { readU16, readU32, writeU16, writeU32 } from "../proto/bytes.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../proto/ethernet.ts";
import { equalMacs, MAC_BYTES } from "../proto/mac.ts";

const PROBES = 3;
const PROBE_INTERVAL_MS = 200;
const ANNOUNCEMENTS = 2;
const ANNOUNCE_INTERVAL_MS = 2_000;
/** DEFEND_INTERVAL of RFC 5227, section 1.1. */
const DEFEND_INTERVAL_MS = 10_000;

/** `htype ptype hlen plen` of ARP for IPv4 on Ethernet (RFC 826), as two 16-bit numbers and one. */
const ARP_BYTES = 28;
const HARDWARE_ETHERNET = 1;
const LENGTHS = MAC_BYTES << 8 | 4;
const OPERATION_REQUEST = 1;
const SENDER_MAC_OFFSET = 8;
const SENDER_ADDRESS_OFFSET = 14;
const TARGET_ADDRESS_OFFSET = 24;

/** Watches over one address at a time. */
export class AddressDefence {
  readonly #mac: Uint8Array;
  #address = 0;
  #probesLeft = 0;
  #announcementsLeft = 0;
  #nextMs = Infinity;
  #defendedMs = -Infinity;
  #isProbing = false;
  #frames: Uint8Array[] = [];

  /** @param mac the adapter's, six bytes */
  constructor(mac: Uint8Array) {
    this.#mac = mac;
  }

  /** The address that is watched over, as a 32-bit number; 0: none. */
  get address(): number {
    return this.#address;
  }

  /** When `handleTimeout` is to be called next. */
  get deadlineMs(): number {
    return this.#nextMs;
  }

  /** An address has been set on the adapter. */
  begin(address: number, nowMs: number): void {
    this.#address = address;
    this.#isProbing = true;
    this.#probesLeft = PROBES;
    this.#announcementsLeft = ANNOUNCEMENTS;
    this.#nextMs = nowMs;
    this.#defendedMs = -Infinity;
    this.handleTimeout(nowMs);
  }

  /** The address is not used any more. */
  end(): void {
    this.#address = 0;
    this.#nextMs = Infinity;
    this.#isProbing = false;
  }

  /** To be called when `deadlineMs` has come. */
  handleTimeout(nowMs: number): void {
    if (nowMs < this.#nextMs || this.#address === 0) return;
    if (this.#probesLeft > 0) {
      this.#probesLeft--;
      this.#frames.push(this.#encode(0));
      this.#nextMs = nowMs + PROBE_INTERVAL_MS;
      return;
    }
    this.#isProbing = false;
    this.#frames.push(this.#encode(this.#address));
    this.#announcementsLeft--;
    this.#nextMs = this.#announcementsLeft > 0 ? nowMs + ANNOUNCE_INTERVAL_MS : Infinity;
  }

  /**
   * An ARP message out of the LAN, at `bytes[offset … end)` behind the Ethernet header. True: another
   * station has the address, and it must be given up.
   */
  handleArp(bytes: Uint8Array, offset: number, end: number, nowMs: number): boolean {
    if (this.#address === 0 || !isArpOfIpv4(bytes, offset, end)) return false;
    if (equalMacs(bytes, offset + SENDER_MAC_OFFSET, this.#mac, 0)) return false;
    const sender = readU32(bytes, offset + SENDER_ADDRESS_OFFSET);
    const target = readU32(bytes, offset + TARGET_ADDRESS_OFFSET);
    // Whoever probes for it at the same time is about to use it (RFC 5227, section 2.1.1).
    const probes = this.#isProbing && sender === 0 && target === this.#address &&
      readU16(bytes, offset + 6) === OPERATION_REQUEST;
    if (sender !== this.#address && !probes) return false;
    if (this.#isProbing || nowMs - this.#defendedMs < DEFEND_INTERVAL_MS) return true;
    this.#defendedMs = nowMs;
    this.#frames.push(this.#encode(this.#address));
    return false;
  }

  /** The frames to be sent since the last call. */
  drainFrames(): Uint8Array[] {
    return this.#frames.splice(0);
  }

  /** A broadcast request for the address: with sender 0 a probe, with the address an announcement. */
  #encode(sender: number): Uint8Array {
    const frame = new Uint8Array(ETHERNET_HEADER_BYTES + ARP_BYTES);
    frame.fill(0xff, 0, MAC_BYTES);
    frame.set(this.#mac, MAC_BYTES);
    writeU16(frame, ETHER_TYPE_OFFSET, EtherType.arp);
    const arp = ETHERNET_HEADER_BYTES;
    writeU16(frame, arp, HARDWARE_ETHERNET);
    writeU16(frame, arp + 2, EtherType.ipv4);
    writeU16(frame, arp + 4, LENGTHS);
    writeU16(frame, arp + 6, OPERATION_REQUEST);
    frame.set(this.#mac, arp + SENDER_MAC_OFFSET);
    writeU32(frame, arp + SENDER_ADDRESS_OFFSET, sender);
    writeU32(frame, arp + TARGET_ADDRESS_OFFSET, this.#address);
    return frame;
  }
}

function isArpOfIpv4(bytes: Uint8Array, offset: number, end: number): boolean {
  return end - offset >= ARP_BYTES && readU16(bytes, offset) === HARDWARE_ETHERNET &&
    readU16(bytes, offset + 2) === EtherType.ipv4 && readU16(bytes, offset + 4) === LENGTHS;
}
