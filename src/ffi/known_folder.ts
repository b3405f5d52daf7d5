/**
 * Folders that Windows knows by an id (shell32).
 *
 * @module
 */

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
