/**
 * What people are told of addresses that somebody claims and another has.
 *
 * @module
 */
import type { StatusPeer } from "./status_peer.ts";

/** Who claims an address, or has it: a player, this PC itself, or whoever is in the LAN. */
export type Claimant = StatusPeer | "self" | "lan" | "server";

/** Something about addresses. */
export type NeighbourStatus =
  | {
    readonly type: "addressTaken";
    readonly who: Claimant;
    /** The MAC that is said to have the address. */
    readonly mac: string;
    readonly address: string;
    readonly holder: Claimant;
  }
  /** More addresses are in use than are remembered. */
  | { readonly type: "addressesFull" }
  /** A player claims more addresses than one may have. */
  | { readonly type: "tooManyAddresses"; readonly who: Claimant };

const TYPES: readonly string[] = ["addressTaken", "addressesFull", "tooManyAddresses"];

/** Whether an event is of these; all are warnings. */
export function isNeighbourStatus(event: { readonly type: string }): event is NeighbourStatus {
  return TYPES.includes(event.type);
}

/** What is said of an event. */
export function neighbourText(
  event: NeighbourStatus,
  describePeer: (peer: StatusPeer) => string,
): string {
  switch (event.type) {
    case "addressesFull":
      return "More addresses are in use than this program remembers: not all of them are guarded " +
        "against players who take others'.";
    case "tooManyAddresses":
      return `${
        nameOf(event.who, "", describePeer)
      } uses too many addresses at a time: what it says ` +
        "of further ones is dropped.";
    case "addressTaken":
      return `${
        nameOf(event.who, event.mac, describePeer)
      } uses the address ${event.address}, which ` +
        `${holderText(event.holder, describePeer)}: ${consequence(event.who)}`;
  }
}

function nameOf(who: Claimant, mac: string, describePeer: (peer: StatusPeer) => string): string {
  if (who === "self") return "This PC";
  return typeof who === "string" ? `A station of the LAN (${mac})` : describePeer(who);
}

function holderText(holder: Claimant, describePeer: (peer: StatusPeer) => string): string {
  switch (holder) {
    case "self":
      return "this PC has";
    case "lan":
      return "a station of the LAN has";
    case "server":
      return "is that of the LAN's router or DHCP server";
    default:
      return `${describePeer(holder)} has`;
  }
}

function consequence(who: Claimant): string {
  return who === "self"
    ? "give another one with --address, or leave it to the LAN's DHCP server."
    : "what it says of that is dropped.";
}
