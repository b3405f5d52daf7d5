/**
 * Files that must be whole or absent, whatever happens while they are written.
 *
 * @module
 */

import { pauseBlocking } from "../process/mod.ts";

/** How long, and how often, it is tried again what another program is in the way of. */
const HELD_MAX_MS = 500;
const HELD_STEP_MS = 20;

/**
 * Does something with a file that on Windows another program may hold: virus scanners and search indexers
 * open each file that was just written, and for a moment it can be neither replaced nor removed.
 *
 * @throws what `work` throws, when it has not ended after half a second
 */
export function patiently<T>(work: () => T, isWindows = Deno.build.os === "windows"): T {
  for (let waitedMs = 0;; waitedMs += HELD_STEP_MS) {
    try {
      return work();
    } catch (error) {
      if (!isWindows || !isHeld(error) || waitedMs >= HELD_MAX_MS) throw error;
    }
    pauseBlocking(HELD_STEP_MS);
  }
}

/** As {@linkcode patiently}, without anything else waiting meanwhile. */
export async function patientlyLater<T>(
  work: () => Promise<T>,
  isWindows = Deno.build.os === "windows",
): Promise<T> {
  for (let waitedMs = 0;; waitedMs += HELD_STEP_MS) {
    try {
      return await work();
    } catch (error) {
      if (!isWindows || !isHeld(error) || waitedMs >= HELD_MAX_MS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, HELD_STEP_MS));
  }
}

/** ERROR_ACCESS_DENIED, as Deno says it, or ERROR_SHARING_VIOLATION. */
function isHeld(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.Busy ||
    (error instanceof Error && "code" in error && error.code === "EBUSY");
}

/** Permission bits of a file that its owner alone may read. */
export const OWNER_ONLY_MODE = 0o600;
const OF_OTHERS = 0o077;
const COPY_CHUNK_BYTES = 1 << 20;

/** The path of a file in a folder, as the system writes paths. */
export function pathIn(folder: string, name: string): string {
  return `${folder}${Deno.build.os === "windows" ? "\\" : "/"}${name}`;
}

/** Whether anything is there under a path: a link that leads nowhere is not. */
export function exists(path: string): boolean {
  return infoOf(path) !== undefined;
}

/** Whether a path is a file's, or a link's that leads to one. */
export function isFile(path: string): boolean {
  return infoOf(path)?.isFile === true;
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

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
    patiently(() => Deno.removeSync(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Writes a file so that a reader, and a crash, find either the old content or the new: into a new
 * file beside it, synced, then renamed over it; the folder is synced, too.
 *
 * @param mode permission bits, such as {@linkcode OWNER_ONLY_MODE}, whatever the umask takes away
 */
export function writeFileAtomic(path: string, bytes: Uint8Array, mode: number): void {
  replaceFile(path, mode, (file) => writeAll(file, bytes));
}

/** Copies a file as {@linkcode writeFileAtomic} writes one. */
export function copyFileAtomic(from: string, to: string, mode: number): void {
  replaceFile(to, mode, (file) => {
    const source = Deno.openSync(from, { read: true });
    try {
      const chunk = new Uint8Array(COPY_CHUNK_BYTES);
      for (let length = source.readSync(chunk); length; length = source.readSync(chunk)) {
        writeAll(file, chunk.subarray(0, length));
      }
    } finally {
      source.close();
    }
  });
}

function replaceFile(path: string, mode: number, fill: (file: Deno.FsFile) => void): void {
  const temporary = `${path}.${Deno.pid}.new`;
  // A leftover of an earlier process with the same id could have other permissions, or be a link.
  removeFileIfThere(temporary);
  try {
    const file = Deno.openSync(temporary, { write: true, createNew: true, mode });
    try {
      fill(file);
      // The umask takes nothing from the owner.
      if (Deno.build.os !== "windows" && (mode & OF_OTHERS) !== 0) Deno.chmodSync(temporary, mode);
      file.syncSync();
    } finally {
      file.close();
    }
    patiently(() => Deno.renameSync(temporary, path));
  } catch (error) {
    removeFileIfThere(temporary);
    throw error;
  }
  syncFolder(path.replace(/[^/]*$/, "") || ".");
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += file.writeSync(bytes.subarray(written));
  }
}

/**
 * As {@linkcode writeFileAtomic}, without anything else waiting for the disk. Two at a time of one path
 * are none.
 */
export async function writeFileAtomicLater(
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = `${path}.${Deno.pid}.later`;
  await removeFileLater(temporary);
  try {
    const file = await Deno.open(temporary, { write: true, createNew: true, mode });
    try {
      for (let written = 0; written < bytes.length;) {
        written += await file.write(bytes.subarray(written));
      }
      await file.sync();
    } finally {
      file.close();
    }
    await patientlyLater(() => Deno.rename(temporary, path));
  } catch (error) {
    await removeFileLater(temporary);
    throw error;
  }
  if (Deno.build.os === "windows") return;
  const folder = await Deno.open(path.replace(/[^/]*$/, "") || ".", { read: true });
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}

async function removeFileLater(path: string): Promise<void> {
  try {
    await patientlyLater(() => Deno.remove(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes a folder with all that is in it, or a link to one and nothing behind it; one that is not there is removed already. */
export function removeFolderIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
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
