/**
 * The frame log's sink: JSON lines, collected and written in larger pieces.
 *
 * @module
 */
import { FrameLog, type FrameRecord } from "../../observe/frame_log.ts";
import { OWNER_ONLY_MODE } from "../../system/files/mod.ts";
import { loggerOf, logText } from "../../log/logging.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";

/** Bytes that are collected before they are written. */
const BATCH_BYTES = 32_768;
/** Longest time a record may wait to be written. */
const FLUSH_INTERVAL_MS = 200;

/** Full files that are kept beside the one that is written: FILE.1 is the newest. */
export const OLD_FILES_MAX = 3;

/** How much is written. */
export interface FrameLogBounds {
  /** A file that would get longer is put aside. */
  readonly bytesMax: number;
  /** Of so many frames one is recorded. */
  readonly oneIn: number;
}

/** Everything, in files of 100 MB. */
export const FRAME_LOG_BOUNDS: FrameLogBounds = { bytesMax: 100_000_000, oneIn: 1 };

/** A frame log that goes to a file. */
export class FrameLogFile {
  readonly log: FrameLog;
  readonly #encoder = new TextEncoder();
  #text = "";
  #flushDueMs = Infinity;
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  #fileBytes: number;
  readonly #timeOriginMs: number;
  readonly #bounds: FrameLogBounds;

  private constructor(
    path: string,
    file: Deno.FsFile | undefined,
    fileBytes: number,
    timeOriginMs: number,
    bounds: FrameLogBounds,
  ) {
    this.#path = path;
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#timeOriginMs = timeOriginMs;
    this.#bounds = bounds;
    this.log = file === undefined
      ? new FrameLog()
      : new FrameLog((record) => this.#add(record), bounds.oneIn);
  }

  /**
   * Opens the file for appending; without a path the log is off.
   *
   * @param timeOriginMs wall clock minus the cores' clock
   * @throws {UserError} the file cannot be written
   */
  static open(
    path: string | undefined,
    timeOriginMs: number,
    bounds: FrameLogBounds = FRAME_LOG_BOUNDS,
  ): FrameLogFile {
    if (path === undefined) return new FrameLogFile("", undefined, 0, timeOriginMs, bounds);
    try {
      const file = openForAppending(path);
      const { size, isFile } = file.statSync();
      // A pipe or a device cannot be put aside.
      const bytesMax = isFile ? bounds.bytesMax : Infinity;
      return new FrameLogFile(path, file, size, timeOriginMs, { ...bounds, bytesMax });
    } catch (cause) {
      const why = reasonOf(cause);
      throw new UserError(`--frame-log ${path} cannot be written: ${why}`, { cause });
    }
  }

  /** Writes what has waited long enough; returns when to come again. */
  work(nowMs: number): number {
    if (this.#text !== "" && nowMs >= this.#flushDueMs) this.#flush();
    return this.#flushDueMs;
  }

  close(): void {
    this.#flush();
    this.#file?.close();
    this.#file = undefined;
  }

  #add(record: FrameRecord): void {
    if (this.#file === undefined) return;
    const { timeMs, ...fields } = record;
    const time = new Date(this.#timeOriginMs + timeMs).toISOString();
    this.#text += JSON.stringify({ time, ...fields }) + "\n";
    if (this.#flushDueMs === Infinity) this.#flushDueMs = timeMs + FLUSH_INTERVAL_MS;
    if (this.#text.length >= BATCH_BYTES) this.#flush();
  }

  /** Frames pass in a callback of QUIC's: a full disk ends the log there, not the party. */
  #flush(): void {
    this.#flushDueMs = Infinity;
    const bytes = this.#encoder.encode(this.#text);
    this.#text = "";
    if (this.#file === undefined) return;
    try {
      if (this.#fileBytes > 0 && this.#fileBytes + bytes.length > this.#bounds.bytesMax) {
        this.#rotate();
      }
      for (let written = 0; written < bytes.length;) {
        written += this.#file.writeSync(bytes.subarray(written));
      }
      this.#fileBytes += bytes.length;
    } catch (error) {
      this.#file.close();
      this.#file = undefined;
      const why = reasonOf(error);
      logText(loggerOf("frames"), "warning", `The frame log cannot be written any more: ${why}`);
    }
  }

  /** Puts the file aside as FILE.1, which becomes FILE.2, and so on. */
  #rotate(): void {
    const fresh = `${this.#path}.new`;
    const next = openForAppending(fresh);
    this.#file?.close();
    this.#file = next;
    for (let age = OLD_FILES_MAX - 1; age >= 1; age--) {
      renameIfThere(`${this.#path}.${age}`, `${this.#path}.${age + 1}`);
    }
    renameIfThere(this.#path, `${this.#path}.1`);
    Deno.renameSync(fresh, this.#path);
    this.#fileBytes = next.statSync().size;
  }
}

function openForAppending(path: string): Deno.FsFile {
  return Deno.openSync(path, { append: true, create: true, mode: OWNER_ONLY_MODE });
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
