/**
 * The queue towards the relay, which counts what leaves it and what it drops.
 *
 * @module
 */

import type { TrafficCounters } from "../observe/counters.ts";
import { DropCode } from "../observe/drops.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import { FairQueue, type FairQueueOptions } from "../queue/fair_queue.ts";
import type { QueueArena } from "../queue/queue_arena.ts";

/** See the module. */
export class PathQueue extends FairQueue {
  readonly #counters: TrafficCounters;
  #countedLate = 0;
  #countedOverflow = 0;
  #countedByCodel = 0;

  constructor(
    arena: QueueArena,
    pool: BufferPool,
    counters: TrafficCounters,
    options?: FairQueueOptions,
  ) {
    super(arena, pool, options);
    this.#counters = counters;
  }

  /** As the base class; what is handed over counts as sent. */
  override dequeue(nowMs: number): boolean {
    const found = super.dequeue(nowMs);
    if (found) this.#counters.datagramsSent++;
    this.countDrops();
    return found;
  }

  override dropLate(nowMs: number): number {
    const dropped = super.dropLate(nowMs);
    this.countDrops();
    return dropped;
  }

  /** Brings the counters up to date with what was dropped since the last call. */
  countDrops(): void {
    const { droppedLate, droppedOverflow, droppedByCodel } = this;
    if (droppedLate !== this.#countedLate) {
      this.#counters.dropMany(DropCode.queueLate, droppedLate - this.#countedLate);
      this.#countedLate = droppedLate;
    }
    if (droppedOverflow !== this.#countedOverflow) {
      this.#counters.dropMany(DropCode.queueOverflow, droppedOverflow - this.#countedOverflow);
      this.#countedOverflow = droppedOverflow;
    }
    if (droppedByCodel !== this.#countedByCodel) {
      this.#counters.dropMany(DropCode.queueCodel, droppedByCodel - this.#countedByCodel);
      this.#countedByCodel = droppedByCodel;
    }
  }
}
