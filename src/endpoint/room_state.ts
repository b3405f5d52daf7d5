/**
 * What an endpoint knows of the room it is in: its own place, the other peers, the gateway.
 *
 * @module
 */

import type {
  LeaveReason,
  PeerJoined,
  PeerLeft,
  RelayStats,
  Welcome,
} from "../control/messages.ts";
import type { StatusEvent } from "../observe/status.ts";
import type { EndpointAction, RelayTarget } from "./actions.ts";
import { type PeerIdentity, PeerTable } from "./peers.ts";

/** Who was in the room before us and is back within this time after us is no news. */
export const RETURN_MAX_MS = 60_000;

/** The room of one endpoint, over all its sessions. */
export class RoomState {
  /** The other peers. */
  readonly peers = new PeerTable();
  /** What let us in; undefined while outside. */
  welcome: Welcome | undefined;
  /** Whether the room has a gateway; false while outside. */
  gatewayPresent = false;
  /** Players whose answers as DHCP servers the relay drops, as it tells a gateway. */
  readonly dhcpServers = new Set<number>();
  /** When the room was entered. */
  enteredMs = 0;

  readonly #role: "client" | "gateway";
  readonly #push: (action: EndpointAction) => void;
  /** Stays over sessions, because the TAP does. */
  #tapMtu: number | undefined;
  /** Once is enough, over all sessions. */
  #dhcpServerTold = false;

  /** The room's MTU in bytes; undefined before the first welcome. */
  get tapMtu(): number | undefined {
    return this.#tapMtu;
  }

  /** `push` takes the actions that come up. */
  constructor(role: "client" | "gateway", push: (action: EndpointAction) => void) {
    this.#role = role;
    this.#push = push;
  }

  /** The relay lets us in. */
  enter(welcome: Welcome, relay: RelayTarget, nowMs: number): void {
    const { room, peerId, tapMtu, gatewayPresent } = welcome;
    this.welcome = welcome;
    this.enteredMs = nowMs;
    this.gatewayPresent = gatewayPresent;
    this.#push({ type: "joined", welcome, relay });
    this.#say({ type: "joined", role: this.#role, room, peerId, tapMtu, gatewayPresent });
    this.handleMtu(tapMtu);
  }

  //= PROTOCOL.md 6.9
  //# A client that gets `roomMtu` gives it to its running TAP; to a gateway it says what players have.
  /** The room has this MTU, from now on or as before. */
  handleMtu(tapMtu: number): void {
    const beforeMtu = this.#tapMtu;
    if (tapMtu === beforeMtu) return;
    this.#tapMtu = tapMtu;
    this.#push({ type: "mtu", tapMtu });
    if (beforeMtu !== undefined) this.#say({ type: "mtu", tapMtu, beforeMtu });
  }

  /** We are outside, for whatever reason; `final`: and shall not come back. */
  leave(reason: string, final: boolean): void {
    if (this.welcome === undefined) return;
    this.welcome = undefined;
    this.gatewayPresent = false;
    this.dhcpServers.clear();
    this.peers.sessionEnded();
    this.#push({ type: "left", reason, final });
  }

  /** What the relay did with our frames. */
  handleStats(stats: RelayStats): void {
    const { drops } = stats;
    const dropped = (drops["dhcp-server"] ?? 0) + (drops["dhcpv6-server"] ?? 0);
    if (dropped > 0 && !this.#dhcpServerTold) {
      this.#dhcpServerTold = true;
      this.#say({ type: "ownDhcpServer" });
    }
    for (const peerId of stats.dhcpServers ?? []) {
      const peer = this.peers.get(peerId);
      if (peer === undefined || this.dhcpServers.has(peerId)) continue;
      this.dhcpServers.add(peerId);
      this.#say({ type: "dhcpServer", peer });
    }
  }

  /** Somebody is in the room. */
  handlePeerJoined(message: PeerJoined, nowMs: number): void {
    if (nowMs - this.enteredMs >= RETURN_MAX_MS) this.peers.forgetBefore();
    const peer = identityOf(message);
    const known = this.peers.join(peer);
    this.#push({ type: "peerJoined", peer, known });
    if (peer.role === "gateway") this.#setGateway(true);
    else if (!known) this.#say({ type: "peerJoined", peer });
  }

  /** Somebody is no longer in the room. */
  handlePeerLeft(message: PeerLeft): void {
    const peer = this.peers.leave(identityOf(message));
    this.dhcpServers.delete(peer.peerId);
    const reason: LeaveReason = message.reason;
    this.#push({ type: "peerLeft", peer, reason });
    if (peer.role === "gateway") this.#setGateway(this.peers.hasGateway);
    else this.#say({ type: "peerLeft", peer, reason });
  }

  #setGateway(present: boolean): void {
    if (this.gatewayPresent === present) return;
    this.gatewayPresent = present;
    this.#say({ type: "gateway", present });
  }

  #say(event: StatusEvent): void {
    this.#push({ type: "status", event });
  }
}

function identityOf(message: PeerJoined | PeerLeft): PeerIdentity {
  const { peerId, role, name } = message;
  return {
    peerId,
    role,
    ...(message.role === "client" ? { mac: message.mac } : {}),
    ...(name === undefined ? {} : { name }),
  };
}
