/**
 * ARP for IPv4 on Ethernet (RFC 826): where a message's parts lie, and a question as a client sends it itself.
 *
 * ```
 *  0 hardware 2 protocol 4 lengths 6 operation 8 sender MAC 14 sender IP 18 target MAC 24 target IP
 * ```
 *
 * @module
 */

import { readU16, writeU16, writeU32 } from "./bytes.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "./ethernet.ts";
import { IPV4_BYTES } from "./ip.ts";
import { MAC_BYTES } from "./mac.ts";

/** The operation of a question. */
export const ARP_REQUEST = 1;

/** Where a message's parts lie, from its beginning on. */
export const ArpField = {
  protocol: 2,
  lengths: 4,
  operation: 6,
  senderMac: 8,
  senderAddress: 14,
  targetAddress: 24,
} as const;

/** Bytes of a message. */
export const ARP_BYTES = 28;
/** Lengths of a MAC and of an IPv4 address, as one 16-bit number. */
export const ARP_LENGTHS: number = MAC_BYTES << 8 | IPV4_BYTES;
const HARDWARE_ETHERNET = 1;

/**
 * A broadcast that asks who has `target`. Addresses are 32-bit numbers.
 *
 * @param mac the adapter's, six bytes
 * @param sender its address; 0: it has none yet, which makes the request a probe
 */
export function encodeArpRequest(mac: Uint8Array, sender: number, target: number): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + ARP_BYTES);
  frame.fill(0xff, 0, MAC_BYTES);
  frame.set(mac, MAC_BYTES);
  writeU16(frame, ETHER_TYPE_OFFSET, EtherType.arp);
  const arp = ETHERNET_HEADER_BYTES;
  writeU16(frame, arp, HARDWARE_ETHERNET);
  writeU16(frame, arp + ArpField.protocol, EtherType.ipv4);
  writeU16(frame, arp + ArpField.lengths, ARP_LENGTHS);
  writeU16(frame, arp + ArpField.operation, ARP_REQUEST);
  frame.set(mac, arp + ArpField.senderMac);
  writeU32(frame, arp + ArpField.senderAddress, sender);
  writeU32(frame, arp + ArpField.targetAddress, target);
  return frame;
}

/** Whether `bytes[offset … end)` begins with such a message. */
export function isArpOfIpv4(bytes: Uint8Array, offset: number, end: number): boolean {
  return end - offset >= ARP_BYTES && readU16(bytes, offset) === HARDWARE_ETHERNET &&
    readU16(bytes, offset + ArpField.protocol) === EtherType.ipv4 &&
    readU16(bytes, offset + ArpField.lengths) === ARP_LENGTHS;
}
