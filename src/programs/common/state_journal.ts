/**
 * The journal of a program's changes to a Linux machine, in its state folder.
 *
 * @module
 */
import {
  ChangeJournal,
  ForeignChangeError,
  JournalBusyError,
  type Undo,
} from "../../system/journal/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/**
 * Opens the journal, and undoes what a killed run left behind.
 *
 * @param undoers for each kind of change, what takes it back
 * @param fleeting kinds of change that a restart of the machine undoes
 * @param onTrouble told that something was not undone, which the log says
 * @throws {UserError} another program has the folder, or others could have written the journal
 */
export function openStateJournal(
  path: string,
  undoers: Readonly<Record<string, Undo>>,
  fleeting: readonly string[],
  logger: Logger,
  onTrouble: () => void = () => {},
): ChangeJournal {
  try {
    return ChangeJournal.open(path, undoers, {
      fleeting,
      onFailure(failure) {
        const { error } = failure;
        const text = error instanceof ForeignChangeError
          ? `${path} names a change that no lanparty program makes: it was not undone`
          : "a change of an earlier run could not be undone";
        logText(logger, "warning", text, { failure });
        onTrouble();
      },
      onDamage(asidePath) {
        const text = "The record of what an earlier run changed is damaged, and was put aside as " +
          `${asidePath}: what a killed run left behind stays as it is`;
        logText(logger, "warning", text, { asidePath });
        onTrouble();
      },
    });
  } catch (cause) {
    if (!(cause instanceof JournalBusyError)) {
      throw systemFailure("the journal of changes cannot be used", cause);
    }
    const folder = path.slice(0, path.lastIndexOf("/"));
    throw new UserError(
      `this program runs already with the state folder ${folder} (process ${cause.pid}): end that one, or give this ` +
        "one another --state-dir",
      { cause },
    );
  }
}
