/**
 * The system's list of name servers, while a DHCP client runs the system's own script: that writes the
 * LAN's into it, and on many systems nobody puts back what was there. So it is written down before, and
 * put back after, unless somebody else has changed it since.
 *
 * What the script has written is told from what others write by its time: it comes right after the
 * client's start, where that finds something of an earlier run, or when it has said that it has a lease.
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
} from "./journal.ts";

/** Where it is (resolv.conf(5)). */
export const RESOLVER_FILE = "/etc/resolv.conf";
/** What holding it is in the journal. */
export const RESOLVER_CHANGE = "resolver";

/** How long after a lease a change is the script's: it may be slow on a busy machine. */
const SCRIPT_MAX_MS = 10_000;
/** How often it is looked at. */
const LOOK_INTERVAL_MS = 100;
/** A longer one is left alone. */
const BYTES_MAX = 65_536;
const LINK_BYTES_MAX = 4_096;
const MODE = 0o644;
/** What udhcpc, dhclient and dhcpcd say when they have a lease. */
const LEASED = /lease of .* obtained|\bDHCPACK\b|\bbound to\b|: leased /;

/** What is there: where a link leads, and what is read there. */
interface ResolverState {
  readonly link: string | null;
  /** In base64; null: there is no file. */
  readonly content: string | null;
}

/** The list of name servers, held for as long as one DHCP client runs. */
export class ResolverGuard {
  readonly #journal: ChangeJournal;
  readonly #path: string;
  #change: Change | undefined;
  #before: ResolverState | undefined;
  #seen: ResolverState | undefined;
  #after: ResolverState | null = null;
  #scriptUntilMs = -Infinity;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param path for tests: {@linkcode RESOLVER_FILE} is what a journal's change is undone at */
  constructor(journal: ChangeJournal, path: string = RESOLVER_FILE) {
    this.#journal = journal;
    this.#path = path;
  }

  /** Writes down what is there; to be called before the client is started, each time. */
  hold(nowMs: number): void {
    this.look(nowMs);
    this.#scriptUntilMs = nowMs + SCRIPT_MAX_MS;
    if (this.#change !== undefined) return;
    this.#before = this.#seen = readState(this.#path);
    if (this.#before === undefined) return;
    this.#after = null;
    this.#change = this.#journal.record(RESOLVER_CHANGE, this.#data());
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_INTERVAL_MS);
  }

  /** The client has said something. */
  handleLine(line: string, nowMs: number): void {
    if (LEASED.test(line)) this.#scriptUntilMs = nowMs + SCRIPT_MAX_MS;
  }

  /** Looks whether it has changed, and by whom. */
  look(nowMs: number): void {
    const now = readState(this.#path);
    if (now === undefined || this.#seen === undefined || isSame(now, this.#seen)) return;
    this.#seen = now;
    if (nowMs <= this.#scriptUntilMs) this.#after = now;
    else {
      // Somebody else's: what the script may write over it later is to be put back to this.
      this.#before = now;
      this.#after = null;
    }
    if (this.#change === undefined) return;
    this.#change = this.#journal.replace(this.#change, this.#data());
  }

  /**
   * The client has ended, and its script has had its last word: puts back what was there before.
   *
   * @throws what writing the file throws; it stays written down
   */
  release(): void {
    clearInterval(this.#timer);
    if (this.#change === undefined) return;
    // What has changed since the last look is what the script has done at the client's end.
    this.#scriptUntilMs = Infinity;
    this.look(performance.now());
    undoResolver(this.#path)(this.#data());
    this.#journal.forget(this.#change!);
    this.#change = undefined;
  }

  #data(): ChangeData {
    const { link, content } = this.#before!;
    return { before: { link, content }, after: this.#after === null ? null : { ...this.#after } };
  }
}

/**
 * Puts back what was there before, if what is there now is what the script has written.
 *
 * @throws {ForeignChangeError} the journal names something else
 */
export function undoResolver(path: string = RESOLVER_FILE): Undo {
  return (data) => {
    const { before, after } = isRecord(data) ? data : {};
    if (!isState(before) || !(after === null || isState(after))) {
      throw new ForeignChangeError(`no list of name servers is ${JSON.stringify(data)}`);
    }
    const now = readState(path);
    if (now === undefined || after === null || !isSame(now, after)) return;
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
function readState(path: string): ResolverState | undefined {
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

/** In place, as the scripts do it: the file may be one that is mounted there, and keeps its owner. */
function writeState(path: string, wanted: ResolverState, now: ResolverState): void {
  if (wanted.link !== now.link) {
    if (now.link !== null || now.content !== null) Deno.removeSync(path);
    if (wanted.link !== null) Deno.symlinkSync(wanted.link, path);
  }
  const content = readState(path)?.content;
  if (content === wanted.content) return;
  if (wanted.content === null) {
    if (wanted.link === null) Deno.removeSync(path);
    return;
  }
  Deno.writeFileSync(path, Uint8Array.fromBase64(wanted.content), { mode: MODE });
}

function isSame(a: ResolverState, b: ResolverState): boolean {
  return a.link === b.link && a.content === b.content;
}
