/**
 * `deno task build`: dist/lanparty-relay, dist/lanparty-gateway and dist/lanparty-client;
 * `deno task build --target windows`: dist/lanparty-client.exe.
 *
 * What the system lacks is found first; then come the native library, the compile runtime and the three
 * executables, each from the cache if nothing that it is made from has changed.
 */
import { parseArgs } from "@std/cli";
import { BuildError } from "./cache.ts";
import {
  ensureExecutables,
  ensureWindowsClient,
  executablePath,
  PROGRAMS,
  ROOT,
  WINDOWS_CLIENT,
} from "./executables.ts";
import { ensureLibrary, isLibraryCached } from "./native_library.ts";
import {
  ensurePrerequisites,
  MINGW,
  NATIVE_LIBRARY,
  type Prerequisite,
  PYTHON_PACKAGES,
} from "./prerequisites.ts";
import { say } from "./progress.ts";
import {
  ensureRuntime,
  findRuntime,
  needsPythonPackages,
  requirePinnedDeno,
  RUNTIME_TARGETS,
} from "./runtime.ts";
import { ensureWindowsLibrary, isWindowsLibraryCached } from "./windows_library.ts";

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

/** Builds the Windows client; as with `build`, all that is missing is named before the work begins. */
export async function buildWindowsClient(
  alsoNeeded: readonly Prerequisite[] = [],
): Promise<void> {
  requirePinnedDeno();
  const target = RUNTIME_TARGETS.windows;
  const source = await findRuntime(target);
  await ensurePrerequisites([
    ...MINGW,
    ...(await isWindowsLibraryCached() ? [] : NATIVE_LIBRARY),
    ...(await needsPythonPackages(source, target) ? PYTHON_PACKAGES : []),
    ...alsoNeeded,
  ]);
  const library = await ensureWindowsLibrary();
  const runtime = await ensureRuntime(source, target);
  await ensureWindowsClient(library, runtime);
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
  const options = parseArgs(Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args, {
    string: ["target", "_"],
    default: { target: "linux" },
  });
  const target = String(options["target"]);
  const known = Object.keys(options).every((name) => name === "target" || name === "_");
  if (!known || options._.length > 0 || !Object.hasOwn(RUNTIME_TARGETS, target)) {
    console.error("usage: deno task build [--target linux|windows]");
    return 2;
  }
  const startedMs = performance.now();
  if (target === "windows") await buildWindowsClient();
  else await build();
  const paths = target === "windows" ? [WINDOWS_CLIENT] : PROGRAMS.map(executablePath);
  for (const path of paths) {
    const { size } = await Deno.stat(path);
    say(`${path.slice(ROOT.length + 1)} ${(size / 1e6).toFixed(1)} MB`);
  }
  say(`built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return 0;
}

if (import.meta.main) await runTool(main);
