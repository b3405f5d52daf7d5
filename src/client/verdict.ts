/**
 * Whether the party's LAN works for this PC, decided from what the client sees. See {@linkcode LanVerdict}.
 *
 * ```
 *  room ── gateway ── adapter ── a station of the LAN heard ── an address of the LAN ── good
 *   └ outside └ silent  └ no-adapter, └ silent, no-address        └ no-address
 *                         adapter-changed
 * ```
 *
 * @module
 */

import type { AdapterFault } from "../observe/adapter_events.ts";
import type { LanVerdict } from "../observe/lan_verdict.ts";
import { LanSight } from "../proto/lan_talk.ts";
import type { GatewayWord } from "./gateway_questions.ts";

/** How long nobody is met in a room before it is asked whether it is the right one, ms. */
export const ALONE_AFTER_MS = 2_000;
/** How long an answer, or a gateway, is waited for before its absence is said, ms. */
export const SILENT_AFTER_MS = 10_000;
/** How long an address is waited for: DHCP servers that ping first, and lost packets, have their time. */
export const NO_ADDRESS_AFTER_MS = 20_000;
/** How long what a DHCP server answers may take until it is an address, ms. */
export const TAKEN_WITHIN_MS = 10_000;

/** What a client sees. Times are those of its clock, ms. */
export interface LanFacts {
  readonly isJoined: boolean;
  readonly hasAdapter: boolean;
  /** Another program has the adapter otherwise than it has to be, for good. */
  readonly fault: AdapterFault | undefined;
  readonly hasGateway: boolean;
  /** When the gateway came or went, or the room was joined. */
  readonly gatewaySinceMs: number;
  /** It says that it forwards nothing, and since when. */
  readonly isStopped: boolean;
  readonly stoppedSinceMs: number;
  /** Whether there are other players in the room. */
  readonly hasOthers: boolean;
  /** Whether a gateway, or another player, was ever seen: the key and the room's code are right then. */
  readonly hasMet: boolean;
  /** A frame of the LAN's, or the gateway's word for it, has come since the room was joined, and since the gateway came. */
  readonly isProven: boolean;
  /** Since when an answer of the LAN is waited for; Infinity: it has come. */
  readonly unansweredSinceMs: number;
  /** The adapter's address, without its prefix length; undefined: none, or link-local. */
  readonly address: string | undefined;
  /** Since when there is none, or another adapter, room or gateway to have one of. */
  readonly addressSinceMs: number;
  /** A station of the LAN has an address outside of this PC's network, and none inside of it was heard. */
  readonly stranger: Stranger | undefined;
  /** Whether a DHCP server is asked. */
  readonly asksForAddress: boolean;
  /** Since when one has answered; Infinity: none has. */
  readonly offeredSinceMs: number;
  /** Since when one is asked in vain, though there is an address; Infinity: it is not, or has answered. */
  readonly unconfirmedSinceMs: number;
  /** The MAC of the station of the LAN that has this PC's address, too; undefined: none is known. */
  readonly ownerMac: string | undefined;
  /** What the gateway has answered, and since when it says so. */
  readonly word: GatewayWord;
  readonly wordSinceMs: number;
}

/** A station of the LAN with an address of another network than this PC's. */
export interface Stranger {
  readonly address: string;
  /** Since when nobody but such was heard. */
  readonly sinceMs: number;
}

/** A verdict, and until when it holds if nothing happens; Infinity: for ever. */
export interface TimedVerdict {
  readonly verdict: LanVerdict;
  readonly untilMs: number;
}

const LOOKING: LanVerdict = { kind: "looking" };

/** Decides. */
export function decideVerdict(facts: LanFacts, nowMs: number): TimedVerdict {
  if (!facts.isJoined) return lasting({ kind: "outside" });
  if (!facts.hasAdapter) return lasting({ kind: "no-adapter" });
  if (facts.fault !== undefined) return lasting({ kind: "adapter-changed", fault: facts.fault });
  if (!facts.hasGateway) return withoutGateway(facts, nowMs);
  if (facts.isStopped) {
    return lasting({ kind: "silent", cause: "stopped", waitedMs: nowMs - facts.stoppedSinceMs });
  }
  const said = saidByGateway(facts, nowMs);
  if (said !== undefined) return lasting(said);
  const silentMs = facts.unansweredSinceMs + SILENT_AFTER_MS;
  const isOverdue = nowMs >= silentMs;
  if (facts.address === undefined) return withoutAddress(facts, isOverdue, silentMs, nowMs);
  if (isOverdue) {
    const waitedMs = nowMs - facts.unansweredSinceMs;
    const cause = facts.word === "quiet" ? "quiet" : "unanswered";
    return lasting({ kind: "silent", cause, waitedMs });
  }
  if (!facts.isProven) return { verdict: LOOKING, untilMs: silentMs };
  const { address, ownerMac, stranger } = facts;
  if (ownerMac !== undefined) {
    return { verdict: { kind: "taken", address, mac: ownerMac }, untilMs: silentMs };
  }
  if (stranger !== undefined) return amongStrangers(address, stranger, nowMs);
  const doubtMs = facts.unconfirmedSinceMs + NO_ADDRESS_AFTER_MS;
  if (nowMs < doubtMs) {
    return { verdict: { kind: "good", address }, untilMs: Math.min(silentMs, doubtMs) };
  }
  const waitedMs = nowMs - facts.unconfirmedSinceMs;
  return { verdict: { kind: "old-address", address, waitedMs }, untilMs: silentMs };
}

/** What the gateway is told of a verdict. */
export function sightOf({ kind }: LanVerdict): LanSight {
  if (kind === "good" || kind === "old-address") return LanSight.good;
  if (kind === "no-address" || kind === "taken" || kind === "elsewhere") return LanSight.noAddress;
  const isCutOff = kind === "silent" || kind === "adapter-changed";
  return isCutOff ? LanSight.nothing : LanSight.unknown;
}

/** What only the gateway can know, and has said when it was asked: whatever else is heard. */
function saidByGateway({ word, wordSinceMs }: LanFacts, nowMs: number): LanVerdict | undefined {
  const isFault = word === "down" || word === "held" || word === "unserved" ||
    word === "unheard" || word === "stopped";
  return isFault ? { kind: "silent", cause: word, waitedMs: nowMs - wordSinceMs } : undefined;
}

/** Whoever has an address of this PC's network has time to answer. */
function amongStrangers(address: string, stranger: Stranger, nowMs: number): TimedVerdict {
  const untilMs = stranger.sinceMs + SILENT_AFTER_MS;
  if (nowMs < untilMs) return { verdict: LOOKING, untilMs };
  return lasting({ kind: "elsewhere", address, other: stranger.address });
}

function withoutGateway(facts: LanFacts, nowMs: number): TimedVerdict {
  const { gatewaySinceMs, hasOthers, hasMet } = facts;
  const untilMs = gatewaySinceMs + (hasMet ? SILENT_AFTER_MS : ALONE_AFTER_MS);
  if (nowMs < untilMs) return { verdict: LOOKING, untilMs };
  const cause = hasOthers ? "no-gateway" : "alone";
  return lasting({ kind: "silent", cause, waitedMs: nowMs - gatewaySinceMs });
}

function withoutAddress(
  facts: LanFacts,
  isOverdue: boolean,
  silentMs: number,
  nowMs: number,
): TimedVerdict {
  const { asksForAddress, addressSinceMs, offeredSinceMs, word } = facts;
  const isOffered = offeredSinceMs < Infinity;
  const untilMs = Math.max(
    addressSinceMs + NO_ADDRESS_AFTER_MS,
    isOffered ? offeredSinceMs + TAKEN_WITHIN_MS : 0,
  );
  if (nowMs < untilMs) return { verdict: LOOKING, untilMs };
  const waitedMs = nowMs - addressSinceMs;
  // Where the gateway has its LAN, it is the address that is missing, however quiet it is there.
  if (isOverdue && word !== "quiet") {
    const cause = asksForAddress ? "unanswered" : "unasked";
    return lasting({ kind: "silent", cause, waitedMs });
  }
  const cause = !asksForAddress ? "not-asked" : isOffered ? "not-taken" : "not-answered";
  const verdict: LanVerdict = { kind: "no-address", cause, waitedMs };
  return { verdict, untilMs: isOverdue ? Infinity : silentMs };
}

function lasting(verdict: LanVerdict): TimedVerdict {
  return { verdict, untilMs: Infinity };
}
