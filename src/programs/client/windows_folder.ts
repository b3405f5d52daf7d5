/**
 * The folder of programs, as the player hears of it.
 *
 * @module
 */
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { programFolder, UnsafeFolderError } from "../../system/folders/mod.ts";
import { UserError } from "../../log/user_error.ts";

/**
 * The client's folder among the programs, made where it is not there.
 *
 * @throws {UserError} others may write there, or it cannot be made
 */
export function ownProgramFolder(): string {
  try {
    return programFolder();
  } catch (cause) {
    if (cause instanceof UnsafeFolderError) throw new UserError(cause.message, { cause });
    if (!(cause instanceof WindowsError)) throw cause;
    throw new UserError(
      `the client's folder among the programs cannot be used (${cause.message})`,
      {
        cause,
      },
    );
  }
}
