/**
 * Command lines as data: each program lists its options, and help, parsing and every usage error come
 * from that one list.
 *
 * @module
 */
import { type OptionShape, parseArguments, type ParsedArguments, quoted } from "./arguments.ts";
import { spreadStandIn } from "./stand_in.ts";
import { Unfit } from "./unfit.ts";
import type { LogFormat, LogLevelName } from "../log/logging.ts";

/** One option of a program. `Value` is what its text is read as. */
export interface OptionSpec<Value = unknown> extends OptionShape {
  /** What it does, in one or a few plain lines. */
  readonly help: string;
  /** Shown in the help and used when the option is absent. */
  readonly default?: string;
  /** Whether the program cannot start without it. */
  readonly required?: boolean;
  /** The option that may stand in the place of it, where it is required. */
  readonly unless?: string;
  /** What it says in the place of other options, which must not be given beside it. */
  readonly standsFor?: StandIn;
  /** Reads the text, once and for all; without it the text is the value. */
  readonly parse?: (text: string) => Value | Unfit;
  /** Whether messages must not quote the value. */
  readonly secret?: boolean;
  /**
   * The name under which a service is given the file (`LoadCredential=`, systemd.exec(5)): it is used
   * where the command line names none, before what a configuration file says.
   */
  readonly credential?: string;
  /**
   * What a file does with it that lies beside a program which was double-clicked: the file may be a
   * stranger's. It is obeyed, or the player is asked this, in plain words (`{}` is the value). Without it
   * switches that begin with `allow-` are asked for by their help, and all else is refused.
   */
  readonly beside?: "obeyed" | { readonly ask: string };
  /** Whether it is repeatable and each value is `KEY=VALUE`: a table in a configuration file. */
  readonly pairs?: boolean;
}

/** How one text says what others are for. */
export interface StandIn {
  /** The names of those others. */
  readonly options: readonly string[];
  /** Their texts, by their names; or why there are none. */
  readonly read: (text: string) => ReadonlyMap<string, readonly string[]> | Unfit;
  /** Where the text stands in the environment; it counts only where nothing of all this is given. */
  readonly variable?: string;
}

/** Words that may follow a command, for its help. */
export interface CommandWords {
  readonly text: string;
  /** What they do, without a subject. */
  readonly help: string;
}

/** Options that belong together, for the help. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly OptionSpec[];
}

/** Something else that a program can do: the first word of its command line. */
export interface CommandSpec {
  readonly name: string;
  /** What it does, without a subject. */
  readonly summary: string;
  /** The words that may follow it, and what each of them does; without it there are none. */
  readonly words?: readonly CommandWords[];
  /** Its options, beside the common ones; where absent, those of the program. */
  readonly options?: readonly OptionSpec[];
}

/** A program's command line. */
export interface ProgramSpec {
  readonly name: string;
  /** One sentence: what it is. */
  readonly summary: string;
  /** Shown under "Example". */
  readonly examples: readonly string[];
  readonly options: readonly OptionSpec[];
  /** The same options as the help shows them; without it they are one list. */
  readonly groups?: readonly OptionGroup[];
  readonly commands?: readonly CommandSpec[];
}

/** What was given for an option: its texts and what they were read as, or that it is a switch that is on. */
export type OptionValue =
  | true
  | { readonly texts: readonly string[]; readonly parsed: readonly unknown[] };

/** The values found, by the options' names. */
export class OptionValues {
  readonly #values: ReadonlyMap<string, OptionValue>;

  constructor(values: ReadonlyMap<string, OptionValue> = new Map()) {
    this.#values = values;
  }

  /** The option's text, or `undefined` when it was not given and has no default. */
  text(name: string): string | undefined {
    return this.list(name).at(-1);
  }

  /** The option's text, which the table made sure of. */
  required(name: string): string {
    return sure(name, this.text(name));
  }

  /** All texts of a repeatable option. */
  list(name: string): readonly string[] {
    const value = this.#values.get(name);
    return value === undefined || value === true ? [] : value.texts;
  }

  /** What an option's text was read as, or `undefined` when it was not given and has no default. */
  of<Value>(spec: OptionSpec<Value>): Value | undefined {
    return this.allOf(spec).at(-1);
  }

  /** The same, where the table made sure that there is one. */
  requiredOf<Value>(spec: OptionSpec<Value>): Value {
    return sure(spec.name, this.of(spec));
  }

  /** What the texts of a repeatable option were read as. */
  allOf<Value>(spec: OptionSpec<Value>): readonly Value[] {
    const value = this.#values.get(spec.name);
    // What stands under a name was read by the option of that name.
    return value === undefined || value === true ? [] : value.parsed as readonly Value[];
  }

  /** Whether a switch was given. */
  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }

  /** All of them as texts, to be handed to another process. */
  toRecord(): Record<string, readonly string[] | boolean> {
    return Object.fromEntries(
      Array.from(this.#values, ([name, value]) => [name, value === true || value.texts]),
    );
  }

  /** What {@linkcode toRecord} gave, read anew. */
  static fromRecord(
    program: ProgramSpec,
    record: Readonly<Record<string, readonly string[] | boolean>>,
  ): OptionValues {
    const values = new Map<string, OptionValue>();
    for (const spec of allOptions(program)) {
      const given = record[spec.name];
      if (given === true) values.set(spec.name, true);
      else if (given !== undefined && given !== false) {
        values.set(spec.name, parseTexts(spec, given));
      }
    }
    return new OptionValues(values);
  }
}

function sure<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new Error(`option --${name} is neither required nor defaulted`);
  return value;
}

/** Texts that are known to be good. */
function parseTexts(spec: OptionSpec, texts: readonly string[]): OptionValue {
  return { texts, parsed: texts.map((text) => spec.parse === undefined ? text : spec.parse(text)) };
}

/** Where systemd has put a file that the service is given, by its name; undefined: it is not given. */
export type CredentialFinder = (name: string) => string | undefined;

/** What a command line asks for. */
export type ParsedCommandLine =
  | {
    readonly kind: "run";
    readonly values: OptionValues;
    readonly command?: string;
    /** What stands behind the command and is no option. */
    readonly words?: readonly string[];
    /** The command line without the command. */
    readonly rest?: readonly string[];
  }
  | { readonly kind: "help"; readonly command?: CommandSpec }
  | { readonly kind: "version" }
  | { readonly kind: "usage-error"; readonly message: string };

/** What an option has in a configuration file, by its name, or what is wrong with the file. */
export type ConfigReader = (
  program: ProgramSpec,
  file: string,
) => ReadonlyMap<string, readonly string[] | boolean> | string;

/** How much is told. */
export const LOG_LEVEL: OptionSpec<LogLevelName> = {
  name: "log-level",
  value: "LEVEL",
  beside: "obeyed",
  default: "info",
  help: "error, warning, info, debug or trace",
  parse: oneOf("error", "warning", "info", "debug", "trace"),
};

/** In which form. */
export const LOG_FORMAT: OptionSpec<LogFormat> = {
  name: "log-format",
  value: "FORMAT",
  beside: "obeyed",
  default: "text",
  help: "text (for people) or json (one object a line)",
  parse: oneOf("text", "json"),
};

/** The options of all programs. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  {
    name: "config",
    value: "FILE",
    credential: "config",
    help: "read options from FILE (TOML; each option is a key); the command line has precedence",
  },
  LOG_LEVEL,
  LOG_FORMAT,
  { name: "help", letter: "h", help: "print this help" },
  { name: "version", help: "print the version" },
];

/** All options of a program, the common ones last. */
export function allOptions(program: ProgramSpec): readonly OptionSpec[] {
  return [...program.options, ...COMMON_OPTIONS];
}

/** Parses a command line, and the configuration file that it names; never exits. */
export function parseCommandLine(
  program: ProgramSpec,
  args: readonly string[],
  readConfig: ConfigReader = () => "there are no configuration files here",
  findCredential: CredentialFinder = () => undefined,
): ParsedCommandLine {
  const { command, rest } = takeCommand(program, args);
  const specs = allOptions({ ...program, options: command?.options ?? program.options });
  const found = parseArguments(specs, rest);
  if (found.switches.has("help")) {
    return command === undefined ? { kind: "help" } : { kind: "help", command };
  }
  if (found.switches.has("version")) return { kind: "version" };
  const { words } = found;
  const stray = command?.words === undefined ? words[0] : undefined;
  const [mistake] = found.mistakes;
  if (mistake !== undefined) return usageError(program, mistake, command);
  if (stray !== undefined) {
    return usageError(program, `unexpected argument "${quoted(stray)}"`, command);
  }
  const values = readValues(program, specs, found, readConfig, findCredential);
  if (typeof values === "string") return usageError(program, values, command);
  return command === undefined
    ? { kind: "run", values }
    : { kind: "run", values, command: command.name, words, rest };
}

/** The command, which is the first word, wherever its options stand, and what is left of the command line. */
function takeCommand(
  program: ProgramSpec,
  args: readonly string[],
): { readonly command?: CommandSpec; readonly rest: readonly string[] } {
  const commands = program.commands ?? [];
  const options = commands.flatMap((command) => command.options ?? []);
  const { positions: [at] } = parseArguments([...allOptions(program), ...options], args);
  const command = at === undefined ? undefined : commands.find(({ name }) => name === args[at]);
  return command === undefined
    ? { rest: args }
    : { command, rest: [...args.slice(0, at), ...args.slice(at + 1)] };
}

/** The options' values: of the command line, of systemd, or of the configuration file; or what is wrong. */
function readValues(
  program: ProgramSpec,
  specs: readonly OptionSpec[],
  found: ParsedArguments,
  readConfig: ConfigReader,
  findCredential: CredentialFinder,
): OptionValues | string {
  const given = (name: string) => found.values.get(name) ?? [];
  const values = new Map<string, OptionValue>();
  const credentials = findCredentials(specs, given, findCredential);
  const [file = credentials.get("config")] = given("config");
  const config = file === undefined ? undefined : readConfig(program, file);
  if (typeof config === "string") return config;
  const spread = spreadStandIn(specs, {
    isNamed: (name) => given(name).length > 0 || credentials.has(name),
    given: (name) => given(name).at(-1) ?? credentials.get(name),
    configured: (name) => config?.get(name),
  });
  if (typeof spread === "string") return spread;
  // What a service is given as a file is not to be taken from a text as well.
  const isGiven = (name: string) => credentials.has(`${name}-file`);
  for (const spec of specs) {
    const credential = credentials.get(spec.name);
    const stated = spread?.get(spec.name);
    const configured = isGiven(spec.name) ? undefined : config?.get(spec.name);
    const kept = credential === undefined ? configured : [credential];
    const value = spec.value === undefined
      ? found.switches.has(spec.name) || configured === true || undefined
      : stated === undefined
      ? readOption(spec, given(spec.name), kept)
      : readOption(spec, stated);
    if (typeof value === "string") return value;
    if (value !== undefined) values.set(spec.name, value);
  }
  return new OptionValues(values);
}

/** By option, the files that systemd gives for it, where the command line gives nothing. */
function findCredentials(
  specs: readonly OptionSpec[],
  given: (name: string) => readonly string[],
  find: CredentialFinder,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, credential } of specs) {
    if (credential === undefined || given(name).length > 0 || given(credential).length > 0) {
      continue;
    }
    const path = find(credential);
    if (path !== undefined) found.set(name, path);
  }
  return found;
}

/** What an option's texts are read as, `undefined` when there are none, or what is wrong with one. */
function readOption(
  spec: OptionSpec,
  given: readonly string[],
  configured?: readonly string[] | boolean,
): OptionValue | string | undefined {
  if (given.length === 0 && Array.isArray(configured)) return parseTexts(spec, configured);
  const texts = given.length === 0 && spec.default !== undefined ? [spec.default] : given;
  if (texts.length === 0) {
    if (!spec.required) return undefined;
    const other = spec.unless === undefined ? "" : ` (or --${spec.unless})`;
    return `--${spec.name} ${spec.value} is missing${other}`;
  }
  const wrong = texts.map((text) => wrongValue(spec, text)).find((why) => why !== undefined);
  if (wrong === undefined) return parseTexts(spec, texts);
  return `--${spec.name}${spec.secret ? ":" : ""} ${wrong}`;
}

/** What is wrong with a value of an option: the value, unless it is secret, and why. */
export function wrongValue(spec: OptionSpec, text: string): string | undefined {
  if (text === "") return "needs a value";
  const parsed = spec.parse?.(text);
  if (!(parsed instanceof Unfit)) return undefined;
  return spec.secret ? parsed.why : `"${quoted(text)}": ${parsed.why}`;
}

function usageError(
  { name }: ProgramSpec,
  message: string,
  command?: CommandSpec,
): ParsedCommandLine {
  const whose = command?.options === undefined ? name : `${name} ${command.name}`;
  return { kind: "usage-error", message: `${name}: ${message} (see ${whose} --help)` };
}

/** Reads a text by a parser that gives nothing where the text is not what was expected. */
export function expecting<Value>(
  what: string,
  parse: (text: string) => Value | undefined,
): (text: string) => Value | Unfit {
  return (text) => parse(text) ?? new Unfit(`expected ${what}`);
}

/** Reads one of the given words. */
export function oneOf<Word extends string>(
  ...words: readonly Word[]
): (text: string) => Word | Unfit {
  return expecting(`one of ${words.join(", ")}`, (text) => words.find((word) => word === text));
}

/** Reads a whole number within the bounds. */
export function integerBetween(
  minimum: number,
  maximum: number,
): (text: string) => number | Unfit {
  return expecting(`a whole number from ${minimum} to ${maximum}`, (text) => {
    const isNumber = /^[0-9]{1,9}$/.test(text);
    return isNumber && Number(text) >= minimum && Number(text) <= maximum
      ? Number(text)
      : undefined;
  });
}
