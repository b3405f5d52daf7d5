/**
 * What a relay's refusals and endings mean to a player, and what to do.
 *
 * @module
 */
import { formatTimeSpan } from "../proto/time_span.ts";

/** Somebody has removed us. */
export interface Removed {
  readonly by: "host" | "operator";
  /** How long it holds from now on; absent: until it is taken back. */
  readonly forMs?: number;
  /** The end of it on this PC's clock, such as `21:30`. */
  readonly until?: string;
}

/** What each refusal means, and what to do: by the code of a `reject`. */
export const REJECT_ADVICE = {
  "protocol-version":
    "The relay speaks another version. Get the same lanparty version as the party's host.",
  "invalid-hello":
    "The relay does not understand this program. Get the same lanparty version as the party's host.",
  "rate-limited": "Too many attempts from your address. The relay wants you to wait a little.",
  "relay-full": "The relay is full. It may have room again soon.",
  "removed": "You were removed from the party.",
  "not-admitted":
    "The relay does not let you in. Check the room's code and key, which the host knows; the room may be locked.",
  "budget-too-small":
    "Your connection carries only very small packets. Try another network, or switch a VPN off.",
  "gateway-exists":
    "The room has a gateway already. If it is an earlier one of yours, its place is free in a moment.",
  "mac-in-use":
    "Somebody in the room has your MAC already. If it is an earlier session of yours, its place is free in a moment; otherwise delete the identity file and start again.",
  "mac-reserved":
    "The MAC of this PC is kept for somebody else in this room. If you were here before with a new installation, ask the host to release it (lanparty-gateway ctl release MAC).",
  "room-full": "The room is full. Ask the host to let more players in.",
} as const;

/** What an endpoint knows about a refusal that its code does not say. */
export interface RejectCircumstances {
  /** It has shown no key: the option that takes one. */
  readonly keyOption?: "room-key" | "gateway-key";
  /** It has tried for so long, and does so no more. */
  readonly gaveUpAfterMs?: number;
  /** Where its MAC comes from. */
  readonly identityFile?: string;
}

/** What a refusal means, and what to do. */
export function rejectAdvice(
  code: keyof typeof REJECT_ADVICE,
  { keyOption, gaveUpAfterMs, identityFile }: RejectCircumstances = {},
): string {
  if (code === "not-admitted" && keyOption !== undefined) {
    return "The relay does not let you in without a key: give the one that the host knows, with " +
      `--${keyOption} or --${keyOption}-file. If the party has none, the room is locked.`;
  }
  const gaveUp = gaveUpAfterMs === undefined
    ? undefined
    : `Gave up after ${formatTimeSpan(gaveUpAfterMs)}`;
  if (gaveUp !== undefined && code === "gateway-exists") {
    return `${gaveUp}: the room has another gateway. End that one first.`;
  }
  if (gaveUp !== undefined && code === "mac-in-use") {
    const file = identityFile === undefined
      ? "give another --virtual-mac"
      : `delete ${identityFile}`;
    return `${gaveUp}: somebody in the room has your MAC. If this PC was copied from another one, ${file} ` +
      "and start again.";
  }
  return REJECT_ADVICE[code];
}

/** Whether what a relay says to people stands in the advice anyway. */
export function saysSame(advice: string, message: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/\b(this|your)\b/g, "the").trim();
  const said = plain(message).replace(/[.!]$/, "");
  return plain(advice).includes(said) || said === "you are not admitted to the room";
}

/** What each end means, and what to do: by the code of a `disconnect`. */
export const DISCONNECT_ADVICE = {
  "bye": "The relay has ended the session.",
  "protocol-error":
    "The relay did not understand this program. Get the same lanparty version as the party's host.",
  "malformed-limit": "The relay received too many damaged packets from this PC.",
  "hello-timeout": "This PC was too slow to introduce itself to the relay.",
  "kicked": "The host has removed you from the room.",
  "room-closed": "The host has closed the room.",
  "relay-restarting": "The relay restarts. It should be back in a moment.",
  "replaced": "You joined again from another place, and that session has taken over.",
} as const;

/**
 * What an end means, and what to do. With a time to come back `room-closed` is no wish of the host's: the
 * relay has made place for another room.
 */
export function disconnectAdvice(
  code: keyof typeof DISCONNECT_ADVICE,
  isInvitedBack: boolean,
): string {
  return code === "room-closed" && isInvitedBack
    ? "The relay has closed the room for now."
    : DISCONNECT_ADVICE[code];
}

/** Who has removed us, and until when. */
export function removedText(removed: Removed | undefined): string | undefined {
  if (removed === undefined) return undefined;
  const { by, forMs, until } = removed;
  const who = by === "host"
    ? "The host has removed you from the party"
    : "The relay's operator has removed you";
  if (forMs === 0) return `${who}.`;
  if (until !== undefined) return `${who}, until ${until}.`;
  return forMs === undefined
    ? `${who}, until ${by === "host" ? "the host" : "the operator"} lets you in again.`
    : `${who}, for ${formatTimeSpan(forMs)}.`;
}
