/**
 * libmsquic.so: msquic's source as cargo fetches it, with patches of our own, built with quictls inside
 * and linked once more so that each function of its interface is a symbol and nothing but libc is needed.
 */
import { BuildError, cached, copyIfChanged, hashOf, isCached, listFiles, prune } from "./cache.ts";
import { findWorking, Log, outputOf, run, searchPath } from "./process.ts";
import { type Step, step } from "./progress.ts";

const RECIPE = new URL("./msquic/", import.meta.url).pathname;

/** To be raised when this file does something else with the same inputs. */
const RECIPE_VERSION = "1";

/** Where the programs look for the library: beside the module that loads it, also inside a compiled file. */
export const LIBRARY_IN_TREE = new URL("../src/quic/libmsquic.so", import.meta.url).pathname;

/** Patches to msquic's source, applied in this order; each says in its head what it is for. */
export const PATCHES: readonly string[] = [
  "0001-ack-block-bounds.patch",
  "0002-batches-of-any-length.patch",
  "0003-quiet-datagrams.patch",
  "0004-no-self-wake.patch",
  "0005-datagram-log.patch",
  "0006-many-datagrams-at-once.patch",
  "0007-no-unseen-logs.patch",
  "0008-no-early-probes.patch",
  "0009-timers-in-a-heap.patch",
  "0010-no-udp-offload-on-windows.patch",
  "0011-paths-by-id.patch",
  "0012-empty-datagrams.patch",
];

/** What quictls is built without: all that TLS 1.3, X.509 and msquic do not use. Half the build time. */
export const QUICTLS_OPTIONS: readonly string[] = [
  "--libdir=lib",
  "--openssldir=/etc/ssl",
  "enable-tls1_3",
  ..."shared tests makedepend engine dynamic-engine module dso legacy fips deprecated".split(" "),
  ..."autoload-config ssl ssl3 tls1 tls1_1 tls1_2 dtls ssl3-method tls1-method".split(" "),
  ..."tls1_1-method tls1_2-method dtls1-method dtls1_2-method psk srp srtp zlib comp".split(" "),
  ..."cms cmp ct ts ocsp rfc3779 gost dgram uplink padlockeng capieng afalgeng".split(" "),
  ..."ui-console egd ec2m dsa dh idea rc2 rc4 rc5 bf cast seed camellia aria sm2 sm3".split(" "),
  ..."sm4 md4 mdc2 rmd160 whirlpool blake2 siphash siv ocb scrypt des".split(" "),
  "no-weak-ssl-ciphers",
].map((option) => /^(-|enable-|no-)/.test(option) ? option : `no-${option}`);

const MSQUIC_OPTIONS: readonly string[] = [
  "-DCMAKE_BUILD_TYPE=Release",
  "-DQUIC_TLS_LIB=quictls",
  "-DQUIC_BUILD_SHARED=off",
  "-DQUIC_ENABLE_LOGGING=off",
  "-DQUIC_EMBED_GIT_HASH=off",
  "-DNUMA=OFF",
];

const LINK_OPTIONS: readonly string[] = [
  "-shared",
  "-s",
  "-Wl,-Bsymbolic",
  "-Wl,-z,defs,-z,relro,-z,now",
  "-Wl,--as-needed",
  "-Wl,-soname,libmsquic.so",
  "-Wl,--build-id=none",
];

/** The finished library. */
export interface NativeLibrary {
  /** The hash of all that it was made from. */
  readonly key: string;
  readonly path: string;
}

interface Keys {
  readonly source: string;
  readonly quictls: string;
  readonly library: string;
}

async function keys(): Promise<Keys> {
  const read = (name: string) => Deno.readFile(RECIPE + name);
  const lock = await read("Cargo.lock");
  const patches = await Promise.all(PATCHES.map((name) => read(`patches/${name}`)));
  // A library made on one release of a distribution may need symbols that another's libc lacks.
  const system = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const platform = [
    Deno.build.target,
    ...system.split("\n").filter((line) => /^(VERSION_)?ID=/.test(line)),
  ];
  const source = await hashOf([RECIPE_VERSION, lock, ...patches]);
  const quictls = await hashOf([
    RECIPE_VERSION,
    lock,
    ...platform,
    ...QUICTLS_OPTIONS,
  ]);
  const library = await hashOf([
    source,
    quictls,
    await read("exports.map"),
    await read("quictls/CMakeLists.txt"),
    ...MSQUIC_OPTIONS,
    ...LINK_OPTIONS,
  ]);
  return { source, quictls, library };
}

/** Whether building the library needs tools and downloads, or all is in the cache. */
export async function isLibraryCached(): Promise<boolean> {
  const { library, source } = await keys();
  return (await isCached("libmsquic", library)) && (await isCached("msquic-source", source));
}

/** Makes the library, or takes it from the cache, and puts it where the programs look for it. */
export async function ensureLibrary(): Promise<NativeLibrary> {
  const { source, quictls, library } = await keys();
  const folder = await cached("libmsquic", library, async (target) => {
    const sourceFolder = await ensureSource(source);
    const quictlsFolder = await ensureQuictls(quictls, sourceFolder);
    await step("msquic: building the library", async (progress) => {
      await buildLibrary(sourceFolder, quictlsFolder, target, progress);
    });
  });
  for (const kind of ["libmsquic", "quictls", "msquic-source"]) await prune(kind, 4);
  const path = `${folder}/libmsquic.so`;
  await copyIfChanged(path, LIBRARY_IN_TREE);
  return { key: library, path };
}

/** The hash of all that msquic's patched source is made from. */
export async function sourceKey(): Promise<string> {
  return (await keys()).source;
}

/** The folder of msquic's patched source, whose `src/inc` holds the headers. */
export async function ensureSource(key?: string): Promise<string> {
  return await cached("msquic-source", key ?? (await keys()).source, async (target) => {
    await step("msquic: fetching the source by cargo", () => fetchSource(target));
  });
}

async function fetchSource(target: string): Promise<void> {
  const log = await Log.open("msquic-source");
  try {
    const crate = await fetchCrate(log);
    for (const path of await listFiles(crate)) {
      await copyInto(target, crate, path);
    }
    for (const name of PATCHES) {
      await run(log, ["patch", "-p1", "--fuzz=0", "-i", `${RECIPE}patches/${name}`], {
        cwd: target,
      });
    }
  } finally {
    log.close();
  }
}

/** Has cargo download the crate and check its hash against Cargo.lock; returns its unpacked folder. */
async function fetchCrate(log: Log): Promise<string> {
  const manifest = `--manifest-path=${RECIPE}Cargo.toml`;
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
  const crate = packages.find(({ name }) => name === "msquic");
  if (crate === undefined) throw new BuildError(`cargo fetched no msquic; log: ${log.path}`);
  return crate.manifest_path.replace(/\/Cargo\.toml$/, "");
}

async function ensureQuictls(key: string, sourceFolder: string): Promise<string> {
  return await cached("quictls", key, async (target) => {
    await step(
      "msquic: building quictls",
      (progress) => buildQuictls(sourceFolder, target, progress),
    );
  });
}

async function buildQuictls(
  sourceFolder: string,
  target: string,
  progress: Step,
): Promise<void> {
  const log = await Log.open("quictls");
  const source = `${sourceFolder}/submodules/quictls`;
  const build = `${target}/build`;
  try {
    await Deno.mkdir(build);
    await run(log, ["perl", `${source}/Configure`, "linux-x86_64", ...QUICTLS_OPTIONS], {
      cwd: build,
    });
    const makefile = await Deno.readTextFile(`${build}/Makefile`);
    const objects = makefile.match(/^[a-z]\S*\.o:/gm)?.length ?? 1;
    let compiled = 0;
    await run(log, ["make", `-j${navigator.hardwareConcurrency}`, "build_libs"], {
      cwd: build,
      onLine: (line) => / -c -o /.test(line) && progress.fraction(++compiled / objects),
    });
    await copyHeaders([`${source}/include`, `${build}/include`], `${target}/include`);
    for (const name of ["libssl.a", "libcrypto.a"]) {
      await Deno.rename(`${build}/${name}`, `${target}/${name}`);
    }
    await Deno.remove(build, { recursive: true });
  } finally {
    log.close();
  }
}

/** Brings the headers of several folders together in one. */
export async function copyHeaders(folders: readonly string[], target: string): Promise<void> {
  for (const folder of folders) {
    for (const path of await listFiles(folder, isNoHeader)) await copyInto(target, folder, path);
  }
}

async function copyInto(target: string, folder: string, path: string): Promise<void> {
  const to = `${target}/${path}`;
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(`${folder}/${path}`, to);
}

function isNoHeader(path: string): boolean {
  return path.includes(".") && !path.endsWith(".h");
}

async function buildLibrary(
  sourceFolder: string,
  quictls: string,
  target: string,
  progress: Step,
): Promise<void> {
  const log = await Log.open("msquic");
  const build = `${target}/build`;
  const library = `${target}/libmsquic.so`;
  try {
    await run(log, [
      ...["cmake", "-S", sourceFolder, "-B", build, "-G", "Unix Makefiles", ...MSQUIC_OPTIONS],
      `-DFETCHCONTENT_SOURCE_DIR_OPENSSLQUIC=${RECIPE}quictls`,
      `-DQUICTLS_FOLDER=${quictls}`,
      `-DCMAKE_C_FLAGS=-ffile-prefix-map=${sourceFolder}=msquic`,
    ]);
    const jobs = `-j${navigator.hardwareConcurrency}`;
    await run(log, ["make", "-C", build, jobs, "core", "msquic_platform"], {
      onLine: (line) => {
        const percent = line.match(/^\[ *(\d+)%\]/)?.[1];
        if (percent !== undefined) progress.fraction(Number(percent) / 100);
      },
    });
    const archives = `${build}/obj/Release`;
    await run(log, [
      ...["gcc", ...LINK_OPTIONS, `-Wl,--version-script=${RECIPE}exports.map`, "-o", library],
      ...["-Wl,--whole-archive", `${archives}/libcore.a`, `${archives}/libmsquic_platform.a`],
      ...["-Wl,--no-whole-archive", `${quictls}/libssl.a`, `${quictls}/libcrypto.a`],
      ...["-latomic", "-lpthread", "-ldl", "-lm"],
    ]);
    await checkLibrary(library, log.path);
    await Deno.remove(build, { recursive: true });
  } finally {
    log.close();
  }
}

/** Proves what the programs count on: the interface is exported, and nothing but libc is needed. */
async function checkLibrary(library: string, logPath: string): Promise<void> {
  const dynamic = await outputOf(["readelf", "-d", library]) ?? "";
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name ?? "");
  const foreign = needed.filter((name) =>
    !/^(libc|libm|libdl|libpthread|ld-linux-x86-64)\.so\./.test(name)
  );
  if (needed.length === 0 || foreign.length > 0) {
    throw new BuildError(`libmsquic.so needs ${foreign.join(" ") || "nothing"}; log: ${logPath}`);
  }
  const symbols = await outputOf(["nm", "-D", "--defined-only", library]) ?? "";
  const names = [...symbols.matchAll(/ [A-Z] (\S+)$/gm)].map(([, name]) => name ?? "");
  const strangers = names.filter((name) => !name.startsWith("MsQuic"));
  if (!names.includes("MsQuicDatagramSend") || strangers.length > 0) {
    throw new BuildError(`libmsquic.so exports ${names.slice(0, 9).join(" ")} …; log: ${logPath}`);
  }
}
