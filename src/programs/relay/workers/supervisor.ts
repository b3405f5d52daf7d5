/**
 * `lanparty-relay --reactors N`: a supervisor and N workers, processes of this same program.
 *
 * ```
 *                      ┌────────────── supervisor ──────────────┐
 *  systemd, signals ──►│ certificate, status pages, ctl socket  │
 *                      └──┬───────────────┬───────────────┬─────┘
 *           orders and reports over pipes │               │
 *                      ┌──┴────────┐ ┌────┴──────┐ ┌──────┴────┐
 *                      │ worker 0  │ │ worker 1  │ │ worker 2  │
 *                      └── :443 ───┘ └── :444 ───┘ └── :445 ───┘
 *  endpoint ── hello ────►  redirect ─── hello ───►  the room's owner
 * ```
 *
 * No frame passes the supervisor, so it runs on the runtime's own loop.
 *
 * @module
 */
import { base64Url } from "../../../control/base64url.ts";
import type { ListenAddress } from "../../../control/address.ts";
import { RoomLocks } from "../../../relay/locks.ts";
import { formatListen } from "../../../relay/workers/plan.ts";
import {
  type Failure,
  Supervision,
  type SupervisionAction,
} from "../../../relay/workers/supervision.ts";
import { answerQuestion, type ControlAnswer } from "../../../serve/control.ts";
import { mergeViews } from "../../../serve/merged_view.ts";
import type { RelayView, RoomView } from "../../../serve/relay_view.ts";
import { CertificateKeeper, stampOfFiles } from "../certificate_keeper.ts";
import { type Logger, loggerOf, logText } from "../../../log/logging.ts";
import type { WorkerJob, WorkerOrder, WorkerReport } from "./messages.ts";
import { WorkerProcess } from "./process.ts";
import { WorkerViews } from "./views.ts";
import { serveControl } from "../../common/control_service.ts";
import { removalBy, withTrouble } from "../control.ts";
import { writeCertificate } from "../engine.ts";
import { isRenewalDue, type RelayCertificate, roomSalt } from "../identity.ts";
import { certificateOf, type RelayProgramOptions, resetKeyOf } from "../options.ts";
import { requirePolicy, sayFirst } from "../policy.ts";
import { openStatus, viewOfCertificate } from "../status.ts";
import { formatPopulation, openReporter, type ServiceReporter } from "../service_reporter.ts";
import { openStateDir } from "../../common/state_dir.ts";
import { SupervisorBans } from "./bans.ts";
import { reasonOf, UserError } from "../../../log/user_error.ts";

/** How often each worker says that it lives, if the service manager does not want to hear more often. */
const ALIVE_INTERVAL_MS = 1_000;
/** Reports that fit between two signs of life for the service manager. */
const ALIVE_DIVISOR = 3;
/** After such a silence a worker is stuck; half of the manager's patience, between these. */
const SILENCE_MIN_MS = 2_000;
const SILENCE_MAX_MS = 10_000;
/** How long a reload of all may take until the service manager hears that it is over. */
const RELOAD_MAX_MS = 10_000;

/**
 * Runs the workers until SIGINT or SIGTERM; resolves with the exit code.
 *
 * @param listen what each of them listens on
 * @throws {UserError} for what the administrator can mend
 */
export async function superviseWorkers(
  options: RelayProgramOptions,
  listen: readonly (readonly ListenAddress[])[],
): Promise<number> {
  if (!Deno.build.standalone) throw new UserError("--reactors needs the compiled program");
  requirePolicy(options);
  const stateDir = openStateDir("relay", options.stateDir);
  const certificate = await certificateOf(options, stateDir);
  writeCertificate(options, certificate);
  sayFirst(options, certificate, loggerOf("relay"));
  const failure = await new RelaySupervisor(options, listen, stateDir, certificate).run();
  if (failure === undefined) return 0;
  throw new UserError(failure.message, { usage: failure.usage });
}

class RelaySupervisor {
  readonly #logger: Logger = loggerOf("relay");
  /** As found at the start: the file may be exchanged later, and with it what the system calls it. */
  readonly #executable = Deno.execPath();
  readonly #processes: (WorkerProcess | undefined)[] = [];
  /** What each listens on; a port that the system has chosen stays. */
  readonly #listen: (readonly ListenAddress[])[];
  /** Of each worker and listener. */
  readonly #ports: (readonly number[])[];
  readonly #locks = new RoomLocks();
  readonly #bans: SupervisorBans;
  readonly #views: WorkerViews;
  readonly #reporter: ServiceReporter;
  readonly #core: Supervision;
  readonly #keeper: CertificateKeeper | undefined;
  readonly #roomSalt: string;
  readonly #startedMs = performance.now();
  readonly #over = Promise.withResolvers<Failure | undefined>();
  /** Workers that have not read their files anew yet, and what is done when all have. */
  readonly #reloading = new Set<number>();
  #reloaded: (() => void) | undefined;
  /** Whether endpoints are let in. */
  #opened = false;
  #draining = false;
  #stopping = false;
  #timer: number | undefined;
  readonly #options: RelayProgramOptions;
  readonly #stateDir: string;
  readonly #certificate: RelayCertificate;

  constructor(
    options: RelayProgramOptions,
    listen: readonly (readonly ListenAddress[])[],
    stateDir: string,
    certificate: RelayCertificate,
  ) {
    this.#options = options;
    this.#stateDir = stateDir;
    this.#certificate = certificate;
    const workers = options.reactors;
    this.#listen = [...listen];
    this.#ports = listen.map(() => []);
    this.#roomSalt = base64Url(roomSalt(resetKeyOf(stateDir)));
    this.#bans = new SupervisorBans(stateDir, this.#logger, (order) => this.#tellAll(order));
    this.#views = new WorkerViews(
      workers,
      (worker) => this.#tell(worker, { type: "view" }),
    );
    this.#reporter = openReporter(() => this.#status(), this.#logger, () => this.#core.healthy);
    const patienceMs = this.#reporter.watchdogIntervalMs / 2;
    this.#core = new Supervision(
      workers,
      Math.min(SILENCE_MAX_MS, Math.max(SILENCE_MIN_MS, patienceMs)),
    );
    this.#keeper = options.certificateFile === undefined ? this.#keepOwnCertificate() : undefined;
  }

  /** Why it could not start; undefined: it was ended. */
  async run(): Promise<Failure | undefined> {
    const options = this.#options;
    const logger = this.#logger;
    const source = { now: () => performance.now(), view: () => this.#view() };
    const status = options.status === undefined
      ? undefined
      : openStatus(options.status, source, () => this.#views.collect(), logger);
    const control = serveControl(this.#stateDir, "relay", (words) => this.#answer(words), logger);
    const onStop = (signal: Deno.Signal) => () => {
      if (!this.#stopping) logText(logger, "info", `${signal}: stopping`);
      this.#core.handleStop(performance.now());
      this.#turn();
    };
    const listeners: [Deno.Signal, () => void][] = [
      ["SIGINT", onStop("SIGINT")],
      ["SIGTERM", onStop("SIGTERM")],
      ["SIGHUP", () => void this.#reload()],
    ];
    for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
    this.#core.start(performance.now());
    this.#turn();
    try {
      return await this.#over.promise;
    } finally {
      clearTimeout(this.#timer);
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
      status?.close();
      control.close();
      await this.#bans.written();
    }
  }

  /** One line of how things are. */
  #status(): string {
    const down = [...this.#ports.keys()].filter((worker) =>
      this.#core.worker(worker).state !== "running"
    );
    const trouble = down.map((worker) => `; reactor ${worker} is down`).join("");
    return formatPopulation(this.#core.population) + trouble;
  }

  /** Does what is due, and what the core wants. */
  #turn(): void {
    const nowMs = performance.now();
    this.#core.handleTimer(nowMs);
    for (;;) {
      const actions = this.#core.drainActions();
      if (actions.length === 0) break;
      for (const action of actions) this.#carryOut(action);
    }
    this.#reporter.work(nowMs);
    this.#keeper?.work(nowMs);
    const dueMs = Math.min(
      this.#core.nextDeadlineMs(),
      this.#reporter.nextDeadlineMs(),
      this.#keeper?.nextDeadlineMs() ?? Infinity,
    );
    clearTimeout(this.#timer);
    if (dueMs !== Infinity) {
      this.#timer = setTimeout(() => this.#turn(), Math.max(0, dueMs - nowMs));
    }
  }

  #carryOut(action: SupervisionAction): void {
    switch (action.type) {
      case "start":
        return this.#start(action.worker);
      case "kill":
        return this.#processes[action.worker]?.kill();
      case "stop":
        if (!this.#stopping) this.#reporter.stopping();
        this.#stopping = true;
        this.#tell(action.worker, { type: "stop" });
        return;
      case "ready":
        return this.#open();
      case "restored":
        this.#noteListening(action.worker);
        this.#tell(action.worker, this.#openOrder());
        return;
      case "note":
        return logText(this.#logger, action.level, action.message, { ...action.fields });
      case "end":
        return this.#over.resolve(action.failure);
    }
  }

  #start(worker: number): void {
    try {
      this.#processes[worker] = new WorkerProcess(this.#executable, this.#jobOf(worker), {
        report: (report) => this.#handleReport(worker, report),
        exited: (how) => this.#handleExited(worker, how),
      });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#core.handleExited(worker, reasonOf(error), performance.now());
    }
  }

  #jobOf(worker: number): WorkerJob {
    const options = this.#options;
    const certificate = this.#certificate;
    const { frameLogFile } = options;
    return {
      type: "job",
      version: options.version,
      supervisor: Deno.pid,
      worker,
      options: options.texts,
      listen: this.#listen[worker],
      certificateFile: certificate.certificateFile,
      keyFile: certificate.keyFile,
      ...(worker > 0 || options.derOutFile === undefined ? {} : { derOutFile: options.derOutFile }),
      stateDir: this.#stateDir,
      ...(frameLogFile === undefined ? {} : { frameLogFile: `${frameLogFile}.reactor${worker}` }),
      roomSalt: this.#roomSalt,
      aliveIntervalMs: Math.min(
        ALIVE_INTERVAL_MS,
        this.#reporter.watchdogIntervalMs / ALIVE_DIVISOR,
      ),
      locks: this.#locks.values(),
      draining: this.#draining,
    };
  }

  #handleReport(worker: number, report: WorkerReport): void {
    switch (report.type) {
      case "listening":
        this.#ports[worker] = report.ports;
        this.#listen[worker] = this.#listen[worker].map((address, index) => ({
          ...address,
          port: report.ports[index],
        }));
        this.#core.handleListening(worker);
        break;
      case "failed":
        this.#core.handleFailed(worker, report);
        break;
      case "alive":
        this.#core.handleAlive(worker, report, performance.now());
        break;
      case "view":
        return this.#views.handleView(worker, report.view);
      case "banMade":
        return this.#bans.handleMade(report.ban);
      case "bansGone":
        return this.#bans.handleGone(report.ids);
      case "reloaded":
        return this.#handleReloaded(worker);
    }
    this.#turn();
  }

  #handleExited(worker: number, how: string): void {
    this.#processes[worker] = undefined;
    this.#views.handleGone(worker);
    this.#handleReloaded(worker);
    this.#core.handleExited(worker, how, performance.now());
    this.#turn();
  }

  /** All listen: from here on endpoints are let in. */
  #open(): void {
    for (const worker of this.#ports.keys()) this.#noteListening(worker);
    this.#tellAll(this.#openOrder());
    // As with one process: whoever waits for this line may send a signal.
    const { created, fingerprint } = this.#certificate;
    const message = created ? "Certificate made" : "Certificate in use";
    logText(this.#logger, "info", message, { fingerprint });
    this.#opened = true;
    this.#reporter.ready();
  }

  #openOrder(): WorkerOrder {
    return { type: "open", ports: this.#ports, bans: this.#bans.values() };
  }

  #noteListening(worker: number): void {
    for (const address of this.#listen[worker]) {
      logText(this.#logger, "info", "Listening", {
        address: formatListen(address),
        reactor: worker,
      });
    }
  }

  #tell(worker: number, order: WorkerOrder): boolean {
    this.#processes[worker]?.tell(order);
    return this.#processes[worker] !== undefined;
  }

  #tellAll(order: WorkerOrder): void {
    for (const worker of this.#ports.keys()) this.#tell(worker, order);
  }

  #view(): RelayView {
    const { version } = this.#options;
    const nowMs = performance.now();
    return mergeViews(
      {
        version,
        unixMs: Date.now(),
        uptimeMs: Math.round(nowMs - this.#startedMs),
        draining: this.#draining,
        bans: this.#bans.counts,
        certificate: viewOfCertificate(this.#certificate, Date.now()),
      },
      this.#ports.map((ports, worker) => ({
        reactor: worker,
        ports,
        restarts: this.#core.worker(worker).restarts,
        view: this.#views.of(worker),
      })),
    );
  }

  async #answer(words: readonly string[]): Promise<ControlAnswer> {
    await this.#views.collectNow();
    const { rooms } = this.#view();
    const answer = answerQuestion(words, {
      unixMs: Date.now(),
      rooms: () => rooms,
      kick: (room, peerId, { forMs, reason }) => {
        const homes = rooms.filter(({ room: code, id, peers }) =>
          (code === room || id === room) && peers.some((peer) => peer.peerId === peerId)
        );
        const removal = removalBy(forMs, reason);
        for (const worker of workersOf(homes)) {
          this.#tell(worker, { type: "kick", room, peerId, removal });
        }
        return homes.length > 0 ? "gone" : "nobody";
      },
      ban: (target, { forMs, reason, room }) =>
        this.#bans.ban(target, room, removalBy(forMs, reason)),
      unban: (ids) => this.#bans.unban(ids),
      bans: () => this.#bans.values(),
      lock: (room) => {
        const locked = this.#locks.lock(room);
        if (locked) this.#tellAll({ type: "lock", room });
        return locked;
      },
      unlock: (room) => {
        this.#tellAll({ type: "unlock", room });
        return this.#locks.unlock(room);
      },
      close: (room, reason) => {
        const homes = rooms.filter(({ room: code, id }) => code === room || id === room);
        for (const worker of workersOf(homes)) this.#tell(worker, { type: "close", room, reason });
        return homes.reduce((sum, { peers }) => sum + peers.length, 0);
      },
      drain: () => {
        this.#draining = true;
        this.#core.handleDrain();
        this.#tellAll({ type: "drain" });
      },
    });
    return withTrouble(answer, await this.#bans.written());
  }

  /** The relay's own certificate is made anew here; workers see its files change. */
  #keepOwnCertificate(): CertificateKeeper {
    return new CertificateKeeper(
      {
        load: () => certificateOf(this.#options, this.#stateDir),
        use: () => {},
        isRenewalDue: (own) => isRenewalDue(own, Date.now()),
        // A worker that shows it says so.
        troubleWith: () => undefined,
        stamp: stampOfFiles,
        note: (level, message, fields) => logText(this.#logger, level, message, fields),
      },
      this.#certificate,
      performance.now(),
    );
  }

  async #reload(): Promise<void> {
    // Those that start read everything anyway.
    if (!this.#opened) return;
    this.#reporter.reloading();
    await this.#keeper?.reload();
    this.#reloaded?.();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reloaded = resolve;
    for (const worker of this.#ports.keys()) {
      if (this.#tell(worker, { type: "reload" })) this.#reloading.add(worker);
    }
    const timer = setTimeout(resolve, RELOAD_MAX_MS);
    await promise;
    clearTimeout(timer);
    if (!this.#stopping) this.#reporter.ready();
  }

  #handleReloaded(worker: number): void {
    this.#reloading.delete(worker);
    if (this.#reloading.size === 0) this.#reloaded?.();
  }
}

/** The numbers of the workers that rooms are on. */
function workersOf(rooms: readonly RoomView[]): ReadonlySet<number> {
  return new Set(rooms.map(({ reactor }) => reactor).filter((one) => one !== undefined));
}
