/**
 * Command lines taken apart, by a table of options: `--name VALUE`, `--name=VALUE`, switches, one letter for
 * some of them, and words that are no options. Behind `--` all are words.
 *
 * @module
 */
import { cleanText, countCodePoints, isolated } from "../proto/clean_text.ts";

/** What taking a command line apart has to know of an option. */
export interface OptionShape {
  /** The long name without `--`. */
  readonly name: string;
  /** Another long name for it. */
  readonly alias?: string;
  /** One letter for it, behind a single dash. */
  readonly letter?: string;
  /** The value's placeholder; without it the option is a switch. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly repeatable?: boolean;
}

/** A command line by its parts. */
export interface ParsedArguments {
  /** The values, by the options' names, in the order in which they were given. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** The names of the switches that are on. */
  readonly switches: ReadonlySet<string>;
  /** What is no option and no value of one. */
  readonly words: readonly string[];
  /** Where the words in front of any `--` stand in the command line. */
  readonly positions: readonly number[];
  /** What is wrong, one clause each; the first is what to tell. */
  readonly mistakes: readonly string[];
}

/** Takes a command line apart. An option of the table is never the value of another one. */
export function parseArguments(
  options: readonly OptionShape[],
  args: readonly string[],
): ParsedArguments {
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  const words: string[] = [];
  const positions: number[] = [];
  const mistakes: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === "--") {
      words.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      positions.push(index);
      continue;
    }
    const option = findOption(options, arg);
    const assigned = assignedText(arg);
    if (option === undefined) mistakes.push(unknownOption(options, arg));
    else if (option.value === undefined) {
      if (assigned === undefined) switches.add(option.name);
      else mistakes.push(`--${option.name} takes no value`);
    } else {
      const next = args[index + 1];
      const isOwn = assigned === undefined && next !== undefined && next !== "--" &&
        findOption(options, next) === undefined;
      if (isOwn) index++;
      const text = assigned ?? (isOwn ? next : "");
      if (text === "") mistakes.push(`--${option.name} needs a value: ${usageOf(option)}`);
      const texts = values.get(option.name) ?? [];
      values.set(option.name, [...texts, text]);
    }
  }
  for (const { name, repeatable } of options) {
    const count = values.get(name)?.length ?? 0;
    if (count > 1 && !repeatable) mistakes.push(`--${name} is given ${count} times`);
  }
  return { values, switches, words, positions, mistakes };
}

function usageOf({ name, value }: OptionShape): string {
  return `--${name} ${value}`;
}

/** What stands before the first `=`. */
function headOf(arg: string): string {
  const at = arg.indexOf("=");
  return at < 0 ? arg : arg.slice(0, at);
}

function assignedText(arg: string): string | undefined {
  const at = arg.indexOf("=");
  return at < 0 ? undefined : arg.slice(at + 1);
}

/** The option that an argument names, with or without a value behind a `=`; undefined: none of these. */
export function findOption<Shape extends OptionShape>(
  options: readonly Shape[],
  arg: string,
): Shape | undefined {
  const head = headOf(arg);
  return options.find(({ name, alias, letter }) =>
    head === `--${name}` || (alias !== undefined && head === `--${alias}`) ||
    (letter !== undefined && head === `-${letter}`)
  );
}

function unknownOption(options: readonly OptionShape[], arg: string): string {
  const head = headOf(arg);
  const names = options.flatMap(({ name, alias }) => alias === undefined ? [name] : [name, alias]);
  const near = nearestName(names, head.replace(/^-+/, ""));
  return `unknown option "${quoted(head)}"` +
    (near === undefined ? "" : `; did you mean --${near}?`);
}

/** So many letters may be wrong, and one in so many: short names are like too many others. */
const LIKE_EDITS_MAX = 2;
const LETTERS_PER_EDIT = 3;

/**
 * The name that was probably meant: one that begins so, the one with the fewest letters changed, or one that this
 * begins with.
 */
export function nearestName(names: readonly string[], given: string): string | undefined {
  if (given === "") return undefined;
  return names.find((name) => name.startsWith(given)) ?? likeName(names, given) ??
    names.find((name) => given.startsWith(name));
}

function likeName(names: readonly string[], given: string): string | undefined {
  const editsMax = Math.min(LIKE_EDITS_MAX, Math.floor(given.length / LETTERS_PER_EDIT));
  let nearest: string | undefined;
  let fewest = editsMax + 1;
  for (const name of names) {
    if (Math.abs(name.length - given.length) > editsMax) continue;
    const edits = editDistance(name, given);
    if (edits < fewest) [nearest, fewest] = [name, edits];
  }
  return nearest;
}

/**
 * How many letters must be put in, taken out, exchanged for another or with their neighbour to make one text of the
 * other (the restricted Damerau-Levenshtein distance).
 */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + other);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) edits = Math.min(edits, beforeLast[j - 2] + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length];
}

/** What is quoted of a key or value at most, in code points. */
const QUOTED_MAX = 80;

/** A text of a command line or file in a line of ours: it may be long, and from somebody else. */
export function quoted(text: string): string {
  const clean = cleanText(text, QUOTED_MAX + 1);
  const short = countCodePoints(clean) > QUOTED_MAX ? `${cleanText(clean, QUOTED_MAX)} …` : clean;
  return isolated(short);
}
