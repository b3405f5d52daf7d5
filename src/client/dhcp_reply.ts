/**
 * What DHCP messages tell, read from their bytes: of a reply for the player's status lines, and what this
 * PC asks for.
 *
 * @module
 */

import type { StatusEvent } from "../obs/status.ts";
import { readU32 } from "../proto/bytes.ts";
import { type Dissection, IpProtocol } from "../proto/dissect.ts";

/** A DHCP reply as the player is told of it. */
export type DhcpStatus = Extract<StatusEvent, { type: "dhcp" }>;

const XID_OFFSET = 4;
const YOUR_ADDRESS_OFFSET = 16;
const HARDWARE_ADDRESS_OFFSET = 28;
const OPTIONS_OFFSET = 240;
const OPTION_PAD = 0;
const OPTION_LEASE_SECONDS = 51;
const OPTION_MESSAGE_TYPE = 53;
const OPTION_SERVER = 54;
const OPTION_END = 255;
const SERVER_PORT = 67;
const UDP_HEADER_BYTES = 8;
const MESSAGES = new Map([[2, "offer"], [5, "ack"], [6, "nak"]] as const);

/** What a client says to a server (RFC 2132 section 9.6), as far as it matters here. */
export const DhcpRequest = { release: 7, inform: 8 } as const;

/** The type of what the frame that ends at `end` says to a DHCP server; 0: it is no such message. */
export function requestType(bytes: Uint8Array, end: number, dissection: Dissection): number {
  if (
    dissection.destinationPort !== SERVER_PORT || dissection.ipVersion !== 4 ||
    dissection.ipProtocol !== IpProtocol.udp || dissection.transportOffset < 0
  ) {
    return 0;
  }
  const message = dissection.transportOffset + UDP_HEADER_BYTES;
  const type = findOption(bytes, message, end, OPTION_MESSAGE_TYPE, 1);
  return type < 0 ? 0 : bytes[type];
}

/** The transaction of such a message. */
export function requestXid(bytes: Uint8Array, dissection: Dissection): number {
  return readU32(bytes, dissection.transportOffset + UDP_HEADER_BYTES + XID_OFFSET);
}

/** Whether the reply at `message` is for the station with this MAC (chaddr, Ethernet). */
export function isReplyFor(bytes: Uint8Array, message: number, mac: Uint8Array): boolean {
  for (let index = 0; index < mac.length; index++) {
    if (bytes[message + HARDWARE_ADDRESS_OFFSET + index] !== mac[index]) return false;
  }
  return bytes[message + 1] === 1 && bytes[message + 2] === mac.length;
}

/**
 * Reads the well-formed reply at `bytes[message … end)`, as it is after scrubbing; `removedOptions`
 * are the numbers of the options that were taken out. Undefined for a message that is no offer, no
 * acknowledgement and no refusal.
 */
export function describeReply(
  bytes: Uint8Array,
  message: number,
  end: number,
  removedOptions: readonly number[],
): DhcpStatus | undefined {
  const type = findOption(bytes, message, end, OPTION_MESSAGE_TYPE, 1);
  const what = type < 0 ? undefined : MESSAGES.get(bytes[type] as 2 | 5 | 6);
  if (what === undefined) return undefined;
  const server = findOption(bytes, message, end, OPTION_SERVER, 4);
  const lease = findOption(bytes, message, end, OPTION_LEASE_SECONDS, 4);
  const address = message + YOUR_ADDRESS_OFFSET;
  const hasAddress = (bytes[address] | bytes[address + 1] | bytes[address + 2] |
    bytes[address + 3]) !== 0;
  return {
    type: "dhcp",
    message: what,
    ...(hasAddress ? { address: formatIpv4(bytes, address) } : {}),
    ...(server < 0 ? {} : { server: formatIpv4(bytes, server) }),
    ...(lease < 0 ? {} : { leaseSeconds: readU32(bytes, lease) }),
    removedOptions,
  };
}

/** Index of the value of the first such option of this length in the options field, or -1. */
function findOption(
  bytes: Uint8Array,
  message: number,
  end: number,
  code: number,
  length: number,
): number {
  let at = message + OPTIONS_OFFSET;
  while (at + 2 <= end && bytes[at] !== OPTION_END) {
    if (bytes[at] === OPTION_PAD) {
      at++;
      continue;
    }
    if (bytes[at] === code && bytes[at + 1] === length && at + 2 + length <= end) return at + 2;
    at += 2 + bytes[at + 1];
  }
  return -1;
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
