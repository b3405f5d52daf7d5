/**
 * What an endpoint makes of each way in which a relay can refuse or end a session.
 *
 * @module
 */

import {
  type Disconnect,
  type DisconnectCode,
  ErrorCode,
  type RejectCode,
} from "../control/messages.ts";
import { DISCONNECT_ADVICE } from "../observe/status.ts";

/** What follows a refusal or an end. */
export type Reaction =
  /** Trying again cannot help: the program ends with exit code 1. */
  | "final"
  /** Trying again later can help. */
  | "retry"
  /** Our own earlier session may still be there: repeated each second, for a while. */
  | "repeat"
  /** Somebody broke the protocol: tried again a few times only. */
  | "suspicious";

/** What follows each `reject`. */
export const REJECT_REACTIONS: Readonly<Record<RejectCode, Reaction>> = {
  "protocol-version": "final",
  "invalid-hello": "final",
  "rate-limited": "retry",
  "relay-full": "retry",
  "removed": "final",
  "not-admitted": "final",
  "budget-too-small": "final",
  "gateway-exists": "repeat",
  "mac-in-use": "repeat",
  "mac-reserved": "retry",
  "room-full": "retry",
};

//= PROTOCOL.md 5.4
//# After a loss, and after `relay-restarting`, `bye`, `hello-timeout` and `protocol-error`: wait,
//# then connect again.
/** What follows each `disconnect`; see {@link reactionTo} for those with `retryAfterMs`. */
export const DISCONNECT_REACTIONS: Readonly<Record<DisconnectCode, Reaction>> = {
  "bye": "retry",
  "protocol-error": "suspicious",
  "malformed-limit": "suspicious",
  "hello-timeout": "retry",
  "kicked": "final",
  "room-closed": "final",
  "relay-restarting": "retry",
  "replaced": "final",
};

/**
 * What follows a `disconnect`. One that would be final is not if it names a time to come back,
 * except for `replaced`: two holders of one token would push each other out for ever.
 */
export function reactionTo(disconnect: Disconnect): Reaction {
  //= PROTOCOL.md 5.4
  //# Final: `reject` with another code, `disconnect` `kicked` and `room-closed` without
  //# `retryAfterMs`, and `replaced` in any case (two holders of one token would push each other out
  //# for ever).
  const reaction = DISCONNECT_REACTIONS[disconnect.code];
  const invited = disconnect.retryAfterMs !== undefined && disconnect.code !== "replaced";
  return reaction === "final" && invited ? "retry" : reaction;
}

/** How a connection ended below the control messages, as far as the shell can tell. */
export type TransportFailure =
  /** Nobody listens at the relay's port. */
  | "refused"
  /** No answer, or none any more. */
  | "timeout"
  /** The network says that there is no way to the relay. */
  | "unreachable"
  /** The same, since the relay has addresses of IPv6 alone, and this machine has none. */
  | "noIpv6"
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

/** What each failure is called, for people. */
export const TRANSPORT_TEXTS: Readonly<Record<TransportFailure, string>> = {
  refused: "Nothing answers at the relay's address and port",
  timeout: "The relay does not answer",
  unreachable: "No relay runs at that address and port, or this network has no way to it",
  noIpv6: "This network has no IPv6, and the relay has nothing else",
  unresolved: "The relay's name has no address",
  noNameServer: "No name server answers, so the relay's address cannot be found",
  certificate: "The relay's certificate is not the one that was expected",
  alpn: "What answers at this address is no lanparty relay of this version",
  reset: "The relay was restarted",
  other: "The connection to the relay broke",
};

/** What to look at when no relay has ever answered, in sentences: said once. */
export const FIRST_ADVICE: Readonly<Partial<Record<TransportFailure, string>>> = {
  refused: "Check the address, and whether the relay runs.",
  timeout: "Check the address; some networks, such as those of schools and hotels, let no UDP out.",
  unreachable: "Check the internet connection, and ask the host whether the relay runs.",
  noIpv6: "Ask the host for an IPv4 address, or try another network.",
  unresolved: "Check how it is written.",
  noNameServer: "Check the internet connection.",
};

/** What follows a failure, with a sentence for people. */
export interface Verdict {
  readonly reaction: Reaction;
  readonly text: string;
}

//= PROTOCOL.md 5.3
//# An endpoint whose *relay* closes without a last message (or before it arrived) takes 0, 1 and 4
//# for a loss, 2 for a `protocol-error`, and 3 for final.
/** What follows when the relay closes with an application error code, its message unread. */
export function verdictOfErrorCode(errorCode: number): Verdict {
  switch (errorCode) {
    case ErrorCode.rejected:
      return { reaction: "retry", text: "The relay refused the session without a reason" };
    case ErrorCode.protocol:
      return { reaction: "suspicious", text: "The relay reports a protocol error" };
    case ErrorCode.policy:
      return { reaction: "final", text: "The relay has removed us from the room" };
    case ErrorCode.shuttingDown:
      return { reaction: "retry", text: DISCONNECT_ADVICE["relay-restarting"] };
    default:
      return { reaction: "retry", text: DISCONNECT_ADVICE.bye };
  }
}
