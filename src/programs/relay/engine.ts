/**
 * What carries the frames in a relay's process, be it the only one or one of several workers.
 *
 * @module
 */
import { formatEndpointAddress } from "../../control/address.ts";
import type { QuicAddress, QuicLibrary, QuicListener } from "../../quic/mod.ts";
import { QuicError, QuicStatus } from "../../quic/mod.ts";
import { BufferPool } from "../../queue/buffer_pool.ts";
import { QueueArena } from "../../queue/queue_arena.ts";
import { createReactor, type Reactor, type TerminationSignal } from "../../reactor/mod.ts";
import { RelayCore } from "../../relay/core.ts";
import type { Arrival, RoomDirectory } from "../../relay/directory.ts";
import type { RelayOptions } from "../../relay/limits.ts";
import { formatListen } from "../../relay/workers/plan.ts";
import { ALPN } from "../common/alpn.ts";
import { CertificateKeeper, stampOfFiles } from "./certificate_keeper.ts";
import { FrameLogFile } from "../common/frame_log_file.ts";
import { limitHandshakeMemory } from "./handshake_memory.ts";
import { hasAddress } from "../common/interface_addresses.ts";
import { type Logger, loggerOf, logText } from "../../log/logging.ts";
import { openQuicLibrary } from "../common/native_library.ts";
import { randomBytes } from "../common/random.ts";
import { rehearse } from "../common/rehearsal.ts";
import { ReceiveBufferTask } from "../common/receive_buffer.ts";
import type { RelayCertificate } from "./identity.ts";
import { RelayNode } from "./node.ts";
import { RelayRehearsal } from "./rehearsal.ts";
import type { RelayProgramOptions } from "./options.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";
import { certificateFinding } from "../../observe/certificate_dates.ts";
import { sentenceLine } from "../../observe/sentences.ts";

/** Slots of the relay's pool: 64 MiB, touched only as far as they are used. */
const POOL_SLOTS = 32_768;
/** Entries of all queues. */
const QUEUE_ENTRIES = 65_536;
//= PROTOCOL.md 3
//# | streams | the endpoint opens one bidirectional stream and no other; a second one is a protocol
//# error (section 4).
/** One control stream per endpoint; one more, so that a second one can be answered. */
const PEER_STREAMS_MAX = 2;
/** When endpoints are to come back after a restart. */
const RESTART_RETRY_MS = 1_000;
/** How long connections may take to end before the process does. */
const SHUTDOWN_MAX_MS = 1_500;

/** What an engine is given beside the options. */
export interface EngineParts {
  readonly policy: RelayOptions["policy"];
  readonly directory: RoomDirectory;
  readonly certificate: RelayCertificate;
  /** The key of stateless resets, of this engine alone. */
  readonly resetKey: Uint8Array<ArrayBuffer>;
  /** How a connection has come, where the directory asks for it. */
  readonly arrivalOf?: (
    listener: number,
    local: QuicAddress,
    remote: QuicAddress,
    serverName: string,
  ) => Arrival;
}

/** See the module. */
export class RelayEngine {
  readonly core: RelayCore;
  readonly node: RelayNode;
  readonly listeners: readonly QuicListener[];
  /** Whether datagrams were lost unread. */
  readonly receiveBuffer: ReceiveBufferTask;
  /** Wall clock minus the reactor's, ms. */
  readonly timeOriginMs: number;
  /** Whether handshakes are answered. */
  accepting = true;
  readonly #library: QuicLibrary;
  readonly #frameLog: FrameLogFile;
  readonly #logger: Logger = loggerOf("relay");
  readonly #options: RelayProgramOptions;

  /**
   * Listens as the options say.
   *
   * @throws {UserError} for what the administrator can mend
   */
  constructor(
    options: RelayProgramOptions,
    readonly reactor: Reactor,
    parts: EngineParts,
  ) {
    this.#options = options;
    const pool = new BufferPool(POOL_SLOTS);
    this.timeOriginMs = Date.now() - reactor.now();
    const { frameLogFile, frameLogBounds } = options;
    this.#frameLog = FrameLogFile.open(frameLogFile, this.timeOriginMs, frameLogBounds);
    this.#library = openQuicLibrary(reactor, pool);
    this.#library.setStatelessResetKey(parts.resetKey);
    limitHandshakeMemory(this.#library);
    this.core = new RelayCore({
      ...options.limits,
      policy: parts.policy,
      allowRouterAdvertisements: options.allowRouterAdvertisements,
      allowVlan: options.allowVlan,
      directory: parts.directory,
    }, {
      pool,
      arena: new QueueArena(QUEUE_ENTRIES),
      random: randomBytes,
      frameLog: this.#frameLog.log,
      timeOriginMs: this.timeOriginMs,
    });
    this.node = new RelayNode(this.core, reactor, pool, this.#logger);
    this.listeners = this.#listen(parts);
    this.receiveBuffer = new ReceiveBufferTask(this.#logger, reactor.now());
    reactor.addTask(this.receiveBuffer);
    reactor.addTask({
      work: (nowMs) => (this.#frameLog.work(nowMs), false),
      nextDeadlineMs: () => this.#frameLog.work(-Infinity),
    });
    rehearse(reactor, () => new RelayRehearsal());
  }

  /** An engine with a reactor of its own. */
  static open(options: RelayProgramOptions, parts: EngineParts): RelayEngine {
    return new RelayEngine(options, createReactor(), parts);
  }

  /** What it listens on, for people. */
  get addresses(): string[] {
    return this.listeners.map(({ localAddress }) =>
      localAddress === undefined ? "" : formatEndpointAddress(localAddress)
    );
  }

  /**
   * Has the certificate in use read anew, or made anew by `load` when it is time.
   *
   * @param isRenewalDue never, for one that somebody else makes
   * @param troubleWith what is wrong with its dates; nothing, where somebody else says it
   */
  keepCertificate(
    certificate: RelayCertificate,
    load: () => Promise<RelayCertificate>,
    isRenewalDue: (own: RelayCertificate) => boolean,
    troubleWith: (own: RelayCertificate) => string | undefined = troubleOf,
  ): CertificateKeeper {
    const keeper = new CertificateKeeper(
      {
        load,
        use: (renewed) => this.#exchangeCertificate(renewed),
        isRenewalDue,
        troubleWith,
        stamp: stampOfFiles,
        note: (level, message, fields) => logText(this.#logger, level, message, fields),
      },
      certificate,
      this.reactor.now(),
    );
    this.reactor.addTask(keeper);
    return keeper;
  }

  /**
   * When a signal comes, or `isOver` says why, everybody is told; at a second signal, or when time is up,
   * `run` is over.
   *
   * @param signals none, where a supervisor is told instead
   */
  endWhen(
    isOver: () => string | undefined,
    note: (why: string) => void,
    signals: readonly TerminationSignal[] = [],
  ): void {
    const { reactor, node } = this;
    let deadlineMs = Infinity;
    const begin = (why: string) => {
      note(why);
      deadlineMs = reactor.now() + SHUTDOWN_MAX_MS;
      for (const listener of this.listeners) listener.close();
      node.shutDown(RESTART_RETRY_MS);
    };
    reactor.onSignal(signals, (signal) => {
      if (deadlineMs === Infinity) begin(signal);
      else reactor.stop();
    });
    reactor.addTask({
      work: (nowMs) => {
        const why = deadlineMs === Infinity ? isOver() : undefined;
        if (why !== undefined) begin(why);
        if (nowMs >= deadlineMs || (deadlineMs !== Infinity && node.core.stopped)) reactor.stop();
        return false;
      },
      nextDeadlineMs: () => deadlineMs,
    });
  }

  /** Runs until it was ended. */
  run(): Promise<void> {
    return this.reactor.run();
  }

  /** Releases everything. Only when not running. */
  close(): void {
    this.#library.close();
    this.reactor.close();
    this.#frameLog.close();
  }

  #listen({ certificate, arrivalOf }: EngineParts): QuicListener[] {
    const configuration = openServerConfiguration(this.#library, certificate);
    return this.#options.listen.map((listen, index) => {
      const { address, port } = listen;
      // msquic binds to all addresses and compares later: it would never tell.
      if (address !== undefined && !hasAddress(address)) {
        throw new UserError(
          `cannot listen on ${formatListen(listen)}: this machine has no such address`,
        );
      }
      try {
        return this.#library.listen({
          configuration,
          ...(address === undefined ? {} : { host: address }),
          port,
          accept: (remote, serverName, local) =>
            this.accepting
              ? this.node.accept(remote, arrivalOf?.(index, local, remote, serverName))
              : undefined,
        });
      } catch (cause) {
        throw listenError(formatListen(listen), cause);
      }
    });
  }

  /** New connections get this certificate; those that are open keep theirs. */
  #exchangeCertificate(certificate: RelayCertificate): void {
    const configuration = openServerConfiguration(this.#library, certificate);
    const before = this.listeners.map((listener) => listener.useConfiguration(configuration));
    for (const old of new Set(before)) old.close();
    writeCertificate(this.#options, certificate);
  }
}

/** Writes the certificate where `--dev-cert-der-out` wants it. @throws {UserError} */
export function writeCertificate(
  { derOutFile }: Pick<RelayProgramOptions, "derOutFile">,
  { leafDer }: RelayCertificate,
): void {
  if (derOutFile === undefined) return;
  try {
    Deno.writeFileSync(derOutFile, leafDer);
  } catch (cause) {
    const why = reasonOf(cause);
    throw new UserError(`--dev-cert-der-out ${derOutFile} cannot be written: ${why}`, { cause });
  }
}

/** What is wrong with a certificate's dates now. */
export function troubleOf(certificate: RelayCertificate): string | undefined {
  const { certificateFile, validity } = certificate;
  const finding = certificateFinding(certificateFile, validity, Date.now());
  return finding === undefined ? undefined : sentenceLine(finding);
}

function openServerConfiguration(library: QuicLibrary, certificate: RelayCertificate) {
  const { certificateFile, keyFile } = certificate;
  try {
    return library.openConfiguration({
      alpn: ALPN,
      credentials: { role: "server", certificateFile, privateKeyFile: keyFile },
      settings: { peerStreamsMax: PEER_STREAMS_MAX },
    });
  } catch (cause) {
    if (!(cause instanceof QuicError)) throw cause;
    throw new UserError(
      `the certificate ${certificateFile} and the key ${keyFile} cannot be used together`,
      { cause },
    );
  }
}

function listenError(text: string, cause: unknown): unknown {
  if (!(cause instanceof QuicError)) return cause;
  const EACCES = 13;
  const why = cause.status === QuicStatus.ADDRESS_IN_USE
    ? "another program uses this port"
    : cause.status === QuicStatus.ALPN_IN_USE
    ? "it is given twice"
    : cause.status === EACCES
    ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
    : cause.message;
  return new UserError(`cannot listen on ${text}: ${why}`, { cause });
}
