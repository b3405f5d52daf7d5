/**
 * Who gets in: the checks of a hello, in the order that the protocol fixes.
 *
 * `protocol-version` and `invalid-hello` are found by the parser; everything from `rate-limited` on is
 * here. The decision is a value, the caller carries it out: so asking again (when a connection's MTU has
 * settled) is free of side effects.
 *
 * @module
 */
import type { Hello, RejectCode } from "../control/messages.ts";
import type { Remover } from "../control/host_messages.ts";
import { parseMac } from "../proto/mac.ts";
import { BUDGET_BYTES_MIN } from "../proto/mtu.ts";
import type { AddressLimits } from "./address_limits.ts";
import type { BanList } from "./bans.ts";
import type { RedirectTarget, RoomDirectory } from "./directory.ts";
import { PEERS_RETRY_AFTER_MS, type RelayOptions, RETRY_AFTER_MS } from "./limits.ts";
import { MAC_RESERVED_RETRY_MS } from "./limits_removal.ts";
import { roomId, type RoomLocks } from "./locks.ts";
import type { MacReservations } from "./mac_reservations.ts";
import type { Membership } from "./membership.ts";
import type { AdmissionPolicy } from "./policy.ts";
import { noticeOf, removalOf, targetsOfHello } from "./removal.ts";
import type { Room, Rooms } from "./room.ts";
import type { Session } from "./session.ts";

/** A hello is refused for good, or for `retryAfterMs`. */
export interface Rejection {
  readonly kind: "reject";
  readonly code: RejectCode;
  readonly message: string;
  readonly retryAfterMs?: number;
  /** With `removed`. */
  readonly by?: Remover;
  readonly forMs?: number;
  /** A key was wrong or missing: not for the one who is refused. */
  readonly keyFailed?: true;
}

/** What is to be done with a hello. */
export type Decision =
  | Rejection
  | { readonly kind: "redirect"; readonly target: RedirectTarget }
  /** Ask again at `untilMs`: a new room needs the MTU of its gateway's path. */
  | { readonly kind: "settle"; readonly untilMs: number }
  | Join;

/** A hello is good for a place in a room. */
export interface Join {
  readonly kind: "join";
  readonly key: string;
  /** `undefined`: open it. */
  readonly room: Room | undefined;
  /** The room whose place is taken. */
  readonly givesWay: Room | undefined;
  /** Whose place is taken. */
  readonly replaces: Membership | undefined;
  /** The token by which it has shown that it was here before. */
  readonly knownBy: string | undefined;
}

/** What a decision depends on. */
export interface AdmissionContext {
  readonly options: RelayOptions;
  readonly policy: AdmissionPolicy;
  readonly directory: RoomDirectory;
  readonly rooms: Rooms;
  readonly locks: RoomLocks;
  readonly bans: BanList;
  readonly reservations: MacReservations;
  /** Wall clock minus `nowMs`, ms: what makes ms since 1970 of a monotonic time. */
  readonly timeOriginMs: number;
  readonly addresses: AddressLimits;
  readonly sessions: readonly (Session | undefined)[];
  /** Joined peers in all rooms. */
  readonly peersCount: number;
  /** Whether nobody new is let in any more. */
  readonly draining: boolean;
}

/** Decides on the valid hello of a session that the rate limit lets through. */
export function decideAdmission(
  context: AdmissionContext,
  session: Session,
  hello: Hello,
  nowMs: number,
): Decision {
  const { options, rooms } = context;
  const key = context.policy.roomKey(hello);
  const room = key === undefined ? undefined : rooms.get(key);
  const holder = room === undefined ? undefined : placeHolder(context, room, hello);
  const replaces = holder !== undefined && mayReplace(holder, hello) ? holder : undefined;
  const where = key === undefined ? "here" : context.directory.where(
    hello.room,
    key,
    session.arrival,
  );
  // What there is too much of here is no obstacle on the way to where the room lives.
  const isNew = where === "here" && replaces === undefined;

  //= PROTOCOL.md 7.1
  //# | 4 | `rate-limited` | too many hellos, too many that showed no right key (a locked room
  //# behind the right one is no such), or (unless 8 applies) too many peers from this address, or
  //# too many rooms that were opened from it
  if (isNew && context.addresses.crowded(session)) {
    return reject("rate-limited", "Too many peers from your address.", PEERS_RETRY_AFTER_MS);
  }
  if (isNew && context.draining) return reject("relay-full", "This relay is about to stop.");
  const opens = isNew && room === undefined;
  if (opens && rooms.tooManyOf(session)) {
    return reject("rate-limited", "Too many rooms from your address.", PEERS_RETRY_AFTER_MS);
  }
  const tooManyPeers = context.peersCount >= options.peersMax;
  const tooManyRooms = opens && rooms.size >= options.roomsMax;
  const givesWay = tooManyRooms ? rooms.givesWayTo(session) : undefined;
  //= PROTOCOL.md 7.1
  //# | 5 | `relay-full` | too many peers, or too many rooms and this one would be new (and none in
  //# which a gateway waits alone gives way: it gets `room-closed` with `retryAfterMs`); not where
  //# the hello replaces a session, or where 8 applies | yes
  if (isNew && (tooManyPeers || (tooManyRooms && givesWay === undefined))) {
    return reject("relay-full", "This relay is full.");
  }
  //= PROTOCOL.md 7.1
  //# | 7 | `not-admitted` | wrong or missing key, unknown room (both before 6), locked room (but
  //# for a hello that replaces a session in it or shows the token of 12, for a gateway whose key
  //# shows that it is the host's, or where 8 applies):
  if (key === undefined) return { ...reject("not-admitted", NOT_ADMITTED), keyFailed: true };
  //= PROTOCOL.md 7.1
  //# | 6 | `removed` | the key is right, and the player (by MAC, address or token) is banned from
  //# the room or the relay
  const removed = removedFrom(context, { session, hello, key, nowMs });
  if (removed !== undefined) return removed;
  const kept = keptFor(context, hello, key, nowMs);
  // Who is in a locked room already, or has just left it, may come back to it.
  if (isNew && kept !== "own" && lockedFor(context, hello, key)) {
    return reject("not-admitted", NOT_ADMITTED);
  }
  //= PROTOCOL.md 7.1
  //# | 8 | (`redirect`) | the room lives elsewhere
  if (where !== "here") return { kind: "redirect", target: where };
  //= PROTOCOL.md 7.1
  //# | 9 | `budget-too-small` | `datagramBudget`, or the relay's own maximum towards the endpoint,
  //# is less than 608
  if (Math.min(hello.datagramBudget, session.maxDatagramBytes) < BUDGET_BYTES_MIN) {
    return reject(
      "budget-too-small",
      `The network path carries datagrams of less than ${BUDGET_BYTES_MIN} bytes.`,
    );
  }
  //= PROTOCOL.md 7.1
  //# | 10 | (replacing) | section 7.4: then 11 to 13 are passed over
  //= PROTOCOL.md 7.1
  //# | 11 | `gateway-exists`, `mac-in-use` | the room has a gateway, or a client with this MAC |
  //# yes
  if (replaces === undefined && holder !== undefined) {
    return hello.role === "gateway"
      ? reject("gateway-exists", "This room has a gateway already.")
      : reject("mac-in-use", "Somebody in this room has this MAC already.");
  }
  if (replaces === undefined && kept !== "own") {
    const message = kept === "other" ? MAC_KEPT : isOfLan(room, hello, nowMs) && MAC_ON_LAN;
    //= PROTOCOL.md 7.1
    //# | 12 | `mac-reserved` | section 7.5: the MAC is kept for another player, or a station of the
    //# LAN has it | yes
    if (message) return reject("mac-reserved", message, MAC_RESERVED_RETRY_MS);
  }
  const knownBy = replaces !== undefined || kept === "own" ? hello.resume : undefined;
  if (room === undefined) {
    //= PROTOCOL.md 5.2
    //# A gateway's hello that would open a new room may wait (at most 1 s from the handshake) for the
    //# relay's own direction of the path: section 10.
    const untilMs = session.settler.deadlineMs();
    //= PROTOCOL.md 10
    //# It waits by the same rule for its own direction before a gateway opens a new room.
    return hello.role === "client" || session.settler.settled(nowMs)
      ? { kind: "join", key, room, givesWay, replaces, knownBy }
      : { kind: "settle", untilMs };
  }
  //= PROTOCOL.md 7.1
  //# | 13 | `room-full` | too many peers in the room, or no peer id is free | yes
  if (room.peers.length >= options.peersPerRoomMax && replaces === undefined) {
    return reject("room-full", "This room is full.");
  }
  return { kind: "join", key, room, givesWay, replaces, knownBy };
}

const NOT_ADMITTED = "You are not admitted to this room.";
const MAC_KEPT = "This MAC is kept for a player who was here a moment ago.";
const MAC_ON_LAN = "A station of the party's LAN has this MAC.";

/** Who asks for a place in which room. */
interface Asking {
  readonly session: Session;
  readonly hello: Hello;
  readonly key: string;
  readonly nowMs: number;
}

/** The refusal of somebody who was removed from the room, or from the relay. */
function removedFrom(
  context: AdmissionContext,
  { session, hello, key, nowMs }: Asking,
): Rejection | undefined {
  const unixMs = context.timeOriginMs + nowMs;
  const rooms = new Set([hello.room, roomId(hello.room, key), key]);
  const targets = targetsOfHello(session, hello);
  const ban = context.bans.find([...rooms], targets, hello.role, unixMs);
  if (ban === undefined) return undefined;
  return { kind: "reject", code: "removed", ...noticeOf(hello, removalOf(ban, unixMs)) };
}

/** Whether a lock keeps this hello out: not the party's own gateway, where its key shows that it is that. */
function lockedFor({ locks, policy, rooms }: AdmissionContext, hello: Hello, key: string): boolean {
  if (hello.role === "gateway") return !policy.provesHost && locks.has(hello.room, key);
  return locks.has(hello.room, key) || rooms.get(key)?.lockedByHost === true;
}

/** Whether the MAC that a hello asks for is kept: for who says it, for somebody else, or not at all. */
function keptFor(
  context: AdmissionContext,
  hello: Hello,
  key: string,
  nowMs: number,
): "own" | "other" | undefined {
  if (hello.role !== "client") return undefined;
  const kept = context.reservations.get(key, hello.mac, nowMs);
  if (kept === undefined) return undefined;
  const { resume } = hello;
  const isOwn = typeof resume === "string" &&
    kept.tokens.some((token) => equalTokens(resume, token));
  return isOwn ? "own" : "other";
}

/** Whether a client asks for the MAC of a station behind the room's gateway. */
function isOfLan(room: Room | undefined, hello: Hello, nowMs: number): boolean {
  const mac = hello.role === "client" ? parseMac(hello.mac) : undefined;
  return mac !== undefined && room?.lan?.isStation(mac, 0, nowMs) === true;
}

/** A reject, with the time after which trying again makes sense where it does. */
export function reject(code: RejectCode, message: string, retryAfterMs?: number): Rejection {
  //= PROTOCOL.md 7.1
  //# `retryAfterMs` is there where the table says so, and only there: the others are final.
  const afterMs = retryAfterMs ??
    (code in RETRY_AFTER_MS ? RETRY_AFTER_MS[code as keyof typeof RETRY_AFTER_MS] : undefined);
  return {
    kind: "reject",
    code,
    message,
    ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }),
  };
}

/** Who has the place which the hello asks for. */
function placeHolder(context: AdmissionContext, room: Room, hello: Hello): Membership | undefined {
  if (hello.role === "gateway") return room.gateway;
  const mac = parseMac(hello.mac);
  const connection = mac === undefined ? -1 : room.macs.get(mac, 0);
  return connection < 0 ? undefined : context.sessions[connection]?.membership;
}

function mayReplace(holder: Membership, hello: Hello): boolean {
  //= PROTOCOL.md 7.4
  //# A hello whose `resume` is the token of a session that is still in that room, with the same MAC
  //# (client) or as gateway, and with the key that the room needs, replaces that session: it gets a
  //# new peer id and a new token.
  //= PROTOCOL.md 7.4
  //# An unknown token, and one of another MAC or role, is ignored, and admission goes on.
  return typeof hello.resume === "string" && equalTokens(hello.resume, holder.resumeToken);
}

/** Compares in a time that depends on the lengths only. */
export function equalTokens(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) difference |= (a.charCodeAt(i) || 0) ^ b.charCodeAt(i);
  return difference === 0;
}
