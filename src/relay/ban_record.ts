/**
 * One ban as a value, and as text: of whom, where, by whom and how long. Bans outlive the process, so their
 * times are those of the wall clock, ms since 1970.
 *
 * @module
 */
import { parseBanTarget } from "../control/ban_target.ts";
import { REASON_CODE_POINTS_MAX, type Remover, REMOVERS } from "../control/host_messages.ts";
import { NAME_CODE_POINTS_MAX } from "../control/schema.ts";
import { cleanText } from "../proto/clean_text.ts";

/** What a ban looks for, at most: a peer's MAC, address and token. */
export const BAN_TARGETS_MAX = 3;
const ID = /^[0-9a-f]{10}$/;
/** A room's code, and what may tell it apart. */
const ROOM = /^[A-Z0-9-]{1,32}(\.[\w-]{1,64})?$/;
const SITE = /^[\w.:/-]{1,64}$/;

/** Bytes of a ban's id, which is written in hexadecimal. */
export const BAN_ID_BYTES = 5;

/** Somebody is not let in. */
export interface Ban {
  readonly id: string;
  readonly by: Remover;
  /** A room's code or id, or (a host's ban) what tells the room from all others; absent: the whole relay. */
  readonly room?: string;
  /** Whoever has one of these is meant; in the forms of {@linkcode parseBanTarget}. */
  readonly targets: readonly string[];
  readonly madeMs: number;
  /** Absent: until it is taken back. */
  readonly untilMs?: number;
  readonly reason?: string;
  /** What the one was called who was banned. */
  readonly name?: string;
  /** Of a host's ban: the site at which it was made, see `siteKey`. */
  readonly site?: string;
}

/** Whether a ban is over. */
export function isOver(ban: Ban, unixMs: number): boolean {
  return ban.untilMs !== undefined && ban.untilMs <= unixMs;
}

/** Bans as the text of a file. */
export function formatBans(bans: readonly Ban[]): string {
  return `${JSON.stringify({ version: 1, bans }, undefined, 1)}\n`;
}

/** The bans of a file's text, and whether anything in it could not be used. */
export function parseBans(text: string): { readonly bans: Ban[]; readonly damaged: boolean } {
  const file = parseJson(text) as { version?: unknown; bans?: unknown } | null | undefined;
  if (file?.version !== 1 || !Array.isArray(file.bans)) return { bans: [], damaged: true };
  const bans = file.bans.map(readBan).filter((ban) => ban !== undefined);
  return { bans, damaged: bans.length < file.bans.length };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readBan(json: unknown): Ban | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { id, by, room, targets, madeMs, untilMs, reason, name, site } = json as Record<
    string,
    unknown
  >;
  const isRight = typeof id === "string" && ID.test(id) &&
    REMOVERS.some((remover) => remover === by) &&
    (room === undefined ? by === "operator" : typeof room === "string" && ROOM.test(room)) &&
    Array.isArray(targets) && targets.length >= 1 && targets.length <= BAN_TARGETS_MAX &&
    targets.every((target) => typeof target === "string" && parseBanTarget(target) === target) &&
    isTime(madeMs) && (untilMs === undefined ? by === "operator" : isTime(untilMs)) &&
    isText(reason) && isText(name) && isSite(site);
  if (!isRight) return undefined;
  return makeBan({
    id,
    by: by as Remover,
    room: room as string | undefined,
    targets,
    madeMs: madeMs as number,
    untilMs: untilMs as number | undefined,
    reason: reason as string | undefined,
    name: name as string | undefined,
    site: site as string | undefined,
  });
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isSite(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && SITE.test(value));
}

type Loose<T> = { readonly [Key in keyof T]: T[Key] | undefined };

/** A ban without what is undefined, its texts cleaned and cut. */
export function makeBan(
  ban: Omit<Ban, "room" | "untilMs" | "reason" | "name" | "site"> & Loose<Partial<Ban>>,
): Ban {
  const { id, by, room, targets, madeMs, untilMs, site } = ban;
  const reason = shortText(ban.reason, REASON_CODE_POINTS_MAX);
  const name = shortText(ban.name, NAME_CODE_POINTS_MAX);
  return {
    id,
    by,
    ...(room === undefined ? {} : { room }),
    targets,
    madeMs,
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(reason === undefined ? {} : { reason }),
    ...(name === undefined ? {} : { name }),
    ...(site === undefined ? {} : { site }),
  };
}

function shortText(text: string | undefined, codePointsMax: number): string | undefined {
  return text === undefined ? undefined : cleanText(text, codePointsMax).trim() || undefined;
}
