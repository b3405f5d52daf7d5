/**
 * The LAN's end of the bridge: what enters the tunnel, what comes out of it, and what keeps the LAN's
 * switches knowing where the players are.
 *
 * ```
 *   LAN ── rules ──> complete or cut ──> own relay packets ──> FramePath ──> relay
 *   LAN <── pad <── rules, known sender <── frame (as FramePath's sink) <── relay
 *   LAN <── CAM refreshes
 * ```
 *
 * @module
 */
import type { EndpointAction } from "../endpoint/actions.ts";
import type { FrameCore } from "../endpoint/endpoint.ts";
import type { FramePath, FrameSink } from "../endpoint/frame_path.ts";
import { OwnTraffic } from "../endpoint/own_traffic.ts";
import type { PeerIdentity } from "../endpoint/peers.ts";
import type { TrafficCounters } from "../observe/counters.ts";
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import { FrameLog } from "../observe/frame_log.ts";
import { NO_PEER, type PeerId, type Slot } from "../proto/brands.ts";
import { dissect, Dissection } from "../proto/dissect.ts";
import {
  FRAME_BYTES_MAX,
  FRAME_BYTES_MIN,
  isVlanTagType,
  SOURCE_MAC_OFFSET,
} from "../proto/ethernet.ts";
import { copyBytes, readU16 } from "../proto/bytes.ts";
import { formatMac, isBroadcastMac, isMulticastMac, MAC_BYTES, parseMac } from "../proto/mac.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT } from "../queue/buffer_pool.ts";
import type { NeighbourEvent } from "../filter/neighbour_guard.ts";
import { BridgeLog } from "./bridge_log.ts";
import { judgeLanFrame, judgeTunnelFrame } from "./bridge_rules.ts";
import { BroadcastLimiter, isUrgentBroadcast } from "./broadcast_limit.ts";
import { CamRefresher, type EmitFrame } from "./cam_refresh.ts";
import { ContentJudge } from "./content_judge.ts";
import { ChecksumCompleter } from "../offload/checksum_completer.ts";
import { type GatewayCoreOptions, type LanWriter, PLAYERS_MAX_DEFAULT } from "./core_options.ts";
import { GsoType, type LanFrame, OffloadError } from "../offload/lan_frame.ts";
import { GUARD_IDS, type LoopEvent, LoopGuard, type ProbeSender } from "./loop_guard.ts";
import { isLanTalk, LanSight, LanState } from "../proto/lan_talk.ts";
import { PROBE_ID_BYTES, ProbeLan, ProbeSide } from "../proto/loop_probe.ts";
import { PlayerQuestions } from "./player_questions.ts";
import { Roster, Sender } from "./roster.ts";
import { Segmenter } from "../offload/segmenter.ts";

/** The frames of one gateway, over all its sessions. */
export class GatewayCore implements FrameCore, FrameSink {
  /** The live connection to the relay, to be set when it is made and cleared when it is gone. */
  readonly ownTraffic = new OwnTraffic();

  readonly #pool: BufferPool;
  readonly #path: FramePath;
  readonly #counters: TrafficCounters;
  readonly #lan: LanWriter;
  readonly #log: BridgeLog;
  readonly #roster: Roster;
  readonly #cam: CamRefresher;
  readonly #completer = new ChecksumCompleter();
  readonly #segmenter = new Segmenter();
  readonly #dissection = new Dissection();
  readonly #guard: LoopGuard;
  readonly #limiter: BroadcastLimiter;
  readonly #content: ContentJudge;
  readonly #questions: PlayerQuestions;
  readonly #emit: EmitFrame;
  readonly #probes: ProbeSender = {
    probe: (side, bytes) => this.#sendProbe(side, bytes),
    refreshPlayer: () => this.#cam.refreshNext(this.#roster, this.#emit),
    lanFaults: () => (this.#lan.isUp ? 0 : ProbeLan.down) | (this.#lan.isHeld ? ProbeLan.held : 0),
  };
  readonly #readmit = (place: number) => this.#readmitPlayer(place);
  readonly #padded = new Uint8Array(FRAME_BYTES_MIN);
  #joined = false;
  #nowMs = 0;
  #camRefreshes = 0;

  constructor(options: GatewayCoreOptions) {
    const playersMax = options.playersMax ?? PLAYERS_MAX_DEFAULT;
    this.#pool = options.pool;
    this.#path = options.path;
    this.#counters = options.counters;
    this.#lan = options.lan;
    this.#log = new BridgeLog(options.frameLog ?? new FrameLog());
    this.#roster = new Roster(playersMax);
    this.#cam = new CamRefresher(playersMax);
    const ids = options.random(GUARD_IDS * PROBE_ID_BYTES);
    this.#guard = new LoopGuard(playersMax, ids, options.lanMac ?? new Uint8Array(MAC_BYTES));
    this.#limiter = new BroadcastLimiter(options.broadcastLimits);
    this.#content = new ContentJudge(
      options,
      (bytes, offset) => this.#roster.peerIdOf(bytes, offset),
    );
    this.#questions = new PlayerQuestions(playersMax, this.#guard.roomMac);
    this.#emit = (bytes, at, length) => this.#toLan(bytes, at, length, NO_PEER, this.#nowMs);
  }

  /** Players in the room. */
  get players(): number {
    return this.#roster.size;
  }

  /** CAM refresh frames made since the start. */
  get camRefreshes(): number {
    return this.#camRefreshes;
  }

  /** Whether nothing is forwarded since the LAN is reached twice. */
  get stopped(): boolean {
    return this.#guard.stopped;
  }

  /** For how long nothing was heard in the LAN, ms; Infinity: nothing ever was. */
  lanQuietMs(nowMs: number): number {
    return this.#questions.quietMs(nowMs);
  }

  /** What a player sees of the LAN, by its own word. */
  playerSight(peerId: PeerId, nowMs: number): LanSight {
    const place = this.#roster.placeOf(peerId);
    return place < 0 ? LanSight.unknown : this.#questions.sightAt(place, nowMs);
  }

  /** What was found out about loops since the last call. */
  drainLoopEvents(): LoopEvent[] {
    return this.#guard.drainEvents();
  }

  /** Who has claimed whose address since the last call. */
  drainNeighbourEvents(): NeighbourEvent[] {
    return this.#content.drainEvents();
  }

  /** Follows the session; to be called with each of its actions. */
  handleAction(action: EndpointAction, nowMs: number): void {
    switch (action.type) {
      case "joined":
        return this.handleJoined(action.welcome.room, action.welcome.peerId, nowMs);
      case "left":
        return this.handleLeft(nowMs);
      case "peerJoined":
        this.handlePeerJoined(action.peer, nowMs);
        return;
      case "peerLeft": {
        const isForGood = action.reason === "bye" || action.reason === "kicked";
        return this.handlePeerLeft(action.peer.peerId, nowMs, isForGood);
      }
    }
  }

  /** A datagram of the relay. Its frames are written to the LAN, or into a batch, before this returns. */
  handleDatagram(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#path.handleDatagram(bytes, offset, length, nowMs, this);
  }

  /** Whether a peer that is in the room is served: a gateway always is, a player if there is a place. */
  serves({ role, peerId }: PeerIdentity): boolean {
    return role !== "client" || this.#roster.placeOf(peerId) >= 0;
  }

  /**
   * A room is entered, anew or again: its players follow one by one. Who has a session hands in its actions
   * ({@linkcode GatewayCore.handleAction}); this, and what follows, is for who has none: tests and measurements.
   */
  handleJoined(room: string, ownPeerId: PeerId, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#log.room = room;
    this.#joined = true;
    this.#roster.reset(ownPeerId);
    this.#cam.clear();
    this.#content.handleJoined();
    this.#guard.handleJoined(nowMs);
  }

  /** The room is left, for good or until the next {@link GatewayCore.handleJoined}. */
  handleLeft(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#joined = false;
    this.#roster.reset(NO_PEER);
    this.#cam.clear();
    this.#guard.handleLeft();
  }

  /**
   * A peer is in the room. False: it is a player that cannot be served, since there are too many
   * players or its MAC is none.
   */
  handlePeerJoined(peer: PeerIdentity, nowMs: number): boolean {
    this.#nowMs = nowMs;
    if (peer.role !== "client") return true;
    const mac = parseMac(peer.mac ?? "");
    if (mac === undefined) return false;
    const before = this.#roster.placeOfMac(mac, 0);
    if (before >= 0) this.#cam.remove(before);
    this.#retire(peer.peerId);
    const place = this.#roster.join(peer.peerId, mac);
    if (place < 0) return false;
    this.#guard.forgetPlayer(place);
    this.#questions.forgetPlayer(place);
    this.#cam.add(place, mac, nowMs);
    return true;
  }

  /** A peer has left the room; for good: it said so itself, or was sent away. */
  handlePeerLeft(peerId: PeerId, nowMs: number, forGood = true): void {
    this.#nowMs = nowMs;
    this.#retire(peerId);
    if (forGood) this.#content.handlePeerLeft(peerId);
  }

  /** The LAN's interface is up again: its switches learn all players anew. */
  handleLanUp(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#cam.refreshAll(nowMs);
  }

  /**
   * A frame that the LAN's interface received. A slot's reference is taken over; bytes elsewhere are
   * not needed any more when this returns.
   */
  handleLanFrame(frame: LanFrame, nowMs: number): void {
    this.#nowMs = nowMs;
    const { bytes, offset, length, slot } = frame;
    const reason = this.#judgeLan(frame, nowMs);
    if (reason !== PASS) this.#dropLan(frame, reason, nowMs);
    else if (frame.gsoType !== GsoType.none) this.#cutSuperFrame(frame, nowMs);
    else if (slot === NO_SLOT || frame.vlanTpid !== 0) this.#copyFrame(frame, nowMs);
    else if (length > FRAME_BYTES_MAX) this.#dropLan(frame, DropCode.jumbo, nowMs);
    else if (this.#completer.complete(bytes, offset, length, frame) < 0) {
      this.#dropLan(frame, DropCode.badOffload, nowMs);
    } else {
      this.#pool.retain(slot);
      this.#intoTunnel(slot, offset, length, nowMs);
    }
    if (slot !== NO_SLOT) this.#pool.release(slot);
  }

  /** A whole frame out of the tunnel; one shorter than a wire allows is padded. */
  frame(
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    nowMs: number,
  ): void {
    const reason = this.#judgeTunnel(bytes, offset, length, sourcePeerId, nowMs);
    if (reason !== PASS) {
      this.#counters.drop(reason);
      this.#log.record(nowMs, "from-tunnel", sourcePeerId, bytes, offset, length, reason);
    } else if (length >= FRAME_BYTES_MIN) this.#toLan(bytes, offset, length, sourcePeerId, nowMs);
    else {
      copyBytes(bytes, offset, length, this.#padded, 0);
      this.#padded.fill(0, length);
      this.#toLan(this.#padded, 0, FRAME_BYTES_MIN, sourcePeerId, nowMs);
    }
  }

  /** Sends the CAM refreshes and probes that are due. */
  handleTimer(nowMs: number): void {
    this.#nowMs = nowMs;
    const guard = this.#guard;
    // What the loop has taught the switches is wrong.
    if (guard.handleTimer(nowMs, this.#probes, this.#readmit)) this.#cam.refreshAll(nowMs);
    if (guard.stopped) return;
    this.#camRefreshes += this.#cam.handleTimer(nowMs, this.#emit);
  }

  /** When {@link GatewayCore.handleTimer} is to be called at the latest. */
  nextDeadlineMs(): number {
    const guardMs = this.#guard.nextDeadlineMs();
    return this.#guard.stopped ? guardMs : Math.min(guardMs, this.#cam.nextDeadlineMs());
  }

  #judgeLan(frame: LanFrame, nowMs: number): Verdict {
    const { bytes, offset, length } = frame;
    const isTalk = this.#questions.handleLanFrame(bytes, offset, length, nowMs);
    if (!this.#joined) return DropCode.notJoined;
    if (isTalk) return DropCode.probe;
    const reason = judgeLanFrame(this.#roster, bytes, offset, length);
    if (reason === DropCode.lanLoop) this.#meetPlayer(bytes, offset + SOURCE_MAC_OFFSET);
    if (reason !== PASS) return reason;
    if (!isMulticastMac(bytes, offset)) {
      const excluded = this.#guard.isExcluded(this.#roster.placeOfMac(bytes, offset));
      return excluded || this.#guard.stopped ? DropCode.loopStopped : PASS;
    }
    if (this.#guard.handleLanBroadcast(bytes, offset, length, nowMs)) return DropCode.probe;
    if (this.#guard.stopped) return DropCode.loopStopped;
    dissect(bytes, offset, length, this.#dissection);
    const urgent = isUrgentBroadcast(this.#dissection);
    const count = frame.segmentBytes > 0 ? Math.ceil(length / frame.segmentBytes) : 1;
    const source = offset + SOURCE_MAC_OFFSET;
    const admitted = this.#limiter.admit(bytes, source, length, count, urgent, nowMs);
    return admitted ? PASS : DropCode.lanBroadcastLimit;
  }

  /** A frame of a player's MAC came in from the LAN. */
  #meetPlayer(bytes: Uint8Array, macOffset: number): void {
    const place = this.#roster.placeOfMac(bytes, macOffset);
    const excluded = this.#guard.handlePlayerOnLan(place, bytes, macOffset, this.#nowMs);
    // The station that has this MAC would be cut off by further refreshes.
    if (excluded) this.#cam.remove(place);
  }

  /** The player whose MAC was a station's is served again. */
  #readmitPlayer(place: number): string {
    const mac = this.#roster.macAt(place);
    this.#cam.add(place, mac, this.#nowMs);
    return formatMac(mac);
  }

  #sendProbe(side: ProbeSide, bytes: Uint8Array): void {
    if (side === ProbeSide.lan) return this.#toLan(bytes, 0, bytes.length, NO_PEER, this.#nowMs);
    if (this.#roster.size === 0) return;
    const slot = this.#pool.acquire();
    if (slot === NO_SLOT) return this.#counters.drop(DropCode.noBuffer);
    const offset = this.#pool.offsetOf(slot) + HEADROOM_BYTES;
    copyBytes(bytes, 0, bytes.length, this.#pool.bytes, offset);
    this.#intoTunnel(slot, offset, bytes.length, this.#nowMs);
  }

  #retire(peerId: PeerId): void {
    const place = this.#roster.leave(peerId);
    if (place < 0) return;
    this.#cam.remove(place);
    this.#guard.forgetPlayer(place);
  }

  #judgeTunnel(
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    nowMs: number,
  ): Verdict {
    if (!this.#joined) return DropCode.notJoined;
    const reason = judgeTunnelFrame(bytes, offset, length);
    if (reason !== PASS) return reason;
    const broadcast = isBroadcastMac(bytes, offset);
    if (broadcast && this.#guard.handleRoomBroadcast(bytes, offset, length, nowMs)) {
      return DropCode.probe;
    }
    const source = offset + SOURCE_MAC_OFFSET;
    const sender = this.#roster.senderOf(sourcePeerId, bytes, source, nowMs);
    if (sender === Sender.refused) {
      this.#guard.handleForeignSource(nowMs);
      return DropCode.foreignSource;
    }
    //= PROTOCOL.md 12.1
    //# What it gets with this mark, right or wrong, it never puts on the LAN.
    if (isLanTalk(bytes, offset, length)) {
      if (sender >= 0) this.#answer(bytes, offset, length, sender);
      return DropCode.probe;
    }
    if (this.#guard.stopped) return DropCode.loopStopped;
    if (sender >= 0 && this.#guard.isExcluded(sender)) return DropCode.loopStopped;
    const frame = this.#dissection;
    dissect(bytes, offset, length, frame);
    //= PROTOCOL.md 12
    //# **To the LAN** a gateway gives what the relay forwards, again by rule 7 and, for whole
    //# frames, rules 8 to 20, whatever the relay does.
    const said = this.#content.judgePlayer(bytes, offset, length, frame, sourcePeerId, nowMs);
    if (said !== PASS || sender < 0) return said;
    // Behind a VLAN tag it teaches that VLAN alone.
    if (broadcast && !isVlanTagType(readU16(bytes, offset + 12))) {
      this.#cam.noteBroadcast(sender, nowMs);
    }
    return PASS;
  }

  /** Tells a player who asks whether the LAN is there. */
  #answer(bytes: Uint8Array, offset: number, length: number, place: number): void {
    const state = (this.#lan.isUp ? LanState.up : 0) |
      (this.#guard.stopped ? 0 : LanState.forwarding) |
      (this.#guard.isExcluded(place) ? 0 : LanState.served) |
      (this.#lan.isHeld ? LanState.held : 0);
    const nowMs = this.#nowMs;
    const answer = this.#questions.handleQuestion(bytes, offset, length, place, state, nowMs);
    if (answer !== undefined) this.#sendProbe(ProbeSide.tunnel, answer);
  }

  #toLan(bytes: Uint8Array, offset: number, length: number, peer: PeerId, nowMs: number): void {
    const reason = this.#lan.send(bytes, offset, length) ? PASS : DropCode.lanSendFailed;
    if (reason !== PASS) this.#counters.drop(reason);
    this.#log.record(nowMs, "from-tunnel", peer, bytes, offset, length, reason);
  }

  #copyFrame(frame: LanFrame, nowMs: number): void {
    const slot = this.#pool.acquire();
    if (slot === NO_SLOT) return this.#dropLan(frame, DropCode.noBuffer, nowMs);
    const offset = this.#pool.offsetOf(slot) + HEADROOM_BYTES;
    const length = this.#completer.copy(frame, this.#pool.bytes, offset);
    if (length >= 0) return this.#intoTunnel(slot, offset, length, nowMs);
    this.#pool.release(slot);
    this.#dropLan(frame, dropCodeOf(length), nowMs);
  }

  #cutSuperFrame(frame: LanFrame, nowMs: number): void {
    // Before the work of cutting: the packets of a whole super-frame are of one connection.
    dissect(frame.bytes, frame.offset, frame.length, this.#dissection);
    if (this.ownTraffic.matches(frame.bytes, frame.offset + frame.length, this.#dissection)) {
      return this.#dropLan(frame, DropCode.ownTraffic, nowMs);
    }
    const segments = this.#segmenter.begin(frame);
    if (segments < 0) return this.#dropLan(frame, dropCodeOf(segments), nowMs);
    while (this.#segmenter.remaining > 0) {
      const slot = this.#pool.acquire();
      if (slot === NO_SLOT) {
        this.#counters.dropMany(DropCode.noBuffer, this.#segmenter.remaining);
        return;
      }
      const offset = this.#pool.offsetOf(slot) + HEADROOM_BYTES;
      this.#intoTunnel(slot, offset, this.#segmenter.next(this.#pool.bytes, offset), nowMs);
    }
  }

  /** Hands a complete frame in a slot of the pool to the tunnel, with one reference. */
  #intoTunnel(slot: Slot, offset: number, length: number, nowMs: number): void {
    const bytes = this.#pool.bytes;
    dissect(bytes, offset, length, this.#dissection);
    const own = this.ownTraffic.matches(bytes, offset + length, this.#dissection);
    const reason = own
      ? DropCode.ownTraffic
      : this.#content.judgeLan(bytes, offset, length, this.#dissection, nowMs);
    this.#log.record(nowMs, "from-link", NO_PEER, bytes, offset, length, reason);
    if (reason !== PASS) {
      this.#counters.drop(reason);
      this.#pool.release(slot);
    } else this.#path.sendDissected(slot, offset, length, this.#dissection, nowMs);
  }

  #dropLan(frame: LanFrame, reason: DropCode, nowMs: number): void {
    this.#counters.drop(reason);
    this.#log.record(
      nowMs,
      "from-link",
      NO_PEER,
      frame.bytes,
      frame.offset,
      frame.length,
      reason,
    );
  }
}

function dropCodeOf(error: number): DropCode {
  if (error === OffloadError.overLong) return DropCode.jumbo;
  return error === OffloadError.unsupported ? DropCode.unsupportedOffload : DropCode.badOffload;
}
