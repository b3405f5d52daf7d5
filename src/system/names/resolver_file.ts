/**
 * The system's list of name servers as a file, where no program looks after it: the LAN's take its place for as long
 * as the adapter has the LAN's address, and what was there before is put back after, unless somebody else has
 * changed it since.
 *
 * @module
 */

import {
  type Change,
  type ChangeData,
  type ChangeJournal,
  ForeignChangeError,
  isRecord,
  type Undo,
} from "../journal/mod.ts";

/** Where it is (resolv.conf(5)). */
export const RESOLVER_FILE = "/etc/resolv.conf";
/** What a list that was replaced is in the journal. */
export const RESOLVER_CHANGE = "resolver";

/** A longer one is left alone. */
const BYTES_MAX = 65_536;
const LINK_BYTES_MAX = 4_096;
const MODE = 0o644;

/** What is there: where a link leads, and what is read there. */
export interface ResolverState {
  readonly link: string | null;
  /** In base64; null: there is no file. */
  readonly content: string | null;
}

/** The list of name servers, while another one is in its place. */
export class ResolverFile {
  readonly #journal: ChangeJournal;
  readonly #path: string;
  #change: Change | undefined;

  /** @param path for tests: {@linkcode RESOLVER_FILE} is what a journal's change is undone at */
  constructor(journal: ChangeJournal, path: string = RESOLVER_FILE) {
    this.#journal = journal;
    this.#path = path;
  }

  /**
   * Writes another list in its place.
   *
   * @returns false: what is there is no such file, or cannot be read; it stays
   * @throws what writing the file throws
   */
  replace(text: string): boolean {
    this.restore();
    const before = readResolver(this.#path);
    if (before === undefined) return false;
    const content = new TextEncoder().encode(text).toBase64();
    // A link that leads nowhere gives way to a file.
    const link = before.content === null ? null : before.link;
    const after: ResolverState = { link, content };
    const data = { before: { ...before }, after: { ...after } };
    this.#change = this.#journal.record(RESOLVER_CHANGE, data);
    writeState(this.#path, after, before);
    return true;
  }

  /**
   * Puts back what was there before.
   *
   * @throws what writing the file throws; it stays written down
   */
  restore(): void {
    const change = this.#change;
    if (change === undefined) return;
    undoResolver(this.#path)(change.data);
    this.#journal.forget(change);
    this.#change = undefined;
  }
}

/**
 * Puts back what was there before, if what is there now is what was written in its place, also where the process or the
 * whole system ended in the middle of writing it.
 *
 * @throws {ForeignChangeError} the journal names something else
 */
export function undoResolver(path: string = RESOLVER_FILE): Undo {
  return (data) => {
    const { before, after } = isRecord(data) ? data : {};
    if (!isState(before) || !(after === null || isState(after))) {
      throw new ForeignChangeError(`no list of name servers is ${JSON.stringify(data)}`);
    }
    const now = readResolver(path);
    if (now === undefined || after === null) return;
    if (!isSame(now, after) && !isTorn(now, before, after)) return;
    if (!isSame(now, before)) writeState(path, before, now);
  };
}

function isState(value: unknown): value is ResolverState & { readonly [name: string]: ChangeData } {
  if (!isRecord(value as ChangeData)) return false;
  const { link, content } = value as Record<string, unknown>;
  const isLink = link === null ||
    (typeof link === "string" && /^[^\0]+$/.test(link) && link.length <= LINK_BYTES_MAX);
  const isContent = content === null ||
    (typeof content === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(content) &&
      content.length <= Math.ceil(BYTES_MAX / 3) * 4);
  return isLink && isContent;
}

/** What is there; undefined: it is no such file, or cannot be read. */
export function readResolver(path: string): ResolverState | undefined {
  try {
    const info = lstat(path);
    const link = info?.isSymlink ? Deno.readLinkSync(path) : null;
    if (info !== undefined && link === null && !info.isFile) return undefined;
    const bytes = info === undefined ? undefined : readIfThere(path);
    if (bytes !== undefined && bytes.length > BYTES_MAX) return undefined;
    return { link, content: bytes === undefined ? null : bytes.toBase64() };
  } catch {
    return undefined;
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function readIfThere(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** In place: the file may be one that is mounted there, and keeps its owner. */
function writeState(path: string, wanted: ResolverState, now: ResolverState): void {
  if (wanted.link !== now.link) {
    if (now.link !== null || now.content !== null) Deno.removeSync(path);
    if (wanted.link !== null) Deno.symlinkSync(wanted.link, path);
  }
  const content = readResolver(path)?.content;
  if (content === wanted.content) return;
  if (wanted.content === null) {
    if (wanted.link === null) Deno.removeSync(path);
    return;
  }
  Deno.writeFileSync(path, Uint8Array.fromBase64(wanted.content), { mode: MODE });
}

/** Whether it is a beginning of what was there or was written, or nothing where a link was being exchanged. */
function isTorn(now: ResolverState, before: ResolverState, after: ResolverState): boolean {
  if (now.content === null) return now.link === null && before.link !== after.link;
  const { content } = now;
  return [before, after].some((whole) =>
    whole.link === now.link && whole.content !== null && isBeginning(content, whole.content)
  );
}

/** Both in base64. */
function isBeginning(part: string, whole: string): boolean {
  const [some, all] = [part, whole].map((text) => Uint8Array.fromBase64(text));
  return some.every((byte, index) => byte === all[index]);
}

function isSame(a: ResolverState, b: ResolverState): boolean {
  return a.link === b.link && a.content === b.content;
}
