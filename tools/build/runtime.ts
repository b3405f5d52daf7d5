/**
 * The runtime that `deno compile` puts a program behind: the one in `DENORT_BIN`, or what Deno downloads
 * itself, or, where that cannot be reached, the head of a program out of a package registry that was
 * compiled by the same Deno.
 */
import {
  BuildError,
  cached,
  cacheFolder,
  exists,
  hashOf,
  ignoreNotFound,
  isCached,
  prune,
} from "./cache.ts";
import { Log, outputOf, readLines, searchPath } from "./process.ts";
import { say, step } from "./progress.ts";
import { sha256, verifyRuntime } from "./runtime/verify.ts";
import { takeFromWheel } from "./runtime/wheel.ts";

/** The version of Deno that everything is built, tested and released with. */
export const DENO_VERSION = "2.6.8";

const REQUIREMENTS = new URL("./runtime/requirements.txt", import.meta.url).pathname;
const REFERENCE = new URL("./runtime/reference.txt", import.meta.url).pathname;

/** To be raised when what is cached was checked by less than this file asks for. */
const CHECK_VERSION = "1";

const PROBE_MS = 5_000;
const DOWNLOAD_MS_MAX = 15 * 60_000;

/** What a runtime is for. */
export interface RuntimeTarget {
  /** As `deno compile --target` names it. */
  readonly name: string;
  /** The variable that names a runtime of one's own. */
  readonly variable: string;
  /** The wheel's platform, and the program in it. */
  readonly wheelPlatform: string;
  readonly wheelProgram: string;
  /** The runtime's SHA-256. */
  readonly sha256: string;
  /** Deno's own program for that system, to compare with: its package's platform, its name, its SHA-256. */
  readonly deno: { readonly platform: string; readonly program: string; readonly sha256: string };
  /** The runtime in that program: a PE file keeps its payload as a resource, which is replaced. */
  readonly head: (program: Uint8Array) => Uint8Array;
}

/** The systems that programs are compiled for. */
export const RUNTIME_TARGETS = {
  linux: {
    name: "x86_64-unknown-linux-gnu",
    variable: "DENORT_BIN",
    wheelPlatform: "manylinux_2_27_x86_64",
    wheelProgram: "bids-validator-deno",
    sha256: "23bd19ba48c11df327fca649a81c9d44f0111d9951c1e93ef05bacc219e7ecc3",
    deno: {
      platform: "manylinux_2_27_x86_64",
      program: "deno",
      sha256: "8b254e08be2565f608a06bfde3f62f3aabbf8994712f0078c7a7f24bc8c46676",
    },
    head: cutProgram,
  },
  windows: {
    name: "x86_64-pc-windows-msvc",
    variable: "DENORT_WINDOWS_BIN",
    wheelPlatform: "win_amd64",
    wheelProgram: "bids-validator-deno.exe",
    sha256: "b1fc534b06be2a244ac0ad88fd341708300bee745f05f3590a47e204e5d49b0c",
    deno: {
      platform: "win_amd64",
      program: "deno.exe",
      sha256: "3c53c061724194360f71b45e1dd227128750fe5c167ce314fa9c64110e690598",
    },
    head: (program: Uint8Array) => program,
  },
} as const satisfies Record<string, RuntimeTarget>;

/** Where the compile runtime comes from. */
export type RuntimeSource =
  | { readonly kind: "environment"; readonly path: string }
  | { readonly kind: "deno" }
  | { readonly kind: "registry" };

/** The runtime, ready for `deno compile`. */
export interface Runtime {
  /** What the compiled files depend on. */
  readonly key: string;
  /** Added to the environment of `deno compile`. */
  readonly env: Readonly<Record<string, string>>;
}

/** Refuses another Deno than the pinned one: the runtime must be of the same version. */
export function requirePinnedDeno(version: string = Deno.version.deno): void {
  if (version === DENO_VERSION) return;
  throw new BuildError(
    `this is Deno ${version}, and lanparty is built with ${DENO_VERSION}: npx -y deno@${DENO_VERSION} task …`,
  );
}

/** After an attempt that failed, Deno's own download is not tried again for this long, ms. */
export const RETRY_AFTER_MS = 24 * 3_600_000;

/** The ways to a runtime, apart from one's own. */
export interface RuntimeWays {
  /** Whether Deno has downloaded its runtime before. */
  hasDownloaded(): Promise<boolean>;
  /** Has Deno download it now; false: that cannot be reached. */
  download(): Promise<boolean>;
  /** When that last failed, ms since 1970. */
  failedAtMs(): Promise<number | undefined>;
  /** Whether the one of the package registry is in the cache. */
  hasPackage(): Promise<boolean>;
}

/**
 * Decides where the runtime comes from, without downloading more than Deno's own runtime: whether a
 * package is needed has to be known before anything starts. Deno's own comes first wherever it can be
 * reached, also where the package's is in the cache.
 */
export async function findRuntime(
  target: RuntimeTarget = RUNTIME_TARGETS.linux,
  path: string | undefined = Deno.env.get(target.variable),
  ways: RuntimeWays = waysTo(target),
  nowMs: number = Date.now(),
): Promise<RuntimeSource> {
  if (path !== undefined && path !== "") {
    if (!(await exists(path))) throw new BuildError(`${target.variable}: there is no ${path}`);
    return { kind: "environment", path };
  }
  if (await ways.hasDownloaded()) return { kind: "deno" };
  const failedAtMs = await ways.failedAtMs();
  const isRecent = failedAtMs !== undefined && nowMs - failedAtMs < RETRY_AFTER_MS;
  if (isRecent && await ways.hasPackage()) return { kind: "registry" };
  return await step("runtime: trying Deno's own download", async (progress) => {
    if (await ways.download()) return { kind: "deno" };
    progress.detail("not reachable");
    return { kind: "registry" };
  });
}

function waysTo(target: RuntimeTarget): RuntimeWays {
  const failure = `${cacheFolder()}/unreachable-${target.name}`;
  return {
    hasDownloaded: () => hasDenoDownloaded(target),
    hasPackage: async () => await isCached("runtime", await registryKey(target)),
    failedAtMs: async () => {
      const information = await Deno.stat(failure).catch(ignoreNotFound);
      return information?.mtime?.getTime();
    },
    download: async () => {
      const isDownloaded = await downloadByDeno(target);
      if (isDownloaded) await Deno.remove(failure).catch(ignoreNotFound);
      else await Deno.writeTextFile(failure, "");
      return isDownloaded;
    },
  };
}

/** Whether getting the runtime needs Python's package installer. */
export async function needsPythonPackages(
  { kind }: RuntimeSource,
  target: RuntimeTarget = RUNTIME_TARGETS.linux,
): Promise<boolean> {
  return kind === "registry" && !(await isCached("runtime", await registryKey(target)));
}

/** Gets the runtime from where `findRuntime` said. */
export async function ensureRuntime(
  source: RuntimeSource,
  target: RuntimeTarget = RUNTIME_TARGETS.linux,
): Promise<Runtime> {
  if (source.kind === "deno") return { key: `deno ${DENO_VERSION}`, env: {} };
  if (source.kind === "environment") {
    const { size, mtime } = await Deno.stat(source.path);
    const key = await hashOf([source.path, String(size), String(mtime?.getTime())]);
    return { key, env: { DENORT_BIN: source.path } };
  }
  const key = await registryKey(target);
  if (!(await isCached("runtime", key))) {
    say(
      "runtime: Deno's own download cannot be reached, so it comes out of bids-validator-deno 2.4.0",
    );
  }
  const folder = await cached("runtime", key, (folder) => {
    return takeFromRegistry(target, folder);
  });
  await prune("runtime", 4);
  return { key, env: { DENORT_BIN: `${folder}/denort` } };
}

async function registryKey({ wheelPlatform, sha256, deno }: RuntimeTarget): Promise<string> {
  const requirements = await Deno.readFile(REQUIREMENTS);
  return await hashOf([CHECK_VERSION, requirements, wheelPlatform, sha256, deno.sha256]);
}

async function hasDenoDownloaded({ name }: RuntimeTarget): Promise<boolean> {
  const information = await outputOf([Deno.execPath(), "info", "--json"]);
  const { denoDir }: { denoDir?: string } = JSON.parse(information ?? "{}");
  if (denoDir === undefined) return false;
  return await exists(`${denoDir}/dl/release/v${DENO_VERSION}/denort-${name}.zip`);
}

/**
 * Compiles an empty program, so that Deno downloads its runtime. Deno names the address that it loads
 * from; when that does not answer a request of our own in time, we do not wait for Deno either.
 */
async function downloadByDeno({ name }: RuntimeTarget): Promise<boolean> {
  await Deno.mkdir(cacheFolder(), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: cacheFolder(), prefix: "probe-" });
  const log = await Log.open("runtime");
  try {
    await Deno.writeTextFile(`${folder}/empty.ts`, "");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["compile", "--no-config", "--no-check", "--target", name],
        ...["-o", `${folder}/empty`, `${folder}/empty.ts`],
      ],
      env: { NO_COLOR: "1", PATH: searchPath() },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const stop = () => child.kill("SIGKILL");
    const timer = setTimeout(stop, DOWNLOAD_MS_MAX);
    await readLines(child.stderr, (line) => {
      log.writeLine(line);
      const address = line.match(/^Download (https:\S+)/)?.[1];
      if (address !== undefined) {
        answers(address).then((reachable) => reachable || stop()).catch(() => undefined);
      }
    });
    const status = await child.status;
    clearTimeout(timer);
    return status.success;
  } finally {
    log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(address, {
      method: "HEAD",
      signal: AbortSignal.timeout(PROBE_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Takes the runtime out of the package, and refuses it where it is not what Deno has made. */
async function takeFromRegistry(
  { name, wheelPlatform, wheelProgram, head, variable, sha256: expected, deno }: RuntimeTarget,
  target: string,
): Promise<void> {
  try {
    const program = await step("runtime: downloading the package", () =>
      takeFromWheel({
        requirements: REQUIREMENTS,
        platform: wheelPlatform,
        path: `bids_validator_deno-2.4.0.data/scripts/${wheelProgram}`,
      }, target));
    const runtime = head(program);
    if (sha256(runtime) !== expected) {
      throw new BuildError(`the package's runtime for ${name} has another hash`);
    }
    await step("runtime: comparing its code with Deno's own", async (progress) => {
      const measured = verifyRuntime(runtime, await denoProgram(deno, target), DENO_VERSION);
      progress.detail(`${(measured.foundShare * 100).toFixed(1)} % found`);
    });
    await Deno.writeFile(`${target}/denort`, runtime, { mode: 0o755 });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(`no compile runtime; ${variable} may name one.\n${error.message}`);
  }
}

/** Deno's own program for that system: the running one, if it is that, or out of the package index. */
export async function denoProgram(
  { sha256: expected, platform, program }: RuntimeTarget["deno"],
  folder: string,
): Promise<Uint8Array> {
  const running = await Deno.readFile(Deno.execPath());
  if (sha256(running) === expected) return running;
  const path = `deno-${DENO_VERSION}.data/scripts/${program}`;
  const packed = await takeFromWheel({ requirements: REFERENCE, platform, path }, folder);
  if (sha256(packed) === expected) return packed;
  throw new BuildError(`the package's ${program} of Deno ${DENO_VERSION} has another hash`);
}

/**
 * The ELF file without what was appended to it: an ELF file of Deno's ends with its section headers.
 * e_shoff is a u64 at 40, e_shentsize a u16 at 58, e_shnum a u16 at 60, all little-endian (elf(5)).
 */
export function cutProgram(program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const isElf64 = program.length >= 64 && view.getUint32(0) === 0x7f454c46 &&
    view.getUint8(4) === 2 &&
    view.getUint8(5) === 1;
  if (!isElf64) throw new BuildError("the package's program is no 64-bit little-endian ELF file");
  const endBytes = Number(view.getBigUint64(40, true)) +
    view.getUint16(58, true) * view.getUint16(60, true);
  if (endBytes > program.length) throw new BuildError("the package's program is cut short");
  return program.subarray(0, endBytes);
}
