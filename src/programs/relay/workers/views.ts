/** What the reactors say of themselves when they are asked, kept for a moment. */
import { FRESH_MS } from "../../../serve/status_pages.ts";
import type { RelayView } from "../../../serve/relay_view.ts";

/** How long an answer is waited for. */
const ANSWER_MAX_MS = 1_000;

/** See the module. */
export class ReactorViews {
  private readonly views: (RelayView | undefined)[];
  /** What is done when a reactor has answered, or has gone; where there is nothing, it was not asked. */
  private readonly waiting: ((() => void) | undefined)[];
  private collecting: Promise<void> | undefined;
  private collectedMs = -Infinity;

  /** @param ask asks a reactor, for whom `handleView` or `handleGone` will be called; false: it is not there */
  constructor(
    private readonly reactors: number,
    private readonly ask: (reactor: number) => boolean,
  ) {
    this.views = new Array(reactors).fill(undefined);
    this.waiting = new Array(reactors).fill(undefined);
  }

  /** The last view of a reactor; undefined: it does not answer. */
  of(reactor: number): RelayView | undefined {
    return this.views[reactor];
  }

  /** Asks all, unless all were asked a moment ago. */
  collect(): Promise<void> {
    const isFresh = performance.now() < this.collectedMs + FRESH_MS;
    return this.collecting ?? (isFresh ? Promise.resolve() : this.collectNow());
  }

  /** Asks all: what has happened before is in their answers. */
  collectNow(): Promise<void> {
    const before = this.collecting ?? Promise.resolve();
    const collecting = before.then(() => this.askAll()).finally(() => {
      if (this.collecting === collecting) this.collecting = undefined;
    });
    return this.collecting = collecting;
  }

  handleView(reactor: number, view: RelayView): void {
    this.views[reactor] = view;
    this.settle(reactor);
  }

  handleGone(reactor: number): void {
    this.views[reactor] = undefined;
    this.settle(reactor);
  }

  private async askAll(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.resolve(), ANSWER_MAX_MS);
    const answers = Array.from({ length: this.reactors }, (_, reactor) => this.askOne(reactor));
    await Promise.race([Promise.all(answers), late.promise]);
    clearTimeout(timer);
    for (const [reactor, unanswered] of this.waiting.entries()) {
      if (unanswered !== undefined) this.views[reactor] = undefined;
    }
    this.collectedMs = performance.now();
  }

  /** One that has not answered yet is not asked again: what is asked must have a bound. */
  private askOne(reactor: number): Promise<void> {
    if (this.waiting[reactor] !== undefined || !this.ask(reactor)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting[reactor] = resolve;
    return promise;
  }

  private settle(reactor: number): void {
    this.waiting[reactor]?.();
    this.waiting[reactor] = undefined;
  }
}
