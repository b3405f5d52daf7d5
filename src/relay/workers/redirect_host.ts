/**
 * By which host an endpoint reaches another port of this machine.
 *
 * The address that it has come to is right unless a translator (NAT) stands before this machine; then
 * the name that it asked for is. A public address, or both ends inside the same network, speaks
 * against a translator.
 *
 * @module
 */
import { parseHost } from "../../control/address.ts";
import { IPV6_BYTES, parseIpAddress } from "../../proto/ip.ts";
import { isLinkLocal, isLocalHost } from "../../proto/ip_blocks.ts";

/** What is known of a connection. */
export interface RedirectPath {
  /** What the administrator says; it goes before all else. */
  readonly publicHost: string | undefined;
  /** The address that the connection has come to, and that it has come from; without ports. */
  readonly localHost: string;
  readonly remoteHost: string;
  /** The name that the endpoint asked for (SNI), unchecked; "" if it named none. */
  readonly serverName: string;
}

/** A host, and whether it is no more than a guess. */
export interface RedirectHost {
  readonly host: string;
  readonly guessed: boolean;
  /** The name that it asked for, where it can be one. */
  readonly serverName?: string;
}

/** Chooses the host of a redirect. */
export function redirectHost(path: RedirectPath): RedirectHost {
  const { publicHost, localHost, remoteHost } = path;
  const named = parseHost(path.serverName);
  const server = named === undefined ? {} : { serverName: named };
  if (publicHost !== undefined) return { host: publicHost, guessed: false, ...server };
  const local = parseIpAddress(localHost);
  const isNear = isLocalHost(localHost);
  // The zone of a link-local address means nothing on another machine.
  const isZoned = local?.length === IPV6_BYTES && isLinkLocal(local);
  if (!isZoned && (!isNear || isLocalHost(remoteHost))) {
    return { host: localHost, guessed: false, ...server };
  }
  if (named !== undefined) return { host: named, guessed: false, ...server };
  return { host: localHost, guessed: true };
}
