/**
 * What this PC says to DHCP servers of the LAN: read, and narrowed to what would be let through, so that an
 * honest server does not answer with what would be taken out.
 *
 * @module
 */

import { readU16, readU32 } from "../proto/bytes.ts";
import { correctChecksum, sumBytes } from "../proto/checksum.ts";
import { DhcpField, DhcpOption } from "../proto/dhcp.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { UDP_HEADER_BYTES, UdpPort } from "../proto/ip.ts";
import { findOption } from "./dhcp_option_walk.ts";

const CHECKSUM_OFFSET = 6;

/** The type of what the frame that ends at `end` says to a DHCP server; 0: it is no such message. */
export function requestType(bytes: Uint8Array, end: number, dissection: Dissection): number {
  if (
    dissection.destinationPort !== UdpPort.dhcpServer || dissection.ipVersion !== 4 ||
    dissection.ipProtocol !== IpProtocol.udp || dissection.transportOffset < 0
  ) {
    return 0;
  }
  const type = findOption(bytes, messageOf(dissection), end, DhcpOption.messageType, 1);
  return type < 0 ? 0 : bytes[type];
}

/** The transaction of such a message. */
export function requestXid(bytes: Uint8Array, dissection: Dissection): number {
  return readU32(bytes, messageOf(dissection) + DhcpField.transactionId);
}

/**
 * Takes out of what such a message asks for (option 55) what would not pass; in its place the mask is
 * asked for once more. The length stays, and the checksum follows.
 *
 * @param passing by code, 1 where an option passes
 */
export function narrowRequest(
  bytes: Uint8Array,
  end: number,
  dissection: Dissection,
  passing: Uint8Array,
): void {
  if (dissection.ipFragment !== IpFragment.no) return;
  const message = messageOf(dissection);
  const list = findOption(bytes, message, end, DhcpOption.parameters, -1);
  if (list < 0) return;
  const listEnd = list + bytes[list - 1];
  // From an even distance on, as the checksum's words lie.
  const start = list - ((list - message) & 1);
  const before = sumBytes(bytes, start, listEnd - start);
  for (let at = list; at < listEnd; at++) {
    //= PROTOCOL.md 12
    //# in what it asks DHCP servers for (option 55), a code that would not pass is replaced by 1.
    if (passing[bytes[at]] === 0) bytes[at] = DhcpOption.subnetMask;
  }
  const checksumAt = dissection.transportOffset + CHECKSUM_OFFSET;
  if (readU16(bytes, checksumAt) === 0) return; // none (RFC 768)
  correctChecksum(bytes, checksumAt, before, sumBytes(bytes, start, listEnd - start));
}

function messageOf({ transportOffset }: Dissection): number {
  return transportOffset + UDP_HEADER_BYTES;
}
