/**
 * What a room's gateway may ask of the relay: to remove players from its own room, to keep them out, to
 * lock it, and to give a MAC free. Nobody else may.
 *
 * @module
 */
import type { HostAction, HostAnswer, HostRequest, ListedBan } from "../control/host_messages.ts";
import { BANS_PER_ANSWER_MAX, KICK_DEFAULT_MS } from "../control/host_messages.ts";
import { Feature } from "../control/messages.ts";
import { parseBanTarget } from "../control/ban_target.ts";
import { NO_PEER } from "../proto/brands.ts";
import { formatTimeSpan } from "../proto/time_span.ts";
import { formatMac, parseMac } from "../proto/mac.ts";
import type { Administration, BanOutcome } from "./administration.ts";
import type { Ban } from "./ban_record.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { HOST_BAN_MAX_MS } from "./limits_removal.ts";
import { type Removal, understands } from "./removal.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";
import type { RelayState } from "./state.ts";

type Answer = Omit<HostAnswer, "type" | "request">;

/** See the module. */
export class HostRequests {
  readonly #state: RelayState;
  readonly #lifecycle: Lifecycle;
  readonly #admin: Administration;

  constructor(
    state: RelayState,
    lifecycle: Lifecycle,
    admin: Administration,
  ) {
    this.#state = state;
    this.#lifecycle = lifecycle;
    this.#admin = admin;
  }

  /** Does what the gateway of a room asks for, and answers; of anybody else it is a protocol error. */
  handle(session: Session, message: HostRequest, nowMs: number): void {
    const host = session.membership;
    const mayAsk = host?.isGateway === true && understands(host.hello, Feature.hostRequests);
    //= PROTOCOL.md 6.7
    //# From anybody else, and without the feature, `hostRequest` is a protocol error.
    if (!mayAsk) {
      const message = "Only the room's gateway may ask for this.";
      return this.#lifecycle.disconnect(session, { code: "protocol-error", message }, nowMs);
    }
    const { room } = host;
    const answers = message.action === "bans"
      ? this.#list(room, nowMs)
      : [this.#carryOut(room, message, nowMs)];
    if (message.action !== "bans") {
      const { action, target, peerId, reason } = message;
      const fields = { room: room.code, action, target, peerId, why: reason, ok: answers[0].ok };
      this.#state.outbox.log("debug", "The host asks", fields);
    }
    for (const answer of answers) {
      this.#lifecycle.send(
        session,
        { type: "hostAnswer", request: message.request, ...answer },
        nowMs,
      );
    }
  }

  #carryOut(room: Room, message: HostRequest, nowMs: number): Answer {
    switch (message.action) {
      case "kick":
        return this.#kick(room, message, KICK_DEFAULT_MS, nowMs);
      case "ban":
        return message.peerId === undefined
          ? this.#ban(room, message, nowMs)
          : this.#kick(room, message, HOST_BAN_MAX_MS, nowMs);
      case "unban":
        return this.#unban(room, message.target ?? "");
      case "lock":
      case "unlock":
        return this.#lock(room, message.action);
      case "release":
        return this.#release(room, message.target ?? "");
      default:
        return refuse("nothing is known of this");
    }
  }

  //= PROTOCOL.md 6.7
  //# | `kick` | `peerId` | sends this player away (`kicked`) and bans them: their MAC, their token,
  //# and their address where nobody else in the room has it. For an hour without `forMs`; 0: no ban
  #kick(room: Room, message: HostRequest, defaultMs: number, nowMs: number): Answer {
    const { peerId = NO_PEER } = message;
    if (peerId === room.gateway?.peerId) return refuse("that is the gateway itself");
    const removal = removalBy(room, message, defaultMs);
    const outcome = this.#admin.kick(room.key, peerId, removal, nowMs);
    if (outcome === undefined) return refuse(`there is no player ${peerId}`);
    const long = removal.forMs === 0 ? "" : ` for ${formatTimeSpan(removal.forMs)}`;
    return done(`player ${peerId} is out${long}${keptNote(outcome)}`);
  }

  //= PROTOCOL.md 6.7
  //# | `ban` | `peerId` or `target` | with `peerId`: as `kick`, 30 days without `forMs`.
  #ban(room: Room, message: HostRequest, nowMs: number): Answer {
    const target = parseBanTarget(message.target ?? "");
    if (target === undefined) return refuse("that is no MAC, address or token");
    const removal = removalBy(room, message, HOST_BAN_MAX_MS);
    if (removal.forMs === 0) return refuse("a ban of no length is none");
    const { removed, kept } = this.#admin.ban(target, room.key, removal, nowMs);
    if (!kept) return refuse(`${TOO_MANY}; ${removed} sent away`);
    const long = formatTimeSpan(removal.forMs);
    return done(`${target} is kept out for ${long}; ${removed} sent away`);
  }

  //= PROTOCOL.md 6.7
  //# | `unban` | `target` | takes this gateway's bans back that look for it, or have this `id`
  #unban(room: Room, text: string): Answer {
    const named = parseBanTarget(text) ?? text;
    const bans = this.#state.bans.ofRoom(room.key).filter(({ id, targets }) =>
      id === named || targets.includes(named)
    );
    if (bans.length === 0) return refuse(`there is no ban of ${named} here`);
    this.#admin.unban(bans.map(({ id }) => id));
    return done(`${bans.flatMap(({ targets }) => targets).join(", ")} may come again`);
  }

  //= PROTOCOL.md 6.7
  //# | `lock`, `unlock` | | lets no new player into the room, while the room is there; who has left
  //# within 10 minutes and shows the token may come back
  #lock(room: Room, action: HostAction): Answer {
    const wanted = action === "lock";
    if (!wanted && !room.lockedByHost) {
      const byOperator = this.#state.locks.has(room.code, room.key);
      return refuse(byOperator ? "the relay's operator has locked it" : "it was not locked");
    }
    room.lockedByHost = wanted;
    return done(
      wanted ? `${room.code} is locked: no new player is let in` : `${room.code} is open`,
    );
  }

  //= PROTOCOL.md 6.7
  //# | `release` | `target` | a MAC: it is no longer kept for who has left, nor for a station of
  //# the LAN until that speaks again (section 7.5)
  #release(room: Room, text: string): Answer {
    const mac = parseMac(text);
    if (mac === undefined) return refuse("that is no MAC");
    const name = formatMac(mac);
    return this.#admin.release(room.key, name)
      ? done(`${name} is free`)
      : refuse(`${name} is not kept for anybody, and no station of the LAN has it`);
  }

  //= PROTOCOL.md 6.7
  //# | `bans` | | lists this room's bans in one or more answers
  #list(room: Room, nowMs: number): Answer[] {
    const unixMs = Math.round(this.#state.timeOriginMs + nowMs);
    this.#admin.bans(nowMs);
    const bans = this.#state.bans.ofRoom(room.key).map((ban) => listed(ban, unixMs));
    const answers: Answer[] = [];
    do {
      const page = bans.splice(0, BANS_PER_ANSWER_MAX);
      answers.push({ ...done(""), bans: page, ...(bans.length === 0 ? {} : { more: true }) });
    } while (bans.length > 0);
    return answers;
  }
}

const TOO_MANY = "there are too many bans in this room, or from this address: take some back";

function keptNote({ kept }: BanOutcome): string {
  return kept
    ? ""
    : ", but may come back: there are too many bans in this room, or from this address";
}

type TimedRemoval = Removal & { readonly forMs: number };

/** A host's removal ends, at the latest when a ban of a host's does. */
function removalBy(room: Room, { forMs, reason }: HostRequest, defaultMs: number): TimedRemoval {
  const site = room.gateway?.session.siteKey;
  return {
    by: "host",
    //= PROTOCOL.md 6.7
    //# A host's bans hold in its own room, for players only, and end after 30 days at the latest;
    //# they last when gateway or relay are started anew.
    forMs: Math.min(forMs ?? defaultMs, HOST_BAN_MAX_MS),
    ...(reason === undefined ? {} : { reason }),
    ...(site === undefined ? {} : { site }),
  };
}

function listed({ id, by, targets, untilMs, reason, name }: Ban, unixMs: number): ListedBan {
  return {
    id,
    by,
    targets: [...targets],
    ...(untilMs === undefined ? {} : { forMs: Math.max(0, untilMs - unixMs) }),
    ...(reason === undefined ? {} : { reason }),
    ...(name === undefined ? {} : { name }),
  };
}

function done(message: string): Answer {
  return { ok: true, message };
}

function refuse(message: string): Answer {
  return { ok: false, message };
}
