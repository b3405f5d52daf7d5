/** Where the program's msquic comes from: it lies inside the executable, beside the binding. */
import { placeLibrary } from "../os/windows_library_file.ts";
import { QuicLibrary } from "../quic/mod.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { Reactor } from "../reactor/mod.ts";
import { UserError } from "./user_error.ts";

/**
 * Opens msquic on a reactor. Linux loads the library from memory, so nothing is left in a folder;
 * Windows loads files only, so it is kept in one.
 *
 * @throws {UserError} the program was not built, or the system lacks what the library needs
 */
export function openQuicLibrary(reactor: Reactor, pool: BufferPool): QuicLibrary {
  if (Deno.build.os === "windows") {
    return QuicLibrary.open(placeLibrary("msquic", readIncluded("msquic.dll")), reactor, pool);
  }
  return QuicLibrary.open(readIncluded("libmsquic.so"), reactor, pool);
}

function readIncluded(name: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(new URL(`../quic/${name}`, import.meta.url));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UserError(`${name} is missing: run \`deno task build\` first`, { cause });
  }
}
