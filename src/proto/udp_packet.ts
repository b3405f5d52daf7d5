/**
 * The headers of a UDP packet of IPv4 (RFC 791, RFC 768), as this program writes them itself.
 *
 * @module
 */

import { writeU16, writeU32 } from "./bytes.ts";
import { foldChecksum, sumBytes } from "./checksum.ts";
import { IpProtocol } from "./dissect.ts";
import {
  IPV4_DESTINATION_OFFSET,
  IPV4_HEADER_BYTES,
  IPV4_SOURCE_OFFSET,
  UDP_HEADER_BYTES,
} from "./ip.ts";

/** Bytes in front of a packet's contents. */
export const UDP_PACKET_HEADER_BYTES: number = IPV4_HEADER_BYTES + UDP_HEADER_BYTES;

/** From whom to whom. Addresses are 32-bit numbers. */
export interface UdpWay {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
  /** How many routers may pass it on, and one. */
  readonly timeToLive: number;
}

/** Writes both headers at `bytes[at]`; the contents are there already, up to the end. */
export function writeUdpPacket(bytes: Uint8Array, at: number, way: UdpWay): void {
  bytes[at] = 0x45;
  writeU16(bytes, at + 2, bytes.length - at);
  bytes[at + 8] = way.timeToLive;
  bytes[at + 9] = IpProtocol.udp;
  writeU32(bytes, at + IPV4_SOURCE_OFFSET, way.source);
  writeU32(bytes, at + IPV4_DESTINATION_OFFSET, way.destination);
  writeU16(bytes, at + 10, foldChecksum(sumBytes(bytes, at, IPV4_HEADER_BYTES)));
  const udp = at + IPV4_HEADER_BYTES;
  const lengthBytes = bytes.length - udp;
  writeU16(bytes, udp, way.sourcePort);
  writeU16(bytes, udp + 2, way.destinationPort);
  writeU16(bytes, udp + 4, lengthBytes);
  // The pseudo header: both addresses, which lie right in front, the protocol and the length.
  const pseudo = sumBytes(bytes, udp - 8, 8) + IpProtocol.udp + lengthBytes;
  writeU16(bytes, udp + 6, foldChecksum(sumBytes(bytes, udp, lengthBytes, pseudo)) || 0xffff);
}
