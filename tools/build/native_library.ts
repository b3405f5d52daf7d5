/**
 * libmsquic.so: msquic's source as cargo fetches it, with patches of our own, built with OpenSSL inside
 * and linked once more so that each function of its interface is a symbol and nothing but libc is needed.
 */
import {
  BuildError,
  cached,
  copyIfChanged,
  copyInto,
  hashFiles,
  hashOf,
  isCached,
  listFiles,
  prune,
} from "./cache.ts";
import { fetchCrates } from "./crates.ts";
import { buildOpenSsl, OPENSSL_OPTIONS } from "./openssl_library.ts";
import { Log, outputOf, run } from "./process.ts";
import { type Step, step } from "./progress.ts";

const RECIPE = new URL("../msquic/", import.meta.url).pathname;

/** To be raised when this file does something else with the same inputs. */
const RECIPE_VERSION = "2";

/** Where the programs look for the library: beside the module that loads it, also inside a compiled file. */
export const LIBRARY_IN_TREE = new URL("../../src/quic/libmsquic.so", import.meta.url).pathname;

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
  "0013-always-a-path.patch",
  "0014-receive-queue.patch",
  "0015-data-stays-as-it-came.patch",
  "0016-no-half-read-parameters.patch",
  "0017-version-negotiation.patch",
  "0018-retry-version.patch",
  "0019-skipped-packet-numbers.patch",
  "0020-range-split.patch",
  "0021-quiet-after-the-end.patch",
  "0022-no-rtt-no-model.patch",
  "0023-buffers-below-4-gib.patch",
  "0024-initial-keys-end.patch",
  "0025-verdict-after-the-end.patch",
  "0026-resets-to-own-peers-alone.patch",
  "0027-version-negotiation-rate.patch",
  "0028-no-reference-to-the-dead.patch",
  "0029-long-tickets.patch",
  "0030-gaps-in-streams.patch",
  "0031-acks-that-fit.patch",
  "0032-short-packet-lists.patch",
  "0033-retire-what-was-sent.patch",
  "0034-acks-of-another-level.patch",
  "0035-small-pings.patch",
  "0036-path-size-by-bisection.patch",
  "0037-a-path-that-carries-less.patch",
  "0038-what-is-behind-too-long-ones.patch",
  "0040-proved-addresses.patch",
  "0041-packets-by-path.patch",
  "0042-room-for-datagrams.patch",
  "0043-reordered-is-not-lost.patch",
  "0044-bbr-for-a-tunnel.patch",
  "0045-old-packets-end-nothing.patch",
  "0055-thread-id-once.patch",
  "0056-receive-what-is-there.patch",
  "0060-receive-within-a-budget.patch",
  "0061-datagrams-that-go-ahead.patch",
];

/**
 * Patches to the TLS part, applied after the others: src/platform/tls_openssl.c is a later msquic's, laid into the
 * source before. The first one has it compiled in the place of quictls' file.
 */
export const TLS_PATCHES: readonly string[] = [
  "0050-openssl-instead-of-quictls.patch",
  "0051-tls-send-buffer.patch",
  "0052-tls-complete-messages.patch",
  "0053-tls-peer-parameters.patch",
  "0054-tls-secrets.patch",
];

/** Flags for the compiler, of OpenSSL and of msquic. */
const COMPILE_OPTIONS: readonly string[] = [];

/** What OpenSSL's Configure gets for Linux: only root can write to the folder of its files. */
const OPENSSL_CONFIGURATION: readonly string[] = [
  "linux-x86_64",
  "--openssldir=/etc/ssl",
  ...COMPILE_OPTIONS,
];

/** How the library is built. */
interface Flavour {
  /** What its entries of the cache are called. */
  readonly kind: string;
  readonly msquicOptions: readonly string[];
  readonly compileOptions: readonly string[];
  readonly linkOptions: readonly string[];
  /** The libraries that it may need, by the beginnings of their names. */
  readonly needs: RegExp;
}

const MSQUIC_OPTIONS: readonly string[] = [
  "-DCMAKE_BUILD_TYPE=Release",
  // The name that its recipe has for an OpenSSL inside.
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

const RELEASE: Flavour = {
  kind: "libmsquic",
  msquicOptions: MSQUIC_OPTIONS,
  compileOptions: COMPILE_OPTIONS,
  linkOptions: LINK_OPTIONS,
  needs: /^(libc|libm|libdl|libpthread|ld-linux-x86-64)\.so\./,
};

/** What the compiler and the linker are told for AddressSanitizer and UndefinedBehaviorSanitizer. */
const SANITIZERS = "-fsanitize=address,undefined";

/**
 * With sanitizers. Each object is allocated by itself and not out of a pool, so that one that is used after its
 * end is found out. Without msquic's debug assertions: some of them are wrong themselves.
 */
const SANITIZED: Flavour = {
  kind: "libmsquic-sanitized",
  msquicOptions: [...MSQUIC_OPTIONS, "-DQUIC_ENABLE_POOL_ALLOC=OFF"],
  // msquic hands memcpy no bytes of nowhere. And with their checks in between the compiler takes a member for all there
  // is of its connection, and what is written beside it for too much.
  compileOptions: [
    ...COMPILE_OPTIONS,
    SANITIZERS,
    "-fno-sanitize=nonnull-attribute",
    "-Wno-stringop-overflow",
    "-fno-omit-frame-pointer",
    "-g1",
  ],
  // With its lines of source, to be named in a report.
  linkOptions: [SANITIZERS, ...LINK_OPTIONS.filter((option) => option !== "-s")],
  needs: /^(libc|libm|libdl|libpthread|ld-linux-x86-64|libasan|libubsan)\.so\./,
};

/** The finished library. */
export interface NativeLibrary {
  /** The hash of all that it was made from. */
  readonly key: string;
  readonly path: string;
}

interface Keys {
  readonly source: string;
  readonly openssl: string;
  readonly library: string;
}

async function keys(flavour: Flavour = RELEASE): Promise<Keys> {
  const read = (name: string) => Deno.readFile(RECIPE + name);
  const lock = await read("Cargo.lock");
  const names = [...PATCHES, ...TLS_PATCHES];
  const patches = await Promise.all(names.map((name) => read(`patches/${name}`)));
  // A library made on one release of a distribution may need symbols that another's libc lacks.
  const system = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const platform = [
    Deno.build.target,
    ...system.split("\n").filter((line) => /^(VERSION_)?ID=/.test(line)),
  ];
  const openSslFiles = await hashFiles(`${RECIPE}openssl`, await listFiles(`${RECIPE}openssl`));
  const source = await hashOf([RECIPE_VERSION, lock, openSslFiles, ...patches]);
  const openssl = await hashOf([
    RECIPE_VERSION,
    lock,
    ...platform,
    ...OPENSSL_CONFIGURATION,
    ...OPENSSL_OPTIONS,
  ]);
  const library = await hashOf([
    source,
    openssl,
    await read("exports.map"),
    ...flavour.compileOptions,
    ...flavour.msquicOptions,
    ...flavour.linkOptions,
  ]);
  return { source, openssl, library };
}

/** Whether building the library needs tools and downloads, or all is in the cache. */
export async function isLibraryCached(): Promise<boolean> {
  const { library, source } = await keys();
  return (await isCached("libmsquic", library)) && (await isCached("msquic-source", source));
}

/** Makes the library, or takes it from the cache, and puts it where the programs look for it. */
export async function ensureLibrary(): Promise<NativeLibrary> {
  const library = await ensureFlavour(RELEASE);
  await copyIfChanged(library.path, LIBRARY_IN_TREE);
  return library;
}

/** The library with sanitizers: for tests alone, and only in programs that have AddressSanitizer preloaded. */
export async function ensureSanitizedLibrary(): Promise<NativeLibrary> {
  return await ensureFlavour(SANITIZED);
}

async function ensureFlavour(flavour: Flavour): Promise<NativeLibrary> {
  const { source, openssl, library } = await keys(flavour);
  const folder = await cached(flavour.kind, library, async (target) => {
    const sourceFolder = await ensureSource(source);
    const openSslFolder = await ensureOpenSsl(openssl);
    const title = flavour === RELEASE ? "the library" : "the library with sanitizers";
    await step(`msquic: building ${title}`, async (progress) => {
      await buildLibrary(flavour, [sourceFolder, openSslFolder, target], progress);
    });
  });
  for (const kind of [flavour.kind, "openssl", "msquic-source"]) await prune(kind, 4);
  return { key: library, path: `${folder}/libmsquic.so` };
}

/** The folder of OpenSSL's static libraries, libssl.a and libcrypto.a, and of their headers, `include`. */
export async function ensureOpenSsl(key?: string): Promise<string> {
  return await cached("openssl", key ?? (await keys()).openssl, async (target) => {
    await step("msquic: building OpenSSL", async (progress) => {
      await buildOpenSsl(target, OPENSSL_CONFIGURATION, "openssl", progress);
    });
  });
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
    const crate = await fetchCrates(log);
    for (const path of await listFiles(crate("msquic"))) {
      await copyInto(target, crate("msquic"), path);
    }
    await copyInto(target, crate("seera-msquic"), "src/platform/tls_openssl.c");
    await copyInto(`${target}/src/platform`, `${RECIPE}openssl`, "tls_openssl_needs.h");
    for (const name of [...PATCHES, ...TLS_PATCHES]) {
      await run(log, ["patch", "-p1", "--fuzz=0", "-i", `${RECIPE}patches/${name}`], {
        cwd: target,
      });
    }
  } finally {
    log.close();
  }
}

async function buildLibrary(
  { msquicOptions, compileOptions, linkOptions, needs }: Flavour,
  [sourceFolder, openssl, target]: readonly [source: string, tls: string, target: string],
  progress: Step,
): Promise<void> {
  const log = await Log.open("msquic");
  const build = `${target}/build`;
  const library = `${target}/libmsquic.so`;
  try {
    await run(log, [
      ...["cmake", "-S", sourceFolder, "-B", build, "-G", "Unix Makefiles", ...msquicOptions],
      `-DFETCHCONTENT_SOURCE_DIR_OPENSSLQUIC=${RECIPE}openssl`,
      `-DOPENSSL_FOLDER=${openssl}`,
      `-DCMAKE_C_FLAGS=${
        [`-ffile-prefix-map=${sourceFolder}=msquic`, ...compileOptions].join(" ")
      }`,
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
      ...["gcc", ...linkOptions, `-Wl,--version-script=${RECIPE}exports.map`, "-o", library],
      ...["-Wl,--whole-archive", `${archives}/libcore.a`, `${archives}/libmsquic_platform.a`],
      ...["-Wl,--no-whole-archive", `${openssl}/libssl.a`, `${openssl}/libcrypto.a`],
      ...["-latomic", "-lpthread", "-ldl", "-lm"],
    ]);
    await checkLibrary(library, needs, log.path);
    await Deno.remove(build, { recursive: true });
  } finally {
    log.close();
  }
}

/** Proves what the programs count on: the interface is exported, and nothing but libc is needed. */
async function checkLibrary(library: string, needs: RegExp, logPath: string): Promise<void> {
  const dynamic = await outputOf(["readelf", "-d", library]) ?? "";
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name ?? "");
  const foreign = needed.filter((name) => !needs.test(name));
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
