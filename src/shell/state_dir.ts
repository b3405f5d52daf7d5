/** The state folder of a program, as its administrator sees it. */
import { stateFolder } from "../os/state_folder.ts";
import { systemFailure } from "./user_error.ts";

/**
 * Finds, and makes where needed, the state folder of a part: `relay`, `gateway` or `client`.
 *
 * @throws {UserError} it cannot be made
 */
export function openStateDir(part: string, wanted: string | undefined): string {
  try {
    return stateFolder(part, wanted);
  } catch (cause) {
    const name = wanted === undefined ? "its state folder" : `the state folder ${wanted}`;
    throw systemFailure(`${name} cannot be made`, cause);
  }
}
