/**
 * ARP for IPv4 on Ethernet (RFC 826), as a client sends it itself, and where a message's parts lie.
 *
 * ```
 *  0 hardware 2 protocol 4 lengths 6 operation 8 sender MAC 14 sender IP 18 target MAC 24 target IP
 * ```
 *
 * @module
 */

import { readU16, writeU16, writeU32 } from "../proto/bytes.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../proto/ethernet.ts";
import { MAC_BYTES } from "../proto/mac.ts";

/** The operation of a question. */
export const ARP_REQUEST = 1;

/** Where a message's parts lie, from its beginning on. */
export const ArpField = {
  operation: 6,
  senderMac: 8,
  senderAddress: 14,
  targetAddress: 24,
} as const;

/** `htype ptype hlen plen`, as two 16-bit numbers and one. */
const ARP_BYTES = 28;
const HARDWARE_ETHERNET = 1;
const LENGTHS = MAC_BYTES << 8 | 4;

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
  writeU16(frame, arp + 2, EtherType.ipv4);
  writeU16(frame, arp + 4, LENGTHS);
  writeU16(frame, arp + ArpField.operation, ARP_REQUEST);
  frame.set(mac, arp + ArpField.senderMac);
  writeU32(frame, arp + ArpField.senderAddress, sender);
  writeU32(frame, arp + ArpField.targetAddress, target);
  return frame;
}

/** Whether `bytes[offset … end)` begins with such a message. */
export function isArpOfIpv4(bytes: Uint8Array, offset: number, end: number): boolean {
  return end - offset >= ARP_BYTES && readU16(bytes, offset) === HARDWARE_ETHERNET &&
    readU16(bytes, offset + 2) === EtherType.ipv4 && readU16(bytes, offset + 4) === LENGTHS;
}
