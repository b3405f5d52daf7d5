/**
 * From a host's name to addresses.
 *
 * @module
 */

import { getSocketAddresses, type ResolveOptions } from "../system/resolver/mod.ts";
import { parseAddress, readAddress } from "./address.ts";
import type { QuicAddress } from "./address.ts";

/**
 * The addresses of a host, in the order in which they should be tried; a literal address is itself.
 * The reactor goes on meanwhile. (msquic would resolve a name by itself, but on the calling thread.)
 *
 * @throws {ResolveError} if the name has no address, or no name server answers
 */
export async function resolveHost(
  host: string,
  port: number,
  options: ResolveOptions = {},
): Promise<QuicAddress[]> {
  const literal = parseAddress(host, port);
  if (literal !== undefined) return [literal];
  const addresses = await getSocketAddresses(host, options);
  return addresses.map((bytes) => ({ ...readAddress(bytes), port }));
}
