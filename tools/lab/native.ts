/**
 * Where tests find msquic: the library as the programs load it, and its headers.
 *
 * `LANPARTY_MSQUIC_LIBRARY` and `LANPARTY_MSQUIC_CRATE` name others, e.g. to try a patch.
 */

import { ensureLibrary, ensureSource } from "../build/native_library.ts";

/** The library's file. */
export async function msquicLibrary(): Promise<string> {
  return Deno.env.get("LANPARTY_MSQUIC_LIBRARY") ?? (await ensureLibrary()).path;
}

/** The folder of msquic's source; `src/inc` in it holds the headers. */
export async function msquicSource(): Promise<string> {
  return Deno.env.get("LANPARTY_MSQUIC_CRATE") ?? await ensureSource();
}
