/**
 * `deno task build`: dist/lanparty-relay, dist/lanparty-gateway and dist/lanparty-client.
 *
 * What the system lacks is found first; then come the native library, the compile runtime and the three
 * executables, each from the cache if nothing that it is made from has changed.
 */
import { BuildError } from "./cache.ts";
import { ensureExecutables, executablePath, PROGRAMS, ROOT } from "./executables.ts";
import { ensureLibrary, isLibraryCached } from "./native_library.ts";
import {
  ensurePrerequisites,
  NATIVE_LIBRARY,
  type Prerequisite,
  PYTHON_PACKAGES,
} from "./prerequisites.ts";
import { say } from "./progress.ts";
import { ensureRuntime, findRuntime, needsPythonPackages, requirePinnedDeno } from "./runtime.ts";

/**
 * Builds everything. `alsoNeeded` is what the caller will need after the build, so that all that is
 * missing is named at once, before the work begins.
 */
export async function build(alsoNeeded: readonly Prerequisite[] = []): Promise<void> {
  requirePinnedDeno();
  const source = await findRuntime();
  await ensurePrerequisites([
    ...(await isLibraryCached() ? [] : NATIVE_LIBRARY),
    ...(await needsPythonPackages(source) ? PYTHON_PACKAGES : []),
    ...alsoNeeded,
  ]);
  const library = await ensureLibrary();
  const runtime = await ensureRuntime(source);
  await ensureExecutables(library, runtime);
}

/** Runs a tool's main function: what the user can mend is shown as text, anything else with its trace. */
export async function runTool(main: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await main());
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}

async function main(): Promise<number> {
  if (Deno.args.length > 0) {
    console.error("usage: deno task build (it takes no arguments)");
    return 2;
  }
  const startedMs = performance.now();
  await build();
  for (const program of PROGRAMS) {
    const path = executablePath(program);
    const { size } = await Deno.stat(path);
    say(`${path.slice(ROOT.length + 1)} ${(size / 1e6).toFixed(1)} MB`);
  }
  say(`built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return 0;
}

if (import.meta.main) await runTool(main);
