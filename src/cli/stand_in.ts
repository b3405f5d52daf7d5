/**
 * An option that says what others are for, such as an invite: the others must not be given beside it, or nobody
 * could tell which of the two counts.
 *
 * - On the command line it outranks what the configuration file has for the others.
 * - In the environment it counts only where neither it nor one of the others is given at all.
 *
 * @module
 */
import { takeSecret } from "../system/environment/mod.ts";
import { type OptionSpec } from "./options.ts";
import { Unfit } from "./unfit.ts";

/** Where texts come from. */
export interface StandInSources {
  /** Whether the command line, or systemd, gives it. */
  isNamed(name: string): boolean;
  /** The text of the command line, or of systemd. */
  given(name: string): string | undefined;
  /** What the configuration file has. */
  configured(name: string): readonly string[] | boolean | undefined;
}

/**
 * The texts of the options for which another stands, none of them for those that it leaves out, and its own;
 * undefined: there is no such option, or it is not given. A text is what is wrong.
 */
export function spreadStandIn(
  specs: readonly OptionSpec[],
  sources: StandInSources,
): ReadonlyMap<string, readonly string[]> | string | undefined {
  const standIns = specs.flatMap((spec) => spec.standsFor === undefined ? [] : [spec]);
  const others = [...new Set(standIns.flatMap(({ standsFor }) => standsFor?.options ?? []))];
  const named = standIns.filter(({ name }) => sources.isNamed(name));
  const kept = standIns.filter(({ name }) => sources.configured(name) !== undefined);
  const [spec] = named.length > 0 ? named : kept;
  const isOther = (name: string) =>
    sources.isNamed(name) || named.length === 0 && sources.configured(name) !== undefined;
  if (spec === undefined) {
    return others.some(isOther) ? undefined : inherited(standIns, others);
  }
  const rival = [...standIns.map(({ name }) => name), ...others]
    .find((name) => name !== spec.name && isOther(name));
  if (rival !== undefined) return `--${spec.name} and --${rival}: give one of them`;
  const configured = sources.configured(spec.name);
  const text = sources.given(spec.name) ?? (Array.isArray(configured) ? configured.at(-1) : "");
  return spread(spec, `--${spec.name}`, text ?? "", others);
}

/** What the environment has; it is taken out of there. */
function inherited(
  specs: readonly OptionSpec[],
  others: readonly string[],
): ReadonlyMap<string, readonly string[]> | string | undefined {
  for (const spec of specs) {
    const { variable } = spec.standsFor ?? {};
    const text = variable === undefined ? undefined : takeSecret(variable);
    if (text === undefined || text === "" || variable === undefined) continue;
    return spread(spec, variable, text, others);
  }
  return undefined;
}

function spread(
  { name, secret, standsFor }: OptionSpec,
  where: string,
  text: string,
  others: readonly string[],
): ReadonlyMap<string, readonly string[]> | string | undefined {
  const read = standsFor?.read(text);
  if (read instanceof Unfit) return `${where}${secret ? "" : ` ${text}`}: ${read.why}`;
  if (read === undefined) return undefined;
  const none = others.map((other) => [other, []] as const);
  return new Map<string, readonly string[]>([...none, ...read, [name, [text]]]);
}
