/**
 * How a client is doing, as one value: for its `stats`, its log and its page.
 *
 * @module
 */

import type { InboundState } from "./inbound.ts";
import { type LanVerdict, lanVerdictText } from "./lan_verdict.ts";
import type { Sentence } from "./sentences.ts";
import { cleanText, isolated } from "../proto/clean_text.ts";

/** The state of the client's network adapter. */
export type TapState = "absent" | "down" | "up";

/** The client's network adapter. */
export interface TapDiagnostics {
  readonly state: TapState;
  readonly name?: string;
  /** The system's number of the interface. */
  readonly index?: number;
  readonly mac?: string;
  readonly mtu?: number;
  /** Addresses with their prefix lengths, such as `192.168.1.77/24`. */
  readonly addresses: readonly string[];
}

/** How a client is doing. */
export interface ClientDiagnostics {
  /** Whether the party's LAN works for this PC. */
  readonly verdict: LanVerdict;
  /** `HOST:PORT` of the relay in use. */
  readonly relay: string;
  /** The same of each way to it that was named. */
  readonly ways?: readonly string[];
  /** Whether there is a connection with the relay now. */
  readonly relayReachable: boolean;
  /** Why there is none, where that is known. */
  readonly relayTrouble?: Sentence;
  /** Whether the way to the relay is held apart from what the party's LAN may say about routes. */
  readonly routePinned?: boolean;
  readonly room: string;
  readonly peerId?: number;
  readonly gatewayPresent?: boolean;
  /** Bytes that one datagram can carry. */
  readonly datagramBudget?: number;
  readonly rttMs?: number;
  /** Packets of this connection that were lost on their way to the relay, of those sent: 0 … 1. */
  readonly lossRatio?: number;
  /** The relay's clock minus this PC's, when the room was entered. */
  readonly clockSkewMs?: number;
  /** Other peers in the room. */
  readonly peers?: number;
  /** Whether this PC's own firewall lets the LAN in, where that is tried. */
  readonly inbound?: InboundState;
  readonly tap: TapDiagnostics;
}

/** The part of the diagnostics that goes to the relay. */
export interface ReportedDiagnostics {
  readonly relayReachable: boolean;
  readonly routePinned?: boolean;
  readonly datagramBudget?: number;
  readonly tap: {
    readonly state: TapState;
    readonly mtu?: number;
    readonly addresses: string[];
  };
}

/** Longest list of addresses that is reported; an adapter has two or three. */
const ADDRESSES_MAX = 16;

/** The `diagnostics` of a client's `stats` message. */
export function reportDiagnostics(diagnostics: ClientDiagnostics): ReportedDiagnostics {
  const { relayReachable, routePinned, datagramBudget, tap } = diagnostics;
  return {
    relayReachable,
    ...(routePinned === undefined ? {} : { routePinned }),
    ...(datagramBudget === undefined ? {} : { datagramBudget }),
    tap: {
      state: tap.state,
      ...(tap.mtu === undefined ? {} : { mtu: tap.mtu }),
      addresses: tap.addresses.slice(0, ADDRESSES_MAX),
    },
  };
}

/** The diagnostics as lines for people: what, and how it is. */
export function formatDiagnostics(diagnostics: ClientDiagnostics): string[] {
  const { tap } = diagnostics;
  const lines = [
    ["LAN", lanVerdictText(diagnostics.verdict).what],
    ["relay", `${clean(diagnostics.relay)} (${reachable(diagnostics)})`],
    ["room", `${clean(diagnostics.room)}${peerText(diagnostics)}`],
    ["party", partyText(diagnostics.gatewayPresent)],
    ["adapter", adapterText(tap)],
    ["addresses", tap.addresses.length === 0 ? "none yet" : tap.addresses.map(clean).join(", ")],
  ];
  if (diagnostics.datagramBudget !== undefined) {
    lines.push(["packets", `up to ${diagnostics.datagramBudget} bytes through the tunnel`]);
  }
  if (diagnostics.routePinned !== undefined) {
    lines.push(["route", diagnostics.routePinned ? "to the relay is pinned" : "is not pinned"]);
  }
  if (diagnostics.clockSkewMs !== undefined) {
    lines.push(["clock", describeClock(diagnostics.clockSkewMs).text]);
  }
  return lines.map(([what, how]) => `${`${what}:`.padEnd(11)}${how}`);
}

function reachable(
  { relayReachable, relayTrouble, rttMs, lossRatio }: ClientDiagnostics,
): string {
  if (!relayReachable) {
    return relayTrouble === undefined
      ? "not connected"
      : `not connected: ${clean(relayTrouble.what).replace(/\.$/, "")}`;
  }
  const facts = ["connected"];
  if (rttMs !== undefined) facts.push(`round trip ${rttMs.toFixed(1)} ms`);
  if (lossRatio !== undefined) facts.push(`${(lossRatio * 100).toFixed(1)} % lost`);
  return facts.join(", ");
}

/** A clock that is further off than this makes certificates invalid, or logs hard to compare. */
const CLOCK_SKEW_MAX_MS = 60_000;

/** How this PC's clock is against the relay's, in words, and whether that is a problem. */
export function describeClock(clockSkewMs: number): { text: string; isProblem: boolean } {
  const isProblem = Math.abs(clockSkewMs) > CLOCK_SKEW_MAX_MS;
  const seconds = Math.round(Math.abs(clockSkewMs) / 1000);
  const side = clockSkewMs > 0 ? "behind" : "ahead of";
  return {
    isProblem,
    text: seconds === 0 ? "as the relay's, to the second" : `${seconds} s ${side} the relay's`,
  };
}

function peerText({ peerId, peers }: ClientDiagnostics): string {
  if (peerId === undefined) return " (not joined)";
  if (peers === undefined) return ` (peer ${peerId})`;
  const others = peers === 0 ? "nobody else" : peers === 1 ? "1 other" : `${peers} others`;
  return ` (peer ${peerId}, ${others})`;
}

function partyText(gatewayPresent: boolean | undefined): string {
  if (gatewayPresent === undefined) return "unknown";
  return gatewayPresent ? "the party's gateway is there" : "the party's gateway is not there";
}

function adapterText(tap: TapDiagnostics): string {
  if (tap.state === "absent") return "none";
  const facts = [`${tap.name === undefined ? "" : clean(tap.name)} ${tap.state}`.trim()];
  if (tap.mac !== undefined) facts.push(`MAC ${tap.mac}`);
  if (tap.mtu !== undefined) facts.push(`MTU ${tap.mtu}`);
  if (tap.index !== undefined) facts.push(`index ${tap.index}`);
  return facts.join(", ");
}

function clean(text: string): string {
  return isolated(cleanText(text, 253));
}
