/**
 * The environment as a C library sees it: libc's is its own copy, which the runtime does not touch,
 * and so is msvcrt's on Windows, which msquic.dll uses.
 *
 * @module
 */

import { cString } from "../../ffi/layout.ts";
import { libc } from "../../ffi/libc.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { WINDOWS_ENVIRONMENT_SYMBOLS } from "../../ffi/windows_environment.ts";

type Msvcrt = (typeof WINDOWS_ENVIRONMENT_SYMBOLS)["msvcrt.dll"];

let msvcrt: Deno.DynamicLibrary<Msvcrt> | undefined;

/** Fields of /proc/self/stat from the state on, the third of all (proc(5)): where the environment lies. */
const ENV_START_INDEX = 50 - 3;
const ENV_END_INDEX = 51 - 3;

/**
 * Overwrites values in the memory where the kernel has put the environment of this process when it
 * started, which /proc/PID/environ goes on to show. Elsewhere than on Linux nothing is shown, and
 * nothing done.
 *
 * @param isSecret whether a variable's value is to go, by its name
 */
export function wipeInitialEnvironment(isSecret: (name: string) => boolean): void {
  if (Deno.build.os !== "linux") return;
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const start = BigInt(fields[ENV_START_INDEX]);
  const length = Number(BigInt(fields[ENV_END_INDEX]) - start);
  const pointer = Deno.UnsafePointer.create(start);
  if (pointer === null || length <= 0) return;
  wipeValues(new Uint8Array(new Deno.UnsafePointerView(pointer).getArrayBuffer(length)), isSecret);
}

/** The same in a block of `NAME=value` texts, each with a zero byte behind it. */
export function wipeValues(block: Uint8Array, isSecret: (name: string) => boolean): void {
  for (let at = 0; at < block.length;) {
    const zero = block.indexOf(0, at);
    const end = zero < 0 ? block.length : zero;
    const equals = block.indexOf(EQUALS, at);
    const hasName = equals >= 0 && equals < end;
    if (hasName && isSecret(new TextDecoder().decode(block.slice(at, equals)))) {
      block.fill(0, equals + 1, end);
    }
    at = end + 1;
  }
}
const EQUALS = 0x3d;

/** A file that is always empty. */
export const EMPTY_FILE = Deno.build.os === "windows" ? "NUL" : "/dev/null";

/** Sets a variable for the C libraries of this process, or removes it. */
export function setCVariable(name: string, value: string | undefined): void {
  if (Deno.build.os === "windows") {
    msvcrt ??= Deno.dlopen(systemDll("msvcrt.dll"), WINDOWS_ENVIRONMENT_SYMBOLS["msvcrt.dll"]);
    msvcrt.symbols._putenv(cString(`${name}=${value ?? ""}`));
  } else if (value === undefined) libc().unsetenv(cString(name));
  else libc().setenv(cString(name), cString(value), 1);
}
