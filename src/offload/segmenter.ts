/**
 * Cuts the super-frames that segmentation offload (GSO) and receive merging (GRO) make back into the
 * frames that belong on a wire: TCP over IPv4 and IPv6, and UDP segmentation offload over both.
 *
 * Each segment's headers are a copy of the super-frame's, with what differs set anew: lengths, the IPv4
 * id, the TCP sequence number and flags, and every checksum. A segment is written straight into the
 * caller's buffer while it is summed; nothing is allocated.
 *
 * @module
 */
import { dissect, Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { ETHERNET_HEADER_BYTES, FRAME_BYTES_MAX, VLAN_TAG_BYTES } from "../proto/ethernet.ts";
import { IPV6_HEADER_BYTES } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { copyAndSum, foldSum, sumRange } from "./internet_sum.ts";
import {
  GsoType,
  type LanFrame,
  OffloadError,
  VIRTIO_GSO_ECN,
  VIRTIO_NEEDS_CHECKSUM,
} from "./lan_frame.ts";
import { ViewCache } from "./views.ts";
import {
  DONT_FRAGMENT,
  TCP_BYTES_MIN,
  TCP_CHECKSUM_OFFSET,
  TcpFlag,
  UDP_BYTES,
  UDP_CHECKSUM_OFFSET,
} from "./transport_headers.ts";

/** Most header bytes, Ethernet to TCP or UDP, of a frame that can be cut. */
export const SEGMENT_HEADERS_BYTES_MAX = 256;
/** Most segments of one super-frame: 64 KB in the smallest that Linux makes (8 bytes). */
export const SEGMENTS_MAX = 8_192;

const MACS_BYTES = 2 * MAC_BYTES;
const IPV4_BYTES_MIN = 20;

/** Hands out the segments of one super-frame after another. */
export class Segmenter {
  readonly #dissection = new Dissection();
  readonly #sources = new ViewCache();
  readonly #targets = new ViewCache();
  #source: DataView = new DataView(new ArrayBuffer(0));

  /** The segments' headers, with all that differs between them zeroed. */
  readonly #headers: DataView = new DataView(new ArrayBuffer(SEGMENT_HEADERS_BYTES_MAX));
  // Offsets in the headers.
  #headersBytes = 0;
  #networkOffset = 0;
  #transportOffset = 0;
  #isIpv6 = false;
  #isTcp = false;
  #ecn = false;

  #payloadAt = 0;
  #payloadLeft = 0;
  #segmentBytes = 0;
  #segmentIndex = 0;
  #segmentsLeft = 0;

  // What segments are counted up from, and the sums over what they have in common.
  #ipv4Id = 0;
  #ipv4IdStep = 0;
  #sequence = 0;
  #tcpOffsetAndFlags = 0;
  #ipv4Sum = 0;
  #transportSum = 0;

  /**
   * Checks a super-frame and prepares its cutting. Its bytes must stay until the last
   * {@link Segmenter.next}. A VLAN tag that the kernel took out is put back into every segment.
   *
   * @returns the number of segments, or a value of {@link OffloadError}
   */
  begin(frame: LanFrame): number {
    this.#segmentsLeft = 0;
    const { bytes, offset, length, segmentBytes } = frame;
    const type = frame.gsoType & ~VIRTIO_GSO_ECN;
    if (type !== GsoType.tcp4 && type !== GsoType.tcp6 && type !== GsoType.udpSegments) {
      return OffloadError.unsupported;
    }
    if (segmentBytes <= 0 || offset + length > bytes.length) return OffloadError.invalid;
    dissect(bytes, offset, length, this.#dissection);
    this.#source = this.#sources.of(bytes);
    this.#isTcp = type !== GsoType.udpSegments;
    const packetEnd = this.#checkNetwork(offset, length, type);
    if (packetEnd < 0) return OffloadError.invalid;
    const payloadAt = this.#checkTransport(frame, packetEnd);
    if (payloadAt < 0) return OffloadError.invalid;

    const tagBytes = frame.vlanTpid === 0 ? 0 : VLAN_TAG_BYTES;
    const headersBytes = payloadAt - offset + tagBytes;
    const payloadBytes = packetEnd - payloadAt;
    if (headersBytes > SEGMENT_HEADERS_BYTES_MAX) return OffloadError.unsupported;
    if (headersBytes + Math.min(payloadBytes, segmentBytes) > FRAME_BYTES_MAX) {
      return OffloadError.overLong;
    }
    const segments = Math.max(1, Math.ceil(payloadBytes / segmentBytes));
    if (segments > SEGMENTS_MAX) return OffloadError.invalid;
    this.#headersBytes = headersBytes;
    this.#networkOffset = this.#dissection.networkOffset - offset + tagBytes;
    this.#transportOffset = this.#dissection.transportOffset - offset + tagBytes;
    this.#payloadAt = payloadAt;
    this.#payloadLeft = payloadBytes;
    this.#segmentBytes = segmentBytes;
    this.#segmentIndex = 0;
    this.#ecn = (frame.gsoType & VIRTIO_GSO_ECN) !== 0;
    this.#copyHeaders(frame);
    this.#prepareNetwork();
    this.#prepareTransport();
    // A SYN takes up a sequence number itself, so what follows it cannot be counted from it.
    if (this.#isTcp && segments > 1 && (this.#tcpOffsetAndFlags & TcpFlag.syn) !== 0) {
      return OffloadError.invalid;
    }
    this.#segmentsLeft = segments;
    return segments;
  }

  /** Segments that {@link Segmenter.next} has still to write. */
  get remaining(): number {
    return this.#segmentsLeft;
  }

  /**
   * Writes the next segment.
   *
   * @returns the segment's length, at most `FRAME_BYTES_MAX`; 0 when there is none left
   * @throws RangeError when the target has no room for it
   */
  next(target: Uint8Array, targetOffset: number): number {
    if (this.#segmentsLeft === 0) return 0;
    const headersBytes = this.#headersBytes;
    const payloadBytes = Math.min(this.#payloadLeft, this.#segmentBytes);
    const frameBytes = headersBytes + payloadBytes;
    const view = this.#targets.of(target);
    copyAndSum(this.#headers, 0, view, targetOffset, headersBytes);
    const payloadSum = copyAndSum(
      this.#source,
      this.#payloadAt,
      view,
      targetOffset + headersBytes,
      payloadBytes,
    );
    const network = targetOffset + this.#networkOffset;
    this.#finishNetwork(view, network, frameBytes - this.#networkOffset);
    const transport = targetOffset + this.#transportOffset;
    const transportBytes = frameBytes - this.#transportOffset;
    if (this.#isTcp) this.#finishTcp(view, transport, transportBytes, payloadSum);
    else this.#finishUdp(view, transport, transportBytes, payloadSum);
    this.#payloadAt += payloadBytes;
    this.#payloadLeft -= payloadBytes;
    this.#segmentIndex++;
    this.#segmentsLeft--;
    return frameBytes;
  }

  /** The index behind the IP packet's last byte; -1 when the frame is not what its metadata says. */
  #checkNetwork(offset: number, length: number, type: number): number {
    const source = this.#source;
    const { networkOffset: network, vlanTags, ipVersion, ipFragment } = this.#dissection;
    if (this.#dissection.truncated || ipFragment !== IpFragment.no) return -1;
    // Encapsulated in LLC/SNAP there is a length in the Ethernet header: nothing merges such frames.
    if (network !== offset + ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES * vlanTags) return -1;
    this.#isIpv6 = ipVersion === 6;
    let packetEnd = -1;
    if (ipVersion === 4 && type !== GsoType.tcp6) {
      const headerBytes = (source.getUint8(network) & 0x0f) * 4;
      if (network + headerBytes !== this.#dissection.transportOffset) return -1;
      packetEnd = network + source.getUint16(network + 2);
    } else if (ipVersion === 6 && type !== GsoType.tcp4) {
      if (!this.#hasPlainExtensions(network)) return -1;
      packetEnd = network + IPV6_HEADER_BYTES + source.getUint16(network + 4);
    }
    return packetEnd > offset + length ? -1 : packetEnd;
  }

  /**
   * Whether nothing but hop-by-hop and destination options stands before the transport header: behind
   * a routing header the checksum counts another destination (RFC 8200 section 8.1), and the kernel
   * offloads no such packets.
   */
  #hasPlainExtensions(network: number): boolean {
    const source = this.#source;
    const transport = this.#dissection.transportOffset;
    let next = source.getUint8(network + 6);
    let at = network + IPV6_HEADER_BYTES;
    while (at < transport) {
      if (next !== IpProtocol.hopByHop && next !== IpProtocol.destinationOptions) return false;
      next = source.getUint8(at);
      at += (source.getUint8(at + 1) + 1) * 8;
    }
    return at === transport && next === this.#dissection.ipProtocol;
  }

  /** The index of the payload's first byte; -1 when the frame is not what its metadata says. */
  #checkTransport(frame: LanFrame, packetEnd: number): number {
    const { ipProtocol, transportOffset: transport } = this.#dissection;
    const isTcp = this.#isTcp;
    if (ipProtocol !== (isTcp ? IpProtocol.tcp : IpProtocol.udp)) return -1;
    if (transport < 0 || transport + (isTcp ? TCP_BYTES_MIN : UDP_BYTES) > packetEnd) return -1;
    if ((frame.virtioFlags & VIRTIO_NEEDS_CHECKSUM) !== 0) {
      const field = isTcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET;
      const start = frame.offset + frame.checksumStart;
      if (start !== transport || frame.checksumOffset !== field) return -1;
    }
    if (!isTcp) return transport + UDP_BYTES;
    const headerBytes = (this.#source.getUint8(transport + 12) >> 4) * 4;
    if (headerBytes < TCP_BYTES_MIN || transport + headerBytes > packetEnd) return -1;
    return transport + headerBytes;
  }

  #copyHeaders(frame: LanFrame): void {
    const headers = this.#headers;
    const { offset, vlanTpid, vlanTci } = frame;
    const tagBytes = vlanTpid === 0 ? 0 : VLAN_TAG_BYTES;
    copyAndSum(this.#source, offset, headers, 0, MACS_BYTES);
    if (tagBytes !== 0) {
      headers.setUint16(MACS_BYTES, vlanTpid);
      headers.setUint16(MACS_BYTES + 2, vlanTci);
    }
    const to = MACS_BYTES + tagBytes;
    copyAndSum(this.#source, offset + MACS_BYTES, headers, to, this.#headersBytes - to);
  }

  /** Zeroes the IP fields that differ, and sums what all segments' headers have in common. */
  #prepareNetwork(): void {
    const headers = this.#headers;
    const at = this.#networkOffset;
    const protocol = this.#isTcp ? IpProtocol.tcp : IpProtocol.udp;
    if (this.#isIpv6) {
      headers.setUint16(at + 4, 0);
      // The pseudo-header (RFC 8200 section 8.1) without the length.
      this.#transportSum = sumRange(headers, at + 8, 32) + protocol;
      return;
    }
    this.#ipv4Id = headers.getUint16(at + 4);
    const isAtomic = (headers.getUint16(at + 6) & DONT_FRAGMENT) !== 0;
    // A sender that never fragments and counts no ids leaves them 0 (RFC 6864 section 4.1).
    this.#ipv4IdStep = isAtomic && this.#ipv4Id === 0 ? 0 : 1;
    headers.setUint16(at + 2, 0);
    headers.setUint16(at + 4, 0);
    headers.setUint16(at + 10, 0);
    this.#ipv4Sum = sumRange(headers, at, this.#transportOffset - at);
    this.#transportSum = sumRange(headers, at + IPV4_BYTES_MIN - 8, 8) + protocol;
  }

  /** The same for TCP or UDP. */
  #prepareTransport(): void {
    const headers = this.#headers;
    const at = this.#transportOffset;
    if (this.#isTcp) {
      this.#sequence = headers.getUint32(at + 4);
      this.#tcpOffsetAndFlags = headers.getUint16(at + 12);
      headers.setUint32(at + 4, 0);
      headers.setUint16(at + 12, 0);
      headers.setUint16(at + TCP_CHECKSUM_OFFSET, 0);
    } else {
      headers.setUint16(at + 4, 0);
      headers.setUint16(at + UDP_CHECKSUM_OFFSET, 0);
    }
    this.#transportSum += sumRange(headers, at, this.#headersBytes - at);
  }

  #finishNetwork(view: DataView, at: number, packetBytes: number): void {
    if (this.#isIpv6) {
      view.setUint16(at + 4, packetBytes - IPV6_HEADER_BYTES);
      return;
    }
    const id = (this.#ipv4Id + this.#segmentIndex * this.#ipv4IdStep) & 0xffff;
    view.setUint16(at + 2, packetBytes);
    view.setUint16(at + 4, id);
    view.setUint16(at + 10, ~foldSum(this.#ipv4Sum + packetBytes + id) & 0xffff);
  }

  #finishTcp(view: DataView, at: number, tcpBytes: number, payloadSum: number): void {
    let flags = this.#tcpOffsetAndFlags;
    if (this.#segmentsLeft > 1) flags &= ~(TcpFlag.fin | TcpFlag.psh);
    if (this.#ecn && this.#segmentIndex > 0) flags &= ~TcpFlag.cwr;
    const sequence = (this.#sequence + this.#segmentIndex * this.#segmentBytes) >>> 0;
    view.setUint32(at + 4, sequence);
    view.setUint16(at + 12, flags);
    const sum = this.#transportSum + tcpBytes + (sequence >>> 16) + (sequence & 0xffff) + flags +
      payloadSum;
    view.setUint16(at + TCP_CHECKSUM_OFFSET, ~foldSum(sum) & 0xffff);
  }

  #finishUdp(view: DataView, at: number, udpBytes: number, payloadSum: number): void {
    view.setUint16(at + 4, udpBytes);
    // The length counts twice: in the header and in the pseudo-header.
    const sum = ~foldSum(this.#transportSum + 2 * udpBytes + payloadSum) & 0xffff;
    view.setUint16(at + UDP_CHECKSUM_OFFSET, sum === 0 ? 0xffff : sum);
  }
}
