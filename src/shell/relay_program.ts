/** `lanparty-relay`: puts the parts together and runs them until a signal ends it. */
import { formatEndpointAddress, parseListen } from "../ctrl/address.ts";
import { QuicError, type QuicListener, QuicStatus } from "../quic/mod.ts";
import type { QuicLibrary } from "../quic/mod.ts";
import { BufferPool } from "../queue/buffer_pool.ts";
import { QueueArena } from "../queue/fair_queue.ts";
import { createReactor, type Reactor } from "../reactor/mod.ts";
import { RelayCore } from "../relay/core.ts";
import { LocalDirectory, type RedirectTarget } from "../relay/directory.ts";
import type { RelayOptions } from "../relay/limits.ts";
import { ALPN } from "./alpn.ts";
import { CertificateKeeper, stampOfFiles } from "./certificate_keeper.ts";
import { type FrameLogBounds, FrameLogFile } from "./frame_log_file.ts";
import { limitHandshakeMemory } from "./handshake_memory.ts";
import { hasAddress } from "./interface_addresses.ts";
import { loggerOf, logText } from "./logging.ts";
import { openQuicLibrary } from "./native_library.ts";
import { randomBytes } from "./random.ts";
import {
  isRenewalDue,
  readCertificate,
  type RelayCertificate,
  selfSignedCertificate,
  statelessResetKey,
} from "./relay_identity.ts";
import { RelayNode } from "./relay_node.ts";
import { policyOf, type PolicyOptions } from "./relay_policy.ts";
import { type RelayParts, serveStatus } from "./relay_status.ts";
import { serveControl } from "./relay_control.ts";
import { openReporter } from "./service_reporter.ts";
import { openStateDir } from "./state_dir.ts";
import { systemFailure, UserError } from "./user_error.ts";

/** Slots of the relay's pool: 64 MiB, touched only as far as they are used. */
const POOL_SLOTS = 32_768;
/** Entries of all queues. */
const QUEUE_ENTRIES = 65_536;
/** One control stream per endpoint; one more, so that a second one can be answered. */
const PEER_STREAMS_MAX = 2;
/** When endpoints are to come back after a restart. */
const RESTART_RETRY_MS = 1_000;
/** How long connections may take to end before the process does. */
const SHUTDOWN_MAX_MS = 1_500;

/** What the relay's command line says. */
export interface RelayProgramOptions extends PolicyOptions {
  readonly listen: readonly string[];
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly certificateNames: readonly string[];
  readonly derOutFile: string | undefined;
  readonly stateDir: string | undefined;
  readonly limits: Partial<RelayOptions>;
  readonly allowRouterAdvertisements: boolean;
  readonly redirects: readonly (readonly [string, RedirectTarget])[];
  readonly frameLogFile: string | undefined;
  readonly frameLogBounds: FrameLogBounds;
  /** Where the status pages are served; undefined: nowhere. */
  readonly status: string | undefined;
  /** The program's. */
  readonly version: string;
}

/**
 * Runs a relay until SIGINT or SIGTERM; resolves with the exit code.
 *
 * @throws {UserError} for what the administrator can mend
 */
export async function runRelay(options: RelayProgramOptions): Promise<number> {
  const logger = loggerOf("relay");
  const policy = policyOf(options);
  const stateDir = openStateDir("relay", options.stateDir);
  const certificate = await certificateOf(options, stateDir);
  if (options.derOutFile !== undefined) {
    writeUserFile("--dev-cert-der-out", options.derOutFile, certificate.leafDer);
  }
  const reactor = createReactor();
  const pool = new BufferPool(POOL_SLOTS);
  const timeOriginMs = Date.now() - reactor.now();
  const { frameLogFile, frameLogBounds } = options;
  const frameLog = FrameLogFile.open(frameLogFile, timeOriginMs, frameLogBounds);
  const library = openQuicLibrary(reactor, pool);
  library.setStatelessResetKey(resetKeyOf(stateDir));
  limitHandshakeMemory(library);
  const core = new RelayCore({
    ...options.limits,
    policy,
    allowRouterAdvertisements: options.allowRouterAdvertisements,
    directory: new LocalDirectory(options.redirects),
  }, {
    pool,
    arena: new QueueArena(QUEUE_ENTRIES),
    random: randomBytes,
    frameLog: frameLog.log,
    timeOriginMs,
  });
  const node = new RelayNode(core, reactor, pool, logger);
  const listeners = listenOn(options.listen, library, certificate, node);
  for (const listener of listeners) {
    const address = listener.localAddress;
    logText(logger, "info", "listening", { address: address && formatEndpointAddress(address) });
  }
  const keeper = keepCertificate(options, stateDir, reactor, certificate, (renewed) => {
    exchangeCertificate(options, library, listeners, renewed);
  });
  const reporter = openReporter(core, logger);
  reactor.addWorker(reporter);
  reactor.onSignal(["SIGHUP"], () => {
    reporter.reloading();
    void keeper.reload().then(() => reporter.ready());
  });
  endOnSignal(reactor, node, listeners, (why) => {
    logText(logger, "info", `${why}: stopping`);
    reporter.stopping();
  });
  // From here on signals are heard: whoever waits for this line may send one.
  logText(logger, "info", certificate.created ? "certificate made" : "certificate in use", {
    fingerprint: certificate.fingerprint,
  });
  reactor.addWorker({
    work: (nowMs) => (frameLog.work(nowMs), false),
    nextDeadlineMs: () => frameLog.work(-Infinity),
  });
  const { version } = options;
  const parts = { node, reactor, version, timeOriginMs };
  const closeServers = serveAdministrator(options, stateDir, parts);
  reporter.ready();
  try {
    await reactor.run();
  } finally {
    closeServers();
    library.close();
    reactor.close();
    frameLog.close();
  }
  return 0;
}

/**
 * Looks at options as a start would, and changes nothing.
 *
 * @throws {UserError} what is wrong with them
 */
export function checkRelay(options: RelayProgramOptions): void {
  policyOf(options);
  givenCertificate(options);
}

/** The certificate that the options name, if they name one. */
function givenCertificate(options: RelayProgramOptions): RelayCertificate | undefined {
  const { certificateFile, keyFile } = options;
  if (certificateFile !== undefined && keyFile !== undefined) {
    return readCertificate(certificateFile, keyFile);
  }
  if (certificateFile !== undefined || keyFile !== undefined) {
    throw new UserError("--cert and --key belong together: give both or none", { usage: true });
  }
  return undefined;
}

async function certificateOf(
  options: RelayProgramOptions,
  stateDir: string,
): Promise<RelayCertificate> {
  const given = givenCertificate(options);
  if (given !== undefined) return given;
  try {
    return await selfSignedCertificate(stateDir, options.certificateNames, Date.now());
  } catch (cause) {
    throw systemFailure(`the state folder ${stateDir} cannot be used`, cause);
  }
}

function resetKeyOf(stateDir: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(statelessResetKey(stateDir, randomBytes));
  } catch (cause) {
    throw systemFailure(`the state folder ${stateDir} cannot be used`, cause);
  }
}

function listenOn(
  listen: readonly string[],
  library: QuicLibrary,
  certificate: RelayCertificate,
  node: RelayNode,
): QuicListener[] {
  const configuration = openServerConfiguration(library, certificate);
  return listen.map((text) => {
    const address = parseListen(text);
    if (address === undefined) throw new UserError(`--listen ${text}: no address`, { usage: true });
    // msquic binds to all addresses and compares later: it would never tell.
    if (address.address !== undefined && !hasAddress(address.address)) {
      throw new UserError(`cannot listen on ${text}: this machine has no such address`);
    }
    try {
      return library.listen({
        configuration,
        ...(address.address === undefined ? {} : { host: address.address }),
        port: address.port,
        accept: (remote) => node.accept(remote),
      });
    } catch (cause) {
      throw listenError(text, cause);
    }
  });
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

/** Serves the status pages and the administrator's socket; returns a function that ends both. */
function serveAdministrator(
  options: RelayProgramOptions,
  stateDir: string,
  parts: RelayParts,
): () => void {
  const logger = loggerOf("relay");
  const status = options.status === undefined
    ? undefined
    : serveStatus(options.status, parts, logger);
  const control = serveControl(stateDir, parts, logger);
  return () => {
    status?.close();
    control.close();
  };
}

/** Has the certificate in use renewed or read anew when it is time. */
function keepCertificate(
  options: RelayProgramOptions,
  stateDir: string,
  reactor: Reactor,
  certificate: RelayCertificate,
  use: (renewed: RelayCertificate) => void,
): CertificateKeeper {
  const logger = loggerOf("relay");
  const keeper = new CertificateKeeper(
    {
      load: () => certificateOf(options, stateDir),
      use,
      isRenewalDue: (own) => options.certificateFile === undefined && isRenewalDue(own, Date.now()),
      stamp: stampOfFiles,
      note: (level, message, fields) => logText(logger, level, message, fields),
    },
    certificate,
    reactor.now(),
  );
  reactor.addWorker(keeper);
  return keeper;
}

/** New connections get this certificate; those that are open keep theirs. */
function exchangeCertificate(
  options: RelayProgramOptions,
  library: QuicLibrary,
  listeners: readonly QuicListener[],
  certificate: RelayCertificate,
): void {
  const configuration = openServerConfiguration(library, certificate);
  const before = listeners.map((listener) => listener.useConfiguration(configuration));
  for (const old of new Set(before)) old.close();
  if (options.derOutFile !== undefined) {
    writeUserFile("--dev-cert-der-out", options.derOutFile, certificate.leafDer);
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

/**
 * On the first signal, or when a drained relay is empty, everybody is told; on the second, or when time is
 * up, the process ends.
 */
function endOnSignal(
  reactor: Reactor,
  node: RelayNode,
  listeners: readonly QuicListener[],
  note: (why: string) => void,
): void {
  let deadlineMs = Infinity;
  const begin = (why: string) => {
    note(why);
    deadlineMs = reactor.now() + SHUTDOWN_MAX_MS;
    for (const listener of listeners) listener.close();
    node.shutDown(RESTART_RETRY_MS);
  };
  reactor.onSignal(["SIGINT", "SIGTERM"], (signal) => {
    if (deadlineMs === Infinity) begin(signal);
    else reactor.stop();
  });
  reactor.addWorker({
    work: (nowMs) => {
      const isDrained = node.core.draining && node.core.population.peers === 0;
      if (isDrained && deadlineMs === Infinity) begin("drained");
      if (nowMs >= deadlineMs || (deadlineMs !== Infinity && node.core.stopped)) reactor.stop();
      return false;
    },
    nextDeadlineMs: () => deadlineMs,
  });
}

function writeUserFile(option: string, path: string, bytes: Uint8Array): void {
  try {
    Deno.writeFileSync(path, bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`${option} ${path} cannot be written: ${why}`, { cause });
  }
}
