/**
 * The relay's state as values: for control messages, log lines and whoever shows it.
 *
 * @module
 */
import { tokenName } from "../control/ban_target.ts";
import type { Stats } from "../control/messages.ts";
import type { TrafficSnapshot } from "../observe/counters.ts";
import type { ConnectionId, PeerId } from "../proto/brands.ts";
import { formatMac } from "../proto/mac.ts";
import type { RoomLocks } from "./locks.ts";
import type { Membership } from "./membership.ts";
import type { Room } from "./room.ts";

/** What the others in a room are told of a peer. */
export type PeerIdentity =
  | { readonly peerId: PeerId; readonly role: "client"; readonly mac: string; name?: string }
  | { readonly peerId: PeerId; readonly role: "gateway"; name?: string };

/** One peer, for pages and the administrator. */
export interface PeerSnapshot {
  readonly identity: PeerIdentity;
  readonly address: string;
  readonly agent?: string;
  readonly connection: ConnectionId;
  readonly joinedMs: number;
  readonly rttMs: number;
  readonly maxDatagramBytes: number;
  readonly datagramBudget: number;
  readonly queuedBytes: number;
  readonly traffic: TrafficSnapshot;
  /** The last that the peer said of itself. */
  readonly stats?: Stats;
}

/** One room, for pages and the administrator. */
export interface RoomSnapshot {
  readonly room: string;
  /** Tells it from other rooms of this relay with the same code: the code, or the code and a suffix. */
  readonly id: string;
  /** Whether nobody new is let in. */
  readonly locked: boolean;
  readonly tapMtu: number;
  readonly openedMs: number;
  readonly gatewayPresent: boolean;
  readonly peers: readonly PeerSnapshot[];
}

/** A peer's identity as the others see it. */
export function introduce({ peerId, hello, isGateway, mac }: Membership): PeerIdentity {
  const name = hello.name === undefined ? {} : { name: hello.name };
  return isGateway
    ? { peerId, role: "gateway", ...name }
    : { peerId, role: "client", mac: formatMac(mac), ...name };
}

/** A peer as fields of a log line. */
export function describe(peer: Membership): Record<string, unknown> {
  const { room, session, resumeToken } = peer;
  return {
    room: room.code,
    ...introduce(peer),
    address: session.address,
    connection: session.connection,
    token: tokenName(resumeToken),
  };
}

/** A peer's totals, its queue's drops included. */
export function trafficOf({ counters, queue }: Membership): TrafficSnapshot {
  queue.countDrops();
  return counters.snapshot();
}

/** A room and everyone in it. */
export function snapshotRoom(room: Room, locks: RoomLocks): RoomSnapshot {
  return {
    room: room.code,
    id: room.id,
    locked: room.lockedByHost || locks.has(room.code, room.key),
    tapMtu: room.mtu.tapMtu,
    openedMs: room.openedMs,
    gatewayPresent: room.gateway !== undefined,
    peers: room.peers.map(snapshotPeer),
  };
}

function snapshotPeer(peer: Membership): PeerSnapshot {
  const { session, hello: { agent }, datagramBudget, lastStats } = peer;
  return {
    identity: introduce(peer),
    address: session.address,
    ...(agent === undefined ? {} : { agent }),
    connection: session.connection,
    joinedMs: peer.joinedMs,
    rttMs: session.rttMs,
    maxDatagramBytes: session.maxDatagramBytes,
    datagramBudget,
    queuedBytes: peer.queue.queuedBytes,
    traffic: trafficOf(peer),
    ...(lastStats === undefined ? {} : { stats: lastStats }),
  };
}
