/**
 * A DLL that lies inside the program, as a file that Windows can load: in a folder that only
 * administrators can write, named by its hash, and compared with it before it is used.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readFileIfThere, writeFileAtomic } from "./files.ts";
import { programFolder, programFolderPath } from "../folders/mod.ts";

const HASH_CHARACTERS = 32;

/**
 * The path of a file with these bytes, which is written where it is not there, or is another.
 *
 * @param name the file's name, to which its hash is added
 * @throws {UnsafeFolderError} others than administrators may write where it lies
 * @throws {Deno.errors.PermissionDenied} it has to be written, and this process may not
 */
export function placeLibrary(name: string, bytes: Uint8Array<ArrayBuffer>): string {
  const hash = hashOf(bytes);
  const file = `${name}-${hash.slice(0, HASH_CHARACTERS)}.dll`;
  const path = `${programFolder()}\\${file}`;
  const there = readFileIfThere(path);
  if (there === undefined || hashOf(there) !== hash) writeFileAtomic(path, bytes, 0o644);
  removeLibraries(name, file);
  return path;
}

/**
 * Removes the files of other versions, and of this one, too, unless it is named. What a running
 * program has loaded stays.
 *
 * @returns how many were removed
 */
export function removeLibraries(name: string, keep?: string): number {
  const pattern = new RegExp(`^${name}-[0-9a-f]{${HASH_CHARACTERS}}\\.dll$`);
  let removed = 0;
  try {
    for (const entry of Deno.readDirSync(programFolderPath())) {
      if (entry.name === keep || !entry.isFile || !pattern.test(entry.name)) continue;
      removed += removeUnused(`${programFolderPath()}\\${entry.name}`);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return removed;
}

function removeUnused(path: string): number {
  try {
    Deno.removeSync(path);
    return 1;
  } catch {
    return 0; // Windows keeps a file that is loaded
  }
}

function hashOf(bytes: Uint8Array<ArrayBuffer>): string {
  return createHash("sha256").update(bytes).digest("hex");
}
