/** Frames that a party must not carry, each beside a sibling of the same make that it must. */
import type { DropReason } from "../../../src/observe/drops.ts";
import {
  BROADCAST_MAC,
  cdpFrame,
  dhcp,
  DhcpType,
  ethernet,
  fragmentHeader,
  icmpv6,
  ipv4,
  ipv6,
  join,
  llc,
  lldpFrame,
  mac,
  NeighbourDiscovery,
  neighbourSolicitation,
  optionsHeader,
  pattern,
  Protocol,
  redirect,
  routerAdvertisement,
  snap,
  stpFrame,
  Type,
  udp,
  type VlanTag,
} from "../../../tools/lab/frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A frame that is dropped, with the reason, and one that arrives. */
export interface FilterCase {
  readonly name: string;
  readonly bad: Bytes;
  readonly good: Bytes;
  readonly reason: DropReason;
}

/** The link-local address of a station, by the end of its MAC. */
const linkLocalOf = (source: string) => `fe80::${source.slice(-2)}`;
const ALL_NODES = "ff02::1";
const ALL_NODES_MAC = "33:33:00:00:00:01";
const ONE_TAG: readonly VlanTag[] = [{ id: 7, priority: 3 }];
const TWO_TAGS: readonly VlanTag[] = [{ id: 100, tpid: Type.qinq }, { id: 7 }];
const THREE_TAGS: readonly VlanTag[] = [...TWO_TAGS, { id: 9 }];

/** How a packet is dressed for the way. */
interface Dress {
  readonly name: string;
  readonly wrap: (source: string, destination: string, type: number, packet: Bytes) => Bytes;
}

const PLAIN: Dress = dressInTags("plain", []);
const DRESSES: readonly Dress[] = [
  PLAIN,
  dressInTags("VLAN-tagged", ONE_TAG),
  dressInTags("double-tagged", TWO_TAGS),
  {
    name: "LLC/SNAP",
    wrap: (source, destination, type, packet) =>
      llc({ source, destination, payload: snap(type, packet) }),
  },
  {
    name: "LLC/SNAP behind a tag",
    wrap: (source, destination, type, packet) =>
      llc({ source, destination, payload: snap(type, packet), tags: ONE_TAG }),
  },
];

function dressInTags(name: string, tags: readonly VlanTag[]): Dress {
  return {
    name,
    wrap: (source, destination, type, payload) =>
      ethernet({ source, destination, type, payload, tags }),
  };
}

/** An IPv4 packet with UDP between two ports. */
function udp4(sourcePort: number, destinationPort: number, options?: Bytes): Bytes {
  const [source, destination] = ["10.77.0.66", "255.255.255.255"];
  const type = sourcePort === 68 ? DhcpType.discover : DhcpType.offer;
  const payload = dhcp({ type, clientMac: "02:00:00:00:00:99", yourIp: "10.77.0.99" });
  return ipv4({
    source,
    destination,
    protocol: Protocol.udp,
    payload: udp({ source, destination, sourcePort, destinationPort, payload }),
    ...(options === undefined ? {} : { options }),
  });
}

/** The upper layers of IPv6 packets that are filtered, and of their harmless siblings. */
function udp6(from: string, sourcePort: number, destinationPort: number): Bytes {
  const payload = pattern(40);
  const source = linkLocalOf(from);
  return udp({ source, destination: ALL_NODES, sourcePort, destinationPort, payload });
}

function solicitation(from: string): Bytes {
  return neighbourSolicitation(linkLocalOf(from), ALL_NODES, "fe80::77", from);
}

function echo(from: string): Bytes {
  const source = linkLocalOf(from);
  return icmpv6({ source, destination: ALL_NODES, type: 128, body: pattern(20) });
}

/** Headers between IPv6's own and the upper layer's. */
interface Chain {
  readonly name: string;
  readonly wrap: (from: string, nextHeader: number, upper: Bytes) => Bytes;
}

const CHAINS: readonly Chain[] = [
  {
    name: " behind hop-by-hop options",
    wrap: (from, next, upper) => packet6(from, Protocol.hopByHop, join(optionsHeader(next), upper)),
  },
  {
    name: " behind three extension headers",
    wrap: (from, next, upper) =>
      packet6(
        from,
        Protocol.hopByHop,
        join(optionsHeader(60), optionsHeader(43, 3), [next, 0, 0, 0, 0, 0, 0, 0], upper),
      ),
  },
  {
    name: " in a first fragment",
    wrap: (from, next, upper) =>
      packet6(from, Protocol.fragment, join(fragmentHeader(next, 0, true), upper)),
  },
  {
    name: " in an atomic fragment",
    wrap: (from, next, upper) =>
      packet6(from, Protocol.fragment, join(fragmentHeader(next, 0, false), upper)),
  },
];

function packet6(from: string, nextHeader: number, payload: Bytes): Bytes {
  return ipv6({
    source: linkLocalOf(from),
    destination: ALL_NODES,
    nextHeader,
    payload,
    hopLimit: 255,
  });
}

/** A frame to the same with another destination. */
function toMac(frame: Bytes, destination: string): Bytes {
  return join(mac(destination), frame.subarray(6));
}

/** Talk between switches: dropped whoever sends it. */
export function switchControlCases(source: string): FilterCase[] {
  const pause = ethernet({
    source,
    destination: "01:80:c2:00:00:01",
    type: 0x8808,
    payload: join([0, 1, 0xff, 0xff]),
  });
  const frames: [string, Bytes, string][] = [
    ["spanning tree", stpFrame(source), "01:80:c2:00:00:10"],
    ["LLDP", lldpFrame(source), "01:80:c2:00:00:1e"],
    ["pause", pause, "01:80:c2:00:01:01"],
    ["the last of the reserved group", toMac(pause, "01:80:c2:00:00:0f"), "01:80:c2:00:00:30"],
    ["CDP", cdpFrame(source), "01:00:0c:cc:cc:ce"],
    ["per-VLAN spanning tree", toMac(cdpFrame(source), "01:00:0c:cc:cc:cd"), "01:00:0c:cc:cd:cd"],
  ];
  return frames.map(([name, bad, sibling]) => {
    return { name, bad, good: toMac(bad, sibling), reason: "switch-control" };
  });
}

/** DHCP and DHCPv6 server messages and IPv6 redirects: dropped from players. */
export function playerOnlyCases(source: string): FilterCase[] {
  const cases: FilterCase[] = [];
  const add = (name: string, reason: DropReason, bad: Bytes, good: Bytes) =>
    cases.push({ name, reason, bad, good });
  const options = join([1, 1, 1, 0], [1, 1, 1, 0]);
  for (const { name, wrap } of DRESSES) {
    const four = (packet: Bytes) => wrap(source, BROADCAST_MAC, Type.ipv4, packet);
    const six = (packet: Bytes) => wrap(source, ALL_NODES_MAC, Type.ipv6, packet);
    add(`DHCP offer, ${name}`, "dhcp-server", four(udp4(67, 68)), four(udp4(68, 67)));
    add(
      `DHCPv6 reply, ${name}`,
      "dhcpv6-server",
      six(packet6(source, Protocol.udp, udp6(source, 547, 546))),
      six(packet6(source, Protocol.udp, udp6(source, 546, 547))),
    );
    add(`redirect, ${name}`, "icmp-redirect", six(redirected(source)), six(solicited(source)));
  }
  const four = (packet: Bytes) => PLAIN.wrap(source, BROADCAST_MAC, Type.ipv4, packet);
  const six = (packet: Bytes) => PLAIN.wrap(source, ALL_NODES_MAC, Type.ipv6, packet);
  add("from port 67 alone", "dhcp-server", four(udp4(67, 67)), four(udp4(68, 67)));
  add("to port 68 alone", "dhcp-server", four(udp4(1068, 68)), four(udp4(1068, 69)));
  add("IPv4 options", "dhcp-server", four(udp4(67, 68, options)), four(udp4(68, 67, options)));
  add("first fragment", "dhcp-server", four(firstFragment(67, 68)), four(firstFragment(68, 67)));
  for (const { name, wrap } of CHAINS) {
    add(
      `DHCPv6 reply${name}`,
      "dhcpv6-server",
      six(wrap(source, Protocol.udp, udp6(source, 547, 546))),
      six(wrap(source, Protocol.udp, udp6(source, 546, 547))),
    );
    add(
      `redirect${name}`,
      "icmp-redirect",
      six(wrap(source, Protocol.icmpv6, redirectMessage(source))),
      six(wrap(source, Protocol.icmpv6, echo(source))),
    );
  }
  return cases;
}

function redirectMessage(from: string): Bytes {
  return redirect(linkLocalOf(from), ALL_NODES, "fe80::66", "2001:db8::1");
}

const redirected = (from: string) => packet6(from, Protocol.icmpv6, redirectMessage(from));
const solicited = (from: string) => packet6(from, Protocol.icmpv6, solicitation(from));

function firstFragment(sourcePort: number, destinationPort: number): Bytes {
  const packet = udp4(sourcePort, destinationPort);
  const payload = packet.subarray(20, 20 + 64);
  return ipv4({
    source: "10.77.0.66",
    destination: "255.255.255.255",
    protocol: Protocol.udp,
    moreFragments: true,
    payload,
  });
}

/** Router advertisements in every dress: dropped unless they are allowed. */
export function advertisementCases(source: string): FilterCase[] {
  const advertised = routerAdvertisement(linkLocalOf(source));
  const make = (name: string, bad: Bytes, good: Bytes): FilterCase => {
    return { name: `router advertisement${name}`, reason: "router-advertisement", bad, good };
  };
  const dressed = DRESSES.map(({ name, wrap }) => {
    const six = (packet: Bytes) => wrap(source, ALL_NODES_MAC, Type.ipv6, packet);
    return make(
      `, ${name}`,
      six(packet6(source, Protocol.icmpv6, advertised)),
      six(solicited(source)),
    );
  });
  const chained = CHAINS.map(({ name, wrap }) => {
    const six = (upper: Bytes) =>
      PLAIN.wrap(source, ALL_NODES_MAC, Type.ipv6, wrap(source, Protocol.icmpv6, upper));
    return make(name, six(advertised), six(echo(source)));
  });
  return [...dressed, ...chained];
}

/** Frames whose contents cannot be judged: dropped whoever sends them. */
export function hiddenCases(source: string): FilterCase[] {
  const four = (payload: Bytes) =>
    PLAIN.wrap(
      source,
      BROADCAST_MAC,
      Type.ipv4,
      ipv4({
        source: "10.77.0.66",
        destination: "255.255.255.255",
        protocol: Protocol.udp,
        moreFragments: true,
        payload,
      }),
    );
  const six = (payload: Bytes) =>
    PLAIN.wrap(source, ALL_NODES_MAC, Type.ipv6, packet6(source, Protocol.fragment, payload));
  const tagged = (tags: readonly VlanTag[]) =>
    ethernet({
      source,
      destination: ALL_NODES_MAC,
      type: Type.ipv6,
      payload: solicited(source),
      tags,
    });
  const first = fragmentHeader(60, 0, true);
  return [
    {
      name: "three VLAN tags",
      reason: "too-many-tags",
      bad: tagged(THREE_TAGS),
      good: tagged(TWO_TAGS),
    },
    {
      name: "IPv4 first fragment that ends inside its UDP header",
      reason: "hidden-headers",
      bad: four(udp4(40_000, 40_001).subarray(20, 24)),
      good: four(udp4(40_000, 40_001).subarray(20, 28)),
    },
    {
      name: "IPv6 first fragment that ends inside an extension header",
      reason: "hidden-headers",
      bad: six(join(first, optionsHeader(Protocol.icmpv6, 4).subarray(0, 16))),
      good: six(join(first, optionsHeader(Protocol.icmpv6, 4), echo(source))),
    },
    {
      name: "IPv6 first fragment that ends before its upper layer",
      reason: "hidden-headers",
      bad: six(join(first, optionsHeader(Protocol.icmpv6))),
      good: six(join(first, optionsHeader(Protocol.icmpv6), echo(source))),
    },
  ];
}

/** A neighbour advertisement frame: something harmless to a given destination. */
export function harmlessFrame(source: string, destination: string): Bytes {
  const body = join([0x20, 0, 0, 0], new Uint8Array(16));
  const type = NeighbourDiscovery.neighbourAdvertisement;
  const address = linkLocalOf(source);
  const upper = icmpv6({ source: address, destination: ALL_NODES, type, body });
  const payload = packet6(source, Protocol.icmpv6, upper);
  return ethernet({ source, destination, type: Type.ipv6, payload });
}

/** A frame of a given length whose IPv6 headers end behind so many bytes of options. */
export function longChainFrame(source: string, optionUnits: number, lengthBytes: number): Bytes {
  const headers = optionsHeader(Protocol.udp, optionUnits);
  const roomBytes = lengthBytes - 14 - 40 - headers.length - 8;
  const upper = udp({
    source: linkLocalOf(source),
    destination: ALL_NODES,
    sourcePort: 40_000,
    destinationPort: 40_001,
    payload: pattern(roomBytes),
  });
  const payload = packet6(source, 60, join(headers, upper));
  return ethernet({ source, destination: ALL_NODES_MAC, type: Type.ipv6, payload });
}
