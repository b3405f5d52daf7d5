/**
 * What a DHCP reply tells: read from its bytes once, for the client that has asked and for the player's status
 * lines.
 *
 * @module
 */

import type { StatusEvent } from "../observe/status.ts";
import { readU16, readU32 } from "../proto/bytes.ts";
import {
  BootpOperation,
  DHCP_COOKIE,
  DhcpField,
  DhcpMessageType,
  DhcpOption,
  ETHERNET_HARDWARE,
} from "../proto/dhcp.ts";
import { classPrefixBits, formatIpv4, IPV4_BYTES, networkOf, prefixOfMask } from "../proto/ip.ts";
import { DhcpOptionWalk } from "./dhcp_option_walk.ts";

/** A DHCP reply as the player is told of it. */
export type DhcpStatus = Extract<StatusEvent, { type: "dhcp" }>;

const MESSAGES: ReadonlyMap<number, DhcpStatus["message"]> = new Map([
  [DhcpMessageType.offer, "offer"],
  [DhcpMessageType.ack, "ack"],
  [DhcpMessageType.nak, "nak"],
]);

/** Whether a DHCP server's message is at `bytes[message … end)`: its header is whole, and says so. */
export function isDhcpReply(bytes: Uint8Array, message: number, end: number): boolean {
  return message + DhcpField.options <= end && bytes[message] === BootpOperation.reply &&
    readU32(bytes, message + DhcpField.cookie) === DHCP_COOKIE;
}

/** Whether the reply at `message` is for the station with this MAC (chaddr, Ethernet). */
export function isReplyFor(bytes: Uint8Array, message: number, mac: Uint8Array): boolean {
  for (let index = 0; index < mac.length; index++) {
    if (bytes[message + DhcpField.clientHardware + index] !== mac[index]) return false;
  }
  return bytes[message + 1] === ETHERNET_HARDWARE && bytes[message + 2] === mac.length;
}

/** A route by option 121; a next hop of 0: on the link itself. */
export interface DhcpRoute {
  readonly destination: number;
  readonly prefixBits: number;
  readonly nextHop: number;
}

/** What a server has said. Addresses are 32-bit numbers; 0: none. */
export interface DhcpReply {
  readonly type: number;
  readonly transactionId: number;
  readonly address: number;
  readonly serverId: number;
  /** Of the network, that of the address's class where no mask was given; -1: one with holes. */
  readonly prefixBits: number;
  /** 0xffffffff: for ever; undefined: not given. */
  readonly leaseSeconds: number | undefined;
  readonly renewalSeconds: number | undefined;
  readonly rebindingSeconds: number | undefined;
  readonly routers: readonly number[];
  readonly routes: readonly DhcpRoute[];
  readonly nameServers: readonly number[];
  /** Domains to look names up in, the LAN's own first. */
  readonly domains: readonly string[];
}

/**
 * Reads the reply at `bytes[message … end)`, from the first byte behind the UDP header; undefined where it
 * is none, or not for the station with this MAC.
 */
export function readDhcpReply(
  bytes: Uint8Array,
  message: number,
  end: number,
  mac: Uint8Array,
): DhcpReply | undefined {
  if (!isDhcpReply(bytes, message, end) || !isReplyFor(bytes, message, mac)) return undefined;
  const options = collectOptions(bytes, message, end);
  const type = options?.get(DhcpOption.messageType);
  if (options === undefined || type?.length !== 1) return undefined;
  const address = message + DhcpField.yourAddress;
  return {
    type: type[0],
    transactionId: readU32(bytes, message + DhcpField.transactionId),
    address: readU32(bytes, address),
    serverId: number32(options, DhcpOption.serverId) ?? 0,
    prefixBits: options.has(DhcpOption.subnetMask)
      ? prefixOfMask(number32(options, DhcpOption.subnetMask) ?? 0)
      : classPrefixBits(bytes[address]),
    leaseSeconds: number32(options, DhcpOption.leaseSeconds),
    renewalSeconds: number32(options, DhcpOption.renewalSeconds),
    rebindingSeconds: number32(options, DhcpOption.rebindingSeconds),
    routers: addresses(options.get(DhcpOption.router)),
    routes: readRoutes(options.get(DhcpOption.classlessRoutes)),
    nameServers: addresses(options.get(DhcpOption.nameServers)),
    domains: [
      ...readText(options.get(DhcpOption.domainName)),
      ...readDomains(options.get(DhcpOption.searchList)),
    ].filter((name, index, all) => DOMAIN.test(name) && all.indexOf(name) === index),
  };
}

type Options = Map<number, Uint8Array>;

/** All options with their values; parts of one value are joined (RFC 3396). Undefined: not whole. */
function collectOptions(bytes: Uint8Array, message: number, end: number): Options | undefined {
  const options: Options = new Map();
  const walk = new DhcpOptionWalk();
  walk.beginMessage(bytes, message, end);
  while (walk.next()) {
    const value = bytes.slice(walk.valueAt, walk.valueAt + walk.valueBytes);
    const before = options.get(walk.code);
    options.set(walk.code, before === undefined ? value : joined(before, value));
  }
  return walk.isWhole ? options : undefined;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function number32(options: Options, code: number): number | undefined {
  const value = options.get(code);
  return value?.length === 4 ? readU32(value, 0) : undefined;
}

function addresses(value: Uint8Array | undefined): number[] {
  if (value === undefined || value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, index) => readU32(value, 4 * index));
}

/** Option 121: prefix length, the prefix's bytes, next hop; again and again (RFC 3442). */
function readRoutes(value: Uint8Array | undefined): DhcpRoute[] {
  const routes: DhcpRoute[] = [];
  let at = 0;
  while (value !== undefined && at < value.length) {
    const prefixBits = value[at];
    const prefixBytes = (prefixBits + 7) >> 3;
    if (prefixBits > 32 || at + 1 + prefixBytes + 4 > value.length) return [];
    const destination = new Uint8Array(IPV4_BYTES);
    destination.set(value.subarray(at + 1, at + 1 + prefixBytes));
    at += 1 + prefixBytes;
    routes.push({
      destination: readU32(networkOf(destination, prefixBits), 0),
      prefixBits,
      nextHop: readU32(value, at),
    });
    at += 4;
  }
  return routes;
}

const DOMAIN =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;

function readText(value: Uint8Array | undefined): string[] {
  // Some servers end it with a zero.
  return value === undefined ? [] : [String.fromCharCode(...value).replace(/\.?\0*$/, "")];
}

const LABEL_POINTER = 0xc0;
/** More than a list of a few names has. */
const LABELS_MAX = 128;

/** Option 119: names as in DNS, with pointers into the option (RFC 3397). */
function readDomains(value: Uint8Array | undefined): string[] {
  const names: string[] = [];
  let at = 0;
  let labelsLeft = LABELS_MAX;
  while (value !== undefined && at < value.length) {
    const labels: string[] = [];
    let from = at;
    let next = -1;
    while (value[from] !== 0) {
      if (from >= value.length || labelsLeft-- === 0) return [];
      if ((value[from] & LABEL_POINTER) === LABEL_POINTER) {
        const target = readU16(value, from) & 0x3fff;
        // Backward only: no circles.
        if (from + 2 > value.length || target >= from) return [];
        if (next < 0) next = from + 2;
        from = target;
        continue;
      }
      labels.push(String.fromCharCode(...value.subarray(from + 1, from + 1 + value[from])));
      from += 1 + value[from];
    }
    names.push(labels.join("."));
    at = next < 0 ? from + 1 : next;
  }
  return names;
}

/**
 * The status line's part of a reply, as it is after scrubbing; `removedOptions` are the numbers of the options that
 * were taken out. Undefined for a message that is no offer, no acknowledgement and no refusal.
 */
export function describeReply(
  { type, address, serverId, leaseSeconds }: DhcpReply,
  removedOptions: readonly number[],
): DhcpStatus | undefined {
  const what = MESSAGES.get(type);
  if (what === undefined) return undefined;
  return {
    type: "dhcp",
    message: what,
    ...(address === 0 ? {} : { address: formatIpv4(address) }),
    ...(serverId === 0 ? {} : { server: formatIpv4(serverId) }),
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
    removedOptions,
  };
}
