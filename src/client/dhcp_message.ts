/**
 * DHCP messages as a client sends and reads them (RFC 2131, RFC 2132), down to the frame: they go into the
 * tunnel, not through the system's own stack, which has no address yet.
 *
 * ```
 *  Ethernet ─ IPv4 (20) ─ UDP 68 → 67 (8) ─ op htype hlen hops xid secs flags
 *                                            ciaddr yiaddr siaddr giaddr chaddr (16) sname (64) file (128)
 *                                            magic cookie (4)  options …
 * ```
 *
 * @module
 */

import { readU16, readU32, writeU16, writeU32 } from "../proto/bytes.ts";
import { foldChecksum, sumBytes } from "../proto/checksum.ts";
import {
  BootpOperation,
  DHCP_COOKIE,
  DhcpField,
  DhcpMessageType,
  DhcpOption,
  DhcpOverload,
  ETHERNET_HARDWARE,
} from "../proto/dhcp.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../proto/ethernet.ts";
import { IPV4_HEADER_BYTES, UDP_HEADER_BYTES, UdpPort } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { IpProtocol } from "../proto/dissect.ts";
import { classBits } from "./dhcp_scrub.ts";

/** What a client asks for: as much as it uses. */
export const ADDRESS_PARAMETERS: readonly number[] = [
  DhcpOption.subnetMask,
  DhcpOption.broadcastAddress,
];

/** And this if the LAN may set this PC's default route and name servers. */
export const ROUTE_PARAMETERS: readonly number[] = [
  DhcpOption.classlessRoutes, // before the routers, which it replaces (RFC 3442)
  DhcpOption.router,
  DhcpOption.nameServers,
  DhcpOption.domainName,
  DhcpOption.searchList,
];

const BROADCAST = 0xffffffff;
const TIME_TO_LIVE = 64;
/** What a BOOTP relay agent may take a shorter message for: nothing (RFC 1542, section 2.1). */
const MESSAGE_BYTES_MIN = 300;
const MAC_BROADCAST = new Uint8Array(MAC_BYTES).fill(0xff);

/** A message to a server. Addresses are 32-bit numbers; 0: none. */
export interface DhcpRequest {
  readonly type: DhcpMessageType;
  readonly transactionId: number;
  /** Since the client began to ask. */
  readonly seconds: number;
  /** The address that the client has and answers ARP for. */
  readonly clientAddress: number;
  readonly requestedAddress: number;
  readonly serverId: number;
  readonly mac: Uint8Array;
  readonly hostName: string | undefined;
  /** Codes of the options that are asked for. */
  readonly parameters: readonly number[];
  /** Of the server, to speak to it alone; undefined: broadcast. */
  readonly serverMac: Uint8Array | undefined;
}

/** The frame of a message. */
export function encodeDhcpRequest(request: DhcpRequest): Uint8Array<ArrayBuffer> {
  const options = encodeOptions(request);
  const messageBytes = Math.max(MESSAGE_BYTES_MIN, DhcpField.options + options.length);
  const udp = ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES;
  const message = udp + UDP_HEADER_BYTES;
  const frame = new Uint8Array(message + messageBytes);
  frame.set(request.serverMac ?? MAC_BROADCAST);
  frame.set(request.mac, MAC_BYTES);
  writeU16(frame, ETHER_TYPE_OFFSET, EtherType.ipv4);

  frame[message] = BootpOperation.request;
  frame[message + 1] = ETHERNET_HARDWARE;
  frame[message + 2] = MAC_BYTES;
  writeU32(frame, message + DhcpField.transactionId, request.transactionId);
  writeU16(frame, message + DhcpField.seconds, Math.min(request.seconds, 0xffff));
  writeU32(frame, message + DhcpField.clientAddress, request.clientAddress);
  frame.set(request.mac, message + DhcpField.clientHardware);
  writeU32(frame, message + DhcpField.cookie, DHCP_COOKIE);
  frame.set(options, message + DhcpField.options);

  const destination = request.serverMac === undefined ? BROADCAST : request.serverId;
  writeIpv4Header(frame, ETHERNET_HEADER_BYTES, request.clientAddress, destination);
  writeUdpHeader(frame, udp);
  return frame;
}

function encodeOptions(request: DhcpRequest): number[] {
  const options: number[] = [DhcpOption.messageType, 1, request.type];
  const add = (code: number, value: readonly number[]) =>
    options.push(code, value.length, ...value);
  add(DhcpOption.clientId, [ETHERNET_HARDWARE, ...request.mac]);
  if (request.requestedAddress !== 0) {
    add(DhcpOption.requestedAddress, bytesOf(request.requestedAddress));
  }
  // Whoever has the lease already does not name the server (RFC 2131, section 4.3.2).
  const isExtending = request.type === DhcpMessageType.request && request.clientAddress !== 0;
  if (request.serverId !== 0 && !isExtending) add(DhcpOption.serverId, bytesOf(request.serverId));
  const asks = request.type === DhcpMessageType.discover ||
    request.type === DhcpMessageType.request;
  if (asks && request.hostName !== undefined) {
    add(DhcpOption.hostName, [...new TextEncoder().encode(request.hostName)]);
  }
  if (asks) add(DhcpOption.parameters, request.parameters);
  options.push(DhcpOption.end);
  return options;
}

function writeIpv4Header(frame: Uint8Array, at: number, source: number, destination: number): void {
  frame[at] = 0x45;
  writeU16(frame, at + 2, frame.length - at);
  frame[at + 8] = TIME_TO_LIVE;
  frame[at + 9] = IpProtocol.udp;
  writeU32(frame, at + 12, source);
  writeU32(frame, at + 16, destination);
  writeU16(frame, at + 10, foldChecksum(sumBytes(frame, at, IPV4_HEADER_BYTES)));
}

function writeUdpHeader(frame: Uint8Array, at: number): void {
  const lengthBytes = frame.length - at;
  writeU16(frame, at, UdpPort.dhcpClient);
  writeU16(frame, at + 2, UdpPort.dhcpServer);
  writeU16(frame, at + 4, lengthBytes);
  // The pseudo header: both addresses, which lie right in front, the protocol and the length.
  const pseudo = sumBytes(frame, at - 8, 8) + IpProtocol.udp + lengthBytes;
  writeU16(frame, at + 6, foldChecksum(sumBytes(frame, at, lengthBytes, pseudo)) || 0xffff);
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
  /** Of the network, that of the address's class where no mask was given; undefined: one with holes. */
  readonly prefixBits: number | undefined;
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
  if (end - message < DhcpField.options || bytes[message] !== BootpOperation.reply) {
    return undefined;
  }
  if (readU32(bytes, message + DhcpField.cookie) !== DHCP_COOKIE) return undefined;
  for (let i = 0; i < MAC_BYTES; i++) {
    if (bytes[message + DhcpField.clientHardware + i] !== mac[i]) return undefined;
  }
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
      ? prefixOf(number32(options, DhcpOption.subnetMask))
      : classBits(bytes[address]),
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
  if (!collect(bytes, message + DhcpField.options, end, options)) return undefined;
  const overload = options.get(DhcpOption.overload)?.[0] ?? 0;
  const file = message + DhcpField.file;
  const sname = message + DhcpField.serverName;
  if (
    (overload & DhcpOverload.file) !== 0 &&
    !collect(bytes, file, message + DhcpField.cookie, options)
  ) {
    return undefined;
  }
  if ((overload & DhcpOverload.serverName) !== 0 && !collect(bytes, sname, file, options)) {
    return undefined;
  }
  return options;
}

function collect(bytes: Uint8Array, start: number, end: number, options: Options): boolean {
  let at = start;
  while (at < end && bytes[at] !== DhcpOption.end) {
    if (bytes[at] === DhcpOption.pad) {
      at++;
      continue;
    }
    if (at + 2 > end || at + 2 + bytes[at + 1] > end) return false;
    const value = bytes.slice(at + 2, at + 2 + bytes[at + 1]);
    const before = options.get(bytes[at]);
    options.set(bytes[at], before === undefined ? value : joined(before, value));
    at += 2 + value.length;
  }
  return true;
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

function prefixOf(mask: number | undefined): number | undefined {
  for (let bits = 1; mask !== undefined && bits <= 32; bits++) {
    if (mask === maskOf(bits)) return bits;
  }
  return undefined;
}

/** The mask of a prefix of 1 to 32 bits. */
export function maskOf(prefixBits: number): number {
  return (BROADCAST << (32 - prefixBits)) >>> 0;
}

/** Option 121: prefix length, the prefix's bytes, next hop; again and again (RFC 3442). */
function readRoutes(value: Uint8Array | undefined): DhcpRoute[] {
  const routes: DhcpRoute[] = [];
  let at = 0;
  while (value !== undefined && at < value.length) {
    const prefixBits = value[at];
    const prefixBytes = (prefixBits + 7) >> 3;
    if (prefixBits > 32 || at + 1 + prefixBytes + 4 > value.length) return [];
    const destination = new Uint8Array(4);
    destination.set(value.subarray(at + 1, at + 1 + prefixBytes));
    at += 1 + prefixBytes;
    const mask = prefixBits === 0 ? 0 : maskOf(prefixBits);
    routes.push({
      destination: (readU32(destination, 0) & mask) >>> 0,
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

function bytesOf(address: number): number[] {
  return [address >>> 24, address >>> 16 & 0xff, address >>> 8 & 0xff, address & 0xff];
}
