/** Where the program's msquic comes from: it lies inside the executable, beside the binding. */
import { placeLibrary } from "../../system/files/mod.ts";
import { QuicLibrary } from "../../quic/mod.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { UnsafeFolderError } from "../../system/folders/mod.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/**
 * Opens msquic on a reactor. Linux loads the library from memory, so nothing is left in a folder;
 * Windows loads files only, so it is kept in one.
 *
 * @throws {UserError} the program was not built, or the system lacks what the library needs
 */
export function openQuicLibrary(reactor: Reactor, pool: BufferPool): QuicLibrary {
  if (Deno.build.os === "windows") return openFile("msquic.dll", reactor, pool);
  return QuicLibrary.open(readIncluded("libmsquic.so"), reactor, pool);
}

/** Windows' virus scanners look into a library when it is written and when it is loaded. */
function openFile(name: string, reactor: Reactor, pool: BufferPool): QuicLibrary {
  const path = place(name);
  try {
    return QuicLibrary.open(path, reactor, pool);
  } catch (cause) {
    if (!isNotLoaded(cause)) throw cause;
    throw new UserError(
      `Windows does not load ${path} (${cause.message.trim()}): if a virus scanner holds it back, ` +
        "tell it to allow that file",
      { cause },
    );
  }
}

/** What `Deno.dlopen` says of a file that cannot be loaded; it has neither a class nor a code. */
function isNotLoaded(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith("Could not open library");
}

function place(name: string): string {
  const bytes = readIncluded(name);
  try {
    return placeLibrary(name.replace(".dll", ""), bytes);
  } catch (cause) {
    if (cause instanceof UnsafeFolderError) throw new UserError(cause.message, { cause });
    throw systemFailure(`${name} cannot be put into the folder of programs`, cause);
  }
}

function readIncluded(name: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(new URL(`../../quic/${name}`, import.meta.url));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UserError(`${name} is missing: run \`deno task build\` first`, { cause });
  }
}
