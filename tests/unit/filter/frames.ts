/** Frames about addresses and names, and a guard that judges them, for the tests of `src/filter`. */
import { NeighbourGuard } from "../../../src/filter/neighbour_guard.ts";
import { type DropReason, dropReason, PASS } from "../../../src/observe/drops.ts";
import { asPeerId, NO_PEER } from "../../../src/proto/brands.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { formatIp } from "../../../src/proto/ip.ts";
import { equalMacs, parseMac } from "../../../src/proto/mac.ts";
import {
  arp,
  BROADCAST_MAC,
  type Bytes,
  dhcpFrame,
  type DhcpOption,
  DhcpType,
  ethernet,
  icmpv6,
  ip4,
  ip6,
  ipv6,
  join,
  mac,
  NeighbourDiscovery,
  Protocol,
  Type,
  u16,
  u32,
  udp,
  type VlanTag,
} from "../../../tools/lab/frames.ts";

/** Two players, and stations of the LAN. */
export const ALICE = "02:00:00:00:00:51";
export const BOB = "02:00:00:00:00:52";
export const ROUTER = "52:54:00:00:00:01";
export const SPARE = "52:54:00:00:00:02";
/** Their peer ids. */
export const ALICE_ID = asPeerId(51);
export const BOB_ID = asPeerId(52);

/** ARP that says: this address has this MAC. */
export function arpFrame(
  from: string,
  address: string,
  options: {
    says?: string;
    to?: string;
    tags?: readonly VlanTag[];
    request?: boolean;
    destination?: string;
  } = {},
): Bytes {
  const payload = arp({
    operation: options.request ? "request" : "reply",
    senderMac: options.says ?? from,
    senderIp: address,
    targetMac: options.request ? "00:00:00:00:00:00" : BROADCAST_MAC,
    targetIp: options.to ?? address,
  });
  const { tags = [], destination = BROADCAST_MAC } = options;
  return ethernet({ source: from, destination, type: Type.arp, payload, tags });
}

/** Asks whether somebody has an address, before taking it (RFC 5227). */
export function arpProbe(from: string, address: string): Bytes {
  return arpFrame(from, "0.0.0.0", { to: address, request: true });
}

/** An IPv6 message of neighbour discovery. */
function discovery(from: string, source: string, type: number, body: Bytes): Bytes {
  const destination = "ff02::1";
  const upper = icmpv6({ source, destination, type, body });
  const payload = ipv6({ source, destination, nextHeader: 58, payload: upper, hopLimit: 255 });
  return ethernet({ source: from, destination: "33:33:00:00:00:01", type: Type.ipv6, payload });
}

/** A neighbour advertisement that says: this address has this MAC. */
export function advertisement(
  from: string,
  target: string,
  says: string | undefined = from,
): Bytes {
  const option = says === undefined ? new Uint8Array(0) : join([2, 1], mac(says));
  const body = join(u32(0x6000_0000), ip6(target), option);
  return discovery(from, target, NeighbourDiscovery.neighbourAdvertisement, body);
}

/** A neighbour solicitation of a station with this address; `::` while it is not its own yet. */
export function solicitation(from: string, source: string, target: string, says = from): Bytes {
  const option = source === "::" ? new Uint8Array(0) : join([1, 1], mac(says));
  const body = join(u32(0), ip6(target), option);
  return discovery(from, source, NeighbourDiscovery.neighbourSolicitation, body);
}

/** A router's advertisement of itself. */
export function routerAnnounces(from: string, source: string): Bytes {
  const body = join([64, 0], u16(1800), u32(0), u32(0), [1, 1], mac(from));
  return discovery(from, source, NeighbourDiscovery.routerAdvertisement, body);
}

/** An acknowledgement of the LAN's DHCP server. */
export function leaseFrame(
  clientMac: string,
  yourIp: string,
  options: { server?: string; routers?: readonly string[]; type?: number; seconds?: number } = {},
): Bytes {
  const { server = "10.0.0.2", routers = [] } = options;
  const list: DhcpOption[] = [[54, ip4(server)]];
  if (options.seconds !== undefined) list.push([51, u32(options.seconds)]);
  if (routers.length > 0) list.push([3, join(...routers.map((router) => ip4(router)))]);
  return dhcpFrame({
    ...{ source: ROUTER, fromServer: true, serverIp: server },
    ...{ type: options.type ?? DhcpType.ack, clientMac, yourIp, options: list },
  });
}

/** A DHCPv6 reply to a client's MAC with an address that it gives. */
export function leaseFrameV6(clientMac: string, address: string, lifetime = 600): Bytes {
  const inner = join(u16(5), u16(24), ip6(address), u32(300), u32(lifetime));
  const association = join(u16(3), u16(12 + inner.length), u32(1), u32(0), u32(0), inner);
  const [source, destination] = ["fe80::2", "fe80::51"];
  const payload = udp({
    ...{ source, destination, sourcePort: 547, destinationPort: 546 },
    payload: join([7, 0, 0, 1], association),
  });
  const packet = ipv6({ source, destination, nextHeader: Protocol.udp, payload });
  return ethernet({ source: ROUTER, destination: clientMac, type: Type.ipv6, payload: packet });
}

/** A guard with a clock, and the names of the reasons; undefined: the frame passes. */
export class GuardHarness {
  readonly guard: NeighbourGuard;
  nowMs = 1000;
  readonly #dissection = new Dissection();

  /** Addresses of the adapter, as text. */
  own: readonly string[] = [];

  constructor(seed = 7) {
    const [alice, bob] = [parseMac(ALICE)!, parseMac(BOB)!];
    this.guard = new NeighbourGuard(Uint8Array.of(seed, 1, 2, 3), (bytes, offset) => {
      if (equalMacs(bytes, offset, alice, 0)) return ALICE_ID;
      return equalMacs(bytes, offset, bob, 0) ? BOB_ID : NO_PEER;
    }, (bytes, at, ipBytes) => this.own.includes(formatIp(bytes.slice(at, at + ipBytes))));
  }

  judge(frame: Uint8Array, owner: number): DropReason | undefined {
    // Among other bytes, as in the pool.
    const bytes = new Uint8Array(frame.length + 40).fill(0xee);
    bytes.set(frame, 20);
    dissect(bytes, 20, frame.length, this.#dissection);
    const end = 20 + frame.length;
    const code = this.guard.judge(bytes, 20, end, this.#dissection, asPeerId(owner), this.nowMs);
    return code === PASS ? undefined : dropReason(code);
  }

  lan(frame: Uint8Array): DropReason | undefined {
    return this.judge(frame, 0);
  }

  alice(frame: Uint8Array): DropReason | undefined {
    return this.judge(frame, ALICE_ID);
  }

  bob(frame: Uint8Array): DropReason | undefined {
    return this.judge(frame, BOB_ID);
  }
}
