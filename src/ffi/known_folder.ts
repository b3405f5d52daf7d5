/**
 * Folders that Windows knows by an id. The environment names them, too, but a user can change his
 * environment, and an administrator's process inherits it.
 *
 * @module
 */

import { systemDll } from "./system_dll.ts";

/** `FOLDERID_ProgramFiles` {905e63b6-c1bf-494e-b29c-65b732d3d21a} (KnownFolders.h). */
export const FOLDERID_PROGRAM_FILES = Uint8Array.of(
  ...[0xb6, 0x63, 0x5e, 0x90, 0xbf, 0xc1, 0x4e, 0x49],
  ...[0xb2, 0x9c, 0x65, 0xb7, 0x32, 0xd3, 0xd2, 0x1a],
);

const SHELL_SYMBOLS = {
  SHGetKnownFolderPath: {
    parameters: [
      "buffer", /* rfid */
      "u32", /* dwFlags */
      "usize", /* hToken */
      "buffer", /* ppszPath, out */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const OLE_SYMBOLS = {
  CoTaskMemFree: { parameters: ["pointer" /* pv */], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const KNOWN_FOLDER_SYMBOLS = {
  "shell32.dll": SHELL_SYMBOLS,
  "ole32.dll": OLE_SYMBOLS,
} as const;

const PATH_UNITS_MAX = 1024;

/** `C:\Program Files`: only administrators can write there. */
export function programFilesFolder(): string {
  const shell = Deno.dlopen(systemDll("shell32.dll"), SHELL_SYMBOLS);
  const ole = Deno.dlopen(systemDll("ole32.dll"), OLE_SYMBOLS);
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
