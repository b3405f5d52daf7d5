/** What a player's PC must not say in a LAN that it only visits, each beside a sibling that it may. */
import { dnsAnswer, dnsName, dnsQuestion, netbiosName } from "../../support/name_frames.ts";
import {
  arp,
  BROADCAST_MAC,
  ethernet,
  icmpv6,
  ip6,
  ipv4,
  ipv6,
  join,
  llc,
  mac,
  optionsHeader,
  pattern,
  Protocol,
  Type,
  u32,
  udp,
} from "../../../tools/lab/frames.ts";
import type { FilterCase } from "./filter_frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const ADDRESS = "10.77.0.66";
const OTHER = "10.77.0.67";
const OTHER_MAC = "52:54:00:00:00:66";
const IGMP = 2;
const VRRP = 112;
const UNASSIGNED = 200;

function udp4(
  source: string,
  group: string,
  ports: readonly [number, number],
  payload: Bytes,
): Bytes {
  const [sourcePort, destinationPort] = ports;
  // To all: what is for another address does not reach a player's system, whatever it says.
  const packet = { source: ADDRESS, destination: "255.255.255.255" };
  return ethernet({
    ...{ source, destination: group, type: Type.ipv4 },
    payload: ipv4({
      ...packet,
      protocol: Protocol.udp,
      payload: udp({ ...packet, sourcePort, destinationPort, payload }),
    }),
  });
}

function packet4(source: string, group: string, protocol: number, payload: Bytes): Bytes {
  return ethernet({
    ...{ source, destination: group, type: Type.ipv4 },
    payload: ipv4({ source: ADDRESS, destination: OTHER, protocol, payload }),
  });
}

function icmp6(source: string, type: number, body: Bytes, chain = false): Bytes {
  const [from, destination] = ["fe80::66", "ff02::1"];
  const upper = icmpv6({ source: from, destination, type, body });
  const payload = chain
    ? ipv6({
      ...{ source: from, destination, nextHeader: Protocol.hopByHop, hopLimit: 255 },
      payload: join(optionsHeader(Protocol.icmpv6), upper),
    })
    : ipv6({ source: from, destination, nextHeader: 58, payload: upper, hopLimit: 255 });
  return ethernet({ source, destination: "33:33:00:00:00:01", type: Type.ipv6, payload });
}

function arpOf(source: string, senderMac: string): Bytes {
  const addresses = { senderIp: ADDRESS, targetIp: ADDRESS };
  const payload = arp({ operation: "reply", senderMac, targetMac: BROADCAST_MAC, ...addresses });
  return ethernet({ source, destination: BROADCAST_MAC, type: Type.arp, payload });
}

/** The same from port to port, once as a multicast of routers and once to a game's server. */
function routerPort(source: string, port: number): [Bytes, Bytes] {
  const payload = pattern(40);
  return [
    udp4(source, "01:00:5e:00:00:02", [port, port], payload),
    udp4(source, BROADCAST_MAC, [40_000, port + 1], payload),
  ];
}

/** Dropped from players, whatever is allowed. */
export function playerTalkCases(source: string): FilterCase[] {
  const cases: FilterCase[] = [];
  const add = (reason: FilterCase["reason"], name: string, [bad, good]: [Bytes, Bytes]) =>
    cases.push({ name, reason, bad, good });
  const mvrp = (group: string, type: number) =>
    ethernet({ source, destination: group, type, payload: pattern(46) });
  add("vlan-registration", "MVRP", [
    mvrp("01:80:c2:00:00:21", 0x88f5),
    mvrp("01:80:c2:00:00:31", 0x88f4),
  ]);
  const gvrp = join([0x42, 0x42, 0x03], pattern(60));
  add("vlan-registration", "GVRP", [
    llc({ source, destination: "01:80:c2:00:00:21", payload: gvrp }),
    llc({ source, destination: "01:80:c2:00:00:30", payload: gvrp }),
  ]);
  add("router-protocol", "VRRP and CARP", [
    packet4(source, "01:00:5e:00:00:12", VRRP, pattern(40)),
    packet4(source, "01:00:5e:00:00:12", UNASSIGNED, pattern(40)),
  ]);
  add("router-protocol", "HSRP", routerPort(source, 1985));
  add("router-protocol", "GLBP", routerPort(source, 3222));
  add("multicast-query", "an IGMP query", [
    packet4(source, "01:00:5e:00:00:01", IGMP, join([0x11, 100, 0, 0], u32(0))),
    packet4(source, "01:00:5e:00:00:01", IGMP, join([0x16, 0, 0, 0], u32(0))),
  ]);
  add("multicast-query", "an MLD query behind hop-by-hop options", [
    icmp6(source, 130, pattern(20), true),
    icmp6(source, 131, pattern(20), true),
  ]);
  add("icmp-redirect", "an ICMP redirect", [
    packet4(source, BROADCAST_MAC, Protocol.icmp, join([5, 1, 0, 0], u32(0), pattern(28))),
    packet4(source, BROADCAST_MAC, Protocol.icmp, join([8, 0, 0, 0], u32(0), pattern(28))),
  ]);
  add("router-advertisement", "an ICMP router advertisement", [
    packet4(source, BROADCAST_MAC, Protocol.icmp, join([9, 0, 0, 0], u32(0), pattern(28))),
    packet4(source, BROADCAST_MAC, Protocol.icmp, join([13, 0, 0, 0], u32(0), pattern(28))),
  ]);
  add("neighbour-forged", "ARP in another's name", [
    arpOf(source, OTHER_MAC),
    arpOf(source, source),
  ]);
  const says = (who: string) =>
    icmp6(source, 136, join(u32(0x2000_0000), ip6("fe80::66"), [2, 1], mac(who)));
  add("neighbour-forged", "a neighbour advertisement in another's name", [
    says(OTHER_MAC),
    says(source),
  ]);
  return [...cases, ...nameCases(source)];
}

/** Answers and registrations of names by which others look for a proxy or a tunnel. */
export function nameCases(source: string): FilterCase[] {
  const make = (name: string, frame: (name: string) => Bytes, bad: string, good: string) => {
    return { name, reason: "proxy-name" as const, bad: frame(bad), good: frame(good) };
  };
  return [
    make(
      "an LLMNR answer",
      (name) => udp4(source, BROADCAST_MAC, [5355, 49_152], dnsAnswer(0x8000, dnsName(name))),
      "WPAD",
      "WPAC",
    ),
    make(
      "an mDNS answer",
      (name) =>
        udp4(source, "01:00:5e:00:00:fb", [5353, 5353], dnsAnswer(0x8400, dnsName(name, "local"))),
      "isatap",
      "isatad",
    ),
    make(
      "a NetBIOS registration",
      (name) => udp4(source, BROADCAST_MAC, [137, 137], dnsAnswer(0x2910, netbiosName(name))),
      "WPAD",
      "WPADS",
    ),
    {
      name: "an LLMNR answer, and the question",
      reason: "proxy-name",
      bad: udp4(source, BROADCAST_MAC, [5355, 49_153], dnsAnswer(0x8000, dnsName("wpad"))),
      good: udp4(source, BROADCAST_MAC, [49_153, 5355], dnsQuestion(dnsName("wpad"))),
    },
  ];
}

/** Frames of VLANs: dropped where they are not allowed. */
export function vlanCases(source: string): FilterCase[] {
  const tagged = (...ids: number[]) =>
    ethernet({
      ...{ source, destination: BROADCAST_MAC, type: 0x88b6, payload: pattern(60) },
      tags: ids.map((id) => ({ id, priority: 3 })),
    });
  return [
    { name: "a VLAN tag", reason: "vlan-tag", bad: tagged(7), good: tagged(0) },
    {
      name: "a VLAN tag behind a priority tag",
      reason: "vlan-tag",
      bad: tagged(0, 7),
      good: tagged(0, 0),
    },
  ];
}
