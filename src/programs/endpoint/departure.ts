/**
 * How an endpoint's program ends before its session does: what it has changed is taken back while
 * frames still flow, the relay is told, and neither may take long.
 *
 * @module
 */
import { onConsoleClosed, SESSION_END_INTERVAL_MS, SessionEnd } from "../../system/signals/mod.ts";
import type { Reactor, TerminationSignal } from "../../reactor/mod.ts";
import type { EndpointNode } from "./node.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** After a signal the session has this long to say goodbye. */
const LEAVE_MAX_MS = 1_600;
/** … and what comes before it no longer than this, so that the goodbye is always said. */
const BEFORE_LEAVING_MAX_MS = 1_000;
/** The same after a failure, when nothing else is left to be done. */
const GOODBYE_MAX_MS = 1_000;
/** A terminal that is closed is SIGHUP. */
const SIGNALS: readonly TerminationSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * What must be done while frames still flow, in a bounded time. `isHurried`: the process may be ended as
 * soon as the relay was told, so everything must be undone when this returns.
 */
export type BeforeLeaving = (isHurried: boolean) => Promise<void>;

/** Begins with a signal, or when Windows ends the session; a second signal ends the program at once. */
export class Departure implements Disposable {
  readonly #sessionEnd: SessionEnd | undefined;
  readonly #console: { close(): void } | undefined;
  #sessionEndDueMs = 0;
  #deadlineMs = Infinity;
  #leaveDueMs = Infinity;
  #left = false;
  readonly #node: EndpointNode;
  readonly #reactor: Reactor;
  readonly #before: BeforeLeaving;
  readonly #logger: Logger;

  /** @param before see {@linkcode BeforeLeaving} */
  constructor(
    node: EndpointNode,
    reactor: Reactor,
    before: BeforeLeaving,
    logger: Logger,
  ) {
    this.#node = node;
    this.#reactor = reactor;
    this.#before = before;
    this.#logger = logger;
    reactor.onSignal(SIGNALS, (signal) => this.#begin(signal));
    this.#sessionEnd = SessionEnd.open({
      sessionEnds: () => this.#endNow("Windows ends the session"),
      closeAsked: () => this.#begin("WM_CLOSE"),
    });
    if (Deno.build.os === "windows") {
      this.#console = onConsoleClosed(() => this.#endNow("the window was closed"));
    }
    reactor.addTask({
      work: (nowMs) => this.#work(nowMs),
      nextDeadlineMs: () => {
        const lookMs = this.#sessionEnd === undefined ? Infinity : this.#sessionEndDueMs;
        return Math.min(this.#deadlineMs, this.#leaveDueMs, lookMs);
      },
    });
  }

  /** So that the place in the room is free at once, and not when the connection times out. */
  sayGoodbye(): void {
    const node = this.#node;
    const reactor = this.#reactor;
    const deadlineMs = reactor.now() + GOODBYE_MAX_MS;
    node.leave();
    while (node.exitCode === undefined && reactor.now() < deadlineMs) reactor.turn(20);
  }

  [Symbol.dispose](): void {
    this.#sessionEnd?.close();
    this.#console?.close();
  }

  #begin(why: string): void {
    const reactor = this.#reactor;
    if (this.#deadlineMs !== Infinity) return reactor.stop();
    logText(this.#logger, "debug", `${why}: leaving`);
    this.#deadlineMs = reactor.now() + LEAVE_MAX_MS;
    this.#leaveDueMs = reactor.now() + BEFORE_LEAVING_MAX_MS;
    // Each promise on the way to an address given back waits for a turn of the runtime's own loop.
    reactor.attend(LEAVE_MAX_MS);
    const leave = () => this.#leave();
    this.#before(false).then(leave, leave); // what went wrong comes up again when everything is closed
  }

  #leave(): void {
    this.#leaveDueMs = Infinity;
    if (!this.#left) this.#node.leave(); // a second call would cut the goodbye short
    this.#left = true;
  }

  /** When this returns Windows may end the process: nothing can be waited for that takes a promise. */
  #endNow(why: string): void {
    logText(this.#logger, "debug", `${why}: leaving`);
    this.#before(true).catch(() => {});
    this.sayGoodbye();
    this.#reactor.stop();
  }

  #work(nowMs: number): boolean {
    if (nowMs >= this.#deadlineMs) this.#reactor.stop();
    if (nowMs >= this.#leaveDueMs) this.#leave();
    if (nowMs >= this.#sessionEndDueMs) {
      this.#sessionEndDueMs = nowMs + SESSION_END_INTERVAL_MS;
      this.#sessionEnd?.work();
    }
    return false;
  }
}
