/**
 * The system's resolver (`getaddrinfo`).
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

/** One answer, and the query's hints. */
export const ADDRINFO = {
  name: "struct addrinfo",
  header: "netdb.h",
  page: "https://man7.org/linux/man-pages/man3/getaddrinfo.3.html",
  sizeBytes: 48,
  fields: {
    ai_flags: { offset: 0, type: "i32" },
    ai_family: { offset: 4, type: "i32" },
    ai_socktype: { offset: 8, type: "i32" },
    ai_protocol: { offset: 12, type: "i32" },
    ai_addrlen: { offset: 16, type: "u32" },
    ai_addr: { offset: 24, type: "pointer" },
    ai_canonname: { offset: 32, type: "pointer" },
    ai_next: { offset: 40, type: "pointer" },
  },
} as const satisfies StructLayout;

/** `AI_ADDRCONFIG`: no IPv6 addresses where the machine has none itself, and the reverse. */
export const AI_ADDRCONFIG = 0x20;

/** `EAI_*` results of `getaddrinfo`. */
export const ResolveCode = {
  EAI_BADFLAGS: -1,
  EAI_NONAME: -2,
  EAI_AGAIN: -3,
  EAI_FAIL: -4,
  EAI_FAMILY: -6,
  EAI_SOCKTYPE: -7,
  EAI_SERVICE: -8,
  EAI_MEMORY: -10,
  EAI_SYSTEM: -11,
} as const;

/** Called on a thread of its own. */
export const LIBC_RESOLVE = {
  getaddrinfo: {
    parameters: ["buffer", /* node */ "pointer", /* service */ "buffer", /* hints */ "buffer"],
    result: "i32",
    nonblocking: true,
  },
  freeaddrinfo: { parameters: ["pointer" /* res */], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;
