/**
 * Changes to the machine: written down before they are made, and undone.
 *
 * @module
 */
export { ChangeJournal, ForeignChangeError, isRecord, JournalBusyError } from "./journal.ts";
export type { Change, ChangeData, JournalOptions, Undo, UndoFailure } from "./journal.ts";
