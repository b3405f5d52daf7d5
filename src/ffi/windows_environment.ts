/**
 * The environment of msvcrt, which msquic.dll uses.
 *
 * @module
 */

const SYMBOLS = {
  _putenv: {
    parameters: ["buffer" /* envstring: NAME=value, or NAME= to remove it */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_ENVIRONMENT_SYMBOLS = { "msvcrt.dll": SYMBOLS } as const;
