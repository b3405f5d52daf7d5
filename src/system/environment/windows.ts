/**
 * The environment of a Windows process as msvcrt has it, which msquic.dll uses: a copy of its own, which the runtime does
 * not touch.
 *
 * @module
 */

import { cString } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { WINDOWS_ENVIRONMENT_SYMBOLS } from "../../ffi/windows_environment.ts";

type Msvcrt = (typeof WINDOWS_ENVIRONMENT_SYMBOLS)["msvcrt.dll"];

let msvcrt: Deno.DynamicLibrary<Msvcrt> | undefined;

/** Sets a variable for msvcrt, or removes it. */
export function setMsvcrtVariable(name: string, value: string | undefined): void {
  msvcrt ??= Deno.dlopen(systemDll("msvcrt.dll"), WINDOWS_ENVIRONMENT_SYMBOLS["msvcrt.dll"]);
  msvcrt.symbols._putenv(cString(`${name}=${value ?? ""}`));
}
