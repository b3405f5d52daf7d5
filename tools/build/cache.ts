/**
 * The cache of everything that is downloaded or built: one folder per result, named by a hash of its
 * inputs, shared between clones of the repository, and only ever complete.
 */

/** A failure that the person at the keyboard can do something about: shown without a stack trace. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

let chosenFolder: string | undefined;

/** Has this thread keep its cache in another folder, or again in the usual one. */
export function chooseCacheFolder(folder: string | undefined): void {
  chosenFolder = folder;
}

/** The cache folder: `lanparty` under `XDG_CACHE_HOME`, or else under `~/.cache`. */
export function cacheFolder(environment: (name: string) => string | undefined = readEnv): string {
  if (chosenFolder !== undefined) return chosenFolder;
  const xdg = environment("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/lanparty`;
  const home = environment("HOME");
  if (home?.startsWith("/")) return `${home}/.cache/lanparty`;
  throw new BuildError("no place for the cache: set HOME or XDG_CACHE_HOME to an absolute path");
}

function readEnv(name: string): string | undefined {
  return Deno.env.get(name);
}

/**
 * A hash over the parts, each with its length, so that moving a byte from one part to the next gives
 * another hash. 32 hexadecimal digits: the first half of a SHA-256.
 */
export async function hashOf(parts: readonly (string | Uint8Array)[]): Promise<string> {
  const encoder = new TextEncoder();
  const chunks: Uint8Array[] = [];
  for (const part of parts) {
    const bytes = typeof part === "string" ? encoder.encode(part) : part;
    chunks.push(encoder.encode(`${bytes.length}:`), bytes);
  }
  const whole = await new Blob(chunks as BlobPart[]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return [...digest.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** All files below a folder as sorted relative paths; those that `skip` names are left out. */
export async function listFiles(
  folder: string,
  skip: (path: string) => boolean = () => false,
): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${folder}/${below}`)) {
      const path = below + entry.name;
      if (skip(path)) continue;
      if (entry.isDirectory) await walk(`${path}/`);
      else if (entry.isFile) found.push(path);
    }
  };
  await walk("");
  return found.sort();
}

/** Hash of the names and contents of files, given relative to a folder. */
export async function hashFiles(folder: string, paths: readonly string[]): Promise<string> {
  const parts: (string | Uint8Array)[] = [];
  for (const path of paths) parts.push(path, await Deno.readFile(`${folder}/${path}`));
  return await hashOf(parts);
}

/** Whether a path exists, whatever it is. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Where the entry of that kind and key lies, whether it is there yet or not. */
export function entryPath(kind: string, key: string): string {
  return `${cacheFolder()}/${kind}-${key}`;
}

/** Whether the cache holds that entry. */
export async function isCached(kind: string, key: string): Promise<boolean> {
  return await exists(entryPath(kind, key));
}

/**
 * The folder of a cache entry, made by `make` if it is not there.
 *
 * `make` fills a folder that becomes the entry by a rename when all is done, so an entry is complete or
 * absent, and it may move: nothing in it may hold its own path. A second process that wants an entry of
 * the kind waits for the first.
 */
export async function cached(
  kind: string,
  key: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const path = entryPath(kind, key);
  if (await exists(path)) {
    await touch(path);
    return path;
  }
  await Deno.mkdir(cacheFolder(), { recursive: true });
  return await whileLocked(`${cacheFolder()}/${kind}.lock`, async () => {
    if (await exists(path)) return path;
    const unfinished = `${path}.unfinished`;
    await Deno.remove(unfinished, { recursive: true }).catch(ignoreNotFound);
    await Deno.mkdir(unfinished);
    try {
      await make(unfinished);
      await Deno.rename(unfinished, path);
    } catch (error) {
      await Deno.remove(unfinished, { recursive: true }).catch(ignoreNotFound);
      throw error;
    }
    return path;
  });
}

/** Runs `work` while holding the lock file, which the kernel gives back when the process dies. */
export async function whileLocked<T>(lockPath: string, work: () => Promise<T>): Promise<T> {
  const lock = await Deno.open(lockPath, { create: true, write: true });
  try {
    await lock.lock(true);
    return await work();
  } finally {
    lock.close();
  }
}

/** Keeps the most recently used entries of a kind and removes the others. */
export async function prune(kind: string, entriesMax: number): Promise<void> {
  const folder = cacheFolder();
  const entries: { path: string; usedMs: number }[] = [];
  const pattern = new RegExp(`^${kind}-[0-9a-f]{32}$`);
  for await (const entry of Deno.readDir(folder)) {
    if (!pattern.test(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    const information = await Deno.stat(path).catch(ignoreNotFound);
    if (information) entries.push({ path, usedMs: information.mtime?.getTime() ?? 0 });
  }
  entries.sort((a, b) => b.usedMs - a.usedMs);
  for (const { path } of entries.slice(entriesMax)) {
    await Deno.remove(path, { recursive: true }).catch(ignoreNotFound);
  }
}

/** Copies a file so that its target is the old one or the whole new one, also for those running it. */
export async function copyAtomically(from: string, to: string): Promise<void> {
  const unfinished = `${to}.${Deno.pid}.unfinished`;
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  try {
    await Deno.copyFile(from, unfinished);
    const { atime, mtime } = await Deno.stat(from);
    if (atime && mtime) await Deno.utime(unfinished, atime, mtime);
    await Deno.rename(unfinished, to);
  } catch (error) {
    await Deno.remove(unfinished).catch(ignoreNotFound);
    throw error;
  }
}

/** Copies a file unless the target already has its size and modification time. */
export async function copyIfChanged(from: string, to: string): Promise<void> {
  const source = await Deno.stat(from);
  const target = await Deno.stat(to).catch(ignoreNotFound);
  const same = target?.isFile && target.size === source.size &&
    target.mtime?.getTime() === source.mtime?.getTime();
  if (!same) await copyAtomically(from, to);
}

/** Copies a file given relative to a folder to the same place below another one. */
export async function copyInto(target: string, folder: string, path: string): Promise<void> {
  const to = `${target}/${path}`;
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(`${folder}/${path}`, to);
}

/** For `.catch`: a missing file is no failure here. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await Deno.utime(path, now, now).catch((error) => {
    if (!(error instanceof Deno.errors.PermissionDenied)) ignoreNotFound(error);
  });
}
