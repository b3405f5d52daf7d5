/**
 * A DHCP lease as a value.
 *
 * @module
 */

import { writeU32 } from "../proto/bytes.ts";
import { IPV4_BYTES } from "../proto/ip.ts";
import type { DhcpReply, DhcpRoute } from "./dhcp_reply.ts";
import { isStation } from "./lan_networks.ts";

const INFINITE_SECONDS = 0xffffffff;
/** What is taken of what a LAN may tell: a system's resolver knows no more servers (resolv.conf(5), `MAXNS`). */
const NAME_SERVERS_MAX = 3;
const DOMAINS_MAX = 6;
const ROUTES_MAX = 32;

/** What was leased. Addresses are 32-bit numbers. */
export interface DhcpLease {
  readonly address: number;
  readonly prefixBits: number;
  readonly serverId: number;
  /** Infinity: for ever. */
  readonly leaseMs: number;
  /** These are empty unless the LAN may set this PC's default route and name servers: one router at most. */
  readonly routers: readonly number[];
  readonly routes: readonly DhcpRoute[];
  readonly nameServers: readonly number[];
  readonly domains: readonly string[];
}

/** An address that an earlier run had. */
export interface RememberedLease {
  readonly address: number;
  /** How much of the lease is left; not positive: it is over. */
  readonly leftMs: number;
}

/** A reply that names all that a lease must have. */
export interface UsableReply extends DhcpReply {
  readonly leaseSeconds: number;
}

/** Whether an offer or a confirmation is such a reply. */
export function isUsable(reply: DhcpReply): reply is UsableReply {
  return reply.address !== 0 && reply.serverId !== 0 && reply.prefixBits > 0 &&
    reply.leaseSeconds !== undefined && reply.leaseSeconds > 0;
}

/**
 * The lease of a usable confirmation. A router or name server that no station can be is left out: some servers name
 * 0.0.0.0 where they have none, and a way to everywhere that has no router would be taken for the link itself.
 */
export function leaseOf(ack: UsableReply, allowsDefaultRoute: boolean): DhcpLease {
  const seconds = ack.leaseSeconds;
  const routers = ack.routers.filter((router) =>
    isStationAddress(router) && router !== ack.address
  );
  const routes = ack.routes.filter(({ prefixBits, nextHop }) =>
    nextHop === 0 ? prefixBits > 0 : isStationAddress(nextHop)
  );
  const nameServers = ack.nameServers.filter(isStationAddress);
  return {
    address: ack.address,
    prefixBits: ack.prefixBits,
    serverId: ack.serverId,
    leaseMs: seconds === INFINITE_SECONDS ? Infinity : seconds * 1_000,
    routers: allowsDefaultRoute ? routers.slice(0, 1) : [],
    routes: allowsDefaultRoute ? routes.slice(0, ROUTES_MAX) : [],
    nameServers: allowsDefaultRoute ? nameServers.slice(0, NAME_SERVERS_MAX) : [],
    domains: allowsDefaultRoute ? ack.domains.slice(0, DOMAINS_MAX) : [],
  };
}

function isStationAddress(address: number): boolean {
  const bytes = new Uint8Array(IPV4_BYTES);
  writeU32(bytes, 0, address);
  return isStation(bytes, 0, IPV4_BYTES);
}

/** A time that the server has given, if it lies inside the lease, else the usual part of it. */
export function partOf(seconds: number | undefined, leaseMs: number, part: number): number {
  const givenMs = (seconds ?? 0) * 1_000;
  if (leaseMs === Infinity) return Infinity;
  return givenMs > 0 && givenMs < leaseMs ? givenMs : leaseMs * part;
}

/** The ways that a lease brings; one to everywhere has no prefix. What option 121 says goes before the router (RFC 3442). */
export function routesOf({ routers, routes }: DhcpLease): readonly DhcpRoute[] {
  if (routes.length > 0) return routes;
  return routers.map((nextHop) => ({ destination: 0, prefixBits: 0, nextHop }));
}

/** Whether the adapter would be set the same: how long it lasts is nothing to it. */
export function isSameLease(one: DhcpLease, other: DhcpLease): boolean {
  const used = ({ leaseMs: _, ...rest }: DhcpLease) => JSON.stringify(rest);
  return used(one) === used(other);
}
