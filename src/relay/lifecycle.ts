/** How sessions join, leave and end, and the control messages by which everyone learns of it. */
import { base64Url } from "../control/base64url.ts";
import { encodeMessage } from "../control/framing.ts";
import {
  DHCP_SERVERS_REPORTED_MAX,
  type Disconnect,
  DISCONNECT_ERROR_CODES,
  type DisconnectCode,
  ErrorCode,
  type Hello,
  type LeaveReason,
  type RelayMessage,
} from "../control/messages.ts";
import type { FrameLog } from "../observe/frame_log.ts";
import { NO_PEER, type PeerId } from "../proto/brands.ts";
import { PROTOCOL_VERSION } from "../proto/datagram.ts";
import { formatMac, parseMac } from "../proto/mac.ts";
import { tapMtuFor } from "../proto/mtu.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { QueueArena } from "../queue/fair_queue.ts";
import type { Outbox } from "./actions.ts";
import { type AdmissionContext, type Decision, reject } from "./admission.ts";
import type { Deadlines } from "./deadlines.ts";
import {
  CONTROL_UNSENT_BYTES,
  CONTROL_UNSENT_PEER_BYTES,
  END_GRACE_MS,
  RETRY_AFTER_MS,
  STATS_INTERVAL_MS,
  STATS_UNSENT_BYTES_MAX,
} from "./limits.ts";
import { OutboundQueue } from "./outbound.ts";
import { BucketSizes, GATEWAY_SHARE, PeerBuckets } from "./peer_limits.ts";
import { knownCode, sharedFeatures } from "./removal.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";
import { describe, introduce, trafficOf } from "./snapshot.ts";
import type { RelayTallies } from "./tallies.ts";

/** Bytes of a resume token before base64url: 192 bits. */
const RESUME_TOKEN_BYTES = 24;

/** What the others in the room are told of each `disconnect` of ours. */
const LEAVE_REASONS: Readonly<Record<DisconnectCode, LeaveReason>> = {
  "bye": "bye",
  "protocol-error": "error",
  "malformed-limit": "error",
  "hello-timeout": "error",
  "kicked": "kicked",
  "room-closed": "kicked",
  "replaced": "replaced",
  "relay-restarting": "lost",
};

/** What the relay's parts share. */
export interface RelayState extends AdmissionContext {
  readonly outbox: Outbox;
  readonly pool: BufferPool;
  readonly arena: QueueArena;
  readonly random: (count: number) => Uint8Array;
  readonly frameLog: FrameLog;
  readonly tallies: RelayTallies;
  peersCount: number;
  draining: boolean;
  /** What `handleTimer` has to do, and when. */
  readonly deadlines: Deadlines;
}

/** Carries out what admission, the peers and the shell decide about sessions. */
export class Lifecycle {
  private readonly controlUnsentMax: number;
  private readonly clientBuckets: BucketSizes;
  private readonly gatewayBuckets: BucketSizes;

  constructor(private readonly state: RelayState) {
    this.clientBuckets = new BucketSizes(state.options.peerLimits, 1);
    this.gatewayBuckets = new BucketSizes(state.options.peerLimits, GATEWAY_SHARE);
    this.controlUnsentMax = CONTROL_UNSENT_BYTES +
      CONTROL_UNSENT_PEER_BYTES * state.options.peersPerRoomMax;
  }

  /** Brings a session into its room, opening the room where there is none. */
  join(
    session: Session,
    hello: Hello,
    decision: Extract<Decision, { kind: "join" }>,
    nowMs: number,
  ): void {
    const { state } = this;
    for (const peer of [...decision.givesWay?.peers ?? []]) {
      const text = "The relay is full, and nobody plays in this room.";
      const retryAfterMs = RETRY_AFTER_MS["relay-full"];
      this.disconnect(peer, "room-closed", text, nowMs, { retryAfterMs });
    }
    const room = decision.room ?? state.rooms.open(
      decision.key,
      hello.room,
      tapMtuFor(hello.datagramBudget, session.maxDatagramBytes, state.options.maxTapMtu),
      nowMs,
      { addressKey: session.addressKey, siteKey: session.siteKey },
    );
    const peerId = room.ids.take(nowMs);
    if (peerId === NO_PEER) {
      if (room.peers.length === 0) state.rooms.close(room, nowMs);
      return this.refuse(session, reject("room-full", "All peer ids are at rest."), nowMs);
    }
    if (decision.room === undefined) {
      state.outbox.log("info", "Room opened", { room: room.code, tapMtu: room.tapMtu });
    }
    if (decision.replaces !== undefined) {
      room.held = true;
      this.disconnect(decision.replaces, "replaced", "You have joined from elsewhere.", nowMs);
      room.held = false;
    }
    this.prepare(session, hello, peerId, nowMs);
    session.priorToken = decision.knownBy;
    if (hello.role === "client") state.reservations.release(room.key, hello.mac);
    room.add(session);
    state.peersCount++;
    state.addresses.entered(session, nowMs);
    state.tallies.joins++;
    this.greet(session, room, nowMs);
  }

  private prepare(session: Session, hello: Hello, peerId: PeerId, nowMs: number): void {
    const { options, arena, pool, random, frameLog } = this.state;
    session.hello = hello;
    session.limitDatagrams();
    session.peerId = peerId;
    session.isGateway = hello.role === "gateway";
    if (hello.role === "client") session.mac.set(parseMac(hello.mac)!);
    session.resumeToken = base64Url(random(RESUME_TOKEN_BYTES));
    session.joinedMs = nowMs;
    session.statsDueMs = nowMs + STATS_INTERVAL_MS;
    const sizes = session.isGateway ? this.gatewayBuckets : this.clientBuckets;
    session.buckets = new PeerBuckets(sizes, nowMs);
    session.queue = new OutboundQueue(arena, pool, {
      bytesMax: options.queueBytesMax,
      sojournMaxMs: options.queueSojournMaxMs,
      counters: session.counters,
      frameLog,
      room: hello.room,
    });
    session.state = "joined";
    session.joined = true;
    session.deadlineMs = Infinity;
    this.schedule(session);
  }

  /** The welcome, then everyone who is there, then the news to everyone. */
  private greet(session: Session, room: Room, nowMs: number): void {
    this.send(session, {
      type: "welcome",
      protocol: PROTOCOL_VERSION,
      peerId: session.peerId,
      room: room.code,
      tapMtu: room.tapMtu,
      gatewayPresent: room.gateway !== undefined,
      relayTime: Math.round(this.state.timeOriginMs + nowMs),
      resume: session.resumeToken,
      ...(session.hello?.features === undefined
        ? {}
        : { features: [...sharedFeatures(session.hello)] }),
    }, nowMs);
    session.welcomeUnsentBytes = session.controlUnsentBytes;
    const joined = { ...introduce(session), type: "peerJoined" } as const;
    for (const peer of room.peers) {
      if (peer === session) continue;
      this.send(session, { ...introduce(peer), type: "peerJoined" }, nowMs);
      this.send(peer, joined, nowMs);
    }
    this.state.outbox.log("info", "Peer joined", describe(session, room));
  }

  /** Answers a hello with `reject` or `redirect`, and ends the session. */
  refuse(
    session: Session,
    decision: Extract<Decision, { kind: "reject" | "redirect" }>,
    nowMs: number,
  ): void {
    const log = { address: session.address, connection: session.connection };
    if (decision.kind === "redirect") {
      this.state.tallies.redirects++;
      this.state.outbox.log("info", "Peer redirected", { ...log, relay: decision.target.relay });
      this.send(session, { type: "redirect", ...decision.target }, nowMs);
    } else {
      const { kind: _kind, keyFailed: _failed, code, ...rest } = decision;
      this.state.tallies.rejects[code]++;
      // A flood must not flood the log as well.
      const level = code === "rate-limited" ? "debug" : "info";
      this.state.outbox.log(level, "Peer rejected", { ...log, code });
      this.send(session, {
        type: "reject",
        code: knownCode(session.hello, code),
        ...rest,
      }, nowMs);
    }
    this.end(session, ErrorCode.rejected, nowMs);
  }

  /** Ends a session with a `disconnect`, whatever its state. `more`: its fields beside these. */
  disconnect(
    session: Session,
    code: DisconnectCode,
    message: string,
    nowMs: number,
    more: Pick<Disconnect, "retryAfterMs" | "by" | "forMs"> = {},
  ): void {
    this.state.tallies.disconnects[code]++;
    this.leave(session, LEAVE_REASONS[code], nowMs);
    this.state.outbox.log("info", "Session ended by the relay", {
      address: session.address,
      connection: session.connection,
      code,
    });
    this.send(session, { type: "disconnect", code, message, ...more }, nowMs);
    this.end(session, DISCONNECT_ERROR_CODES[code], nowMs);
  }

  /** The endpoint has said that it goes: the connection is closed at once. */
  handleFarewell(session: Session, code: DisconnectCode, nowMs: number): void {
    this.leave(session, code === "bye" ? "bye" : "error", nowMs);
    this.close(session, DISCONNECT_ERROR_CODES[code]);
  }

  /** Ends a session that nothing can be told any more. */
  abort(session: Session, errorCode: number, reason: LeaveReason, nowMs: number): void {
    this.leave(session, reason, nowMs);
    this.close(session, errorCode);
  }

  /** The last message is on its way: FIN, then a second for the peer to close. */
  private end(session: Session, errorCode: number, nowMs: number): void {
    if (!session.streamOpen || session.unread) return this.close(session, errorCode);
    this.state.outbox.push({ type: "finish", connection: session.connection });
    session.state = "ending";
    session.endErrorCode = errorCode;
    session.deadlineMs = nowMs + END_GRACE_MS;
    this.schedule(session);
  }

  /** Tells the shell to close the connection. */
  close(session: Session, errorCode: number): void {
    this.state.outbox.push({ type: "close", connection: session.connection, errorCode });
    session.state = "closing";
    session.deadlineMs = Infinity;
  }

  /** Takes a session out of its room, if it is in one, and tells the others. */
  leave(session: Session, reason: LeaveReason, nowMs: number): void {
    session.joined = false;
    session.statsDueMs = Infinity;
    const room = session.room;
    if (room === undefined) return;
    const queue = session.queue!;
    queue.abandon(nowMs);
    room.remove(session, nowMs);
    this.keepPlace(session, room, reason, nowMs);
    this.state.peersCount--;
    this.state.addresses.gone(session);
    this.state.outbox.log("info", "Peer left", { ...describe(session, room), reason });
    if (!room.closing) {
      const left = { ...introduce(session), type: "peerLeft", reason } as const;
      for (const peer of room.peers) this.send(peer, left, nowMs);
    }
    if (room.peers.length === 0 && !room.held) {
      this.state.rooms.close(room, nowMs);
      this.state.outbox.log("info", "Room closed", { room: room.code });
    }
  }

  /** A player's MAC stays theirs for a while; where anybody can be the gateway, its rules go with it. */
  private keepPlace(session: Session, room: Room, reason: LeaveReason, nowMs: number): void {
    const { state } = this;
    if (session.isGateway) {
      if (reason === "replaced" || state.policy.provesHost) return;
      room.lockedByHost = false;
      for (const { id } of state.bans.ofRoom(room.key)) state.bans.remove(id);
      return;
    }
    if (reason === "replaced") return;
    const { resumeToken, priorToken, siteKey } = session;
    // Whom the welcome has never reached may have no token to come back with: a `bye` does not show that it
    // did, since who is ended while it waits for the welcome says it, too.
    const isSure = priorToken !== undefined || session.welcomeUnsentBytes <= 0 ||
      session.lastStats !== undefined || session.counters.datagramsReceived > 0;
    if (!isSure) return;
    const tokens = priorToken === undefined ? [resumeToken] : [resumeToken, priorToken];
    state.reservations.keep(room.key, formatMac(session.mac), { tokens, siteKey }, nowMs);
  }

  /** Sends the relay's own view of a peer's traffic, unless the peer is slow to read. */
  sendStats(session: Session, nowMs: number): void {
    session.statsDueMs = Math.max(session.statsDueMs + STATS_INTERVAL_MS, nowMs + 1);
    if (session.controlUnsentBytes > STATS_UNSENT_BYTES_MAX) return;
    this.send(session, {
      type: "stats",
      ...trafficOf(session),
      rttUs: Math.round(session.rttMs * 1_000),
      uptimeMs: Math.round(nowMs - session.joinedMs),
      ...dhcpServersFor(session),
    }, nowMs);
    this.schedule(session);
  }

  /**
   * Queues a control message.
   *
   * A peer that does not read makes messages pile up in the transport; at the bound nothing more is
   * sent to it, and the timer closes its connection (not here: the caller may be walking the room).
   */
  send(session: Session, message: RelayMessage, nowMs: number): void {
    if (!session.streamOpen || session.unread) return;
    const bytes = encodeMessage(message);
    if (session.controlUnsentBytes + bytes.length > this.controlUnsentMax) {
      session.unread = true;
      session.deadlineMs = nowMs;
      this.schedule(session);
      return;
    }
    session.controlUnsentBytes += bytes.length;
    this.state.outbox.push({ type: "send", connection: session.connection, bytes });
  }

  /** Makes sure that the timer comes in time for a session. */
  schedule(session: Session): void {
    this.state.deadlines.schedule(session);
  }
}

/** For the party's gateway: the players whose answers as DHCP servers were dropped. */
function dhcpServersFor({ hello, room }: Session): { dhcpServers?: PeerId[] } {
  if (hello?.role !== "gateway" || room === undefined) return {};
  const servers = room.peers.filter(({ dhcpServerTold }) => dhcpServerTold);
  if (servers.length === 0) return {};
  return { dhcpServers: servers.slice(0, DHCP_SERVERS_REPORTED_MAX).map(({ peerId }) => peerId) };
}
