/**
 * Windows' resolver (`GetAddrInfoW`).
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

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
