/** The way out: frames that wait for a peer, and the peers for which frames wait. */
import type { TrafficCounters } from "../obs/counters.ts";
import { DropCode } from "../obs/drops.ts";
import { DATAGRAM_HEADER_BYTES, FLAG_FRAGMENT, FRAGMENT_HEADER_BYTES } from "../proto/datagram.ts";
import { ETHERNET_HEADER_BYTES } from "../proto/ethernet.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import { FairQueue, type QueueArena } from "../queue/fair_queue.ts";
import type { Session } from "./session.ts";

/** The queue towards one peer, which counts what leaves it and what it drops. */
export class OutboundQueue extends FairQueue {
  private readonly memory: Uint8Array;

  constructor(
    arena: QueueArena,
    pool: BufferPool,
    options: { readonly bytesMax: number; readonly sojournMaxMs: number },
    private readonly counters: TrafficCounters,
  ) {
    super(arena, pool, options);
    this.memory = pool.bytes;
  }

  /** Brings the counters up to date with what this queue has dropped. */
  countDrops(): void {
    this.counters.drops[DropCode.queueLate] = this.droppedLate;
    this.counters.drops[DropCode.queueOverflow] = this.droppedOverflow;
  }

  /** The target is gone: what waits for it is dropped. */
  abandon(): void {
    this.counters.drops[DropCode.targetLeft] += this.queuedEntries;
    this.clear();
  }

  /** As the base class; what is handed over counts as sent. */
  override dequeue(nowMs: number): boolean {
    if (!super.dequeue(nowMs)) return false;
    const { counters, memory, offset, length } = this;
    counters.datagramsSent++;
    if ((memory[offset + 1] & FLAG_FRAGMENT) === 0) {
      counters.framesSent++;
      counters.bytesSent += length - DATAGRAM_HEADER_BYTES;
    } else if ((memory[offset + 6] & 0x7f) === 0 && memory[offset + 7] === 0) {
      counters.framesSent++;
      counters.bytesSent += length - FRAGMENT_HEADER_BYTES;
    } else {
      counters.bytesSent += length - FRAGMENT_HEADER_BYTES - ETHERNET_HEADER_BYTES;
    }
    return true;
  }
}

/**
 * The sessions with something queued, in the order in which it came: a list through the sessions
 * themselves, so that marking one costs no allocation.
 */
export class ReadyList {
  private head: Session | undefined;
  private tail: Session | undefined;

  /** Puts a session at the end unless it is in the list. */
  mark(session: Session): void {
    if (session.ready) return;
    session.ready = true;
    if (this.tail === undefined) this.head = session;
    else this.tail.nextReady = session;
    this.tail = session;
  }

  /** Takes the first session out that is still joined and has something queued. */
  take(): Session | undefined {
    for (;;) {
      const session = this.head;
      if (session === undefined) return undefined;
      this.head = session.nextReady;
      if (this.head === undefined) this.tail = undefined;
      session.nextReady = undefined;
      session.ready = false;
      if (session.joined && session.queue!.queuedEntries > 0) return session;
    }
  }
}
