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
