/**
 * What the two ways to run a DHCP client, as a program and by a service, have in common.
 *
 * @module
 */

import { type IpNetwork } from "../../proto/ip.ts";
import type { Command, DhcpFile } from "./plan.ts";
import { removeFileIfThere } from "../files/files.ts";
import type { Change, ChangeJournal } from "../journal/journal.ts";
import { openOwnFolder } from "../files/own_files.ts";
import { endSession } from "../process/session.ts";

/** What happened to an interface's address. */
export type DhcpEvent =
  /** This system has no DHCP client: the address must be given by hand. */
  | { readonly type: "unavailable" }
  /** A client asks for an address. `client` is the program's or the service's name. */
  | { readonly type: "asking"; readonly client: string }
  | {
    readonly type: "lease";
    /** With prefix length. */
    readonly address: string;
    readonly server: string | undefined;
    readonly leaseSeconds: number | undefined;
  }
  /** The address is no longer ours. */
  | { readonly type: "lost"; readonly address: string }
  /** The client ended by itself, or the service refused; it is tried again after `retryMs`. */
  | {
    readonly type: "failed";
    readonly client: string;
    readonly message: string;
    readonly retryMs: number;
  };

/** Who sets addresses on the interface: the TAP device. Addresses come with prefix length. */
export interface AddressKeeper {
  /** Sets an address; one that is set already is no error. */
  addAddress(address: IpNetwork): void;
  removeAddress(address: IpNetwork): void;
}

/** What a session works with. */
export interface DhcpContext {
  /** Name of the client, for events. */
  readonly name: string;
  /** The interface that it is for. */
  readonly interface: string;
  readonly addresses: AddressKeeper;
  /** A folder of this session's own; it is made, and removed at the end. */
  readonly folder: string;
  readonly onEvent: (event: DhcpEvent) => void;
  readonly journal: ChangeJournal | undefined;
  /** See `DhcpRunnerOptions`. */
  readonly releases: (() => number) | undefined;
}

/** A DHCP client at work for one interface. */
export interface DhcpSession {
  /** The address that the client was given last and still has, where it tells. */
  readonly address: string | undefined;
  start(): void;
  renew(): void;
  /** Ends the client within about `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 60_000;
const MESSAGE_CHARACTERS_MAX = 200;
/** What is kept of a line that does not end. */
const LINE_CHARACTERS_MAX = 4096;

/** All that a client needs of our environment. */
export const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
  LC_ALL: "C",
};

/** Tells of a failure and tries again: after 2 s, then twice as long each time, up to a minute. */
export class Retry {
  readonly #context: DhcpContext;
  readonly #again: () => void;
  #delayMs = RETRY_MIN_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: DhcpContext, again: () => void) {
    this.#context = context;
    this.#again = again;
  }

  /** Whether a failure waits for its next try. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  fail(message: string): void {
    const retryMs = this.#delayMs;
    this.#delayMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    this.cancel();
    this.#timer = setTimeout(() => this.now(), retryMs);
    const text = message.slice(0, MESSAGE_CHARACTERS_MAX);
    this.#context.onEvent({ type: "failed", client: this.#context.name, message: text, retryMs });
  }

  /** Tries again without waiting any longer. */
  now(): void {
    this.cancel();
    this.#again();
  }

  /** All is well: the next failure is a first one. */
  reset(): void {
    this.#delayMs = RETRY_MIN_MS;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The files of a session, written before each start and removed at the end. */
export class SessionFiles {
  readonly #files: readonly DhcpFile[];
  readonly #context: DhcpContext;
  readonly #changes: Change[] = [];

  constructor(files: readonly DhcpFile[], context: DhcpContext) {
    this.#files = files;
    this.#context = context;
  }

  write(): void {
    const { folder, journal } = this.#context;
    if (journal !== undefined && this.#changes.length === 0) {
      const outside = this.#files.map(({ path }) => path).filter((path) =>
        !path.startsWith(`${folder}/`)
      );
      for (const path of [folder, ...outside]) this.#changes.push(journal.record("file", path));
    }
    // Programs are run from it: one that somebody else has left there is refused.
    openOwnFolder(folder);
    for (const { path, text, mode } of this.#files) {
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      if (text === undefined) continue;
      // What stands there may be another's: never write through it.
      removeFileIfThere(path);
      Deno.writeTextFileSync(path, text, { mode, createNew: true });
      // The process's umask may have taken away what a service needs to read it.
      Deno.chmodSync(path, mode);
    }
  }

  remove(): void {
    for (const { path } of this.#files) removeFileIfThere(path);
    try {
      Deno.removeSync(this.#context.folder, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    for (const change of this.#changes.splice(0)) this.#context.journal?.forget(change);
  }
}

/** Runs a command to its end, or kills it and what it has started; `message` is the last line of its error output. */
export async function runCommand(
  command: Command,
  timeoutMs: number,
): Promise<{ success: boolean; message: string }> {
  const [path, ...args] = command;
  let message = "";
  try {
    const child = new Deno.Command(path, {
      args,
      clearEnv: true,
      env: ENVIRONMENT,
      detached: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let killed: Promise<void> | undefined;
    const killer = setTimeout(() => killed = endSession(child.pid, 0), timeoutMs);
    const [status] = await Promise.all([
      child.status,
      readLines(child.stderr, (line) => message = line || message),
    ]);
    clearTimeout(killer);
    await killed;
    return { success: status.success, message: message || `it ended with code ${status.code}` };
  } catch (error) {
    return { success: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Hands on the lines of a stream until it ends. */
export async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  handle: (line: string) => void,
): Promise<void> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = (lines.pop() ?? "").slice(-LINE_CHARACTERS_MAX);
    for (const line of lines) handle(line.trimEnd());
  }
  if (text !== "") handle(text);
}
