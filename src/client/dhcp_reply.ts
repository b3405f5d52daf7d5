/**
 * What a DHCP reply tells, read from its bytes, for the player's status lines.
 *
 * @module
 */

import type { StatusEvent } from "../observe/status.ts";
import { readU32 } from "../proto/bytes.ts";
import { DhcpField, DhcpMessageType, DhcpOption, ETHERNET_HARDWARE } from "../proto/dhcp.ts";

/** A DHCP reply as the player is told of it. */
export type DhcpStatus = Extract<StatusEvent, { type: "dhcp" }>;

const MESSAGES: ReadonlyMap<number, DhcpStatus["message"]> = new Map([
  [DhcpMessageType.offer, "offer"],
  [DhcpMessageType.ack, "ack"],
  [DhcpMessageType.nak, "nak"],
]);

/** Whether the reply at `message` is for the station with this MAC (chaddr, Ethernet). */
export function isReplyFor(bytes: Uint8Array, message: number, mac: Uint8Array): boolean {
  for (let index = 0; index < mac.length; index++) {
    if (bytes[message + DhcpField.clientHardware + index] !== mac[index]) return false;
  }
  return bytes[message + 1] === ETHERNET_HARDWARE && bytes[message + 2] === mac.length;
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
  const type = findOption(bytes, message, end, DhcpOption.messageType, 1);
  const what = type < 0 ? undefined : MESSAGES.get(bytes[type]);
  if (what === undefined) return undefined;
  const server = findOption(bytes, message, end, DhcpOption.serverId, 4);
  const lease = findOption(bytes, message, end, DhcpOption.leaseSeconds, 4);
  const address = message + DhcpField.yourAddress;
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
  let at = message + DhcpField.options;
  while (at + 2 <= end && bytes[at] !== DhcpOption.end) {
    if (bytes[at] === DhcpOption.pad) {
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
