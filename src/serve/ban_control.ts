/**
 * The administrator's words about bans: what they ask for, and the texts of the answers.
 *
 * @module
 */
import { parseRoomCode } from "../control/room.ts";
import { isolated } from "../proto/clean_text.ts";
import { formatTimeSpan, parseTimeSpan } from "../proto/time_span.ts";
import { formatTable } from "./table.ts";

/** A ban, for people. */
export interface BanView {
  readonly id: string;
  readonly by: "operator" | "host";
  /** Absent: the whole relay. */
  readonly room?: string;
  readonly targets: readonly string[];
  /** ms since 1970; absent: until it is taken back. */
  readonly untilMs?: number;
  readonly reason?: string;
  readonly name?: string;
}

/** How long, why, and where: what the options behind the words say. */
export interface RemovalWords {
  readonly forMs?: number;
  readonly reason?: string;
  readonly room?: string;
}

/** Words without the options behind them, and those; or what is wrong with one. */
export type SplitWords =
  | { readonly ok: true; readonly words: readonly string[]; readonly options: RemovalWords }
  | { readonly ok: false; readonly text: string };

/** A room's code or id, the code in upper case; `undefined`: it is none. */
export function parseRoomName(text: string): string | undefined {
  const [code, ...suffix] = text.split(".");
  const room = parseRoomCode(code);
  if (room === undefined || suffix.length > 1) return undefined;
  // A room's id is its code, a dot, and a suffix in which the case counts.
  if (suffix.length === 1 && !/^[\w-]{1,64}$/.test(suffix[0])) return undefined;
  return [room, ...suffix].join(".");
}

/** Takes `--for=1h`, `--reason=TEXT` and `--room=ROOM` out of the words. */
export function splitWords(words: readonly string[]): SplitWords {
  const rest: string[] = [];
  const options: { forMs?: number; reason?: string; room?: string } = {};
  for (const word of words) {
    const option = /^--(for|reason|room)=(.*)$/s.exec(word);
    if (option === null) {
      rest.push(word);
      continue;
    }
    const [, name, text] = option;
    if (name === "for") {
      const forMs = parseTimeSpan(text);
      if (forMs === undefined) return wrong(`"${text}" is no time: say 90s, 15m, 1h or 7d`);
      options.forMs = forMs;
    } else if (name === "reason") options.reason = text;
    else {
      const room = parseRoomName(text);
      if (room === undefined) return wrong(`"${text}" is no room`);
      options.room = room;
    }
  }
  return { ok: true, words: rest, options };
}

function wrong(text: string): SplitWords {
  return { ok: false, text };
}

/** ` for 1 hour`; nothing where there is no end, or no length. */
export function forText(forMs: number | undefined): string {
  return forMs === undefined || forMs === 0 ? "" : ` for ${formatTimeSpan(forMs)}`;
}

/** All bans as a table. */
export function formatBanTable(bans: readonly BanView[], unixMs: number): string {
  if (bans.length === 0) return "no bans";
  return formatTable([
    ["BAN", "ROOM", "BY", "LEFT", "WHO", "NAME", "REASON"],
    ...bans.map(({ id, room, by, untilMs, targets, name, reason }) => [
      id,
      // Of what tells rooms apart so much as rooms are called by.
      room === undefined ? "all" : room.replace(/(\..{8}).*$/, "$1"),
      by,
      untilMs === undefined ? "for good" : formatTimeSpan(Math.max(0, untilMs - unixMs)),
      targets.join(" "),
      isolated(name ?? ""),
      isolated(reason ?? ""),
    ]),
  ]);
}
