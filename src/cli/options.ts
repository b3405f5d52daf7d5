/**
 * Command lines as data: each program lists its options, and help, parsing and every usage error come
 * from that one list.
 */
import { parseArgs } from "@std/cli";
import { cleanText, countCodePoints, isolated } from "../proto/clean_text.ts";

/** One option of a program. */
export interface OptionSpec {
  /** The long name without `--`. */
  readonly name: string;
  /** Another name for it, on the command line. */
  readonly alias?: string;
  /** The value's placeholder in the help; without it the option is a switch. */
  readonly value?: string;
  /** What it does, in one or a few plain lines. */
  readonly help: string;
  /** Shown in the help and used when the option is absent. */
  readonly default?: string;
  /** Whether the program cannot start without it. */
  readonly required?: boolean;
  /** Whether it may be given several times. */
  readonly repeatable?: boolean;
  /** Checks the text; returns what is wrong with it in one clause, or `undefined`. */
  readonly check?: (text: string) => string | undefined;
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

/** Something else that a program can do: the first word of its command line. */
export interface CommandSpec {
  readonly name: string;
  /** What it does, without a subject. */
  readonly summary: string;
  /** The words that follow it, for the help; without it there are none. */
  readonly words?: string;
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
  readonly commands?: readonly CommandSpec[];
}

/** The values found: strings (lists where repeatable) and switches. */
export class OptionValues {
  constructor(private readonly values: ReadonlyMap<string, readonly string[] | boolean>) {}

  /** The option's text, or `undefined` when it was not given and has no default. */
  text(name: string): string | undefined {
    const value = this.values.get(name);
    return Array.isArray(value) ? value[value.length - 1] : undefined;
  }

  /** The option's text, which the table made sure of. */
  required(name: string): string {
    const text = this.text(name);
    if (text === undefined) throw new Error(`option --${name} is neither required nor defaulted`);
    return text;
  }

  /** All texts of a repeatable option. */
  list(name: string): readonly string[] {
    const value = this.values.get(name);
    return Array.isArray(value) ? value : [];
  }

  /** The option's number: its check made sure that it is one. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }

  /** Whether a switch was given. */
  flag(name: string): boolean {
    return this.values.get(name) === true;
  }

  /** All of them, to be handed to another process. */
  toRecord(): Record<string, readonly string[] | boolean> {
    return Object.fromEntries(this.values);
  }

  /** What {@linkcode toRecord} gave. */
  static fromRecord(record: Readonly<Record<string, readonly string[] | boolean>>): OptionValues {
    return new OptionValues(new Map(Object.entries(record)));
  }
}

/** Where systemd has put a file that the service is given, by its name; undefined: it is not given. */
export type CredentialFinder = (name: string) => string | undefined;

/** What a command line asks for. */
export type ParsedCommandLine =
  | {
    readonly kind: "run";
    readonly values: OptionValues;
    readonly command?: string;
    /** What stands between the command and its first option. */
    readonly words?: readonly string[];
  }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "usage-error"; readonly message: string };

/** What an option has in a configuration file, by its name, or what is wrong with the file. */
export type ConfigReader = (
  program: ProgramSpec,
  file: string,
) => ReadonlyMap<string, readonly string[] | boolean> | string;

const COMMON: readonly OptionSpec[] = [
  {
    name: "config",
    value: "FILE",
    credential: "config",
    help: "read options from FILE (TOML; each option is a key); the command line has precedence",
  },
  {
    name: "log-level",
    value: "LEVEL",
    beside: "obeyed",
    default: "info",
    help: "error, warning, info, debug or trace",
    check: oneOf("error", "warning", "info", "debug", "trace"),
  },
  {
    name: "log-format",
    value: "FORMAT",
    beside: "obeyed",
    default: "text",
    help: "text (for people) or json (one object a line)",
    check: oneOf("text", "json"),
  },
  { name: "help", help: "print this help" },
  { name: "version", help: "print the version" },
];

/** All options of a program, the common ones last. */
export function allOptions(program: ProgramSpec): readonly OptionSpec[] {
  return [...program.options, ...COMMON];
}

/** Parses a command line, and the configuration file that it names; never exits. */
export function parseCommandLine(
  program: ProgramSpec,
  args: readonly string[],
  readConfig: ConfigReader = () => "there are no configuration files here",
  findCredential: CredentialFinder = () => undefined,
): ParsedCommandLine {
  const command = program.commands?.find(({ name }) => name === args[0]);
  if (command === undefined) return parseOptions(program, args, readConfig, findCredential);
  const { options = program.options } = command;
  const optionAt = args.findIndex((arg) => arg.startsWith("-"));
  const wordsEnd = command.words === undefined ? 1 : optionAt < 0 ? args.length : optionAt;
  const rest = args.slice(wordsEnd);
  const parsed = parseOptions({ ...program, options }, rest, readConfig, findCredential);
  return parsed.kind === "run"
    ? { ...parsed, command: command.name, words: args.slice(1, wordsEnd) }
    : parsed;
}

function parseOptions(
  program: ProgramSpec,
  args: readonly string[],
  readConfig: ConfigReader,
  findCredential: CredentialFinder,
): ParsedCommandLine {
  const specs = allOptions(program);
  args = args.map((arg) => withoutAlias(specs, arg));
  const assigned = args.map((arg) => /^--([^=]+)=/.exec(arg)?.[1]);
  // parseArgs would take `--flag=no` for yes.
  const flag = specs.find((spec) => spec.value === undefined && assigned.includes(spec.name));
  if (flag !== undefined) return usageError(program, `--${flag.name} takes no value`);
  const unknown: string[] = [];
  const parsed = parseArgs(joinValues(specs, args), {
    string: specs.filter((spec) => spec.value !== undefined).map((spec) => spec.name),
    boolean: specs.filter((spec) => spec.value === undefined).map((spec) => spec.name),
    collect: specs.filter((spec) => spec.value !== undefined).map((spec) => spec.name),
    alias: { h: "help" },
    unknown: (arg) => {
      unknown.push(arg);
      return false;
    },
  });
  if (parsed["help"] === true) return { kind: "help" };
  if (parsed["version"] === true) return { kind: "version" };
  const values = new Map<string, readonly string[] | boolean>();
  const stray = unknown[0] ?? parsed._[0];
  if (stray !== undefined) return usageError(program, strayMessage(specs, String(stray)));
  const credentials = findCredentials(specs, (name) => textsOf(parsed[name]), findCredential);
  const [file = credentials.get("config"), ...others] = textsOf(parsed["config"]);
  const config = file && others.length === 0 ? readConfig(program, file) : undefined;
  if (typeof config === "string") return usageError(program, config);
  // What a service is given as a file is not to be taken from a text as well.
  const isGiven = (name: string) => credentials.has(`${name}-file`);
  for (const spec of specs) {
    const credential = credentials.get(spec.name);
    const configured = isGiven(spec.name) ? undefined : config?.get(spec.name);
    const kept = credential === undefined ? configured : [credential];
    const found = readOption(spec, parsed[spec.name], kept);
    if (typeof found === "string") return usageError(program, found);
    if (found !== undefined) values.set(spec.name, found.value);
  }
  return { kind: "run", values: new OptionValues(values) };
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

/** An option's own name in the place of another one for it. */
function withoutAlias(specs: readonly OptionSpec[], arg: string): string {
  const [head] = arg.split("=", 1);
  const spec = specs.find(({ alias }) => alias !== undefined && head === `--${alias}`);
  return spec === undefined ? arg : `--${spec.name}${arg.slice(head.length)}`;
}

/**
 * `--name`, `value` as `--name=value`, so that a value may begin with a dash (each 64th fingerprint
 * does) or be empty. What is an option of the program is no value.
 */
function joinValues(specs: readonly OptionSpec[], args: readonly string[]): string[] {
  const takesValue = (arg: string) =>
    specs.some(({ name, value }) => value !== undefined && arg === `--${name}`);
  const isOption = (arg: string) =>
    arg === "--" || arg === "-h" || specs.some(({ name }) => arg.split("=")[0] === `--${name}`);
  const joined: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const next = args[index + 1];
    if (next === undefined || !takesValue(args[index]) || isOption(next)) joined.push(args[index]);
    else {
      joined.push(`${args[index]}=${next}`);
      index++;
    }
  }
  return joined;
}

function strayMessage(specs: readonly OptionSpec[], stray: string): string {
  if (!stray.startsWith("-")) return `unexpected argument "${stray}"`;
  const name = stray.replace(/^-+/, "").replace(/=.*$/s, "");
  const near = specs.find((spec) => spec.name.startsWith(name) || name.startsWith(spec.name));
  return `unknown option "${stray.replace(/=.*$/s, "")}"` +
    (near === undefined ? "" : `; did you mean --${near.name}?`);
}

/** An option's value, `undefined` when absent, or what is wrong with it. */
function readOption(
  spec: OptionSpec,
  raw: unknown,
  configured?: readonly string[] | boolean,
): { value: readonly string[] | boolean } | string | undefined {
  if (spec.value === undefined) return raw || configured ? { value: true } : undefined;
  const given = textsOf(raw);
  if (given.length > 1 && !spec.repeatable) return `--${spec.name} is given ${given.length} times`;
  if (given.length === 0 && Array.isArray(configured)) return { value: configured };
  const texts = given.length === 0 && spec.default !== undefined ? [spec.default] : given;
  if (texts.length === 0) {
    return spec.required ? `--${spec.name} ${spec.value} is missing` : undefined;
  }
  for (const text of texts) {
    if (text === "") return `--${spec.name} needs a value: --${spec.name} ${spec.value}`;
    const wrong = wrongValue(spec, text);
    if (wrong !== undefined) return `--${spec.name}${spec.secret ? ":" : ""} ${wrong}`;
  }
  return { value: texts };
}

/** What is wrong with a value of an option: the value, unless it is secret, and why. */
export function wrongValue(spec: OptionSpec, text: string): string | undefined {
  if (text === "") return "needs a value";
  const wrong = spec.check?.(text);
  return wrong === undefined ? undefined : spec.secret ? wrong : `"${quoted(text)}": ${wrong}`;
}

/** What is quoted of a key or value at most, in code points. */
const QUOTED_MAX = 80;

/** A text of a command line or file in a line of ours: it may be long, and from somebody else. */
export function quoted(text: string): string {
  const clean = cleanText(text, QUOTED_MAX + 1);
  const short = countCodePoints(clean) > QUOTED_MAX ? `${cleanText(clean, QUOTED_MAX)} …` : clean;
  return isolated(short);
}

function textsOf(raw: unknown): string[] {
  return (Array.isArray(raw) ? raw : []).map(String);
}

function usageError(program: ProgramSpec, message: string): ParsedCommandLine {
  return {
    kind: "usage-error",
    message: `${program.name}: ${message} (see ${program.name} --help)`,
  };
}

function helpOfCommand({ name, words, summary }: CommandSpec): string[] {
  return wrap(`  ${name}${words === undefined ? "" : ` ${words}`}`, summary);
}

/** The help text, 80 columns wide where the words allow it. */
export function formatHelp(program: ProgramSpec): string {
  const { commands = [] } = program;
  const command = commands.length === 0 ? "" : " [command]";
  const lines = [program.summary, "", `Usage: ${program.name}${command} [options]`, ""];
  if (commands.length > 0) {
    lines.push("Commands:", ...commands.flatMap(helpOfCommand));
    lines.push("");
  }
  lines.push("Options:");
  for (const spec of allOptions(program)) {
    const notes = [
      spec.required ? "required" : "",
      spec.repeatable ? "may be repeated" : "",
      spec.default === undefined ? "" : `default ${spec.default}`,
    ].filter((note) => note !== "");
    const names = spec.alias === undefined ? spec.name : `${spec.name}, --${spec.alias}`;
    const head = `  --${names}${spec.value === undefined ? "" : ` ${spec.value}`}`;
    const tail = spec.help + (notes.length === 0 ? "" : ` (${notes.join(", ")})`);
    lines.push(...wrap(head, tail));
  }
  lines.push("", program.examples.length === 1 ? "Example:" : "Examples:");
  lines.push(...program.examples.map((example) => `  ${example}`), "");
  lines.push("Exit codes: 0 ended as asked, 1 failed, 2 wrong usage.");
  return lines.join("\n");
}

const HELP_COLUMN = 32;
const HELP_WIDTH = 100;

function wrap(head: string, text: string): string[] {
  const lines: string[] = [];
  let line = head.length < HELP_COLUMN - 1 ? head.padEnd(HELP_COLUMN) : head;
  if (line === head) {
    lines.push(line);
    line = " ".repeat(HELP_COLUMN);
  }
  for (const word of text.split(" ")) {
    if (line.length + word.length > HELP_WIDTH) {
      lines.push(line.trimEnd());
      line = " ".repeat(HELP_COLUMN);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

/** A check: the text is one of the given words. */
export function oneOf(...words: readonly string[]): (text: string) => string | undefined {
  return (text) => words.includes(text) ? undefined : `expected one of ${words.join(", ")}`;
}

/** A check: the text is a whole number within the bounds. */
export function integerBetween(
  minimum: number,
  maximum: number,
): (text: string) => string | undefined {
  return (text) =>
    /^[0-9]{1,9}$/.test(text) && Number(text) >= minimum && Number(text) <= maximum
      ? undefined
      : `expected a whole number from ${minimum} to ${maximum}`;
}
