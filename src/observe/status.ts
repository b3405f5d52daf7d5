/**
 * What a player is told: events as values, and the lines that they make.
 *
 * Texts are for people who play, not for network engineers: what happened, and what to do about it.
 * Text that others wrote is cleaned here again, whoever hands it in, and isolated where it runs from
 * right to left.
 *
 * @module
 */

import { CERTIFICATE_ADVICE, type CertificateProblem } from "./certificate_advice.ts";
import { type OwnNetworkEvent, ownNetworkText, ownNetworkWarns } from "./own_network.ts";
import { type DropsEvent, isDropsEvent } from "./drop_watch.ts";
import { gatewayFinding } from "./host_findings.ts";
import { sentenceLine } from "./sentences.ts";
import { isLanVerdictEvent, type LanVerdictEvent, lanVerdictLine } from "./lan_verdict.ts";
import { isLanEvent, type LanEvent, lanEventText, lanEventWarns } from "./lan_events.ts";
import {
  isLanLinkEvent,
  type LanLinkEvent,
  lanLinkEventWarns,
  lanLinkSentence,
} from "./lan_link.ts";
import type { StatusPeer } from "./status_peer.ts";
import { isRelayTrouble, type RelayTroubleEvent, relayTroubleText } from "./relay_reach.ts";
import { isNeighbourStatus, type NeighbourStatus, neighbourText } from "./neighbour_events.ts";
import { cleanText, isolated } from "../proto/clean_text.ts";
import { parseCidr } from "../proto/ip.ts";
import { isLinkLocal } from "../proto/ip_blocks.ts";
import { formatTimeSpan as span } from "../proto/time_span.ts";
import {
  type DISCONNECT_ADVICE,
  disconnectAdvice,
  REJECT_ADVICE,
  rejectAdvice,
  type RejectCircumstances,
  type Removed,
  removedText,
  saysSame,
} from "./relay_advice.ts";

export { DISCONNECT_ADVICE, REJECT_ADVICE } from "./relay_advice.ts";
export type { CertificateProblem } from "./certificate_advice.ts";

/** Why the file with the player's MAC was written anew. */
export type IdentityProblem = "not-json" | "no-mac" | "bad-mac";

/** What happens to a client or gateway, as far as its user must know. */
export type StatusEvent =
  /** Looking for the relay, `HOST:PORT`. */
  | { readonly type: "connecting"; readonly relay: string; readonly attempt?: number }
  /** The handshake is done and the certificate accepted. */
  | { readonly type: "connected"; readonly relay: string }
  | {
    readonly type: "certificateRefused";
    readonly relay: string;
    readonly problem: CertificateProblem;
    /** What exactly was seen, such as the names in the certificate. */
    readonly detail?: string;
  }
  | {
    readonly type: "joined";
    readonly role: "client" | "gateway";
    readonly room: string;
    readonly peerId: number;
    readonly tapMtu: number;
    readonly gatewayPresent: boolean;
  }
  /** The client's network adapter is there and up. */
  | {
    readonly type: "adapter";
    readonly name: string;
    readonly index: number;
    readonly mac: string;
    readonly mtu: number;
  }
  /** The adapter's addresses have changed. */
  | { readonly type: "addresses"; readonly name: string; readonly addresses: readonly string[] }
  | OwnNetworkEvent
  | LanEvent
  | LanLinkEvent
  | LanVerdictEvent
  | DropsEvent
  | NeighbourStatus
  | RelayTroubleEvent
  /** A station of the gateway's LAN has a player's MAC, or has it no longer. */
  | { readonly type: "playerOnLan"; readonly peer: StatusPeer }
  | { readonly type: "playerOffLan"; readonly peer: StatusPeer }
  /** A DHCP reply of the LAN reached this PC, scrubbed or as it was. */
  | {
    readonly type: "dhcp";
    readonly message: "offer" | "ack" | "nak";
    readonly address?: string;
    readonly server?: string;
    readonly leaseSeconds?: number;
    /** Numbers of the options that were taken out. */
    readonly removedOptions: readonly number[];
  }
  | { readonly type: "peerJoined"; readonly peer: StatusPeer }
  | {
    readonly type: "peerLeft";
    readonly peer: StatusPeer;
    readonly reason: keyof typeof LEAVE_TEXT;
  }
  /** The party's gateway arrived or left. */
  | { readonly type: "gateway"; readonly present: boolean }
  /** The relay said no. */
  | {
    readonly type: "rejected";
    readonly code: keyof typeof REJECT_ADVICE;
    /** What the relay says to people. */
    readonly message?: string;
    readonly retryAfterMs?: number;
    readonly removed?: Removed;
    readonly circumstances?: RejectCircumstances;
  }
  /** The relay ended the session. */
  | {
    readonly type: "disconnected";
    readonly code: keyof typeof DISCONNECT_ADVICE;
    readonly message?: string;
    readonly retryAfterMs?: number;
    readonly removed?: Removed;
  }
  | { readonly type: "redirected"; readonly relay: string }
  /** There is no session; the next attempt comes in `delayMs`. */
  | { readonly type: "retrying"; readonly reason: string; readonly delayMs: number }
  /** A new welcome brought another MTU. */
  | { readonly type: "mtu"; readonly tapMtu: number; readonly beforeMtu?: number }
  /** The file with the player's MAC was made, or was of no use and was made anew. */
  | { readonly type: "identityCreated"; readonly mac: string; readonly file: string }
  | {
    readonly type: "identityRepaired";
    readonly problem: IdentityProblem;
    readonly mac: string;
    readonly file: string;
  }
  /** The relay drops what a DHCP server on a player's PC answers. */
  | { readonly type: "dhcpServer"; readonly peer: StatusPeer }
  /** The same, on this PC. */
  | { readonly type: "ownDhcpServer" }
  /** The session was ended by its user. */
  | { readonly type: "left"; readonly room: string };

/** How much a line matters. */
export type StatusLevel = "info" | "warning" | "error";

/** One line for the user. */
export interface StatusLine {
  readonly level: StatusLevel;
  readonly text: string;
}

/** By the reason of a `peerLeft`. */
const LEAVE_TEXT = {
  bye: "has left",
  lost: "has lost the connection",
  kicked: "was removed by the host",
  replaced: "has joined again from elsewhere",
  error: "was disconnected because of an error",
} as const;

const IDENTITY_TEXT: Readonly<Record<IdentityProblem, string>> = {
  "not-json": "was damaged",
  "no-mac": "held no MAC",
  "bad-mac": "held a MAC that cannot be used",
};

/** Names of the DHCP options that a client takes out. */
const DHCP_OPTION_TEXT: Readonly<Record<number, string>> = {
  3: "default route",
  6: "name servers",
  12: "host name",
  15: "domain name",
  26: "MTU",
  28: "broadcast address",
  33: "routes",
  42: "time servers",
  43: "vendor settings",
  44: "NetBIOS servers",
  46: "NetBIOS settings",
  119: "search list",
  121: "routes",
  249: "routes",
  252: "web proxy",
};

const OWN_DHCP_SERVER_TEXT =
  "This PC hands out addresses in the party's LAN (DHCP), which is dropped: switch Internet " +
  "Connection Sharing or the DHCP server off for the party's adapter.";

/** What the user is told about an event: one line, its texts cleaned. */
export function describeStatus(event: StatusEvent): string {
  return statusText(cleanFields(event));
}

/** A copy of an event with each of its texts cleaned: what is put around them later stays. */
function cleanFields<Value>(value: Value): Value {
  if (typeof value === "string") return cleanText(value) as Value;
  if (Array.isArray(value)) return value.map(cleanFields) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, cleanFields(field)]),
  ) as Value;
}

/** How much an event matters. */
export function statusLevel(event: StatusEvent): StatusLevel {
  if (isNeighbourStatus(event) || isDropsEvent(event) || isRelayTrouble(event)) return "warning";
  if (isLanEvent(event)) return lanEventWarns(event) ? "warning" : "info";
  if (isLanLinkEvent(event)) return lanLinkEventWarns(event) ? "warning" : "info";
  if (isLanVerdictEvent(event)) return event.verdict.kind === "good" ? "info" : "warning";
  switch (event.type) {
    case "certificateRefused":
      return "error";
    case "rejected":
    case "disconnected":
      return event.retryAfterMs === undefined && event.type === "rejected" ? "error" : "warning";
    case "retrying":
    case "identityRepaired":
      return "warning";
    case "gateway":
      return event.present ? "info" : "warning";
    case "joined":
      return event.role === "client" && !event.gatewayPresent ? "warning" : "info";
    case "playerOnLan":
    case "dhcpServer":
    case "ownDhcpServer":
      return "warning";
    case "dhcp":
      return event.message === "nak" ? "warning" : "info";
    default:
      return ownNetworkWarns(event) ? "warning" : "info";
  }
}

/** Level and text at once. */
export function statusLine(event: StatusEvent): StatusLine {
  return { level: statusLevel(event), text: describeStatus(event) };
}

/** What a peer is called: its name if it gave one, and what tells it from others of that name. */
export function describePeer(peer: StatusPeer): string {
  const name = peer.name === undefined ? "" : isolated(cleanText(peer.name, 64).trim());
  if (peer.role === "gateway") {
    return name === "" ? "The party's gateway" : `The party's gateway "${name}"`;
  }
  const who = peer.mac ?? `peer ${peer.peerId}`;
  return name === "" ? `A player (${who})` : `${name} (${who})`;
}

function statusText(event: StatusEvent): string {
  if (isLanEvent(event)) return lanEventText(event);
  if (isLanLinkEvent(event)) return sentenceLine(lanLinkSentence(event));
  if (isLanVerdictEvent(event)) return lanVerdictLine(event.verdict);
  if (isDropsEvent(event)) return sentenceLine(event.finding);
  if (isRelayTrouble(event)) return relayTroubleText(event);
  if (isNeighbourStatus(event)) return neighbourText(event, describePeer);
  switch (event.type) {
    case "connecting":
      return event.attempt !== undefined && event.attempt > 1
        ? `Connecting to the relay ${event.relay}, attempt ${event.attempt} …`
        : `Connecting to the relay ${event.relay} …`;
    case "connected":
      return `Connected to the relay ${event.relay}.`;
    case "certificateRefused":
      return `The relay ${event.relay} was refused: ${CERTIFICATE_ADVICE[event.problem]}` +
        detailText(event.detail);
    case "joined":
      return joinedText(event);
    case "adapter":
      return `Network adapter ${event.name} is up: MAC ${event.mac}, MTU ${event.mtu}, ` +
        `index ${event.index}.`;
    case "addresses":
      return addressesText(event);
    case "playerOnLan":
    case "playerOffLan":
      return onLanText(event);
    case "dhcp":
      return dhcpText(event);
    case "dhcpServer":
    case "ownDhcpServer":
      return dhcpServerText(event);
    case "peerJoined":
      return `${describePeer(event.peer)} has joined.`;
    case "peerLeft":
      return `${describePeer(event.peer)} ${LEAVE_TEXT[event.reason]}.`;
    case "gateway":
      return event.present
        ? "The party's gateway is there."
        : "The party's gateway has left. You still see the other players; the LAN is back when it is.";
    case "rejected":
      return relayText(rejectAdvice(event.code, event.circumstances), event);
    case "disconnected":
      return relayText(disconnectAdvice(event.code, event.retryAfterMs !== undefined), event);
    case "redirected":
      return `The room is on another relay: ${event.relay}.`;
    case "retrying":
      return `${sentence(event.reason)} Trying again ${inTime(event.delayMs)}.`;
    case "mtu":
      return event.beforeMtu === undefined
        ? `The room's MTU is ${event.tapMtu} now.`
        : `The room's MTU is ${event.tapMtu} now (it was ${event.beforeMtu}).`;
    case "identityCreated":
      return `This PC's MAC in parties is ${event.mac}; it is kept in ${event.file}.`;
    case "identityRepaired":
      return `${event.file} ${IDENTITY_TEXT[event.problem]} and was written anew: ` +
        `this PC's MAC in parties is ${event.mac}.`;
    case "left":
      return `You have left the room ${event.room}.`;
    default:
      return ownNetworkText(event);
  }
}

/** An address that the PC has made up for itself is none of the LAN's. */
function addressesText({ name, addresses }: StatusEvent & { type: "addresses" }): string {
  if (addresses.length === 0) return `Network adapter ${name} has no address yet.`;
  const all = addresses.join(" and ");
  const isSelfMade = addresses.every((text) => {
    const address = parseCidr(text)?.address;
    return address !== undefined && isLinkLocal(address);
  });
  return isSelfMade
    ? `Network adapter ${name} has no address of the LAN's yet, only its own (${all}).`
    : `Network adapter ${name} has the address ${all}.`;
}

function onLanText({ type, peer }: StatusEvent & { type: "playerOnLan" | "playerOffLan" }): string {
  const who = describePeer(peer);
  return type === "playerOffLan"
    ? `${who} is served again: its MAC is gone from the LAN.`
    : sentenceLine(gatewayFinding("player-not-served", "disturbs", { who }));
}

function dhcpServerText(event: StatusEvent & { type: "dhcpServer" | "ownDhcpServer" }): string {
  return event.type === "ownDhcpServer"
    ? OWN_DHCP_SERVER_TEXT
    : gatewayFinding("player-dhcp-server", "disturbs", { who: describePeer(event.peer) }).what;
}

function joinedText(event: StatusEvent & { type: "joined" }): string {
  const joined = `Joined the room ${event.room} as peer ${event.peerId}, MTU ${event.tapMtu}.`;
  if (event.role === "gateway") return `${joined} Players are now in this LAN.`;
  return event.gatewayPresent
    ? `${joined} The party's gateway is there.`
    : `${joined} The party's gateway is not there yet.`;
}

function dhcpText(event: StatusEvent & { type: "dhcp" }): string {
  const server = event.server === undefined
    ? "The LAN's DHCP server"
    : `DHCP server ${event.server}`;
  if (event.message === "nak") return `${server} refused the address that this PC asked for.`;
  const verb = event.message === "offer" ? "offers" : "gave";
  const address = event.address === undefined ? "an address" : `the address ${event.address}`;
  const lease = event.leaseSeconds === undefined ? "" : ` for ${span(event.leaseSeconds * 1000)}`;
  const names = new Set(
    event.removedOptions.map((option) => DHCP_OPTION_TEXT[option] ?? `option ${option}`),
  );
  const kept = names.size === 0
    ? ""
    : ` This PC keeps its own settings: the LAN's ${listed([...names])} are not taken.`;
  return `${server} ${verb} ${address}${lease}.${kept}`;
}

/** What a relay's word means, what it says itself if that is more, and when it goes on. */
function relayText(
  meaning: string,
  { message = "", retryAfterMs, removed }: Pick<
    StatusEvent & { type: "rejected" },
    "message" | "retryAfterMs" | "removed"
  >,
): string {
  const advice = removedText(removed) ?? meaning;
  return advice + (saysSame(advice, message) ? "" : detailText(message)) + waitText(retryAfterMs);
}

/** Several things in a sentence. */
function listed(things: readonly string[]): string {
  const last = things.at(-1) ?? "";
  return things.length < 2 ? last : `${things.slice(0, -1).join(", ")} and ${last}`;
}

function detailText(detail: string | undefined): string {
  const clean = detail === undefined ? "" : cleanText(detail, 256).trim();
  return clean === "" ? "" : ` (${isolated(clean)})`;
}

function waitText(retryAfterMs: number | undefined): string {
  return retryAfterMs === undefined ? "" : ` Trying again ${inTime(retryAfterMs)}.`;
}

/** A text that ends as a sentence does. */
function sentence(text: string): string {
  const clean = cleanText(text, 512).trim();
  return /[.!?…]$/.test(clean) ? isolated(clean) : `${isolated(clean)}.`;
}

function inTime(delayMs: number): string {
  return delayMs < 500 ? "at once" : `in ${span(delayMs)}`;
}
