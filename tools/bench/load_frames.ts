/** The frames of the load: made with two times inside, and judged by them where they arrive. */
import { asPeerId, type Slot } from "../../src/proto/brands.ts";
import { DATAGRAM_HEADER_BYTES, writeDatagramHeader } from "../../src/proto/datagram.ts";
import { dissect, Dissection } from "../../src/proto/dissect.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT } from "../../src/queue/buffer_pool.ts";
import { FairQueue } from "../../src/queue/fair_queue.ts";
import type { QueueArena } from "../../src/queue/queue_arena.ts";
import { flowOf } from "../../src/queue/flow.ts";
import type { LoadEndpoint } from "./load_endpoint.ts";
import { FLOW_OFFSET, UDP_PAYLOAD_OFFSET, udpFrame } from "./udp_frame.ts";

/** Flows of each sender: UDP source ports. */
const FLOWS = 8;
/** Where the times lie, behind the UDP header: when offered, when handed to the transport. */
const OFFERED_OFFSET = UDP_PAYLOAD_OFFSET;
const SENT_OFFSET = OFFERED_OFFSET + 8;
/** Then a number that counts a sender's frames, and in the source MAC's last byte the sender's own. */
const SEQUENCE_OFFSET = SENT_OFFSET + 8;
const SENDER_OFFSET = 11;
/** Frames that a source makes in one go. */
const BATCH_FRAMES = 64;
/** Lost frames are not waited for when nothing arrives for so long. */
const LOST_AFTER_MS = 20;

/** Counts times in buckets of a 20th of a millisecond. */
export class DelayHistogram {
  readonly #counts = new Float64Array(40_000);
  #total = 0;

  add(ms: number): void {
    const bucket = Math.max(0, Math.min(this.#counts.length - 1, ms * 20 | 0));
    this.#counts[bucket]++;
    this.#total++;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The time in ms below which this share (0 … 1) of all lies; NaN for none. */
  percentile(share: number): number {
    if (this.#total === 0) return NaN;
    let rest = this.#total * share;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      rest -= this.#counts[bucket];
      if (rest <= 0 && this.#counts[bucket] > 0) return (bucket + 1) / 20;
    }
    return this.#counts.length / 20;
  }
}

/** A queue that writes into each datagram when it left. */
class StampingQueue extends FairQueue {
  maxMs = 0;
  readonly #view: DataView;

  constructor(arena: QueueArena, pool: BufferPool, view: DataView) {
    super(arena, pool);
    this.#view = view;
  }

  override dequeue(nowMs: number): boolean {
    if (!super.dequeue(nowMs)) return false;
    const frame = this.offset + DATAGRAM_HEADER_BYTES;
    this.maxMs = Math.max(this.maxMs, nowMs - this.#view.getFloat64(frame + OFFERED_OFFSET));
    this.#view.setFloat64(frame + SENT_OFFSET, nowMs);
    return true;
  }
}

/** Makes frames and queues them for a sender's connection. */
export class LoadSource {
  offered = 0;
  readonly #queue: StampingQueue;
  readonly #view: DataView;
  #template = new Uint8Array(0);
  readonly #dissection = new Dissection();
  #frameBytes = 0;
  #framesPerMs = 0;
  #inFlightMax = Infinity;
  #owedMs = 0;
  #flow = 0;
  #sequence = 0;
  #arrivedSequence = 0;
  #arrivedMs = 0;
  readonly #pool: BufferPool;
  readonly #endpoint: LoadEndpoint;
  readonly #macs: { readonly from: Uint8Array; readonly to: Uint8Array };

  constructor(
    pool: BufferPool,
    arena: QueueArena,
    endpoint: LoadEndpoint,
    macs: { readonly from: Uint8Array; readonly to: Uint8Array },
  ) {
    this.#pool = pool;
    this.#endpoint = endpoint;
    this.#macs = macs;
    this.#view = new DataView(pool.bytes.buffer);
    this.#queue = new StampingQueue(arena, pool, this.#view);
  }

  /** The longest that a frame waited in the queue. */
  get queueMaxMs(): number {
    return this.#queue.maxMs;
  }

  /**
   * Frames of another size from now on, so many per second (0: as many as go), as long as no more than
   * `inFlightMax` are on their way.
   */
  begin(frameBytes: number, framesPerSecond: number, inFlightMax: number, nowMs: number): void {
    this.#frameBytes = frameBytes;
    this.#inFlightMax = inFlightMax;
    this.#framesPerMs = framesPerSecond / 1000;
    this.#owedMs = nowMs;
    this.#template = udpFrame(frameBytes, this.#macs.to, this.#macs.from);
  }

  resetFigures(): void {
    this.offered = 0;
    this.#queue.maxMs = 0;
  }

  end(): void {
    this.#queue.clear();
  }

  /** A frame has arrived; those before it have, too, or are lost. */
  arrived(sequence: number, nowMs: number): void {
    this.#arrivedSequence = Math.max(this.#arrivedSequence, sequence);
    this.#arrivedMs = nowMs;
  }

  /** Makes what is due and sends; true if there is more to do at once. */
  work(nowMs: number): boolean {
    if (nowMs - this.#arrivedMs > LOST_AFTER_MS) this.arrived(this.#sequence, nowMs);
    const inFlight = this.#sequence - this.#arrivedSequence;
    const due = this.#framesPerMs === 0
      ? BATCH_FRAMES - this.#queue.queuedEntries
      : Math.floor((nowMs - this.#owedMs) * this.#framesPerMs);
    const count = Math.max(0, Math.min(due, this.#inFlightMax - inFlight));
    if (this.#framesPerMs > 0) this.#owedMs += count / this.#framesPerMs;
    for (let i = 0; i < count; i++) this.#make(nowMs);
    return this.#endpoint.send(this.#queue, nowMs) > 0;
  }

  #make(nowMs: number): void {
    const pool = this.#pool;
    const frameBytes = this.#frameBytes;
    const view = this.#view;
    this.offered++;
    const slot = pool.acquire();
    if (slot === NO_SLOT) return;
    const frame = pool.offsetOf(slot) + HEADROOM_BYTES;
    this.#template[FLOW_OFFSET] = this.#flow = (this.#flow + 1) % FLOWS;
    pool.bytes.set(this.#template, frame);
    view.setFloat64(frame + OFFERED_OFFSET, nowMs);
    view.setUint32(frame + SEQUENCE_OFFSET, ++this.#sequence);
    dissect(pool.bytes, frame, frameBytes, this.#dissection);
    const flow = flowOf(pool.bytes, frame, frameBytes, this.#dissection);
    const offset = frame - DATAGRAM_HEADER_BYTES;
    writeDatagramHeader(pool.bytes, offset, asPeerId(0));
    this.#queue.enqueue(slot, offset, frameBytes + DATAGRAM_HEADER_BYTES, flow, nowMs);
  }
}

/** Counts what arrives, and how late. */
export class LoadSink {
  delivered = 0;
  /** From offer to arrival, and from handing over to arrival. */
  readonly delays = new DelayHistogram();
  readonly transits = new DelayHistogram();
  readonly #view: DataView;
  readonly #pool: BufferPool;
  readonly #sources: readonly LoadSource[];

  constructor(pool: BufferPool, sources: readonly LoadSource[]) {
    this.#pool = pool;
    this.#sources = sources;
    this.#view = new DataView(pool.bytes.buffer);
  }

  take(slot: Slot, offset: number, nowMs: number): void {
    const view = this.#view;
    const frame = offset + DATAGRAM_HEADER_BYTES;
    this.delays.add(nowMs - view.getFloat64(frame + OFFERED_OFFSET));
    this.transits.add(nowMs - view.getFloat64(frame + SENT_OFFSET));
    const sender = this.#pool.bytes[frame + SENDER_OFFSET];
    this.#sources[sender]?.arrived(view.getUint32(frame + SEQUENCE_OFFSET), nowMs);
    this.#pool.release(slot);
    this.delivered++;
  }

  reset(): void {
    this.delivered = 0;
    this.delays.reset();
    this.transits.reset();
  }
}
