/**
 * What the relay's operator, and within their own room the hosts, do to peers and rooms.
 *
 * @module
 */
import { parseBanTarget, tokenName } from "../control/ban_target.ts";
import type { PeerId } from "../proto/brands.ts";
import { parseMac } from "../proto/mac.ts";
import { formatTimeSpan } from "../proto/time_span.ts";
import { type Ban, BAN_ID_BYTES, makeBan } from "./ban_record.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Membership } from "./membership.ts";
import { noticeOf, type Removal, removalOf } from "./removal.ts";
import type { Room } from "./room.ts";
import { describe } from "./snapshot.ts";
import type { RelayState } from "./state.ts";

/** What became of the wish to keep somebody out. */
export interface BanOutcome {
  /** How many peers were sent away. */
  readonly removed: number;
  /** False: there are too many bans, so that they may come back. */
  readonly kept: boolean;
}

interface BanPlan {
  readonly targets: readonly string[];
  /** Its id, or what tells it apart; `undefined`: all rooms. */
  readonly room: string | undefined;
  readonly removal: Removal;
  /** Who is banned, for people. */
  readonly name?: string | undefined;
}

/** Carries it out; who may ask for what is decided elsewhere. */
export class Administration {
  readonly #state: RelayState;
  readonly #lifecycle: Lifecycle;

  constructor(state: RelayState, lifecycle: Lifecycle) {
    this.#state = state;
    this.#lifecycle = lifecycle;
  }

  /**
   * Locks a room, now or when it opens: who is in it stays and may come back, nobody new is let in.
   * False when there are too many locks.
   */
  lock(room: string): boolean {
    return this.#state.locks.lock(room);
  }

  /** Takes back {@link lock}, by the same name; false when there is no such lock. */
  unlock(room: string): boolean {
    return this.#state.locks.unlock(room);
  }

  /** What is locked: room codes and ids. */
  get locks(): string[] {
    return this.#state.locks.values();
  }

  /**
   * Sends everyone in a room away, the gateway as well. Nobody is kept out: whoever comes next opens the
   * room anew, unless it is locked.
   *
   * @param room as for {@link kick}
   * @param reason for them to read
   * @returns how many were sent away; 0: there is no such room
   */
  closeRoom(room: string, reason: string | undefined, nowMs: number): number {
    let removed = 0;
    for (const one of this.#roomsOf(room)) {
      const peers = [...one.peers];
      this.#state.outbox.log("info", "Closing a room, as the operator asked", {
        ...{ room: one.code, peers: peers.length },
        ...(reason === undefined ? {} : { why: reason }),
      });
      one.closing = true;
      const why = { code: "room-closed", message: reason ?? "" } as const;
      for (const { session } of peers) this.#lifecycle.disconnect(session, why, nowMs);
      removed += peers.length;
    }
    return removed;
  }

  /**
   * Takes one peer out of a room and keeps it out, by its MAC, its token, and by its address where nobody
   * else in the room has that.
   *
   * @param room its id, or its code: then all of that code
   * @returns `undefined`: there is no such peer
   */
  kick(room: string, peerId: PeerId, removal: Removal, nowMs: number): BanOutcome | undefined {
    const found = this.#roomsOf(room).flatMap((one) =>
      one.peers.filter((peer) => peer.peerId === peerId)
    );
    if (found.length === 0) return undefined;
    const outcomes = found.map((peer) => this.#removePeer(peer, removal, nowMs));
    return { removed: found.length, kept: outcomes.every(Boolean) };
  }

  /** Keeps out whoever has `target` (see `parseBanTarget`), from one room or all, and sends them away. */
  ban(
    target: string,
    room: string | undefined,
    removal: Removal,
    nowMs: number,
  ): BanOutcome & { readonly ban: Ban } {
    const ban = this.#makeBan({ targets: [target], room, removal }, nowMs);
    const kept = this.#add(ban, nowMs);
    return { ban, removed: this.#removeMatching(ban, nowMs), kept };
  }

  /** Has a ban in force that somebody else keeps: of a file, or of another process. */
  applyBan(ban: Ban, nowMs: number): void {
    this.#state.bans.add(ban, this.#unixMs(nowMs));
    this.#removeMatching(ban, nowMs);
  }

  /** Sends a peer away that a ban in force looks for: its address is another one than when it was let in. */
  enforce(peer: Membership, nowMs: number): void {
    const { room, isGateway } = peer;
    const rooms = new Set([room.code, room.id, room.key]);
    const role = isGateway ? "gateway" : "client";
    const ban = this.#state.bans.find([...rooms], [addressOf(peer)], role, this.#unixMs(nowMs));
    if (ban !== undefined) this.#sendAway(peer, removalOf(ban, this.#unixMs(nowMs)), nowMs);
  }

  /** Takes bans back. */
  unban(ids: readonly string[], isOwn = true): void {
    const gone = ids.filter((id) => this.#state.bans.remove(id) !== undefined);
    if (isOwn && gone.length > 0) this.#state.outbox.push({ type: "bansGone", ids: gone });
  }

  /** The bans in force, the oldest first. */
  bans(nowMs: number): Ban[] {
    return this.#state.bans.values(this.#unixMs(nowMs));
  }

  /** Those of them that outlive the process: not what a gateway has said that could be anybody. */
  keptBans(nowMs: number): Ban[] {
    const all = this.bans(nowMs);
    return this.#state.policy.provesHost ? all : all.filter(({ by }) => by === "operator");
  }

  /** How many bans there are, by who made them. */
  banCounts(nowMs: number): { readonly operator: number; readonly host: number } {
    this.#state.bans.prune(this.#unixMs(nowMs));
    return this.#state.bans.counts;
  }

  /** How many MACs are kept for players who have left. */
  get reservedMacs(): number {
    return this.#state.reservations.size;
  }

  //= PROTOCOL.md 7.5
  //# The gateway may give a MAC free sooner (`release`), since a player who has installed anew has
  //# no token.
  /**
   * Keeps a MAC of a room (by what tells it apart) no longer for who has left, or for a station of the LAN that
   * seems to have it; false if it was for neither.
   */
  release(roomKey: string, mac: string): boolean {
    const { rooms, reservations } = this.#state;
    const bytes = parseMac(mac);
    const wasOfLan = bytes !== undefined && rooms.get(roomKey)?.lan?.forget(bytes) === true;
    return reservations.release(roomKey, mac) || wasOfLan;
  }

  #unixMs(nowMs: number): number {
    return Math.round(this.#state.timeOriginMs + nowMs);
  }

  #roomsOf(name: string): Room[] {
    return [...this.#state.rooms.values()].filter(({ code, id, key }) =>
      code === name || id === name || key === name
    );
  }

  #makeBan({ targets, room, removal, name }: BanPlan, nowMs: number): Ban {
    const { by, forMs, reason, site } = removal;
    const madeMs = this.#unixMs(nowMs);
    const id = [...this.#state.random(BAN_ID_BYTES)]
      .map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const untilMs = forMs === undefined ? undefined : madeMs + forMs;
    return makeBan({ id, by, room, targets, madeMs, untilMs, reason, name, site });
  }

  /** True if it is kept out as well, or was not to be. */
  #removePeer(peer: Membership, removal: Removal, nowMs: number): boolean {
    const { hello, room: { key, id } } = peer;
    const room = removal.by === "host" ? key : id;
    const plan = { targets: targetsOf(peer), room, removal, name: hello.name };
    const ban = removal.forMs === 0 ? undefined : this.#makeBan(plan, nowMs);
    const kept = ban === undefined || this.#add(ban, nowMs);
    this.#sendAway(peer, removal, nowMs);
    // Nobody may have it meanwhile; when the ban is taken back, whoever comes first.
    if (ban !== undefined && hello.mac !== undefined) {
      this.#state.reservations.release(key, hello.mac);
    }
    return kept;
  }

  #add(ban: Ban, nowMs: number): boolean {
    const { bans, outbox, policy } = this.#state;
    const added = bans.add(ban, this.#unixMs(nowMs));
    if (!added.ok) return false;
    if (added.gone.length > 0) outbox.push({ type: "bansGone", ids: added.gone });
    // What a gateway says that has shown nothing ends with it.
    if (ban.by === "operator" || policy.provesHost) outbox.push({ type: "banMade", ban });
    // Anybody may be a host somewhere, and is not to flood the log.
    outbox.log(ban.by === "operator" ? "info" : "debug", "Ban made", { ...ban });
    return true;
  }

  #removeMatching(ban: Ban, nowMs: number): number {
    const rooms = ban.room === undefined
      ? [...this.#state.rooms.values()]
      : this.#roomsOf(ban.room);
    const found = rooms.flatMap(({ peers }) => peers).filter((peer) =>
      (ban.by === "operator" || !peer.isGateway) &&
      [...targetsOf(peer), addressOf(peer)].some((target) => ban.targets.includes(target))
    );
    const removal = removalOf(ban, this.#unixMs(nowMs));
    for (const peer of found) this.#sendAway(peer, removal, nowMs);
    return found.length;
  }

  #sendAway(peer: Membership, removal: Removal, nowMs: number): void {
    const { outbox, tallies } = this.#state;
    const { by, forMs, reason } = removal;
    tallies.removals[by]++;
    outbox.log("info", "Peer removed", {
      ...describe(peer),
      by,
      ...(forMs === undefined ? {} : { for: formatTimeSpan(forMs) }),
      ...(reason === undefined ? {} : { why: reason }),
    });
    const notice = noticeOf(peer.hello, removal);
    this.#lifecycle.disconnect(peer.session, { code: "kicked", ...notice }, nowMs);
  }
}

/** What a joined peer is known by: its address only where nobody else in its room has it. */
function targetsOf(peer: Membership): string[] {
  const isShared = peer.room.peers.some((other) =>
    other !== peer && other.session.addressKey === peer.session.addressKey
  );
  const targets = [
    peer.hello.mac,
    isShared ? undefined : addressOf(peer),
    tokenName(peer.resumeToken),
  ];
  return targets.filter((target) => target !== undefined);
}

function addressOf({ session: { addressKey } }: Membership): string {
  return parseBanTarget(addressKey) ?? addressKey;
}
