/**
 * `deno task build`: dist/lanparty-relay, dist/lanparty-gateway and dist/lanparty-client;
 * `deno task build --target windows`: dist/lanparty-client.exe, with an msquic.dll of one's own by
 * `--msquic FILE`, and with the TAP driver's package of a folder inside by `--tap-driver DIR`.
 *
 * What the system lacks is found first; then come the native library, the compile runtime and the three
 * executables, each from the cache if nothing that it is made from has changed.
 */
import { BuildError } from "./cache.ts";
import {
  compileSanitizedPrograms,
  ensureExecutables,
  ensureWindowsClient,
  executablePath,
  PROGRAMS,
  ROOT,
  WINDOWS_CLIENT,
  type WindowsParts,
} from "./executables.ts";
import { ensureLibrary, ensureSanitizedLibrary, isLibraryCached } from "./native_library.ts";
import {
  ensurePrerequisites,
  MINGW,
  NATIVE_LIBRARY,
  type Prerequisite,
  PYTHON_PACKAGES,
} from "./prerequisites.ts";
import { say } from "./progress.ts";
import { readToolArguments } from "./tool_arguments.ts";
import {
  ensureRuntime,
  findRuntime,
  needsPythonPackages,
  requirePinnedDeno,
  RUNTIME_TARGETS,
} from "./runtime.ts";
import {
  ensureWindowsLibrary,
  isWindowsLibraryCached,
  takeWindowsLibrary,
} from "./windows_library.ts";

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

/** Builds everything with sanitizers, beside what `build` has made before. */
export async function buildSanitized(): Promise<{ library: string; programs: string }> {
  const source = await findRuntime();
  const runtime = await ensureRuntime(source);
  const plain = await ensureLibrary();
  const library = await ensureSanitizedLibrary();
  return {
    library: library.path,
    programs: await compileSanitizedPrograms(library, plain, runtime),
  };
}

/** What the Windows client is built with. */
export interface WindowsBuildOptions {
  /** An msquic.dll that takes the place of ours. */
  readonly msquic?: string | undefined;
  /** A folder with the TAP driver's package, which the client then installs where it is missing. */
  readonly tapDriver?: string | undefined;
}

/** Finds and makes what the Windows client is made of; all that is missing is named before. */
export async function prepareWindowsClient(
  { msquic, tapDriver }: WindowsBuildOptions = {},
  alsoNeeded: readonly Prerequisite[] = [],
): Promise<WindowsParts> {
  requirePinnedDeno();
  const target = RUNTIME_TARGETS.windows;
  const source = await findRuntime(target);
  const needsSource = msquic === undefined && !(await isWindowsLibraryCached());
  await ensurePrerequisites([
    ...MINGW,
    ...(needsSource ? NATIVE_LIBRARY : []),
    ...(await needsPythonPackages(source, target) ? PYTHON_PACKAGES : []),
    ...alsoNeeded,
  ]);
  return {
    library: msquic === undefined ? await ensureWindowsLibrary() : await takeWindowsLibrary(msquic),
    runtime: await ensureRuntime(source, target),
    driverFolder: tapDriver,
  };
}

/** Builds the Windows client. */
export async function buildWindowsClient(options: WindowsBuildOptions = {}): Promise<void> {
  await ensureWindowsClient(await prepareWindowsClient(options));
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

const USAGE = "usage: deno task build [--target linux]\n" +
  "       deno task build --target windows [--msquic FILE] [--tap-driver DIR]";

const OPTIONS = [
  { name: "target", value: "linux|windows" },
  { name: "msquic", value: "FILE" },
  { name: "tap-driver", value: "DIR" },
];

async function main(): Promise<number> {
  const found = readToolArguments({ usage: USAGE, options: OPTIONS }, Deno.args);
  if (found === undefined) return 2;
  const text = (name: string) => found.values.get(name)?.at(-1);
  const target = text("target") ?? "linux";
  const isForWindows = target === "windows";
  const [msquic, tapDriver] = [text("msquic"), text("tap-driver")];
  const isMixed = !isForWindows && (msquic !== undefined || tapDriver !== undefined);
  if (!Object.hasOwn(RUNTIME_TARGETS, target) || isMixed) {
    console.error(USAGE);
    return 2;
  }
  const startedMs = performance.now();
  if (isForWindows) await buildWindowsClient({ msquic, tapDriver });
  else await build();
  const paths = isForWindows ? [WINDOWS_CLIENT] : PROGRAMS.map(executablePath);
  for (const path of paths) {
    const { size } = await Deno.stat(path);
    say(`${path.slice(ROOT.length + 1)} ${(size / 1e6).toFixed(1)} MB`);
  }
  say(`built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  return 0;
}

if (import.meta.main) await runTool(main);
