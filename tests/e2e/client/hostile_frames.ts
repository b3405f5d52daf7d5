/**
 * What somebody in a party's LAN, or the relay, sends to take over a player's PC: as much of it as is
 * known here. Each message bears a {@linkcode MARK} where it says something that must not arrive.
 */
import { ip4, ip6, mac } from "../../../tools/lab/frame_bytes.ts";
import {
  arp,
  BROADCAST_MAC,
  type Bytes,
  dhcp,
  type DhcpOption,
  ethernet,
  fragmentHeader,
  icmpv6,
  ipv4,
  ipv6,
  join,
  optionsHeader,
  Protocol,
  redirect,
  Type,
  u16,
  u32,
  udp,
  udpPacket,
} from "../../../tools/lab/frames.ts";
import { ndOption, prefixOption, v6Option } from "../../unit/client/ipv6_frames.ts";

/** In the place of names and addresses that must not come into use. */
export const MARK = "evil";
export const ATTACKER_MAC = "52:54:00:00:00:66";
/** The address that a good lease gives, among all that is bad. */
export const LEASED = "10.77.0.66";
const ATTACKER = "fe80::bad";
const ALL_NODES = { ip: "ff02::1", mac: "33:33:00:00:00:01" };
const mark = new TextEncoder().encode(MARK);
const SERVER = "10.77.0.1";
const NAMES = join([4], mark, [0]);

/** Options that each take something over. */
const EVIL_OPTIONS: readonly DhcpOption[] = [
  [3, ip4(SERVER)],
  [6, mark],
  [12, mark],
  [15, mark],
  [26, [35, 40]],
  [31, [1]],
  [33, join(mark, ip4(SERVER))],
  [42, mark],
  [43, join([1, 4], mark)],
  [44, mark],
  [114, mark],
  [119, NAMES],
  [121, join([32], mark, ip4(SERVER))],
  [249, join([32], mark, ip4(SERVER))],
  [252, mark],
];

/** A lease that is offered or given: mask and times, and everything evil. */
function lease(
  yourIp: string,
  mask: readonly number[] | undefined,
  extra: readonly DhcpOption[] = [],
): { readonly yourIp: string; readonly options: readonly DhcpOption[] } {
  const masks: DhcpOption[] = mask === undefined ? [] : [[1, mask]];
  const base: DhcpOption[] = [[54, ip4(SERVER)], [51, u32(3600)], ...masks];
  return { yourIp, options: [...base, ...extra, ...EVIL_OPTIONS] };
}

const CLASS_C = [255, 255, 255, 0];

/** Replies to a DHCP client, the good one last. */
export function hostileReplies(type: 2 | 5, clientMac: string, xid: number): Bytes[] {
  const leases = [
    lease("8.8.8.58", CLASS_C),
    lease("8.8.8.58", undefined),
    lease("10.77.0.58", [128, 0, 0, 0]),
    lease("10.77.0.58", [0, 0, 0, 0]),
    lease("10.77.0.58", [255, 0, 255, 0]),
    // The relay's network, and what the player's VPN leads to.
    lease("10.92.0.50", CLASS_C),
    lease("100.70.0.58", CLASS_C),
    lease("224.0.0.58", CLASS_C),
    lease("127.0.0.58", CLASS_C),
    lease("10.77.0.255", CLASS_C),
    lease("10.77.0.58", CLASS_C, [[51, u32(0)]]),
    lease("10.77.0.58", CLASS_C, [[1, [128, 0, 0, 0]]]),
    lease("10.77.0.58", CLASS_C, [[52, [1]], [52, [2]]]),
    lease(LEASED, CLASS_C, [[28, [8, 8, 8, 8]]]),
  ];
  const messages = leases.map((fields) =>
    dhcp({ ...fields, type, clientMac, xid, serverIp: SERVER, sname: mark, file: mark })
  );
  // A whole option that stands in the field for names, behind a word that says so.
  const overloaded = join([3, 4], ip4(SERVER), [15, 4], mark, [255]);
  messages.unshift(dhcp({
    ...{ type, clientMac, xid, yourIp: LEASED, sname: overloaded },
    options: [[52, [2]], [1, CLASS_C], [54, ip4(SERVER)], [51, u32(3600)]],
  }));
  return messages.flatMap((payload) => [toClient(payload), ...inFragments(payload)]);
}

function toClient(payload: Bytes): Bytes {
  const packet = udpPacket({
    ...{ source: SERVER, destination: "255.255.255.255", sourcePort: 67, destinationPort: 68 },
    payload,
  });
  return ethernet({
    ...{ source: ATTACKER_MAC, destination: BROADCAST_MAC, type: Type.ipv4 },
    payload: packet,
  });
}

/** The same in two IP fragments, each of which a filter would have to judge alone. */
function inFragments(payload: Bytes): Bytes[] {
  const ends = { source: SERVER, destination: "255.255.255.255" };
  const whole = udp({ ...ends, sourcePort: 67, destinationPort: 68, payload });
  const cut = 8;
  const packets = [
    ipv4({ ...ends, protocol: Protocol.udp, moreFragments: true, payload: whole.subarray(0, cut) }),
    ipv4({ ...ends, protocol: Protocol.udp, fragmentOffset: cut, payload: whole.subarray(cut) }),
  ];
  const ethernetEnds = { source: ATTACKER_MAC, destination: BROADCAST_MAC, type: Type.ipv4 };
  return packets.map((packet) => ethernet({ ...ethernetEnds, payload: packet }));
}

/** A frame of IPv6 to the player alone, and to all. */
function six(
  player: { readonly mac: string; readonly linkLocal: string },
  make: (destination: string) => readonly [next: number, upper: Bytes],
  hopLimit = 255,
): Bytes[] {
  return [ALL_NODES, { ip: player.linkLocal, mac: player.mac }].map((to) => {
    const [nextHeader, payload] = make(to.ip);
    const packet = ipv6({ source: ATTACKER, destination: to.ip, nextHeader, payload, hopLimit });
    return ethernet({
      ...{ source: ATTACKER_MAC, destination: to.mac, type: Type.ipv6 },
      payload: packet,
    });
  });
}

function advertisement(destination: string): Bytes {
  const routes = ["::", "2000::", "8000::"].map((prefix, index) =>
    ndOption(24, join([[0, 3, 1][index], 8], u32(1800), ip6(prefix)))
  );
  const body = join(
    [1, 0xc8],
    u16(1800),
    u32(0),
    u32(0),
    ndOption(1, mac(ATTACKER_MAC)),
    ndOption(5, join([0, 0], u32(1280))),
    ...["::/0", "fd77::/64", "fc00::/7", "2001:db8:bad::/64"].map((text) => prefixOption(text)),
    ...routes,
    ndOption(25, join([0, 0], u32(1800), mark, new Uint8Array(12))),
    ndOption(31, join([0, 0], u32(1800), NAMES, new Uint8Array(2))),
    ndOption(37, join(mark, new Uint8Array(2))),
  );
  return icmpv6({ source: ATTACKER, destination, type: 134, body });
}

function dhcpv6(destination: string, ...options: Bytes[]): Bytes {
  const server = v6Option(2, [0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
  const names = [v6Option(23, mark, new Uint8Array(12)), v6Option(24, NAMES)];
  const payload = join([7, 0, 0, 1], server, ...options, ...names);
  return udp({ source: ATTACKER, destination, sourcePort: 547, destinationPort: 546, payload });
}

/** What nobody has asked for. `routers` are the player's own, which somebody else claims to be. */
export function hostileNotices(
  player: { readonly mac: string; readonly linkLocal: string },
  routers: readonly string[],
): Bytes[] {
  const [icmp, udpNext, fragment] = [Protocol.icmpv6, Protocol.udp, Protocol.fragment];
  const claims = routers.map((router) =>
    router.includes(":")
      ? six(player, (to) => {
        const target = join([2, 1], mac(ATTACKER_MAC));
        const body = join([0xe0, 0, 0, 0], ip6(router), target);
        return [icmp, icmpv6({ source: ATTACKER, destination: to, type: 136, body })];
      })
      : [ethernet({
        ...{ source: ATTACKER_MAC, destination: BROADCAST_MAC, type: Type.arp },
        payload: arp({
          ...{ operation: "reply", senderMac: ATTACKER_MAC, senderIp: router },
          ...{ targetMac: player.mac, targetIp: router },
        }),
      })]
  );
  const address = v6Option(5, ip6("2001:4860:4860::8888"), u32(3600), u32(3600));
  const relayed = v6Option(9, [7, 0, 0, 1], v6Option(24, NAMES));
  return [
    ...six(player, (to) => [icmp, advertisement(to)]),
    ...six(player, (to) => [0, join(optionsHeader(icmp), advertisement(to))]),
    ...six(player, (to) => [fragment, join(fragmentHeader(icmp, 0, false), advertisement(to))]),
    ...six(player, (to) => {
      return [fragment, join(fragmentHeader(icmp, 0, true), advertisement(to).subarray(0, 64))];
    }),
    ...six(player, (to) => [udpNext, dhcpv6(to)]),
    ...six(player, (to) => [udpNext, dhcpv6(to, v6Option(3, new Uint8Array(12), address))]),
    ...six(player, (to) => [udpNext, dhcpv6(to, relayed)]),
    ...six(player, (to) => [icmp, redirect(ATTACKER, to, ATTACKER, "2001:db8::1")]),
    ...claims.flat(),
  ];
}
