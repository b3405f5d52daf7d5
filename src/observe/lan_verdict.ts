/**
 * Whether the party's LAN works for this PC: one value, which log, status file and doctor say alike.
 *
 * @module
 */

import { formatTimeSpan as span } from "../proto/time_span.ts";

/** What a client knows of it. Times are for how long it has been so, ms. */
export type LanVerdict =
  /** No room is joined. */
  | { readonly kind: "outside" }
  /** It is too early to say. */
  | { readonly kind: "looking" }
  /** The network adapter is away. */
  | { readonly kind: "no-adapter" }
  /** Nothing has come out of the LAN. */
  | { readonly kind: "silent"; readonly cause: SilenceCause; readonly waitedMs: number }
  /** The LAN is there, and this PC has no address in it. */
  | { readonly kind: "no-address"; readonly cause: NoAddressCause; readonly waitedMs: number }
  /** A station of the LAN was heard, and this PC has an address: without its prefix length. */
  | { readonly kind: "good"; readonly address: string };

/**
 * `alone`: no gateway, and nobody else; `no-gateway`: others are there; `unanswered`: the gateway is there; `stopped`: it
 * forwards nothing, because of a loop; `unasked`: it is, but this PC has no address and asks for none, so that nobody has a reason to answer.
 */
export type SilenceCause = "alone" | "no-gateway" | "unanswered" | "stopped" | "unasked";

/** `not-answered`: no DHCP server has; `not-taken`: one has, and nothing came of it; `not-asked`: by the player's wish. */
export type NoAddressCause = "not-answered" | "not-taken" | "not-asked";

/** A player is told: the LAN works, or why not. */
export interface LanVerdictEvent {
  readonly type: "lanVerdict";
  readonly verdict: LanVerdict;
}

/** Whether an event is of this kind. */
export function isLanVerdictEvent(event: { readonly type: string }): event is LanVerdictEvent {
  return event.type === "lanVerdict";
}

/** Whether the player has to know at once, and not only who asks. */
export function isTold({ kind }: LanVerdict): boolean {
  return kind === "silent" || kind === "no-address" || kind === "good";
}

/** Whether two verdicts say the same, however long it has been so. */
export function isSameVerdict(one: LanVerdict, other: LanVerdict): boolean {
  return keyOf(one) === keyOf(other);
}

/** What is so, and what to do about it; nothing is to be done where the LAN works. */
export interface LanVerdictText {
  readonly what: string;
  readonly advice?: string;
}

/** What a verdict says, as sentences. */
export function lanVerdictText(verdict: LanVerdict): LanVerdictText {
  switch (verdict.kind) {
    case "outside":
      return { what: "Not connected.", advice: "The relay comes first." };
    case "looking":
      return { what: "Connected: waiting for an answer of the LAN.", advice: "Look again soon." };
    case "no-adapter":
      return {
        what: "The party's network adapter is gone.",
        advice: "The client waits until it is back.",
      };
    case "silent":
      return silenceText(verdict.cause, span(verdict.waitedMs));
    case "no-address":
      return noAddressText(verdict.cause, span(verdict.waitedMs));
    case "good":
      return { what: `You are in the LAN as ${verdict.address}. Start your game.` };
  }
}

/** A verdict as one line. */
export function lanVerdictLine(verdict: LanVerdict): string {
  const { what, advice } = lanVerdictText(verdict);
  return advice === undefined ? what : `${what} ${advice}`;
}

function silenceText(cause: SilenceCause, time: string): LanVerdictText {
  const what = "Connected, but nothing in the LAN answers";
  switch (cause) {
    case "alone":
      return {
        what: `${what}: nobody else is here.`,
        advice:
          "Is the key right, and the room's code? If they are, the host's gateway does not run.",
      };
    case "no-gateway":
      return {
        what: `${what}: the party's gateway is not there.`,
        advice: "Ask the host to start it.",
      };
    case "unanswered":
      return {
        what: `${what}: the party's gateway is there, and behind it there was silence for ${time}.`,
        advice: "Ask the host what the gateway says, and whether its cable to the LAN is in.",
      };
    case "stopped":
      return {
        what: `${what}: the party's gateway stands still, because its LAN has a loop.`,
        advice:
          "It goes on by itself when the loop is gone. The gateway tells the host where to look.",
      };
    case "unasked":
      return {
        what: `${what}: this PC has no address there, and asks for none (--no-dhcp).`,
        advice: "Give the adapter an address of the LAN.",
      };
  }
}

function noAddressText(cause: NoAddressCause, time: string): LanVerdictText {
  const what = "Connected, but this PC has no address in the LAN";
  switch (cause) {
    case "not-answered":
      return {
        what: `${what}: no DHCP server has answered for ${time}.`,
        advice:
          "Ask the host whether the LAN has one (most routers are), or for an address to use.",
      };
    case "not-taken":
      return {
        what: `${what}: what the LAN's DHCP server has answered for ${time} was of no use.`,
        advice: "Ask the host to look at how the LAN gives out addresses.",
      };
    case "not-asked":
      return {
        what: `${what}, and asks for none (--address, --no-dhcp).`,
        advice: "Give the adapter an address of the LAN.",
      };
  }
}

function keyOf(verdict: LanVerdict): string {
  if (verdict.kind === "good") return `good ${verdict.address}`;
  return "cause" in verdict ? `${verdict.kind} ${verdict.cause}` : verdict.kind;
}
