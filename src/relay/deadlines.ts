/**
 * When sessions next need the timer: a binary heap, so that what comes due costs the same with thousands
 * of sessions as with ten.
 *
 * A time in the heap may be too early, never too late: that a deadline has moved away is found out when it
 * comes.
 *
 * @module
 */
import type { Session } from "./session.ts";

/** Sessions by the time at which they are to be looked at. */
export class Deadlines {
  readonly #heap: Session[] = [];

  /** The earliest time, ms; `Infinity` for none. */
  get nextMs(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].timerMs;
  }

  /** Makes sure that a session is looked at in time for its next deadline. */
  schedule(session: Session): void {
    const dueMs = session.nextDeadlineMs();
    if (session.timerIndex >= 0) {
      if (dueMs >= session.timerMs) return;
    } else if (dueMs === Infinity) return;
    else session.timerIndex = this.#heap.push(session) - 1;
    session.timerMs = dueMs;
    this.#place(session.timerIndex, session);
  }

  /** Forgets a session. */
  remove(session: Session): void {
    const at = session.timerIndex;
    if (at < 0) return;
    session.timerIndex = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== session) this.#place(at, last);
  }

  /** Takes out all sessions that are to be looked at now. */
  takeDue(nowMs: number): Session[] {
    const due: Session[] = [];
    while (this.#heap.length > 0 && this.#heap[0].timerMs <= nowMs) {
      const session = this.#heap[0];
      this.remove(session);
      due.push(session);
    }
    return due;
  }

  /** Puts a session at a place, or where it belongs above or below that. */
  #place(at: number, session: Session): void {
    const heap = this.#heap;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].timerMs <= session.timerMs) break;
      this.#put(at, heap[parent]);
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1].timerMs < heap[child].timerMs) child++;
      if (heap[child].timerMs >= session.timerMs) break;
      this.#put(at, heap[child]);
      at = child;
    }
    this.#put(at, session);
  }

  #put(at: number, session: Session): void {
    this.#heap[at] = session;
    session.timerIndex = at;
  }
}
