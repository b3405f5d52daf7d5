/**
 * A super-frame in the making: a `struct virtio_net_hdr` and behind it the frame, as a kernel takes both
 * in one write.
 *
 * @module
 */
import { asSlot, type Slot } from "../proto/brands.ts";
import { IpProtocol } from "../proto/dissect.ts";
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "../proto/ip.ts";
import { foldSum, sumRange } from "./internet_sum.ts";
import { GsoType, type LanFrame, VIRTIO_HEADER_BYTES, VIRTIO_NEEDS_CHECKSUM } from "./lan_frame.ts";
import { TCP_CHECKSUM_OFFSET, UDP_CHECKSUM_OFFSET } from "./transport_headers.ts";

/** The longest super-frame: what the length of an IPv4 packet can say, with its Ethernet header and tags. */
export const JOINED_BYTES_MAX = 65_535;
/** Most frames in one: what Linux before 6.9 takes of UDP. */
export const JOINED_SEGMENTS_MAX = 64;

const STRIDE_BYTES = 65_600;
const NONE: Slot = asSlot(-1);
const TCP_FLAGS_OFFSET = 13;

/** See the module. Made once for each place; `segments` is 0 while nothing is held there. */
export class JoinedFrame implements LanFrame {
  /** Bytes from one place to the next. */
  static readonly strideBytes = STRIDE_BYTES;

  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Of the frame; the virtio header is in front of it. */
  readonly offset: number;
  readonly slot = NONE;
  readonly vlanTpid = 0;
  readonly vlanTci = 0;
  length = 0;
  segments = 0;
  virtioFlags = 0;
  gsoType = 0;
  segmentBytes = 0;
  checksumStart = 0;
  checksumOffset = 0;

  isIpv6 = false;
  isTcp = false;
  /** No more may be put behind it. */
  isEnded = false;
  /** Bytes of all headers. */
  headerBytes = 0;
  /** Indexes of the headers. */
  network = 0;
  transport = 0;
  /** What the next frame's must be; the sequence number as a signed integer, which is stored as it is. */
  nextSequence = 0;
  nextIpv4Id = 0;
  #lastFlags = 0;
  #hasZeroIds = false;

  constructor(bytes: Uint8Array<ArrayBuffer>, start: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = start + VIRTIO_HEADER_BYTES;
  }

  /** Where virtio header and frame begin. */
  get start(): number {
    return this.offset - VIRTIO_HEADER_BYTES;
  }

  /** Bytes of both. */
  get wholeBytes(): number {
    return VIRTIO_HEADER_BYTES + this.length;
  }

  /** Bytes of all the frames that it stands for. */
  get wireBytes(): number {
    return this.length + (this.segments - 1) * this.headerBytes;
  }

  /** The first frame lies there; its headers are `network`, `transport` and `headerBytes` from its first byte. */
  begin(
    isIpv6: boolean,
    isTcp: boolean,
    network: number,
    transport: number,
    headerBytes: number,
    payloadBytes: number,
    hasZeroIds: boolean,
  ): void {
    this.isIpv6 = isIpv6;
    this.isTcp = isTcp;
    this.isEnded = false;
    this.network = this.offset + network;
    this.transport = this.offset + transport;
    this.headerBytes = headerBytes;
    this.segmentBytes = payloadBytes;
    this.length = headerBytes + payloadBytes;
    this.segments = 1;
    this.#lastFlags = 0;
    this.#hasZeroIds = hasZeroIds;
    if (isTcp) this.nextSequence = (this.view.getInt32(this.transport + 4) + payloadBytes) | 0;
    if (!isIpv6) this.#countId(this.view.getUint16(this.network + 4));
  }

  /** Another frame's payload was put behind the rest. */
  append(payloadBytes: number): void {
    this.length += payloadBytes;
    this.segments++;
    this.nextSequence = (this.nextSequence + payloadBytes) | 0;
    this.#countId(this.nextIpv4Id);
  }

  /** The frame before was the last, with these flags of TCP (0 of UDP). */
  end(flags: number): void {
    this.isEnded = true;
    this.#lastFlags = flags;
  }

  /** Nothing is held. */
  clear(): void {
    this.segments = 0;
  }

  /** Writes what makes one super-frame of several frames; one alone stays as it came. */
  finish(): void {
    const { view, start, segments, isTcp } = this;
    view.setInt32(start, 0);
    view.setInt32(start + 4, 0);
    view.setInt16(start + 8, 0);
    this.virtioFlags = this.gsoType = 0;
    if (segments === 1) return;
    const transportBytes = this.length - (this.transport - this.offset);
    this.#finishNetwork(transportBytes);
    this.#finishTransport(transportBytes);
    this.virtioFlags = VIRTIO_NEEDS_CHECKSUM;
    if (!isTcp) this.gsoType = GsoType.udpSegments;
    else this.gsoType = this.isIpv6 ? GsoType.tcp6 : GsoType.tcp4;
    this.checksumStart = this.transport - this.offset;
    this.checksumOffset = isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
    view.setUint8(start, this.virtioFlags);
    view.setUint8(start + 1, this.gsoType);
    view.setUint16(start + 2, this.headerBytes, true);
    view.setUint16(start + 4, this.segmentBytes, true);
    view.setUint16(start + 6, this.checksumStart, true);
    view.setUint16(start + 8, this.checksumOffset, true);
  }

  #finishNetwork(transportBytes: number): void {
    const { view, network: at } = this;
    if (this.isIpv6) {
      view.setUint16(at + 4, this.transport - at - IPV6_HEADER_BYTES + transportBytes);
      return;
    }
    view.setUint16(at + 2, IPV4_HEADER_BYTES + transportBytes);
    view.setUint16(at + 10, 0);
    view.setUint16(at + 10, ~sumRange(view, at, IPV4_HEADER_BYTES) & 0xffff);
  }

  /** In the checksum's place stands the pseudo-header's sum, as a sender leaves it to its card. */
  #finishTransport(transportBytes: number): void {
    const { view, network, transport: at, isTcp } = this;
    const addresses = this.isIpv6
      ? sumRange(view, network + 8, 32)
      : sumRange(view, network + 12, 8);
    const sum = foldSum(addresses + (isTcp ? IpProtocol.tcp : IpProtocol.udp) + transportBytes);
    if (isTcp) {
      const flags = view.getUint8(at + TCP_FLAGS_OFFSET) | this.#lastFlags;
      view.setUint8(at + TCP_FLAGS_OFFSET, flags);
      view.setUint16(at + TCP_CHECKSUM_OFFSET, sum);
    } else {
      view.setUint16(at + 4, transportBytes);
      view.setUint16(at + UDP_CHECKSUM_OFFSET, sum);
    }
  }

  #countId(id: number): void {
    this.nextIpv4Id = this.#hasZeroIds ? 0 : (id + 1) & 0xffff;
  }
}
