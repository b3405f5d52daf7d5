/** The command line of `deno task bench --rivals`. */
import { parseArguments } from "../../../src/cli/arguments.ts";
import { type Part, PARTS } from "./rows.ts";

const ROUNDS = 5;
const ROUNDS_MAX = 100;
/** Names of peers that are given: they become part of a table and of file names. */
const NAME = /^[a-z0-9][a-z0-9.-]{0,19}$/;

/** How it is called. */
export const RIVALS_USAGE =
  "deno task bench --rivals [--rounds N] [--rows ROW,…] [--peers PEER,…] " +
  "[--also NAME=FOLDER]… [--keep]";

const OPTIONS = [
  { name: "rounds", value: "N" },
  { name: "rows", value: "ROW,…" },
  { name: "peers", value: "PEER,…" },
  { name: "also", value: "NAME=FOLDER", repeatable: true },
  { name: "keep" },
];

/** Another build of ours, to be measured beside. */
export interface OtherBuild {
  readonly name: string;
  /** Where its three executables lie. */
  readonly folder: string;
}

/** What is to be measured. */
export interface RivalsOptions {
  readonly rounds: number;
  readonly parts: readonly Part[];
  /** By their names; undefined: ours and every rival that is to be had here. */
  readonly peers: readonly string[] | undefined;
  readonly also: readonly OtherBuild[];
  /** Whether docs/PERFORMANCE.md is made of what was measured. */
  readonly keep: boolean;
}

/** Reads the command line; a text says in one line what is wrong with it. `known` are the peers' names. */
export function readRivalsOptions(
  args: readonly string[],
  known: readonly string[],
): RivalsOptions | string {
  const { values, switches, words, mistakes } = parseArguments(OPTIONS, args);
  if (mistakes.length > 0) return mistakes[0];
  if (words.length > 0) return `unexpected argument "${words[0]}"`;
  const rounds = values.get("rounds")?.at(-1) ?? `${ROUNDS}`;
  if (!/^\d{1,3}$/.test(rounds) || Number(rounds) < 1 || Number(rounds) > ROUNDS_MAX) {
    return `--rounds ${rounds}: give a number from 1 to ${ROUNDS_MAX}`;
  }
  const parts = readList("rows", values.get("rows")?.at(-1), PARTS);
  if (typeof parts === "string") return parts;
  const peers = readList("peers", values.get("peers")?.at(-1), known);
  if (typeof peers === "string") return peers;
  const also = (values.get("also") ?? []).map((text) => readOtherBuild(text, known));
  const wrong = also.find((one) => typeof one === "string");
  if (wrong !== undefined) return wrong;
  const builds = also.filter((one) => typeof one !== "string");
  const names = builds.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `--also ${twice}: this name is given twice`;
  return {
    rounds: Number(rounds),
    parts: parts ?? PARTS,
    peers,
    also: builds,
    keep: switches.has("keep"),
  };
}

/** A list of names with commas, in the order in which the names are known; or what is wrong with it. */
function readList<Name extends string>(
  option: string,
  text: string | undefined,
  known: readonly Name[],
): readonly Name[] | string | undefined {
  if (text === undefined) return undefined;
  const given = text.split(",").map((name) => name.trim());
  const unknown = given.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) {
    return `--${option}: there is no "${unknown}"; there are ${known.join(", ")}`;
  }
  return known.filter((name) => given.includes(name));
}

function readOtherBuild(text: string, known: readonly string[]): OtherBuild | string {
  const at = text.indexOf("=");
  const [name, folder] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || folder === "") return `--also ${text}: give NAME=FOLDER`;
  if (!NAME.test(name)) return `--also ${text}: a name has 1 to 20 of a-z, 0-9, dot and dash`;
  if (known.includes(name)) return `--also ${text}: there is a peer of this name already`;
  return { name, folder };
}
