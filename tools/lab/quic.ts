/**
 * A QUIC library with a reactor for tests, driven turn by turn, and handlers that write down what
 * happens to them.
 */

import { libc } from "../../src/ffi/libc.ts";
import { nativeMemory } from "../../src/ffi/memory.ts";
import type { Slot } from "../../src/proto/brands.ts";
import { BufferPool } from "../../src/queue/buffer_pool.ts";
import { HEADROOM_BYTES } from "../../src/queue/buffer_pool.ts";
import { parseAddress, QuicLibrary } from "../../src/quic/mod.ts";
import type {
  PeerCertificate,
  QuicAddress,
  QuicCloseReason,
  QuicConfiguration,
  QuicConnection,
  QuicConnectionHandler,
  QuicListener,
  QuicSettings,
  QuicStream,
  QuicStreamHandler,
} from "../../src/quic/mod.ts";
import { createReactor } from "../../src/reactor/mod.ts";
import type { Reactor } from "../../src/reactor/mod.ts";
import { issueLeaf, makeAuthority } from "./certificates.ts";
import type { LeafOptions, TestAuthority } from "./certificates.ts";
import { msquicLibrary } from "./native.ts";

libc(); // opened for good, so not within a test
nativeMemory();

export const ALPN = "lanparty/1";
export const SERVER_NAME = "relay.test";

/** PEM files of a server. */
export interface ServerFiles {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  readonly certificateDer: Uint8Array;
}

/** Certificates in a folder of their own. */
export class CertificateFolder {
  readonly folder: string;
  readonly authority: TestAuthority;
  readonly caFile: string;
  #leaves = 0;

  private constructor(folder: string, authority: TestAuthority) {
    this.folder = folder;
    this.authority = authority;
    this.caFile = `${folder}/ca.pem`;
  }

  static async make(): Promise<CertificateFolder> {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-quic-" });
    const certificates = new CertificateFolder(folder, await makeAuthority());
    await Deno.writeTextFile(certificates.caFile, certificates.authority.certificatePem);
    return certificates;
  }

  /** A CA that signed nothing. */
  async strangerCaFile(): Promise<string> {
    const path = `${this.folder}/stranger.pem`;
    const stranger = await makeAuthority("CN=lanparty stranger");
    await Deno.writeTextFile(path, stranger.certificatePem);
    return path;
  }

  async issue(options: LeafOptions = { names: [SERVER_NAME] }): Promise<ServerFiles> {
    const leaf = await issueLeaf(this.authority, options);
    const base = `${this.folder}/leaf${this.#leaves++}`;
    const certificateFile = `${base}.pem`;
    const privateKeyFile = `${base}.key`;
    await Deno.writeTextFile(certificateFile, leaf.certificatePem);
    await Deno.writeTextFile(privateKeyFile, leaf.keyPem);
    return { certificateFile, privateKeyFile, certificateDer: leaf.certificateDer };
  }

  async remove(): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Writes down what happens to a stream. */
export class StreamRecorder implements QuicStreamHandler {
  readonly chunks: Uint8Array[] = [];
  bytes = 0;
  finished = false;
  closedCount = 0;
  readonly abortCodes: number[] = [];
  /** Bytes of each of our sends that came to its end. */
  readonly acknowledgedBytes: number[] = [];
  onData: (stream: QuicStream, bytes: Uint8Array<ArrayBuffer>) => void = () => {};

  data(stream: QuicStream, bytes: Uint8Array<ArrayBuffer>, finished: boolean): void {
    if (bytes.length > 0) this.chunks.push(bytes);
    this.bytes += bytes.length;
    if (finished) this.finished = true;
    this.onData(stream, bytes);
  }

  aborted(_stream: QuicStream, errorCode: number): void {
    this.abortCodes.push(errorCode);
  }

  acknowledged(_stream: QuicStream, bytes: number): void {
    this.acknowledgedBytes.push(bytes);
  }

  closed(): void {
    this.closedCount++;
  }

  /** All bytes so far. */
  all(): Uint8Array {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

/** Writes down what happens to a connection; releases the slots that it is given. */
export class ConnectionRecorder implements QuicConnectionHandler {
  readonly pool: BufferPool;
  readonly datagrams: Uint8Array[] = [];
  readonly maxima: number[] = [];
  readonly streams: { stream: QuicStream; recorder: StreamRecorder }[] = [];
  readonly events: string[] = [];
  connection: QuicConnection | undefined;
  certificateSeen: PeerCertificate | undefined;
  reason: QuicCloseReason | undefined;
  decide: (certificate: PeerCertificate) => boolean = (c) => c.chainTrusted;
  refuseStreams = false;

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  connected(connection: QuicConnection): void {
    this.connection = connection;
    this.events.push("connected");
  }

  maxDatagram(_connection: QuicConnection, bytes: number): void {
    this.maxima.push(bytes);
  }

  datagram(_connection: QuicConnection, slot: Slot, offset: number, length: number): void {
    this.datagrams.push(this.pool.bytes.slice(offset, offset + length));
    this.pool.release(slot);
  }

  streamOpened(_connection: QuicConnection, stream: QuicStream): QuicStreamHandler | undefined {
    this.events.push("streamOpened");
    if (this.refuseStreams) return undefined;
    const recorder = new StreamRecorder();
    this.streams.push({ stream, recorder });
    return recorder;
  }

  certificate(_connection: QuicConnection, certificate: PeerCertificate): boolean {
    this.events.push("certificate");
    this.certificateSeen = certificate;
    return this.decide(certificate);
  }

  closing(): void {
    this.events.push("closing");
  }

  closed(_connection: QuicConnection, reason: QuicCloseReason): void {
    this.events.push("closed");
    this.reason = reason;
  }

  get isClosed(): boolean {
    return this.reason !== undefined;
  }
}

/** Sends one datagram alone, with the reference to its slot; false if it was not taken. */
export function sendNow(
  connection: QuicConnection,
  slot: Slot,
  offset: number,
  length: number,
  isAhead = false,
): boolean {
  return connection.batchDatagram(slot, offset, length, isAhead) && connection.sendBatch() === 0;
}

/** One reactor with one library. */
export class QuicHost {
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  readonly library: QuicLibrary;

  private constructor(source: string | Uint8Array<ArrayBuffer>, slots: number) {
    this.reactor = createReactor();
    this.pool = new BufferPool(slots);
    this.library = QuicLibrary.open(source, this.reactor, this.pool);
  }

  /** Each host has a library of its own, loaded from bytes. */
  static async open(slots = 4096): Promise<QuicHost> {
    return new QuicHost(await Deno.readFile(await msquicLibrary()), slots);
  }

  /** A host with another library, by its path. */
  static load(path: string, slots = 4096): QuicHost {
    return new QuicHost(path, slots);
  }

  server(files: ServerFiles, settings: Partial<QuicSettings> = {}): QuicConfiguration {
    const { certificateFile, privateKeyFile } = files;
    return this.library.openConfiguration({
      alpn: ALPN,
      credentials: { role: "server", certificateFile, privateKeyFile },
      settings: { peerStreamsMax: 1, ...settings },
    });
  }

  client(
    caFile: string | undefined,
    settings: Partial<QuicSettings> = {},
    alpn = ALPN,
  ): QuicConfiguration {
    const credentials = caFile === undefined
      ? { role: "client" as const }
      : { role: "client" as const, caFile };
    return this.library.openConfiguration({ alpn, credentials, settings });
  }

  /** Listens on a free port and records each connection. */
  listen(configuration: QuicConfiguration, host = "127.0.0.1") {
    const accepted: ConnectionRecorder[] = [];
    const remotes: QuicAddress[] = [];
    const serverNames: string[] = [];
    const listener = this.library.listen({
      configuration,
      host,
      port: 0,
      accept: (remote, serverName) => {
        remotes.push(remote);
        serverNames.push(serverName);
        const recorder = new ConnectionRecorder(this.pool);
        accepted.push(recorder);
        return recorder;
      },
    });
    return { listener, accepted, remotes, serverNames, port: portOf(listener) };
  }

  /** Connects with a recorder. */
  connect(
    configuration: QuicConfiguration,
    port: number,
    host = "127.0.0.1",
    serverName = SERVER_NAME,
  ) {
    const recorder = new ConnectionRecorder(this.pool);
    const address = parseAddress(host, port) as QuicAddress;
    const connection = this.library.connect(
      { configuration, address, serverName },
      recorder,
    );
    return { connection, recorder };
  }

  /** A slot with these bytes behind its headroom, to be sent from the returned offset. */
  slotWith(bytes: Uint8Array): { slot: Slot; offset: number } {
    const slot = this.pool.acquire();
    const offset = this.pool.offsetOf(slot) + HEADROOM_BYTES;
    this.pool.bytes.set(bytes, offset);
    return { slot, offset };
  }

  send(connection: QuicConnection, bytes: Uint8Array): boolean {
    const { slot, offset } = this.slotWith(bytes);
    return sendNow(connection, slot, offset, bytes.length);
  }

  close(): void {
    this.library.close();
    this.reactor.close();
  }
}

function portOf(listener: QuicListener): number {
  const address = listener.localAddress;
  if (address === undefined) throw new Error("the listener has no address");
  return address.port;
}

/** Runs the hosts' turns until a condition holds. */
export async function until(
  hosts: readonly QuicHost[],
  condition: () => boolean,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    for (const host of hosts) host.reactor.turn(hosts.length === 1 ? 2 : 1);
    if (performance.now() - startMs > timeoutMs) throw new Error(`did not happen: ${what}`);
    if (hosts[0].reactor.counters.turns % 64 === 0) await Promise.resolve();
  }
}

/** Runs the hosts' turns for a while. */
export async function pass(hosts: readonly QuicHost[], durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  await until(hosts, () => performance.now() >= endMs, "time", durationMs + 10_000);
}
