/**
 * Files and folders that are believed: nobody but this user and root may be able to change them, or
 * what leads to them, and what is secret nobody else may read. On Windows the folders of a user and of
 * programs are kept apart by the system; there nothing is looked at here.
 *
 * @module
 */

import { isFile, readFileIfThere } from "./files.ts";

/** Others could change, or read, what they must not; the message says how to mend it. */
export class UnsafePathError extends Error {
  override readonly name = "UnsafePathError";
  /** A failure of the machine's, like one of its calls, and no bug: so it has a code as those have. */
  readonly code = "EUNSAFEPATH";
}

/** What is known of a file or folder: a part of `Deno.FileInfo`. */
export interface PathInfo {
  readonly uid: number | null;
  readonly gid: number | null;
  readonly mode: number | null;
}

/** Who this process is. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Root only: the user who has become root by sudo, and whose files root was told to use. */
  readonly sudoUid?: number;
}

const ROOT = 0;
const FOLDER_MODE = 0o700;
const STICKY = 0o1000;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const GROUP_READ = 0o040;
const ALL_OF_OTHERS = 0o077;
/** Symbolic links on the way to one folder (path_resolution(7) has the same bound). */
const LINKS_MAX = 40;

/** This process's user; undefined on systems without user ids. */
export function currentUser(): User | undefined {
  const [uid, gid] = [Deno.uid(), Deno.gid()];
  if (uid === null || gid === null) return undefined;
  const sudo = Deno.env.get("SUDO_UID") ?? "";
  return uid === ROOT && /^[0-9]{1,10}$/.test(sudo)
    ? { uid, gid, sudoUid: Number(sudo) }
    : { uid, gid };
}

/**
 * A folder whose files are believed, made where it is not there (and what leads to it, private).
 *
 * @returns its path, absolute and without symbolic links: nobody else can lead it elsewhere
 * @throws {UnsafePathError} others could change what lies in it, or where it is
 * @throws {Deno.errors.PermissionDenied} it cannot be made
 */
export function openOwnFolder(wanted: string, user: User | undefined = currentUser()): string {
  if (user === undefined) {
    Deno.mkdirSync(wanted, { recursive: true, mode: FOLDER_MODE });
    return Deno.realPathSync(wanted);
  }
  let at = "/";
  const parts = (wanted.startsWith("/") ? wanted : `${Deno.cwd()}/${wanted}`).split("/");
  let links = 0;
  let info: Deno.FileInfo = Deno.lstatSync(at);
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      at = at.replace(/\/[^/]*$/, "") || "/";
      info = Deno.lstatSync(at);
      continue;
    }
    // What is above is safe, so that nobody can exchange what is looked at here.
    refuse(whyUnsafeParent(at, info, user));
    const path = at === "/" ? `/${part}` : `${at}/${part}`;
    info = lstatOrMake(path);
    if (!info.isSymlink) {
      if (!info.isDirectory) throw notUsable(Deno.errors.NotADirectory, "ENOTDIR", path);
      at = path;
      continue;
    }
    refuse(whyForeign(path, info, user));
    if (++links > LINKS_MAX) throw notUsable(Deno.errors.FilesystemLoop, "ELOOP", path);
    const target = Deno.readLinkSync(path);
    if (target.startsWith("/")) at = "/";
    info = Deno.lstatSync(at);
    parts.unshift(...target.split("/"));
  }
  refuse(whyUnsafeFolder(at, info, user));
  return at;
}

/** The error that the system itself would give, with its code. */
function notUsable(kind: new (message: string) => Error, code: string, path: string): Error {
  const why = code === "ELOOP" ? "is behind too many links" : "is no folder";
  return Object.assign(new kind(`${path} ${why}`), { code });
}

function lstatOrMake(path: string): Deno.FileInfo {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    Deno.mkdirSync(path, { mode: FOLDER_MODE });
  } catch (error) {
    // Another process of ours, or somebody else: what is there is looked at now.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  return Deno.lstatSync(path);
}

/**
 * Reads a file of a folder that {@linkcode openOwnFolder} has found safe; undefined if there is none.
 *
 * @param isSecret whether nobody else may read it either
 * @throws {UnsafePathError} somebody else has made it, or can change or read it
 */
export function readOwnFile(path: string, isSecret = false): Uint8Array<ArrayBuffer> | undefined {
  const user = currentUser();
  if (user === undefined) return readFileIfThere(path);
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (info.isSymlink) refuse(`${path} is a symbolic link: remove it`);
  refuse(whyUnsafeFile(path, info, user));
  if (isSecret) refuse(whyNotSecret(path, info, user));
  return readFileIfThere(path);
}

/**
 * Why a secret in a file is none, wherever the file lies; undefined: nobody else can read it.
 *
 * @throws {Deno.errors.NotFound} there is no such file
 */
export function whyReadByOthers(path: string): string | undefined {
  const user = currentUser();
  if (user === undefined) return undefined;
  const info = Deno.statSync(path);
  // A terminal or a null device holds nothing; a pipe is looked at like a file.
  return info.isCharDevice || isCredential(path, info, user)
    ? undefined
    : whyNotSecret(path, info, user);
}

/**
 * Whether systemd has given a file (`LoadCredential=`, systemd.exec(5)): to the service's user alone.
 * Where it grants that by an access list, the file stays root's, and the list's mask shows as the
 * rights of a group.
 */
function isCredential(path: string, info: PathInfo, user: User): boolean {
  const folder = credentialsFolder();
  const isThere = folder !== undefined && path.startsWith(`${folder}/`) &&
    !path.slice(folder.length + 1).includes("/");
  return isThere && (info.uid === ROOT || info.uid === user.uid) &&
    ((info.mode ?? 0) & 0o037) === 0;
}

/** A file that systemd gives to this service under a name; undefined: there is none of that name. */
export function findCredential(name: string): string | undefined {
  const folder = credentialsFolder();
  if (folder === undefined) return undefined;
  const path = `${folder}/${name}`;
  return isFile(path) ? path : undefined;
}

/** Where systemd puts what it gives to a service; undefined: it gives nothing. */
function credentialsFolder(): string | undefined {
  const folder = Deno.env.get("CREDENTIALS_DIRECTORY");
  return folder?.startsWith("/") ? folder.replace(/\/$/, "") : undefined;
}

/** Why what lies in a folder could be exchanged by others; undefined: it cannot. */
export function whyUnsafeParent(path: string, info: PathInfo, user: User): string | undefined {
  const mode = info.mode ?? 0;
  // In a sticky folder, such as /tmp, each one's files are left alone by others.
  if ((mode & STICKY) !== 0) return whyForeign(path, info, user);
  return whyForeign(path, info, user) ?? whyWritable(path, info, user);
}

/** Why a folder's files cannot be believed; undefined: they can. */
export function whyUnsafeFolder(path: string, info: PathInfo, user: User): string | undefined {
  return whyForeign(path, info, user) ?? whyWritable(path, info, user);
}

/** The same of a file in a safe folder. */
export function whyUnsafeFile(path: string, info: PathInfo, user: User): string | undefined {
  const { uid } = info;
  return uid === ROOT || uid === user.uid
    ? whyWritable(path, info, user)
    : `${path} was made by ${nameOf(uid)}: remove it`;
}

/** Why a file's secret is none, or not ours; undefined: it is. */
export function whyNotSecret(path: string, info: PathInfo, user: User): string | undefined {
  const { uid, mode: fullMode } = info;
  const mode = (fullMode ?? 0) & 0o777;
  const isOurs = uid === ROOT || uid === user.uid ||
    (user.sudoUid !== undefined && uid === user.sudoUid);
  const word = quoteForShell(path);
  if (!isOurs) {
    return `${path} belongs to ${nameOf(uid)}, who can read and change it: ` +
      `chown ${user.uid} ${word} && chmod 600 ${word}`;
  }
  // What is root's may be handed to a service by its group.
  const allowed = uid === ROOT && user.uid !== ROOT ? GROUP_READ : 0;
  if ((mode & ALL_OF_OTHERS & ~allowed) === 0) return undefined;
  return `${path} can be read by others (mode ${octal(mode)}): ` +
    `chmod ${allowed === 0 ? "600" : "640"} ${word}`;
}

function whyForeign(path: string, { uid }: PathInfo, user: User): string | undefined {
  if (uid === ROOT || uid === user.uid) return undefined;
  return `${path} belongs to ${
    nameOf(uid)
  }, who can change what is in it: choose another --state-dir, or, ` +
    `if you know all that is in it, chown ${user.uid} ${quoteForShell(path)}`;
}

function whyWritable(path: string, { gid, mode }: PathInfo, user: User): string | undefined {
  const bits = (mode ?? 0) & 0o777;
  // A group of root's, or the one that many systems give to each user alone, under the user's number.
  const isOwnGroup = gid === ROOT || (user.uid !== ROOT && gid === user.gid && gid === user.uid);
  const isWritable = (bits & OTHERS_WRITE) !== 0 || ((bits & GROUP_WRITE) !== 0 && !isOwnGroup);
  if (!isWritable) return undefined;
  return `${path} can be written by others (mode ${octal(bits)}): chmod go-w ${
    quoteForShell(path)
  }`;
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw new UnsafePathError(why);
}

function nameOf(uid: number | null): string {
  return uid === ROOT ? "root" : `another user (id ${uid})`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** A word as a shell takes it. */
function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
