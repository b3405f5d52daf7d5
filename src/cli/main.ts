/**
 * What the three entries share: help, usage errors, logging, exit codes.
 *
 * @module
 */
import { configureLogging, loggerOf, logText } from "../log/logging.ts";
import { findCredential } from "../system/files/mod.ts";
import { hideSecrets } from "../system/environment/mod.ts";
import { reasonOf, UserError } from "../log/user_error.ts";
import { readConfigFile } from "./config_file.ts";
import { formatCommandHelp, formatHelp } from "./help.ts";
import {
  LOG_FORMAT,
  LOG_LEVEL,
  type OptionValues,
  parseCommandLine,
  type ProgramSpec,
} from "./options.ts";
import { VERSION } from "./version.ts";

/** Exit codes of all programs. */
export const ExitCode = { done: 0, failed: 1, usage: 2 } as const;

/**
 * What a command does with its options and its words, and with the whole command line but its own name; resolves
 * with the exit code.
 */
export type Command = (
  values: OptionValues,
  words: readonly string[],
  rest: readonly string[],
) => Promise<number>;

/** Called at a program's very end, before its process goes. */
export type AtEnd = (code: number) => void;

/**
 * Runs a program to its end and leaves the process with its exit code.
 *
 * `commands` are what runs instead when the first word is one of their names.
 *
 * `run` resolves with the code; a `UserError` becomes one error line and code 1 (or 2 where the error
 * says that the usage is wrong); anything else is a bug and shows its stack trace.
 */
export async function runProgram(
  program: ProgramSpec,
  args: readonly string[],
  run: (values: OptionValues) => Promise<number>,
  commands: Readonly<Record<string, Command>> = {},
  atEnd: AtEnd = () => {},
): Promise<never> {
  hideSecrets();
  const code = await runToEnd(program, args, run, commands).catch((error: unknown) => {
    console.error(error); // a bug: its trace helps whoever is told of it
    return ExitCode.failed;
  });
  atEnd(code);
  Deno.exit(code);
}

async function runToEnd(
  program: ProgramSpec,
  args: readonly string[],
  run: (values: OptionValues) => Promise<number>,
  commands: Readonly<Record<string, Command>>,
): Promise<number> {
  const command = parseCommandLine(program, args, readConfigFile, findCredential);
  if (command.kind === "help") {
    return print(
      command.command === undefined
        ? formatHelp(program)
        : formatCommandHelp(program, command.command),
    );
  }
  if (command.kind === "version") return print(`${program.name} ${VERSION}`);
  if (command.kind === "usage-error") {
    console.error(command.message);
    return ExitCode.usage;
  }
  const { values } = command;
  configureLogging(
    values.requiredOf(LOG_LEVEL),
    values.requiredOf(LOG_FORMAT),
  );
  try {
    const { command: name, words = [], rest = [] } = command;
    return await (name === undefined ? run(values) : commands[name](values, words, rest));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    logText(loggerOf(program.name.replace("lanparty-", "")), "error", error.message);
    return error.usage ? ExitCode.usage : ExitCode.failed;
  }
}

/** Prints to standard output; a reader that is gone is no reason for a stack trace. */
function print(text: string): number {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
    return ExitCode.done;
  } catch (error) {
    console.error(
      `cannot write to standard output: ${reasonOf(error)}`,
    );
    return ExitCode.failed;
  }
}
