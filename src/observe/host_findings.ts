/**
 * What keeps players out of the LAN, or disturbs them, as the host of a party or the operator of a relay should know it:
 * one list of values, which log, live line, health, pages and metrics say alike.
 *
 * @module
 */

import { fillSentence, type Sentence, sentenceLine, type SentenceValues } from "./sentences.ts";

/** `stops`: nobody is served; `disturbs`: some are not, or not all of it works. */
export type FindingWeight = "stops" | "disturbs";

/** One thing that was found. */
export interface HostFinding extends Sentence {
  /** Its sentence's, in the table of who found it. */
  readonly key: string;
  readonly weight: FindingWeight;
}

const ONE_GATEWAY = "One LAN needs one gateway: end one of them.";

/** What a gateway says of its LAN and its players; of its interface `lan_link.ts` has more. */
export const GATEWAY_SENTENCES = {
  "no-room": { what: "No room is joined.", advice: "The log says what the relay has said." },
  "loop-lan": {
    what:
      "Nothing is forwarded: the LAN has a loop of its own, such as a cable between two ports of its switches.",
    advice: "The switches' address tables show the port: look for {mac}.",
  },
  "loop-room": {
    what: "Nothing is forwarded: the room leads back to this LAN by another way.",
    advice: "Look for {mac} in the switches' tables.",
  },
  "loop-bridged-player": {
    what: "Nothing is forwarded: a player's PC that is in this LAN too bridges both.",
    advice: "Take the bridge apart; the switches' address tables show its port: look for {mac}.",
  },
  "loop-gateway": {
    what: "Nothing is forwarded: the gateway {mac} was on this LAN before.",
    advice: ONE_GATEWAY,
  },
  "loop-over": { what: "The loop is gone after {time}: frames are forwarded again." },
  "loop-unproven": {
    what:
      "Frames are forwarded again: nothing but a probe has come back, so there is no loop, but maybe " +
      "somebody who wants to be taken for one.",
    advice: "The switches' address tables show the port: look for {mac}.",
  },
  "loop-unproven-gateway": {
    what:
      "Frames are forwarded again: the gateway {mac} is on this LAN, too, but nothing comes back by it.",
    advice: ONE_GATEWAY,
  },
  "other-gateway": { what: "Another gateway ({mac}) is on this LAN.", advice: ONE_GATEWAY },
  "lan-quiet": {
    what: "Nothing was heard in the LAN for {time}, though players ask who is there.",
    advice:
      "Is anybody in it? If so, {name} may be the wrong interface, or its cable in the wrong place.",
  },
  "lan-never-heard": {
    what: "Nothing was heard in the LAN yet, though players ask who is there.",
    advice:
      "Is anybody in it? If so, {name} may be the wrong interface, or its cable in the wrong place.",
  },
  "player-not-served": {
    what: "{who} is not served: a station of the LAN sends from the same MAC.",
    advice: "Is that PC in the LAN itself?",
  },
  "player-dhcp-server": { what: "{who} runs a DHCP server: its answers are dropped." },
  "player-no-address": {
    what: "{who} has no address in the LAN.",
    advice: "Does the LAN's DHCP server run (most routers are one), and has it addresses left?",
  },
  "player-sees-nothing": {
    what: "{who} sees nothing of the LAN.",
    advice: "Their client says why.",
  },
} as const satisfies Readonly<Record<string, Sentence>>;

/** What a relay says of itself. */
export const RELAY_SENTENCES = {
  "draining": {
    what: "Draining: nobody is let in any more, and the relay ends when it is empty.",
  },
  "reactor-down": {
    what: "Reactor {reactor} is down: its rooms are away until it is back.",
    advice: "The log says why.",
  },
} as const satisfies Readonly<Record<string, Sentence>>;

/** A finding of a gateway. */
export function gatewayFinding(
  key: keyof typeof GATEWAY_SENTENCES,
  weight: FindingWeight,
  values: SentenceValues = {},
): HostFinding {
  return { key, weight, ...fillSentence(GATEWAY_SENTENCES[key], values) };
}

/** A finding of a relay. */
export function relayFinding(
  key: keyof typeof RELAY_SENTENCES,
  weight: FindingWeight,
  values: SentenceValues = {},
): HostFinding {
  return { key, weight, ...fillSentence(RELAY_SENTENCES[key], values) };
}

/** `ok`, or all that stops it, a line each. */
export function healthText(findings: readonly HostFinding[]): string {
  const stops = findings.filter(({ weight }) => weight === "stops");
  return stops.length === 0 ? "ok" : stops.map(sentenceLine).join("\n");
}

/** A text up to its first colon, or to its end without the full stop; what stands in quotes is somebody's name. */
const IN_SHORT = /^((?:"[^"]*"|:(?!\s)|[^":])*?)(?::\s.*|\.)$/s;

/** What is found in a few words each, for a line that has no room for more. */
export function shortNotes(findings: readonly HostFinding[]): string[] {
  return findings.map(({ what }) => what.replace(IN_SHORT, "$1"));
}

/** How many there are of each weight. */
export function countByWeight(findings: readonly HostFinding[]): Record<FindingWeight, number> {
  const stops = findings.filter(({ weight }) => weight === "stops").length;
  return { stops, disturbs: findings.length - stops };
}
