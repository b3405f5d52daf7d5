/** Programs of Debian packages that are not installed: unpacked into the cache, they start no service. */
import { BuildError, cached, hashOf, prune } from "./cache.ts";
import { Log, outputOf, run } from "./process.ts";
import { step } from "./progress.ts";

/** The version that apt would install; undefined if it knows none. */
async function candidateOf(name: string): Promise<string | undefined> {
  const policy = await outputOf(["apt-cache", "policy", name]) ?? "";
  return /^ {2}Candidate: (?!\(none\))(\S+)$/m.exec(policy)?.[1];
}

/** An unpacked package. */
export interface UnpackedPackage {
  /** Its files lie below as they would below `/`. */
  readonly root: string;
  readonly version: string;
}

/** The folder of an unpacked package: see {@linkcode unpack}. */
export async function unpackedPackage(name: string): Promise<string> {
  return (await unpack(name)).root;
}

/**
 * Downloads a package at first use and unpacks it; what it depends on is not there.
 *
 * @throws {BuildError} apt knows no such package
 */
export async function unpack(name: string): Promise<UnpackedPackage> {
  const log = await Log.open(`debian-${name}`);
  try {
    if (await candidateOf(name) === undefined) await run(log, ["apt-get", "update", "-q"]);
    const version = await candidateOf(name);
    if (version === undefined) throw new BuildError(`apt knows no package ${name}`);
    const kind = `debian-${name}`;
    const folder = await cached(kind, await hashOf([name, version]), async (target) => {
      await step(`unpacking Debian's ${name}`, async () => {
        const options = { cwd: target };
        // The lists may be older than what the mirror still has: then they are fetched anew, once.
        await run(log, ["apt-get", "download", "-q", name], options).catch(async () => {
          await run(log, ["apt-get", "update", "-q"]);
          await run(log, ["apt-get", "download", "-q", name], options);
        });
        const [file] = [...Deno.readDirSync(target)].map((entry) => entry.name);
        await run(log, ["dpkg-deb", "--extract", `${target}/${file}`, `${target}/root`]);
        await Deno.remove(`${target}/${file}`);
      });
    });
    await prune(kind, 1);
    return { root: `${folder}/root`, version };
  } finally {
    log.close();
  }
}
