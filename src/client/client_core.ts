/**
 * The player's end of the bridge: what may leave the TAP, and what may reach it.
 *
 * ```
 *  TAP ─ handleTapFrame ─> length, source MAC, own relay packets ─> FramePath ─> queue ─> relay
 *                      LanProof (ARP), LanLease (DHCP, ARP) ────────▲
 *                           ▲ the LAN's frames ▲ replies for this PC
 *  TAP <───────────────────────────── scrub DHCP ┴─ for this adapter? not our own? <─ FramePath <─ relay
 * ```
 *
 * @module
 */

import type { AdapterFault } from "../observe/adapter_events.ts";
import type { FrameCore } from "../endpoint/endpoint.ts";
import type { EndpointAction } from "../endpoint/actions.ts";
import type { FramePath, FrameSink } from "../endpoint/frame_path.ts";
import { OwnTraffic } from "../endpoint/own_traffic.ts";
import type { TrafficCounters } from "../observe/counters.ts";
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import type { FrameLog } from "../observe/frame_log.ts";
import type { LanVerdict } from "../observe/lan_verdict.ts";
import type { StatusEvent } from "../observe/status.ts";
import type { NeighbourEvent } from "../filter/neighbour_guard.ts";
import { NO_PEER, type PeerId, type Slot } from "../proto/brands.ts";
import { DhcpMessageType } from "../proto/dhcp.ts";
import { dissect, Dissection, IpProtocol } from "../proto/dissect.ts";
import {
  ETHERNET_HEADER_BYTES,
  EtherType,
  FRAME_BYTES_MAX,
  SOURCE_MAC_OFFSET,
} from "../proto/ethernet.ts";
import { UdpPort } from "../proto/ip.ts";
import { isLanTalk } from "../proto/lan_talk.ts";
import { equalMacs, isMulticastMac, MAC_BYTES } from "../proto/mac.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT } from "../queue/buffer_pool.ts";
import { LanAnswers, type LanAnswersOptions } from "./lan_answers.ts";
import type { LanLease } from "./lan_lease.ts";
import { LanProof } from "./lan_proof.ts";
import type { Surroundings } from "./lan_networks.ts";
import { OwnAddresses } from "./own_addresses.ts";
import { PartyFilter } from "./party_filter.ts";

/** Where frames for the player's system go. */
export interface TapWriter {
  /** Writes one frame; false if the TAP does not take it now, and it is lost. */
  send(bytes: Uint8Array, offset: number, length: number): boolean;
}

/** What a client core works with. */
export interface ClientCoreOptions extends LanAnswersOptions {
  readonly pool: BufferPool;
  readonly path: FramePath;
  readonly counters: TrafficCounters;
  readonly frameLog: FrameLog;
  readonly tap: TapWriter;
  /** Lets frames of VLANs reach the player's system. */
  readonly allowVlan?: boolean;
  /** Random bytes, with which the table of addresses is mixed. */
  readonly random: (count: number) => Uint8Array;
  /** Keeps in what the player's system asks by DHCP, where it cannot be told not to ask. */
  readonly blocksDhcp?: boolean;
  /**
   * Asks for this PC's address. The system is told nothing of it, and does not ask itself then: what it asks
   * all the same is kept in, but for VLANs upon the adapter.
   */
  readonly lease?: LanLease | undefined;
  /** Whether this PC, by whatever program, asks the LAN for its address; absent: it does. */
  readonly asksForAddress?: boolean;
}

/** The frames of one client. */
export class ClientCore implements FrameCore, FrameSink {
  /** The live connection to the relay, to be set when it is made and cleared when it is gone. */
  readonly ownTraffic = new OwnTraffic();

  readonly #options: ClientCoreOptions;
  readonly #mac: Uint8Array;
  readonly #dissection = new Dissection();
  /** Of what is sent while a frame out of the tunnel is at hand. */
  readonly #ownDissection = new Dissection();
  readonly #answers: LanAnswers;
  readonly #party: PartyFilter;
  readonly #addresses: OwnAddresses;
  readonly #proof: LanProof;
  #room = "";
  #peerId = NO_PEER;

  constructor(options: ClientCoreOptions) {
    if (options.mac.length !== MAC_BYTES) throw new RangeError("a MAC has 6 bytes");
    this.#options = options;
    this.#mac = options.mac.slice();
    this.#answers = new LanAnswers(options);
    this.#addresses = new OwnAddresses(options.networks);
    const { asksForAddress = true } = options;
    this.#proof = new LanProof({ mac: this.#mac, asksForAddress, random: options.random });
    this.#party = new PartyFilter({
      ...options,
      allowVlan: options.allowVlan ?? false,
      hasAddress: (bytes, at, ipBytes) => this.#addresses.isOwn(bytes, at, ipBytes),
    });
  }

  /** Follows the session; to be called with each of its actions. */
  handleAction(action: EndpointAction, nowMs: number): void {
    this.#party.handleAction(action);
    this.#proof.handleAction(action, nowMs);
    if (action.type === "joined") {
      this.#room = action.welcome.room;
      this.#peerId = action.welcome.peerId;
      this.#options.lease?.handleJoined(nowMs);
    } else if (action.type === "left" || action.type === "ended") this.#peerId = NO_PEER;
    else if (action.type === "status" && action.event.type === "gateway" && action.event.present) {
      this.#options.lease?.handleGateway(nowMs);
    }
    this.#sendOwn(nowMs);
  }

  /** To be called at {@linkcode nextDeadlineMs}. */
  handleTimer(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs()) return;
    this.#options.lease?.handleTimer(nowMs);
    this.#proof.handleTimer(nowMs);
    this.#sendOwn(nowMs);
  }

  nextDeadlineMs(): number {
    const leaseMs = this.#options.lease?.nextDeadlineMs() ?? Infinity;
    return Math.min(leaseMs, this.#proof.nextDeadlineMs());
  }

  /** Whether the LAN works for this PC, as far as is known now. */
  lanVerdict(nowMs: number): LanVerdict {
    return this.#proof.verdict(nowMs);
  }

  /** The adapter's addresses; see `LanProof`. To be called whenever they have changed; undefined: it is away. */
  handleAddresses(addresses: readonly string[] | undefined, nowMs: number): void {
    this.#proof.handleAddresses(addresses, nowMs);
    this.#sendOwn(nowMs);
  }

  /**
   * What another program has otherwise of the adapter, so that the LAN cannot work; undefined: nothing.
   *
   * @returns whether that is news
   */
  handleAdapterFault(fault: AdapterFault | undefined, nowMs: number): boolean {
    return this.#proof.handleAdapterFault(fault, nowMs);
  }

  /** This PC was asleep for so long: its lease may be over. */
  handleSlept(sleptMs: number, nowMs: number): void {
    this.#options.lease?.handleSlept(sleptMs, nowMs);
    this.#sendOwn(nowMs);
  }

  /** Gives this PC's address back to the LAN, and asks for none any more. */
  releaseLease(nowMs: number): void {
    this.#options.lease?.release(nowMs);
    this.#sendOwn(nowMs);
  }

  /** This PC's networks at the moment; to be called at first and whenever something has changed. */
  handleSurroundings(surroundings: Surroundings): void {
    this.#options.networks.update(surroundings);
    this.#addresses.update(surroundings);
  }

  /**
   * A frame that the player's system sends: `offset` is an index in the pool's bytes. Takes over the
   * slot's reference.
   */
  handleTapFrame(slot: Slot, offset: number, length: number, nowMs: number): void {
    const { pool, counters } = this.#options;
    const reason = this.#refusal(pool.bytes, offset, length);
    if (this.#options.frameLog.enabled) {
      const { bytes } = pool;
      this.#log(nowMs, this.#peerId, "from-link", bytes, offset, length, reason, this.#dissection);
    }
    if (reason === PASS) return this.#send(slot, offset, length, this.#dissection, nowMs);
    counters.drop(reason);
    pool.release(slot);
  }

  /** A datagram of the relay. Its frames are written to the TAP before this returns. */
  handleDatagram(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    this.#options.path.handleDatagram(bytes, offset, length, nowMs, this);
  }

  /** A frame out of the tunnel, for the player's system. */
  frame(
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    nowMs: number,
  ): void {
    const { counters, tap, frameLog, lease } = this.#options;
    let reason = this.#unwanted(bytes, offset, length, sourcePeerId, nowMs);
    const isForLease = reason === PASS && this.#isTakenOut();
    if (isForLease && this.#answers.reply === undefined) reason = DropCode.notForUs;
    // What the gateway answers the client itself is none of the system's business.
    const isTakenOut = isForLease || isLanTalk(bytes, offset, length);
    if (reason === PASS && !isTakenOut && !tap.send(bytes, offset, length)) {
      reason = DropCode.tapFull;
    }
    if (reason !== PASS) counters.drop(reason);
    if (reason !== DropCode.ownEcho && this.#party.isLan(sourcePeerId)) {
      this.#proof.noteHeard(bytes, offset, length, this.#dissection, nowMs);
      this.#tellOfReply(reason, nowMs);
    }
    if (frameLog.enabled) {
      const frame = this.#dissection;
      this.#log(nowMs, sourcePeerId, "from-tunnel", bytes, offset, length, reason, frame);
    }
    const { reply } = this.#answers;
    if (isForLease && reason === PASS && reply !== undefined) {
      const source = offset + SOURCE_MAC_OFFSET;
      lease?.handleReply(reply, bytes.subarray(source, source + MAC_BYTES), nowMs);
      this.#sendOwn(nowMs);
    } else if (lease !== undefined && this.#dissection.etherType === EtherType.arp) {
      this.#tellOfArp(lease, bytes, offset, length, sourcePeerId, reason, nowMs);
    }
  }

  /** Whether the frame at hand is a DHCP reply that no DHCP client of the system's has to see, whoever it is for. */
  #isTakenOut(): boolean {
    const { ipVersion, ipProtocol, destinationPort, vlanTags } = this.#dissection;
    return this.#options.lease !== undefined && vlanTags === 0 && ipVersion === 4 &&
      ipProtocol === IpProtocol.udp && destinationPort === UdpPort.dhcpClient;
  }

  /** What the player is to be told of the LAN's answers since the last call. */
  drainStatus(): StatusEvent[] {
    const answers = this.#answers.drainStatus();
    const verdicts = this.#proof.drainEvents();
    return verdicts.length === 0 ? answers : [...answers, ...verdicts];
  }

  /** Who has claimed whose address since the last call. */
  drainNeighbourEvents(): NeighbourEvent[] {
    return this.#party.drainEvents();
  }

  /** Sends a frame. Takes over the slot's reference. */
  #send(slot: Slot, offset: number, length: number, frame: Dissection, nowMs: number): void {
    const { pool, path } = this.#options;
    const asks = this.#answers.handleRequest(pool.bytes, offset + length, frame);
    if (asks && frame.vlanTags === 0) this.#proof.handleDhcpAsked(nowMs);
    this.#party.noteOwn(pool.bytes, offset, length, frame, nowMs);
    this.#addresses.noteSent(pool.bytes, offset + length, frame, nowMs);
    path.sendDissected(slot, offset, length, frame, nowMs);
  }

  /** Sends what the client itself says in the LAN, as if it came from the TAP; without a room there is nobody to hear. */
  #sendOwn(nowMs: number): void {
    const { lease } = this.#options;
    if (lease !== undefined) this.#sendFrames(lease.drainFrames(), nowMs);
    this.#sendFrames(this.#proof.drainFrames(), nowMs);
  }

  #sendFrames(frames: readonly Uint8Array[], nowMs: number): void {
    const { pool, path, counters, frameLog } = this.#options;
    const own = this.#ownDissection;
    for (const frame of frames) {
      if (!path.isOpen) continue;
      const slot = pool.acquire();
      if (slot === NO_SLOT) {
        counters.drop(DropCode.noBuffer);
        continue;
      }
      const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
      pool.bytes.set(frame, offset);
      dissect(pool.bytes, offset, frame.length, own);
      if (frameLog.enabled) {
        const { bytes } = pool;
        this.#log(nowMs, this.#peerId, "from-link", bytes, offset, frame.length, PASS, own);
      }
      this.#send(slot, offset, frame.length, own, nowMs);
    }
  }

  /** Tells the proof of a DHCP reply for this PC, if the frame at hand is one; it may have been of no use. */
  #tellOfReply(reason: Verdict, nowMs: number): void {
    const isJudged = reason === PASS || reason === DropCode.dhcpNetwork;
    const { reply } = this.#answers;
    if (!isJudged || reply === undefined) return;
    const isGiven = reason === PASS && reply.type === DhcpMessageType.ack;
    this.#proof.handleDhcpReply(isGiven ? reply.serverId : 0, nowMs);
  }

  /**
   * Tells this PC's lease of ARP, which is dropped for `reason` if that is one. Whose an address is has been judged:
   * that a station of the LAN uses it all the same has to be heard of. Players are not believed: they could have an
   * address taken away.
   */
  #tellOfArp(
    lease: LanLease,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    reason: Verdict,
    nowMs: number,
  ): void {
    const { networkOffset, vlanTags } = this.#dissection;
    const isHeard = reason === PASS || reason === DropCode.addressTaken;
    if (!isHeard || vlanTags > 0 || networkOffset < 0 || !this.#party.isLan(sourcePeerId)) return;
    lease.handleArp(bytes, offset, networkOffset, offset + length, nowMs);
    this.#sendOwn(nowMs);
  }

  /** The code of the reason for which a frame of the TAP stays here, or PASS. Dissects it. */
  #refusal(bytes: Uint8Array, offset: number, length: number): Verdict {
    dissect(bytes, offset, length, this.#dissection);
    if (length < ETHERNET_HEADER_BYTES) return DropCode.shortFrame;
    if (length > FRAME_BYTES_MAX) return DropCode.overLong;
    //= PROTOCOL.md 12
    //# **From its TAP** a client takes frames with its own MAC as source, and never a packet of its
    //# own connection to the relay; in what it asks DHCP servers for (option 55), a code that would
    //# not pass is replaced by 1.
    if (!equalMacs(bytes, offset + MAC_BYTES, this.#mac, 0)) return DropCode.foreignSource;
    if (this.ownTraffic.matches(bytes, offset + length, this.#dissection)) {
      return DropCode.ownTraffic;
    }
    const { blocksDhcp = false, lease } = this.#options;
    const isKeptIn = blocksDhcp || (lease !== undefined && this.#dissection.vlanTags === 0);
    return isKeptIn && isToDhcpServer(this.#dissection) ? DropCode.dhcpOff : PASS;
  }

  /** The code of the reason for which a frame must not reach the TAP, or PASS. Scrubs it. */
  #unwanted(
    bytes: Uint8Array,
    offset: number,
    length: number,
    sourcePeerId: PeerId,
    nowMs: number,
  ): Verdict {
    dissect(bytes, offset, length, this.#dissection);
    //= PROTOCOL.md 12
    //# **To its TAP** it gives multicast, broadcast and frames to its own MAC, and never a frame
    //# from its own MAC.
    if (equalMacs(bytes, offset + MAC_BYTES, this.#mac, 0)) return DropCode.ownEcho;
    if (!isMulticastMac(bytes, offset) && !equalMacs(bytes, offset, this.#mac, 0)) {
      return DropCode.notForUs;
    }
    const frame = this.#dissection;
    const code = this.#addresses.judge(bytes, offset + length, frame, nowMs);
    if (code !== PASS) return code;
    //= PROTOCOL.md 12
    //# It applies rules 8 to 20 to whole frames, too: to those of the gateway without 11 to 14, 19
    //# and 20, and with 10, 15 and 17 unless its user wants otherwise.
    const said = this.#party.judge(bytes, offset, length, frame, sourcePeerId, nowMs);
    return said === PASS ? this.#answers.judge(bytes, offset, length, frame) : said;
  }

  #log(
    nowMs: number,
    peer: number,
    direction: "from-link" | "from-tunnel",
    bytes: Uint8Array,
    offset: number,
    length: number,
    reason: Verdict,
    { etherType }: Dissection,
  ): void {
    const targets = reason === PASS ? 1 : 0;
    this.#options.frameLog.record(
      nowMs,
      this.#room,
      peer,
      direction,
      bytes,
      offset,
      length,
      etherType,
      reason,
      targets,
    );
  }
}

function isToDhcpServer({ ipVersion, ipProtocol, destinationPort }: Dissection): boolean {
  return ipVersion === 4 && ipProtocol === IpProtocol.udp && destinationPort === UdpPort.dhcpServer;
}
