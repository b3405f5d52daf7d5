/**
 * A DHCP client that is part of a service of the system's: told by commands to take an interface.
 *
 * Which address it gets is seen on the interface; the service does not tell us.
 *
 * @module
 */

import type { Command, DhcpServicePlan } from "./plan.ts";
import { type DhcpContext, type DhcpSession, Retry, runCommand, SessionFiles } from "./session.ts";

/** A command that takes longer than this is stuck. */
const COMMAND_TIMEOUT_MS = 40_000;

/** See the module. */
export class ServiceSession implements DhcpSession {
  readonly address = undefined;
  readonly #plan: DhcpServicePlan;
  readonly #context: DhcpContext;
  readonly #files: SessionFiles;
  readonly #retry: Retry;
  /** What is being said to the service: one thing after the other. */
  #talk: Promise<void> = Promise.resolve();
  #started = false;
  #stopping = false;

  constructor(plan: DhcpServicePlan, context: DhcpContext) {
    this.#plan = plan;
    this.#context = context;
    this.#files = new SessionFiles(plan.files, context);
    this.#retry = new Retry(context, () => this.start());
  }

  start(): void {
    this.#talk = this.#talk.then(() => this.#start());
  }

  renew(): void {
    this.#retry.reset();
    if (this.#retry.waiting) this.#retry.now();
    else this.#talk = this.#talk.then(() => this.#renew());
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#retry.cancel();
    // What is being said may take long: it is not waited for.
    const untilMs = performance.now() + timeoutMs;
    this.#files.remove();
    for (const command of this.#plan.stop) {
      await runCommand(command, Math.max(1, untilMs - performance.now()));
    }
  }

  async #start(): Promise<void> {
    if (this.#stopping || this.#started) return;
    try {
      this.#files.write();
    } catch (error) {
      this.#retry.fail(error instanceof Error ? error.message : String(error));
      return;
    }
    for (const command of this.#plan.clean) await runCommand(command, COMMAND_TIMEOUT_MS);
    if (this.#stopping) return;
    this.#context.onEvent({ type: "asking", client: this.#context.name });
    this.#started = await this.#say(this.#plan.start);
  }

  async #renew(): Promise<void> {
    if (this.#started && !await this.#say(this.#plan.renew)) this.#started = false;
  }

  /** Runs commands in order; with the first that fails the session is to be started again. */
  async #say(commands: readonly Command[]): Promise<boolean> {
    for (const command of commands) {
      if (this.#stopping) return false;
      const { success, message } = await runCommand(command, COMMAND_TIMEOUT_MS);
      if (success) continue;
      if (!this.#stopping) this.#retry.fail(message);
      return false;
    }
    this.#retry.reset();
    return true;
  }
}
