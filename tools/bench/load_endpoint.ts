/** One connection of the load to the relay under test. */
import { encodeMessage, MessageReader } from "../../src/control/framing.ts";
import type { EndpointMessage } from "../../src/control/messages.ts";
import type { Slot } from "../../src/proto/brands.ts";
import { SETTLE_MAX_MS } from "../../src/proto/mtu.ts";
import type { BufferPool } from "../../src/queue/buffer_pool.ts";
import type { FairQueue } from "../../src/queue/fair_queue.ts";
import type {
  QuicCloseReason,
  QuicConnection,
  QuicConnectionHandler,
  QuicStream,
  QuicStreamHandler,
} from "../../src/quic/mod.ts";
import { TrafficCounters } from "../../src/observe/counters.ts";
import { DatagramPump } from "../../src/programs/common/datagram_pump.ts";

/** Whether the relay speaks our protocol, or forwards whatever comes. */
export type LoadProtocol = "lanparty" | "bare";

/** What an endpoint is made with. */
export interface LoadEndpointOptions {
  readonly protocol: LoadProtocol;
  readonly pool: BufferPool;
  readonly mac: string;
  readonly room: string;
  /** Takes what comes, with the reference to its slot. */
  readonly receive: (slot: Slot, offset: number, length: number) => void;
  readonly nowMs: () => number;
  readonly failed: (why: string) => void;
}

/** See the module. It joins as a client, once the path's MTU is known. */
export class LoadEndpoint implements QuicConnectionHandler {
  /** Whether frames may be sent. */
  ready = false;
  #connection: QuicConnection | undefined;
  #pump: DatagramPump | undefined;
  #stream: QuicStream | undefined;
  #settledMs = Infinity;
  #ending = false;
  readonly #reader = new MessageReader();
  readonly #control: QuicStreamHandler = {
    data: (_stream, bytes) => {
      this.#reader.push(bytes, this.#options.nowMs());
      for (let next = this.#reader.next(); next !== undefined; next = this.#reader.next()) {
        this.#handleMessage(next.json);
      }
    },
  };

  readonly #options: LoadEndpointOptions;

  constructor(options: LoadEndpointOptions) {
    this.#options = options;
  }

  connected(connection: QuicConnection): void {
    const { pool, nowMs } = this.#options;
    this.#connection = connection;
    this.#pump = new DatagramPump(connection, pool, new TrafficCounters());
    this.#settledMs = nowMs() + SETTLE_MAX_MS;
  }

  maxDatagram(): void {}

  datagram(_connection: QuicConnection, slot: Slot, offset: number, length: number): void {
    this.#options.receive(slot, offset, length);
  }

  streamOpened(): undefined {}

  certificate(): boolean {
    return true; // the relay under test was started by this run
  }

  closed(_connection: QuicConnection, reason: QuicCloseReason): void {
    this.#connection = undefined;
    this.#pump = undefined;
    if (!this.#ending) this.#options.failed(`the connection ended: ${reason.message}`);
  }

  /** Sends the hello when it is time. */
  work(nowMs: number): void {
    if (this.#connection === undefined || nowMs < this.#settledMs) return;
    this.#settledMs = Infinity;
    if (this.#options.protocol === "bare") {
      this.ready = true;
      return;
    }
    this.#stream = this.#connection.openStream(this.#control);
    this.#stream.send(encodeMessage({
      type: "hello",
      protocol: 1,
      role: "client",
      room: this.#options.room,
      mac: this.#options.mac,
      agent: "bench",
      datagramBudget: this.#connection.maxDatagramBytes,
    }));
  }

  /** Hands datagrams to the transport; how many. */
  send(queue: FairQueue, nowMs: number): number {
    return this.#pump?.pump(queue, nowMs) ?? 0;
  }

  /** Hands one datagram over at once, with the reference to its slot; false if it was not taken. */
  sendNow(slot: Slot, offset: number, length: number): boolean {
    const connection = this.#connection;
    if (connection !== undefined) {
      return connection.batchDatagram(slot, offset, length) && connection.sendBatch() === 0;
    }
    this.#options.pool.release(slot);
    return false;
  }

  /** Sends a control message. */
  say(message: EndpointMessage): void {
    this.#stream?.send(encodeMessage(message));
  }

  close(): void {
    this.#ending = true;
    this.#connection?.shutdown(0);
  }

  #handleMessage(json: unknown): void {
    const { type } = json as { type: string };
    if (type === "welcome") this.ready = true;
    else if (type === "reject" || type === "disconnect") {
      this.#options.failed(`the relay says: ${JSON.stringify(json)}`);
    }
  }
}
