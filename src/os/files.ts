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

/** Removes a file; one that is not there is removed already. */
export function removeFileIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Writes a file so that a reader, and a crash, find either the old content or the new: into a new
 * file beside it, synced, then renamed over it; the folder is synced, too.
 *
 * @param mode permission bits, 0o600 for what only the owner may read
 */
export function writeFileAtomic(path: string, bytes: Uint8Array, mode: number): void {
  const temporary = `${path}.${Deno.pid}.new`;
  // A leftover of an earlier process with the same id could have other permissions, or be a link.
  removeFileIfThere(temporary);
  try {
    const file = Deno.openSync(temporary, { write: true, createNew: true, mode });
    try {
      for (let written = 0; written < bytes.length;) {
        written += file.writeSync(bytes.subarray(written));
      }
      file.syncSync();
    } finally {
      file.close();
    }
    Deno.renameSync(temporary, path);
  } catch (error) {
    removeFileIfThere(temporary);
    throw error;
  }
  syncFolder(path.replace(/[^/]*$/, "") || ".");
}

/** Makes a rename in a folder last; where folders cannot be opened (Windows) the system sees to it. */
function syncFolder(path: string): void {
  if (Deno.build.os === "windows") return;
  const folder = Deno.openSync(path, { read: true });
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}
