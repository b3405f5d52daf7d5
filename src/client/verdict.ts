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

/** How long nobody is met in a room before it is asked whether it is the right one, ms. */
export const ALONE_AFTER_MS = 2_000;
/** How long an answer, or a gateway, is waited for before its absence is said, ms. */
export const SILENT_AFTER_MS = 10_000;
/** How long an address is waited for: DHCP servers that ping first, and lost packets, have their time. */
export const NO_ADDRESS_AFTER_MS = 20_000;

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
  /** A frame of the LAN's has come since the room was joined, and since the gateway came. */
  readonly isHeard: boolean;
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
  /** Whether one has answered. */
  readonly isOffered: boolean;
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
  const silentMs = facts.unansweredSinceMs + SILENT_AFTER_MS;
  const isOverdue = nowMs >= silentMs;
  if (facts.address === undefined) return withoutAddress(facts, isOverdue, silentMs, nowMs);
  if (isOverdue) {
    const waitedMs = nowMs - facts.unansweredSinceMs;
    return lasting({ kind: "silent", cause: "unanswered", waitedMs });
  }
  if (!facts.isHeard) return { verdict: LOOKING, untilMs: silentMs };
  if (facts.stranger !== undefined) return amongStrangers(facts.address, facts.stranger, nowMs);
  return { verdict: { kind: "good", address: facts.address }, untilMs: silentMs };
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
  const untilMs = facts.addressSinceMs + NO_ADDRESS_AFTER_MS;
  if (nowMs < untilMs) return { verdict: LOOKING, untilMs };
  const waitedMs = nowMs - facts.addressSinceMs;
  const { asksForAddress } = facts;
  if (!isOverdue) {
    const cause = !asksForAddress ? "not-asked" : facts.isOffered ? "not-taken" : "not-answered";
    return { verdict: { kind: "no-address", cause, waitedMs }, untilMs: silentMs };
  }
  return lasting({ kind: "silent", cause: asksForAddress ? "unanswered" : "unasked", waitedMs });
}

function lasting(verdict: LanVerdict): TimedVerdict {
  return { verdict, untilMs: Infinity };
}
