/** The state folder of a program, as its administrator sees it. */
import { stateFolder, UnsafePathError } from "../../system/files/mod.ts";
import { systemFailure } from "../../log/user_error.ts";

/**
 * Finds, and makes where needed, the state folder of a part: `relay`, `gateway` or `client`.
 *
 * @throws {UserError} it cannot be made, or others could change what lies in it
 */
export function openStateDir(part: string, wanted: string | undefined): string {
  try {
    return stateFolder(part, wanted);
  } catch (cause) {
    const name = wanted === undefined ? "its state folder" : `the state folder ${wanted}`;
    const failure = cause instanceof UnsafePathError ? "cannot be used" : "cannot be made";
    throw systemFailure(`${name} ${failure}`, cause);
  }
}
