/**
 * What a reactor is: one thread, one wait.
 *
 * @module
 */

/** Handlers of a descriptor that the reactor watches. */
export interface SourceHandler {
  /**
   * Called while the descriptor is readable, or has an error or hang-up. Does a bounded amount of
   * work (its budget) and returns true if it knows that more is left, so that the reactor does not
   * sleep.
   */
  readable?(nowMs: number): boolean;
  /** Called when the descriptor is writable, while {@linkcode Source.watchWritable} is on. */
  writable?(nowMs: number): void;
}

/** A watched descriptor. */
export interface Source {
  readonly fd: number;
  /** Turns watching for writability on or off (off at first). */
  watchWritable(on: boolean): void;
  /** Stops watching; the descriptor itself stays open and belongs to the caller. */
  remove(): void;
}

/** Told of each operation that ended on a watched handle (Windows). */
export interface CompletionHandler {
  /**
   * An operation has ended, one way or the other: its OVERLAPPED says how.
   * @param overlapped the address of the operation's OVERLAPPED
   * @param bytes how many were transferred
   */
  completed(overlapped: number, bytes: number, nowMs: number): void;
}

/** A watched handle (Windows). */
export interface CompletionSource {
  /** Hears no more of the handle; operations that have not ended still use their memory. */
  remove(): void;
}

/**
 * A subsystem with completions in the reactor's own event queue (msquic).
 *
 * The queue's events carry 64 bits of data; those that the reactor did not register itself belong
 * to the poller.
 */
export interface Poller {
  /** Runs what is due; returns the time to the next timer in ms, 0 if more is left, or Infinity. */
  poll(): number;
  /**
   * Handles one event of the shared queue.
   * @param event the event as the system delivered it (`struct epoll_event *`,
   * `OVERLAPPED_ENTRY *`)
   * @param data the event's data, an address
   */
  complete(event: Deno.PointerObject, data: bigint): void;
}

/** Work that is driven by time, or that queues up while others run (the cores' pumps). */
export interface Task {
  /** Does a bounded amount of work; true if more could be done at once. */
  work(nowMs: number): boolean;
  /** When `work` has to run again though nothing happens: a time as `now()`, or Infinity. */
  nextDeadlineMs(nowMs: number): number;
}

/** Signals that end a process, and the one that has it read its files anew. */
export type TerminationSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** What the reactor has done so far. */
export interface ReactorCounters {
  /** Turns of the loop: each has one wait for events. */
  turns: number;
  /** Waits that were allowed to sleep. */
  sleeps: number;
  /** Events taken from the queue. */
  events: number;
  /** Turns given to the runtime's own event loop. */
  yields: number;
}

/** One thread's event loop. */
export interface Reactor {
  /**
   * The event queue, to be handed to a subsystem that registers completions in it: the epoll's
   * descriptor, or the completion port's handle.
   */
  readonly queueFd: number;
  readonly counters: Readonly<ReactorCounters>;
  /** Monotonic time in ms, as given to handlers. */
  now(): number;
  /**
   * The time of the present round, as `now()`, for what comes many times in it: it costs nothing. It lags by
   * less than a round: one poll of msquic and one walk over the tasks. Never by a turn, which can be many
   * rounds and a sleep: what came in its last round would seem to have waited since its first.
   */
  readonly roundMs: number;
  /** Linux: watches a descriptor. */
  addFd(fd: number, handler: SourceHandler): Source;
  /** Windows: hears of the operations of a handle that was opened for overlapped ones. */
  addHandle(handle: bigint, handler: CompletionHandler): CompletionSource;
  /** There can be only one poller. Returns a function that removes it. */
  setPoller(poller: Poller): () => void;
  addTask(task: Task): () => void;
  /** Calls the handler, on the loop's thread, when one of the signals arrives. */
  onSignal(
    signals: readonly TerminationSignal[],
    handler: (signal: TerminationSignal) => void,
  ): void;
  /** Says that there may be work now: the loop will run tasks and poller before it sleeps. */
  wake(): void;
  /** For this long, gives the runtime's event loop a turn each ms (it serves a page, say). */
  attend(durationMs: number): void;
  /**
   * Runs one turn and waits for events at most so long: to finish things before `run` and after it.
   */
  turn(waitMaxMs: number): void;
  /** Runs until `stop`; rejects with what a handler threw. */
  run(): Promise<void>;
  stop(): void;
  /** Releases the queue. Only when not running. */
  close(): void;
}
