/**
 * The environment as a C library sees it.
 *
 * @module
 */

import { setLibcVariable, wipeInitialEnvironment as wipeOnLinux } from "./linux.ts";
import { setMsvcrtVariable } from "./windows.ts";

/** What a system's C library has. */
interface CEnvironment {
  /** A file that is always empty. */
  readonly emptyFile: string;
  setVariable(name: string, value: string | undefined): void;
  /** Overwrites what others can still read of the environment that this process was started with. */
  wipeInitial(isSecret: (name: string) => boolean): void;
}

const SYSTEM: CEnvironment = Deno.build.os === "windows"
  ? { emptyFile: "NUL", setVariable: setMsvcrtVariable, wipeInitial: () => {} }
  : { emptyFile: "/dev/null", setVariable: setLibcVariable, wipeInitial: wipeOnLinux };

/** A file that is always empty. */
export const EMPTY_FILE = SYSTEM.emptyFile;

/** Sets a variable for the C libraries of this process, or removes it. */
export function setCVariable(name: string, value: string | undefined): void {
  SYSTEM.setVariable(name, value);
}

/**
 * Overwrites values in what others can read of the environment that this process was started with; on Windows that is
 * nothing.
 *
 * @param isSecret whether a variable's value is to go, by its name
 */
export function wipeInitialEnvironment(isSecret: (name: string) => boolean): void {
  SYSTEM.wipeInitial(isSecret);
}
