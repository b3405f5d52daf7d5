/**
 * Addresses as people write them: a relay's `HOST:PORT` and what a relay listens on.
 *
 * @module
 */

import { parseIpv4, parseIpv6 } from "../proto/ip.ts";

//= PROTOCOL.md 3
//# | UDP port | 443 where none is named
/** The port of a relay where none is given (UDP). */
export const DEFAULT_PORT = 443;
/** Most ways to one relay that an endpoint is given. */
export const RELAY_WAYS_MAX = 8;

/** Where an endpoint finds a relay. */
export interface EndpointAddress {
  /** A DNS name in ASCII lower case, or a numeric address; an IPv6 address stands without brackets. */
  readonly host: string;
  /** UDP port, 1 … 65,535. */
  readonly port: number;
  /** What the host is: 0 for a name, else the IP version. */
  readonly ipVersion: 0 | 4 | 6;
}

/** What a relay listens on. */
export interface ListenAddress {
  /** `any` is IPv4 and IPv6 at once. */
  readonly family: "any" | "ipv4" | "ipv6";
  /** The numeric address; undefined with `any`. */
  readonly address: string | undefined;
  /** UDP port, 0 … 65,535; with 0 the system chooses one. */
  readonly port: number;
}

/**
 * Reads `host`, `host:port`, `192.0.2.1:port`, `[2001:db8::1]:port` or a bare IPv6 address. The port
 * is 443 where none is given. Undefined if the text is no address.
 */
export function parseEndpointAddress(text: string): EndpointAddress | undefined {
  const parts = splitPort(text);
  if (parts === undefined) return undefined;
  const port = parts.port === undefined ? DEFAULT_PORT : parsePort(parts.port);
  if (port === undefined || port === 0) return undefined;
  if (parts.bracketed) {
    return parseIpv6(parts.host) !== undefined
      ? { host: parts.host.toLowerCase(), port, ipVersion: 6 }
      : undefined;
  }
  if (parseIpv4(parts.host) !== undefined) return { host: parts.host, port, ipVersion: 4 };
  const name = parseHostName(parts.host);
  return name === undefined ? undefined : { host: name, port, ipVersion: 0 };
}

/**
 * Reads a host alone: a name in lower case, or a numeric address, an IPv6 one with or without brackets.
 * Undefined if the text is none.
 */
export function parseHost(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (parseIpv6(bare) !== undefined) return bare.toLowerCase();
  return bare.includes(":") ? undefined : parseEndpointAddress(bare)?.host;
}

/** `host:port`, with brackets around an IPv6 address: the form that `parseEndpointAddress` reads. */
export function formatEndpointAddress(address: Pick<EndpointAddress, "host" | "port">): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/**
 * Reads what a relay listens on: `443/udp`, `443`, `:443` or `*:443` (IPv4 and IPv6),
 * `192.0.2.1:443`, `0.0.0.0:443` (IPv4), `[2001:db8::1]:443`, `[::]:443` (IPv6); each may end with
 * `/udp`. Undefined if the text is nothing of this.
 */
export function parseListen(text: string): ListenAddress | undefined {
  const withoutProtocol = text.endsWith("/udp") ? text.slice(0, -"/udp".length) : text;
  const everywhere = /^(?:\*?:)?(\d+)$/.exec(withoutProtocol);
  if (everywhere !== null) {
    const port = parsePort(everywhere[1]);
    return port === undefined ? undefined : { family: "any", address: undefined, port };
  }
  const parts = splitPort(withoutProtocol);
  if (parts === undefined || parts.port === undefined) return undefined;
  const port = parsePort(parts.port);
  if (port === undefined) return undefined;
  if (parts.bracketed) {
    return parseIpv6(parts.host) !== undefined
      ? { family: "ipv6", address: parts.host.toLowerCase(), port }
      : undefined;
  }
  return parseIpv4(parts.host) !== undefined
    ? { family: "ipv4", address: parts.host, port }
    : undefined;
}

interface HostAndPort {
  readonly host: string;
  readonly port: string | undefined;
  /** Whether the host is an IPv6 address by its form. */
  readonly bracketed: boolean;
}

function splitPort(text: string): HostAndPort | undefined {
  const bracketed = /^\[([^[\]]*)\](?::(\d+))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1], port: bracketed[2], bracketed: true };
  const colon = text.indexOf(":");
  if (colon < 0) return { host: text, port: undefined, bracketed: false };
  if (colon === text.lastIndexOf(":")) {
    return { host: text.slice(0, colon), port: text.slice(colon + 1), bracketed: false };
  }
  return { host: text, port: undefined, bracketed: true };
}

function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 0xffff ? port : undefined;
}

/**
 * A DNS name in ASCII (RFC 1123 §2.1; internationalized names in their xn-- form). A name whose last
 * label is a number would be taken for an IPv4 address by some resolvers, so it is none.
 */
function parseHostName(text: string): string | undefined {
  const name = toAscii(text)?.toLowerCase().replace(/\.$/, "");
  if (name === undefined || name.length < 1 || name.length > 253) return undefined;
  const labels = name.split(".");
  const valid = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  return valid && !/^(\d+|0x[0-9a-f]*)$/.test(labels[labels.length - 1]) ? name : undefined;
}

function toAscii(text: string): string | undefined {
  let ascii = true;
  for (let i = 0; i < text.length; i++) ascii &&= text.charCodeAt(i) < 0x80;
  if (ascii) return text;
  if (/[\s/?#@\\:%[\]]/.test(text)) return undefined;
  const url = URL.parse(`http://${text}/`);
  return url === null ? undefined : url.hostname;
}
