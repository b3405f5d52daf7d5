/**
 * One of several workers: a process that carries frames, started by the supervisor of `--reactors`, and
 * told by it over its standard input what to do (`messages.ts`).
 *
 * @module
 */
import { parseBase64Url } from "../../../control/base64url.ts";
import { dieWithParent, LineChannel } from "../../../system/process/mod.ts";
import type { QuicAddress } from "../../../quic/mod.ts";
import { type Arrival, LocalDirectory, type RoomDirectory } from "../../../relay/directory.ts";
import { KEY_SALT_BYTES } from "../../../relay/policy.ts";
import { WorkerDirectory } from "../../../relay/workers/directory.ts";
import { redirectHost } from "../../../relay/workers/redirect_host.ts";
import type { RelayView } from "../../../serve/relay_view.ts";
import { sha256 } from "../../../trust/sha256.ts";
import type { CertificateKeeper } from "../certificate_keeper.ts";
import { type Logger, loggerOf, logText } from "../../../log/logging.ts";
import {
  formatLine,
  parseLine,
  type WorkerJob,
  type WorkerOrder,
  type WorkerReport,
} from "./messages.ts";
import { RelayEngine, troubleOf } from "../engine.ts";
import { workerResetKey } from "../identity.ts";
import { certificateOf, type RelayProgramOptions, resetKeyOf } from "../options.ts";
import { policyOf } from "../policy.ts";
import { viewer } from "../status.ts";
import { UserError } from "../../../log/user_error.ts";

const STDIN_FD = 0;
const STDOUT_FD = 1;
/** Why a worker ends that its supervisor tells to; the supervisor has said why itself. */
const ASKED = "the supervisor wants it";

/**
 * Runs a worker until its supervisor ends it; resolves with the exit code.
 *
 * @param options the relay's, with the job's fields in their places
 */
export async function runWorker(options: RelayProgramOptions, job: WorkerJob): Promise<number> {
  if (!dieWithParent(job.supervisor)) return 1;
  let program: WorkerProgram;
  try {
    program = await WorkerProgram.open(options, job);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    sayFailure(error);
    return 1;
  }
  await program.run();
  return 0;
}

/** Tells the supervisor, who tells the administrator, why there will be no worker. */
export function sayFailure({ message, usage }: UserError): void {
  const line = formatLine({ type: "failed", message, usage });
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

/** Where rooms live, once all workers' ports are known; until then nobody is let in. */
class LateDirectory implements RoomDirectory {
  known: RoomDirectory | undefined;

  where(code: string, key: string, arrival: Arrival) {
    return this.known?.where(code, key, arrival) ?? "here";
  }
}

class WorkerProgram {
  readonly #logger: Logger = loggerOf("relay");
  readonly #channel: LineChannel;
  readonly #view: () => RelayView;
  #stopWhy: string | undefined;
  #aliveDueMs = -Infinity;
  readonly #options: RelayProgramOptions;
  readonly #job: WorkerJob;
  readonly #engine: RelayEngine;
  readonly #directory: LateDirectory;
  readonly #keeper: CertificateKeeper;

  private constructor(
    options: RelayProgramOptions,
    job: WorkerJob,
    engine: RelayEngine,
    directory: LateDirectory,
    keeper: CertificateKeeper,
  ) {
    this.#options = options;
    this.#job = job;
    this.#engine = engine;
    this.#directory = directory;
    this.#keeper = keeper;
    const { node, reactor, timeOriginMs, receiveBuffer } = engine;
    node.onBans = ({ made, gone }) => {
      if (made !== undefined) this.#say({ type: "banMade", ban: made });
      if (gone !== undefined) this.#say({ type: "bansGone", ids: gone });
    };
    const certificate = () => keeper.current;
    const { version } = options;
    this.#view = viewer({ node, reactor, timeOriginMs, version, certificate, receiveBuffer });
    this.#channel = new LineChannel(reactor, STDIN_FD, STDOUT_FD, {
      line: (text) => {
        const order = parseLine<WorkerOrder>(text);
        if (order !== undefined) this.#obey(order);
      },
      ended: () => this.#stop("the supervisor is gone"),
    });
    reactor.addTask({
      work: (nowMs) => (this.#sayAlive(nowMs), false),
      nextDeadlineMs: () => this.#aliveDueMs,
    });
  }

  /** @throws {UserError} for what the administrator can mend */
  static async open(options: RelayProgramOptions, job: WorkerJob): Promise<WorkerProgram> {
    const salt = parseBase64Url(job.roomSalt, KEY_SALT_BYTES);
    const certificate = await certificateOf(options, job.stateDir);
    const directory = new LateDirectory();
    const hosts = new RedirectHosts(options.publicHost);
    const engine = RelayEngine.open(options, {
      policy: policyOf(options, salt),
      directory,
      certificate,
      resetKey: workerResetKey(resetKeyOf(job.stateDir), job.worker),
      arrivalOf: (...way) => hosts.arrivalOf(...way),
    });
    engine.accepting = false;
    for (const room of job.locks) engine.core.admin.lock(room);
    if (job.draining) engine.core.drain();
    // Somebody else makes it: files that change are all that there is to see.
    const keeper = engine.keepCertificate(
      certificate,
      () => certificateOf(options, job.stateDir),
      () => false,
      // Once is enough.
      job.worker === 0 ? troubleOf : () => undefined,
    );
    return new WorkerProgram(options, job, engine, directory, keeper);
  }

  async run(): Promise<void> {
    const engine = this.#engine;
    // A terminal, or a service manager, signals the whole group; what it means says the supervisor.
    engine.reactor.onSignal(["SIGINT", "SIGTERM", "SIGHUP"], () => {});
    engine.endWhen(() => this.#stopWhy, (why) => {
      logText(this.#logger, why === ASKED ? "debug" : "info", `${why}: stopping`);
    });
    this.#say({
      type: "listening",
      ports: engine.listeners.map(({ localAddress }) => localAddress?.port ?? 0),
    });
    try {
      await engine.run();
    } finally {
      this.#channel.close();
      engine.close();
    }
  }

  #obey(order: WorkerOrder): void {
    const { core, reactor } = this.#engine;
    switch (order.type) {
      case "open":
        for (const ban of order.bans) core.admin.applyBan(ban, reactor.now());
        return this.#openDoors(order.ports);
      case "view":
        return this.#say({ type: "view", view: this.#view() });
      case "lock":
        return void core.admin.lock(order.room);
      case "unlock":
        return void core.admin.unlock(order.room);
      case "kick":
        core.admin.kick(order.room, order.peerId, order.removal, reactor.now());
        return reactor.wake();
      case "close":
        core.admin.closeRoom(order.room, order.reason, reactor.now());
        return reactor.wake();
      case "bans":
        for (const ban of order.bans) core.admin.applyBan(ban, reactor.now());
        return reactor.wake();
      case "unban":
        return core.admin.unban(order.ids, false);
      case "drain":
        core.drain();
        this.#aliveDueMs = -Infinity;
        return reactor.wake();
      case "reload":
        return this.#reload();
      case "stop":
        return this.#stop(ASKED);
    }
  }

  #openDoors(ports: readonly (readonly number[])[]): void {
    this.#directory.known = new WorkerDirectory({
      worker: this.#job.worker,
      ports,
      elsewhere: new LocalDirectory(this.#options.redirects),
      sha256,
      fingerprint: () => this.#keeper.current.fingerprint,
    });
    this.#engine.accepting = true;
  }

  #reload(): void {
    void this.#keeper.reload().then(() => this.#say({ type: "reloaded" }));
  }

  #stop(why: string): void {
    this.#stopWhy ??= why;
    this.#engine.reactor.wake();
  }

  #sayAlive(nowMs: number): void {
    if (nowMs < this.#aliveDueMs) return;
    this.#aliveDueMs = nowMs + this.#job.aliveIntervalMs;
    const { population, draining } = this.#engine.core;
    this.#say({ type: "alive", ...population, draining });
  }

  #say(report: WorkerReport): void {
    this.#channel.send(formatLine(report));
  }
}

/** By which host each endpoint is sent on. */
class RedirectHosts {
  #hasSaid = false;
  readonly #publicHost: string | undefined;

  constructor(publicHost: string | undefined) {
    this.#publicHost = publicHost;
  }

  arrivalOf(
    listener: number,
    local: QuicAddress,
    remote: QuicAddress,
    serverName: string,
  ): Arrival {
    const { guessed, ...found } = redirectHost({
      publicHost: this.#publicHost,
      localHost: local.host,
      remoteHost: remote.host,
      serverName,
    });
    if (guessed && !this.#hasSaid) {
      this.#hasSaid = true;
      logText(
        loggerOf("relay"),
        "info",
        `This machine is ${local.host} here and has another address outside: players look for the other reactors at the ` +
          "one that they have come by. Where those are elsewhere, --public-host says so",
        { address: local.host },
      );
    }
    return { listener, ...found };
  }
}
