/**
 * Where the status pages are served.
 *
 * @module
 */
import { parseListen } from "../control/address.ts";
import { isLoopback as isLoopbackAddress, parseIp, parseIpAddress } from "../proto/ip.ts";

/** A numeric address and a TCP port (0: the system chooses). */
export interface StatusAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a port alone is served: nobody else than this machine reaches it. */
const LOOPBACK = "127.0.0.1";

/** Reads `PORT` (on loopback), `ADDRESS:PORT` or `[ADDRESS]:PORT`; undefined if it is none of them. */
export function parseStatusAddress(text: string): StatusAddress | undefined {
  const listen = text.includes("/") ? undefined : parseListen(text);
  if (listen === undefined) return undefined;
  if (listen.address !== undefined) return { host: listen.address, port: listen.port };
  return /^\d+$/.test(text) ? { host: LOOPBACK, port: listen.port } : undefined;
}

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  const address = parseIp(host);
  return address !== undefined && isLoopbackAddress(address);
}

/**
 * Whether the `Host` of a request is one that a person at this machine or its network would ask for: a
 * numeric address, or `localhost`. Any other name may be a stranger's, made to point here so that a page
 * of that name can read what is served (DNS rebinding).
 */
export function isTrustedHost(host: string | null): boolean {
  if (host === null) return false;
  const name = host.replace(/:\d{1,5}$/, "").toLowerCase();
  return name === "localhost" || parseIpAddress(name) !== undefined;
}
