/**
 * What the reactors of all systems have in common: the turns of their loop.
 *
 * ```text
 *  rounds: poller.poll(), every task.work()     until neither has anything left, ≤ 16 times
 *  wait:   for events: not at all if something is left, else until the next deadline, ≤ 20 ms
 *  events: ours go to their source's handler, the others to the poller
 *  yield:  each 20 ms some turns of the runtime's event loop: timers at once, and within 100 ms
 *          what has come to it (signals, HTTP)
 * ```
 *
 * The wait blocks the thread: `await` on a non-blocking call would cost several hundred
 * microseconds per wake-up.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import type {
  CompletionHandler,
  CompletionSource,
  Poller,
  Reactor,
  ReactorCounters,
  Source,
  SourceHandler,
  Task,
  TerminationSignal,
} from "./reactor.ts";

/** Longest time without a turn of the runtime's event loop, asleep or busy. */
export const SLICE_MS = 20;
/** The same while the reactor attends to the runtime's event loop. */
const ATTENTIVE_SLICE_MS = 1;
/**
 * While it has something of its own to do, the runtime looks for what its sockets, signals and threads have only
 * every 61st turn (tokio's `event_interval`). So it gets several each time, some 40 µs that frames wait: all 61
 * within 100 ms, and within 5 ms while the reactor attends to it. All at once would take five times as long.
 */
const YIELD_TURNS = 13;
/** Rounds of poller and tasks before the descriptors get their chance. */
const ROUNDS_MAX = 16;

/** See {@linkcode Reactor}. */
export abstract class ReactorLoop implements Reactor {
  /** A task that was removed leaves a hole until the turn is over, so that none is skipped. */
  #tasks: (Task | undefined)[] = [];
  readonly counters: ReactorCounters = { turns: 0, sleeps: 0, events: 0, yields: 0 };
  /** The poller, for the events that are its own. */
  protected poller: Poller | undefined;
  readonly #yield = (resolve: () => void): void => {
    setImmediate(resolve);
  };
  readonly #signals: { readonly signal: Deno.Signal; readonly listener: () => void }[] = [];
  #workersRemoved = false;
  #woken = false;
  #running = false;
  #stopping = false;
  #attendUntilMs = 0;
  /** When the round began. */
  #roundMs = 0;
  /**
   * The same as one object for all who ask: a field of nothing but numbers holds their bits, and each reading that is
   * passed on would make an object of them. Nothing until somebody asks, so that a round without frames makes none.
   */
  #toldMs: number | undefined;

  abstract readonly queueFd: number;
  abstract addFd(fd: number, handler: SourceHandler): Source;
  abstract addHandle(handle: bigint, handler: CompletionHandler): CompletionSource;

  /** Waits at most so long for events; how many have come. */
  protected abstract wait(timeoutMs: number): number;

  /** Hands on the events that have come. */
  protected abstract dispatch(count: number, nowMs: number): void;

  /** What the system sends a program that is to end as by this signal. */
  protected abstract systemSignals(signal: TerminationSignal): readonly Deno.Signal[];

  /** Gives back what the system has given for the waiting; the last call. */
  protected abstract release(): void;

  onSignal(
    signals: readonly TerminationSignal[],
    handler: (signal: TerminationSignal) => void,
  ): void {
    for (const signal of signals) {
      const listener = () => {
        handler(signal);
        this.wake();
      };
      for (const systemSignal of this.systemSignals(signal)) {
        Deno.addSignalListener(systemSignal, listener);
        this.#signals.push({ signal: systemSignal, listener });
      }
    }
  }

  close(): void {
    if (this.#running) throw new Error("the reactor is running");
    for (const { signal, listener } of this.#signals) Deno.removeSignalListener(signal, listener);
    this.#signals.length = 0;
    this.release();
  }

  now(): number {
    return performance.now();
  }

  get roundMs(): number {
    return this.#toldMs ??= this.#roundMs;
  }

  setPoller(poller: Poller): () => void {
    if (this.poller !== undefined) throw new Error("the reactor has a poller already");
    this.poller = poller;
    return () => {
      if (this.poller === poller) this.poller = undefined;
    };
  }

  addTask(task: Task): () => void {
    this.#tasks.push(task);
    this.#woken = true;
    return () => {
      const index = this.#tasks.indexOf(task);
      if (index < 0) return;
      this.#tasks[index] = undefined;
      this.#workersRemoved = true;
    };
  }

  wake(): void {
    this.#woken = true;
  }

  attend(durationMs: number): void {
    this.#attendUntilMs = Math.max(this.#attendUntilMs, this.now() + durationMs);
  }

  async run(): Promise<void> {
    if (this.#running) throw new Error("the reactor runs already");
    this.#running = true;
    this.#stopping = false;
    let yieldedMs = this.#look();
    try {
      while (!this.#stopping) {
        const attentive = this.#roundMs < this.#attendUntilMs;
        const dueMs = yieldedMs + (attentive ? ATTENTIVE_SLICE_MS : SLICE_MS);
        this.#turn(Math.max(0, dueMs - this.#roundMs));
        if (this.#roundMs < dueMs) continue;
        this.counters.yields++;
        for (let i = 0; i < YIELD_TURNS; i++) await new Promise<void>(this.#yield);
        yieldedMs = this.#look();
      }
    } finally {
      this.#running = false;
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  turn(waitMaxMs: number): void {
    this.#look();
    this.#turn(waitMaxMs);
  }

  #turn(waitMaxMs: number): void {
    this.counters.turns++;
    if (this.#workersRemoved) {
      this.#workersRemoved = false;
      this.#tasks = this.#tasks.filter((task) => task !== undefined);
    }
    const dueMs = this.#rounds();
    const timeoutMs = this.#stopping ? 0 : Math.max(0, Math.ceil(Math.min(dueMs, waitMaxMs)));
    if (timeoutMs > 0) this.counters.sleeps++;
    const count = this.wait(timeoutMs);
    const nowMs = this.#look();
    if (count === 0) return;
    this.counters.events += count;
    this.dispatch(count, nowMs);
  }

  /** Reads the clock: once after each wait, and once a round. */
  #look(): number {
    this.#toldMs = undefined;
    return this.#roundMs = this.now();
  }

  /** Runs poller and tasks; returns ms until something is due, 0 if work is left. */
  #rounds(): number {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.#woken = false;
      const pollMs = this.poller === undefined ? Infinity : this.poller.poll();
      const nowMs = this.#look();
      let more = false;
      for (let i = 0; i < this.#tasks.length; i++) {
        if (this.#tasks[i]?.work(nowMs)) more = true;
      }
      if (!more && !this.#woken && pollMs > 0) {
        let waitMs = pollMs;
        for (let i = 0; i < this.#tasks.length; i++) {
          const task = this.#tasks[i];
          if (task !== undefined) waitMs = Math.min(waitMs, task.nextDeadlineMs(nowMs) - nowMs);
        }
        return waitMs;
      }
    }
    return 0;
  }
}
