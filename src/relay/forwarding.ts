/**
 * Forwarding: from one datagram in to references in the queues of those who get it.
 *
 * Nothing here allocates per frame: views are refilled, a slot's memory is shared by all targets (its source
 * peer id is written once, before anybody else sees it), and only a target narrower than the datagram costs
 * copies into further slots.
 *
 * @module
 */
import { DropCode, malformedDrop, PASS, type Verdict } from "../observe/drops.ts";
import type { Slot } from "../proto/brands.ts";
import {
  DatagramView,
  ENDPOINT_FRAME_ID_MAX,
  nextRelayFrameId,
  parseDatagram,
  setSourcePeerId,
} from "../proto/datagram.ts";
import { dissect, Dissection } from "../proto/dissect.ts";
import { FRAME_BYTES_MAX } from "../proto/ethernet.ts";
import { equalMacs, isMulticastMac, isSwitchControl, isZeroMac, MAC_BYTES } from "../proto/mac.ts";
import { BUDGET_BYTES_MIN } from "../proto/mtu.ts";
import { copyPiece, copyPieceOf, Splitter } from "../proto/split.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import { flowOf, flowOfMacs, ofPlayer, ofStation, PieceFlows } from "../queue/flow.ts";
import { ContentFilter, type ContentRules } from "../filter/content.ts";
import type { Membership } from "./membership.ts";
import type { ReadyList } from "./outbound.ts";
import { PeerBucket } from "./peer_limits.ts";
import type { Session } from "./session.ts";
import { ShareRefusal } from "./shares.ts";
import type { RelayState } from "./state.ts";

/** Pieces of the longest frame for the narrowest target. */
const PIECES_MAX = 3;

/** Decides on datagrams of joined sessions and queues them. */
export class Forwarder {
  readonly #pool: BufferPool;
  readonly #bytes: Uint8Array;
  readonly #view = new DatagramView();
  readonly #dissection = new Dissection();
  readonly #filter = new ContentFilter();
  /** What players may send, and what the gateway may. */
  readonly #playerRules: ContentRules;
  readonly #gatewayRules: ContentRules;
  readonly #splitter = new Splitter();
  readonly #pieceFlows = new PieceFlows();
  /** The flow of the frame at hand. */
  #flow = 0;
  /** The frame id of the relay's split of the frame at hand; -1 while no target needed one. */
  #splitFrameId = -1;
  /** Which limit of a room's or address' share the frame at hand met. */
  #refusal = 0;
  /** How many targets the frame at hand was queued for. */
  #targets = 0;
  readonly #state: RelayState;
  readonly #ready: ReadyList;

  constructor(state: RelayState, ready: ReadyList) {
    this.#state = state;
    this.#ready = ready;
    this.#pool = state.pool;
    this.#bytes = state.pool.bytes;
    const { allowRouterAdvertisements, allowVlan } = state.options;
    const rules = { allowRouterAdvertisements, allowRouteChanges: true, allowProxyNames: true };
    this.#playerRules = { ...rules, fromPlayer: true, allowVlan };
    this.#gatewayRules = { ...rules, fromPlayer: false, allowVlan: true };
  }

  /**
   * Forwards one datagram of a joined session or drops it, with a reason and a count. The caller keeps
   * its reference to the slot. True when the datagram is malformed.
   */
  forward(
    source: Membership,
    slot: Slot,
    offset: number,
    length: number,
    nowMs: number,
  ): boolean {
    const bytes = this.#bytes;
    const view = this.#view;
    const counters = source.counters;
    counters.datagramsReceived++;
    //= PROTOCOL.md 11
    //# | 1 | all | malformed (section 8) | `malformed-…`
    const malformed = parseDatagram(bytes, offset, length, view);
    if (malformed !== 0) {
      //= PROTOCOL.md 8
      //# A malformed datagram is dropped and counted.
      this.#drop(source.session, malformedDrop(malformed), -1, nowMs);
      return true;
    }
    //= PROTOCOL.md 8
    //# A relay also treats a piece **from an endpoint** with a frame id of 8000 or more as
    //# malformed.
    if (view.fragment && view.frameId > ENDPOINT_FRAME_ID_MAX) {
      // The upper half is for splits of our own: a mix of both would be put together wrongly.
      this.#drop(source.session, DropCode.malformedOther, -1, nowMs);
      return true;
    }
    if (!view.fragment || view.byteOffset === 0) counters.framesReceived++;
    counters.bytesReceived += view.payloadLength;
    const frame = view.frameOffset;
    const buckets = source.buckets;
    buckets.fill(nowMs);
    let code = buckets.take(PeerBucket.bytes, length)
      ? this.#judge(source, frame)
      //= PROTOCOL.md 11
      //# This project's drops what is too much, with these reasons:
      : DropCode.bandwidthLimit;
    if (code === PASS) {
      setSourcePeerId(bytes, offset, source.peerId);
      this.#targets = 0;
      this.#splitFrameId = -1;
      code = this.#route(source, slot, offset, length, nowMs);
    }
    if (code !== PASS) {
      this.#drop(source.session, code, frame, nowMs);
      if (code === DropCode.dhcpServer || code === DropCode.dhcpv6Server) {
        this.#tellDhcpServer(source);
      } else if (code === DropCode.roomLimit || code === DropCode.addressLimit) {
        this.#tellLimit(source, code);
      }
    } else if (this.#state.frameLog.enabled) this.#log(source.session, PASS, frame, nowMs);
    return false;
  }

  /** Counts a datagram of a session that has not joined, or is no longer. */
  refuse(source: Session, nowMs: number): void {
    source.counters.datagramsReceived++;
    this.#drop(source, source.ended ? DropCode.senderEnding : DropCode.beforeWelcome, -1, nowMs);
  }

  //= PROTOCOL.md 11
  //# In this order, the first rule that objects drops it, with the reason that `drops` counts
  //# (names of this project's relay):
  /** All rules that do not depend on who is in the room, but for loops; finds the flow, too. */
  #judge(source: Membership, frame: number): Verdict {
    const bytes = this.#bytes;
    const view = this.#view;
    const dissection = this.#dissection;
    //= PROTOCOL.md 11
    //# | 2 | all | longer than 1522 bytes (a piece: offset + bytes that count) | `over-long`
    if (view.byteOffset + view.payloadLength > FRAME_BYTES_MAX) return DropCode.overLong;
    if (source.isGateway) {
      //= PROTOCOL.md 11
      //# | 3 | gateway | the source MAC is multicast | `multicast-source`
      if (isMulticastMac(bytes, frame + MAC_BYTES)) return DropCode.multicastSource;
      //= PROTOCOL.md 11
      //# | 4 | gateway | the source MAC is zero | `zero-source`
      if (isZeroMac(bytes, frame + MAC_BYTES)) return DropCode.zeroSource;
      //= PROTOCOL.md 11
      //# | 5 | gateway | the source MAC is that of a client in the room: the LAN leads back into
      //# the tunnel | `loop`
      if (source.room.macs.get(bytes, frame + MAC_BYTES) >= 0) return DropCode.loop;
      //= PROTOCOL.md 11
      //# | 6 | client | the source MAC is not the client's own | `foreign-source`
    } else if (!equalMacs(bytes, frame + MAC_BYTES, source.mac, 0)) return DropCode.foreignSource;
    //= PROTOCOL.md 11
    //# | 7 | all | the destination is 01-80-C2-00-00-00 … 0F, 01-00-0C-CC-CC-CC or
    //# 01-00-0C-CC-CC-CD | `switch-control`
    if (isSwitchControl(bytes, frame)) return DropCode.switchControl;
    //= PROTOCOL.md 11
    //# Later pieces are judged by rules 1 to 7 and by their target, with their copy of the header.
    if (view.fragment && view.byteOffset > 0) {
      const flow = this.#pieceFlows.recall(source.session.connection, view.frameId);
      this.#flow = flow >= 0 ? flow : this.#inGroup(flowOfMacs(bytes, frame), source, frame);
      return PASS;
    }
    dissect(bytes, frame, view.frameLength, dissection);
    const rules = source.isGateway ? this.#gatewayRules : this.#playerRules;
    const end = frame + view.frameLength;
    const code = this.#filter.judge(bytes, frame, end, dissection, view.fragment, rules);
    if (code !== PASS) return code;
    this.#flow = this.#inGroup(flowOf(bytes, frame, view.frameLength, dissection), source, frame);
    if (view.fragment) {
      this.#pieceFlows.remember(source.session.connection, view.frameId, this.#flow);
    }
    return PASS;
  }

  /** The flow as one of its player, or of the station of the LAN that sends it: they get equal shares. */
  #inGroup(flow: number, source: Membership, frame: number): number {
    return source.isGateway
      ? ofStation(flow, this.#bytes, frame + MAC_BYTES)
      : ofPlayer(flow, source.peerId);
  }

  //= PROTOCOL.md 11
  //# | 21 | | the target, by the destination MAC:
  /** Queues the datagram for everyone who is to have it; a drop code when that is nobody. */
  #route(
    source: Membership,
    slot: Slot,
    offset: number,
    length: number,
    nowMs: number,
  ): Verdict {
    const room = source.room;
    const frame = this.#view.frameOffset;
    if (source.isGateway) room.lan?.learn(this.#bytes, frame, nowMs);
    //= PROTOCOL.md 11
    //# | broadcast, multicast | all other peers (`no-target` if there are none) | all clients
    //# (`no-target`)
    if (isMulticastMac(this.#bytes, frame)) {
      const peers = room.peers;
      if (peers.length === 1) return DropCode.noTarget;
      if (!source.buckets.takeFlood(this.#view.payloadLength)) return DropCode.broadcastLimit;
      const receivers = peers.length - 1;
      const refused = this.#charge(source, receivers, length * receivers, nowMs);
      if (refused !== PASS) return refused;
      for (let i = 0; i < peers.length; i++) {
        //= PROTOCOL.md 11
        //# Nothing ever goes back to its sender.
        if (peers[i] !== source) this.#deliver(source, peers[i], slot, offset, length, nowMs);
      }
      return PASS;
    }
    const connection = room.macs.get(this.#bytes, frame);
    let target: Membership | undefined;
    if (connection >= 0) {
      target = this.#state.sessions[connection]?.membership;
      //= PROTOCOL.md 11
      //# | MAC of a client in the room | that client; its own: `own-destination` | that client
      if (target === source) return DropCode.ownDestination;
      //= PROTOCOL.md 11
      //# | another unicast MAC | the gateway (`no-gateway` if there is none) | dropped:
      //# `unknown-destination`
    } else if (source.isGateway) return DropCode.unknownDestination;
    else target = room.gateway;
    if (target === undefined) return DropCode.noGateway;
    if (connection < 0 && room.lan?.knows(this.#bytes, frame) !== true) {
      if (!source.buckets.take(PeerBucket.unknownFrames, 1)) return DropCode.unknownUnicastLimit;
    }
    const refused = this.#charge(source, 0, length, nowMs);
    if (refused !== PASS) return refused;
    this.#deliver(source, target, slot, offset, length, nowMs);
    return PASS;
  }

  /** Takes what is delivered out of the shares of room and address; `deliveries` is 0 for a unicast. */
  #charge(source: Membership, deliveries: number, bytes: number, nowMs: number): Verdict {
    const room = source.room.share;
    const address = source.addressShare;
    const isFlood = deliveries > 0;
    if ((this.#refusal = room.refuses(isFlood, nowMs)) !== 0) return DropCode.roomLimit;
    if ((this.#refusal = address.refuses(isFlood, nowMs)) !== 0) return DropCode.addressLimit;
    room.take(deliveries, bytes);
    address.take(deliveries, bytes);
    return PASS;
  }

  #deliver(
    source: Membership,
    target: Membership,
    slot: Slot,
    offset: number,
    length: number,
    nowMs: number,
  ): void {
    //= PROTOCOL.md 10
    //# The frames of a player with a narrower path are split on it, as they are by who sends them;
    //# nobody else has less for it.
    //= PROTOCOL.md 10
    //# Whether a frame is split is decided by the maximum at that moment (the relay's: and by the
    //# endpoint's budget).
    if (length <= target.sendBytesMax) {
      this.#pool.retain(slot);
      target.queue.enqueue(slot, offset, length, this.#flow, nowMs);
    } else if (!this.#deliverInPieces(source, target, nowMs)) return;
    this.#targets++;
    this.#ready.mark(target);
  }

  /** Cuts the datagram for a target that cannot take it whole; false when that failed. */
  #deliverInPieces(source: Membership, target: Membership, nowMs: number): boolean {
    const bytes = this.#bytes;
    const pool = this.#pool;
    const splitter = this.#splitter;
    const view = this.#view;
    const maxBytes = target.sendBytesMax;
    if (maxBytes < BUDGET_BYTES_MIN) {
      this.#drop(target.session, DropCode.targetTooNarrow, view.frameOffset, nowMs);
      return false;
    }
    if (pool.freeSlots < PIECES_MAX) {
      this.#drop(target.session, DropCode.noBuffer, view.frameOffset, nowMs);
      return false;
    }
    if (view.fragment) {
      splitter.beginPiece(view.byteOffset, view.payloadLength, view.more, maxBytes);
    } else {
      splitter.begin(view.frameLength, maxBytes);
      if (this.#splitFrameId < 0) {
        this.#splitFrameId = source.frameId = nextRelayFrameId(source.frameId);
      }
      target.counters.framesSplit++;
    }
    while (splitter.next()) {
      const slot = pool.acquire();
      const offset = pool.offsetOf(slot);
      const length = view.fragment
        ? copyPieceOf(
          bytes,
          view,
          splitter.byteOffset,
          splitter.pieceBytes,
          splitter.more,
          source.peerId,
          bytes,
          offset,
        )
        : copyPiece(
          bytes,
          view.frameOffset,
          splitter.byteOffset,
          splitter.pieceBytes,
          splitter.more,
          source.peerId,
          this.#splitFrameId,
          bytes,
          offset,
        );
      target.queue.enqueue(slot, offset, length, this.#flow, nowMs);
    }
    return true;
  }

  /**
   * Counts a drop: of a sender's frame for all, or of a frame for one target alone. `frame` is where the
   * frame begins, -1 when it cannot be told.
   */
  #drop(session: Session, code: DropCode, frame: number, nowMs: number): void {
    session.counters.drop(code);
    if (this.#state.frameLog.enabled) this.#log(session, code, frame, nowMs);
  }

  /** Names a player whose PC hands out addresses, once a session: the party must know whom to ask. */
  #tellDhcpServer(peer: Membership): void {
    if (peer.dhcpServerTold) return;
    peer.dhcpServerTold = true;
    const { room, peerId, hello: { mac, name } } = peer;
    this.#state.outbox.log("warning", "A player runs a DHCP server: its answers are dropped", {
      room: room.code,
      peerId,
      mac,
      name,
    });
  }

  /** Says once of a room or an address that it meets a limit: its host may wonder, and the relay's, too. */
  #tellLimit(source: Membership, code: DropCode): void {
    const isRoom = code === DropCode.roomLimit;
    const share = isRoom ? source.room.share : source.addressShare;
    if (share.told) return;
    share.told = true;
    const what = this.#refusal === ShareRefusal.bytes ? "megabits" : "deliveries";
    this.#state.outbox.log(
      "warning",
      isRoom
        ? "A room has more delivered than one may: the rest is dropped"
        : "The peers of an address have more delivered than one may: the rest is dropped",
      {
        option: `--max-${isRoom ? "room" : "address"}-${what}`,
        room: source.room.code,
        peerId: source.peerId,
        address: source.session.address,
      },
    );
  }

  #log(session: Session, code: Verdict, frame: number, nowMs: number): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const start = Math.max(frame, 0);
    const lengthBytes = frame < 0 ? 0 : view.frameLength;
    const laterPiece = view.fragment && view.byteOffset > 0;
    const outer = frame < 0 ? 0 : bytes[frame + 12] << 8 | bytes[frame + 13];
    this.#state.frameLog.record(
      nowMs,
      session.membership?.room.code ?? "",
      session.peerId,
      "from-peer",
      bytes,
      start,
      lengthBytes,
      laterPiece || frame < 0 ? outer : this.#etherType(frame),
      code,
      code === PASS ? this.#targets : 0,
    );
  }

  /** The EtherType behind tags; a frame that was dropped early has not been dissected yet. */
  #etherType(frame: number): number {
    dissect(this.#bytes, frame, this.#view.frameLength, this.#dissection);
    return this.#dissection.etherType;
  }
}
