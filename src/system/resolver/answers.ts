/**
 * What a resolver answers.
 *
 * @module
 */

import { ResolveCode } from "../../ffi/libc_resolve.ts";

/** Most answers that are looked at. */
const ANSWERS_MAX = 64;

/** Which addresses are wanted. */
export interface ResolveOptions {
  /** Also those of an IP version that this machine has no address of itself. */
  readonly ofAnyFamily?: boolean;
}

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
