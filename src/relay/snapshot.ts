/** The relay's state as values: for control messages, log lines and whoever shows it. */
import { tokenName } from "../control/ban_target.ts";
import type { Stats } from "../control/messages.ts";
import type { TrafficSnapshot } from "../observe/counters.ts";
import type { ConnectionId, PeerId } from "../proto/brands.ts";
import { formatMac } from "../proto/mac.ts";
import type { RoomLocks } from "./locks.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";

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

/** A session's identity as the others see it. */
export function introduce(session: Session): PeerIdentity {
  const { peerId, hello } = session;
  const name = hello?.name === undefined ? {} : { name: hello.name };
  return session.isGateway
    ? { peerId, role: "gateway", ...name }
    : { peerId, role: "client", mac: formatMac(session.mac), ...name };
}

/** A session as fields of a log line. */
export function describe(session: Session, room: Room): Record<string, unknown> {
  return {
    room: room.code,
    ...introduce(session),
    address: session.address,
    connection: session.connection,
    token: tokenName(session.resumeToken),
  };
}

/** A session's totals, its queue's drops included. */
export function trafficOf(session: Session): TrafficSnapshot {
  session.queue?.countDrops();
  return session.counters.snapshot();
}

/** A room and everyone in it. */
export function snapshotRoom(room: Room, locks: RoomLocks): RoomSnapshot {
  return {
    room: room.code,
    id: room.id,
    locked: room.lockedByHost || locks.has(room.code, room.key),
    tapMtu: room.tapMtu,
    openedMs: room.openedMs,
    gatewayPresent: room.gateway !== undefined,
    peers: room.peers.map(snapshotPeer),
  };
}

function snapshotPeer(session: Session): PeerSnapshot {
  const agent = session.hello?.agent;
  return {
    identity: introduce(session),
    address: session.address,
    ...(agent === undefined ? {} : { agent }),
    connection: session.connection,
    joinedMs: session.joinedMs,
    rttMs: session.rttMs,
    maxDatagramBytes: session.maxDatagramBytes,
    datagramBudget: session.hello?.datagramBudget ?? 0,
    queuedBytes: session.queue?.queuedBytes ?? 0,
    traffic: trafficOf(session),
    ...(session.lastStats === undefined ? {} : { stats: session.lastStats }),
  };
}
