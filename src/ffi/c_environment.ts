/**
 * The environment as a C library sees it: libc's is its own copy, which the runtime does not touch,
 * and so is msvcrt's on Windows, which msquic.dll uses.
 *
 * @module
 */

import { cString } from "./layout.ts";
import { libc } from "./libc.ts";
import { systemDll } from "./system_dll.ts";

const MSVCRT_SYMBOLS = {
  _putenv: {
    parameters: ["buffer" /* envstring: NAME=value, or NAME= to remove it */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

let msvcrt: Deno.DynamicLibrary<typeof MSVCRT_SYMBOLS> | undefined;

/** A file that is always empty. */
export const EMPTY_FILE = Deno.build.os === "windows" ? "NUL" : "/dev/null";

/** Sets a variable for the C libraries of this process, or removes it. */
export function setCVariable(name: string, value: string | undefined): void {
  if (Deno.build.os === "windows") {
    msvcrt ??= Deno.dlopen(systemDll("msvcrt.dll"), MSVCRT_SYMBOLS);
    msvcrt.symbols._putenv(cString(`${name}=${value ?? ""}`));
  } else if (value === undefined) libc().unsetenv(cString(name));
  else libc().setenv(cString(name), cString(value), 1);
}
