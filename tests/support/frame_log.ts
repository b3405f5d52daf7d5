/** Reads the file of `--frame-log` while a program writes it. */
import type { FrameRecord } from "../../src/observe/frame_log.ts";

/** One line of a frame log. */
export type LoggedFrame = Omit<FrameRecord, "timeMs"> & { readonly time: string };

const POLL_MS = 50;

/** A frame log from a certain moment on. */
export class FrameLogReader {
  readonly path: string;
  #skipped = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** The frames so far; a line that is still being written is left out. */
  records(): LoggedFrame[] {
    return this.#lines().slice(this.#skipped).map((line) => JSON.parse(line) as LoggedFrame);
  }

  /** Forgets what is written until now. */
  skip(): void {
    this.#skipped = this.#lines().length;
  }

  /**
   * The first frame that fits, of those that are there or still come.
   *
   * @throws {Error} if none comes in time
   */
  async waitFor(
    what: string,
    fits: (frame: LoggedFrame) => boolean,
    timeoutMs = 10_000,
  ): Promise<LoggedFrame> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const found = this.records().find(fits);
      if (found !== undefined) return found;
      if (performance.now() > endMs) {
        const last = this.records().slice(-20).map((frame) => JSON.stringify(frame)).join("\n");
        throw new Error(`${this.path} has no ${what} after ${timeoutMs} ms; its end is\n${last}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #lines(): string[] {
    try {
      return Deno.readTextFileSync(this.path).split("\n").slice(0, -1);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }
}
