/** A failure that the person at the keyboard can do something about: one line, no stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
  /** Whether the command line is at fault (exit code 2) rather than the world (exit code 1). */
  readonly usage: boolean;

  constructor(message: string, options: { usage?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.usage = options.usage ?? false;
  }
}
