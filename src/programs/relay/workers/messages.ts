/**
 * What a supervisor and a worker say to each other: one JSON object a line, over the worker's standard
 * input and output. Both are the same executable, so what comes is what was meant.
 *
 * ```
 *  supervisor ── job ──► worker                     its first line
 *             ◄── listening, or failed ──
 *             ── open ──►                           all listen: hellos are answered from here on
 *             ◄── alive ──                          at its interval, from the loop that carries the frames
 *             ── view ──► ◄── view ──               for status pages and `ctl`
 *             ── lock, unlock, kick, close, drain ──►
 *             ── bans, unban ──►                    those that there are come with "open"
 *             ◄── banMade, bansGone ──              what was done in the worker: the supervisor keeps the list
 *             ── reload ──► ◄── reloaded ──
 *             ── stop, or the end of the input ──►  the process ends
 * ```
 *
 * @module
 */
import type { ListenAddress } from "../../../control/address.ts";
import type { PeerId } from "../../../proto/brands.ts";
import type { Ban } from "../../../relay/ban_record.ts";
import type { Removal } from "../../../relay/removal.ts";
import type { RelayView } from "../../../serve/relay_view.ts";

/** The options of a program as texts, by their names. */
export type OptionTexts = Readonly<Record<string, readonly string[] | boolean>>;

/** What a worker is to do. */
export interface WorkerJob {
  readonly type: "job";
  /** Of the supervisor's program: the file may have been exchanged since it was started. */
  readonly version: string;
  /** The process id of the supervisor. */
  readonly supervisor: number;
  /** From 0. */
  readonly worker: number;
  /** The relay's options, of which the following fields take precedence. */
  readonly options: OptionTexts;
  readonly listen: readonly ListenAddress[];
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly derOutFile?: string;
  readonly stateDir: string;
  readonly frameLogFile?: string;
  /** What tells rooms of the same code apart, base64url: the same for all workers. */
  readonly roomSalt: string;
  /** How often it is to say that it lives. */
  readonly aliveIntervalMs: number;
  readonly locks: readonly string[];
  readonly draining: boolean;
}

/** What a worker is told after its job. */
export type WorkerOrder =
  | {
    readonly type: "open";
    /** The UDP ports of each worker, one for each listener. */
    readonly ports: readonly (readonly number[])[];
    /** Who is not to be let in. */
    readonly bans: readonly Ban[];
  }
  /** A worker has one such question at a time. */
  | { readonly type: "view" }
  | { readonly type: "lock"; readonly room: string }
  | { readonly type: "unlock"; readonly room: string }
  | {
    readonly type: "kick";
    readonly room: string;
    readonly peerId: PeerId;
    readonly removal: Removal;
  }
  | { readonly type: "close"; readonly room: string; readonly reason: string | undefined }
  | { readonly type: "bans"; readonly bans: readonly Ban[] }
  | { readonly type: "unban"; readonly ids: readonly string[] }
  | { readonly type: "drain" }
  | { readonly type: "reload" }
  | { readonly type: "stop" };

/** What a worker says. */
export type WorkerReport =
  /** With the UDP port of each listener. */
  | { readonly type: "listening"; readonly ports: readonly number[] }
  | { readonly type: "failed"; readonly message: string; readonly usage: boolean }
  | {
    readonly type: "alive";
    readonly rooms: number;
    readonly peers: number;
    readonly draining: boolean;
  }
  | { readonly type: "view"; readonly view: RelayView }
  | { readonly type: "banMade"; readonly ban: Ban }
  | { readonly type: "bansGone"; readonly ids: readonly string[] }
  | { readonly type: "reloaded" };

/** The word that starts a worker instead of a relay; what follows it is for process lists. */
export const WORKER_WORD = "reactor";

/** A message as a line. */
export function formatLine(message: WorkerJob | WorkerOrder | WorkerReport): string {
  return `${JSON.stringify(message)}\n`;
}

/** The job of a line, or undefined if it is none of this version's. */
export function parseJob(line: string): WorkerJob | undefined {
  try {
    const json = JSON.parse(line) as Partial<WorkerJob> | null;
    return json?.type === "job" ? json as WorkerJob : undefined;
  } catch {
    return undefined;
  }
}

/** A later line; undefined: it is no message. */
export function parseLine<Message extends WorkerOrder | WorkerReport>(
  line: string,
): Message | undefined {
  try {
    const json = JSON.parse(line) as Message | null;
    return typeof json?.type === "string" ? json : undefined;
  } catch {
    return undefined;
  }
}
