/**
 * Folders that Windows knows by an id. The environment names them, too, but a user can change his
 * environment, and an administrator's process inherits it.
 *
 * @module
 */

import { FOLDERID_PROGRAM_FILES, KNOWN_FOLDER_SYMBOLS } from "../../ffi/known_folder.ts";
import { systemDll } from "../../ffi/system_dll.ts";

const PATH_UNITS_MAX = 1024;

/** `C:\Program Files`: only administrators can write there. */
export function programFilesFolder(): string {
  const shell = Deno.dlopen(systemDll("shell32.dll"), KNOWN_FOLDER_SYMBOLS["shell32.dll"]);
  const ole = Deno.dlopen(systemDll("ole32.dll"), KNOWN_FOLDER_SYMBOLS["ole32.dll"]);
  try {
    const out = new BigUint64Array(1);
    const result = shell.symbols.SHGetKnownFolderPath(FOLDERID_PROGRAM_FILES, 0, 0n, out);
    const pointer = Deno.UnsafePointer.create(out[0]);
    if (result < 0 || pointer === null) throw new Error("SHGetKnownFolderPath failed");
    const view = new Deno.UnsafePointerView(pointer);
    let path = "";
    for (let unit = view.getUint16(0); unit !== 0 && path.length < PATH_UNITS_MAX;) {
      path += String.fromCharCode(unit);
      unit = view.getUint16(path.length * 2);
    }
    ole.symbols.CoTaskMemFree(pointer);
    return path;
  } finally {
    shell.close();
    ole.close();
  }
}
