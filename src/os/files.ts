/** Files that must be whole or absent, whatever happens while they are written. */

/** Reads a file; undefined if there is none. Other failures are thrown (`Deno.errors`). */
export function readFileIfThere(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Writes a file so that a reader, and a crash, find either the old content or the new: into a new
 * file beside it, synced, then renamed over it.
 *
 * @param mode permission bits, 0o600 for what only the owner may read
 */
export function writeFileAtomic(path: string, bytes: Uint8Array, mode: number): void {
  const temporary = `${path}.${Deno.pid}.new`;
  const file = Deno.openSync(temporary, { write: true, create: true, truncate: true, mode });
  try {
    for (let written = 0; written < bytes.length;) {
      written += file.writeSync(bytes.subarray(written));
    }
    file.syncSync();
  } finally {
    file.close();
  }
  Deno.renameSync(temporary, path);
}
