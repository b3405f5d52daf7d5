/**
 * What it takes to make a service of a program, and to take away exactly that: from what is there to what is to be done.
 *
 * @module
 */

/** Where installed programs are: services see it, and so does whoever types their name. */
export const PROGRAM_FOLDER = "/usr/local/bin";

/** Where an installed program is. */
export function programPath(program: string, folder: string = PROGRAM_FOLDER): string {
  return `${folder}/${program}`;
}

/** A program that can make a service of itself. */
export interface Installable {
  /** Its name, which is the service's, too. */
  readonly program: "lanparty-relay" | "lanparty-gateway";
  /** The command that makes the service, and the one that takes it away, without the program's name. */
  readonly command: string;
  readonly undo: string;
}

/** What was made beside the unit, and of what; it stands in the unit. */
export interface InstallMark {
  /** Whether the program was put to {@linkcode PROGRAM_FOLDER}, where there was none. */
  readonly isProgramOurs: boolean;
  /** The options that were given, with absolute paths. */
  readonly args: readonly string[];
}

/** What is there before. */
export interface InstallFacts {
  /** The unit of the service's name; undefined: there is none. */
  readonly unit: string | undefined;
  /** What is in {@linkcode PROGRAM_FOLDER} under the program's name: this very file, another one, nothing. */
  readonly place: "this" | "other" | "nothing";
}

/** What is to be done, or why nothing is: one clause. */
export type InstallPlan =
  | { readonly ok: true; readonly copies: boolean; readonly isProgramOurs: boolean }
  | { readonly ok: false; readonly why: string };

/** What is to be taken away; undefined: there is nothing. */
export type RemovalPlan =
  | { readonly ok: true; readonly unit: boolean; readonly program: boolean }
  | { readonly ok: false; readonly why: string };

/** A service of that name which somebody has made by hand is left alone. */
export function planInstall({ program, command }: Installable, facts: InstallFacts): InstallPlan {
  const { unit, place } = facts;
  const before = unit === undefined ? undefined : readMark(unit);
  if (unit !== undefined && before === undefined) {
    return { ok: false, why: foreign(program, `${program} ${command}`) };
  }
  return {
    ok: true,
    copies: place !== "this",
    isProgramOurs: place === "nothing" || (before?.isProgramOurs ?? false),
  };
}

/** Takes away what {@linkcode planInstall} has led to, and nothing that was there before. */
export function planRemoval(
  { program, command }: Installable,
  unit: string | undefined,
): RemovalPlan {
  if (unit === undefined) return { ok: true, unit: false, program: false };
  const mark = readMark(unit);
  return mark === undefined
    ? { ok: false, why: foreign(program, `${program} ${command}`) }
    : { ok: true, unit: true, program: mark.isProgramOurs };
}

function foreign(program: string, command: string): string {
  return `the service ${program} was not made by ${command}, so it is left alone; to take it away: ` +
    `systemctl disable --now ${program} && rm /etc/systemd/system/${program}.service`;
}

const MARK = /^# Made by lanparty-[a-z]+ .*: (\{.*\})$/m;

/** How a printed unit says that it is installed by hand. */
const BY_HAND = /^# Install: .*\n(?:#.*\n)*/;

/** The unit with what was made beside it. */
export function markUnit(
  unit: string,
  { program, command, undo }: Installable,
  mark: InstallMark,
): string {
  return `# Made by ${program} ${command}, taken away by ${program} ${undo}: ${
    JSON.stringify(mark)
  }\n${unit.replace(BY_HAND, "")}`;
}

/** What a unit says of how it was made; undefined: not by {@linkcode markUnit}. */
export function readMark(unit: string): InstallMark | undefined {
  const [, text] = MARK.exec(unit) ?? [];
  if (text === undefined) return undefined;
  try {
    const { isProgramOurs, args } = JSON.parse(text);
    const isMark = typeof isProgramOurs === "boolean" && Array.isArray(args) &&
      args.every((arg) => typeof arg === "string");
    return isMark ? { isProgramOurs, args } : undefined;
  } catch {
    return undefined;
  }
}
