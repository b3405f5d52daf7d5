/**
 * The state folder of a program, as its administrator sees it.
 *
 * @module
 */
import { stateFolder, UnsafePathError } from "../../system/files/mod.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/**
 * Finds, and makes where needed, the state folder of a part: `relay`, `gateway` or `client`.
 *
 * @throws {UserError} it cannot be made, or others could change what lies in it
 */
export function openStateDir(part: string, wanted: string | undefined): string {
  const { HOME, STATE_DIRECTORY, XDG_STATE_HOME } = Deno.env.toObject();
  const isNamed = [wanted, HOME, STATE_DIRECTORY, XDG_STATE_HOME].some((name) => name);
  if (!isNamed && Deno.build.os !== "windows" && Deno.uid() !== 0) {
    throw new UserError("HOME is not set, so the state folder has no place: give --state-dir");
  }
  try {
    return stateFolder(part, wanted);
  } catch (cause) {
    const name = wanted === undefined ? "its state folder" : `the state folder ${wanted}`;
    const failure = cause instanceof UnsafePathError ? "cannot be used" : "cannot be made";
    throw systemFailure(`${name} ${failure}`, cause);
  }
}
