/** What the three entries share: help, usage errors, logging, exit codes. */
import {
  configureLogging,
  type LogFormat,
  loggerOf,
  type LogLevelName,
  logText,
} from "../shell/logging.ts";
import { UserError } from "../shell/user_error.ts";
import { readConfigFile } from "./config_file.ts";
import { formatHelp, type OptionValues, parseCommandLine, type ProgramSpec } from "./options.ts";
import { VERSION } from "./version.ts";

/** Exit codes of all programs. */
export const ExitCode = { done: 0, failed: 1, usage: 2 } as const;

/** What a command does with its options and the words before them; resolves with the exit code. */
export type Command = (values: OptionValues, words: readonly string[]) => Promise<number>;

/**
 * Runs a program to its end and leaves the process with its exit code.
 *
 * `commands` are what runs instead when the first argument is one of their names.
 *
 * `run` resolves with the code; a `UserError` becomes one error line and code 1 (or 2 where the error
 * says that the usage is wrong); anything else is a bug and shows its stack trace.
 */
export async function runProgram(
  program: ProgramSpec,
  args: readonly string[],
  run: (values: OptionValues) => Promise<number>,
  commands: Readonly<Record<string, Command>> = {},
): Promise<never> {
  const command = parseCommandLine(program, args, readConfigFile);
  if (command.kind === "help") {
    print(formatHelp(program));
    Deno.exit(ExitCode.done);
  }
  if (command.kind === "version") {
    print(`${program.name} ${VERSION}`);
    Deno.exit(ExitCode.done);
  }
  if (command.kind === "usage-error") {
    console.error(command.message);
    Deno.exit(ExitCode.usage);
  }
  const { values } = command;
  configureLogging(
    values.required("log-level") as LogLevelName,
    values.required("log-format") as LogFormat,
  );
  try {
    const { command: name, words = [] } = command;
    Deno.exit(await (name === undefined ? run(values) : commands[name](values, words)));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    logText(loggerOf(program.name.replace("lanparty-", "")), "error", error.message);
    Deno.exit(error.usage ? ExitCode.usage : ExitCode.failed);
  }
}

/** Prints to standard output; a reader that is gone is no reason for a stack trace. */
function print(text: string): void {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  } catch (error) {
    console.error(
      `cannot write to standard output: ${error instanceof Error ? error.message : error}`,
    );
    Deno.exit(ExitCode.failed);
  }
}
