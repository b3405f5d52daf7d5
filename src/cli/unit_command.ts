/**
 * The command `unit`: the command line that it was given, as a systemd unit.
 *
 * @module
 */
import { isHiddenFromService, type UnitCredential } from "../programs/common/systemd_unit.ts";
import { findOption } from "./arguments.ts";
import { allOptions, type OptionSpec, type OptionValues, type ProgramSpec } from "./options.ts";
import { UserError } from "../log/user_error.ts";

/** Options that take a path. */
const PATH_VALUES: readonly string[] = ["FILE", "DIR"];

/** The unit, and what its reader should know that is wrong with it. */
export interface UnitText {
  readonly text: string;
  readonly notes: readonly string[];
}

/** What a unit is made of. */
export interface UnitParts {
  readonly program: ProgramSpec;
  /** Where the service keeps its state: files in there are its own, and may change while it runs. */
  readonly stateFolder: string;
  /** Writes the unit for an executable and its options. */
  readonly format: (
    executable: string,
    args: readonly string[],
    credentials: readonly UnitCredential[],
  ) => string;
  readonly executable: string;
  /** A command line that the program has accepted. */
  readonly args: readonly string[];
  /** Where it was given. */
  readonly folder: string;
  /** What it says, with what a configuration file says. */
  readonly values: OptionValues;
}

/** The unit of the process that asks for it. */
export type OwnUnit = Pick<UnitParts, "executable" | "args" | "folder" | "values">;

/**
 * The unit for an executable and its options. Paths become absolute, for a service starts in `/`. Files
 * that may hold a secret are root's: systemd hands them to the service, which finds them by itself.
 *
 * @throws {UserError} a key is on the command line
 */
export function unitOf(parts: UnitParts): UnitText {
  const { program, format, executable, args, folder, values } = parts;
  refuseSecrets(program, args);
  const isServiceOwn = (path: string) => path.startsWith(`${parts.stateFolder}/`);
  const paths: string[] = [executable];
  const options = pathOptions(program);
  const given = absoluteArgs(program, args, folder);
  const credentials: UnitCredential[] = [];
  const words: string[] = [];
  for (let index = 0; index < given.length; index++) {
    const arg = given[index];
    const option = findOption(options, arg);
    if (option === undefined) {
      words.push(arg);
      continue;
    }
    const isJoined = arg.includes("=");
    const path = isJoined ? arg.slice(arg.indexOf("=") + 1) : given[++index];
    if (option.credential !== undefined && !isServiceOwn(path)) {
      credentials.push({ name: option.credential, path });
      continue;
    }
    paths.push(path);
    words.push(...(isJoined ? [`--${option.name}=${path}`] : [`--${option.name}`, path]));
  }
  // A configuration file may name others: the service finds them in its place.
  for (const { name, credential } of options) {
    const path = values.text(name);
    const isNamed = args.some((arg) => findOption(options, arg)?.name === name);
    if (credential === undefined || path === undefined || isNamed || isServiceOwn(path)) continue;
    credentials.push({ name: credential, path: path.startsWith("/") ? path : `/${path}` });
  }
  const hidden = paths.filter(isHiddenFromService).map((path) =>
    `the service cannot see ${path}: put it elsewhere, such as /usr/local/bin or /etc`
  );
  return { text: format(executable, words, credentials), notes: hidden };
}

function pathOptions(program: ProgramSpec): readonly OptionSpec[] {
  return allOptions(program)
    .filter(({ value }) => value !== undefined && PATH_VALUES.includes(value));
}

/** A command line that the program has accepted, with its paths made absolute. */
export function absoluteArgs(
  program: ProgramSpec,
  args: readonly string[],
  folder: string,
): readonly string[] {
  const options = pathOptions(program);
  const absolute = (path: string) =>
    path.startsWith("/") ? path : `${folder.replace(/\/$/, "")}/${path}`;
  let isPath = false;
  return args.map((arg) => {
    if (isPath) {
      isPath = false;
      return absolute(arg);
    }
    if (findOption(options, arg) === undefined) return arg;
    const at = arg.indexOf("=");
    isPath = at < 0;
    return isPath ? arg : `${arg.slice(0, at + 1)}${absolute(arg.slice(at + 1))}`;
  });
}

/** @throws {UserError} a secret is on the command line, which the unit would show to everybody */
function refuseSecrets(program: ProgramSpec, args: readonly string[]): void {
  const given = args.map((arg) => findOption(program.options, arg));
  const open = given.find((option) => option?.secret);
  if (open === undefined) return;
  const { name } = open;
  throw new UserError(
    `--${name}: everybody on this machine can read a unit. Put the key into a file of root's ` +
      `(chmod 600), and give --${name}-file FILE: the unit then has systemd hand it to the service ` +
      `(LoadCredential=${name}:FILE)`,
    { usage: true },
  );
}

/**
 * Prints the unit for this process's command line; what is wrong with it goes to stderr.
 *
 * @param args that command line, without the command
 */
export function printUnit(
  make: (own: OwnUnit) => UnitText,
  values: OptionValues,
  args: readonly string[],
): Promise<number> {
  const { text, notes } = make({
    ...{ executable: Deno.execPath(), args, folder: Deno.cwd(), values },
  });
  console.log(text.trimEnd());
  sayNotes(notes);
  return Promise.resolve(0);
}

/** Tells the reader of a unit, or of what is made of it, what is wrong with it. */
export function sayNotes(notes: readonly string[]): void {
  for (const note of notes) console.error(`note: ${note}`);
}
