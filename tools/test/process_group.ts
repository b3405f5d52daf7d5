/** A process with all that it starts: they get signals, and are killed, together. */

/** See the module. A child that makes a group of its own is out of it. */
export class ProcessGroup {
  readonly child: Deno.ChildProcess;

  /** Starts it; a terminal's Ctrl-C does not reach it. */
  constructor(command: string, options: Omit<Deno.CommandOptions, "detached">) {
    this.child = new Deno.Command(command, { ...options, detached: true }).spawn();
  }

  /** Sends all of them a signal; those that have ended need none. */
  kill(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.child.pid, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
