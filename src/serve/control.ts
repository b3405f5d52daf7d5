/**
 * What the administrator can ask of a relay: a question is a list of words, an answer a text for a terminal.
 *
 * On the socket a question is one line, a JSON array of the words; the answer is one line, too, a JSON
 * object with `ok` and `text`.
 *
 * @module
 */
import { parseBanTarget } from "../control/ban_target.ts";
import { KICK_DEFAULT_MS } from "../control/host_messages.ts";
import { asPeerId, type PeerId } from "../proto/brands.ts";
import { isolated } from "../proto/clean_text.ts";
import {
  type BanView,
  formatBanTable,
  forText,
  parseRoomName,
  type RemovalWords,
  splitWords,
} from "./ban_control.ts";
import type { RoomView } from "./relay_view.ts";
import { formatTable } from "./table.ts";

/** A longer question is none. */
export const QUESTION_BYTES_MAX = 4_096;

/** What a question leads to. */
export interface ControlActions {
  /** ms since 1970. */
  readonly unixMs: number;
  rooms(): readonly RoomView[];
  /** Sends a peer away and keeps it out. */
  kick(room: string, peerId: PeerId, removal: RemovalWords): "gone" | "too many bans" | "nobody";
  /** Keeps out whoever has this (`parseBanTarget`). False: there are too many bans. */
  ban(target: string, removal: RemovalWords): boolean;
  unban(ids: readonly string[]): void;
  bans(): readonly BanView[];
  /** False: there are too many locks. */
  lock(room: string): boolean;
  /** False: it was not locked. */
  unlock(room: string): boolean;
  /** Sends everybody in a room away; how many these were, 0: there is no such room. */
  close(room: string, reason: string | undefined): number;
  drain(): void;
}

/** An answer; not `ok` where nothing was done. */
export interface ControlAnswer {
  readonly ok: boolean;
  readonly text: string;
}

const USAGE = "rooms | peers ROOM | kick ROOM PEER [--for 1h] [--reason TEXT] | " +
  "ban MAC|ADDRESS|token:NAME [--room ROOM] [--for 7d] [--reason TEXT] | " +
  "ban ROOM PEER [--for 7d] [--reason TEXT] | unban BAN|MAC|ADDRESS|token:NAME [--room ROOM] | " +
  "bans | lock ROOM | unlock ROOM | close ROOM [--reason TEXT] | drain";

/** How many words may follow each first one. */
const WORDS: Readonly<Record<string, readonly number[]>> = {
  rooms: [0],
  peers: [1],
  kick: [2],
  ban: [1, 2],
  unban: [1],
  bans: [0],
  lock: [1],
  unlock: [1],
  close: [1],
  drain: [0],
};
/** The options that may be behind each. */
const OPTIONS: Readonly<Record<string, readonly (keyof RemovalWords)[]>> = {
  kick: ["forMs", "reason"],
  ban: ["forMs", "reason", "room"],
  unban: ["room"],
  close: ["reason"],
};

/** The words of a line as it comes over the socket; undefined if it is none. */
export function parseQuestion(line: string): readonly string[] | undefined {
  try {
    const json: unknown = JSON.parse(line);
    const isWords = Array.isArray(json) && json.every((word) => typeof word === "string");
    return isWords ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Does what the words ask for. */
export function answerQuestion(
  question: readonly string[],
  actions: ControlActions,
): ControlAnswer {
  const split = splitWords(question);
  if (!split.ok) return refuse(split.text);
  const { words, options } = split;
  const [command = "", name = "", peer = ""] = words;
  const isKnown = Object.hasOwn(WORDS, command) && WORDS[command].includes(words.length - 1) &&
    Object.keys(options).every((key) => OPTIONS[command]?.some((known) => known === key));
  if (!isKnown) return refuse(`expected ${USAGE}`);
  const [code, ...suffix] = name.split(".");
  const room = [code.toUpperCase(), ...suffix].join(".");
  switch (command) {
    case "rooms":
      return done(formatRooms(actions.rooms(), actions.unixMs));
    case "peers":
      return peersOf(room, actions);
    case "kick":
      return kick(room, peer, { forMs: KICK_DEFAULT_MS, ...options }, actions);
    case "ban":
      return peer === "" ? ban(name, options, actions) : kick(room, peer, options, actions);
    case "unban":
      return unban(name, options.room, actions);
    case "bans":
      return done(formatBanTable(actions.bans(), actions.unixMs));
    case "lock":
      if (parseRoomName(name) === undefined) return refuse(`"${name}" is no room`);
      return actions.lock(room)
        ? done(`${room} is locked: nobody new is let in`)
        : refuse("there are too many locks");
    case "unlock":
      return actions.unlock(room)
        ? done(`${room} is not locked any more`)
        : refuse(`${room} was not locked`);
    case "close":
      return close(room, options.reason, actions);
    default:
      actions.drain();
      return done("nobody new is let in, and the relay ends when it is empty");
  }
}

function kick(
  room: string,
  peer: string,
  removal: RemovalWords,
  actions: ControlActions,
): ControlAnswer {
  if (!/^\d{1,5}$/.test(peer)) return refuse(`"${peer}" is no peer id`);
  if (removal.room !== undefined) return refuse("--room is for a MAC, an address or a token");
  switch (actions.kick(room, asPeerId(Number(peer)), removal)) {
    case "nobody":
      return refuse(`there is no peer ${peer} in ${room}`);
    case "too many bans":
      return done(`peer ${peer} is out of ${room}, but may come back: there are too many bans`);
    case "gone":
      return done(`peer ${peer} is out of ${room}${forText(removal.forMs)}`);
  }
}

function close(
  room: string,
  reason: string | undefined,
  actions: ControlActions,
): ControlAnswer {
  const gone = actions.close(room, reason);
  return gone === 0
    ? refuse(`there is no room ${room}`)
    : done(`${room} is closed: ${gone} ${gone === 1 ? "has" : "have"} been sent away`);
}

function ban(text: string, removal: RemovalWords, actions: ControlActions): ControlAnswer {
  const target = parseBanTarget(text);
  if (target === undefined) {
    return refuse(`"${text}" is no MAC, no address and no token:NAME, and no PEER follows it`);
  }
  if (removal.forMs === 0) return refuse("a ban of no length is none");
  if (!actions.ban(target, removal)) {
    return refuse("there are too many bans: take some back (bans lists them)");
  }
  const where = removal.room === undefined ? "of this relay" : `of ${removal.room}`;
  return done(`${target} is kept out ${where}${forText(removal.forMs)}`);
}

function unban(text: string, room: string | undefined, actions: ControlActions): ControlAnswer {
  const named = parseBanTarget(text) ?? text;
  const found = actions.bans().filter((one) =>
    (one.id === named || one.targets.includes(named)) && (room === undefined || isIn(one, room))
  );
  if (found.length === 0) {
    return refuse(`there is no ban of ${named}${room === undefined ? "" : ` in ${room}`}`);
  }
  actions.unban(found.map(({ id }) => id));
  return done(`${found.flatMap(({ targets }) => targets).join(" ")} may come again`);
}

/** Whether a ban is of the room of this code or id. */
function isIn({ room }: BanView, name: string): boolean {
  return room !== undefined &&
    (room === name || room.split(".")[0] === name || room.startsWith(name) && name.includes("."));
}

function done(text: string): ControlAnswer {
  return { ok: true, text };
}

function refuse(text: string): ControlAnswer {
  return { ok: false, text };
}

function formatRooms(rooms: readonly RoomView[], unixMs: number): string {
  if (rooms.length === 0) return "no rooms";
  const isOne = rooms.every(({ reactor }) => reactor === undefined);
  return formatTable([
    ["ROOM", "PEERS", "GATEWAY", "MTU", "LOCKED", "OPEN", ...isOne ? [] : ["REACTOR"]],
    ...rooms.map((room) => [
      room.id,
      String(room.peers.length),
      room.gatewayPresent ? "yes" : "no",
      String(room.tapMtu),
      room.locked ? "yes" : "no",
      formatAge(unixMs - room.openedUnixMs),
      ...isOne ? [] : [String(room.reactor)],
    ]),
  ]);
}

/** The peers of a room, or of all rooms of a code. */
function peersOf(name: string, actions: ControlActions): ControlAnswer {
  const rooms = actions.rooms().filter(({ room, id }) => room === name || id === name);
  if (rooms.length === 0) return refuse(`there is no room ${name}`);
  const rows = rooms.flatMap(({ id, peers }) =>
    peers.map((peer) => [
      id,
      String(peer.peerId),
      peer.role,
      peer.mac ?? "-",
      peer.address,
      `${peer.rttMs.toFixed(1)} ms`,
      formatAge(actions.unixMs - peer.joinedUnixMs),
      isolated(peer.name ?? ""),
    ])
  );
  const head = ["ROOM", "PEER", "ROLE", "MAC", "ADDRESS", "PING", "SINCE", "NAME"];
  return done(formatTable([head, ...rows]));
}

function formatAge(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}
