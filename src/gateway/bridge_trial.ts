/**
 * Tries whether this machine lets frames cross its bridge from the gateway's port to the others. Where the kernel hands
 * bridged packets to the firewall of IP (`net.bridge.bridge-nf-call-iptables`) and that drops what it forwards, as Docker
 * has it, ARP passes and nothing else does. What a firewall does stands in several languages (nftables, two kinds of
 * iptables, ebtables), so it is not read but tried:
 *
 * ```
 *  our port ── frames to nobody's MAC ──► bridge ──► another port: what leaves there is seen by a packet socket
 *               │ of an own EtherType, by which it shows that the bridge lets through anything at all
 *               │ of ARP, IPv4 and IPv6: TEST-NET-1 and link-local addresses, with one hop to live
 * ```
 *
 * They are 60 bytes long and leave by the LAN's cards: once at first, then each 10 s only where a setting makes it
 * likely that something is dropped.
 *
 * @module
 */

import type { BridgedProtocol } from "../observe/lan_link.ts";
import { encodeArpRequest } from "../proto/arp.ts";
import { writeU16 } from "../proto/bytes.ts";
import {
  ETHER_TYPE_OFFSET,
  ETHERNET_HEADER_BYTES,
  EtherType,
  FRAME_BYTES_MIN,
  SOURCE_MAC_OFFSET,
} from "../proto/ethernet.ts";
import { IPV6_BYTES } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { UDP_PACKET_HEADER_BYTES, writeUdpPacket } from "../proto/udp_packet.ts";

/** How long after its frames a trial is judged, ms: a bridge forwards at once. */
export const TRIAL_WAIT_MS = 300;
/** When it is tried once more what did not pass, ms. */
export const TRIAL_AGAIN_MS = 1_000;
/** How often it is tried where something may be dropped, ms. */
export const TRIAL_INTERVAL_MS = 10_000;
/** So often in a row the same must be found missing to be believed. */
export const MISSES_MIN = 2;

/** What is known of a bridge beside what passes it. */
export interface BridgeSetting {
  /** Whether something makes it likely that it drops frames. */
  readonly isSuspicious: boolean;
  /** Whether it tells VLANs apart. */
  readonly hasVlans: boolean;
  /** Whether it has other ports, by which something could leave. */
  readonly hasOtherPorts: boolean;
}

/** What a trial has shown. */
export interface BridgeVerdict {
  /** Nothing at all passes, and VLANs may be why. */
  readonly isCut: boolean;
  /** What does not pass although other frames do. */
  readonly dropped: readonly BridgedProtocol[];
}

const PROTOCOLS: readonly [BridgedProtocol, number][] = [
  ["ARP", EtherType.arp],
  ["IPv4", EtherType.ipv4],
  ["IPv6", EtherType.ipv6],
];
const GOOD: BridgeVerdict = { isCut: false, dropped: [] };
/** Addresses for documentation (RFC 5737, TEST-NET-1), which nobody has: 192.0.2.1 and 192.0.2.2. */
const [SOURCE, TARGET] = [0xc000_0201, 0xc000_0202];
const DISCARD_PORT = 9;
const NO_NEXT_HEADER = 59;
const HOPS = 1;

/** See the module. */
export class BridgeTrial {
  readonly #mac: Uint8Array;
  readonly #target: Uint8Array;
  #isUp = false;
  #isDecided = false;
  #isRunning = false;
  #dueMs = Infinity;
  #misses = 0;
  #verdict = GOOD;

  /**
   * @param mac the gateway's port's, six bytes
   * @param random six bytes, of which nobody's MAC is made
   */
  constructor(mac: Uint8Array, random: Uint8Array) {
    this.#mac = mac.slice();
    this.#target = random.slice(0, MAC_BYTES);
    this.#target[0] = random[0] & 0xfc | 0x02;
  }

  /** The MAC that the frames go to. */
  get target(): Uint8Array {
    return this.#target;
  }

  /** Whether the port lets frames through; to be called at first and when it has changed. */
  handlePort(isUp: boolean, nowMs: number): void {
    this.#isUp = isUp;
    this.#isRunning = false;
    this.#isDecided = false;
    this.#misses = 0;
    this.#dueMs = nowMs;
  }

  /** When a trial that runs is to be judged, ms. */
  nextDeadlineMs(): number {
    return this.#isRunning ? this.#dueMs : Infinity;
  }

  /** `begin`: {@linkcode frames} are to be sent now; `judge`: {@linkcode handleSeen} is to be told what has passed. */
  take(setting: BridgeSetting, nowMs: number): "begin" | "judge" | undefined {
    if (nowMs < this.#dueMs) return undefined;
    if (this.#isRunning) {
      this.#isRunning = false;
      return "judge";
    }
    const isWanted = !this.#isDecided || setting.isSuspicious || !isGood(this.#verdict);
    if (!this.#isUp || !isWanted) return undefined;
    this.#isRunning = true;
    this.#dueMs = nowMs + TRIAL_WAIT_MS;
    return "begin";
  }

  /** The frames of a trial: of our own EtherType, ARP, IPv4, IPv6. */
  frames(): readonly Uint8Array<ArrayBuffer>[] {
    const header = new Uint8Array(FRAME_BYTES_MIN);
    header.set(this.#target);
    header.set(this.#mac, SOURCE_MAC_OFFSET);
    const arp = encodeArpRequest(this.#mac, SOURCE, TARGET).subarray(ETHERNET_HEADER_BYTES);
    return [
      framed(header, EtherType.camRefresh, new Uint8Array(0)),
      framed(header, EtherType.arp, arp),
      framed(header, EtherType.ipv4, ipv4Packet()),
      framed(header, EtherType.ipv6, ipv6Packet()),
    ];
  }

  /**
   * What of it has left by another port, by EtherType.
   *
   * @returns what is so; undefined: it has to be tried once more
   */
  handleSeen(
    etherTypes: ReadonlySet<number>,
    setting: BridgeSetting,
    nowMs: number,
  ): BridgeVerdict | undefined {
    const verdict = judge(etherTypes, setting);
    this.#misses = JSON.stringify(verdict) === JSON.stringify(this.#verdict) ? this.#misses + 1 : 1;
    this.#verdict = verdict;
    if (!isGood(verdict) && this.#misses < MISSES_MIN) {
      this.#dueMs = nowMs + TRIAL_AGAIN_MS;
      return undefined;
    }
    this.#isDecided = true;
    this.#dueMs = nowMs + TRIAL_INTERVAL_MS;
    return verdict;
  }
}

/** Where nothing passes at all, a firewall of IP is not why: other ports may just be off. */
function judge(
  etherTypes: ReadonlySet<number>,
  { hasVlans, hasOtherPorts }: BridgeSetting,
): BridgeVerdict {
  if (!etherTypes.has(EtherType.camRefresh)) {
    return hasVlans && hasOtherPorts ? { isCut: true, dropped: [] } : GOOD;
  }
  const dropped = PROTOCOLS.filter(([, etherType]) => !etherTypes.has(etherType));
  return { isCut: false, dropped: dropped.map(([protocol]) => protocol) };
}

function isGood({ isCut, dropped }: BridgeVerdict): boolean {
  return !isCut && dropped.length === 0;
}

function framed(
  header: Uint8Array,
  etherType: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(header.length);
  frame.set(header);
  writeU16(frame, ETHER_TYPE_OFFSET, etherType);
  frame.set(payload, ETHERNET_HEADER_BYTES);
  return frame;
}

/** An empty datagram to the port that discards all (RFC 863), which no router passes on. */
function ipv4Packet(): Uint8Array {
  const packet = new Uint8Array(UDP_PACKET_HEADER_BYTES);
  writeUdpPacket(packet, 0, {
    ...{ source: SOURCE, sourcePort: DISCARD_PORT },
    ...{ destination: TARGET, destinationPort: DISCARD_PORT, timeToLive: HOPS },
  });
  return packet;
}

/** A header from fe80::1 to fe80::2, with nothing behind it. */
function ipv6Packet(): Uint8Array {
  const packet = new Uint8Array(8 + 2 * IPV6_BYTES);
  packet[0] = 0x60;
  packet[6] = NO_NEXT_HEADER;
  packet[7] = HOPS;
  for (const [at, last] of [[8, 1], [8 + IPV6_BYTES, 2]]) {
    packet[at] = 0xfe;
    packet[at + 1] = 0x80;
    packet[at + IPV6_BYTES - 1] = last;
  }
  return packet;
}
