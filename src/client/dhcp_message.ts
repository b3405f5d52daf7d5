/**
 * DHCP messages as a client sends them (RFC 2131, RFC 2132), down to the frame: they go into the tunnel, not
 * through the system's own stack, which has no address yet.
 *
 * ```
 *  Ethernet ─ IPv4 (20) ─ UDP 68 → 67 (8) ─ op htype hlen hops xid secs flags
 *                                            ciaddr yiaddr siaddr giaddr chaddr (16) sname (64) file (128)
 *                                            magic cookie (4)  options …
 * ```
 *
 * @module
 */

import { writeU16, writeU32 } from "../proto/bytes.ts";
import {
  BootpOperation,
  DHCP_COOKIE,
  DhcpField,
  DhcpMessageType,
  DhcpOption,
  ETHERNET_HARDWARE,
} from "../proto/dhcp.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../proto/ethernet.ts";
import { ipv4Bytes, UdpPort } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { UDP_PACKET_HEADER_BYTES, writeUdpPacket } from "../proto/udp_packet.ts";

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
  const message = ETHERNET_HEADER_BYTES + UDP_PACKET_HEADER_BYTES;
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
  writeUdpPacket(frame, ETHERNET_HEADER_BYTES, {
    ...{ source: request.clientAddress, sourcePort: UdpPort.dhcpClient },
    ...{ destination, destinationPort: UdpPort.dhcpServer, timeToLive: TIME_TO_LIVE },
  });
  return frame;
}

function encodeOptions(request: DhcpRequest): number[] {
  const options: number[] = [DhcpOption.messageType, 1, request.type];
  const add = (code: number, value: readonly number[] | Uint8Array) =>
    options.push(code, value.length, ...value);
  add(DhcpOption.clientId, [ETHERNET_HARDWARE, ...request.mac]);
  if (request.requestedAddress !== 0) {
    add(DhcpOption.requestedAddress, ipv4Bytes(request.requestedAddress));
  }
  // Whoever has the lease already does not name the server (RFC 2131, section 4.3.2).
  const isExtending = request.type === DhcpMessageType.request && request.clientAddress !== 0;
  if (request.serverId !== 0 && !isExtending) add(DhcpOption.serverId, ipv4Bytes(request.serverId));
  const asks = request.type === DhcpMessageType.discover ||
    request.type === DhcpMessageType.request;
  if (asks && request.hostName !== undefined) {
    add(DhcpOption.hostName, [...new TextEncoder().encode(request.hostName)]);
  }
  if (asks) add(DhcpOption.parameters, request.parameters);
  options.push(DhcpOption.end);
  return options;
}
