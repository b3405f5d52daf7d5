/**
 * Joins consecutive TCP segments or UDP datagrams of one flow to super-frames, as Linux' GRO does: one
 * write then takes many frames to the kernel, which carries them whole as far as it can.
 *
 * ```
 *  frame ─► add ─► not joinable ─► false: the caller writes it as it came
 *            │
 *            └──► held, one super-frame for each of 8 flows ─► sink.joined(…): full, ended, or flushed
 * ```
 *
 * What is cut again is byte for byte what was joined. So frames are joined only whose checksums are right
 * and written as a sender of segments writes them, whose headers are equal but for what counts up by
 * itself (length, IPv4 id, sequence number, checksums), and of whose flags the last has PSH or FIN more.
 * Frames of one flow keep their order; those of different flows may overtake each other.
 *
 * Nothing here waits: what is held is given out by {@link Joiner.flush}, which the caller calls when it
 * has no more frames at hand.
 *
 * @module
 */
import {
  ETHERNET_HEADER_BYTES,
  EtherType,
  isVlanTagType,
  VLAN_TAG_BYTES,
  VLAN_TAGS_MAX,
} from "../proto/ethernet.ts";
import { IpProtocol } from "../proto/dissect.ts";
import {
  IPV4_HEADER_BYTES,
  IPV4_SOURCE_OFFSET,
  IPV6_HEADER_BYTES,
  IPV6_SOURCE_OFFSET,
} from "../proto/ip.ts";
import { copyAndSum, foldSum, sumRange } from "./internet_sum.ts";
import { JOINED_BYTES_MAX, JOINED_SEGMENTS_MAX, JoinedFrame } from "./joined_frame.ts";
import { ViewCache } from "./views.ts";
import { DONT_FRAGMENT, TCP_BYTES_MIN, TcpFlag, UDP_BYTES } from "./transport_headers.ts";

/** Flows of which something may be held at a time; one more has the longest untouched place given out. */
export const JOINED_FLOWS_MAX = 8;

/** Where super-frames go. */
export interface JoinedSink {
  /** A frame, or what was joined of several: valid until this returns. Must not call the joiner. */
  joined(frame: JoinedFrame): void;
}

/** What {@link Joiner.add} makes of a frame before it looks for its flow. */
const Shape = {
  /** Neither TCP nor UDP: of no flow here. */
  other: 0,
  /** An IP packet whose flow is not seen: a fragment, or behind options. */
  hidden: 1,
  /** Of a flow, but to be sent by itself: no payload, too long, a flag that counts, a checksum that may be none. */
  single: 2,
  joinable: 3,
} as const;

const IPV4_ADDRESS_BYTES = 4;
const IPV6_ADDRESS_BYTES = 16;
/** Data offset and flags of a segment that can be joined: reserved bits, CWR, URG, RST and SYN are 0. */
const FLAGS_MASK = 0x0fff;
const JOINED_FLAGS = TcpFlag.ack | TcpFlag.ece | TcpFlag.psh | TcpFlag.fin;

/** Which frames are joined. */
export interface JoinerOptions {
  readonly udp: boolean;
  /**
   * Joins packets that may not be fragmented and all have the IPv4 id 0, too. Who cuts a super-frame of them
   * may count their ids up (RFC 6864 section 4.1 lets it), which is not what came.
   */
  readonly zeroIds: boolean;
}

/** See the module. */
export class Joiner {
  /** May be switched off where the system takes no such super-frames. */
  joinsUdp: boolean;
  joinsTcp = true;
  /**
   * Most bytes behind the Ethernet header, and behind a first tag of 802.1Q, of what is joined: the system
   * refuses a longer frame that comes by itself (`EMSGSIZE`), but not one that it is to cut.
   */
  mtu = JOINED_BYTES_MAX;
  readonly #zeroIds: boolean;
  readonly #sink: JoinedSink;
  readonly #flows: readonly JoinedFrame[];
  readonly #sources = new ViewCache();
  /** A mix of addresses and ports of what each place holds, to look at the likely ones alone. */
  readonly #keys = new Int32Array(JOINED_FLOWS_MAX);
  #held = 0;
  #nextPlace = 0;

  // The frame at hand; offsets are indexes in its bytes.
  #network = 0;
  #isTooLong = false;
  #transport = 0;
  #payload = 0;
  #end = 0;
  #isIpv6 = false;
  #isTcp = false;
  #key = 0;

  constructor(sink: JoinedSink, options: JoinerOptions) {
    this.#sink = sink;
    this.joinsUdp = options.udp;
    this.#zeroIds = options.zeroIds;
    const bytes = new Uint8Array(JOINED_FLOWS_MAX * JoinedFrame.strideBytes);
    this.#flows = Array.from(
      { length: JOINED_FLOWS_MAX },
      (_, index) => new JoinedFrame(bytes, index * JoinedFrame.strideBytes),
    );
  }

  /** Where super-frames lie: it stays for the life of the joiner. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#flows[0].bytes;
  }

  /**
   * Takes a frame, or has the caller send it by itself; what was held of its flow has been given out then.
   * The bytes are not needed any more when this returns.
   *
   * @returns whether the frame was taken
   */
  add(bytes: Uint8Array, offset: number, length: number): boolean {
    const view = this.#sources.of(bytes);
    const shape = this.#read(view, offset, length);
    if (shape === Shape.other) return false;
    if (shape === Shape.hidden) {
      this.flush();
      return false;
    }
    const place = this.#held === 0 ? -1 : this.#find(view);
    if (shape === Shape.single) {
      if (place >= 0) this.#giveOut(place);
      return false;
    }
    if (place >= 0) {
      if (this.#append(this.#flows[place], view, offset)) {
        if (this.#flows[place].isEnded) this.#giveOut(place);
        return true;
      }
      this.#giveOut(place);
    }
    return this.#begin(view, offset);
  }

  /** Gives out all that is held. */
  flush(): void {
    for (let place = 0; this.#held > 0 && place < JOINED_FLOWS_MAX; place++) {
      if (this.#flows[place].segments > 0) this.#giveOut(place);
    }
  }

  /** Looks at the frame's headers; they are all inside of it unless the shape is `other`. */
  #read(view: DataView, offset: number, length: number): number {
    const end = offset + length;
    let network = offset + ETHERNET_HEADER_BYTES;
    if (network + IPV4_HEADER_BYTES + UDP_BYTES > end) return Shape.other;
    let type = view.getUint16(network - 2);
    const linkBytes = ETHERNET_HEADER_BYTES + (type === EtherType.vlan ? VLAN_TAG_BYTES : 0);
    this.#isTooLong = length - linkBytes > this.mtu;
    for (let tags = 0; isVlanTagType(type) && tags < VLAN_TAGS_MAX; tags++) {
      network += VLAN_TAG_BYTES;
      if (network + IPV4_HEADER_BYTES + UDP_BYTES > end) return Shape.other;
      type = view.getUint16(network - 2);
    }
    this.#network = network;
    this.#end = end;
    if (type === EtherType.ipv4) return this.#readIpv4(view, offset);
    return type === EtherType.ipv6 ? this.#readIpv6(view, offset) : Shape.other;
  }

  #readIpv4(view: DataView, offset: number): number {
    const at = this.#network;
    const protocol = view.getUint8(at + 9);
    this.#isTcp = protocol === IpProtocol.tcp;
    if (!this.#isTcp && protocol !== IpProtocol.udp) return Shape.other;
    // Version 4, five words of header; neither more fragments nor an offset, nor the reserved bit.
    const fragment = view.getUint16(at + 6) & ~DONT_FRAGMENT;
    if (view.getUint8(at) !== 0x45 || fragment !== 0) return Shape.hidden;
    const sum = sumRange(view, at, IPV4_HEADER_BYTES);
    const isSound = sum === 0xffff && view.getUint16(at + 10) !== 0xffff;
    this.#isIpv6 = false;
    const transport = at + IPV4_HEADER_BYTES;
    this.#key = view.getInt32(at + 12) ^ view.getInt32(at + 16) ^ view.getInt32(transport);
    // Behind the packet nothing: a trailer would be lost.
    const isWhole = isSound && at + view.getUint16(at + 2) === this.#end;
    return this.#readTransport(view, offset, transport, isWhole);
  }

  #readIpv6(view: DataView, offset: number): number {
    const at = this.#network;
    const transport = at + IPV6_HEADER_BYTES;
    if (transport + UDP_BYTES > this.#end) return Shape.other;
    const next = view.getUint8(at + 6);
    this.#isTcp = next === IpProtocol.tcp;
    if (!this.#isTcp && next !== IpProtocol.udp) {
      return next === IpProtocol.icmpv6 ? Shape.other : Shape.hidden;
    }
    if (view.getUint8(at) >>> 4 !== 6) return Shape.hidden;
    this.#isIpv6 = true;
    this.#key = view.getInt32(at + 20) ^ view.getInt32(at + 36) ^ view.getInt32(transport);
    const isWhole = transport + view.getUint16(at + 4) === this.#end;
    return this.#readTransport(view, offset, transport, isWhole);
  }

  #readTransport(view: DataView, offset: number, transport: number, isWhole: boolean): number {
    this.#transport = transport;
    // To a group: such datagrams have several ways on, and none is joined there.
    const isToGroup = (view.getUint8(offset) & 1) !== 0;
    if (!isWhole || this.#isTooLong || isToGroup) return Shape.single;
    if (this.#isTcp) return this.#readTcp(view, transport);
    this.#payload = transport + UDP_BYTES;
    const isDatagram = this.joinsUdp && this.#payload < this.#end &&
      view.getUint16(transport + 4) === this.#end - transport &&
      view.getUint16(transport + 6) !== 0;
    return isDatagram ? Shape.joinable : Shape.single;
  }

  #readTcp(view: DataView, at: number): number {
    if (!this.joinsTcp || at + TCP_BYTES_MIN > this.#end) return Shape.single;
    const flags = view.getUint16(at + 12);
    const headerBytes = (flags >>> 12) * 4;
    this.#payload = at + headerBytes;
    if (headerBytes < TCP_BYTES_MIN || this.#payload >= this.#end) return Shape.single;
    if ((flags & FLAGS_MASK & ~JOINED_FLAGS) !== 0 || (flags & TcpFlag.ack) === 0) {
      return Shape.single;
    }
    // Either is written for a sum of zero.
    const checksum = view.getUint16(at + 16);
    return checksum === 0 || checksum === 0xffff ? Shape.single : Shape.joinable;
  }

  /** The place of what is held of the flow of the frame at hand, or -1. */
  #find(view: DataView): number {
    for (let place = 0; place < JOINED_FLOWS_MAX; place++) {
      if (this.#keys[place] !== this.#key) continue;
      const flow = this.#flows[place];
      if (flow.segments > 0 && this.#isOf(flow, view)) return place;
    }
    return -1;
  }

  /** Whether addresses, protocol and ports are the flow's. */
  #isOf(flow: JoinedFrame, view: DataView): boolean {
    if (flow.isIpv6 !== this.#isIpv6 || flow.isTcp !== this.#isTcp) return false;
    const held = flow.view;
    if (view.getInt32(this.#transport) !== held.getInt32(flow.transport)) return false;
    const skipped = this.#isIpv6 ? IPV6_SOURCE_OFFSET : IPV4_SOURCE_OFFSET;
    const bytes = this.#isIpv6 ? 2 * IPV6_ADDRESS_BYTES : 2 * IPV4_ADDRESS_BYTES;
    return equalWords(view, this.#network + skipped, held, flow.network + skipped, bytes);
  }

  /** Puts the frame at hand behind what is held of its flow, if it is the next of the same kind. */
  #append(flow: JoinedFrame, view: DataView, offset: number): boolean {
    const payloadBytes = this.#end - this.#payload;
    const headerBytes = this.#payload - offset;
    if (
      payloadBytes > flow.segmentBytes || headerBytes !== flow.headerBytes ||
      flow.length + payloadBytes > JOINED_BYTES_MAX || flow.segments === JOINED_SEGMENTS_MAX ||
      !this.#continuesNetwork(flow, view, offset) ||
      !(this.#isTcp ? this.#continuesTcp(flow, view) : true)
    ) return false;
    const to = flow.offset + flow.length;
    const sum = copyAndSum(view, this.#payload, flow.view, to, payloadBytes);
    if (!this.#isIntact(view, sum)) return false;
    flow.append(payloadBytes);
    // Shorter than the others, it is the last; so is what the receiver is to have at once.
    const flags = this.#isTcp ? view.getUint8(this.#transport + 13) : 0;
    if ((flags & (TcpFlag.psh | TcpFlag.fin)) !== 0) flow.end(flags);
    else if (payloadBytes < flow.segmentBytes) flow.end(0);
    return true;
  }

  /** Ethernet header, tags and what of the IP header does not count up are those that are held. */
  #continuesNetwork(flow: JoinedFrame, view: DataView, offset: number): boolean {
    const held = flow.view;
    const at = this.#network;
    const heldAt = flow.network;
    if (!equalBytes(view, offset, held, flow.offset, at - offset)) return false;
    if (this.#isIpv6) {
      // Traffic class, flow label, hop limit.
      return view.getInt32(at) === held.getInt32(heldAt) &&
        view.getUint16(at + 6) === held.getUint16(heldAt + 6);
    }
    return view.getUint16(at) === held.getUint16(heldAt) &&
      view.getInt16(at + 8) === held.getInt16(heldAt + 8) &&
      view.getUint16(at + 6) === held.getUint16(heldAt + 6) &&
      view.getUint16(at + 4) === flow.nextIpv4Id;
  }

  #continuesTcp(flow: JoinedFrame, view: DataView): boolean {
    const held = flow.view;
    const at = this.#transport;
    const heldAt = flow.transport;
    const changed = view.getUint16(at + 12) ^ held.getUint16(heldAt + 12);
    return view.getInt32(at + 4) === flow.nextSequence &&
      view.getInt32(at + 8) === held.getInt32(heldAt + 8) &&
      (changed & ~(TcpFlag.psh | TcpFlag.fin)) === 0 &&
      view.getUint16(at + 14) === held.getUint16(heldAt + 14) &&
      view.getUint16(at + 18) === held.getUint16(heldAt + 18) &&
      equalWords(view, at + 20, held, heldAt + 20, this.#payload - at - TCP_BYTES_MIN);
  }

  /** Holds the frame at hand as the first of its flow, if another one can follow it. */
  #begin(view: DataView, offset: number): boolean {
    if (this.#isTcp) {
      const flags = view.getUint8(this.#transport + 13);
      if ((flags & (TcpFlag.psh | TcpFlag.fin)) !== 0) return false;
    }
    const isZeroId = !this.#isIpv6 && view.getInt32(this.#network + 4) === DONT_FRAGMENT;
    if (isZeroId && !this.#zeroIds) return false;
    const place = this.#freePlace();
    const flow = this.#flows[place];
    const headerBytes = this.#payload - offset;
    copyAndSum(view, offset, flow.view, flow.offset, headerBytes);
    const to = flow.offset + headerBytes;
    const payloadBytes = this.#end - this.#payload;
    const sum = copyAndSum(view, this.#payload, flow.view, to, payloadBytes);
    if (!this.#isIntact(view, sum)) return false;
    flow.begin(
      this.#isIpv6,
      this.#isTcp,
      this.#network - offset,
      this.#transport - offset,
      headerBytes,
      payloadBytes,
      isZeroId,
    );
    this.#keys[place] = this.#key;
    this.#held++;
    return true;
  }

  /** Whether the checksum of TCP or UDP is right, with the payload's sum at hand. */
  #isIntact(view: DataView, payloadSum: number): boolean {
    const transport = this.#transport;
    const skipped = this.#isIpv6 ? IPV6_SOURCE_OFFSET : IPV4_SOURCE_OFFSET;
    const addressBytes = this.#isIpv6 ? 2 * IPV6_ADDRESS_BYTES : 2 * IPV4_ADDRESS_BYTES;
    const sum = sumRange(view, this.#network + skipped, addressBytes) +
      (this.#isTcp ? IpProtocol.tcp : IpProtocol.udp) + (this.#end - transport) +
      sumRange(view, transport, this.#payload - transport) + payloadSum;
    return foldSum(sum) === 0xffff;
  }

  #freePlace(): number {
    for (let count = 0; count < JOINED_FLOWS_MAX; count++) {
      if (this.#flows[count].segments === 0) return count;
    }
    const place = this.#nextPlace;
    this.#nextPlace = (place + 1) % JOINED_FLOWS_MAX;
    this.#giveOut(place);
    return place;
  }

  #giveOut(place: number): void {
    const flow = this.#flows[place];
    this.#held--;
    flow.finish();
    this.#sink.joined(flow);
    flow.clear();
  }
}

function equalWords(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  for (let at = 0; at < length; at += 4) {
    if (a.getInt32(aAt + at) !== b.getInt32(bAt + at)) return false;
  }
  return true;
}

/** Of an even number of bytes. */
function equalBytes(a: DataView, aAt: number, b: DataView, bAt: number, length: number): boolean {
  for (let at = 0; at < length; at += 2) {
    if (a.getInt16(aAt + at) !== b.getInt16(bAt + at)) return false;
  }
  return true;
}
