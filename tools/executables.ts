/** The three executables: `deno compile` of the entries, with libmsquic inside, in `dist`. */
import { cached, copyIfChanged, hashFiles, hashOf, listFiles, prune } from "./cache.ts";
import { LIBRARY_IN_TREE, type NativeLibrary } from "./native_library.ts";
import { importFromSystemOnly } from "./pe_file.ts";
import { Log, run } from "./process.ts";
import { step } from "./progress.ts";
import { DENO_VERSION, type Runtime, RUNTIME_TARGETS } from "./runtime.ts";
import { DLL_IN_TREE, type WindowsLibrary } from "./windows_library.ts";

/** The repository's folder, without a slash at its end. */
export const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** The programs by the names of their entries under `src/cli`. */
export const PROGRAMS = ["relay", "gateway", "client"] as const;

/** Compiled sets that stay in the cache, at 0.3 GB each. */
const SETS_MAX = 3;

/**
 * Code becomes fast after a tenth of the calls that V8 would wait for: a game sends some dozen frames a
 * second, and should not have to wait minutes for optimized code. What is called that often is known.
 */
const V8_FLAGS: readonly string[] = [
  "--invocation-count-for-feedback-allocation=1",
  "--invocation-count-for-maglev=30",
  "--invocation-count-for-turbofan=300",
  "--minimum-invocations-after-ic-update=30",
];

const COMPILE_OPTIONS: readonly string[] = [
  "--allow-all",
  "--no-check",
  "--lock=deno.lock",
  "--frozen",
  "--no-prompt",
  // The code cache would be a file of a known name in /tmp, which root would load.
  "--no-code-cache",
  `--v8-flags=${V8_FLAGS.join(",")}`,
];

/** Where an executable lies after the build. */
export function executablePath(program: typeof PROGRAMS[number]): string {
  return `${ROOT}/dist/lanparty-${program}`;
}

/** Compiles what changed since it was last compiled, and brings `dist` up to date. */
export async function ensureExecutables(library: NativeLibrary, runtime: Runtime): Promise<void> {
  const key = await executablesKey(library, runtime);
  const folder = await cached("executables", key, async (target) => {
    const log = await Log.open("compile");
    try {
      await step("dependencies: fetching what the lock file names", () => {
        return run(log, [
          Deno.execPath(),
          "cache",
          "--lock=deno.lock",
          "--frozen",
          ...PROGRAMS.map(entry),
        ], {
          cwd: ROOT,
        });
      });
      for (const program of PROGRAMS) {
        await step(`compiling lanparty-${program}`, () => compile(log, program, runtime, target));
      }
    } finally {
      log.close();
    }
  });
  await prune("executables", SETS_MAX);
  for (const program of PROGRAMS) {
    await copyIfChanged(`${folder}/lanparty-${program}`, executablePath(program));
  }
}

/** To be raised when the same inputs make another Windows client. */
const WINDOWS_RECIPE_VERSION = "2";

/** Where the Windows client lies after the build. */
export const WINDOWS_CLIENT = `${ROOT}/dist/lanparty-client.exe`;

/** Compiles the Windows client where something changed, and brings `dist` up to date. */
export async function ensureWindowsClient(
  library: WindowsLibrary,
  runtime: Runtime,
): Promise<void> {
  const key = await hashOf([await executablesKey(library, runtime), WINDOWS_RECIPE_VERSION]);
  const folder = await cached("windows-client", key, async (target) => {
    const log = await Log.open("compile-windows");
    try {
      await step("compiling lanparty-client.exe", () =>
        run(log, [
          ...[Deno.execPath(), "compile", ...COMPILE_OPTIONS],
          ...["--target", RUNTIME_TARGETS.windows.name, "--include", DLL_IN_TREE],
          ...["--output", `${target}/lanparty-client.exe`, entry("client")],
        ], { cwd: ROOT, env: runtime.env }));
      await importFromSystemOnly(`${target}/lanparty-client.exe`);
    } finally {
      log.close();
    }
  });
  await prune("windows-client", SETS_MAX);
  await copyIfChanged(`${folder}/lanparty-client.exe`, WINDOWS_CLIENT);
}

function entry(program: string): string {
  return `${ROOT}/src/cli/${program}.ts`;
}

async function executablesKey(
  library: { readonly key: string },
  runtime: Runtime,
): Promise<string> {
  const sources = await listFiles(`${ROOT}/src`, (path) => /\.(md|so|dll)$/.test(path));
  const paths = ["deno.json", "deno.lock", ...sources.map((path) => `src/${path}`)];
  const files = await hashFiles(ROOT, paths);
  return await hashOf([DENO_VERSION, library.key, runtime.key, files, ...COMPILE_OPTIONS]);
}

async function compile(log: Log, program: string, runtime: Runtime, target: string): Promise<void> {
  const output = `${target}/lanparty-${program}`;
  await run(log, [
    ...[Deno.execPath(), "compile", ...COMPILE_OPTIONS],
    ...["--include", LIBRARY_IN_TREE, "--output", output, entry(program)],
  ], { cwd: ROOT, env: runtime.env });
}
