/** The three executables: `deno compile` of the entries, with libmsquic inside, in `dist`. */
import {
  BuildError,
  cached,
  copyIfChanged,
  hashFiles,
  hashOf,
  ignoreNotFound,
  listFiles,
  prune,
} from "./cache.ts";
import { LIBRARY_IN_TREE, type NativeLibrary } from "./native_library.ts";
import { VERSION } from "../../src/cli/version.ts";
import { findDriverPackage } from "../../src/system/adapter/mod.ts";
import { iconFile } from "./icon.ts";
import { importFromSystemOnly } from "./pe_file.ts";
import { withResources } from "./pe_resources.ts";
import { Log, run } from "./process.ts";
import { step } from "./progress.ts";
import { DENO_VERSION, type Runtime, RUNTIME_TARGETS } from "./runtime.ts";
import { DLL_IN_TREE, type WindowsLibrary } from "./windows_library.ts";

/** The repository's folder, without a slash at its end. */
export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

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

/** Only the packages that a program imports: without it all that the lock file names are fetched and put inside. */
const IMPORTED_PACKAGES = "--unstable-npm-lazy-caching";

const COMPILE_OPTIONS: readonly string[] = [
  "--allow-all",
  "--no-check",
  "--lock=deno.lock",
  "--frozen",
  "--no-prompt",
  IMPORTED_PACKAGES,
  // The code cache would be a file of a known name in /tmp, which root would load.
  "--no-code-cache",
  `--v8-flags=${V8_FLAGS.join(",")}`,
];

const DIST = `${ROOT}/dist`;

/** Names a folder with other builds of the executables, for tests to run. */
export const PROGRAMS_VARIABLE = "LANPARTY_PROGRAMS";

/** Where an executable lies after the build. */
export function executablePath(program: typeof PROGRAMS[number]): string {
  return `${Deno.env.get(PROGRAMS_VARIABLE) ?? DIST}/lanparty-${program}`;
}

/** Compiles what changed since it was last compiled, and brings `dist` up to date. */
export async function ensureExecutables(library: NativeLibrary, runtime: Runtime): Promise<void> {
  const key = await executablesKey(library, runtime);
  const folder = await cached("executables", key, async (target) => {
    const log = await Log.open("compile");
    try {
      await step("dependencies: fetching what the programs import", () => {
        return run(log, [
          Deno.execPath(),
          "cache",
          "--lock=deno.lock",
          "--frozen",
          IMPORTED_PACKAGES,
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
    await copyIfChanged(`${folder}/lanparty-${program}`, `${DIST}/lanparty-${program}`);
  }
}

/**
 * Compiles the executables with another library inside; `plain` lies in the tree before and afterwards.
 *
 * @returns their folder, in the cache
 */
export async function compileSanitizedPrograms(
  library: NativeLibrary,
  plain: NativeLibrary,
  runtime: Runtime,
): Promise<string> {
  const key = await executablesKey(library, runtime);
  const folder = await cached("sanitized-programs", key, async (target) => {
    const log = await Log.open("compile-sanitized");
    try {
      await copyIfChanged(library.path, LIBRARY_IN_TREE);
      await step("compiling the executables with sanitizers", async () => {
        for (const program of PROGRAMS) await compile(log, program, runtime, target);
      });
    } finally {
      await copyIfChanged(plain.path, LIBRARY_IN_TREE);
      log.close();
    }
  });
  await prune("sanitized-programs", 1);
  return folder;
}

/** To be raised when the same inputs make another Windows client. */
const WINDOWS_RECIPE_VERSION = "3";

/** Where the Windows client lies after the build. */
export const WINDOWS_CLIENT = `${ROOT}/dist/lanparty-client.exe`;

/** Where the client looks for a TAP driver's package inside of itself. */
const DRIVER_IN_TREE = `${ROOT}/src/system/adapter/tap_driver`;

/** Files by their names. */
type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

const NO_FILES: Files = new Map();

/** What the Windows client is made of beside its source. */
export interface WindowsParts {
  readonly library: WindowsLibrary;
  readonly runtime: Runtime;
  /** A folder with a TAP driver's package: its .inf, and the files that this names. */
  readonly driverFolder?: string | undefined;
}

/**
 * Compiles the Windows client where something changed.
 *
 * @returns the program's path, in the cache
 */
export async function compileWindowsClient(parts: WindowsParts): Promise<string> {
  const { library, runtime, driverFolder } = parts;
  const driver = driverFolder === undefined ? NO_FILES : driverFiles(driverFolder);
  const key = await hashOf([
    await executablesKey(library, runtime),
    ...[WINDOWS_RECIPE_VERSION, VERSION, ...[...driver].flat()],
    await hashFiles(
      ROOT,
      ["icon", "pe_file", "pe_resources"].map((name) => `tools/build/${name}.ts`),
    ),
  ]);
  const folder = await cached("windows-client", key, async (target) => {
    const log = await Log.open("compile-windows");
    const output = `${target}/lanparty-client.exe`;
    try {
      await placeDriver(driver);
      await step("compiling lanparty-client.exe", () =>
        run(log, [
          ...[Deno.execPath(), "compile", ...COMPILE_OPTIONS],
          ...["--target", RUNTIME_TARGETS.windows.name, "--include", DLL_IN_TREE],
          ...(driver.size > 0 ? ["--include", DRIVER_IN_TREE] : []),
          ...["--output", output, entry("client")],
        ], { cwd: ROOT, env: runtime.env }));
      await Deno.writeFile(output, await finishWindowsProgram(await Deno.readFile(output)));
    } finally {
      await placeDriver(NO_FILES);
      log.close();
    }
  });
  await prune("windows-client", SETS_MAX);
  return `${folder}/lanparty-client.exe`;
}

/** As {@linkcode compileWindowsClient}, and brings `dist` up to date. */
export async function ensureWindowsClient(parts: WindowsParts): Promise<void> {
  await copyIfChanged(await compileWindowsClient(parts), WINDOWS_CLIENT);
}

async function finishWindowsProgram(
  program: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const finished = withResources(program, {
    icon: await iconFile(),
    version: VERSION,
    fileName: "lanparty-client.exe",
    description: "lanparty: puts this PC into the LAN of a party",
    product: "lanparty",
    copyright: "Copyright (c) 2026 the lanparty authors; MIT licence",
  });
  importFromSystemOnly(finished);
  return finished;
}

/** The files of a TAP driver's package, by their names. @throws {BuildError} it is none */
function driverFiles(folder: string): Files {
  const found = findDriverPackage(folder);
  if (found !== undefined) return found.files;
  throw new BuildError(
    `--tap-driver ${folder}: no package of TAP-Windows6 is there: an .inf file that names the ` +
      "device tap0901, and the .cat and the .sys file that it names",
  );
}

async function placeDriver(files: Files): Promise<void> {
  await Deno.remove(DRIVER_IN_TREE, { recursive: true }).catch(ignoreNotFound);
  if (files.size > 0) await Deno.mkdir(DRIVER_IN_TREE);
  for (const [name, bytes] of files) await Deno.writeFile(`${DRIVER_IN_TREE}/${name}`, bytes);
}

function entry(program: string): string {
  return `${ROOT}/src/cli/${program}.ts`;
}

async function executablesKey(
  library: { readonly key: string },
  runtime: Runtime,
): Promise<string> {
  const sources = await listFiles(`${ROOT}/src`, (path) => {
    return /\.(md|so|dll)$/.test(path) || path === "system/adapter/tap_driver";
  });
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
