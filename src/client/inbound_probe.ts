/**
 * Whether a firewall of this PC lets the LAN in, tried: a datagram to a socket of our own, as a station of the LAN would
 * send it unasked. So does the first packet of somebody who joins a game here, and the answer to a broadcast.
 *
 * @module
 */
import { broadcastOf, networkOf, parseCidr } from "../proto/ip.ts";
import { readU32, writeU16 } from "../proto/bytes.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../proto/ethernet.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { UDP_PACKET_HEADER_BYTES, writeUdpPacket } from "../proto/udp_packet.ts";

/** Bytes by which a probe is known again. */
export const PROBE_TOKEN_BYTES = 16;
/** Locally administered; nobody answers it. */
const SENDER_MAC = [0x02, 0x00, 0x4c, 0x50, 0x50, 0x01] as const;

/** Both ends of a probe, as 32-bit numbers. */
export interface ProbeWay {
  readonly own: number;
  /** In the same network. */
  readonly neighbour: number;
}

/** The ends by one of the adapter's addresses (`10.77.0.5/24`); undefined: it is none of IPv4, or has no neighbours. */
export function probeWay(cidr: string): ProbeWay | undefined {
  const network = parseCidr(cidr);
  const broadcast = network === undefined ? undefined : broadcastOf(network);
  if (network === undefined || broadcast === undefined) return undefined;
  const { address, prefixBits } = network;
  const own = readU32(address, 0);
  const first = readU32(networkOf(address, prefixBits), 0);
  const last = readU32(broadcast, 0);
  const neighbour = [own + 1, own - 1].find((other) => other > first && other < last);
  return neighbour === undefined ? undefined : { own, neighbour };
}

/** The frame of a probe. @param mac the adapter's */
export function encodeProbe(
  { own, neighbour }: ProbeWay,
  mac: Uint8Array,
  port: number,
  token: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const payload = ETHERNET_HEADER_BYTES + UDP_PACKET_HEADER_BYTES;
  const frame = new Uint8Array(payload + token.length);
  frame.set(mac);
  frame.set(SENDER_MAC, MAC_BYTES);
  writeU16(frame, ETHER_TYPE_OFFSET, EtherType.ipv4);
  frame.set(token, payload);
  writeUdpPacket(frame, ETHERNET_HEADER_BYTES, {
    ...{ source: neighbour, sourcePort: port, destination: own, destinationPort: port },
    timeToLive: 1,
  });
  return frame;
}
