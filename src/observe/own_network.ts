/**
 * What a player is told of this PC's own adapters and networks, and whether they let it play.
 *
 * @module
 */

import { type AdapterEvent, adapterSentence } from "./adapter_events.ts";
import { sentenceLine } from "./sentences.ts";

/** Why an address or a network of the LAN's is not taken. */
export type NetworkRefusal = "unusable" | "foreign" | "wide" | "relay" | "own" | "elsewhere";

/** What has become of them. */
export type OwnNetworkEvent =
  | AdapterEvent
  /** The adapter is gone, or is there again. */
  | { readonly type: "adapterLost"; readonly name: string; readonly why: string }
  | { readonly type: "adapterBack"; readonly name: string }
  /** The PC has no way to the relay any more, or has one again. */
  | { readonly type: "networkLost" }
  | { readonly type: "networkBack" }
  /** A network of the player's has the same addresses as the party's LAN; its servers are held. */
  | { readonly type: "sameSubnet"; readonly network: string }
  /** A network of the party's stays that of another adapter of this PC's, which has it, too. */
  | { readonly type: "networkYielded"; readonly network: string }
  /** The LAN offers an address that this PC must not have: with its prefix length. */
  | { readonly type: "networkRefused"; readonly network: string; readonly why: NetworkRefusal }
  /** Broadcasts that belong to no network leave by another adapter. */
  | {
    readonly type: "broadcastElsewhere";
    readonly name: string;
    readonly version: "IPv4" | "IPv6";
  };

const WARNINGS: ReadonlySet<string> = new Set<OwnNetworkEvent["type"]>([
  ...["adapterRestored", "adapterContested", "adapterLost", "networkLost"] as const,
  ...["sameSubnet", "networkYielded", "networkRefused", "broadcastElsewhere"] as const,
]);

/** Whether something is to be done about an event, if it is one of these. */
export function ownNetworkWarns({ type }: { readonly type: string }): boolean {
  return WARNINGS.has(type);
}

/** One line about it. */
export function ownNetworkText(event: OwnNetworkEvent): string {
  switch (event.type) {
    case "adapterRestored":
    case "adapterContested":
    case "adapterKept":
      return sentenceLine(adapterSentence(event));
    case "adapterLost":
      return `Network adapter ${event.name} is gone (${event.why}): waiting until it is back …`;
    case "adapterBack":
      return `Network adapter ${event.name} is back.`;
    case "networkLost":
      return "This PC has no network: is the cable in, or the Wi-Fi on? Back as soon as it has one.";
    case "networkBack":
      return "This PC has its network again.";
    case "sameSubnet":
      return `Your network and the party's LAN have the same addresses (${event.network}). ` +
        "Your router and name servers stay reachable. Other devices at home are not reached while " +
        "you play: give your home network other addresses if you need them.";
    case "networkYielded":
      return `A VPN of this PC, or a network of its containers, has the addresses of the party's LAN, too ` +
        `(${event.network}), and keeps them: the party is not reached. End that while you play, or ask ` +
        "the host to give the LAN other addresses.";
    case "networkRefused":
      return `The LAN offers this PC an address in ${event.network}, which is not taken: ` +
        REFUSAL_TEXT[event.why].replace("NETWORK", event.network);
    case "broadcastElsewhere":
      return `Games may not find each other: broadcasts leave this PC by ${event.name}. If that is ` +
        "a VPN, switch it off while you play; else choose the automatic metric in its " +
        `${event.version} settings.`;
  }
}

const REFUSAL_TEXT: Readonly<Record<NetworkRefusal, string>> = {
  unusable: "no PC can have it. Ask the host to look at how the LAN gives out addresses.",
  foreign: "it is not for private use, and who has such addresses on the internet would not be " +
    "reached any more. If the party's LAN really has them, add --allow-lan-network NETWORK.",
  wide:
    "no LAN is as large, and this PC would look for others' addresses in it. Ask the host to look " +
    "at how the LAN gives out addresses.",
  relay:
    "the relay has an address there, which would not be reached any more. Ask the host to give " +
    "the LAN other addresses.",
  own:
    "an address of this PC lies there, such as a VPN's or one of a network of containers, or it is that of " +
    "your own router. End that while you play, or ask the host to give the LAN other addresses.",
  elsewhere:
    "this PC reaches something else there, such as a VPN. End that while you play, or have " +
    "the party there in its place: --allow-lan-network NETWORK.",
};
