/** Packets as a sender leaves them to its card, and what must come of each. */
import { assert, assertEquals } from "@std/assert";
import { addressOf, Struct } from "../../src/ffi/layout.ts";
import { libcNet } from "../../src/ffi/libc_net.ts";
import { IOVEC, VIRTIO_NET_HDR } from "../../src/ffi/linux_layouts.ts";
import type { PacketSocket } from "../../src/link/packet_socket.ts";
import { ChecksumCompleter } from "../../src/offload/checksum_completer.ts";
import { type LanFrame, VIRTIO_GSO_ECN } from "../../src/offload/lan_frame.ts";
import { Segmenter } from "../../src/offload/segmenter.ts";
import { toHex } from "../../tools/lab/frames.ts";
import {
  type PacketFields,
  pseudoHeader,
  slowChecksum,
  superFrame,
} from "../unit/offload/packets.ts";

/** Sends an unfinished frame as a driver would get it. */
export function sendUnfinished(socket: PacketSocket, frame: LanFrame): void {
  const header = new Struct(VIRTIO_NET_HDR)
    .setNumber("flags", frame.virtioFlags)
    .setNumber("gso_type", frame.gsoType)
    .setNumber("hdr_len", frame.gsoType === 0 ? 0 : frame.checksumStart + frame.checksumOffset + 4)
    .setNumber("gso_size", frame.segmentBytes)
    .setNumber("csum_start", frame.checksumStart)
    .setNumber("csum_offset", frame.checksumOffset);
  const message = new Uint8Array(VIRTIO_NET_HDR.sizeBytes + frame.length);
  message.set(header.bytes);
  const bytes = frame.bytes.subarray(frame.offset, frame.offset + frame.length);
  message.set(bytes, VIRTIO_NET_HDR.sizeBytes);
  const vector = new Struct(IOVEC).setPointer(
    "iov_base",
    Deno.UnsafePointer.create(addressOf(message)),
  ).setNumber("iov_len", message.length);
  assertEquals(libcNet().writev(socket.fd, vector.bytes, 1), message.length, "writev");
}

/** What finishing it here makes of a frame, in hexadecimal digits. */
export function finished(frame: LanFrame): string[] {
  const target = new Uint8Array(2048);
  if (frame.gsoType === 0) {
    const length = new ChecksumCompleter().copy(frame, target, 0);
    return [toHex(target.subarray(0, length))];
  }
  const segmenter = new Segmenter();
  assert(segmenter.begin(frame) > 0, "the gateway can cut it");
  const frames: string[] = [];
  while (segmenter.remaining > 0) {
    const length = segmenter.next(target, 0);
    frames.push(toHex(target.subarray(0, length)));
  }
  return frames;
}

const PAYLOAD = Array.from({ length: 6001 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
const TIMESTAMPS = [1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7];

/** A packet as a sender leaves it to its card: in the checksum's place the pseudo-header's sum. */
function unfinished(packet: PacketFields, segmentBytes: number): LanFrame {
  const frame = superFrame(packet, segmentBytes, segmentBytes === 0 ? { gsoType: 0 } : {});
  const protocol = packet.protocol === "tcp" ? 6 : 17;
  const transportBytes = frame.length - frame.checksumStart;
  const sum = 0xffff - slowChecksum(pseudoHeader(packet.ipVersion, protocol, transportBytes));
  const at = frame.offset + frame.checksumStart + frame.checksumOffset;
  frame.bytes.set([sum >> 8, sum & 0xff], at);
  return frame;
}

const TCP4 = { ipVersion: 4, protocol: "tcp", payload: PAYLOAD } as const;
const UDP4 = { ipVersion: 4, protocol: "udp", payload: PAYLOAD } as const;
const SHORT = PAYLOAD.slice(0, 777);
const FIN_PUSH_CWR = 0x99;
const ACK_PUSH_URG = 0x38;

/** One of each kind that a kernel leaves unfinished. */
export const UNFINISHED_FRAMES: readonly (readonly [name: string, frame: LanFrame])[] = [
  ["TCP over IPv4", unfinished(TCP4, 1448)],
  ["TCP over IPv6", unfinished({ ...TCP4, ipVersion: 6 }, 1428)],
  [
    "TCP with timestamps and a short last segment",
    unfinished({ ...TCP4, payload: PAYLOAD.slice(0, 2897), tcpOptions: TIMESTAMPS }, 1448),
  ],
  [
    "TCP with ids that wrap around",
    unfinished({ ...TCP4, id: 0xfffe, sequence: 0xfffff000 }, 1000),
  ],
  ["TCP that may not be fragmented", unfinished({ ...TCP4, dontFragment: true, id: 5 }, 1000)],
  ["TCP with FIN and PUSH", unfinished({ ...TCP4, flags: 0x19 }, 1000)],
  [
    "TCP with ECN",
    ((frame) => ({ ...frame, gsoType: frame.gsoType | VIRTIO_GSO_ECN }))(
      unfinished({ ...TCP4, flags: FIN_PUSH_CWR }, 1000),
    ),
  ],
  ["TCP in a VLAN", unfinished({ ...TCP4, tags: [[0x8100, 0xa007]] }, 1448)],
  ["TCP over IPv6 in a VLAN", unfinished({ ...TCP4, ipVersion: 6, tags: [[0x8100, 7]] }, 1428)],
  ["TCP behind two tags", unfinished({ ...TCP4, tags: [[0x88a8, 100], [0x8100, 7]] }, 1400)],
  ["UDP in a VLAN", unfinished({ ...UDP4, tags: [[0x8100, 7]] }, 1200)],
  ["TCP with IPv4 options", unfinished({ ...TCP4, ipOptions: [1, 1, 1, 0] }, 1000)],
  ["TCP with urgent data", unfinished({ ...TCP4, flags: ACK_PUSH_URG }, 1000)],
  [
    "TCP over IPv6 behind options",
    unfinished({ ...TCP4, ipVersion: 6, extensions: 2 }, 1000),
  ],
  ["UDP over IPv4", unfinished(UDP4, 1200)],
  ["UDP over IPv6", unfinished({ ...UDP4, ipVersion: 6 }, 1200)],
  ["an unfinished TCP checksum", unfinished({ ...TCP4, payload: SHORT }, 0)],
  [
    "an unfinished TCP checksum over IPv6",
    unfinished({ ...TCP4, ipVersion: 6, payload: SHORT }, 0),
  ],
  [
    "an unfinished TCP checksum in a VLAN",
    unfinished({ ...TCP4, payload: SHORT, tags: [[0x8100, 7]] }, 0),
  ],
  ["an unfinished UDP checksum", unfinished({ ...UDP4, payload: SHORT }, 0)],
  [
    "an unfinished UDP checksum over IPv6",
    unfinished({ ...UDP4, ipVersion: 6, payload: SHORT }, 0),
  ],
];
