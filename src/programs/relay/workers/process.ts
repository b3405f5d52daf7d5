/**
 * A worker's process as its supervisor has it (`messages.ts` is what they say).
 *
 * @module
 */
import {
  formatLine,
  parseLine,
  WORKER_WORD,
  type WorkerJob,
  type WorkerOrder,
  type WorkerReport,
} from "./messages.ts";

/** Who hears of it. */
export interface WorkerProcessHandler {
  report(report: WorkerReport): void;
  /** The process is no more, and everything that it has said was reported. `how`: for people. */
  exited(how: string): void;
}

/** See the module. */
export class WorkerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #handler: WorkerProcessHandler;

  /**
   * Starts it.
   *
   * @param executable this program's file
   * @throws {Deno.errors.NotFound} it is not there any more
   */
  constructor(
    executable: string,
    job: WorkerJob,
    handler: WorkerProcessHandler,
  ) {
    this.#handler = handler;
    this.#child = new Deno.Command(executable, {
      args: [WORKER_WORD, String(job.worker)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#write(job);
    void this.#follow();
  }

  /** Tells it something; one that has ended hears nothing. */
  tell(order: WorkerOrder): void {
    this.#write(order);
  }

  /** Ends it at once. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  #write(message: WorkerJob | WorkerOrder): void {
    const bytes = new TextEncoder().encode(formatLine(message));
    this.#input.write(bytes).catch(() => {
      // It has ended, which `follow` sees.
    });
  }

  async #follow(): Promise<void> {
    const [status] = await Promise.all([this.#child.status, this.#read()]);
    await this.#input.close().catch(() => {});
    this.#handler.exited(status.signal ?? `exit code ${status.code}`);
  }

  async #read(): Promise<void> {
    let rest: string[] = [];
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const [first, ...lines] = text.split("\n");
      rest.push(first);
      for (const next of lines) {
        const report = parseLine<WorkerReport>(rest.join(""));
        if (report !== undefined) this.#handler.report(report);
        rest = [next];
      }
    }
  }
}
