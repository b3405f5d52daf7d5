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
  private written: string;
  private wanted: string;
  /** The write under way, or the wait before it. */
  private work: Promise<void> | undefined;
  private endPause: () => void = () => {};
  private writtenAtMs = -Infinity;
  private failure: string | undefined;

  /** Reads the file of a state folder; one that is damaged is put aside, and that is said. */
  constructor(stateDir: string, private readonly logger: Logger) {
    this.path = pathIn(stateDir, FILE);
    const { text, bans } = this.read();
    const unixMs = Date.now();
    this.found = bans.filter((ban) => !isOver(ban, unixMs));
    this.written = this.wanted = text;
    // What is left of a damaged one.
    if (text === "" && this.found.length > 0) this.keep(this.found);
    if (this.found.length > 0) {
      logText(logger, "info", "bans in force", { bans: this.found.length });
    }
  }

  /** Has these bans written, soon. Never throws: what fails is said once, and tried again with the next. */
  keep(bans: readonly Ban[]): void {
    this.wanted = formatBans(bans);
    if (this.wanted !== this.written) this.work ??= this.writeSoon();
  }

  /** As {@linkcode keep}, at once; resolves when they are written, with what went wrong, if something did. */
  async keepNow(bans: readonly Ban[]): Promise<string | undefined> {
    this.wanted = formatBans(bans);
    await this.flush();
    return this.wanted === this.written ? undefined : this.failure;
  }

  /** Writes what is not written yet; nothing is kept from then on. */
  close(): Promise<void> {
    return this.flush();
  }

  /** Tries once to have everything written that is wanted now, without a pause before. */
  private async flush(): Promise<void> {
    // The write under way may be of what was wanted before.
    for (let round = 0; round < 2 && this.wanted !== this.written; round++) {
      this.writtenAtMs = -Infinity;
      this.endPause();
      this.work ??= this.writeSoon();
      await this.work;
      if (this.failure !== undefined) return;
    }
  }

  private async writeSoon(): Promise<void> {
    const waitMs = this.writtenAtMs + INTERVAL_MS - performance.now();
    if (waitMs > 0) await this.pause(waitMs);
    const text = this.wanted;
    try {
      await writeFileAtomicLater(this.path, new TextEncoder().encode(text), PRIVATE);
      this.written = text;
      this.failure = undefined;
    } catch (error) {
      this.sayFailure(error);
    }
    this.writtenAtMs = performance.now();
    const isDone = this.failure !== undefined || this.wanted === this.written;
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

  private read(): { text: string; bans: Ban[] } {
    const none = { text: formatBans([]), bans: [] };
    let text: string;
    try {
      const bytes = readOwnFile(this.path);
      if (bytes === undefined) return none;
      text = bytes.length > FILE_BYTES_MAX ? "" : new TextDecoder().decode(bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      logText(this.logger, "warning", `no ban is in force: cannot read ${this.path}: ${why}`);
      return none;
    }
    const { bans, damaged } = parseBans(text);
    if (!damaged) return { text, bans };
    const aside = `${this.path}.damaged`;
    const what = bans.length === 0
      ? "none of its bans is in force"
      : `${bans.length} bans of it are in force, others are lost`;
    try {
      Deno.renameSync(this.path, aside);
      logText(this.logger, "warning", `${this.path} was damaged: ${what}; it is ${aside} now`);
    } catch (error) {
      logText(this.logger, "warning", `${this.path} is damaged (${what}) and stays: ${error}`);
    }
    return { text: "", bans };
  }
}
