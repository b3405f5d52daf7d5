/**
 * What a session is in a room: there from its welcome until it leaves, and for one room alone.
 *
 * @module
 */
import type { Hello, Stats } from "../control/messages.ts";
import type { TrafficCounters } from "../observe/counters.ts";
import type { PeerId } from "../proto/brands.ts";
import { RELAY_FRAME_ID_MIN } from "../proto/datagram.ts";
import { MAC_BYTES, parseMac } from "../proto/mac.ts";
import { EventMeter, MALFORMED_MAX, MALFORMED_WINDOW_MS, STATS_INTERVAL_MS } from "./limits.ts";
import type { OutboundQueue } from "./outbound.ts";
import type { PeerBuckets } from "./peer_limits.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";
import type { Share } from "./shares.ts";

/** What a membership is made of. */
export interface MembershipParts {
  readonly session: Session;
  readonly hello: Hello;
  readonly room: Room;
  readonly peerId: PeerId;
  /** The token that lets a later hello replace this one. */
  readonly resumeToken: string;
  /** The token by which it has shown that it was here before, if it has. */
  readonly priorToken: string | undefined;
  /** What it may still send. */
  readonly buckets: PeerBuckets;
  /** What may be delivered for all peers of its address, or site. */
  readonly addressShare: Share;
  /** Frames that wait for it. */
  readonly queue: OutboundQueue;
}

/** A peer of a room. Mutable by the relay's own modules only; everything outside gets snapshots. */
export class Membership implements MembershipParts {
  readonly session: Session;
  readonly hello: Hello;
  readonly room: Room;
  readonly peerId: PeerId;
  readonly isGateway: boolean;
  /** A client's MAC; zeros for a gateway. */
  readonly mac: Uint8Array;
  readonly resumeToken: string;
  readonly priorToken: string | undefined;
  readonly buckets: PeerBuckets;
  addressShare: Share;
  readonly queue: OutboundQueue;
  /** Those of its session. */
  readonly counters: TrafficCounters;
  /** The largest datagram that it can send and wants to get, bytes: its hello's, or what it has said since. */
  datagramBudget: number;
  /** The largest datagram that it is sent, bytes: what the connection carries, and no more than its budget. */
  sendBytesMax = 0;
  /** Control bytes up to the end of its welcome that are not acknowledged yet. */
  welcomeUnsentBytes = Infinity;
  /** Its DHCP server was told of. */
  dhcpServerTold = false;
  readonly malformedMeter = new EventMeter(MALFORMED_MAX, MALFORMED_WINDOW_MS);
  /** The next with something queued: see `ReadyList`. */
  nextReady: Membership | undefined;
  ready = false;
  /** The frame id of the last of its frames that the relay had to split. */
  frameId = RELAY_FRAME_ID_MIN;
  statsDueMs: number;
  lastStats: Stats | undefined;

  constructor(parts: MembershipParts, readonly joinedMs: number) {
    const { session, hello } = parts;
    this.session = session;
    this.hello = hello;
    this.room = parts.room;
    this.peerId = parts.peerId;
    this.isGateway = hello.role === "gateway";
    this.mac = (hello.role === "client" ? parseMac(hello.mac) : undefined) ??
      new Uint8Array(MAC_BYTES);
    this.resumeToken = parts.resumeToken;
    this.priorToken = parts.priorToken;
    this.buckets = parts.buckets;
    this.addressShare = parts.addressShare;
    this.queue = parts.queue;
    this.counters = session.counters;
    this.statsDueMs = joinedMs + STATS_INTERVAL_MS;
    this.datagramBudget = hello.datagramBudget;
    this.limitDatagrams();
  }

  /** To be called when its connection's maximum, or its budget, has changed. */
  limitDatagrams(): void {
    //= PROTOCOL.md 10
    //# The relay sends it nothing longer either, whatever its own maximum towards the endpoint.
    this.sendBytesMax = Math.min(this.session.maxDatagramBytes, this.datagramBudget);
  }
}
