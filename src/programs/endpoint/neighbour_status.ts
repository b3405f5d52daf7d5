/**
 * What a guard of addresses has seen, with the names of those whom it is about.
 *
 * @module
 */
import { LAN_OWNER, type NeighbourEvent } from "../../filter/neighbour_guard.ts";
import type { Claimant, NeighbourStatus } from "../../observe/neighbour_events.ts";
import type { StatusPeer } from "../../observe/status_peer.ts";
import type { PeerId } from "../../proto/brands.ts";

/**
 * @param peerOf who has a peer id
 * @param self the peer id of this program itself; a gateway's is none that could have an address
 */
export function neighbourStatus(
  event: NeighbourEvent,
  peerOf: (peerId: PeerId) => StatusPeer | undefined,
  self: PeerId | undefined,
): NeighbourStatus {
  const claimant = (peerId: PeerId): Claimant => {
    if (peerId === self) return "self";
    return peerOf(peerId) ?? { peerId, role: "client" };
  };
  switch (event.type) {
    case "addressesFull":
      return event;
    case "tooManyAddresses":
      return { type: event.type, who: claimant(event.owner) };
    case "addressTaken": {
      const { type, owner, mac, address, holder, holderPeerId } = event;
      return {
        ...{ type, mac, address },
        who: owner === LAN_OWNER ? "lan" : claimant(owner),
        holder: holder === "player" ? claimant(holderPeerId) : holder,
      };
    }
  }
}
