/**
 * What lanparty is made of, and built and tested with, as the repository's lock files name it.
 */
import { parse as parseToml } from "smol-toml";
import { z } from "zod";

/** Where parts come from, by the tool that fetches them. */
export type Source = "npm" | "cargo" | "pip";

/** A part in the version that is used. */
export interface Part {
  readonly source: Source;
  readonly name: string;
  readonly version: string;
  /** Why it is there, and what a newer one has to fit. */
  readonly remark?: string;
}

const DenoLock = z.object({
  specifiers: z.record(z.string(), z.string()),
  npm: z.record(z.string(), z.unknown()),
});

/** `NAME@VERSION`, where the name may begin with an @ of its own. */
const NAME_AND_VERSION = /^(@?[^@]+)@([^_]+)/;

/** The npm packages of a deno.lock: those that our modules import, and all of them. */
export function npmParts(lock: string): { direct: Part[]; all: Part[] } {
  const { specifiers, npm } = DenoLock.parse(JSON.parse(lock));
  const part = (text: string): Part => {
    const [, name, version] = NAME_AND_VERSION.exec(text) ?? [];
    if (version === undefined) throw new Error(`deno.lock: no package and version: ${text}`);
    return { source: "npm", name, version };
  };
  const direct = Object.entries(specifiers).flatMap(([specifier, resolved]) => {
    const name = specifier.match(/^npm:(@?[^@]+)/)?.[1];
    return name === undefined ? [] : [part(`${name}@${resolved}`)];
  });
  // One package may stand there more than once, with other packages that it works with.
  const all = new Map(Object.keys(npm).map(part).map((one) => [`${one.name}@${one.version}`, one]));
  return { direct, all: [...all.values()] };
}

const CargoLock = z.object({
  package: z.array(z.object({
    name: z.string(),
    version: z.string(),
    source: z.string().optional(),
    dependencies: z.array(z.string()).default([]),
  })),
});

/** The crates that our own package of a Cargo.lock asks for: those without a source are ours. */
export function cargoParts(lock: string): Part[] {
  const packages = CargoLock.parse(parseToml(lock)).package;
  const wanted = packages.filter(({ source }) => source === undefined)
    .flatMap(({ dependencies }) => dependencies.map((one) => one.split(" ")[0]));
  return packages.filter(({ name, source }) => source !== undefined && wanted.includes(name))
    .map(({ name, version }) => ({ source: "cargo", name, version }));
}

/** The packages of a requirements file (pip's), which names each with its version. */
export function pipParts(requirements: string): Part[] {
  return [...requirements.matchAll(/^([\w.-]+)(?:\[.*?\])?==([^\s;\\]+)/gm)]
    .map(([, name, version]) => ({ source: "pip", name, version }));
}
