/**
 * Socket addresses as msquic takes them (`QUIC_ADDR`: a `sockaddr_in` or `sockaddr_in6`), and as
 * text.
 *
 * @module
 */

import { QUIC_ADDR } from "../ffi/msquic_layout.ts";

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

/** The 4 bytes of a dotted-quad address, or undefined. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(parts[i]) || Number(parts[i]) > 255) return undefined;
    bytes[i] = Number(parts[i]);
  }
  return bytes;
}

/** The 16 bytes of an IPv6 address (RFC 4291, 2.2) without brackets and scope, or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head, 0);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** The bytes of `a:b:c`, whose last group may be a dotted quad; an empty text has none. */
function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  const bytes: number[] = [];
  if (text === "") return bytes;
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    if (i === groups.length - 1 && mayEndInIpv4 && group.includes(".")) {
      const quad = parseIpv4(group);
      if (quad === undefined) return undefined;
      bytes.push(...quad);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
    if (bytes.length > 16) return undefined;
  }
  return bytes;
}

/** An IPv6 address in the form of RFC 5952: lower case, the longest run of zeros as `::`. */
export function formatIpv6(bytes: Uint8Array, offset = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[offset + i] << 8) | bytes[offset + i + 1]);
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > bestLength) {
      bestStart = start;
      bestLength = end - start;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart < 0) return hex.join(":");
  return `${hex.slice(0, bestStart).join(":")}::${hex.slice(bestStart + bestLength).join(":")}`;
}

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
  return { family: "ipv6", host: formatIpv6(bytes), port, scopeId };
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
    const host = bytes.subarray(FIELDS.ipv4.offset, FIELDS.ipv4.offset + 4).join(".");
    return { family: "ipv4", host, port, scopeId: 0 };
  }
  const start = FIELDS.ipv6.offset;
  const mapped = bytes.subarray(start, start + 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255";
  if (mapped) {
    const host = bytes.subarray(start + 12, start + 16).join(".");
    return { family: "ipv4", host, port, scopeId: 0 };
  }
  const scopeId = view.getUint32(FIELDS.scopeId.offset, true);
  return { family: "ipv6", host: formatIpv6(bytes, start), port, scopeId };
}

/** `192.0.2.1:443`, `[2001:db8::1]:443`. */
export function formatAddress(address: QuicAddress): string {
  if (address.family === "ipv4") return `${address.host}:${address.port}`;
  const scope = address.scopeId === 0 ? "" : `%${address.scopeId}`;
  return `[${address.host}${scope}]:${address.port}`;
}
