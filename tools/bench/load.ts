/**
 * The load of the relay benchmarks, as a process of its own: senders and a sink on one thread, with the
 * programs' own QUIC binding, fair queue and pump.
 *
 * ```
 *  source ─► fair queue ─► pump ─► relay under test ─► sink
 *  (one chain for each sender; sink and senders share a clock, so delays are one-way)
 * ```
 *
 * usage: deno run load.ts JSON — a {@link LoadTask}; prints a {@link LoadReport} as JSON for each window.
 */
import type { Slot } from "../../src/proto/brands.ts";
import { formatMac, parseMac } from "../../src/proto/mac.ts";
import { BufferPool } from "../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { parseAddress, type QuicConfiguration } from "../../src/quic/mod.ts";
import { createReactor } from "../../src/reactor/mod.ts";
import { openQuicLibrary } from "../../src/programs/common/native_library.ts";
import { LoadEndpoint, type LoadProtocol } from "./load_endpoint.ts";
import { LoadSink, LoadSource } from "./load_frames.ts";
import { cpuSeconds, residentBytes } from "./process_figures.ts";

/** What is to be measured. */
export interface LoadTask {
  /** Our relay's protocol, or bare datagrams that are forwarded to the other connections. */
  readonly protocol: LoadProtocol;
  /** Protocol name of the TLS handshake. */
  readonly alpn: string;
  /** Where the relay listens, as the senders and as the sink see it. */
  readonly host: string;
  readonly sinkHost: string;
  readonly port: number;
  /** The relay's process. */
  readonly relayPid: number;
  readonly senders: number;
  /** Measured one after the other. */
  readonly windows: readonly LoadWindow[];
}

/** One measurement. */
export interface LoadWindow {
  readonly frameBytes: number;
  /** Frames that may be under way unacknowledged by the sink; Infinity is written as 0. */
  readonly inFlightMax: number;
  /** Frames per second that all senders together offer; 0: as many as go. */
  readonly framesPerSecond: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Ends earlier when so many frames have been delivered; 0: never. */
  readonly framesMax: number;
}

/** What came of it. */
export interface LoadReport {
  readonly frameBytes: number;
  readonly seconds: number;
  readonly offered: number;
  readonly delivered: number;
  /** CPU time of the relay's process. */
  readonly relayCpuSeconds: number;
  /** Its memory in RAM at the end. */
  readonly relayResidentBytes: number;
  /** From offer to delivery, ms. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  /** The longest that a frame waited in a sender's own queue. */
  readonly senderQueueMaxMs: number;
  /** From the sender's queue to the sink, ms. */
  readonly transitP50Ms: number;
  readonly transitP99Ms: number;
  readonly transitMaxMs: number;
}

const POOL_SLOTS = 16_384;
const QUEUE_ENTRIES = 16_384;
const READY_TIMEOUT_MS = 15_000;
/** After a window: what is still under way arrives before the next one begins. */
const DRAIN_MS = 200;
const SINK_MAC = "02:00:00:00:01:00";

/** Senders, sink and what they run on. */
class Load {
  readonly reactor = createReactor();
  readonly pool = new BufferPool(POOL_SLOTS);
  readonly #library = openQuicLibrary(this.reactor, this.pool);
  readonly #arena = new QueueArena(QUEUE_ENTRIES);
  readonly #configuration: QuicConfiguration;
  readonly #sources: LoadSource[] = [];
  readonly #sink = new LoadSink(this.pool, this.#sources);
  readonly #endpoints: LoadEndpoint[] = [];
  #failure: string | undefined;
  readonly #task: LoadTask;

  constructor(task: LoadTask) {
    this.#task = task;
    this.#configuration = this.#library.openConfiguration({
      alpn: task.alpn,
      credentials: { role: "client" },
    });
  }

  /** Connects the sink and then the senders, so that the relay knows where frames go. */
  open(): void {
    const task = this.#task;
    this.#connect(task.sinkHost, SINK_MAC, (slot, offset) => {
      this.#sink.take(slot, offset, this.reactor.now());
    });
    for (let sender = 0; sender < task.senders; sender++) {
      const mac = new Uint8Array([2, 0, 0, 0, 2, sender]);
      const endpoint = this.#connect(task.host, formatMac(mac), (slot) => this.pool.release(slot));
      this.#sources.push(
        new LoadSource(this.pool, this.#arena, endpoint, { from: mac, to: parseMac(SINK_MAC)! }),
      );
    }
    // Bare datagrams have no time at which the relay says that it is ready.
    this.#runUntil(() => this.#endpoints.every((endpoint) => endpoint.ready), READY_TIMEOUT_MS);
  }

  /** Runs one window. */
  measure(window: LoadWindow): LoadReport {
    const sources = this.#sources;
    const sink = this.#sink;
    const task = this.#task;
    const inFlightMax = window.inFlightMax === 0 ? Infinity : window.inFlightMax / sources.length;
    const rate = window.framesPerSecond / sources.length;
    for (const source of sources) {
      source.begin(window.frameBytes, rate, inFlightMax, this.reactor.now());
    }
    sink.reset();
    this.#play(window.warmUpMs, 0);
    sink.reset();
    for (const source of sources) source.resetFigures();
    const cpuBefore = cpuSeconds(task.relayPid);
    const startMs = this.reactor.now();
    this.#play(window.durationMs, window.framesMax);
    const seconds = (this.reactor.now() - startMs) / 1000;
    const relayCpuSeconds = cpuSeconds(task.relayPid) - cpuBefore;
    const report = {
      frameBytes: window.frameBytes,
      seconds,
      offered: sources.reduce((sum, source) => sum + source.offered, 0),
      delivered: sink.delivered,
      relayCpuSeconds,
      relayResidentBytes: residentBytes(task.relayPid),
      delayP50Ms: sink.delays.percentile(0.5),
      delayP99Ms: sink.delays.percentile(0.99),
      senderQueueMaxMs: Math.max(...sources.map((source) => source.queueMaxMs)),
      transitP50Ms: sink.transits.percentile(0.5),
      transitP99Ms: sink.transits.percentile(0.99),
      transitMaxMs: sink.transits.percentile(1),
    };
    for (const source of sources) source.end();
    this.#runUntil(() => false, DRAIN_MS, true);
    return report;
  }

  close(): void {
    for (const endpoint of this.#endpoints) endpoint.close();
    this.#runUntil(() => false, DRAIN_MS, true);
    this.#library.close();
    this.reactor.close();
  }

  #connect(
    host: string,
    mac: string,
    receive: (slot: Slot, offset: number) => void,
  ): LoadEndpoint {
    const address = parseAddress(host, this.#task.port);
    if (address === undefined) throw new Error(`no address: ${host}`);
    const endpoint = new LoadEndpoint({
      protocol: this.#task.protocol,
      pool: this.pool,
      mac,
      room: "BENCH",
      receive,
      nowMs: () => this.reactor.now(),
      failed: (why) => this.#failure ??= why,
    });
    this.#library.connect(
      { configuration: this.#configuration, address, serverName: "bench" },
      endpoint,
    );
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  #play(durationMs: number, framesMax: number): void {
    const { reactor } = this;
    const sources = this.#sources;
    const sink = this.#sink;
    const endMs = reactor.now() + durationMs;
    while (reactor.now() < endMs && (framesMax === 0 || sink.delivered < framesMax)) {
      const nowMs = reactor.now();
      let busy = false;
      for (const source of sources) {
        if (source.work(nowMs)) busy = true;
      }
      reactor.turn(busy ? 0 : 0.5);
      this.#check();
    }
  }

  #runUntil(condition: () => boolean, timeoutMs: number, quiet = false): void {
    const endMs = this.reactor.now() + timeoutMs;
    while (!condition()) {
      const nowMs = this.reactor.now();
      for (const endpoint of this.#endpoints) endpoint.work(nowMs);
      this.reactor.turn(5);
      this.#check();
      if (this.reactor.now() < endMs) continue;
      if (quiet) return;
      throw new Error(`the relay was not ready within ${timeoutMs} ms`);
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw new Error(this.#failure);
  }
}

if (import.meta.main) {
  const task = JSON.parse(Deno.args[0]) as LoadTask;
  const load = new Load(task);
  load.open();
  for (const window of task.windows) console.log(JSON.stringify(load.measure(window)));
  load.close();
}
