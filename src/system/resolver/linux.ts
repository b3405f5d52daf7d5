/**
 * The system's resolver: `getaddrinfo` on a thread of its own, so that a slow name server does not
 * stop the reactor. It answers as every other program on the machine would be answered (hosts file,
 * nsswitch.conf, resolv.conf).
 *
 * @module
 */

import { cString, Struct } from "../../ffi/layout.ts";
import { LIBC_NAME } from "../../ffi/libc.ts";
import { SOCK_DGRAM } from "../../ffi/libc_net.ts";
import { ADDRINFO, AI_ADDRCONFIG, LIBC_RESOLVE } from "../../ffi/libc_resolve.ts";
import { copyAddresses, ResolveError, type ResolveOptions } from "./answers.ts";

let opened: Deno.DynamicLibrary<typeof LIBC_RESOLVE> | undefined;

/**
 * The socket addresses of a host, best first (RFC 6724), as `sockaddr_in` or `sockaddr_in6` bytes
 * with port 0.
 *
 * @throws {ResolveError} if there are none
 */
export async function getSocketAddressesLinux(
  host: string,
  { ofAnyFamily = false }: ResolveOptions,
): Promise<Uint8Array<ArrayBuffer>[]> {
  opened ??= Deno.dlopen(LIBC_NAME, LIBC_RESOLVE);
  const node = cString(host);
  const hints = new Struct(ADDRINFO)
    .setNumber("ai_flags", ofAnyFamily ? 0 : AI_ADDRCONFIG)
    .setNumber("ai_socktype", SOCK_DGRAM);
  const out = new BigUint64Array(1);
  const code = await opened.symbols.getaddrinfo(node, null, hints.bytes, out);
  // Referred to here, so that they outlive the call on the other thread.
  if (code !== 0 || node.length === 0 || hints.bytes.length === 0) {
    throw new ResolveError(host, code);
  }
  const list = Deno.UnsafePointer.create(out[0]);
  try {
    return copyAddresses(list, ADDRINFO.fields);
  } finally {
    opened.symbols.freeaddrinfo(list);
  }
}
