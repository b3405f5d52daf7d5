/**
 * Whether the party's LAN works for this PC: one value, which log, status file and doctor say alike.
 *
 * @module
 */

import { type AdapterFault, adapterFaultSentence } from "./adapter_events.ts";
import { formatTimeSpan as span } from "../proto/time_span.ts";
import { fillSentence, type Sentence, sentenceLine } from "./sentences.ts";

const SILENT = "Connected, but nothing in the LAN answers";
const WITHOUT_ADDRESS = "Connected, but this PC has no address in the LAN";
const SAME_ADVICE = "Give the adapter an address of the LAN.";

/** All that is said of it. */
export const LAN_SENTENCES = {
  "good": { what: "You are in the LAN as {address}. Start your game." },
  "outside": { what: "Not connected.", advice: "The relay comes first." },
  "looking": {
    what: "Connected: waiting for an answer of the LAN.",
    advice: "Look again soon.",
  },
  "no-adapter": {
    what: "The party's network adapter is gone.",
    advice: "The client waits until it is back.",
  },
  "silent-alone": {
    what: `${SILENT}: nobody else is here.`,
    advice:
      "Is the key right, and the room's code? If they are, the host's gateway does not run yet.",
  },
  "silent-no-gateway": {
    what: `${SILENT}: the party's gateway is not there.`,
    advice: "Ask the host to start it.",
  },
  "silent-unanswered": {
    what: `${SILENT}: the party's gateway is there, and behind it there was silence for {time}.`,
    advice: "Ask the host what the gateway says, and whether its cable to the LAN is in.",
  },
  "silent-stopped": {
    what: `${SILENT}: the party's gateway stands still, because its LAN has a loop.`,
    advice: "It goes on by itself when the loop is gone. The gateway tells the host where to look.",
  },
  "silent-down": {
    what: `${SILENT}: the party's gateway has no link to its LAN.`,
    advice: "Ask the host whether its cable is in, and the switch on.",
  },
  "silent-held": {
    what:
      `${SILENT}: the party's gateway has its LAN, but its own machine lets no players through.`,
    advice: "Tell the host: the gateway says what is to be changed there.",
  },
  "silent-quiet": {
    what: `${SILENT}: the party's gateway has its LAN, and hears no device there.`,
    advice:
      "Start your game if only players take part; else ask the host whether its cable leads to the right LAN.",
  },
  "silent-unserved": {
    what: `${SILENT}: a device of the LAN has the MAC of this PC, so the gateway keeps it out.`,
    advice: "Is this PC in the LAN itself, by cable or Wi-Fi? Then it needs no client: end it.",
  },
  "silent-unheard": {
    what: `${SILENT}: the party's gateway is there, and does not hear this PC.`,
    advice:
      "Start the client again. If that does not help, tell the host, and the relay's operator.",
  },
  "silent-unasked": {
    what: `${SILENT}: this PC has no address there, and asks for none (--no-dhcp).`,
    advice: SAME_ADVICE,
  },
  "elsewhere": {
    what:
      "Connected, but this PC's address {address} is none of the LAN's, where others have such " +
      "as {other}.",
    advice:
      "It is a fixed one, or of another network: have the adapter ask for one (DHCP), or give it one of the LAN.",
  },
  "old-address": {
    what:
      "Connected, but the address of this PC in the LAN, {address}, is an old one: no DHCP server has confirmed it for {time}.",
    advice: "Try your game; if it does not work, ask the host whether the LAN's DHCP server runs.",
  },
  "taken": {
    what:
      "Connected, but another device in the LAN ({mac}) has the address of this PC, {address}, too.",
    advice: "Give this PC another one, or leave --address out and have the LAN give one.",
  },
  "no-address-not-answered": {
    what: `${WITHOUT_ADDRESS}: no DHCP server has answered for {time}.`,
    advice: "Ask the host whether the LAN has one (most routers are), or for an address to use.",
  },
  "no-address-not-taken": {
    what: `${WITHOUT_ADDRESS}: what the LAN's DHCP server has answered for {time} was of no use.`,
    advice: "Ask the host to look at how the LAN gives out addresses.",
  },
  "no-address-not-asked": {
    what: `${WITHOUT_ADDRESS}, and asks for none (--address, --no-dhcp).`,
    advice: SAME_ADVICE,
  },
} as const satisfies Record<LanSentence, Sentence>;

/** What a client knows of it. Times are for how long it has been so, ms. */
export type LanVerdict =
  /** No room is joined. */
  | { readonly kind: "outside" }
  /** It is too early to say. */
  | { readonly kind: "looking" }
  /** The network adapter is away. */
  | { readonly kind: "no-adapter" }
  /** It is there, and another program has it otherwise than it has to be: told by an event of its own. */
  | { readonly kind: "adapter-changed"; readonly fault: AdapterFault }
  /** Nothing has come out of the LAN. */
  | { readonly kind: "silent"; readonly cause: SilenceCause; readonly waitedMs: number }
  /** The LAN is there, and this PC has no address in it. */
  | { readonly kind: "no-address"; readonly cause: NoAddressCause; readonly waitedMs: number }
  /** The LAN is there, and this PC's address is one of another network: nobody of that is heard, but `other` is. */
  | { readonly kind: "elsewhere"; readonly address: string; readonly other: string }
  /** The LAN is there, and the address that the player has chosen is another station's, too. */
  | { readonly kind: "taken"; readonly address: string; readonly mac: string }
  /** The LAN is there, and this PC has an address of it whose time is not over, but which nobody gives it now. */
  | { readonly kind: "old-address"; readonly address: string; readonly waitedMs: number }
  /** A station of the LAN was heard, or the gateway says that the LAN is there, and this PC has an address: without its prefix length. */
  | { readonly kind: "good"; readonly address: string };

/**
 * `alone`: no gateway, and nobody else; `no-gateway`: others are there; `unanswered`: the gateway is there; `stopped`: it
 * forwards nothing, because of a loop; `down`: it has no link to its LAN; `held`: its machine lets nothing through;
 * `quiet`: it hears nobody there; `unserved`: it keeps this PC out; `unheard`: it does not answer; `unasked`: it is there,
 * but this PC has no address and asks for none, so that nobody has a reason to answer.
 */
export type SilenceCause =
  | "alone"
  | "no-gateway"
  | "unanswered"
  | "stopped"
  | "down"
  | "held"
  | "quiet"
  | "unserved"
  | "unheard"
  | "unasked";

/** `not-answered`: no DHCP server has; `not-taken`: one has, and nothing came of it; `not-asked`: by the player's wish. */
export type NoAddressCause = "not-answered" | "not-taken" | "not-asked";

/** The keys of {@linkcode LAN_SENTENCES}: a verdict's kind, and its cause if it has one. */
export type LanSentence =
  | Exclude<LanVerdict["kind"], "silent" | "no-address" | "adapter-changed">
  | `silent-${SilenceCause}`
  | `no-address-${NoAddressCause}`;

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
  return !["outside", "looking", "no-adapter", "adapter-changed"].includes(kind);
}

/** Whether two verdicts say the same, however long it has been so. */
export function isSameVerdict(one: LanVerdict, other: LanVerdict): boolean {
  if (one.kind === "adapter-changed" || other.kind === "adapter-changed") {
    return traitOf(one) === traitOf(other);
  }
  return keyOf(one) === keyOf(other) && addressOf(one) === addressOf(other);
}

/** What a verdict says. */
export function lanVerdictText(verdict: LanVerdict): Sentence {
  if (verdict.kind === "adapter-changed") return adapterFaultSentence(verdict.fault);
  const time = "waitedMs" in verdict ? span(verdict.waitedMs) : "";
  const other = verdict.kind === "elsewhere" ? verdict.other : "";
  const [address, mac] = [addressOf(verdict), macOf(verdict)];
  return fillSentence(LAN_SENTENCES[keyOf(verdict)], { time, address, other, mac });
}

/** A verdict as one line. */
export function lanVerdictLine(verdict: LanVerdict): string {
  return sentenceLine(lanVerdictText(verdict));
}

function keyOf(verdict: Exclude<LanVerdict, { kind: "adapter-changed" }>): LanSentence {
  switch (verdict.kind) {
    case "silent":
      return `silent-${verdict.cause}`;
    case "no-address":
      return `no-address-${verdict.cause}`;
    default:
      return verdict.kind;
  }
}

function addressOf(verdict: LanVerdict): string {
  return "address" in verdict ? verdict.address : "";
}

function traitOf(verdict: LanVerdict): string | undefined {
  return verdict.kind === "adapter-changed" ? verdict.fault.trait : undefined;
}

function macOf(verdict: LanVerdict): string {
  return "mac" in verdict ? verdict.mac : "";
}
