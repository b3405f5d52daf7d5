/**
 * Where the program's msquic comes from: it lies inside the executable, beside the binding.
 *
 * @module
 */
import { glibcVersion } from "../../system/environment/mod.ts";
import { placeLibrary } from "../../system/files/mod.ts";
import { QuicLibrary } from "../../quic/mod.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { UnsafeFolderError } from "../../system/folders/mod.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/** The oldest glibc that has all that our build of msquic asks for; a test compares it with the build. */
export const GLIBC_MIN = "2.34";

/**
 * Looks whether this system can load the library at all, before anything is written anywhere.
 *
 * @param running the glibc's version; Windows has none
 * @throws {UserError} it is too old
 */
export function requireGlibc(
  running: string | undefined = Deno.build.os === "linux" ? glibcVersion() : undefined,
): void {
  if (running === undefined) return;
  const [[major, minor], [wanted, wantedMinor]] = [running, GLIBC_MIN].map((version) =>
    version.split(".").map(Number)
  );
  if (major > wanted || (major === wanted && minor >= wantedMinor)) return;
  throw new UserError(
    `this system's C library (glibc ${running}) is too old: lanparty needs ${GLIBC_MIN} or later, ` +
      "which Debian 12 and Ubuntu 22.04 have",
  );
}

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
