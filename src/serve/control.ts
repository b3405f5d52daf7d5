/**
 * What the administrator can ask of a relay: a question is a list of words, an answer a text for a terminal.
 *
 * On the socket a question is one line, a JSON array of the words; the answer is one line, too, a JSON
 * object with `ok` and `text`.
 */
import { isolated } from "../proto/clean_text.ts";
import type { RoomView } from "./relay_view.ts";

/** A longer question is none. */
export const QUESTION_BYTES_MAX = 4_096;

/** What a question leads to. */
export interface ControlActions {
  /** ms since 1970. */
  readonly unixMs: number;
  rooms(): readonly RoomView[];
  /** False: there is no such peer. */
  kick(room: string, peerId: number): boolean;
  /** False: there are too many locks. */
  lock(room: string): boolean;
  /** False: it was not locked. */
  unlock(room: string): boolean;
  drain(): void;
}

/** An answer; not `ok` where nothing was done. */
export interface ControlAnswer {
  readonly ok: boolean;
  readonly text: string;
}

const USAGE = "rooms | peers ROOM | kick ROOM PEER | lock ROOM | unlock ROOM | drain";

/** How many words follow each first one. */
const WORDS: Readonly<Record<string, number>> = {
  rooms: 0,
  peers: 1,
  kick: 2,
  lock: 1,
  unlock: 1,
  drain: 0,
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
export function answerQuestion(words: readonly string[], actions: ControlActions): ControlAnswer {
  const [command = "", name = "", peer = ""] = words;
  if (!Object.hasOwn(WORDS, command) || words.length !== 1 + WORDS[command]) {
    return refuse(`expected ${USAGE}`);
  }
  // A room's id is its code, a dot, and a suffix in which the case counts.
  const [code, ...suffix] = name.split(".");
  const room = [code.toUpperCase(), ...suffix].join(".");
  switch (command) {
    case "rooms":
      return done(formatRooms(actions.rooms(), actions.unixMs));
    case "peers":
      return peersOf(room, actions);
    case "kick":
      if (!/^\d{1,5}$/.test(peer)) return refuse(`"${peer}" is no peer id`);
      return actions.kick(room, Number(peer))
        ? done(`peer ${peer} is out of ${room}`)
        : refuse(`there is no peer ${peer} in ${room}`);
    case "lock":
      if (!/^[A-Z0-9-]{1,32}(\.[\w-]{1,64})?$/.test(room)) return refuse(`"${name}" is no room`);
      return actions.lock(room)
        ? done(`${room} is locked: nobody new is let in`)
        : refuse("there are too many locks");
    case "unlock":
      return actions.unlock(room)
        ? done(`${room} is not locked any more`)
        : refuse(`${room} was not locked`);
    default:
      actions.drain();
      return done("nobody new is let in, and the relay ends when it is empty");
  }
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

function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => {
    return row.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd();
  }).join("\n");
}
