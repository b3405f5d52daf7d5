/** The journal of a program's changes to a Linux machine, in its state folder. */
import { ChangeJournal, JournalBusyError, type Undo } from "../os/journal.ts";
import { type Logger, logText } from "./logging.ts";
import { UserError } from "./user_error.ts";

/**
 * Opens the journal, and undoes what a killed run left behind.
 *
 * @param undoers for each kind of change, what takes it back
 * @param fleeting kinds of change that a restart of the machine undoes
 * @throws {UserError} another program has the folder
 */
export function openStateJournal(
  path: string,
  undoers: Readonly<Record<string, Undo>>,
  fleeting: readonly string[],
  logger: Logger,
): ChangeJournal {
  try {
    return ChangeJournal.open(path, undoers, {
      fleeting,
      onFailure(failure) {
        logText(logger, "warning", "a change of an earlier run could not be undone", { failure });
      },
      onDamage(asidePath) {
        const text = "The record of what an earlier run changed is damaged, and was put aside as " +
          `${asidePath}: what a killed run left behind stays as it is`;
        logText(logger, "warning", text, { asidePath });
      },
    });
  } catch (cause) {
    if (!(cause instanceof JournalBusyError)) throw cause;
    throw new UserError(`${cause.message}: give this one another --state-dir`, { cause });
  }
}
