/**
 * The C library's functions that talk to memory which is not JavaScript's: libc's on Linux, and
 * msvcrt's, which every Windows has, there.
 *
 * @module
 */

import { LIBC_NAME } from "./libc.ts";
import { systemDll } from "./system_dll.ts";

const SYMBOLS = {
  memcpy: {
    parameters: ["buffer", /* dest */ "usize", /* src, an address */ "usize" /* n */],
    result: "void",
  },
  memcpyToPointer: {
    name: "memcpy",
    parameters: ["pointer", /* dest */ "usize", /* src, an address */ "usize" /* n */],
    result: "void",
  },
  memcpyToAddress: {
    name: "memcpy",
    parameters: ["usize", /* dest, an address */ "buffer", /* src */ "usize" /* n */],
    result: "void",
  },
  /**
   * Used to call a function whose address C hands out: `bsearch` with one element calls its
   * comparison function exactly once, with the key as the first argument. A `Deno.UnsafeFnPointer`
   * takes about a microsecond for that, this 20 ns.
   */
  bsearch: {
    parameters: [
      "pointer", /* key */
      "pointer", /* base */
      "usize", /* nmemb */
      "usize", /* size */
      "usize", /* compar, an address */
    ],
    result: "void",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file on Windows, for the table of what is called. */
export const NATIVE_MEMORY_SYMBOLS = { "msvcrt.dll": SYMBOLS } as const;

/** The bound functions. */
export type NativeMemory = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** The bound functions, opened at the first call and kept for the life of the process. */
export function nativeMemory(): NativeMemory {
  opened ??= Deno.dlopen(
    Deno.build.os === "windows" ? systemDll("msvcrt.dll") : LIBC_NAME,
    SYMBOLS,
  );
  return opened.symbols;
}
