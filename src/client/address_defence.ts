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

import { readU16, readU32 } from "../proto/bytes.ts";
import { equalMacs } from "../proto/mac.ts";
import { ARP_REQUEST, ArpField, encodeArpRequest, isArpOfIpv4 } from "../proto/arp.ts";

const PROBES = 3;
const PROBE_INTERVAL_MS = 200;
const ANNOUNCEMENTS = 2;
const ANNOUNCE_INTERVAL_MS = 2_000;
/** DEFEND_INTERVAL of RFC 5227, section 1.1. */
const DEFEND_INTERVAL_MS = 10_000;

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
    if (equalMacs(bytes, offset + ArpField.senderMac, this.#mac, 0)) return false;
    const sender = readU32(bytes, offset + ArpField.senderAddress);
    const target = readU32(bytes, offset + ArpField.targetAddress);
    // Whoever probes for it at the same time is about to use it (RFC 5227, section 2.1.1).
    const probes = this.#isProbing && sender === 0 && target === this.#address &&
      readU16(bytes, offset + ArpField.operation) === ARP_REQUEST;
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
    return encodeArpRequest(this.#mac, sender, this.#address);
  }
}
