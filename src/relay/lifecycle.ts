/**
 * How sessions join, leave and end, and the control messages by which everyone learns of it.
 *
 * @module
 */
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
import { NO_PEER, type PeerId } from "../proto/brands.ts";
import { PROTOCOL_VERSION } from "../proto/datagram.ts";
import { formatMac } from "../proto/mac.ts";
import { tapMtuFor } from "../proto/mtu.ts";
import { type Decision, type Join, reject } from "./admission.ts";
import {
  CONTROL_UNSENT_BYTES,
  CONTROL_UNSENT_PEER_BYTES,
  END_GRACE_MS,
  RETRY_AFTER_MS,
  STATS_INTERVAL_MS,
  STATS_UNSENT_BYTES_MAX,
} from "./limits.ts";
import { Membership, type MembershipParts } from "./membership.ts";
import { OutboundQueue } from "./outbound.ts";
import { BucketSizes, GATEWAY_SHARE, PeerBuckets } from "./peer_limits.ts";
import { knownCode, sharedFeatures } from "./removal.ts";
import type { Session } from "./session.ts";
import { describe, introduce, trafficOf } from "./snapshot.ts";
import type { RelayState } from "./state.ts";

/** Bytes of a resume token before base64url: 192 bits. */
const RESUME_TOKEN_BYTES = 24;

//= PROTOCOL.md 5.3
//# | 2 | protocol error | `protocol-error`, `malformed-limit`, `hello-timeout` | `error` | […] | 4
//# | shutting down | `relay-restarting` | `lost` |
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

/** Carries out what admission, the peers and the shell decide about sessions. */
export class Lifecycle {
  readonly #controlUnsentMax: number;
  readonly #clientBuckets: BucketSizes;
  readonly #gatewayBuckets: BucketSizes;
  readonly #state: RelayState;

  constructor(state: RelayState) {
    this.#state = state;
    this.#clientBuckets = new BucketSizes(state.options.peerLimits, 1);
    this.#gatewayBuckets = new BucketSizes(state.options.peerLimits, GATEWAY_SHARE);
    this.#controlUnsentMax = CONTROL_UNSENT_BYTES +
      CONTROL_UNSENT_PEER_BYTES * state.options.peersPerRoomMax;
  }

  /** Brings a session into its room, opening the room where there is none. */
  join(session: Session, hello: Hello, decision: Join, nowMs: number): void {
    const state = this.#state;
    for (const peer of [...decision.givesWay?.peers ?? []]) {
      const message = "The relay is full, and nobody plays in this room.";
      const retryAfterMs = RETRY_AFTER_MS["relay-full"];
      this.disconnect(peer.session, { code: "room-closed", message, retryAfterMs }, nowMs);
    }
    const room = decision.room ?? state.rooms.open({
      key: decision.key,
      code: hello.room,
      tapMtu: this.#firstMtu(session, hello),
      opener: { addressKey: session.addressKey, siteKey: session.siteKey },
    }, nowMs);
    const peerId = room.ids.take(nowMs);
    if (peerId === NO_PEER) {
      if (room.peers.length === 0) state.rooms.close(room, nowMs);
      return this.refuse(session, reject("room-full", "All peer ids are at rest."), nowMs);
    }
    if (decision.room === undefined) {
      state.outbox.log("info", "Room opened", {
        room: room.code,
        tapMtu: room.mtu.tapMtu,
      });
    }
    if (decision.replaces !== undefined) {
      room.held = true;
      const message = "You have joined from elsewhere.";
      this.disconnect(decision.replaces.session, { code: "replaced", message }, nowMs);
      room.held = false;
    }
    const priorToken = decision.knownBy;
    const peer = this.#enter(session, { hello, room, peerId, priorToken }, nowMs);
    if (hello.role === "client") state.reservations.release(room.key, hello.mac);
    room.add(peer);
    state.peersCount++;
    state.tallies.joins++;
    this.#greet(peer, nowMs);
  }

  /** The MTU of a room that this hello opens. */
  #firstMtu(session: Session, hello: Hello): number {
    const { maxTapMtu } = this.#state.options;
    //= PROTOCOL.md 10
    //# A room that a player opens has `max-tap-mtu`.
    return hello.role === "client"
      ? maxTapMtu
      : tapMtuFor(hello.datagramBudget, session.maxDatagramBytes, maxTapMtu);
  }

  /** From now on the session is a peer. */
  #enter(
    session: Session,
    who: Pick<MembershipParts, "hello" | "room" | "peerId" | "priorToken">,
    nowMs: number,
  ): Membership {
    const { addresses, options, arena, pool, random, frameLog } = this.#state;
    const { hello, room, peerId } = who;
    const sizes = hello.role === "gateway" ? this.#gatewayBuckets : this.#clientBuckets;
    const peer = new Membership({
      ...who,
      session,
      //= PROTOCOL.md 7.4
      //# Each welcome brings a new token, at least 128 random bits.
      resumeToken: base64Url(random(RESUME_TOKEN_BYTES)),
      buckets: new PeerBuckets(sizes, nowMs),
      addressShare: addresses.entered(session, nowMs),
      queue: new OutboundQueue(arena, pool, {
        bytesMax: options.queueBytesMax,
        sojournMaxMs: options.queueSojournMaxMs,
        counters: session.counters,
        frameLog,
        room: room.code,
      }),
    }, nowMs);
    session.membership = peer;
    session.peerId = peerId;
    session.state = "joined";
    session.deadlineMs = Infinity;
    this.schedule(session);
    return peer;
  }

  //= PROTOCOL.md 7.2
  //# In this order: the session that is replaced (if any) gets `disconnect` `replaced`; the others
  //# get its `peerLeft` `replaced`; the newcomer gets `welcome` and then a `peerJoined` for each
  //# peer in the room; the others get the newcomer's `peerJoined`.
  /** The welcome, then everyone who is there, then the news to everyone. */
  #greet(peer: Membership, nowMs: number): void {
    const { session, room, hello } = peer;
    this.send(session, {
      type: "welcome",
      protocol: PROTOCOL_VERSION,
      peerId: peer.peerId,
      room: room.code,
      tapMtu: room.mtu.tapMtu,
      //= PROTOCOL.md 6.2
      //# | **`gatewayPresent`** | boolean | whether the room has a gateway; true for a gateway
      //# itself
      gatewayPresent: room.gateway !== undefined,
      relayTime: Math.round(this.#state.timeOriginMs + nowMs),
      resume: peer.resumeToken,
      //= PROTOCOL.md 6.2
      //# | `features` | list of text | those of the hello's that the relay has, too; absent where
      //# the hello had no list
      ...(hello.features === undefined ? {} : { features: [...sharedFeatures(hello)] }),
    }, nowMs);
    peer.welcomeUnsentBytes = session.controlUnsentBytes;
    const joined = { ...introduce(peer), type: "peerJoined" } as const;
    for (const other of room.peers) {
      if (other === peer) continue;
      this.send(session, { ...introduce(other), type: "peerJoined" }, nowMs);
      this.send(other.session, joined, nowMs);
    }
    this.#state.outbox.log("info", "Peer joined", describe(peer));
  }

  /** Answers a hello with `reject` or `redirect`, and ends the session. */
  refuse(
    session: Session,
    decision: Extract<Decision, { kind: "reject" | "redirect" }>,
    nowMs: number,
  ): void {
    const log = { address: session.address, connection: session.connection };
    if (decision.kind === "redirect") {
      this.#state.tallies.redirects++;
      this.#state.outbox.log("info", "Peer redirected", { ...log, relay: decision.target.relay });
      this.send(session, { type: "redirect", ...decision.target }, nowMs);
    } else {
      const { kind: _kind, keyFailed: _failed, code, ...rest } = decision;
      this.#state.tallies.rejects[code]++;
      // A flood must not flood the log as well.
      const level = code === "rate-limited" ? "debug" : "info";
      this.#state.outbox.log(level, "Peer rejected", { ...log, code });
      this.send(session, {
        type: "reject",
        code: knownCode(session.hello, code),
        ...rest,
      }, nowMs);
    }
    this.#end(session, ErrorCode.rejected, nowMs);
  }

  /** Ends a session with a `disconnect`, whatever its state. */
  disconnect(session: Session, why: Omit<Disconnect, "type">, nowMs: number): void {
    const { code } = why;
    this.#state.tallies.disconnects[code]++;
    this.leave(session, LEAVE_REASONS[code], nowMs);
    this.#state.outbox.log("info", "Session ended by the relay", {
      address: session.address,
      connection: session.connection,
      code,
    });
    this.send(session, { type: "disconnect", ...why }, nowMs);
    this.#end(session, DISCONNECT_ERROR_CODES[code], nowMs);
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
  #end(session: Session, errorCode: number, nowMs: number): void {
    //= PROTOCOL.md 5.2
    //# If the endpoint has not even opened its stream, there is nothing to say it on: the
    //# connection is closed with code 2.
    if (!session.streamOpen || session.unread) return this.close(session, errorCode);
    //= PROTOCOL.md 5.3
    //# Who ends a session sends `reject`, `redirect` or `disconnect` as its last message, finishes
    //# its side of the stream (FIN), waits until the other side closes the connection, or 1 s, and
    //# then closes it with the application error code below.
    this.#state.outbox.push({ type: "finish", connection: session.connection });
    session.state = "ending";
    session.endErrorCode = errorCode;
    session.deadlineMs = nowMs + END_GRACE_MS;
    this.schedule(session);
  }

  /** Tells the shell to close the connection. */
  close(session: Session, errorCode: number): void {
    this.#state.outbox.push({ type: "close", connection: session.connection, errorCode });
    session.state = "closing";
    session.deadlineMs = Infinity;
  }

  /** Takes a session out of its room, if it is in one, and tells the others. */
  leave(session: Session, reason: LeaveReason, nowMs: number): void {
    const peer = session.membership;
    if (peer === undefined) return;
    session.membership = undefined;
    const { room, queue } = peer;
    queue.abandon(nowMs);
    queue.countDrops();
    room.remove(peer, nowMs);
    this.#keepPlace(peer, reason, nowMs);
    this.#state.peersCount--;
    this.#state.addresses.gone(session);
    this.#state.outbox.log("info", "Peer left", { ...describe(peer), reason });
    if (!room.closing) {
      const left = { ...introduce(peer), type: "peerLeft", reason } as const;
      for (const other of room.peers) this.send(other.session, left, nowMs);
    }
    //= PROTOCOL.md 5.3
    //# A room without peers is gone.
    if (room.peers.length === 0 && !room.held) {
      this.#state.rooms.close(room, nowMs);
      this.#state.outbox.log("info", "Room closed", { room: room.code });
    }
  }

  /** A player's MAC stays theirs for a while; where anybody can be the gateway, its rules go with it. */
  #keepPlace(peer: Membership, reason: LeaveReason, nowMs: number): void {
    const state = this.#state;
    const { room } = peer;
    if (peer.isGateway) {
      if (reason === "replaced" || state.policy.provesHost) return;
      //= PROTOCOL.md 6.7
      //# Where a relay asks for no keys, nobody can show that they are the host: lock and bans end
      //# there when the gateway leaves.
      room.lockedByHost = false;
      for (const { id } of state.bans.ofRoom(room.key)) state.bans.remove(id);
      return;
    }
    if (reason === "replaced") return;
    const { resumeToken, priorToken, session: { siteKey } } = peer;
    // Whom the welcome has never reached may have no token to come back with: a `bye` does not show that it
    // did, since who is ended while it waits for the welcome says it, too.
    //= PROTOCOL.md 7.5
    //# Nothing is kept for a session that ended before its endpoint's transport had acknowledged
    //# the welcome, or before `stats` or a datagram showed that it had come; `bye` alone does not,
    //# since an endpoint may leave while it waits for the welcome.
    const isSure = priorToken !== undefined || peer.welcomeUnsentBytes <= 0 ||
      peer.lastStats !== undefined || peer.counters.datagramsReceived > 0;
    if (!isSure) return;
    const tokens = priorToken === undefined ? [resumeToken] : [resumeToken, priorToken];
    state.reservations.keep(room.key, formatMac(peer.mac), { tokens, siteKey }, nowMs);
  }

  /** Sends the relay's own view of a peer's traffic, unless the peer is slow to read. */
  sendStats(peer: Membership, nowMs: number): void {
    const { session } = peer;
    //= PROTOCOL.md 6.5
    //# Every 10 s, from the welcome on.
    //= PROTOCOL.md 6.5
    //# An endpoint's are its own view; the relay's are what it did with the frames of this peer
    //# (*received* from it, *sent* to it), and its drops.
    peer.statsDueMs = Math.max(peer.statsDueMs + STATS_INTERVAL_MS, nowMs + 1);
    if (session.controlUnsentBytes > STATS_UNSENT_BYTES_MAX) return;
    this.send(session, {
      type: "stats",
      ...trafficOf(peer),
      rttUs: Math.round(session.rttMs * 1_000),
      uptimeMs: Math.round(nowMs - peer.joinedMs),
      ...dhcpServersFor(peer),
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
    //= PROTOCOL.md 5.3
    //# A relay bounds the control bytes that wait for an endpoint that does not read them (this
    //# project: 65,536 and 1,024 for each peer that a room may have), and closes its connection
    //# with code 2, without a message.
    if (session.controlUnsentBytes + bytes.length > this.#controlUnsentMax) {
      session.unread = true;
      session.deadlineMs = nowMs;
      this.schedule(session);
      return;
    }
    session.controlUnsentBytes += bytes.length;
    this.#state.outbox.push({ type: "send", connection: session.connection, bytes });
  }

  /** Makes sure that the timer comes in time for a session. */
  schedule(session: Session): void {
    this.#state.deadlines.schedule(session);
  }
}

/** For the party's gateway: the players whose answers as DHCP servers were dropped. */
function dhcpServersFor({ isGateway, room }: Membership): { dhcpServers?: PeerId[] } {
  if (!isGateway) return {};
  const servers = room.peers.filter(({ dhcpServerTold }) => dhcpServerTold);
  if (servers.length === 0) return {};
  //= PROTOCOL.md 6.5
  //# | `dhcpServers` | list of integers | the relay's to a gateway only: `peerId`s of players of
  //# the room whose answers as DHCP or DHCPv6 servers it has dropped; readers keep 64 at most
  return { dhcpServers: servers.slice(0, DHCP_SERVERS_REPORTED_MAX).map(({ peerId }) => peerId) };
}
