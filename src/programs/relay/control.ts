/**
 * What `lanparty-relay ctl` can ask of a relay.
 *
 * @module
 */
import type { Removal } from "../../relay/removal.ts";
import { answerQuestion, type ControlActions, type ControlAnswer } from "../../serve/control.ts";
import type { BanFile } from "./ban_file.ts";
import type { Answers } from "../common/control_service.ts";
import { type RelayParts, viewOfRoom } from "./status.ts";

/** For so long after a question the runtime's loop gets its turn each ms. */
const ATTENTION_MS = 50;

/** Words after which there may be other bans. */
const CHANGING: readonly string[] = ["kick", "ban", "unban"];

/** The answers of a relay that is one process, which keeps its bans in `bans`. */
export function answersOf(parts: RelayParts, bans: BanFile): Answers {
  return async (words) => {
    const { admin } = parts.node.core;
    const answer = answerQuestion(words, actionsOf(parts));
    parts.reactor.attend(ATTENTION_MS);
    parts.reactor.wake();
    if (!CHANGING.includes(words[0])) return answer;
    bans.keep(() => admin.keptBans(parts.reactor.now()));
    return withTrouble(answer, await bans.flush());
  };
}

/** An answer after which the bans were written, or not, for this reason. */
export function withTrouble(answer: ControlAnswer, trouble: string | undefined): ControlAnswer {
  if (trouble === undefined) return answer;
  return { ok: answer.ok, text: `${answer.text}\n(the bans end with the relay: ${trouble})` };
}

function actionsOf({ node, reactor, timeOriginMs }: RelayParts): ControlActions {
  const { admin } = node.core;
  const nowMs = reactor.now();
  return {
    unixMs: Math.round(timeOriginMs + nowMs),
    rooms: () => node.core.rooms().map((room) => viewOfRoom(room, timeOriginMs)),
    kick: (room, peerId, { forMs, reason }) => {
      const outcome = admin.kick(room, peerId, removalBy(forMs, reason), nowMs);
      return outcome === undefined ? "nobody" : outcome.kept ? "gone" : "too many bans";
    },
    ban: (target, { forMs, reason, room }) =>
      admin.ban(target, room, removalBy(forMs, reason), nowMs).kept,
    unban: (ids) => admin.unban(ids),
    bans: () => admin.bans(nowMs),
    lock: (room) => admin.lock(room),
    unlock: (room) => admin.unlock(room),
    close: (room, reason) => admin.closeRoom(room, reason, nowMs),
    drain: () => node.core.drain(),
  };
}

/** What the operator wants of somebody. */
export function removalBy(forMs: number | undefined, reason: string | undefined): Removal {
  return {
    by: "operator",
    ...(forMs === undefined ? {} : { forMs }),
    ...(reason === undefined ? {} : { reason }),
  };
}
