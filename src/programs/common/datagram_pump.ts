/**
 * Hands datagrams from a fair queue to a connection: never more than it can send soon.
 *
 * What waits, waits in the fair queue, where it can be reordered between flows and dropped when it is late.
 * msquic gets a few packets ahead of its congestion window, so that a window that opens is filled at once
 * and its congestion control never takes the connection for idle.
 *
 * @module
 */
import { type QuicConnection, QuicStatistics, SEND_BATCH_MAX } from "../../quic/mod.ts";
import type { FairQueue } from "../../queue/fair_queue.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import type { TrafficCounters } from "../../observe/counters.ts";
import { DropCode } from "../../observe/drops.ts";

/**
 * Bytes of datagrams handed over before msquic is polled and others have their turn: some 200 µs' work, whether
 * they are many small or a few large ones.
 */
export const HANDOVER_BYTES_MAX = 64 * 1024;
/** Least and most bytes that msquic may hold unsent for one connection. */
const UNSENT_BYTES_MIN = 8 * 1472;
const UNSENT_BYTES_MAX = 128 * 1024;
/** How long what msquic holds unsent may take to leave, at the path's present rate. */
const UNSENT_TARGET_MS = 2;
/** How often the path's rate is read. */
const RATE_INTERVAL_MS = 20;

/** Flows by whose number the last that did not go ahead is remembered: of two with one number both wait. */
const FLOWS = 1024;

/** What the pump needs of a connection. */
export type PumpedConnection = Pick<
  QuicConnection,
  | "unsentBytes"
  | "unsentInOrder"
  | "maxDatagramBytes"
  | "batchDatagram"
  | "sendBatch"
  | "statistics"
>;

/** One connection's pump. */
export class DatagramPump {
  /** Smoothed round trip time of the path in ms, as last read. */
  rttMs = 0;
  #unsentBytesMax = UNSENT_BYTES_MIN;
  #rateDueMs = 0;
  /** Datagrams handed over that do not go ahead; and how many there were, by flow, with the flow's last one. */
  #inOrder = 0;
  readonly #lastInOrder = new Int32Array(FLOWS);
  readonly #statistics = new QuicStatistics();
  readonly #connection: PumpedConnection;
  readonly #pool: BufferPool;
  readonly #counters: TrafficCounters;

  constructor(
    connection: PumpedConnection,
    pool: BufferPool,
    counters: TrafficCounters,
  ) {
    this.#connection = connection;
    this.#pool = pool;
    this.#counters = counters;
  }

  /** Packets lost of those sent, as last read; 0 before the first. */
  get lossRatio(): number {
    const { packetsSent, packetsLost } = this.#statistics;
    return packetsSent === 0 ? 0 : Math.max(0, packetsLost) / packetsSent;
  }

  /** ACK frames received, as last read. */
  get acksReceived(): number {
    return this.#statistics.acksReceived;
  }

  /** Packets sent that have to be acknowledged, as last read. */
  get askingPacketsSent(): number {
    return this.#statistics.askingPacketsSent;
  }

  /**
   * Hands over what fits, at most {@link HANDOVER_BYTES_MAX} and a datagram.
   *
   * @returns how many were taken out of the queue
   */
  pump(queue: FairQueue, nowMs: number): number {
    const connection = this.#connection;
    queue.beginSending(nowMs);
    let taken = 0;
    let restBytes = HANDOVER_BYTES_MAX;
    let batched = 0;
    while (restBytes > 0 && this.#mayHandOver(queue, nowMs) && queue.dequeue(nowMs)) {
      taken++;
      restBytes -= queue.length;
      if (queue.length > connection.maxDatagramBytes) {
        this.#pool.release(queue.slot);
        this.#counters.drop(DropCode.budget);
        continue;
      }
      const isAhead = this.#goesAhead(queue);
      if (!connection.batchDatagram(queue.slot, queue.offset, queue.length, isAhead)) {
        this.#counters.drop(DropCode.sendFailed);
      } else if (++batched === SEND_BATCH_MAX) {
        batched = 0;
        this.#sendBatch();
      }
    }
    this.#sendBatch();
    return taken;
  }

  /**
   * Whether what the queue hands out goes ahead of what msquic holds, too: when it went ahead in the queue, and
   * nothing of its flow is there that does not. So nothing inside a flow is reordered.
   */
  #goesAhead(queue: FairQueue): boolean {
    const flow = queue.flowNumber & (FLOWS - 1);
    const sent = this.#inOrder - this.#connection.unsentInOrder;
    if (queue.wasAhead && (sent - this.#lastInOrder[flow] | 0) >= 0) return true;
    this.#lastInOrder[flow] = this.#inOrder = this.#inOrder + 1 | 0;
    return false;
  }

  #sendBatch(): void {
    this.#counters.dropMany(DropCode.sendFailed, this.#connection.sendBatch());
  }

  /** Whether msquic holds little enough. What the path carries is read only where it matters. */
  #mayHandOver(queue: FairQueue, nowMs: number): boolean {
    const { unsentBytes } = this.#connection;
    if (unsentBytes < UNSENT_BYTES_MIN) return true;
    if (nowMs >= this.#rateDueMs) this.readRate(nowMs);
    queue.rttMs = this.rttMs;
    return unsentBytes < this.#unsentBytesMax;
  }

  /** Reads the path's figures; the pump does so by itself while it has much to hand over. */
  readRate(nowMs: number): void {
    this.#rateDueMs = nowMs + RATE_INTERVAL_MS;
    const statistics = this.#statistics;
    if (!this.#connection.statistics(statistics)) return;
    this.rttMs = statistics.rttUs / 1000;
    const bytesPerMs = statistics.congestionWindowBytes / Math.max(0.1, this.rttMs);
    this.#unsentBytesMax = Math.min(
      UNSENT_BYTES_MAX,
      Math.max(UNSENT_BYTES_MIN, bytesPerMs * UNSENT_TARGET_MS),
    );
  }
}
