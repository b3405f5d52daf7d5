/**
 * Runs the system's DHCP client for one interface, for as long as that interface is in use.
 *
 * @module
 */

import {
  type DhcpClient,
  type DhcpPlan,
  findDhcpClient,
  isDhclientConfined,
  parseDhcpLine,
  planDhcp,
} from "./dhcp_clients.ts";
import { removeFileIfThere } from "./files.ts";
import type { Change, ChangeJournal } from "./journal.ts";
import { identifyProcess, killProcess, type ProcessIdentity } from "./process_identity.ts";

/** What happened to an interface's address. */
export type DhcpEvent =
  /** This system has no DHCP client: the address must be given by hand. */
  | { readonly type: "unavailable" }
  /** A client asks for an address. `client` is the program's name. */
  | { readonly type: "asking"; readonly client: string }
  | {
    readonly type: "lease";
    /** With prefix length. */
    readonly address: string;
    readonly server: string | undefined;
    readonly leaseSeconds: number | undefined;
  }
  /** The address is no longer ours. */
  | { readonly type: "lost"; readonly address: string }
  /** The client ended by itself; it is started again after `retryMs`. */
  | {
    readonly type: "failed";
    readonly client: string;
    readonly message: string;
    readonly retryMs: number;
  };

/** Who sets addresses on the interface: the TAP device. Addresses come with prefix length. */
export interface AddressKeeper {
  /** Sets an address; one that is set already is no error. */
  addAddress(cidr: string): void;
  removeAddress(cidr: string): void;
}

/** How a runner is made. */
export interface DhcpRunnerOptions {
  /** An interface that is up. */
  readonly interface: string;
  readonly addresses: AddressKeeper;
  /** A folder for files of this run; it is made, and removed at the end. */
  readonly folder: string;
  readonly onEvent: (event: DhcpEvent) => void;
  /** Default: this PC's name, if it is a plain host name. */
  readonly hostName?: string;
  /** Let the DHCP client set routes and name servers, too. Default false. */
  readonly everything?: boolean;
  /** Has leftovers of a killed process removed at the next start. */
  readonly journal?: ChangeJournal;
  /** Finds the client to use. Default: the first that this system has. */
  readonly find?: () => DhcpClient | undefined;
  /** dhclient only. Default: whether AppArmor demands it. */
  readonly systemScript?: boolean;
}

const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 60_000;
/** A client that ran this long was well: its next failure is a first one. */
const WELL_MS = 60_000;
const STOP_TIMEOUT_MS = 1_000;
const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** All that a client needs of our environment. */
const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
  LC_ALL: "C",
};
const MESSAGE_CHARACTERS_MAX = 200;
/** What is kept of a line that does not end. */
const LINE_CHARACTERS_MAX = 4096;

interface Running {
  readonly child: Deno.ChildProcess;
  readonly identity: ProcessIdentity | undefined;
  readonly change: Change | undefined;
  readonly startedMs: number;
  lastLine: string;
  /** Settles when the client has ended and its output is read. */
  ended: Promise<void>;
}

/** The DHCP client of one interface. */
export class DhcpRunner {
  readonly client: DhcpClient | undefined;
  readonly #options: DhcpRunnerOptions;
  readonly #plan: DhcpPlan | undefined;
  #folderChange: Change | undefined;
  #running: Running | undefined;
  #address: string | undefined;
  #retryMs = RETRY_MIN_MS;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #stopping: Promise<void> | undefined;
  #restarting = false;

  constructor(options: DhcpRunnerOptions) {
    this.#options = options;
    this.client = (options.find ?? findDhcpClient)();
    if (this.client === undefined) return;
    const hostName = options.hostName ?? Deno.hostname();
    this.#plan = planDhcp({
      client: this.client,
      interface: options.interface,
      folder: options.folder,
      hostName: HOST_NAME.test(hostName) ? hostName : undefined,
      everything: options.everything ?? false,
      systemScript: this.client.kind === "dhclient" &&
        (options.systemScript ?? isDhclientConfined()),
    });
  }

  /** The address that the client was given last and still has, with prefix length. */
  get address(): string | undefined {
    return this.#address;
  }

  /** Starts the client, once; without one the event `unavailable` is all that happens. */
  start(): void {
    const plan = this.#plan;
    if (plan === undefined || this.client === undefined) {
      this.#options.onEvent({ type: "unavailable" });
      return;
    }
    if (this.#running !== undefined || this.#stopping !== undefined) return;
    this.#spawn(plan);
  }

  /** Asks for the lease anew, e.g. after the LAN was out of reach: it may be another one. */
  renew(): void {
    const running = this.#running;
    const plan = this.#plan;
    if (plan === undefined || this.#stopping !== undefined) return;
    if (running === undefined) {
      // It is waiting to be started again: this is the moment.
      if (this.#retryTimer === undefined) return;
      clearTimeout(this.#retryTimer);
      this.#retryTimer = undefined;
      this.#retryMs = RETRY_MIN_MS;
      this.#spawn(plan);
      return;
    }
    if (plan.renewSignal === "restart") {
      this.#restarting = true;
      this.#signal(running, "SIGTERM");
    } else {
      this.#signal(running, plan.renewSignal);
    }
  }

  /**
   * Gives the lease back, ends the client, and takes the address and all files away. The release
   * goes through the interface, so the interface must still be served meanwhile.
   *
   * @param timeoutMs after which the client is killed
   */
  stop(timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  /** Writes the client's files, as often as it is started: some other program may tidy up. */
  #prepare(plan: DhcpPlan): void {
    const { folder, journal } = this.#options;
    this.#folderChange ??= journal?.record("file", folder);
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const { path, text, mode } of plan.files) {
      // What stands there may be another's: never write through it.
      removeFileIfThere(path);
      Deno.writeTextFileSync(path, text, { mode, createNew: true });
    }
  }

  #spawn(plan: DhcpPlan): void {
    const [path, ...args] = plan.command;
    const { journal, onEvent } = this.#options;
    let child: Deno.ChildProcess;
    try {
      this.#prepare(plan);
      child = new Deno.Command(path, {
        args,
        clearEnv: true,
        env: ENVIRONMENT,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
      return;
    }
    const identity = identifyProcess(child.pid);
    const change = identity === undefined
      ? undefined
      : journal?.record("process", { pid: identity.pid, startTicks: identity.startTicks });
    const startedMs = performance.now();
    const running: Running = {
      child,
      identity,
      change,
      startedMs,
      lastLine: "",
      ended: Promise.resolve(),
    };
    this.#running = running;
    running.ended = this.#follow(running);
    onEvent({ type: "asking", client: this.#name });
  }

  get #name(): string {
    return this.client?.kind === "busybox" ? "busybox udhcpc" : this.client?.kind ?? "";
  }

  /** Reads the client's output until it ends, and starts it again if it should not have. */
  async #follow(running: Running): Promise<void> {
    const { child } = running;
    const [status] = await Promise.all([
      child.status,
      readLines(child.stdout, (line) => this.#handleLine(line, running)),
      readLines(child.stderr, (line) => running.lastLine = line || running.lastLine),
    ]);
    if (running.change !== undefined) this.#options.journal?.forget(running.change);
    this.#running = undefined;
    if (this.#stopping !== undefined) return;
    if (this.#restarting) {
      this.#restarting = false;
      this.#spawn(this.#plan!);
      return;
    }
    if (performance.now() - running.startedMs > WELL_MS) this.#retryMs = RETRY_MIN_MS;
    this.#failed(running.lastLine || `it ended with code ${status.code}`);
  }

  #failed(message: string): void {
    const retryMs = this.#retryMs;
    this.#retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#spawn(this.#plan!);
    }, retryMs);
    const text = message.slice(0, MESSAGE_CHARACTERS_MAX);
    this.#options.onEvent({ type: "failed", client: this.#name, message: text, retryMs });
  }

  #handleLine(line: string, running: Running): void {
    const report = parseDhcpLine(line);
    if (report === undefined) {
      // Its own words, which may say why it will end.
      if (!line.startsWith("lanparty-dhcp")) running.lastLine = line || running.lastLine;
      return;
    }
    if (this.#stopping !== undefined) return;
    if (report.type === "lost") return this.#lose();
    if (this.#address !== undefined && this.#address !== report.address) this.#lose();
    if (this.#plan!.setsNoAddress) {
      // Another program may have set it, or taken it away, so it is set with every renewal.
      this.#options.addresses.addAddress(report.address);
    }
    this.#address = report.address;
    this.#options.onEvent(report);
  }

  #lose(): void {
    const address = this.#address;
    if (address === undefined) return;
    this.#address = undefined;
    if (this.#plan!.setsNoAddress) this.#takeAway(address);
    this.#options.onEvent({ type: "lost", address });
  }

  #takeAway(address: string): void {
    try {
      this.#options.addresses.removeAddress(address);
    } catch {
      // The interface is gone, and the address with it.
    }
  }

  async #stop(timeoutMs: number): Promise<void> {
    clearTimeout(this.#retryTimer);
    const running = this.#running;
    const plan = this.#plan;
    if (plan !== undefined && running !== undefined) {
      const killer = setTimeout(() => this.#kill(running), timeoutMs);
      try {
        await this.#release(plan, running, timeoutMs);
      } finally {
        clearTimeout(killer);
      }
    }
    if (plan?.setsNoAddress && this.#address !== undefined) this.#takeAway(this.#address);
    this.#address = undefined;
    this.#removeFiles();
  }

  async #release(plan: DhcpPlan, running: Running, timeoutMs: number): Promise<void> {
    if (typeof plan.release === "string") {
      this.#signal(running, plan.release);
      await running.ended;
      return;
    }
    // The command would end the running client, too, but then sleeps for a second.
    this.#signal(running, "SIGTERM");
    await running.ended;
    const [path, ...args] = plan.release;
    const child = new Deno.Command(path, {
      args,
      clearEnv: true,
      env: ENVIRONMENT,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const killer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    await child.status;
    clearTimeout(killer);
  }

  #signal(running: Running, signal: Deno.Signal): void {
    try {
      running.child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  #kill(running: Running): void {
    if (running.identity === undefined) this.#signal(running, "SIGKILL");
    else killProcess(running.identity);
  }

  #removeFiles(): void {
    const { folder, journal } = this.#options;
    for (const { path } of this.#plan?.files ?? []) removeFileIfThere(path);
    const base = `/run/dhclient-lanparty-${this.#options.interface}`;
    for (const ending of ["leases", "pid"]) removeFileIfThere(`${base}.${ending}`);
    try {
      Deno.removeSync(folder, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (this.#folderChange !== undefined) journal?.forget(this.#folderChange);
    this.#folderChange = undefined;
  }
}

/** Hands on the lines of a stream until it ends. */
async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  handle: (line: string) => void,
): Promise<void> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = (lines.pop() ?? "").slice(-LINE_CHARACTERS_MAX);
    for (const line of lines) handle(line.trimEnd());
  }
  if (text !== "") handle(text);
}
