/**
 * What a supervisor decides about its workers: when each is started, started again, killed or told to
 * end. Pure: time goes in, and actions come out.
 *
 * ```
 *            listening            exited             time is up
 * starting ────────────> running ────────> waiting ────────────> starting
 *    │ exited                │ stop                │ stop
 *    v (before all have      v                     v
 *  the end   listened)     ending ── exited ──> ended     all ended: the end
 * ```
 *
 * @module
 */

/** A worker that starts must listen after this time. */
export const START_MAX_MS = 30_000;
/** The first wait before a worker is started again, and the longest; each doubles the one before … */
export const RESTART_MIN_MS = 250;
export const RESTART_MAX_MS = 30_000;
/** … until one has run this long. */
export const STABLE_MS = 60_000;
/** What was told to end is killed after this time. */
export const STOP_MAX_MS = 3_000;
/** How often silence is looked at. */
export const TICK_MS = 500;
/**
 * A tick that comes late counts for no more than this: what stopped the supervisor has stopped the
 * workers, too, and they must get the chance to say that they live.
 */
const TICK_COUNTED_MS = 2 * TICK_MS;

/** Where a worker is; see the drawing above. */
export type WorkerState = "starting" | "running" | "waiting" | "ending" | "ended";

/** One thing for the shell to do. */
export type SupervisionAction =
  /** Start it; `handleExited` must follow at some time. */
  | { readonly type: "start"; readonly worker: number }
  /** Kill it at once. */
  | { readonly type: "kill"; readonly worker: number }
  /** Tell it to take its leave of its peers, and to end. */
  | { readonly type: "stop"; readonly worker: number }
  /** All of them listen for the first time. */
  | { readonly type: "ready" }
  /** One of them listens again. */
  | { readonly type: "restored"; readonly worker: number }
  | {
    readonly type: "note";
    readonly level: "info" | "warning" | "error";
    readonly message: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }
  /** Everything is over. */
  | {
    readonly type: "end";
    /** Why it could not start; undefined: it ended as asked. */
    readonly failure?: Failure;
  };

/** Why a worker could not start. */
export interface Failure {
  readonly message: string;
  /** Whether the command line is at fault. */
  readonly usage: boolean;
}

/** What is known of one worker. */
interface WorkerRecord {
  state: WorkerState;
  startedMs: number;
  /** When it is started again, or killed. */
  dueMs: number;
  /** How long nothing was heard of it. */
  silentMs: number;
  /** Whether it was killed because it is stuck, and is not dead yet. */
  killed: boolean;
  /** Starts in a row after which it did not run long. */
  attempts: number;
  restarts: number;
  failure: Failure | undefined;
  /** Its joined peers, as it said last. */
  peers: number;
  rooms: number;
  /** Whether it has said so since it was drained. */
  drained: boolean;
}

/** See the module. */
export class Supervision {
  readonly #workers: WorkerRecord[];
  #actions: SupervisionAction[] = [];
  #tickMs = 0;
  /** Whether all have listened once: from then on they are started again. */
  #isUp = false;
  #stopping = false;
  #draining = false;
  #failure: Failure | undefined;
  #over = false;
  readonly #silenceMaxMs: number;

  /** @param silenceMaxMs of whom nothing is heard for this long, it is stuck */
  constructor(workers: number, silenceMaxMs: number) {
    this.#silenceMaxMs = silenceMaxMs;
    this.#workers = Array.from({ length: workers }, () => ({
      state: "waiting",
      startedMs: 0,
      dueMs: -Infinity,
      silentMs: 0,
      killed: false,
      attempts: 0,
      restarts: 0,
      failure: undefined,
      peers: 0,
      rooms: 0,
      drained: false,
    }));
  }

  /** Starts all. */
  start(nowMs: number): void {
    this.#tickMs = nowMs;
    for (const worker of this.#workers.keys()) this.#startOne(worker, nowMs);
  }

  /** It listens. */
  handleListening(worker: number): void {
    const one = this.#workers[worker];
    if (one.state !== "starting") return;
    one.state = "running";
    one.dueMs = Infinity;
    one.silentMs = 0;
    if (this.#isUp) this.#actions.push({ type: "restored", worker });
    else if (this.#workers.every(({ state }) => state === "running")) {
      this.#isUp = true;
      this.#actions.push({ type: "ready" });
    }
  }

  /** It has said that it lives, and who is there. `draining`: it lets nobody in any more. */
  handleAlive(
    worker: number,
    said: { readonly rooms: number; readonly peers: number; readonly draining: boolean },
    nowMs: number,
  ): void {
    const one = this.#workers[worker];
    one.silentMs = 0;
    one.rooms = said.rooms;
    one.peers = said.peers;
    one.drained = said.draining && said.peers === 0;
    this.#endIfDrained(nowMs);
  }

  /** It has said why it cannot start; it ends by itself. */
  handleFailed(worker: number, failure: Failure): void {
    this.#workers[worker].failure = failure;
  }

  /** Its process is no more; `how` it ended, for people. */
  handleExited(worker: number, how: string, nowMs: number): void {
    const one = this.#workers[worker];
    const { state, failure } = one;
    one.rooms = one.peers = 0;
    one.killed = false;
    one.dueMs = Infinity;
    if (state === "ending" || state === "ended" || this.#stopping) {
      one.state = "ended";
    } else if (!this.#isUp) {
      one.state = "ended";
      this.#giveUp(
        failure ?? { message: `reactor ${worker} ended as it started: ${how}`, usage: false },
      );
    } else if (this.#draining) {
      one.state = "ended";
      this.#note("warning", "A reactor has died", { reactor: worker, how });
      this.#endIfDrained(nowMs);
    } else this.#startLater(worker, failure?.message ?? how, nowMs);
    one.failure = undefined;
    if (this.#workers.every((other) => other.state === "ended")) this.#end();
  }

  /** A signal wants the end: at first with leave taken, at a second time at once. */
  handleStop(nowMs: number): void {
    if (!this.#stopping) return this.#stop(nowMs);
    for (const [worker, { state }] of this.#workers.entries()) {
      if (state !== "ended") this.#actions.push({ type: "kill", worker });
    }
  }

  /** From now on nobody new is let in, and all ends when the last peer has left. */
  handleDrain(): void {
    this.#draining = true;
  }

  /** To be called when `nextDeadlineMs` has come; sooner is harmless. */
  handleTimer(nowMs: number): void {
    const isTick = nowMs >= this.#tickMs + TICK_MS;
    const countedMs = Math.min(nowMs - this.#tickMs, TICK_COUNTED_MS);
    if (isTick) this.#tickMs = nowMs;
    for (const [worker, one] of this.#workers.entries()) {
      if (one.state === "running" && isTick && !one.killed) {
        one.silentMs += countedMs;
        if (one.silentMs >= this.#silenceMaxMs) this.#killStuck(worker, nowMs);
      }
      if (nowMs < one.dueMs) continue;
      if (one.state === "waiting") {
        one.restarts++;
        this.#startOne(worker, nowMs);
      } else if (one.state !== "ended") this.#killStuck(worker, nowMs);
    }
  }

  /** When `handleTimer` is to be called, ms; `Infinity` for never. */
  nextDeadlineMs(): number {
    if (this.#over) return Infinity;
    return Math.min(this.#tickMs + TICK_MS, ...this.#workers.map(({ dueMs }) => dueMs));
  }

  /** What the shell has to do, in this order. */
  drainActions(): SupervisionAction[] {
    const drained = this.#actions;
    if (drained.length > 0) this.#actions = [];
    return drained;
  }

  /** How a worker is. */
  worker(worker: number): { readonly state: WorkerState; readonly restarts: number } {
    const { state, restarts } = this.#workers[worker];
    return { state, restarts };
  }

  /** Rooms and joined peers of all. */
  get population(): { readonly rooms: number; readonly peers: number } {
    const sum = (of: (one: WorkerRecord) => number) =>
      this.#workers.reduce((total, one) => total + of(one), 0);
    return { rooms: sum(({ rooms }) => rooms), peers: sum(({ peers }) => peers) };
  }

  /**
   * Whether every worker is alive, or known to be dead and about to be started: while one is stuck, the
   * service manager must hear nothing.
   */
  get healthy(): boolean {
    return this.#workers.every(({ state, silentMs, killed }) =>
      !killed && (state !== "running" || silentMs < this.#silenceMaxMs / 2)
    );
  }

  #startOne(worker: number, nowMs: number): void {
    const one = this.#workers[worker];
    one.state = "starting";
    one.startedMs = nowMs;
    one.dueMs = nowMs + START_MAX_MS;
    one.silentMs = 0;
    this.#actions.push({ type: "start", worker });
  }

  #startLater(worker: number, how: string, nowMs: number): void {
    const one = this.#workers[worker];
    if (one.state === "running" && nowMs - one.startedMs >= STABLE_MS) one.attempts = 0;
    const message = one.state === "running"
      ? "A reactor has died with its rooms, and is started again"
      : "A reactor could not be started, which is tried again";
    const delayMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** Math.min(one.attempts, 16));
    one.attempts++;
    one.state = "waiting";
    one.dueMs = nowMs + delayMs;
    this.#note("error", message, { reactor: worker, how, delayMs });
  }

  /** One that does not answer cannot take leave of anybody. */
  #killStuck(worker: number, nowMs: number): void {
    const one = this.#workers[worker];
    const isAsked = one.state === "ending";
    // Should it not die of that, it is killed again.
    one.dueMs = nowMs + STOP_MAX_MS;
    one.killed = true;
    this.#note(isAsked ? "warning" : "error", "A reactor is stuck, and is killed", {
      reactor: worker,
    });
    if (one.state === "starting") {
      const message = `reactor ${worker} did not listen within ${START_MAX_MS / 1_000} s`;
      one.failure ??= { message, usage: false };
    }
    this.#actions.push({ type: "kill", worker });
  }

  /** A worker could not start at all: nobody has been let in yet, so the others just end. */
  #giveUp(failure: Failure): void {
    this.#failure ??= failure;
    this.#stopping = true;
    for (const [worker, one] of this.#workers.entries()) {
      if (one.state !== "starting" && one.state !== "running") continue;
      one.state = "ending";
      one.dueMs = Infinity;
      this.#actions.push({ type: "kill", worker });
    }
  }

  #stop(nowMs: number): void {
    this.#stopping = true;
    for (const [worker, one] of this.#workers.entries()) {
      if (one.state === "waiting") {
        one.state = "ended";
        one.dueMs = Infinity;
      }
      if (one.state === "ended") continue;
      one.state = "ending";
      one.dueMs = nowMs + STOP_MAX_MS;
      this.#actions.push({ type: "stop", worker });
    }
    if (this.#workers.every(({ state }) => state === "ended")) this.#end();
  }

  #endIfDrained(nowMs: number): void {
    if (!this.#draining || this.#stopping) return;
    const empty = this.#workers.every(({ state, drained }) => state === "ended" || drained);
    if (!empty) return;
    this.#note("info", "Drained: stopping", {});
    this.#stop(nowMs);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#actions.push({
      type: "end",
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    });
  }

  #note(
    level: "info" | "warning" | "error",
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#actions.push({ type: "note", level, message, fields });
  }
}
