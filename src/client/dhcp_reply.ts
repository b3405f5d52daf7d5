/**
 * What a DHCP reply tells, read from its bytes, for the player's status lines.
 *
 * @module
 */

import type { StatusEvent } from "../obs/status.ts";
import { readU32 } from "../proto/bytes.ts";

/** A DHCP reply as the player is told of it. */
export type DhcpStatus = Extract<StatusEvent, { type: "dhcp" }>;

const YOUR_ADDRESS_OFFSET = 16;
const HARDWARE_ADDRESS_OFFSET = 28;
const OPTIONS_OFFSET = 240;
const OPTION_PAD = 0;
const OPTION_LEASE_SECONDS = 51;
const OPTION_MESSAGE_TYPE = 53;
const OPTION_SERVER = 54;
const OPTION_END = 255;
const MESSAGES = new Map([[2, "offer"], [5, "ack"], [6, "nak"]] as const);

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

/**
 * Index of the value of the first such option in the options field of the message at `message`, or -1.
 *
 * @param length of its value; -1: any
 */
export function findOption(
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
    const valueBytes = bytes[at + 1];
    const fits = (length < 0 || valueBytes === length) && at + 2 + valueBytes <= end;
    if (bytes[at] === code && fits) return at + 2;
    at += 2 + bytes[at + 1];
  }
  return -1;
}

function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
