/**
 * The relay's bans in its state folder, in a file that only its user may read. Hosts make bans, too, so it
 * is written at most every two seconds, and not while frames wait for it.
 */
import { pathIn, writeFileAtomicLater } from "../os/files.ts";
import { readOwnFile } from "../os/own_files.ts";
import { type Ban, formatBans, isOver, parseBans } from "../relay/ban_record.ts";
import { type Logger, logText } from "./logging.ts";

const FILE = "lanparty-relay-bans.json";
const PRIVATE = 0o600;
const INTERVAL_MS = 2_000;
/** A longer file is none of ours: what the bounds allow is less. */
const FILE_BYTES_MAX = 32 << 20;

/** See the module. */
export class BanFile {
  /** What it held when it was opened, without what is over. */
  readonly found: readonly Ban[];
  private readonly path: string;
  private source: () => readonly Ban[];
  /** Whether there may be more than what is written. */
  private isDirty: boolean;
  /** The write under way, or the pause before it. */
  private work: Promise<void> | undefined;
  private endPause: () => void = () => {};
  private writtenAtMs = -Infinity;
  private failure: string | undefined;

  /** Reads the file of a state folder; one that is damaged is put aside, and that is said. */
  constructor(stateDir: string, private readonly logger: Logger) {
    this.path = pathIn(stateDir, FILE);
    const { bans, isAside } = this.read();
    const unixMs = Date.now();
    this.found = bans.filter((ban) => !isOver(ban, unixMs));
    this.source = () => this.found;
    this.isDirty = isAside && this.found.length > 0;
    if (this.isDirty) this.keep(this.source);
    if (this.found.length > 0) {
      logText(logger, "info", "bans in force", { bans: this.found.length });
    }
  }

  /**
   * Has the bans written, soon. Never throws: what fails is said once, and tried again with the next.
   *
   * @param source says which there are then
   */
  keep(source: () => readonly Ban[]): void {
    this.source = source;
    this.isDirty = true;
    this.work ??= this.writeSoon();
  }

  /** Writes at once what is not written; resolves with what went wrong, if something did. */
  async flush(): Promise<string | undefined> {
    // The write under way may be of what there was before.
    for (let round = 0; round < 2 && (this.isDirty || this.work !== undefined); round++) {
      this.writtenAtMs = -Infinity;
      this.endPause();
      this.work ??= this.writeSoon();
      await this.work;
      if (this.failure !== undefined) return this.failure;
    }
    return undefined;
  }

  private async writeSoon(): Promise<void> {
    const waitMs = this.writtenAtMs + INTERVAL_MS - performance.now();
    if (waitMs > 0) await this.pause(waitMs);
    this.isDirty = false;
    try {
      const text = formatBans(this.source());
      await writeFileAtomicLater(this.path, new TextEncoder().encode(text), PRIVATE);
      this.failure = undefined;
    } catch (error) {
      this.isDirty = true;
      this.sayFailure(error);
    }
    this.writtenAtMs = performance.now();
    const isDone = this.failure !== undefined || !this.isDirty;
    this.work = isDone ? undefined : this.writeSoon();
  }

  private async pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.endPause = resolve;
    await promise;
    this.endPause = () => {};
    clearTimeout(timer);
  }

  private sayFailure(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    if (this.failure === undefined) {
      logText(this.logger, "warning", `cannot write ${this.path}: ${why}: bans end with the relay`);
    }
    this.failure = why;
  }

  private read(): { readonly bans: readonly Ban[]; readonly isAside: boolean } {
    let text: string;
    try {
      const bytes = readOwnFile(this.path);
      if (bytes === undefined) return { bans: [], isAside: false };
      text = bytes.length > FILE_BYTES_MAX ? "" : new TextDecoder().decode(bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      logText(this.logger, "warning", `no ban is in force: cannot read ${this.path}: ${why}`);
      return { bans: [], isAside: false };
    }
    const { bans, damaged } = parseBans(text);
    if (!damaged) return { bans, isAside: false };
    const aside = `${this.path}.damaged`;
    const what = bans.length === 0
      ? "none of its bans is in force"
      : `${bans.length} bans of it are in force, others are lost`;
    try {
      Deno.renameSync(this.path, aside);
      logText(this.logger, "warning", `${this.path} was damaged: ${what}; it is ${aside} now`);
      return { bans, isAside: true };
    } catch (error) {
      logText(this.logger, "warning", `${this.path} is damaged (${what}) and stays: ${error}`);
      return { bans, isAside: false };
    }
  }
}
