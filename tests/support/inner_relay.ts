/**
 * The relay's core and shell inside the test's process, over real QUIC, with whatever bounds a test wants.
 * Each peer has a reactor of its own: one that is not turned is frozen.
 */
import { FrameLog } from "../../src/observe/frame_log.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { RelayCore } from "../../src/relay/core.ts";
import type { RelayOptions } from "../../src/relay/limits.ts";
import { loggerOf } from "../../src/log/logging.ts";
import { randomBytes } from "../../src/programs/common/random.ts";
import { RelayNode } from "../../src/programs/relay/node.ts";
import { encodeControl, writeDatagram } from "./deno_codec.ts";
import { helloOf } from "./deno_endpoint.ts";
import { CertificateFolder, QuicHost, StreamRecorder, until } from "../../tools/lab/quic.ts";
import type { QuicConnection } from "../../src/quic/mod.ts";

const SLOTS = 2_048;
const ENTRIES = 8_192;

/** A peer on msquic. */
export class InnerPeer {
  readonly #control: StreamRecorder;

  constructor(
    readonly host: QuicHost,
    readonly connection: QuicConnection,
    control: StreamRecorder,
  ) {
    this.#control = control;
  }

  /** Whether it has heard of its welcome. */
  get welcomed(): boolean {
    return new TextDecoder().decode(this.#control.all()).includes('"welcome"');
  }

  /** Sends a whole frame. */
  sendFrame(frame: Uint8Array): void {
    this.host.send(this.connection, writeDatagram({ sourcePeerId: 0, frame: frame.slice() }));
  }
}

/** See the module. */
export class InnerRelay implements AsyncDisposable {
  readonly #hosts: QuicHost[] = [];
  readonly #port: number;
  readonly #certificates: CertificateFolder;

  private constructor(
    readonly host: QuicHost,
    readonly core: RelayCore,
    readonly node: RelayNode,
    port: number,
    certificates: CertificateFolder,
  ) {
    this.#port = port;
    this.#certificates = certificates;
  }

  /** Listens on a free port. */
  static async open(options: Partial<RelayOptions> = {}): Promise<InnerRelay> {
    const certificates = await CertificateFolder.make();
    const host = await QuicHost.open(SLOTS);
    const core = new RelayCore(options, {
      pool: host.pool,
      arena: new QueueArena(ENTRIES),
      random: randomBytes,
      frameLog: new FrameLog(),
    });
    const node = new RelayNode(core, host.reactor, host.pool, loggerOf("relay"));
    const listener = host.library.listen({
      configuration: host.server(await certificates.issue()),
      host: "127.0.0.1",
      port: 0,
      accept: (remote) => node.accept(remote),
    });
    return new InnerRelay(host, core, node, listener.localAddress!.port, certificates);
  }

  /** Joins a client; its handle at the relay is the number of those before it. */
  async join(mac: string, datagramBudget = 1_400): Promise<InnerPeer> {
    const host = await QuicHost.open(SLOTS);
    this.#hosts.push(host);
    const { connection, recorder } = host.connect(
      host.client(this.#certificates.caFile),
      this.#port,
    );
    const hosts = [this.host, ...this.#hosts];
    await until(hosts, () => recorder.connection !== undefined, "the handshake");
    const control = new StreamRecorder();
    connection.openStream(control).send(
      encodeControl(helloOf({ room: "INNER", mac, datagramBudget })),
    );
    const peer = new InnerPeer(host, connection, control);
    await until(hosts, () => peer.welcomed, "the welcome");
    return peer;
  }

  /** How often frames were dropped for a reason, by core and shell. */
  dropsOf(code: number): number {
    return this.core.counters.drops[code] + this.node.counters.drops[code];
  }

  /** Turns the relay and these peers until a condition holds; the others are frozen. */
  async turnWith(peers: readonly InnerPeer[], until_: () => boolean, what: string): Promise<void> {
    await until([this.host, ...peers.map(({ host }) => host)], until_, what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of [...this.#hosts, this.host]) host.close();
    await this.#certificates.remove();
  }
}
