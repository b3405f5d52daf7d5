/**
 * Rights on Windows: asked for once, by the system's own question (UAC), with a word on why.
 *
 * @module
 */
import { commandLine, shellExecute } from "../../system/process/mod.ts";
import { isAdministrator } from "../../system/rights/mod.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { UserError } from "../../log/user_error.ts";

/** The first argument of a start that was made with an administrator's rights: with its folder. */
const MARK = "--as-administrator=";

/** How a program was started. */
export interface Start {
  /** The arguments that the player gave. */
  readonly args: readonly string[];
  /** Whether this start is already the answer to a question for rights: no second one is asked. */
  readonly isSecond: boolean;
}

/**
 * Takes the mark of a second start off the arguments, and goes to the folder of the first: Windows
 * starts programs with other rights elsewhere.
 */
export function readStart(args: readonly string[]): Start {
  if (Deno.build.os !== "windows" || !args[0]?.startsWith(MARK)) return { args, isSecond: false };
  try {
    Deno.chdir(args[0].slice(MARK.length));
  } catch {
    // A network drive of the player's may not exist for the administrator: absolute paths still do.
  }
  return { args: args.slice(1), isSecond: true };
}

/** Whether the program has to be started again to get its rights. */
export function needsRights(start: Start): boolean {
  return Deno.build.os === "windows" && !start.isSecond && !isAdministrator();
}

/**
 * Starts this program again with an administrator's rights, which Windows asks the player for, and
 * waits for its end.
 *
 * @param args its arguments
 * @returns its exit code
 * @throws {UserError} the player said no
 */
export async function runWithRights(args: readonly string[], logger: Logger): Promise<number> {
  logText(
    logger,
    "info",
    "lanparty-client sets up a network adapter and routes, so it needs an administrator's " +
      "rights: Windows asks for them now. It goes on in a window of its own",
  );
  const folder = Deno.cwd();
  try {
    const code = await shellExecute({
      verb: "runas",
      file: Deno.execPath(),
      parameters: commandLine([MARK + folder, ...args]),
      folder,
    });
    if (code !== "refused") return code;
  } catch (cause) {
    if (!(cause instanceof WindowsError)) throw cause;
    throw new UserError(
      `the program could not be started as administrator (${cause.message}): right-click it, or ` +
        "the console, and choose Run as administrator",
      { cause },
    );
  }
  throw new UserError(
    "without an administrator's rights there is no adapter: start lanparty-client again and " +
      "answer Yes, or ask whoever administers this PC",
  );
}
