/**
 * The environment of a Linux process: libc's is a copy of its own, which the runtime does not touch, and the kernel goes
 * on to show the one that the process was started with.
 *
 * @module
 */

import { cString } from "../../ffi/layout.ts";
import { libc } from "../../ffi/libc.ts";

export { glibcVersion } from "../../ffi/libc.ts";

/** Fields of /proc/self/stat from the state on, the third of all (proc(5)): where the environment lies. */
const ENV_START_INDEX = 50 - 3;
const ENV_END_INDEX = 51 - 3;

/**
 * Overwrites values in the memory where the kernel has put the environment of this process when it
 * started, which /proc/PID/environ goes on to show.
 *
 * @param isSecret whether a variable's value is to go, by its name
 */
export function wipeInitialEnvironment(isSecret: (name: string) => boolean): void {
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

/** Sets a variable for libc, or removes it. */
export function setLibcVariable(name: string, value: string | undefined): void {
  if (value === undefined) libc().unsetenv(cString(name));
  else libc().setenv(cString(name), cString(value), 1);
}
