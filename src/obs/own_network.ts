/**
 * What a player is told of this PC's own adapters and networks, and whether they let it play.
 *
 * @module
 */

/** What has become of them. */
export type OwnNetworkEvent =
  /** The adapter is gone, or is there again. */
  | { readonly type: "adapterLost"; readonly name: string; readonly why: string }
  | { readonly type: "adapterBack"; readonly name: string }
  /** The PC has no way to the relay any more, or has one again. */
  | { readonly type: "networkLost" }
  | { readonly type: "networkBack" }
  /** A network of the player's has the same addresses as the party's LAN; its servers are held. */
  | { readonly type: "sameSubnet"; readonly network: string }
  /** Broadcasts that belong to no network leave by another adapter. */
  | { readonly type: "broadcastElsewhere"; readonly name: string };

/** One line about it. */
export function ownNetworkText(event: OwnNetworkEvent): string {
  switch (event.type) {
    case "adapterLost":
      return `Network adapter ${event.name} is gone (${event.why}): waiting until it is back …`;
    case "adapterBack":
      return `Network adapter ${event.name} is back: you are in the party's LAN again.`;
    case "networkLost":
      return "This PC has no network: is the cable in, or the Wi-Fi on? Back as soon as it has one.";
    case "networkBack":
      return "This PC has its network again.";
    case "sameSubnet":
      return `Your network and the party's LAN have the same addresses (${event.network}). ` +
        "Your router and name servers stay reachable. Other devices at home are not reached while " +
        "you play: give your home network other addresses if you need them.";
    case "broadcastElsewhere":
      return `Games may not find each other: broadcasts leave this PC by ${event.name}. If that is ` +
        "a VPN, switch it off while you play; else choose the automatic metric in its IPv4 settings.";
  }
}
