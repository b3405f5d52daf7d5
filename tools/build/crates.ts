/** Sources in C out of crates: cargo downloads them and checks their hashes against `msquic/Cargo.lock`. */
import { BuildError } from "./cache.ts";
import { findWorking, type Log, outputOf, run, searchPath } from "./process.ts";

const MANIFEST = new URL("../msquic/Cargo.toml", import.meta.url).pathname;

/** The names of the crates that something is taken from. */
export type CrateName = "msquic" | "openssl-src" | "seera-msquic";

/** Has cargo download all crates; returns where a crate lies unpacked. */
export async function fetchCrates(log: Log): Promise<(name: CrateName) => string> {
  const manifest = `--manifest-path=${MANIFEST}`;
  // Before 1.68 cargo asks a git repository of every package for the index, unless told otherwise.
  const program = await findWorking("cargo", ["--version"]);
  if (program === undefined) throw new BuildError("cargo is gone");
  const version = await outputOf([program, "--version"]) ?? "";
  const [, major, minor] = version.match(/^cargo (\d+)\.(\d+)/) ?? [];
  const old = Number(major) === 1 && Number(minor) < 68;
  const cargo = [program, ...(old ? ["-Z", "sparse-registry"] : [])];
  const env = {
    // The rustc beside this cargo, not the one of another installation.
    PATH: `${program.slice(0, program.lastIndexOf("/"))}:${searchPath()}`,
    ...(old ? { RUSTC_BOOTSTRAP: "1" } : {}),
  };
  const target = Deno.build.target;
  await run(log, [...cargo, "fetch", "--locked", "--target", target, manifest], { env });
  const metadata = await outputOf([
    ...cargo,
    ...["metadata", "--locked", "--offline", "--format-version=1", "--filter-platform", target],
    manifest,
  ], { env });
  const packages: { name: string; manifest_path: string }[] =
    JSON.parse(metadata ?? "{}").packages ?? [];
  return (wanted) => {
    const crate = packages.find(({ name }) => name === wanted);
    if (crate === undefined) throw new BuildError(`cargo fetched no ${wanted}; log: ${log.path}`);
    return crate.manifest_path.replace(/\/Cargo\.toml$/, "");
  };
}
