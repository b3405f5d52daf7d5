/**
 * Socket addresses as msquic takes them (`QUIC_ADDR`: a `sockaddr_in` or `sockaddr_in6`), and as
 * text.
 *
 * @module
 */

import { QUIC_ADDR } from "../ffi/msquic_layout.ts";
import {
  formatIp,
  IPV4_BYTES,
  IPV6_BYTES,
  isIpv4Mapped,
  parseIpv4,
  parseIpv6,
} from "../proto/ip.ts";

/** `AF_*` of this system. */
export const AddressFamily = {
  unspecified: 0,
  ipv4: 2,
  ipv6: Deno.build.os === "windows" ? 23 : 10,
} as const;

/** An IP address and a UDP port. */
export interface QuicAddress {
  readonly family: "ipv4" | "ipv6";
  /** The address as text, IPv6 without brackets and in RFC 5952's form. */
  readonly host: string;
  readonly port: number;
  /** Interface index of a link-local IPv6 address, else 0. */
  readonly scopeId: number;
}

const FIELDS = QUIC_ADDR.fields;

/**
 * The address of a literal IPv4 or IPv6 host (`fe80::1%2` names interface 2), or undefined if it is
 * a name.
 */
export function parseAddress(host: string, port: number): QuicAddress | undefined {
  if (parseIpv4(host) !== undefined) return { family: "ipv4", host, port, scopeId: 0 };
  const match = /^([^%]+)(?:%([0-9]+))?$/.exec(host);
  const bytes = match === null ? undefined : parseIpv6(match[1]);
  if (match === null || bytes === undefined) return undefined;
  const scopeId = Number(match[2] ?? 0);
  return { family: "ipv6", host: formatIp(bytes), port, scopeId };
}

/** Writes an address as `QUIC_ADDR`. */
export function writeAddress(address: QuicAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(QUIC_ADDR.sizeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(FIELDS.family.offset, AddressFamily[address.family], true);
  view.setUint16(FIELDS.port.offset, address.port, false);
  const ip = address.family === "ipv4" ? parseIpv4(address.host) : parseIpv6(address.host);
  if (ip === undefined) throw new TypeError(`not an IP address: ${address.host}`);
  bytes.set(ip, address.family === "ipv4" ? FIELDS.ipv4.offset : FIELDS.ipv6.offset);
  if (address.family === "ipv6") view.setUint32(FIELDS.scopeId.offset, address.scopeId, true);
  return bytes;
}

/** The wildcard address of both families: accepts IPv4 and IPv6. */
export function writeWildcardAddress(port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(QUIC_ADDR.sizeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(FIELDS.family.offset, AddressFamily.unspecified, true);
  view.setUint16(FIELDS.port.offset, port, false);
  return bytes;
}

/** Reads a `QUIC_ADDR`; an IPv4 address mapped into IPv6 comes out as IPv4. */
export function readAddress(bytes: Uint8Array): QuicAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const port = view.getUint16(FIELDS.port.offset, false);
  if (view.getUint16(FIELDS.family.offset, true) === AddressFamily.ipv4) {
    const ip = bytes.subarray(FIELDS.ipv4.offset, FIELDS.ipv4.offset + IPV4_BYTES);
    return { family: "ipv4", host: formatIp(ip), port, scopeId: 0 };
  }
  const ip = bytes.subarray(FIELDS.ipv6.offset, FIELDS.ipv6.offset + IPV6_BYTES);
  if (isIpv4Mapped(ip)) {
    const host = formatIp(ip.subarray(IPV6_BYTES - IPV4_BYTES));
    return { family: "ipv4", host, port, scopeId: 0 };
  }
  const scopeId = view.getUint32(FIELDS.scopeId.offset, true);
  return { family: "ipv6", host: formatIp(ip), port, scopeId };
}

/** `192.0.2.1:443`, `[2001:db8::1]:443`. */
export function formatAddress(address: QuicAddress): string {
  if (address.family === "ipv4") return `${address.host}:${address.port}`;
  const scope = address.scopeId === 0 ? "" : `%${address.scopeId}`;
  return `[${address.host}${scope}]:${address.port}`;
}
