/**
 * What this process may do on Windows.
 *
 * @module
 */

const SYMBOLS = {
  IsUserAnAdmin: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_RIGHTS_SYMBOLS = { "shell32.dll": SYMBOLS } as const;
