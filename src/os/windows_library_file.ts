/**
 * A DLL that lies inside the program, as a file that Windows can load: in a folder that only
 * administrators can write, named by its hash, and compared with it before it is used.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { programFilesFolder } from "../ffi/known_folder.ts";
import { readFileIfThere, writeFileAtomic } from "./files.ts";

const FOLDER = "lanparty-client";
const HASH_CHARACTERS = 32;

/**
 * The path of a file with these bytes, which is written where it is not there, or is another.
 *
 * @param name the file's name, to which its hash is added
 * @throws {Deno.errors.PermissionDenied} it has to be written, and this process may not
 */
export function placeLibrary(name: string, bytes: Uint8Array<ArrayBuffer>): string {
  const hash = hashOf(bytes);
  const folder = `${programFilesFolder()}\\${FOLDER}`;
  const path = `${folder}\\${name}-${hash.slice(0, HASH_CHARACTERS)}.dll`;
  const there = readFileIfThere(path);
  if (there === undefined || hashOf(there) !== hash) {
    Deno.mkdirSync(folder, { recursive: true });
    writeFileAtomic(path, bytes, 0o644);
  }
  return path;
}

function hashOf(bytes: Uint8Array<ArrayBuffer>): string {
  return createHash("sha256").update(bytes).digest("hex");
}
