/**
 * What is said to people in one line, without a stack trace.
 *
 * @module
 */

import { reasonOf } from "../system/files/mod.ts";

export { reasonOf } from "../system/files/mod.ts";

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

/**
 * What to throw for something caught: a failure of the system (which has a code, such as `ENOENT`, or that of a path
 * which others could change) becomes a {@link UserError}, anything else stays what it is.
 */
export function systemFailure(what: string, cause: unknown): unknown {
  const isSystem = cause instanceof Error && typeof (cause as { code?: unknown }).code === "string";
  return isSystem ? new UserError(`${what}: ${reasonOf(cause)}`, { cause }) : cause;
}
