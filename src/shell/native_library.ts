/** Where the program's libmsquic comes from: it lies inside the executable, beside the binding. */
import { QuicLibrary } from "../quic/mod.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { Reactor } from "../reactor/mod.ts";
import { UserError } from "./user_error.ts";

/**
 * Opens msquic on a reactor. The library is loaded from memory, so nothing is left in a folder.
 *
 * @throws {UserError} the program was not built, or the system lacks what the library needs
 */
export function openQuicLibrary(reactor: Reactor, pool: BufferPool): QuicLibrary {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync(new URL("../quic/libmsquic.so", import.meta.url));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UserError("libmsquic.so is missing: run `deno task build` first", { cause });
  }
  return QuicLibrary.open(bytes, reactor, pool);
}
