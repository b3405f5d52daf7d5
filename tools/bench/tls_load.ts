/**
 * One libmsquic.so with both ends of its connections in one process and on one thread: handshakes, and datagrams
 * of two sizes. Each is measured by the clock and by CPU time, which others on the machine change least.
 *
 * usage: deno run tls_load.ts JSON — a {@link TlsTask}; prints a {@link TlsReport} as JSON.
 */
import { CertificateFolder, ConnectionRecorder, QuicHost, until } from "../lab/quic.ts";
import type { QuicConfiguration, QuicConnection } from "../../src/quic/mod.ts";
import { cpuSeconds, residentBytes } from "./process_figures.ts";

/** What is to be measured. */
export interface TlsTask {
  /** The library's path. */
  readonly library: string;
  readonly handshakes: number;
  readonly smallDatagrams: number;
  readonly largeDatagrams: number;
}

/** So many of something, how long they took and what they cost. */
export interface TlsFigure {
  readonly count: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** What came of it. */
export interface TlsReport {
  readonly handshakes: TlsFigure;
  readonly small: TlsFigure;
  readonly large: TlsFigure;
  /** Memory in RAM for each connection at rest, both ends together. */
  readonly bytesPerConnection: number;
}

/** Payloads: a game's, and what fills a packet of a 1500-byte path. */
export const SMALL_BYTES = 100;
export const LARGE_BYTES = 1400;

/** Datagrams that msquic has in hand at a time. */
const UNSENT_MAX = 64;
/** Connections at rest whose memory is measured. */
const RESTING = 200;
const TIMEOUT_MS = 300_000;

/** The two ends of a connection. */
interface Pair {
  readonly client: ConnectionRecorder;
  readonly server: ConnectionRecorder;
}

/** Both ends, and what they share. */
class TlsLoad {
  readonly #host: QuicHost;
  readonly #server: QuicConfiguration;
  readonly #client: QuicConfiguration;
  readonly #accepted: ConnectionRecorder[];
  readonly #port: number;

  constructor(host: QuicHost, server: QuicConfiguration, client: QuicConfiguration) {
    this.#host = host;
    this.#server = server;
    this.#client = client;
    const { accepted, port } = host.listen(this.#server);
    this.#accepted = accepted;
    this.#port = port;
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    await until([this.#host], condition, what, TIMEOUT_MS);
  }

  async #connect(): Promise<Pair> {
    const before = this.#accepted.length;
    const { recorder } = this.#host.connect(this.#client, this.#port);
    const server = () => this.#accepted[before];
    await this.#until(
      () => recorder.connection !== undefined && server()?.connection !== undefined,
      "a handshake",
    );
    return { client: recorder, server: server() };
  }

  /** One handshake after the other, each connection ended before the next. */
  async handshakes(count: number): Promise<TlsFigure> {
    return await measured(count, async () => {
      for (let i = 0; i < count; i++) {
        const { client, server } = await this.#connect();
        client.connection?.shutdown();
        await this.#until(() => client.isClosed && server.isClosed, "an end");
        this.#accepted.length = 0;
      }
    });
  }

  /** Datagrams from one end to the other, as many under way as msquic takes; lost ones do not count. */
  async datagrams(count: number, lengthBytes: number): Promise<TlsFigure> {
    const { client, server } = await this.#connect();
    const connection = client.connection as QuicConnection;
    await this.#until(() => connection.maxDatagramBytes >= LARGE_BYTES, "path MTU discovery");
    let received = 0;
    server.datagram = (_connection, slot) => {
      received++;
      this.#host.pool.release(slot);
    };
    const payload = new Uint8Array(lengthBytes).fill(7);
    const send = async (wanted: number) => {
      const end = received + wanted;
      await this.#until(() => {
        while (connection.unsentCount < UNSENT_MAX && received < end) {
          if (!this.#host.send(connection, payload)) throw new Error("a datagram was refused");
        }
        return received >= end;
      }, "all datagrams");
    };
    await send(count >> 3);
    const start = received;
    const figure = await measured(count, () => send(count));
    client.connection?.shutdown();
    await this.#until(() => client.isClosed && server.isClosed, "an end");
    this.#accepted.length = 0;
    return { ...figure, count: received - start };
  }

  /** What a connection takes in RAM once its handshake is over. */
  async memory(): Promise<number> {
    const before = residentBytes(Deno.pid);
    const pairs: Pair[] = [];
    for (let i = 0; i < RESTING; i++) pairs.push(await this.#connect());
    const bytes = (residentBytes(Deno.pid) - before) / RESTING;
    for (const { client } of pairs) client.connection?.shutdown();
    await this.#until(() => pairs.every((p) => p.client.isClosed && p.server.isClosed), "ends");
    this.#accepted.length = 0;
    return bytes;
  }
}

async function measured(count: number, work: () => Promise<void>): Promise<TlsFigure> {
  const startMs = performance.now();
  const startCpu = cpuSeconds(Deno.pid);
  await work();
  return {
    count,
    seconds: (performance.now() - startMs) / 1000,
    cpuSeconds: cpuSeconds(Deno.pid) - startCpu,
  };
}

async function run(task: TlsTask): Promise<TlsReport> {
  const certificates = await CertificateFolder.make();
  const host = QuicHost.load(task.library);
  try {
    const load = new TlsLoad(
      host,
      host.server(await certificates.issue()),
      host.client(certificates.caFile),
    );
    await load.handshakes(task.handshakes >> 2);
    return {
      bytesPerConnection: await load.memory(),
      handshakes: await load.handshakes(task.handshakes),
      small: await load.datagrams(task.smallDatagrams, SMALL_BYTES),
      large: await load.datagrams(task.largeDatagrams, LARGE_BYTES),
    };
  } finally {
    host.close();
    await certificates.remove();
  }
}

if (import.meta.main) console.log(JSON.stringify(await run(JSON.parse(Deno.args[0]))));
