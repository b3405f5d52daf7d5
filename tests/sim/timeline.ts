/** Simulated time: what happens when, in a heap. */

interface Event {
  readonly atMs: number;
  /** Of two events at one time the one that was entered first comes first. */
  readonly order: number;
  readonly run: () => void;
}

/** The clock of a simulation, which goes from event to event. */
export class Timeline {
  nowMs = 1_000;
  readonly #heap: Event[] = [];
  #entered = 0;

  /** Runs something at a time; what has passed already runs next. */
  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.#entered++, run };
    let place = this.#heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, this.#heap[parent])) break;
      this.#heap[place] = this.#heap[parent];
      place = parent;
    }
    this.#heap[place] = event;
  }

  /** Runs something after a while. */
  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  /** Lets everything happen until a time, and goes there. */
  runUntil(endMs: number): void {
    while (this.#heap.length > 0 && this.#heap[0].atMs <= endMs) {
      const event = this.#takeFirst();
      this.nowMs = event.atMs;
      event.run();
    }
    this.nowMs = endMs;
  }

  #takeFirst(): Event {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || a.atMs === b.atMs && a.order < b.order;
}

/** A node's own deadline in the timeline: never more than one event that is too early. */
export class Alarm {
  #setForMs = Infinity;
  readonly #timeline: Timeline;
  readonly #ring: () => void;

  constructor(timeline: Timeline, ring: () => void) {
    this.#timeline = timeline;
    this.#ring = ring;
  }

  /** Rings at this time at the latest; ringing too early must do no harm. */
  set(atMs: number): void {
    if (atMs >= this.#setForMs || atMs === Infinity) return;
    this.#setForMs = atMs;
    this.#timeline.at(atMs, () => {
      if (this.#setForMs !== atMs) return;
      this.#setForMs = Infinity;
      this.#ring();
    });
  }
}
