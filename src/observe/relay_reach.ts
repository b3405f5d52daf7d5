/**
 * Why there is no connection with the relay, as far as a PC can tell, and what to do about it: one value, which log, live
 * line, status file and doctor say alike.
 *
 * @module
 */

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
  /** The relay has forgotten the connection (stateless reset): it was restarted. */
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

/** What is so, as one clause without a full stop, and what to do about it, in sentences. */
export interface ReachText {
  readonly what: string;
  readonly advice?: string;
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
  const { what, advice } = reachText(failure, place);
  return `${what}.${advice === undefined ? "" : ` ${advice}`} It is tried on.`;
}

const ASK_HOST = "Ask the host whether the relay runs, and for its address and port.";
const CHECK_INTERNET = "Is the cable in, or the Wi-Fi connected?";

/** What a failure to get to a relay means. */
export function reachText(failure: TransportFailure, place: FailurePlace): ReachText {
  const { host, port, address = host, by } = place;
  switch (failure) {
    case "nobodyListens":
      return { what: `${address} answers, but no relay listens at UDP ${port}`, advice: ASK_HOST };
    case "blocked":
      return by === undefined
        ? {
          what: `This PC lets nothing out to ${address}, UDP ${port}`,
          advice: "Look at its firewall and virus scanner.",
        }
        : {
          what: `Something on the way (${by}) does not let through what is for ${address}, ` +
            `UDP ${port}`,
          advice: "Try another network, such as a mobile phone's.",
        };
    case "unreachable": {
      const who = by === undefined ? "" : `, says ${by}`;
      return {
        what: `No way leads to ${address}${who}`,
        advice: `Check the internet connection. ${ASK_HOST}`,
      };
    }
    case "refused":
      return {
        what: `The relay at ${address} is full: it takes no more connections at the moment`,
      };
    case "timeout":
      return silenceText(place);
    case "noNetwork":
      return { what: "This PC is not on the internet", advice: CHECK_INTERNET };
    case "noIpv6":
      return {
        what: "This network has no IPv6, and the relay has nothing else",
        advice: "Ask the host for an IPv4 address, or try another network.",
      };
    case "noIpv4":
      return {
        what: "This network has no IPv4, and the relay has nothing else",
        advice: "Ask the host for an IPv6 address, or try another network.",
      };
    case "unresolved":
      return {
        what: `There is no address for the name ${host}`,
        advice: "Check how it is written.",
      };
    case "noNameServer":
      return {
        what: `No name server answers, so the address of ${host} cannot be found`,
        advice: "Check the internet connection, and the name servers that this PC has set.",
      };
    case "certificate":
      return { what: "The relay's certificate is not the one that was expected" };
    case "alpn":
      return {
        what: `What answers at ${address}, UDP ${port}, is no lanparty relay of this version`,
      };
    case "reset":
      return { what: "The relay was restarted" };
    case "other":
      return { what: "The connection to the relay broke" };
  }
}

function silenceText({ host, port, address = host, answersTcp }: FailurePlace): ReachText {
  if (answersTcp) {
    return {
      what: `${address} is there, but nothing comes back from its UDP port ${port}`,
      advice:
        "Either this network lets no UDP out, as in some schools, hotels and companies: try a " +
        "mobile phone's. Or the relay does not run, or its firewall is shut: ask the host.",
    };
  }
  return {
    what: `Nothing comes back from ${address}, UDP ${port}`,
    advice:
      "Either this network lets no UDP out, as in some schools, hotels and companies: try a " +
      "mobile phone's. Or the relay does not run, or is elsewhere: ask the host.",
  };
}

/** What has become of a session that was good. */
const LOST_TEXTS: Readonly<Partial<Record<TransportFailure, string>>> = {
  timeout: "The relay does not answer any more",
};

/** What it means that a session has ended in this way. */
export function lossText(failure: TransportFailure, place: FailurePlace): string {
  return LOST_TEXTS[failure] ?? reachText(failure, place).what;
}
