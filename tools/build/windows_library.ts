/**
 * msquic.dll for the Windows client: the source of `native_library.ts`, cross-compiled by mingw-w64 with
 * OpenSSL inside. msquic's own recipe wants Microsoft's compiler, so its files are compiled directly.
 */
import { MSQUIC_SYMBOLS } from "../../src/ffi/msquic.ts";
import { BuildError, cached, copyIfChanged, hashFiles, hashOf, isCached, prune } from "./cache.ts";
import { fileVersion } from "./pe_resources.ts";
import { isWindows64 } from "./pe_file.ts";
import { ensureSource, sourceKey } from "./native_library.ts";
import { buildOpenSsl, OPENSSL_OPTIONS } from "./openssl_library.ts";
import { Log, outputOf, run } from "./process.ts";
import { say, type Step, step } from "./progress.ts";

const RECIPE = new URL("../msquic/windows/", import.meta.url).pathname;
const RECIPE_FILES = ["compat.h", "dllmain.c"];

/** To be raised when this file does something else with the same inputs. */
const RECIPE_VERSION = "3";

/** Where the Windows client looks for the library: beside the module that loads it. */
export const DLL_IN_TREE = new URL("../../src/quic/msquic.dll", import.meta.url).pathname;

const PREFIX = "x86_64-w64-mingw32-";

/** What OpenSSL's Configure gets for Windows: only administrators can write to the folder of its files. */
const OPENSSL_CONFIGURATION: readonly string[] = [
  "mingw64",
  `--cross-compile-prefix=${PREFIX}`,
  "--openssldir=C:/Windows/lanparty-client",
];

/** msquic's core, by the names of its files under `src/core`. */
const CORE_FILES: readonly string[] = [
  ..."ack_tracker api bbr binding configuration congestion_control connection".split(" "),
  ..."connection_pool crypto crypto_tls cubic datagram frame library listener lookup".split(" "),
  ..."loss_detection mtu_discovery operation packet packet_builder packet_space".split(" "),
  ..."partition path range recv_buffer registration send send_buffer".split(" "),
  ..."sent_packet_metadata settings sliding_window_extremum stream stream_recv".split(" "),
  ..."stream_send stream_set timer_wheel version_neg worker".split(" "),
];

/** Its platform part for Windows with OpenSSL, without XDP, under `src/platform`. */
const PLATFORM_FILES: readonly string[] = [
  ..."cert_capi certificates_capi crypt crypt_openssl datapath_raw_dummy datapath_win".split(" "),
  ..."datapath_winuser datapath_xplat hashtable pcp platform_winuser".split(" "),
  ..."platform_worker selfsign_capi storage_winuser tls_openssl toeplitz".split(" "),
];

const COMPILE_OPTIONS: readonly string[] = [
  ...["-std=gnu11", "-O2", "-fgnu89-inline", "-fms-extensions", "-fno-ident"],
  ...["-Wall", "-Wextra"],
  // What loses a pointer's upper half, calls what nobody declared, or forgets a result is an error.
  ...["implicit-function-declaration", "int-conversion", "incompatible-pointer-types"].map(asError),
  ...["implicit-int", "return-type", "uninitialized", "format"].map(asError),
  // Microsoft's pragmas; pool tags are four characters; assertions that are compiled to nothing;
  // comparisons in macros for numbers of any size; a log line that is compiled to nothing.
  ...["unknown-pragmas", "multichar", "unused-value", "type-limits"].map(accepted),
  ...["implicit-fallthrough", "unused-but-set-variable"].map(accepted),
  ...["-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB", "-DQUIC_API_ENABLE_PREVIEW_FEATURES=1"],
  ...["-DVER_BUILD_ID=0", "-DVER_SUFFIX=-lanparty", "-DSECURITY_WIN32", "-DNDEBUG"],
];

/** Warnings of one file, each looked at and found harmless. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  // A handle's NULL as a number; HRESULTs compared with DWORDs; a function for Schannel alone.
  cert_capi: ["int-conversion", "sign-compare", "unused-function"],
  // Members left out of an initializer are zero.
  path: ["missing-field-initializers"],
  selfsign_capi: ["missing-field-initializers"],
  // What GetProcAddress returns.
  platform_winuser: ["cast-function-type"],
};

function asError(warning: string): string {
  return `-Werror=${warning}`;
}

function accepted(warning: string): string {
  return `-Wno-${warning}`;
}

const LINK_OPTIONS: readonly string[] = [
  ...["-shared", "-s", "-static-libgcc", "-Wl,--allow-multiple-definition"],
  ...["-Wl,--no-insert-timestamp", "-Wl,--dynamicbase,--nxcompat,--high-entropy-va"],
];

const SYSTEM_LIBRARIES: readonly string[] = [
  ..."ws2_32 iphlpapi winmm crypt32 ncrypt bcrypt ntdll advapi32 user32 gdi32".split(" "),
  ..."secur32 ole32".split(" "),
];

/** DLLs that every Windows 10 has in System32: what msquic.dll needs, and what Deno's runtime does. */
const SYSTEM_DLLS = new Set([
  ..."advapi32 bcrypt crypt32 gdi32 iphlpapi kernel32 msvcrt ncrypt ntdll ole32".split(" "),
  ..."secur32 user32 winmm ws2_32".split(" "),
  ..."bcryptprimitives combase dbghelp oleaut32 psapi setupapi shell32 userenv".split(" "),
]);

/** The finished library. */
export interface WindowsLibrary {
  /** The hash of all that it was made from. */
  readonly key: string;
  readonly path: string;
}

async function keys() {
  const compiler = await outputOf([`${PREFIX}gcc`, "--version"]) ?? "";
  // Our patches are for msquic alone: with them only its own files are compiled again.
  const lock = await Deno.readFile(new URL("../msquic/Cargo.lock", import.meta.url));
  const openssl = await hashOf([
    ...[RECIPE_VERSION, lock, compiler],
    ...OPENSSL_CONFIGURATION,
    ...OPENSSL_OPTIONS,
  ]);
  const library = await hashOf([
    openssl,
    await sourceKey(),
    await hashFiles(RECIPE.slice(0, -1), RECIPE_FILES),
    ...[...Object.keys(MSQUIC_SYMBOLS), ...CORE_FILES, ...PLATFORM_FILES],
    ...[...COMPILE_OPTIONS, ...LINK_OPTIONS, ...SYSTEM_LIBRARIES, JSON.stringify(ACCEPTED)],
  ]);
  return { openssl, library };
}

/** Whether building the library needs tools and downloads, or it is in the cache. */
export async function isWindowsLibraryCached(): Promise<boolean> {
  return await isCached("msquic-dll", (await keys()).library);
}

/** Makes msquic.dll, or takes it from the cache, and puts it where the Windows client looks for it. */
export async function ensureWindowsLibrary(): Promise<WindowsLibrary> {
  const { openssl, library } = await keys();
  const folder = await cached("msquic-dll", library, async (target) => {
    const source = await ensureSource();
    const tls = await cached("openssl-windows", openssl, async (target) => {
      await step("msquic.dll: building OpenSSL", async (progress) => {
        await buildOpenSsl(target, OPENSSL_CONFIGURATION, "openssl-windows", progress);
      });
    });
    await step("msquic.dll: building the library", (progress) => {
      return buildLibrary(source, tls, target, progress);
    });
  });
  for (const kind of ["msquic-dll", "openssl-windows"]) await prune(kind, 2);
  const path = `${folder}/msquic.dll`;
  await copyIfChanged(path, DLL_IN_TREE);
  return { key: library, path };
}

/** The first version whose table has the functions that the client's loop needs. */
const OFFICIAL_MIN = "2.5";

/**
 * Takes an msquic.dll that somebody else built, such as Microsoft's own, in the place of ours. With
 * it the client calls msquic through its table of functions, since only two of them are exported.
 *
 * @throws {BuildError} the client could not work with it
 */
export async function takeWindowsLibrary(path: string): Promise<WindowsLibrary> {
  const wrong = (why: string) => new BuildError(`--msquic ${path}: ${why}`);
  const bytes = await Deno.readFile(path).catch((error) => {
    throw wrong(error.message);
  });
  if (!isWindows64(bytes)) throw wrong("this is no DLL for Windows on x86-64");
  const { imports, exports } = await readTables(path);
  const foreign = imports.filter((name) => !isSystemDll(name));
  if (foreign.length > 0) throw wrong(`it needs ${foreign.join(" ")}`);
  if (!exports.includes("MsQuicOpenVersion")) throw wrong("it does not export MsQuicOpenVersion");
  const version = fileVersion(bytes);
  if (version !== undefined && compareVersions(version, OFFICIAL_MIN) < 0) {
    throw wrong(`its version is ${version}, and the client needs ${OFFICIAL_MIN} or later`);
  }
  await copyIfChanged(path, DLL_IN_TREE);
  return { key: await hashOf(["official", bytes]), path };
}

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

async function buildLibrary(
  sourceFolder: string,
  openssl: string,
  target: string,
  progress: Step,
): Promise<void> {
  const log = await Log.open("msquic-windows");
  const build = `${target}/build`;
  const source = `${sourceFolder}/src`;
  try {
    await Deno.mkdir(build);
    const include = ["inc", "generated/common", "core", "platform"].map((name) =>
      `-I${source}/${name}`
    );
    const files = [
      ...CORE_FILES.map((name) => `${source}/core/${name}.c`),
      ...PLATFORM_FILES.map((name) => `${source}/platform/${name}.c`),
      `${RECIPE}dllmain.c`,
    ];
    const objects = files.map((_, index) => `${build}/${index}.o`);
    let done = 0;
    let warnings = 0;
    await inParallel(files, async (file, index) => {
      const isOurs = file.startsWith(RECIPE);
      const own = ACCEPTED[file.replace(/^.*\/|\.c$/g, "")] ?? [];
      await run(log, [
        ...[`${PREFIX}gcc`, ...COMPILE_OPTIONS, ...own.map(accepted)],
        ...[...include, `-I${openssl}/include`],
        ...(isOurs ? [] : ["-include", `${RECIPE}compat.h`]),
        ...[`-ffile-prefix-map=${sourceFolder}=msquic`, "-c", file, "-o", objects[index]],
      ], { onLine: (line) => / warning: /.test(line) && warnings++ });
      progress.fraction(++done / (files.length + 1));
    });
    // Another compiler may have more to say: it is no reason not to build, but should be read.
    if (warnings > 0) say(`msquic.dll: ${warnings} warnings of the compiler, see ${log.path}`);
    const library = `${target}/msquic.dll`;
    const exports = `${build}/msquic.def`;
    await Deno.writeTextFile(
      exports,
      ["LIBRARY msquic.dll", "EXPORTS", ...Object.keys(MSQUIC_SYMBOLS), ""].join("\n"),
    );
    await run(log, [
      ...[`${PREFIX}gcc`, ...LINK_OPTIONS, "-o", library, ...objects, exports],
      ...[`${openssl}/libssl.a`, `${openssl}/libcrypto.a`],
      ...SYSTEM_LIBRARIES.map((name) => `-l${name}`),
    ]);
    await checkLibrary(library, log.path);
    await Deno.remove(build, { recursive: true });
  } finally {
    log.close();
  }
}

/** Does the work for every item, as many at a time as there are processors. */
async function inParallel<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      await work(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, worker));
}

/** Proves what the client counts on: the interface is exported, and only system DLLs are needed. */
async function checkLibrary(library: string, logPath: string): Promise<void> {
  const { imports, exports } = await readTables(library);
  const foreign = imports.filter((name) => !isSystemDll(name));
  if (imports.length === 0 || foreign.length > 0) {
    throw new BuildError(`msquic.dll needs ${foreign.join(" ") || "nothing"}; log: ${logPath}`);
  }
  const wanted = Object.keys(MSQUIC_SYMBOLS).sort().join();
  if (exports.sort().join() !== wanted) {
    throw new BuildError(`msquic.dll exports ${exports.slice(0, 9).join(" ")} …; log: ${logPath}`);
  }
}

/** Whether a DLL of that name, as an import table has it, is part of every Windows 10. */
export function isSystemDll(name: string): boolean {
  const base = name.toLowerCase().replace(/\.dll$/, "");
  // API sets are names that Windows itself resolves; "crt" is the C library of every Windows 10.
  return SYSTEM_DLLS.has(base) || /^api-ms-win-(core|crt)-/.test(base);
}

/** The names of the DLLs that a PE file imports, and of what it exports. */
export async function readTables(path: string): Promise<{ imports: string[]; exports: string[] }> {
  const text = await outputOf([`${PREFIX}objdump`, "-p", path]) ?? "";
  const imports = [...text.matchAll(/^\s*DLL Name: (\S+)$/gm)].map(([, name]) => name);
  const [, names = ""] = text.split("[Ordinal/Name Pointer] Table");
  const exports = [...names.matchAll(/^\s*\[\s*\d+\](?:\s*\+base\[\s*\d+\]\s*[0-9a-f]+)? (\S+)$/gm)]
    .map(([, name]) => name);
  return { imports, exports };
}
