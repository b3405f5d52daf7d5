/** The frame log's sink: JSON lines, collected and written in larger pieces. */
import { FrameLog, type FrameRecord } from "../obs/frame_log.ts";
import { loggerOf, logText } from "./logging.ts";
import { UserError } from "./user_error.ts";

/** Bytes that are collected before they are written. */
const BATCH_BYTES = 32_768;
/** Longest time a record may wait to be written. */
const FLUSH_INTERVAL_MS = 200;

/** A frame log that goes to a file. */
export class FrameLogFile {
  readonly log: FrameLog;
  private readonly encoder = new TextEncoder();
  private text = "";
  private flushDueMs = Infinity;

  private constructor(
    private file: Deno.FsFile | undefined,
    private readonly timeOriginMs: number,
  ) {
    this.log = file === undefined ? new FrameLog() : new FrameLog((record) => this.add(record));
  }

  /**
   * Opens the file for appending; without a path the log is off.
   *
   * @param timeOriginMs wall clock minus the cores' clock
   * @throws {UserError} the file cannot be written
   */
  static open(path: string | undefined, timeOriginMs: number): FrameLogFile {
    if (path === undefined) return new FrameLogFile(undefined, timeOriginMs);
    try {
      const file = Deno.openSync(path, { append: true, create: true, mode: 0o600 });
      return new FrameLogFile(file, timeOriginMs);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(`--frame-log ${path} cannot be written: ${why}`, { cause });
    }
  }

  /** Writes what has waited long enough; returns when to come again. */
  work(nowMs: number): number {
    if (this.text !== "" && nowMs >= this.flushDueMs) this.flush();
    return this.flushDueMs;
  }

  close(): void {
    this.flush();
    this.file?.close();
    this.file = undefined;
  }

  private add(record: FrameRecord): void {
    if (this.file === undefined) return;
    const { timeMs, ...fields } = record;
    const time = new Date(this.timeOriginMs + timeMs).toISOString();
    this.text += JSON.stringify({ time, ...fields }) + "\n";
    if (this.flushDueMs === Infinity) this.flushDueMs = timeMs + FLUSH_INTERVAL_MS;
    if (this.text.length >= BATCH_BYTES) this.flush();
  }

  /** Frames pass in a callback of QUIC's: a full disk ends the log there, not the party. */
  private flush(): void {
    this.flushDueMs = Infinity;
    const { file } = this;
    const bytes = this.encoder.encode(this.text);
    this.text = "";
    if (file === undefined) return;
    try {
      for (let written = 0; written < bytes.length;) {
        written += file.writeSync(bytes.subarray(written));
      }
    } catch (error) {
      this.file = undefined;
      file.close();
      const why = error instanceof Error ? error.message : String(error);
      logText(loggerOf("frames"), "warning", `The frame log cannot be written any more: ${why}`);
    }
  }
}
