/**
 * What DHCP and DHCPv6 messages say of who has an address: an acknowledgement of the LAN's server gives
 * one to a MAC, and names the LAN's router and server; a release of a client's gives it back.
 *
 * ```
 *  DHCP (RFC 2131), behind UDP      0 op  12 ciaddr  16 yiaddr  28 chaddr  236 magic cookie  240 options …
 *  DHCPv6 reply (RFC 8415)          0 type  4 options: code, length, value; IA_NA (3) holds addresses (5)
 * ```
 *
 * @module
 */
import { readU16, readU32 } from "../proto/bytes.ts";
import {
  BootpOperation,
  DHCP_COOKIE,
  DhcpField,
  DhcpMessageType,
  DhcpOption,
  Dhcpv6MessageType,
  Dhcpv6Option,
} from "../proto/dhcp.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { IPV4_BYTES, UDP_HEADER_BYTES, UdpPort } from "../proto/ip.ts";

const ETHERNET_LENGTHS = 0x0106;
/** Addresses of a DHCPv6 reply that are taken. */
const IA_ADDRESSES_MAX = 4;

/** What a message is. */
export const LeaseKind = { none: 0, given: 1, released: 2, givenV6: 3 } as const;

/** What is read; made once and refilled. Offsets are indexes in the bytes; -1: it is not there. */
export class LeaseMessage {
  kind: number = LeaseKind.none;
  /** Of IPv4: the address, and the MAC that it is given to or that gives it back. */
  ipOffset = -1;
  macOffset = -1;
  /** The LAN's routers, so many bytes of addresses, and its DHCP server. */
  routersOffset = -1;
  routersBytes = 0;
  serverOffset = -1;
  /** For how long the address is given; 0: the message does not say. */
  leaseSeconds = 0;
  /** Of IPv6: the addresses that are given, and for how long. */
  readonly ipOffsetsV6 = new Int32Array(IA_ADDRESSES_MAX);
  readonly leaseSecondsV6 = new Uint32Array(IA_ADDRESSES_MAX);
  ipCountV6 = 0;

  /** Reads the whole frame at `bytes[… end)` that `frame` describes; sets and returns the kind. */
  read(bytes: Uint8Array, end: number, frame: Dissection): number {
    this.kind = LeaseKind.none;
    if (frame.ipProtocol !== IpProtocol.udp || frame.ipFragment !== IpFragment.no) return this.kind;
    if (frame.transportOffset < 0) return this.kind;
    const message = frame.transportOffset + UDP_HEADER_BYTES;
    const { sourcePort, destinationPort } = frame;
    if (frame.ipVersion === 4) {
      if (sourcePort === UdpPort.dhcpServer || destinationPort === UdpPort.dhcpServer) {
        this.#readV4(bytes, message, end, destinationPort === UdpPort.dhcpClient);
      }
    } else if (sourcePort === UdpPort.dhcpv6Server && destinationPort === UdpPort.dhcpv6Client) {
      this.#readV6(bytes, message, end);
    }
    return this.kind;
  }

  #readV4(bytes: Uint8Array, message: number, end: number, toClient: boolean): void {
    if (message + DhcpField.options > end) return;
    if (readU16(bytes, message + 1) !== ETHERNET_LENGTHS) return;
    if (readU32(bytes, message + DhcpField.cookie) !== DHCP_COOKIE) return;
    this.routersOffset = this.serverOffset = -1;
    this.routersBytes = this.leaseSeconds = 0;
    const type = this.#readOptions(bytes, message + DhcpField.options, end);
    this.macOffset = message + DhcpField.clientHardware;
    if (toClient && bytes[message] === BootpOperation.reply && type === DhcpMessageType.ack) {
      this.ipOffset = message + DhcpField.yourAddress;
      this.kind = LeaseKind.given;
    } else if (
      !toClient && bytes[message] === BootpOperation.request && type === DhcpMessageType.release
    ) {
      this.ipOffset = message + DhcpField.clientAddress;
      this.kind = LeaseKind.released;
    }
  }

  /** The message's type, or -1. */
  #readOptions(bytes: Uint8Array, start: number, end: number): number {
    let type = -1;
    for (let at = start; at + 2 <= end && bytes[at] !== DhcpOption.end;) {
      if (bytes[at] === DhcpOption.pad) {
        at++;
        continue;
      }
      const length = bytes[at + 1];
      const value = at + 2;
      if (value + length > end) break;
      if (bytes[at] === DhcpOption.messageType && length === 1) type = bytes[value];
      else if (bytes[at] === DhcpOption.serverId && length === IPV4_BYTES) {
        this.serverOffset = value;
      } else if (bytes[at] === DhcpOption.leaseSeconds && length === 4) {
        this.leaseSeconds = readU32(bytes, value);
      } else if (bytes[at] === DhcpOption.router) {
        this.routersOffset = value;
        this.routersBytes = length - length % IPV4_BYTES;
      }
      at = value + length;
    }
    return type;
  }

  #readV6(bytes: Uint8Array, message: number, end: number): void {
    if (message + 4 > end || bytes[message] !== Dhcpv6MessageType.reply) return;
    this.ipCountV6 = 0;
    for (let at = message + 4; at + 4 <= end;) {
      const next = at + 4 + readU16(bytes, at + 2);
      if (next > end) break;
      // Identity association: id and two times, then options of its own.
      if (readU16(bytes, at) === Dhcpv6Option.identityAssociation) {
        this.#readAddresses(bytes, at + 16, next);
      }
      at = next;
    }
    if (this.ipCountV6 > 0) this.kind = LeaseKind.givenV6;
  }

  #readAddresses(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at + 4 <= end;) {
      const next = at + 4 + readU16(bytes, at + 2);
      if (next > end) return;
      const isAddress = readU16(bytes, at) === Dhcpv6Option.address && next - at >= 28;
      // A valid lifetime of 0 takes it back.
      const seconds = isAddress ? readU32(bytes, at + 24) : 0;
      if (seconds > 0 && this.ipCountV6 < IA_ADDRESSES_MAX) {
        this.leaseSecondsV6[this.ipCountV6] = seconds;
        this.ipOffsetsV6[this.ipCountV6++] = at + 4;
      }
      at = next;
    }
  }
}
