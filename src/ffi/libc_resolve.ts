/**
 * The system's resolver: `getaddrinfo` on a thread of its own, so that a slow name server does not
 * stop the reactor. It answers as every other program on the machine would be answered (hosts file,
 * nsswitch.conf, resolv.conf).
 *
 * @module
 */

import { cString, Struct } from "./layout.ts";
import type { StructLayout } from "./layout.ts";
import { LIBC_NAME } from "./libc.ts";
import { SOCK_DGRAM } from "./libc_net.ts";

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

/** Most answers that are looked at. */
const ANSWERS_MAX = 64;

const SYMBOLS = {
  getaddrinfo: {
    parameters: ["buffer", /* node */ "pointer", /* service */ "buffer", /* hints */ "buffer"],
    result: "i32",
    nonblocking: true,
  },
  freeaddrinfo: { parameters: ["pointer" /* res */], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** A name that could not be resolved. */
export class ResolveError extends Error {
  override readonly name = "ResolveError";
  readonly host: string;
  /** One of {@linkcode ResolveCode}. */
  readonly code: number;

  constructor(host: string, code: number) {
    const known = Object.entries(ResolveCode).find(([, value]) => value === code);
    super(`cannot resolve ${host}: ${known?.[0] ?? `EAI ${code}`}`);
    this.host = host;
    this.code = code;
  }
}

/**
 * The socket addresses of a host, best first (RFC 6724), as `sockaddr_in` or `sockaddr_in6` bytes
 * with port 0.
 *
 * @throws {ResolveError} if there are none
 */
export async function getSocketAddresses(host: string): Promise<Uint8Array<ArrayBuffer>[]> {
  opened ??= Deno.dlopen(LIBC_NAME, SYMBOLS);
  const node = cString(host);
  const hints = new Struct(ADDRINFO)
    .setNumber("ai_flags", AI_ADDRCONFIG)
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

/** Copies the addresses of a list of `addrinfo`, whose members lie where `fields` says. */
export function copyAddresses(
  list: Deno.PointerValue,
  fields: Readonly<Record<"ai_addr" | "ai_addrlen" | "ai_next", { readonly offset: number }>>,
): Uint8Array<ArrayBuffer>[] {
  const addresses: Uint8Array<ArrayBuffer>[] = [];
  const { ai_addr, ai_addrlen, ai_next } = fields;
  for (let item = list; item !== null && addresses.length < ANSWERS_MAX;) {
    const view = new Deno.UnsafePointerView(item);
    const address = view.getPointer(ai_addr.offset);
    if (address !== null) {
      const bytes = new Uint8Array(view.getUint32(ai_addrlen.offset));
      new Deno.UnsafePointerView(address).copyInto(bytes);
      addresses.push(bytes);
    }
    item = view.getPointer(ai_next.offset);
  }
  return addresses;
}
