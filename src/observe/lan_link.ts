/**
 * What a gateway says of its LAN's interface: how it is, and what keeps players from the LAN although it is there. One
 * table for log, live line, health and pages.
 *
 * @module
 */

import {
  fillSentence,
  type Sentence,
  type SentenceTable,
  type SentenceValues,
} from "./sentences.ts";

/**
 * `off`: switched off; `no-carrier`: no cable, or nothing at its other end; `blocked`: a bridge lets nothing through at
 * our port yet; `gone`: deleted, or pulled out.
 */
export type LanState = "up" | "off" | "no-carrier" | "blocked" | "gone";

/** Protocols that a machine's firewall may keep from crossing a bridge, each by a setting of its own. */
export type BridgedProtocol = "IPv4" | "IPv6" | "ARP";

/** Something that keeps players, or some of their frames, out of the LAN. */
export type LanTrouble =
  | { readonly kind: "small-mtu"; readonly mtu: number }
  | { readonly kind: "port-of"; readonly master: string }
  | { readonly kind: "own-frames-only" }
  /** The machine's own firewall drops what crosses the bridge. */
  | {
    readonly kind: "firewall";
    readonly protocols: readonly BridgedProtocol[];
    /** Those of them that a setting hands to the firewall of IP; the others are dropped by the bridge's own. */
    readonly settings: readonly string[];
    /** Who is known to set it so, and is on this machine. */
    readonly likely: readonly string[];
  }
  /** Nothing gets from our port to the other ports of a bridge that tells VLANs apart. */
  | { readonly kind: "vlan"; readonly port: string };

/** What there is to be said. */
export type LanLinkEvent =
  | {
    readonly type: "lan";
    readonly name: string;
    readonly index: number;
    readonly mac: string;
    readonly state: LanState;
  }
  | { readonly type: "lanRenamed"; readonly before: string; readonly name: string }
  | { readonly type: "lanTrouble"; readonly name: string; readonly trouble: LanTrouble }
  | { readonly type: "lanTroubleOver"; readonly name: string; readonly trouble: LanTrouble };

const TYPES: readonly string[] = ["lan", "lanRenamed", "lanTrouble", "lanTroubleOver"];

/** Whether an event is of these. */
export function isLanLinkEvent(event: { readonly type: string }): event is LanLinkEvent {
  return TYPES.includes(event.type);
}

/** Whether something is to be done about it. */
export function lanLinkEventWarns(event: LanLinkEvent): boolean {
  return event.type === "lanTrouble" || (event.type === "lan" && event.state !== "up");
}

const APART = "players and LAN do not reach each other by it";

/** All that is said of it: the states, the troubles, and their ends. */
export const LAN_LINK_SENTENCES = {
  "up": { what: "The LAN on {name} is connected (MAC {mac}, index {index})." },
  "off": {
    what: "The LAN's interface {name} is switched off.",
    advice: "Switch it on: ip link set {name} up.",
  },
  "no-carrier": { what: "The LAN on {name} has no link: is the cable plugged in?" },
  "blocked": {
    what: "The bridge {name} lets nothing through at its new port yet (spanning tree).",
    advice: "Give it 30 seconds.",
  },
  "gone": { what: "The interface {name} is gone: the LAN is back when it is." },
  "renamed": {
    what: "The LAN's interface {before} is called {name} now: nothing else has changed.",
  },
  "small-mtu": {
    what: "{name} has an MTU of {mtu}: longer frames of players are lost.",
    advice: "Give it more: ip link set {name} mtu 1500.",
  },
  "small-mtu-over": { what: "The MTU of {name} is large enough now." },
  "port-of": {
    what: "{name} is a port of {master} now: players do not reach this machine itself.",
    advice: "Name {master} as --interface instead.",
  },
  "port-of-over": { what: "{name} is no port of {master} any more." },
  "own-frames-only": {
    what:
      "{name} takes no frames of other MACs than its own (it has left promiscuous mode): players are not reached.",
    advice: "Start the gateway again, or use another interface.",
  },
  "own-frames-only-over": { what: "{name} takes frames of all MACs again." },
  "firewall": {
    what: `{who} drops {protocols} that crosses the bridge {name}: ${APART}.`,
    advice:
      "Have it leave bridges alone: sysctl -w {settings} (and a file in /etc/sysctl.d that says " +
      "so). Or let through what is bridged: {commands}.",
  },
  "bridge-rules": {
    what: `A rule of this machine's drops {protocols} that crosses the bridge {name}: ${APART}.`,
    advice: "Have it let them pass: nft list ruleset or ebtables -L shows it.",
  },
  "firewall-over": { what: "{protocols} crosses the bridge {name} again." },
  "vlan": {
    what:
      "Nothing gets from the gateway's port {port} to the other ports of the bridge {name}, which tells VLANs apart.",
    advice:
      "Give the port the LAN's VLAN: bridge vlan add dev {port} vid NUMBER pvid untagged. Or name " +
      "an interface of that VLAN as --interface.",
  },
  "vlan-over": {
    what: "The gateway's port {port} reaches the other ports of the bridge {name} now.",
  },
} as const satisfies SentenceTable;

/** What lets through what is bridged, in front of all rules. */
const LETTING_THROUGH: Readonly<Record<BridgedProtocol, string>> = {
  "IPv4": "iptables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT",
  "IPv6": "ip6tables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT",
  "ARP": "arptables -I FORWARD -j ACCEPT",
};

/** What is said of an event. */
export function lanLinkSentence(event: LanLinkEvent): Sentence {
  const { name } = event;
  switch (event.type) {
    case "lan": {
      const { mac, index } = event;
      return fillSentence(LAN_LINK_SENTENCES[event.state], { name, mac, index: `${index}` });
    }
    case "lanRenamed":
      return fillSentence(LAN_LINK_SENTENCES.renamed, { name, before: event.before });
    case "lanTrouble":
      return lanTroubleSentence(name, event.trouble);
    case "lanTroubleOver": {
      const { trouble } = event;
      return fillSentence(LAN_LINK_SENTENCES[`${trouble.kind}-over`], valuesOf(name, trouble));
    }
  }
}

/** Whether it keeps all players out of the LAN, or all their games. */
export function lanTroubleStops(trouble: LanTrouble): boolean {
  if (trouble.kind !== "firewall") return trouble.kind === "vlan";
  // The party's games are IPv4's, which needs ARP.
  return trouble.protocols.some((protocol) => protocol !== "IPv6");
}

/** What is so, and what to do about it. */
export function lanTroubleSentence(name: string, trouble: LanTrouble): Sentence {
  const isOwnRule = trouble.kind === "firewall" && trouble.settings.length === 0;
  const sentence = LAN_LINK_SENTENCES[isOwnRule ? "bridge-rules" : trouble.kind];
  return fillSentence(sentence, valuesOf(name, trouble));
}

/** Whether two are the same, for people. */
export function isSameTrouble(one: LanTrouble, other: LanTrouble): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function valuesOf(name: string, trouble: LanTrouble): SentenceValues {
  switch (trouble.kind) {
    case "small-mtu":
      return { name, mtu: `${trouble.mtu}` };
    case "port-of":
      return { name, master: trouble.master };
    case "own-frames-only":
      return { name };
    case "firewall": {
      const { protocols, settings, likely } = trouble;
      const who = likely.length === 0 ? "" : ` (likely set so by ${likely.join(" or ")})`;
      return {
        ...{ name, who: `This machine's firewall${who}`, protocols: listed(protocols) },
        settings: settings.map((setting) => `${setting}=0`).join(" "),
        commands: listed(protocols.map((protocol) => LETTING_THROUGH[protocol])),
      };
    }
    case "vlan":
      return { name, port: trouble.port };
  }
}

function listed(things: readonly string[]): string {
  return things.length < 2
    ? things.join()
    : `${things.slice(0, -1).join(", ")} and ${things.at(-1)}`;
}
