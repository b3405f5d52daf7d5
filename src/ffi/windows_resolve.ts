/**
 * Windows' resolver (`GetAddrInfoW`), on a thread of its own: it answers as every other program on
 * the machine would be answered.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { Struct } from "./layout.ts";
import { copyAddresses, ResolveError } from "./libc_resolve.ts";
import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { SocketConstant, windowsSockets } from "./windows_sockets.ts";

/** One answer, and the query's hints. Two members are the other way round than on Linux. */
export const ADDRINFOW = {
  name: "ADDRINFOW",
  header: "ws2tcpip.h",
  page: "https://learn.microsoft.com/windows/win32/api/ws2def/ns-ws2def-addrinfow",
  sizeBytes: 48,
  fields: {
    ai_flags: { offset: 0, type: "i32" },
    ai_family: { offset: 4, type: "i32" },
    ai_socktype: { offset: 8, type: "i32" },
    ai_protocol: { offset: 12, type: "i32" },
    ai_addrlen: { offset: 16, type: "u64" },
    ai_canonname: { offset: 24, type: "pointer" },
    ai_addr: { offset: 32, type: "pointer" },
    ai_next: { offset: 40, type: "pointer" },
  },
} as const satisfies StructLayout;

/** `AI_ADDRCONFIG` of ws2def.h. */
export const AI_ADDRCONFIG_WINDOWS = 0x400;

const SYMBOLS = {
  GetAddrInfoW: {
    parameters: [
      "buffer", /* pNodeName */
      "pointer", /* pServiceName */
      "buffer", /* pHints */
      "buffer", /* ppResult, out */
    ],
    result: "i32",
    nonblocking: true,
  },
  FreeAddrInfoW: { parameters: ["pointer" /* pAddrInfo */], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_RESOLVE_SYMBOLS = { "ws2_32.dll": SYMBOLS } as const;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

function open(): Deno.StaticForeignLibraryInterface<typeof SYMBOLS> {
  windowsSockets(); // started there
  opened ??= Deno.dlopen(systemDll("ws2_32.dll"), SYMBOLS);
  return opened.symbols;
}

/**
 * The socket addresses of a host, best first, as `sockaddr_in` or `sockaddr_in6` bytes.
 *
 * @throws {ResolveError} if there are none
 */
export async function getSocketAddressesWindows(host: string): Promise<Uint8Array<ArrayBuffer>[]> {
  const symbols = open();
  const node = wideString(host);
  const hints = new Struct(ADDRINFOW)
    .setNumber("ai_flags", AI_ADDRCONFIG_WINDOWS)
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
