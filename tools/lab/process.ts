/**
 * Programs that a test starts: their output is kept, lines can be waited for, and they are ended by
 * their process id.
 */

/** How a program is started. */
export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called for every line of output as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** What became of a program. */
export interface CommandResult {
  /** Exit code; 128 + signal number if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that failed. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly result: CommandResult;

  constructor(command: readonly string[], result: CommandResult) {
    const output = `${result.stderr}${result.stdout}`.trim();
    super(`${command.join(" ")} ended with ${result.code}\n${output}`);
    this.result = result;
  }
}

/** A program that did not do what was waited for; the message's first line says what, then its output. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
}

/** Characters of output that are kept of each stream: the newest. */
const OUTPUT_CHARACTERS_MAX = 4 << 20;
const STOP_GRACE_MS = 3_000;
/** After a program's end output is read on until none has come for so long. */
const DAEMON_GRACE_MS = 250;
const DAEMON_LOOKS_MAX = 20;

interface LineWaiter {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

/** A program that runs. */
export class LabProcess {
  readonly command: readonly string[];
  readonly pid: number;
  /** Settles with the exit code when the program has ended and its output is read. */
  readonly exited: Promise<number>;

  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #onLine: SpawnOptions["onLine"];
  readonly #waiters = new Set<LineWaiter>();
  #stdout = "";
  #stderr = "";
  #chunks = 0;
  #ended = false;
  #inputClosed = false;

  constructor(command: readonly string[], options: SpawnOptions = {}) {
    this.command = command;
    this.#onLine = options.onLine;
    this.#child = new Deno.Command(command[0], {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
    this.pid = this.#child.pid;
    this.#input = this.#child.stdin.getWriter();
    this.exited = this.#follow();
  }

  /** All of the standard output so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** All of the error output so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Whether the program still runs. */
  get running(): boolean {
    return !this.#ended;
  }

  /** Writes to the program's standard input. */
  async write(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Ends the program's standard input. */
  async closeInput(): Promise<void> {
    if (this.#inputClosed) return;
    this.#inputClosed = true;
    // A program that has ended already has closed its end.
    await this.#input.close().catch(() => {});
  }

  /**
   * Waits for a line of output, standard or error, that matches; lines that came before count, too.
   *
   * @throws {Error} with the output so far, if the program ends or the time is over first.
   */
  async waitForLine(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> {
    const single = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    for (const line of `${this.#stdout}\n${this.#stderr}`.split("\n")) {
      const match = single.exec(line);
      if (match !== null) return match;
    }
    if (this.#ended) throw this.#failure(`ended before it wrote ${pattern}`);
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const waiter: LineWaiter = { pattern: single, resolve, reject };
    this.#waiters.add(waiter);
    const timer = setTimeout(
      () => reject(this.#failure(`did not write ${pattern} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  /**
   * Waits for the program's end.
   *
   * @throws {Error} with the output so far, if it still runs after `timeoutMs`.
   */
  async waitExit(timeoutMs = 10_000): Promise<number> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(this.#failure(`still runs after ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      return await Promise.race([this.exited, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal, if the program still runs. */
  kill(signal: Deno.Signal): void {
    if (this.#ended) return;
    try {
      this.#child.kill(signal);
    } catch {
      // It ended in this moment.
    }
  }

  /** Ends the program: SIGTERM, and SIGKILL if it has not ended after a while. */
  async stop(graceMs = STOP_GRACE_MS): Promise<number> {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async #follow(): Promise<number> {
    const readers = [this.#child.stdout.getReader(), this.#child.stderr.getReader()];
    const reading = Promise.all([
      this.#read(readers[0], "stdout"),
      this.#read(readers[1], "stderr"),
    ]);
    const status = await this.#child.status;
    // A daemon that the program left behind may keep the pipes open for ever, or talk for ever. This process
    // may have been held up itself: the first look is not the last.
    let [seen, looks] = [-1, 0];
    const timer = setInterval(() => {
      if (seen === this.#chunks || ++looks === DAEMON_LOOKS_MAX) {
        for (const reader of readers) reader.cancel();
      }
      seen = this.#chunks;
    }, DAEMON_GRACE_MS);
    await reading;
    clearInterval(timer);
    this.#ended = true;
    await this.closeInput();
    for (const waiter of this.#waiters) {
      waiter.reject(this.#failure(`ended before it wrote ${waiter.pattern}`));
    }
    return status.code;
  }

  async #read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    kind: "stdout" | "stderr",
  ): Promise<void> {
    const decoder = new TextDecoder();
    let line = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      this.#chunks++;
      const text = decoder.decode(value, { stream: true });
      if (kind === "stdout") this.#stdout = keepNewest(this.#stdout + text);
      else this.#stderr = keepNewest(this.#stderr + text);
      const lines = (line + text).split("\n");
      line = lines.pop() ?? "";
      for (const complete of lines) this.#handleLine(complete, kind);
    }
    if (line !== "") this.#handleLine(line, kind);
  }

  #handleLine(line: string, kind: "stdout" | "stderr"): void {
    this.#onLine?.(line, kind);
    for (const waiter of this.#waiters) {
      const match = waiter.pattern.exec(line);
      if (match !== null) waiter.resolve(match);
    }
  }

  #failure(what: string): ProcessError {
    const output = `--- stdout\n${this.#stdout.slice(-4000)}\n--- stderr\n${
      this.#stderr.slice(-4000)
    }`;
    return new ProcessError(`${this.command.join(" ")} ${what}\n${output}`);
  }
}

function keepNewest(text: string): string {
  return text.length > OUTPUT_CHARACTERS_MAX ? text.slice(-OUTPUT_CHARACTERS_MAX) : text;
}
