/**
 * A DHCP client that is a program of our own: started, watched, and ended with the interface.
 *
 * @module
 */

import { parseCidr } from "../../proto/ip.ts";
import type { DhcpProgramPlan } from "./plan.ts";
import { DHCP_LINE_PREFIX, parseDhcpLine } from "./programs.ts";
import {
  type DhcpContext,
  type DhcpSession,
  ENVIRONMENT,
  readLines,
  Retry,
  runCommand,
  SessionFiles,
} from "./session.ts";
import type { Change } from "../journal/journal.ts";
import { ResolverGuard } from "../names/resolver_guard.ts";
import { identifyProcess } from "../process/identity.ts";
import { endSession } from "../process/session.ts";

/** A client that ran this long was well. */
const WELL_MS = 60_000;
/** How long a release may take to leave when its client has ended, and how often that is looked at. */
const RELEASE_LEAVES_MAX_MS = 400;
const RELEASE_POLL_MS = 5;
/** How long helpers and scripts of a client that has ended may go on. */
const HELPERS_GRACE_MS = 500;
/** How long output is read on when all have ended: a service that a script has started may hold it open. */
const OUTPUT_MAX_MS = 1_000;

interface Running {
  readonly child: Deno.ChildProcess;
  readonly change: Change | undefined;
  readonly startedMs: number;
  /** What it said last, which may be why it ended. */
  lastLine: string;
  /** Settles when the client and all that it has started have ended and their output is read. */
  ended: Promise<void>;
}

/** See the module. */
export class ProgramSession implements DhcpSession {
  readonly #plan: DhcpProgramPlan;
  readonly #context: DhcpContext;
  readonly #files: SessionFiles;
  readonly #retry: Retry;
  readonly #resolver: ResolverGuard | undefined;
  #running: Running | undefined;
  #address: string | undefined;
  #stopping = false;
  #restarting = false;

  constructor(plan: DhcpProgramPlan, context: DhcpContext) {
    this.#plan = plan;
    this.#context = context;
    this.#files = new SessionFiles(plan.files, context);
    this.#retry = new Retry(context, () => this.start());
    const { journal } = context;
    this.#resolver = plan.runsSystemScript && journal !== undefined
      ? new ResolverGuard(journal)
      : undefined;
  }

  get address(): string | undefined {
    return this.#address;
  }

  start(): void {
    if (this.#stopping || this.#running !== undefined) return;
    const [path, ...args] = this.#plan.command;
    let child: Deno.ChildProcess;
    try {
      this.#files.write();
      this.#resolver?.hold(performance.now());
      child = new Deno.Command(path, {
        args,
        clearEnv: true,
        env: ENVIRONMENT,
        // It leads a session: its helpers and scripts are found when it has ended, however that was.
        detached: true,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      this.#retry.fail(error instanceof Error ? error.message : String(error));
      return;
    }
    const identity = identifyProcess(child.pid);
    const running: Running = {
      child,
      change: identity === undefined ? undefined : this.#context.journal?.record("process", {
        ...identity,
        interface: this.#context.interface,
      }),
      startedMs: performance.now(),
      lastLine: "",
      ended: Promise.resolve(),
    };
    this.#running = running;
    running.ended = this.#follow(running);
    this.#context.onEvent({ type: "asking", client: this.#context.name });
  }

  renew(): void {
    const running = this.#running;
    if (this.#stopping) return;
    if (running === undefined) {
      // It is waiting to be started again: this is the moment.
      this.#retry.reset();
      if (this.#retry.waiting) this.#retry.now();
    } else if (this.#plan.renewSignal === "restart") {
      this.#restarting = true;
      signal(running, "SIGTERM");
    } else {
      signal(running, this.#plan.renewSignal);
    }
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#retry.cancel();
    const running = this.#running;
    if (running !== undefined) {
      const releases = this.#context.releases?.() ?? 0;
      let killed: Promise<void> | undefined;
      const killer = setTimeout(() => killed = endSession(running.child.pid, 0), timeoutMs);
      await this.#release(running, timeoutMs);
      clearTimeout(killer);
      await killed;
      if (this.#address !== undefined) await this.#releaseLeft(releases);
    }
    if (this.#plan.weSetAddresses && this.#address !== undefined) this.#takeAway(this.#address);
    this.#address = undefined;
    this.#files.remove();
    this.#resolver?.release();
  }

  async #release(running: Running, timeoutMs: number): Promise<void> {
    const { release } = this.#plan;
    // A command would end the running client, too, but dhclient's then sleeps for a second.
    signal(running, typeof release === "string" ? release : "SIGTERM");
    await running.ended;
    if (typeof release !== "string") await runCommand(release, timeoutMs);
  }

  /** Waits until more than `before` releases have left, but not for long. */
  async #releaseLeft(before: number): Promise<void> {
    const { releases } = this.#context;
    if (releases === undefined) return;
    const endMs = performance.now() + RELEASE_LEAVES_MAX_MS;
    while (releases() <= before && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, RELEASE_POLL_MS));
    }
  }

  /** Reads the client's output until it ends, and starts it again if it should not have. */
  async #follow(running: Running): Promise<void> {
    const { child } = running;
    const output = Promise.all([
      readLines(child.stdout, (line) => this.#handleLine(line, running)),
      readLines(child.stderr, (line) => this.#handleError(line, running)),
    ]);
    const status = await child.status;
    await endSession(child.pid, HELPERS_GRACE_MS);
    await within(output, OUTPUT_MAX_MS);
    if (running.change !== undefined) this.#context.journal?.forget(running.change);
    this.#running = undefined;
    if (this.#stopping) return;
    if (this.#restarting) {
      this.#restarting = false;
      this.start();
      return;
    }
    if (performance.now() - running.startedMs > WELL_MS) this.#retry.reset();
    this.#retry.fail(running.lastLine || `it ended with code ${status.code}`);
  }

  #handleError(line: string, running: Running): void {
    if (this.#running !== running) return;
    this.#resolver?.handleLine(line, performance.now());
    running.lastLine = line || running.lastLine;
  }

  #handleLine(line: string, running: Running): void {
    if (this.#running !== running) return;
    this.#resolver?.handleLine(line, performance.now());
    const report = parseDhcpLine(line);
    if (report === undefined) {
      if (line !== "" && !line.startsWith(DHCP_LINE_PREFIX)) running.lastLine = line;
      return;
    }
    if (this.#stopping) return;
    if (report.type === "lost") return this.#lose();
    if (this.#address !== undefined && this.#address !== report.address) this.#lose();
    if (this.#plan.weSetAddresses && !this.#set(report.address)) return;
    this.#address = report.address;
    this.#context.onEvent(report);
  }

  /** Sets an address, also at each renewal: another program may have taken it away. */
  #set(address: string): boolean {
    const parsed = parseCidr(address);
    if (parsed === undefined) return false;
    try {
      this.#context.addresses.addAddress(parsed);
      return true;
    } catch {
      // The interface is gone, and this session will be told so.
      return false;
    }
  }

  #lose(): void {
    const address = this.#address;
    if (address === undefined) return;
    this.#address = undefined;
    if (this.#plan.weSetAddresses) this.#takeAway(address);
    this.#context.onEvent({ type: "lost", address });
  }

  #takeAway(address: string): void {
    const parsed = parseCidr(address);
    if (parsed === undefined) return;
    try {
      this.#context.addresses.removeAddress(parsed);
    } catch {
      // The interface is gone, and the address with it.
    }
  }
}

function signal(running: Running, name: Deno.Signal): void {
  try {
    running.child.kill(name);
  } catch {
    // It has ended already.
  }
}

/** Waits for something, but not for long. */
async function within(what: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
  await Promise.race([what, late]);
  clearTimeout(timer);
}
