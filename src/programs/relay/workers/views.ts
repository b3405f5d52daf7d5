/**
 * What the workers say of themselves when they are asked, kept for a moment.
 *
 * @module
 */
import { FRESH_MS } from "../../../serve/status_pages.ts";
import type { RelayView } from "../../../serve/relay_view.ts";

/** How long an answer is waited for. */
const ANSWER_MAX_MS = 1_000;

/** See the module. */
export class WorkerViews {
  readonly #views: (RelayView | undefined)[];
  /** What is done when a worker has answered, or has gone; where there is nothing, it was not asked. */
  readonly #waiting: ((() => void) | undefined)[];
  #collecting: Promise<void> | undefined;
  #collectedMs = -Infinity;
  readonly #workers: number;
  readonly #ask: (worker: number) => boolean;

  /** @param ask asks a worker, for whom `handleView` or `handleGone` will be called; false: it is not there */
  constructor(
    workers: number,
    ask: (worker: number) => boolean,
  ) {
    this.#workers = workers;
    this.#ask = ask;
    this.#views = new Array(workers).fill(undefined);
    this.#waiting = new Array(workers).fill(undefined);
  }

  /** The last view of a worker; undefined: it does not answer. */
  of(worker: number): RelayView | undefined {
    return this.#views[worker];
  }

  /** Asks all, unless all were asked a moment ago. */
  collect(): Promise<void> {
    const isFresh = performance.now() < this.#collectedMs + FRESH_MS;
    return this.#collecting ?? (isFresh ? Promise.resolve() : this.collectNow());
  }

  /** Asks all: what has happened before is in their answers. */
  collectNow(): Promise<void> {
    const before = this.#collecting ?? Promise.resolve();
    const collecting = before.then(() => this.#askAll()).finally(() => {
      if (this.#collecting === collecting) this.#collecting = undefined;
    });
    return this.#collecting = collecting;
  }

  handleView(worker: number, view: RelayView): void {
    this.#views[worker] = view;
    this.#settle(worker);
  }

  handleGone(worker: number): void {
    this.#views[worker] = undefined;
    this.#settle(worker);
  }

  async #askAll(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.resolve(), ANSWER_MAX_MS);
    const answers = Array.from({ length: this.#workers }, (_, worker) => this.#askOne(worker));
    await Promise.race([Promise.all(answers), late.promise]);
    clearTimeout(timer);
    for (const [worker, unanswered] of this.#waiting.entries()) {
      if (unanswered !== undefined) this.#views[worker] = undefined;
    }
    this.#collectedMs = performance.now();
  }

  /** One that has not answered yet is not asked again: what is asked must have a bound. */
  #askOne(worker: number): Promise<void> {
    if (this.#waiting[worker] !== undefined || !this.#ask(worker)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting[worker] = resolve;
    return promise;
  }

  #settle(worker: number): void {
    this.#waiting[worker]?.();
    this.#waiting[worker] = undefined;
  }
}
