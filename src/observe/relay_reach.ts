/**
 * Why there is no connection with the relay, as far as a PC can tell, and what to do about it: one value, which log, live
 * line, status file and doctor say alike.
 *
 * @module
 */

import { fillSentence, type Sentence, sentenceLine, type SentenceTable } from "./sentences.ts";

/** How a connection ended, or was not made, below the control messages. */
export type TransportFailure =
  /** The relay's machine answers that nobody listens at that port (ICMP). */
  | "nobodyListens"
  /** Something on the way, or this PC's own firewall, does not let it through, and says so. */
  | "blocked"
  /** A router says that no way leads there, or that nobody is there. */
  | "unreachable"
  /** The relay takes no more connections. */
  | "refused"
  /** Something answers, but the handshake is not done. */
  | "unfinished"
  /** No answer, or none any more. */
  | "timeout"
  /** This PC has no way to anywhere. */
  | "noNetwork"
  /** The relay has addresses of IPv6 alone, and this machine has none. */
  | "noIpv6"
  /** The same of IPv4. */
  | "noIpv4"
  /** The relay's name has no address. */
  | "unresolved"
  /** No name server answers, so that nobody knows. */
  | "noNameServer"
  /** The relay's certificate was not accepted. */
  | "certificate"
  /** Something answers that is no lanparty relay. */
  | "alpn"
  /** The relay has forgotten the connection (stateless reset): it was restarted, most likely. */
  | "reset"
  /** Anything else. */
  | "other";

/** Where a failure was met. */
export interface FailurePlace {
  /** The relay's host, as it was given. */
  readonly host: string;
  /** UDP port. */
  readonly port: number;
  /** The address that was tried; absent: there was none. */
  readonly address?: string;
  /** Who has said so, where that is another machine than the relay's. */
  readonly by?: string;
  /** Whether the relay's machine answers by TCP. */
  readonly answersTcp?: boolean;
}

/** There is no connection yet, and why; it is tried on. */
export interface RelayTroubleEvent {
  readonly type: "relayTrouble";
  readonly failure: TransportFailure;
  readonly place: FailurePlace;
}

/** Whether an event is of this kind. */
export function isRelayTrouble(event: { readonly type: string }): event is RelayTroubleEvent {
  return event.type === "relayTrouble";
}

/** What the user is told of it, as one line. */
export function relayTroubleText({ failure, place }: RelayTroubleEvent): string {
  return `${sentenceLine(reachText(failure, place))} It is tried on.`;
}

const ASK_HOST = "Ask the host whether the relay runs, and for its address and port.";
const NO_UDP =
  "Either this network lets no UDP out, as in some schools, hotels and companies: try a mobile phone's. Or";

/** All that is said of it. */
export const REACH_SENTENCES = {
  "nobody-listens": {
    what: "{address} answers, but no relay listens at UDP {port}.",
    advice: ASK_HOST,
  },
  "blocked-here": {
    what: "This PC lets nothing out to {address}, UDP {port}.",
    advice: "Look at its firewall and virus scanner.",
  },
  "blocked-on-the-way": {
    what: "Something on the way ({by}) does not let through what is for {address}, UDP {port}.",
    advice: "Try another network, such as a mobile phone's.",
  },
  "no-way": {
    what: "No way leads to {address}.",
    advice: `Check the internet connection. ${ASK_HOST}`,
  },
  "no-way-from": {
    what: "No way leads to {address}, says {by}.",
    advice: `Check the internet connection. ${ASK_HOST}`,
  },
  "full": {
    what: "The relay at {address} is full: it takes no more connections at the moment.",
    advice: "Wait, or tell the host.",
  },
  "unfinished": {
    what: "{address} answers at UDP {port}, but gets no further.",
    advice: "It may be busy, or large packets are lost on the way: wait, and try another network.",
  },
  "silent": {
    what: "Nothing comes back from {address}, UDP {port}.",
    advice: `${NO_UDP} the relay does not run, or is elsewhere: ask the host.`,
  },
  "silent-and-there": {
    what: "{address} is there, but nothing comes back from its UDP port {port}.",
    advice: `${NO_UDP} the relay does not run, or its firewall is shut: ask the host.`,
  },
  "no-network": {
    what: "This PC is not on the internet.",
    advice: "Is the cable in, or the Wi-Fi connected?",
  },
  "no-ipv6": {
    what: "This network has no IPv6, and the relay has nothing else.",
    advice: "Ask the host for an IPv4 address, or try another network.",
  },
  "no-ipv4": {
    what: "This network has no IPv4, and the relay has nothing else.",
    advice: "Ask the host for an IPv6 address, or try another network.",
  },
  "no-address": {
    what: "There is no address for the name {host}.",
    advice: "Check how it is written.",
  },
  "no-name-server": {
    what: "No name server answers, so the address of {host} cannot be found.",
    advice: "Check the internet connection, and the name servers that this PC has set.",
  },
  "certificate": { what: "The relay's certificate is not the one that was expected." },
  "no-relay": {
    what: "What answers at {address}, UDP {port}, is no lanparty relay of this version.",
  },
  "restarted": {
    what: "The relay does not know this connection any more: it was probably restarted.",
  },
  "broken": { what: "The connection to the relay broke." },
  "another-way": { what: "The way to the relay has failed, and another one works." },
  "lost": { what: "The relay does not answer any more." },
} as const satisfies SentenceTable;

/** Failures that are said in one way. */
const PLAIN = {
  nobodyListens: "nobody-listens",
  refused: "full",
  unfinished: "unfinished",
  noNetwork: "no-network",
  noIpv6: "no-ipv6",
  noIpv4: "no-ipv4",
  unresolved: "no-address",
  noNameServer: "no-name-server",
  certificate: "certificate",
  alpn: "no-relay",
  reset: "restarted",
  other: "broken",
} as const satisfies Partial<Record<TransportFailure, keyof typeof REACH_SENTENCES>>;

/** What a failure to get to a relay means, and what to do about it. */
export function reachText(failure: TransportFailure, place: FailurePlace): Sentence {
  const { host, port, address = host, by } = place;
  const values = { host, port: `${port}`, address, by: by ?? "" };
  return fillSentence(REACH_SENTENCES[keyOf(failure, place)], values);
}

function keyOf(
  failure: TransportFailure,
  { by, answersTcp }: FailurePlace,
): keyof typeof REACH_SENTENCES {
  switch (failure) {
    case "blocked":
      return by === undefined ? "blocked-here" : "blocked-on-the-way";
    case "unreachable":
      return by === undefined ? "no-way" : "no-way-from";
    case "timeout":
      return answersTcp ? "silent-and-there" : "silent";
    default:
      return PLAIN[failure];
  }
}

/** What it means that a session has ended in this way. */
export function lossText(failure: TransportFailure, place: FailurePlace): string {
  return failure === "timeout" ? REACH_SENTENCES.lost.what : reachText(failure, place).what;
}
