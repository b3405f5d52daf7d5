/**
 * The time of the reactor's present round: read once a round, not once a datagram.
 *
 * @module
 */
import type { Reactor } from "../../reactor/mod.ts";

/**
 * A clock that costs two comparisons. It may lag by the length of a round: one poll of msquic and one
 * walk over the tasks. Never by a turn, which can be many rounds and a sleep: what came in its last
 * round would seem to have waited since its first, and be dropped as late.
 */
export class TurnClock {
  #turn = -1;
  #expired = true;
  #roundMs = 0;
  readonly #reactor: Pick<Reactor, "now" | "counters" | "addTask">;

  constructor(reactor: Pick<Reactor, "now" | "counters" | "addTask">) {
    this.#reactor = reactor;
    reactor.addTask({
      work: () => {
        this.#expired = true;
        return false;
      },
      nextDeadlineMs: () => Infinity,
    });
  }

  /** Monotonic time in ms. */
  now(): number {
    const { turns } = this.#reactor.counters;
    if (this.#expired || turns !== this.#turn) {
      this.#expired = false;
      this.#turn = turns;
      this.#roundMs = this.#reactor.now();
    }
    return this.#roundMs;
  }
}
