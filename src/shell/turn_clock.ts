/** The time of the reactor's present turn: read once a turn, not once a datagram. */
import type { Reactor } from "../reactor/mod.ts";

/** A clock that costs a comparison. It may lag by the length of a turn. */
export class TurnClock {
  private turn = -1;
  private turnMs = 0;

  constructor(private readonly reactor: Reactor) {}

  /** Monotonic time in ms. */
  now(): number {
    const { turns } = this.reactor.counters;
    if (turns !== this.turn) {
      this.turn = turns;
      this.turnMs = this.reactor.now();
    }
    return this.turnMs;
  }
}
