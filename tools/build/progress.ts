/**
 * What the person at the keyboard sees of a long piece of work: one line per step with the time it took.
 * On a terminal the running step shows a spinner, its seconds and, where it can be told, a percentage;
 * elsewhere it shows a line at its start and one every 20 s.
 */

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const REDRAW_MS = 120;
const HEARTBEAT_MS = 20_000;

/** A step's handle on its own line. */
export interface Step {
  /** How much of the step is done, 0 … 1. */
  fraction(done: number): void;
  /** What the step does just now, and at its end what came of it: a few words. */
  detail(text: string): void;
}

/** Where lines go, and whether a line can be drawn again. */
export interface ProgressSink {
  readonly terminal: boolean;
  write(text: string): void;
}

const standardOutput: ProgressSink = {
  terminal: Deno.stdout.isTerminal(),
  write: (text) => {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) {
      written += Deno.stdout.writeSync(bytes.subarray(written));
    }
  },
};

/** Prints one line of its own. */
export function say(text: string, sink: ProgressSink = standardOutput): void {
  sink.write(`${text}\n`);
}

/** Runs one step of the work, showing its progress; a failing step shows where it stopped. */
export async function step<T>(
  title: string,
  work: (step: Step) => Promise<T>,
  sink: ProgressSink = standardOutput,
): Promise<T> {
  const line = new StepLine(title, sink);
  line.begin();
  try {
    const result = await work(line);
    line.end("✓");
    return result;
  } catch (error) {
    line.end("✗");
    throw error;
  }
}

class StepLine implements Step {
  readonly #title: string;
  readonly #sink: ProgressSink;
  readonly #startedMs = performance.now();
  #fraction = -1;
  #detail = "";
  #turn = 0;
  #timer: number | undefined;

  constructor(title: string, sink: ProgressSink) {
    this.#title = title;
    this.#sink = sink;
  }

  begin(): void {
    if (!this.#sink.terminal) this.#sink.write(`… ${this.#title}\n`);
    const draw = () => {
      const mark = SPINNER[this.#turn++ % SPINNER.length];
      if (this.#sink.terminal) this.#sink.write(`\r\x1b[K${mark} ${this.#text()}`);
      else this.#sink.write(`… ${this.#text()}\n`);
    };
    this.#timer = setInterval(draw, this.#sink.terminal ? REDRAW_MS : HEARTBEAT_MS);
  }

  end(mark: string): void {
    clearInterval(this.#timer);
    const start = this.#sink.terminal ? "\r\x1b[K" : "";
    this.#sink.write(`${start}${mark} ${this.#title} ${this.#elapsed()}${this.#remark()}\n`);
  }

  fraction(done: number): void {
    this.#fraction = Math.max(this.#fraction, Math.min(1, done));
  }

  detail(text: string): void {
    this.#detail = text;
  }

  #text(): string {
    const percent = this.#fraction < 0 ? "" : ` ${Math.floor(this.#fraction * 100)} %`;
    return `${this.#title}${percent} ${this.#elapsed()}${this.#remark()}`;
  }

  #remark(): string {
    return this.#detail === "" ? "" : ` (${this.#detail})`;
  }

  #elapsed(): string {
    return `${((performance.now() - this.#startedMs) / 1000).toFixed(1)} s`;
  }
}
