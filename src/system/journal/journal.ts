/**
 * A journal of changes to the system that must be undone: what this process started, wrote or set
 * and would outlive it. Each is written down before it is made, and undone at the exit, or, if the
 * process was killed, at the next start.
 *
 * ```ts
 * const journal = ChangeJournal.open(`${stateFolder}/changes.json`, { file: undoFile });
 * const change = journal.record("file", "/run/example");
 * …
 * journal.undo(change);
 * ```
 *
 * @module
 */

import {
  OWNER_ONLY_MODE,
  patiently,
  readOwnFile,
  removeFileIfThere,
  writeFileAtomic,
} from "../files/mod.ts";
import {
  identifyProcess,
  isOfEarlierBoot,
  isRunning,
  parseIdentity,
  type ProcessIdentity,
} from "../process/mod.ts";

/** What is known of a change: any JSON value, as its undoer wants it. */
export type ChangeData = string | number | boolean | null | readonly ChangeData[] | {
  readonly [name: string]: ChangeData;
};

/**
 * Takes a change back. It may be called for a change that was never made, or is undone already:
 * then it does nothing. What a journal says is checked before it is done.
 *
 * @throws {ForeignChangeError} it is no change that this program makes
 */
export type Undo = (data: ChangeData) => void;

/** A change that is written down. */
export interface Change {
  readonly id: number;
  readonly kind: string;
  readonly data: ChangeData;
}

/** A change that could not be undone; it stays in the journal. */
export interface UndoFailure {
  readonly change: Change;
  readonly error: unknown;
}

/** A journal names a change that its program never makes: it is not undone, and struck out. */
export class ForeignChangeError extends Error {
  override readonly name: string = "ForeignChangeError";
}

/** How a journal is opened. */
export interface JournalOptions {
  /** Told of each change that could not be undone: it stays in the journal. */
  readonly onFailure?: (failure: UndoFailure) => void;
  /**
   * Told that the journal was damaged, so that nobody knows what an earlier process changed: it was put
   * aside under this path.
   */
  readonly onDamage?: (asidePath: string) => void;
  /** Kinds of change that a restart of the system has undone itself: what is set now was set by others. */
  readonly fleeting?: readonly string[];
}

/** The journal is that of a process which still runs. */
export class JournalBusyError extends Error {
  override readonly name = "JournalBusyError";
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(`${path} belongs to process ${pid}, which still runs`);
    this.pid = pid;
  }
}

interface JournalFile {
  readonly version: 1;
  readonly owner: ProcessIdentity;
  readonly changes: readonly Change[];
}

/** Changes of one journal: a process that makes more without undoing any has lost its way. */
const CHANGES_MAX = 256;
/** A journal that is longer was not written by us. */
const JOURNAL_BYTES_MAX = 1 << 20;

/** The changes of this process. */
export class ChangeJournal {
  readonly #path: string;
  readonly #undoers: Readonly<Record<string, Undo>>;
  readonly #owner: ProcessIdentity;
  #changes: Change[] = [];
  #nextId = 1;

  /**
   * Opens the journal of this process and undoes what an earlier one left, newest first.
   *
   * @param undoers for each kind of change, what takes it back
   * @throws {JournalBusyError} if the earlier process still runs
   * @throws {UnsafePathError} others could have written it
   */
  static open(
    path: string,
    undoers: Readonly<Record<string, Undo>>,
    { onFailure = () => {}, onDamage = () => {}, fleeting = [] }: JournalOptions = {},
  ): ChangeJournal {
    const journal = new ChangeJournal(path, undoers);
    const bytes = readOwnFile(path);
    if (bytes === undefined) return journal;
    const left = parseJournal(bytes);
    if (left === undefined) {
      const asidePath = `${path}.damaged`;
      patiently(() => Deno.renameSync(path, asidePath));
      onDamage(asidePath);
    } else {
      const self = left.owner.pid === Deno.pid;
      if (!self && isRunning(left.owner)) throw new JournalBusyError(path, left.owner.pid);
      const isOld = isOfEarlierBoot(left.owner);
      journal.#changes = left.changes.filter(({ kind }) => !isOld || !fleeting.includes(kind));
      journal.#nextId = Math.max(0, ...left.changes.map((change) => change.id)) + 1;
      journal.undoAll().forEach(onFailure);
      journal.#save();
    }
    return journal;
  }

  private constructor(path: string, undoers: Readonly<Record<string, Undo>>) {
    this.#path = path;
    this.#undoers = undoers;
    this.#owner = identifyProcess(Deno.pid) ?? { pid: Deno.pid, startTicks: 0 };
  }

  /** The changes that are not undone, oldest first. */
  get changes(): readonly Change[] {
    return this.#changes;
  }

  /**
   * Writes a change down; to be called before the change is made.
   *
   * @throws what writing the file throws; the change is none then, and must not be made
   */
  record(kind: string, data: ChangeData): Change {
    if (this.#undoers[kind] === undefined) throw new TypeError(`nothing undoes a "${kind}"`);
    if (this.#changes.length >= CHANGES_MAX) throw new RangeError("too many changes to undo");
    const change = { id: this.#nextId++, kind, data };
    this.#changes.push(change);
    try {
      this.#save();
    } catch (error) {
      this.#changes.pop();
      throw error;
    }
    return change;
  }

  /** Writes a change down anew, in its place: more is known of it. */
  replace(change: Change, data: ChangeData): Change {
    const next = { ...change, data };
    this.#changes = this.#changes.map((one) => one.id === change.id ? next : one);
    this.#save();
    return next;
  }

  /** Strikes out a change that no longer has to be undone. */
  forget(change: Change): void {
    const kept = this.#changes.filter(({ id }) => id !== change.id);
    if (kept.length === this.#changes.length) return;
    this.#changes = kept;
    this.#save();
  }

  /**
   * Undoes a change and strikes it out; one that is struck out already is left alone.
   *
   * @throws what its undoer throws; the change then stays written down
   */
  undo(change: Change): void {
    if (!this.#changes.some(({ id }) => id === change.id)) return;
    const undo = this.#undoers[change.kind];
    if (undo === undefined) throw new TypeError(`nothing undoes a "${change.kind}"`);
    undo(change.data);
    this.forget(change);
  }

  /** Undoes everything, newest first; returns what could not be undone. */
  undoAll(): UndoFailure[] {
    const failures: UndoFailure[] = [];
    for (const change of [...this.#changes].reverse()) {
      try {
        this.undo(change);
      } catch (error) {
        if (error instanceof ForeignChangeError) this.forget(change);
        failures.push({ change, error });
      }
    }
    return failures;
  }

  #save(): void {
    if (this.#changes.length === 0) return removeFileIfThere(this.#path);
    const file: JournalFile = { version: 1, owner: this.#owner, changes: this.#changes };
    writeFileAtomic(this.#path, new TextEncoder().encode(JSON.stringify(file)), OWNER_ONLY_MODE);
  }
}

/** The file's content, or `undefined` if it is damaged, or of another version. */
function parseJournal(bytes: Uint8Array): JournalFile | undefined {
  if (bytes.length > JOURNAL_BYTES_MAX) return undefined;
  let value: ChangeData;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value.version !== 1) return undefined;
  const owner = parseIdentity(value.owner);
  if (owner === undefined || !Array.isArray(value.changes)) return undefined;
  const changes = (value.changes as ChangeData[]).filter(isChange);
  if (changes.length > CHANGES_MAX) return undefined;
  return { version: 1, owner, changes };
}

/** Whether what is known of a change has members. */
export function isRecord(value: ChangeData): value is { readonly [name: string]: ChangeData } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isChange(value: ChangeData): value is ChangeData & Change {
  return isRecord(value) && typeof value.id === "number" && typeof value.kind === "string" &&
    value.data !== undefined;
}
