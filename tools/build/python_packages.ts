/** Packages of Python's, taken by their hashes. */
import { cached, exists, hashOf, prune } from "./cache.ts";
import { findWorking, Log, outputOf, run } from "./process.ts";
import { PIP_VERSION, SYSTEM_CERTIFICATES } from "./prerequisites.ts";
import { step } from "./progress.ts";

/** What the programs that attack a relay need. */
export const ATTACK_REQUIREMENTS =
  new URL("../../tests/attacks/requirements.txt", import.meta.url).pathname;

/** The Python that has a package installer, which is not always the first on the search path. */
export async function findPython(): Promise<string> {
  const [name, ...args] = PIP_VERSION;
  return await findWorking(name, args) ?? name;
}

/** Runs Python's package installer; a requirement without a hash is an error. */
export async function runPip(log: Log, args: readonly string[]): Promise<void> {
  // A proxy's certificate is where the system keeps it, which pip does not look at by itself.
  const certificates = Deno.env.get("PIP_CERT") ??
    (await exists(SYSTEM_CERTIFICATES) ? SYSTEM_CERTIFICATES : undefined);
  const [command, ...options] = args;
  await run(log, [
    ...[await findPython(), "-m", "pip", command, "--require-hashes", "--no-deps"],
    ...["--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input"],
    ...options,
  ], { env: certificates === undefined ? {} : { PIP_CERT: certificates } });
}

/** A Python program's beginning of the command line, and what its environment must have. */
export interface PythonWithPackages {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A Python that finds the packages of that file, which are installed if need be. */
export async function ensurePackages(requirements: string): Promise<PythonWithPackages> {
  const python = await findPython();
  // Some packages are compiled for one version of Python alone.
  const version = await outputOf([python, "-c", "import sys; print(sys.version_info[:2])"]) ?? "";
  const key = await hashOf([await Deno.readFile(requirements), version, Deno.build.target]);
  const folder = await cached("python-packages", key, async (target) => {
    await step("python: installing packages for the tests", async () => {
      const log = await Log.open("python-packages");
      try {
        await runPip(log, ["install", "--target", target, "-r", requirements]);
      } finally {
        log.close();
      }
    });
  });
  await prune("python-packages", 4);
  return { python, env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" } };
}
