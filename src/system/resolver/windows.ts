/**
 * Windows' resolver (`GetAddrInfoW`), on a thread of its own: it answers as every other program on
 * the machine would be answered.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import {
  ADDRINFOW,
  AI_ADDRCONFIG_WINDOWS,
  WINDOWS_RESOLVE_SYMBOLS,
} from "../../ffi/windows_resolve.ts";
import { SocketConstant, windowsSockets } from "../../ffi/windows_sockets.ts";
import { copyAddresses, ResolveError, type ResolveOptions } from "./answers.ts";

type Symbols = (typeof WINDOWS_RESOLVE_SYMBOLS)["ws2_32.dll"];

let opened: Deno.DynamicLibrary<Symbols> | undefined;

function open(): Deno.StaticForeignLibraryInterface<Symbols> {
  windowsSockets(); // started there
  opened ??= Deno.dlopen(systemDll("ws2_32.dll"), WINDOWS_RESOLVE_SYMBOLS["ws2_32.dll"]);
  return opened.symbols;
}

/**
 * The socket addresses of a host, best first, as `sockaddr_in` or `sockaddr_in6` bytes.
 *
 * @throws {ResolveError} if there are none
 */
export async function getSocketAddressesWindows(
  host: string,
  { ofAnyFamily = false }: ResolveOptions,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const symbols = open();
  const node = wideString(host);
  const hints = new Struct(ADDRINFOW)
    .setNumber("ai_flags", ofAnyFamily ? 0 : AI_ADDRCONFIG_WINDOWS)
    .setNumber("ai_socktype", SocketConstant.SOCK_DGRAM);
  const out = new BigUint64Array(1);
  const code = await symbols.GetAddrInfoW(node, null, hints.bytes, out);
  // Referred to here, so that they outlive the call on the other thread.
  if (code !== 0 || node.length === 0 || hints.bytes.length === 0) {
    throw new ResolveError(host, code);
  }
  const list = Deno.UnsafePointer.create(out[0]);
  try {
    return copyAddresses(list, ADDRINFOW.fields);
  } finally {
    symbols.FreeAddrInfoW(list);
  }
}
