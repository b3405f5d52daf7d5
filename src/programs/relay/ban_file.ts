/**
 * The relay's bans in its state folder, in a file that only its user may read. Hosts make bans, too, so it
 * is written at most every two seconds, and not while frames wait for it. What it cannot use of a file that is
 * there already it never writes over: that one is put aside first.
 *
 * @module
 */
import { reasonOf } from "../../log/user_error.ts";
import {
  OWNER_ONLY_MODE,
  pathIn,
  readOwnFile,
  writeFileAtomicLater,
} from "../../system/files/mod.ts";
import { type Ban, formatBans, isOver, parseBans } from "../../relay/ban_record.ts";
import { type Logger, logText } from "../../log/logging.ts";

const FILE = "lanparty-relay-bans.json";
const INTERVAL_MS = 2_000;
/** What could not be written is tried again after this. */
const RETRY_MS = 60_000;
/** A longer file is none of ours: what the bounds allow is less. */
const FILE_BYTES_MAX = 32 << 20;

/** See the module. */
export class BanFile {
  /** What it held when it was opened, without what is over. */
  readonly found: readonly Ban[];
  readonly #path: string;
  #source: () => readonly Ban[];
  /** Whether there may be more than what is written. */
  #isDirty: boolean;
  /** The write under way, or the pause before it. */
  #work: Promise<void> | undefined;
  #endPause: () => void = () => {};
  #writtenAtMs = -Infinity;
  #failure: string | undefined;
  #retry: number | undefined;
  /** The name under which the file that is there must be put aside before another is written. */
  #aside: string | undefined;
  /** Whether it held what could not be used. */
  #hasLost = false;
  readonly #logger: Logger;
  readonly #retryMs: number;

  /** Reads the file of a state folder; one that is damaged, or cannot be read, is put aside, and that is said. */
  constructor(
    stateDir: string,
    logger: Logger,
    retryMs = RETRY_MS,
  ) {
    this.#logger = logger;
    this.#retryMs = retryMs;
    this.#path = pathIn(stateDir, FILE);
    const bans = this.#read();
    const unixMs = Date.now();
    this.found = bans.filter((ban) => !isOver(ban, unixMs));
    this.#source = () => this.found;
    this.#isDirty = this.#hasLost && this.found.length > 0;
    if (this.#isDirty) this.keep(this.#source);
    if (this.found.length > 0) {
      logText(logger, "info", "Bans in force", { bans: this.found.length });
    }
  }

  /**
   * Has the bans written, soon. Never throws: what fails is said once, and tried again each minute and with the
   * next.
   *
   * @param source says which there are then
   */
  keep(source: () => readonly Ban[]): void {
    this.#source = source;
    this.#isDirty = true;
    this.#work ??= this.#writeSoon();
  }

  /** Writes at once what is not written; resolves with what went wrong, if something did. */
  async flush(): Promise<string | undefined> {
    // The write under way may be of what there was before.
    for (let round = 0; round < 2 && (this.#isDirty || this.#work !== undefined); round++) {
      this.#writtenAtMs = -Infinity;
      this.#endPause();
      this.#work ??= this.#writeSoon();
      await this.#work;
      if (this.#failure !== undefined) return this.#failure;
    }
    return undefined;
  }

  async #writeSoon(): Promise<void> {
    const waitMs = this.#writtenAtMs + INTERVAL_MS - performance.now();
    if (waitMs > 0) await this.#pause(waitMs);
    this.#isDirty = false;
    clearTimeout(this.#retry);
    try {
      // What fails must not be over before `work` is set.
      if (this.#aside !== undefined) await Promise.resolve().then(() => this.#putAside());
      const text = formatBans(this.#source());
      await writeFileAtomicLater(this.#path, new TextEncoder().encode(text), OWNER_ONLY_MODE);
      if (this.#failure !== undefined) {
        logText(this.#logger, "info", `${this.#path} is written again`);
      }
      this.#failure = undefined;
    } catch (error) {
      this.#isDirty = true;
      this.#sayFailure(error);
      this.#retry = setTimeout(() => this.#work ??= this.#writeSoon(), this.#retryMs);
      Deno.unrefTimer(this.#retry);
    }
    this.#writtenAtMs = performance.now();
    const isDone = this.#failure !== undefined || !this.#isDirty;
    this.#work = isDone ? undefined : this.#writeSoon();
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#endPause = resolve;
    await promise;
    this.#endPause = () => {};
    clearTimeout(timer);
  }

  #sayFailure(error: unknown): void {
    const why = reasonOf(error);
    if (this.#failure === undefined) {
      const text = `Cannot write ${this.#path}: ${why}: until it can be, bans end with the relay`;
      logText(this.#logger, "warning", text);
    }
    this.#failure = why;
  }

  #read(): Ban[] {
    let text: string;
    try {
      const bytes = readOwnFile(this.#path);
      if (bytes === undefined) return [];
      text = bytes.length > FILE_BYTES_MAX ? "" : new TextDecoder().decode(bytes);
    } catch (error) {
      this.#giveUp("unread", `No ban is in force: cannot read ${this.#path}: ${reasonOf(error)}`);
      return [];
    }
    const { bans, damaged } = parseBans(text);
    if (!damaged) return bans;
    const what = bans.length === 0
      ? "none of its bans is in force"
      : `${bans.length} bans of it are in force, others are lost`;
    this.#giveUp("damaged", `${this.#path} was damaged: ${what}`);
    return bans;
  }

  /** Puts aside what cannot be used, now or before the first write. */
  #giveUp(suffix: string, what: string): void {
    this.#aside = `${this.#path}.${suffix}`;
    this.#hasLost = true;
    const aside = this.#aside;
    try {
      this.#putAside();
      logText(this.#logger, "warning", `${what}; it is ${aside} now`);
    } catch (error) {
      const why = `it cannot become ${aside}: ${reasonOf(error)}`;
      logText(this.#logger, "warning", `${what}; no ban is written, since ${why}`);
    }
  }

  #putAside(): void {
    if (this.#aside === undefined) return;
    try {
      Deno.renameSync(this.#path, this.#aside);
    } catch (error) {
      // Somebody has taken it away.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    this.#aside = undefined;
  }
}
