/**
 * The system's resolver, whichever system it is.
 *
 * @module
 */

import type { ResolveOptions } from "./answers.ts";
import { getSocketAddressesLinux } from "./linux.ts";
import { getSocketAddressesWindows } from "./windows.ts";

/**
 * The socket addresses of a host, best first, as `sockaddr_in` or `sockaddr_in6` bytes with port 0. Nothing else
 * waits for them.
 *
 * @throws {ResolveError} if there are none
 */
export function getSocketAddresses(
  host: string,
  options: ResolveOptions,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const resolve = Deno.build.os === "windows" ? getSocketAddressesWindows : getSocketAddressesLinux;
  return resolve(host, options);
}
