/**
 * Packets for the tests of `src/offload`, and a second opinion on them: everything here computes its
 * checksums the slow way, from the RFCs, and shares no code with what is tested.
 */
import { GsoType, type LanFrame, VIRTIO_NEEDS_CHECKSUM } from "../../../src/offload/lan_frame.ts";
import { asSlot } from "../../../src/proto/brands.ts";

/** Big-endian bytes of numbers: `[value, bytes]` each. */
export function fields(...pairs: [value: number, bytes: number][]): number[] {
  return pairs.flatMap(([value, bytes]) =>
    Array.from(
      { length: bytes },
      (_, index) => Math.floor(value / 256 ** (bytes - 1 - index)) % 256,
    )
  );
}

/** The checksum of RFC 1071, word by word. */
export function slowChecksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes[at] * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/** What a TCP or UDP packet is made of. */
export interface PacketFields {
  readonly ipVersion: 4 | 6;
  readonly protocol: "tcp" | "udp";
  readonly payload: readonly number[];
  /** VLAN tags in the frame, outermost first: TPID and TCI. */
  readonly tags?: readonly [tpid: number, tci: number][];
  readonly ipOptions?: readonly number[];
  /** IPv6 extension headers (destination options), 8 bytes each. */
  readonly extensions?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly sequence?: number;
  readonly flags?: number;
  readonly tcpOptions?: readonly number[];
}

const MACS = fields([0x020000000051, 6], [0x020000000001, 6]);
const IPV4_PAIR = [10, 0, 0, 1, 10, 0, 0, 81];
const IPV6_PAIR = [0xfe80, 0, 0, 0, 0, 0, 0, 1, 0xfe80, 0, 0, 0, 0, 0, 0, 0x51]
  .flatMap((word) => fields([word, 2]));

/** A whole frame with right checksums, made from nothing but its fields. */
export function makeFrame(packet: PacketFields): Uint8Array<ArrayBuffer> {
  const type = packet.ipVersion === 4 ? 0x0800 : 0x86dd;
  const tags = (packet.tags ?? []).flatMap(([tpid, tci]) => fields([tpid, 2], [tci, 2]));
  const transport = makeTransport(packet);
  const network = packet.ipVersion === 4 ? ipv4(packet, transport) : ipv6(packet, transport);
  return Uint8Array.from([...MACS, ...tags, ...fields([type, 2]), ...network]);
}

function protocolOf(packet: PacketFields): number {
  return packet.protocol === "tcp" ? 6 : 17;
}

function makeTransport(packet: PacketFields): number[] {
  const { payload, tcpOptions = [] } = packet;
  const bytes = packet.protocol === "udp"
    ? 8 + payload.length
    : 20 + tcpOptions.length + payload.length;
  const words = (20 + tcpOptions.length) / 4;
  const header = packet.protocol === "udp"
    ? fields([5000, 2], [5001, 2], [bytes, 2], [0, 2])
    : fields(
      [0x1234, 2],
      [80, 2],
      [packet.sequence ?? 1, 4],
      [0x01020304, 4],
      [words * 4096 + (packet.flags ?? 0x10), 2],
      [0x2000, 2],
      [0, 4],
    ).concat(tcpOptions);
  const whole = [...header, ...payload];
  let checksum = slowChecksum([
    ...pseudoHeader(packet.ipVersion, protocolOf(packet), bytes),
    ...whole,
  ]);
  if (packet.protocol === "udp" && checksum === 0) checksum = 0xffff;
  whole.splice(packet.protocol === "udp" ? 6 : 16, 2, ...fields([checksum, 2]));
  return whole;
}

/** The pseudo-header of RFC 9293 section 3.1 and RFC 8200 section 8.1. */
export function pseudoHeader(ipVersion: 4 | 6, protocol: number, bytes: number): number[] {
  return ipVersion === 4
    ? [...IPV4_PAIR, 0, protocol, ...fields([bytes, 2])]
    : [...IPV6_PAIR, ...fields([bytes, 4], [protocol, 4])];
}

function ipv4(packet: PacketFields, transport: number[]): number[] {
  const options = packet.ipOptions ?? [];
  const headerBytes = 20 + options.length;
  const header = [
    0x40 + headerBytes / 4,
    0,
    ...fields([headerBytes + transport.length, 2], [packet.id ?? 1, 2]),
    packet.dontFragment ? 0x40 : 0,
    0,
    64,
    protocolOf(packet),
    0,
    0,
    ...IPV4_PAIR,
    ...options,
  ];
  header.splice(10, 2, ...fields([slowChecksum(header), 2]));
  return [...header, ...transport];
}

function ipv6(packet: PacketFields, transport: number[]): number[] {
  const count = packet.extensions ?? 0;
  const extensions = Array.from({ length: count }, (_, index) => [
    index === count - 1 ? protocolOf(packet) : 60,
    0,
    1,
    4,
    ...fields([index, 4]),
  ]).flat();
  return [
    ...fields([0x60054321, 4], [extensions.length + transport.length, 2]),
    count === 0 ? protocolOf(packet) : 60,
    64,
    ...IPV6_PAIR,
    ...extensions,
    ...transport,
  ];
}

/** A frame as a packet socket hands it out: by default finished, whole, without a tag or slot. */
export function lanFrame(bytes: Uint8Array, changes: Partial<LanFrame> = {}): LanFrame {
  return {
    bytes,
    offset: 0,
    length: bytes.length - (changes.offset ?? 0),
    slot: asSlot(-1),
    vlanTpid: 0,
    vlanTci: 0,
    virtioFlags: 0,
    gsoType: GsoType.none,
    segmentBytes: 0,
    checksumStart: 0,
    checksumOffset: 0,
    ...changes,
  };
}

/** The super-frame that the kernel would hand out for these fields, cut to be into such segments. */
export function superFrame(
  packet: PacketFields,
  segmentBytes: number,
  changes: Partial<LanFrame> = {},
): LanFrame {
  const bytes = makeFrame(packet);
  const isTcp = packet.protocol === "tcp";
  const headerBytes = isTcp ? 20 + (packet.tcpOptions ?? []).length : 8;
  const tcpType = packet.ipVersion === 4 ? GsoType.tcp4 : GsoType.tcp6;
  return lanFrame(bytes, {
    virtioFlags: VIRTIO_NEEDS_CHECKSUM,
    gsoType: isTcp ? tcpType : GsoType.udpSegments,
    segmentBytes,
    checksumStart: bytes.length - packet.payload.length - headerBytes,
    checksumOffset: isTcp ? 16 : 6,
    ...changes,
  });
}
