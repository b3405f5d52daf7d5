/**
 * Asks all the time whether the party's LAN works: whether a station of it is heard, and this PC has an address.
 *
 * What is heard anyway is proof enough. Where nothing is, after joining and then for a minute, or when something
 * has changed, it asks by ARP who is likely to be there: the DHCP server, the station that was heard last, and
 * the first address of the network, which most routers have.
 *
 * ```
 *  joined, gateway, addresses ─► waiting ── a frame of the LAN ──► heard ── a minute without ─┐
 *                                │  ▲ └ asks: each second, later each 10 s                    │
 *                                │  └─────────────────────────────────────────────────────────┘
 *                                └── 10 s: silent (see verdict.ts)
 * ```
 *
 * @module
 */

import type { AdapterFault } from "../observe/adapter_events.ts";
import type { EndpointAction } from "../endpoint/actions.ts";
import type { RandomBytes } from "../endpoint/random.ts";
import {
  isSameVerdict,
  isTold,
  type LanVerdict,
  type LanVerdictEvent,
} from "../observe/lan_verdict.ts";
import { ArpField, encodeArpRequest, isArpOfIpv4 } from "../proto/arp.ts";
import { readU32 } from "../proto/bytes.ts";
import { type Dissection } from "../proto/dissect.ts";
import { EtherType } from "../proto/ethernet.ts";
import {
  formatIp,
  formatIpv4,
  type IpNetwork,
  IPV4_BYTES,
  IPV4_HEADER_BYTES,
  IPV4_SOURCE_OFFSET,
  parseCidr,
} from "../proto/ip.ts";
import { isLinkLocal } from "../proto/ip_blocks.ts";
import { isLanTalk } from "../proto/lan_talk.ts";
import { parseProbe, ProbeSide, ProbeView } from "../proto/loop_probe.ts";
import { FixedAddress } from "./fixed_address.ts";
import { GatewayQuestions } from "./gateway_questions.ts";
import { decideVerdict, type LanFacts, sightOf, SILENT_AFTER_MS } from "./verdict.ts";

/** How long it is believed that the LAN is there, when nothing comes out of it, ms. */
export const PROOF_MS = 60_000;
/** How often is asked until it is silent, and then. */
export const ASK_INTERVAL_MS = 1_000;
export const ASK_AGAIN_INTERVAL_MS = 10_000;
//= PROTOCOL.md 12
//# takes the gateway to stand still when for 1 s all of them from it say 0.
/** A gateway says each 300 ms that it forwards: one that says for so long only that it does not, stands still. */
const STOPPED_AFTER_MS = 1_000;

/** An adapter that is open and was not looked at yet, or has no address. */
const NO_ADDRESSES: readonly IpNetwork[] = [];
const NO_FRAMES: readonly Uint8Array[] = [];
const NO_EVENTS: readonly LanVerdictEvent[] = [];

/** What a proof is made with. */
export interface LanProofOptions {
  /** The adapter's MAC, six bytes. */
  readonly mac: Uint8Array;
  /** Whether this PC asks a DHCP server of the LAN's for its address. */
  readonly asksForAddress: boolean;
  /** Random bytes, of which the ids of questions are made. */
  readonly random: RandomBytes;
}

/** See the module. */
export class LanProof {
  readonly #options: LanProofOptions;
  readonly #questions: GatewayQuestions;
  readonly #fixed: FixedAddress;
  #isJoined = false;
  #hasGateway = false;
  #gatewaySinceMs = 0;
  #othersCount = 0;
  /** Whether a gateway or another player was ever seen. */
  #hasMet = false;
  /** Of the adapter; undefined: there is none. */
  #addresses: readonly IpNetwork[] | undefined;
  #address: IpNetwork | undefined;
  #addressSinceMs = 0;
  #fault: AdapterFault | undefined;
  /** The adapter's address of IPv4 and its mask, as 32-bit numbers; 0: none. */
  #own = 0;
  #mask = 0;
  /** Who has last said by ARP that its address is of another network, a 32-bit number, and since when only such have. */
  #stranger = 0;
  #strangerSinceMs = Infinity;
  /** When it was asked at once because of such a one. */
  #doubtedMs = -Infinity;
  /** When a DHCP server has answered first, since the gateway came; Infinity: none has. */
  #offeredSinceMs = Infinity;
  /** Since when this PC asks for its address to be confirmed, in vain. */
  #unconfirmedSinceMs = Infinity;
  /** When a station of the LAN was heard last, and whether it, or the gateway, has shown that the LAN is there. */
  #heardMs = -Infinity;
  #isProven = false;
  #unansweredSinceMs = Infinity;
  #askDueMs = Infinity;
  /** The gateway says that it forwards nothing, and since when it has said nothing else; Infinity: it has not. */
  #isStopped = false;
  #stillSinceMs = Infinity;
  readonly #probe = new ProbeView();
  /** Who is asked: 32-bit numbers, 0: nobody. */
  #server = 0;
  #station = 0;
  #verdictDueMs = Infinity;
  /** What was told last. */
  #told: LanVerdict | undefined;
  #frames: Uint8Array[] = [];
  #events: LanVerdictEvent[] = [];

  constructor(options: LanProofOptions) {
    this.#options = options;
    this.#questions = new GatewayQuestions(options.mac, options.random);
    this.#fixed = new FixedAddress(options.mac);
  }

  /** Follows the session: to be called with each of its actions. */
  handleAction(action: EndpointAction, nowMs: number): void {
    switch (action.type) {
      case "joined":
        this.#isJoined = true;
        this.#othersCount = 0;
        return this.#setGateway(action.welcome.gatewayPresent, nowMs);
      case "left":
      case "ended":
        this.#isJoined = false;
        return this.#setGateway(false, nowMs);
      case "peerJoined":
      case "peerLeft":
        if (action.peer.role !== "client") return;
        this.#othersCount += action.type === "peerJoined" ? 1 : -1;
        this.#hasMet = true;
        return this.#settle(nowMs);
      case "status":
        if (action.event.type === "gateway") this.#setGateway(action.event.present, nowMs);
    }
  }

  /**
   * The adapter is there and has these addresses, such as `192.168.1.77/24`; undefined: it is away. To be called
   * whenever they have changed.
   */
  handleAddresses(texts: readonly string[] | undefined, nowMs: number): void {
    const wasThere = this.#addresses !== undefined;
    if (texts === undefined) this.#told = undefined;
    this.#addresses = texts?.map(parseCidr).filter((one) => one !== undefined);
    const address = this.#usable();
    const isSame = address?.address.join() === this.#address?.address.join();
    if (!isSame || !wasThere) this.#addressSinceMs = nowMs;
    this.#address = address;
    const isIpv4 = address?.address.length === IPV4_BYTES;
    this.#own = isIpv4 ? readU32(address.address, 0) : 0;
    this.#mask = isIpv4 ? maskOf(address.prefixBits) : 0;
    if (!isSame) {
      this.#forgetStranger();
      this.#watchFixed(nowMs);
      this.#askAnew(nowMs);
    }
    this.#settle(nowMs);
  }

  /** What another program has otherwise of the adapter, so that the LAN cannot work; undefined: nothing. */
  handleAdapterFault(fault: AdapterFault | undefined, nowMs: number): boolean {
    if (fault?.trait === this.#fault?.trait) return false;
    this.#fault = fault;
    this.#settle(nowMs);
    return true;
  }

  /**
   * A DHCP reply for this PC has come.
   *
   * @param server who gives it an address, a 32-bit number; 0: nobody does, or it is of no use
   */
  handleDhcpReply(server: number, nowMs: number): void {
    this.#offeredSinceMs = Math.min(this.#offeredSinceMs, nowMs);
    this.#unconfirmedSinceMs = Infinity;
    if (server !== 0) {
      this.#server = server;
      this.#forgetStranger();
    }
    this.#settle(nowMs);
  }

  /** This PC asks DHCP servers for its address, or for more time. Who was answered once since the gateway came has no doubt. */
  handleDhcpAsked(nowMs: number): void {
    if (
      this.#offeredSinceMs < Infinity || !this.#hasGateway || this.#unconfirmedSinceMs !== Infinity
    ) return;
    this.#unconfirmedSinceMs = nowMs;
    this.#settle(nowMs);
  }

  /**
   * A frame has come out of the LAN, not of another player, at `bytes[offset … offset + length)`, which `frame`
   * describes. Whether it may reach this PC's system does not matter. Nothing allocates.
   */
  noteHeard(
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: Dissection,
    nowMs: number,
  ): void {
    // VLANs are other networks, and what gateways say themselves is no word of the LAN's.
    if (frame.vlanTags > 0) return;
    if (frame.etherType === EtherType.camRefresh) {
      if (isLanTalk(bytes, offset, length)) this.#noteAnswer(bytes, offset, length, nowMs);
      else this.#noteProbe(bytes, offset, length, nowMs);
      return;
    }
    this.#heardMs = nowMs;
    this.#prove(nowMs);
    const { etherType, networkOffset } = frame;
    if (etherType === EtherType.arp && networkOffset >= 0) {
      const isNews = this.#fixed.handleArp(bytes, networkOffset, offset + length, nowMs);
      if (isNews) this.#verdictDueMs = nowMs;
    }
    const sender = senderOf(bytes, offset + length, frame);
    if (sender === 0) return;
    if (this.#own === 0 || this.#isInLan(sender)) {
      this.#station = sender;
      if (this.#strangerSinceMs !== Infinity) this.#verdictDueMs = nowMs;
      this.#forgetStranger();
    } else if (frame.etherType === EtherType.arp) this.#noteStranger(sender, nowMs);
  }

  /** What the LAN's own DHCP server has given is of the LAN, whoever else is there. */
  #noteStranger(sender: number, nowMs: number): void {
    if (this.#server !== 0 || sender === this.#own || isLinkLocalNumber(sender)) return;
    this.#stranger = sender;
    if (this.#strangerSinceMs !== Infinity) return;
    this.#strangerSinceMs = nowMs;
    this.#verdictDueMs = nowMs;
    // Who is now a stranger and now not does not make a storm of it.
    if (nowMs >= this.#doubtedMs + ASK_INTERVAL_MS) this.#doubtedMs = this.#askDueMs = nowMs;
    else this.#askDueMs = Math.min(this.#askDueMs, this.#doubtedMs + ASK_INTERVAL_MS);
  }

  #forgetStranger(): void {
    this.#stranger = 0;
    this.#strangerSinceMs = Infinity;
  }

  /** When {@linkcode handleTimer} is to be called at the latest, ms. */
  nextDeadlineMs(): number {
    // Asked for in each turn: two at a time, without a list.
    const ownMs = Math.min(this.#askDueMs, this.#verdictDueMs);
    return Math.min(
      ownMs,
      Math.min(this.#questions.nextDeadlineMs(), this.#fixed.nextDeadlineMs()),
    );
  }

  /** To be called at {@linkcode nextDeadlineMs}. */
  handleTimer(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs()) return;
    if (nowMs >= this.#askDueMs) this.#ask(nowMs);
    this.#fixed.handleTimer(nowMs);
    const question = this.#questions.handleTimer(nowMs);
    if (question !== undefined) this.#frames.push(question);
    this.#settle(nowMs);
  }

  /** How it is now. */
  verdict(nowMs: number): LanVerdict {
    return decideVerdict(this.#facts(), nowMs).verdict;
  }

  /** The frames to be sent since the last call. */
  drainFrames(): readonly Uint8Array[] {
    this.#frames.push(...this.#fixed.drainFrames());
    return this.#frames.length === 0 ? NO_FRAMES : this.#frames.splice(0);
  }

  /** What the player is to be told since the last call. */
  drainEvents(): readonly LanVerdictEvent[] {
    return this.#events.length === 0 ? NO_EVENTS : this.#events.splice(0);
  }

  /** The LAN is there. */
  #prove(nowMs: number): void {
    this.#isProven = true;
    if (this.#unansweredSinceMs === Infinity) return;
    this.#unansweredSinceMs = Infinity;
    this.#askDueMs = nowMs + PROOF_MS;
    this.#verdictDueMs = nowMs;
  }

  /** The gateway answers what it was asked, or somebody wants to be taken for it. */
  #noteAnswer(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    if (!this.#questions.handleAnswer(bytes, offset, length, nowMs)) return;
    if (this.#questions.word === "proof") this.#prove(nowMs);
    this.#verdictDueMs = nowMs;
  }

  /**
   * The gateway tells its players so often whether it forwards. A station of the LAN may say the same, in its name; but
   * a gateway that stands still lets none of that through, and one that does not says so itself.
   */
  #noteProbe(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    const view = this.#probe;
    if (!parseProbe(bytes, offset, length, view) || view.side !== ProbeSide.tunnel) return;
    this.#questions.noteProbe(bytes, offset, view, nowMs);
    if (view.forwarding) {
      const wasStopped = this.#isStopped;
      this.#isStopped = false;
      this.#stillSinceMs = Infinity;
      if (wasStopped) this.#setGateway(true, nowMs);
      return;
    }
    if (this.#stillSinceMs === Infinity) this.#stillSinceMs = nowMs;
    if (this.#isStopped || nowMs < this.#stillSinceMs + STOPPED_AFTER_MS) return;
    this.#isStopped = true;
    this.#settle(nowMs);
  }

  /** Another room, or another LAN in it: what was heard before says nothing. */
  #setGateway(isThere: boolean, nowMs: number): void {
    this.#hasGateway = isThere;
    this.#gatewaySinceMs = this.#addressSinceMs = nowMs;
    this.#heardMs = -Infinity;
    this.#isProven = false;
    this.#offeredSinceMs = Infinity;
    this.#unconfirmedSinceMs = Infinity;
    this.#questions.reset(nowMs);
    this.#server = this.#station = 0;
    this.#forgetStranger();
    this.#unansweredSinceMs = this.#askDueMs = Infinity;
    this.#isStopped = false;
    this.#stillSinceMs = Infinity;
    this.#hasMet ||= isThere;
    this.#watchFixed(nowMs);
    if (isThere) this.#askAnew(nowMs);
    this.#settle(nowMs);
  }

  /** One that a DHCP server gives is watched by whoever asks for it. */
  #watchFixed(nowMs: number): void {
    const isWatched = this.#hasGateway && !this.#options.asksForAddress;
    this.#fixed.begin(isWatched ? this.#own : 0, nowMs);
  }

  #askAnew(nowMs: number): void {
    if (!this.#hasGateway) return;
    if (this.#unansweredSinceMs === Infinity) this.#unansweredSinceMs = nowMs;
    this.#questions.askSoon(nowMs);
    this.#ask(nowMs);
  }

  /** Asks, unless something was heard of late: stations too, so that the gateway hears those that answer. */
  #ask(nowMs: number): void {
    const isDoubtful = this.#strangerSinceMs !== Infinity;
    if (this.#unansweredSinceMs === Infinity && !isDoubtful) {
      if (nowMs < this.#heardMs + PROOF_MS) {
        this.#askDueMs = this.#heardMs + PROOF_MS;
        return;
      }
      this.#unansweredSinceMs = nowMs;
      this.#questions.askSoon(nowMs);
    }
    const sinceMs = Math.min(this.#unansweredSinceMs, this.#strangerSinceMs);
    const isSilent = nowMs >= sinceMs + SILENT_AFTER_MS;
    this.#askDueMs = nowMs + (isSilent ? ASK_AGAIN_INTERVAL_MS : ASK_INTERVAL_MS);
    const first = (this.#own & this.#mask) + 1 >>> 0;
    for (const target of new Set([this.#server, this.#station, first])) {
      if (!this.#isInLan(target)) continue;
      this.#frames.push(encodeArpRequest(this.#options.mac, this.#own, target));
    }
  }

  /** Whether it is another station's address of this PC's network. */
  #isInLan(address: number): boolean {
    if (this.#own === 0 || address === 0 || address === this.#own) return false;
    return ((address ^ this.#own) & this.#mask) === 0;
  }

  /** The address that games see. One of IPv6 is none where the LAN is asked for one of IPv4. */
  #usable(): IpNetwork | undefined {
    const good = (this.#addresses ?? NO_ADDRESSES).filter(({ address }) => !isLinkLocal(address));
    return good.find(({ address }) => address.length === IPV4_BYTES) ??
      (this.#options.asksForAddress ? undefined : good[0]);
  }

  #facts(): LanFacts {
    return {
      isJoined: this.#isJoined,
      hasAdapter: this.#addresses !== undefined,
      fault: this.#fault,
      hasGateway: this.#hasGateway,
      gatewaySinceMs: this.#gatewaySinceMs,
      hasOthers: this.#othersCount > 0,
      hasMet: this.#hasMet,
      isStopped: this.#isStopped,
      stoppedSinceMs: this.#stillSinceMs,
      isProven: this.#isProven,
      unansweredSinceMs: this.#unansweredSinceMs,
      address: this.#address && formatIp(this.#address.address),
      addressSinceMs: this.#addressSinceMs,
      stranger: this.#strangerSinceMs === Infinity ? undefined : {
        address: formatIpv4(this.#stranger),
        sinceMs: this.#strangerSinceMs,
      },
      asksForAddress: this.#options.asksForAddress,
      offeredSinceMs: this.#offeredSinceMs,
      unconfirmedSinceMs: this.#options.asksForAddress ? this.#unconfirmedSinceMs : Infinity,
      ownerMac: this.#fixed.owner,
      word: this.#questions.word,
      wordSinceMs: this.#questions.wordSinceMs,
    };
  }

  /** Decides anew, and tells what is news: a short doubt between is none. */
  #settle(nowMs: number): void {
    const { verdict, untilMs } = decideVerdict(this.#facts(), nowMs);
    this.#verdictDueMs = untilMs;
    this.#questions.handleSight(sightOf(verdict), nowMs);
    if (verdict.kind === "outside") this.#told = undefined;
    if (!isTold(verdict)) return;
    if (this.#told !== undefined && isSameVerdict(this.#told, verdict)) return;
    this.#told = verdict;
    this.#events.push({ type: "lanVerdict", verdict });
  }
}

/** The address of IPv4 that a frame was sent from, as a 32-bit number; 0: it names none. */
function senderOf(bytes: Uint8Array, end: number, frame: Dissection): number {
  const at = frame.networkOffset;
  if (at < 0) return 0;
  if (frame.etherType === EtherType.arp) {
    return isArpOfIpv4(bytes, at, end) ? readU32(bytes, at + ArpField.senderAddress) : 0;
  }
  const isWhole = frame.ipVersion === 4 && at + IPV4_HEADER_BYTES <= end;
  return isWhole ? readU32(bytes, at + IPV4_SOURCE_OFFSET) : 0;
}

/** 169.254.0.0/16 (RFC 3927). */
function isLinkLocalNumber(address: number): boolean {
  return address >>> 16 === 0xa9fe;
}

function maskOf(prefixBits: number): number {
  return prefixBits === 0 ? 0 : -1 << 32 - prefixBits;
}
