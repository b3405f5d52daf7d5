import { assertEquals } from "@std/assert";
import { DROP_REASONS, PASS } from "../../../src/observe/drops.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { isSwitchControl } from "../../../src/proto/mac.ts";
import { ContentFilter } from "../../../src/filter/content.ts";
import {
  BROADCAST,
  ethernet,
  extension,
  fragment6,
  icmpv6,
  ipv4,
  ipv6,
  mac,
  piece,
  plain,
  snap,
  tagged,
  udp,
  whole,
} from "./frames.ts";
import { RelayHarness } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const LAN = "00:1b:21:00:00:01";
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const DOT1Q = 0x8100;
const QINQ = 0x88a8;
const UDP = 17;
const ICMPV6 = 58;
const TCP = 6;

/** What becomes of a frame: the drop's name, or `pass`. */
type Verdict = string;

interface Case {
  readonly name: string;
  readonly type: number;
  readonly payload: readonly number[];
  /** From a client, and from the gateway; once with router advertisements allowed. */
  readonly client: Verdict;
  readonly gateway: Verdict;
  readonly allowed?: Verdict;
}

const PLAIN_CASES: readonly Case[] = [
  {
    name: "a DHCP offer",
    type: IPV4,
    payload: ipv4(UDP, udp(67, 68)),
    client: "dhcp-server",
    gateway: "pass",
  },
  {
    name: "DHCP from port 67 to a relay agent",
    type: IPV4,
    payload: ipv4(UDP, udp(67, 67)),
    client: "dhcp-server",
    gateway: "pass",
  },
  {
    name: "UDP to a DHCP client from any port",
    type: IPV4,
    payload: ipv4(UDP, udp(4000, 68)),
    client: "dhcp-server",
    gateway: "pass",
  },
  {
    name: "a DHCP offer behind IPv4 options",
    type: IPV4,
    payload: ipv4(UDP, udp(67, 68), { optionWords: 10 }),
    client: "dhcp-server",
    gateway: "pass",
  },
  {
    name: "the first fragment of a DHCP offer",
    type: IPV4,
    payload: ipv4(UDP, udp(67, 68), { fragment: 0x2000 }),
    client: "dhcp-server",
    gateway: "pass",
  },
  {
    name: "a DHCP request",
    type: IPV4,
    payload: ipv4(UDP, udp(68, 67)),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "TCP between ports 67 and 68",
    type: IPV4,
    payload: ipv4(TCP, [...udp(67, 68), ...new Array<number>(20).fill(0x50)]),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "UDP with DHCPv6's ports over IPv4",
    type: IPV4,
    payload: ipv4(UDP, udp(547, 546)),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "a DHCPv6 reply",
    type: IPV6,
    payload: ipv6(UDP, udp(547, 546)),
    client: "dhcpv6-server",
    gateway: "pass",
  },
  {
    name: "UDP to a DHCPv6 client from any port",
    type: IPV6,
    payload: ipv6(UDP, udp(4000, 546)),
    client: "dhcpv6-server",
    gateway: "pass",
  },
  {
    name: "DHCPv6 from port 547 to a relay agent",
    type: IPV6,
    payload: ipv6(UDP, udp(547, 547)),
    client: "dhcpv6-server",
    gateway: "pass",
  },
  {
    name: "a DHCPv6 solicitation",
    type: IPV6,
    payload: ipv6(UDP, udp(546, 547)),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "a router advertisement",
    type: IPV6,
    payload: ipv6(ICMPV6, icmpv6(134)),
    client: "router-advertisement",
    gateway: "router-advertisement",
    allowed: "pass",
  },
  {
    name: "a router advertisement behind hop-by-hop and destination options",
    type: IPV6,
    payload: ipv6(0, extension(60, extension(ICMPV6, icmpv6(134)))),
    client: "router-advertisement",
    gateway: "router-advertisement",
    allowed: "pass",
  },
  {
    name: "the first fragment of a router advertisement",
    type: IPV6,
    payload: ipv6(44, fragment6(ICMPV6, 0, true, icmpv6(134))),
    client: "router-advertisement",
    gateway: "router-advertisement",
    // No receiver may take it (RFC 6980).
    allowed: "hidden-headers",
  },
  {
    name: "a redirect",
    type: IPV6,
    payload: ipv6(ICMPV6, icmpv6(137)),
    client: "icmp-redirect",
    gateway: "pass",
  },
  {
    name: "a router solicitation",
    type: IPV6,
    payload: ipv6(ICMPV6, icmpv6(133)),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "neighbor discovery",
    type: IPV6,
    payload: ipv6(ICMPV6, icmpv6(136)),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "ICMP type 134 over IPv4",
    type: IPV4,
    payload: ipv4(1, icmpv6(134)),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "a later IPv4 fragment that looks like a DHCP offer",
    type: IPV4,
    payload: ipv4(UDP, udp(67, 68), { fragment: 100 }),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "a later IPv6 fragment that looks like a router advertisement",
    type: IPV6,
    payload: ipv6(44, fragment6(ICMPV6, 8, false, icmpv6(134))),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "a first IPv4 fragment that ends inside its UDP header",
    type: IPV4,
    payload: ipv4(UDP, udp(4000, 5000, 0).slice(0, 3), { fragment: 0x2000 }),
    client: "hidden-headers",
    gateway: "hidden-headers",
  },
  {
    name: "a first IPv6 fragment that ends inside an extension header",
    type: IPV6,
    payload: ipv6(44, fragment6(60, 0, true, [ICMPV6, 3, 0, 0, 0, 0, 0, 0])),
    client: "hidden-headers",
    gateway: "hidden-headers",
  },
  {
    name: "ARP",
    type: 0x0806,
    payload: new Array<number>(46).fill(1),
    client: "pass",
    gateway: "pass",
  },
  {
    name: "NetBIOS over LLC",
    type: 43,
    payload: [0xf0, 0xf0, 0x03, ...new Array<number>(43).fill(0)],
    client: "pass",
    gateway: "pass",
  },
];

function wrappings({ type, payload }: Case): { name: string; type: number; payload: number[] }[] {
  return [
    { name: "plain", type, payload: [...payload] },
    { name: "in one VLAN tag", ...tagged([DOT1Q], type, payload) },
    { name: "in two VLAN tags", ...tagged([QINQ, DOT1Q], type, payload) },
    ...(type < 0x600 ? [] : [
      { name: "in LLC/SNAP", ...snap(type, payload) },
      (() => {
        const inner = snap(type, payload);
        return { name: "in LLC/SNAP in a VLAN tag", ...tagged([DOT1Q], inner.type, inner.payload) };
      })(),
    ]),
  ];
}

/** Sends one frame through a relay and returns what became of it. */
function fateOf(
  frame: Uint8Array,
  fromGateway: boolean,
  allowRouterAdvertisements = false,
  allowVlan = true,
): Verdict {
  const relay = new RelayHarness({ allowRouterAdvertisements, allowVlan });
  const wide = { maxDatagramBytes: 1_600 };
  const asks = { datagramBudget: 1_600 };
  const gateway = relay.gateway(asks, wide);
  const a = relay.client(A, asks, wide);
  const b = relay.client(B, asks, wide);
  (fromGateway ? gateway : a).send(whole(frame));
  const received = b.received().length;
  const drops = Object.keys(relay.drops());
  relay.assertNoSlotLost();
  assertEquals(received + drops.length, 1, "neither forwarded nor dropped, or both");
  return drops[0] ?? "pass";
}

for (const spec of PLAIN_CASES) {
  //= PROTOCOL.md 11
  //# | 9 | all | a first piece, or a first IP fragment, inside which the chain of headers does not
  //# end | `hidden-headers`
  //= PROTOCOL.md 11
  //# | 13 | client | […] | 14 | client |
  //= PROTOCOL.md 11
  //# | 16 | client; gateway unless allowed | […] | 18 | all |
  Deno.test(`filters: ${spec.name}: ${spec.client} from a client, ${spec.gateway} from the gateway`, () => {
    for (const { name, type, payload } of wrappings(spec)) {
      const fromClient = ethernet(BROADCAST, A, type, payload);
      const fromGateway = ethernet(BROADCAST, LAN, type, payload);
      assertEquals(fateOf(fromClient, false), spec.client, `${name}, client`);
      assertEquals(fateOf(fromGateway, true), spec.gateway, `${name}, gateway`);
      if (spec.allowed === undefined) continue;
      assertEquals(fateOf(fromGateway, true, true), spec.allowed, `${name}, allowed`);
      assertEquals(fateOf(fromClient, false, true), spec.client, `${name}, client, allowed`);
    }
  });
}

//= PROTOCOL.md 11
//# | 10 | client, unless allowed | a VLAN tag with an id other than 0 | `vlan-tag`
Deno.test("filters: frames of VLANs are dropped from players, where they are not allowed", () => {
  const tags = (...ids: number[]) =>
    tagged(ids.map(() => DOT1Q), IPV4, ipv4(UDP, udp(4000, 5000))).payload
      .map((byte, index) => index < 4 * ids.length && index % 4 === 1 ? ids[index >> 2] : byte);
  for (const [ids, verdict] of [[[7], "vlan-tag"], [[0], "pass"], [[0, 9], "vlan-tag"]] as const) {
    const frame = ethernet(BROADCAST, A, DOT1Q, tags(...ids));
    assertEquals(fateOf(frame, false, false, false), verdict, `${ids}`);
    assertEquals(fateOf(frame, false, false, true), "pass", `${ids}, allowed`);
    frame.set(mac(LAN), 6);
    assertEquals(fateOf(frame, true, false, false), "pass", `${ids}, from the LAN`);
  }
});

Deno.test("filters: unicast is filtered like broadcast", () => {
  const offer = ethernet(B, A, IPV4, ipv4(UDP, udp(67, 68)));
  assertEquals(fateOf(offer, false), "dhcp-server");
});

//= PROTOCOL.md 11
//# | 8 | all | more than two VLAN tags | `too-many-tags`
Deno.test("filters: more than two VLAN tags are dropped, whatever is in them", () => {
  for (const types of [[DOT1Q, DOT1Q, DOT1Q], [QINQ, QINQ, DOT1Q, DOT1Q]]) {
    const { type, payload } = tagged(types, 0x0806, new Array<number>(46).fill(0));
    assertEquals(fateOf(ethernet(BROADCAST, A, type, payload), false), "too-many-tags");
    assertEquals(fateOf(ethernet(BROADCAST, LAN, type, payload), true), "too-many-tags");
  }
});

//= PROTOCOL.md 11
//# | 7 | all | the destination is 01-80-C2-00-00-00 … 0F, 01-00-0C-CC-CC-CC or 01-00-0C-CC-CC-CD |
//# `switch-control`
Deno.test("filters: frames between switches are dropped, their neighbors in the address space are not", () => {
  const control: [string, boolean][] = [
    ["01:80:c2:00:00:00", true],
    ["01:80:c2:00:00:01", true],
    ["01:80:c2:00:00:0e", true],
    ["01:80:c2:00:00:0f", true],
    ["01:80:c2:00:00:10", false],
    ["01:80:c2:00:01:00", false],
    ["01:80:c3:00:00:00", false],
    ["01:00:0c:cc:cc:cc", true],
    ["01:00:0c:cc:cc:cd", true],
    ["01:00:0c:cc:cc:ce", false],
    ["01:00:0c:00:cc:cc", false],
    ["01:00:5e:00:00:fb", false],
    ["33:33:00:00:00:01", false],
    [BROADCAST, false],
  ];
  for (const [destination, dropped] of control) {
    assertEquals(
      isSwitchControl(Uint8Array.from([0, ...mac(destination)]), 1),
      dropped,
      destination,
    );
    const verdict = dropped ? "switch-control" : "pass";
    assertEquals(fateOf(plain(destination, A, 60), false), verdict, destination);
    assertEquals(fateOf(plain(destination, LAN, 60), true), verdict, destination);
  }
});

//= PROTOCOL.md 11
//# | 2 | all | longer than 1522 bytes (a piece: offset + bytes that count) | `over-long`
Deno.test("filters: 1522 bytes pass and 1523 do not", () => {
  assertEquals(fateOf(plain(BROADCAST, A, 1522), false), "pass");
  assertEquals(fateOf(plain(BROADCAST, A, 1523), false), "over-long");
  assertEquals(fateOf(plain(BROADCAST, LAN, 1523), true), "over-long");
});

//= PROTOCOL.md 11
//# | 2 | all | longer than 1522 bytes (a piece: offset + bytes that count) | `over-long`
Deno.test("filters: a piece that would make its frame over-long is dropped by offset and length", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  const frame = plain(BROADCAST, A, 1600);
  a.send(piece(frame, 900, 1522, { more: false }));
  assertEquals([b.received().length, relay.drops()], [1, {}]);
  a.send(piece(frame, 900, 1523, { more: false }));
  assertEquals([b.received().length, relay.drops()], [0, { "over-long": 1 }]);
  a.send(piece(frame, 1400, 1523));
  a.send(piece(frame, 1522, 1523));
  assertEquals([b.received().length, relay.drops()], [0, { "over-long": 3 }]);
});

//= PROTOCOL.md 11
//# Later pieces are judged by rules 1 to 7 and by their target, with their copy of the header.
Deno.test("filters: a first piece is judged like a whole frame, later pieces by their header alone", () => {
  const padding = new Array<number>(900).fill(0);
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  const offer = ethernet(BROADCAST, A, IPV4, ipv4(UDP, [...udp(67, 68, 900)]));
  a.send(piece(offer, 0, 700));
  assertEquals([b.received().length, relay.drops()], [0, { "dhcp-server": 1 }]);
  a.send(piece(offer, 700, offer.length));
  assertEquals(b.received().length, 1);
  const control = ethernet("01:80:c2:00:00:00", A, 0x88b6, padding);
  a.send(piece(control, 0, 700));
  a.send(piece(control, 700, control.length));
  assertEquals([b.received().length, relay.drops()["switch-control"]], [0, 2]);
});

//= PROTOCOL.md 11
//# | 9 | all | a first piece, or a first IP fragment, inside which the chain of headers does not
//# end | `hidden-headers`
Deno.test("filters: a first piece whose headers do not end inside it is dropped", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway();
  const [a, b] = [relay.client(A), relay.client(B)];
  // Destination options of 8 + 8 × 90 bytes: the ICMPv6 header comes after byte 700.
  const chain = [ICMPV6, 90, 1, 4, ...new Array<number>(4 + 8 * 90).fill(0), ...icmpv6(134)];
  const hidden = ethernet(
    BROADCAST,
    A,
    IPV6,
    ipv6(60, [...chain, ...new Array<number>(99).fill(0)]),
  );
  a.send(piece(hidden, 0, 700));
  assertEquals([b.received().length, relay.drops()], [0, { "hidden-headers": 1 }]);
  a.send(piece(hidden, 0, 850));
  assertEquals([b.received().length, relay.drops()["router-advertisement"]], [0, 1]);
  hidden.set(mac(LAN), 6);
  gateway.send(piece(hidden, 0, 700));
  assertEquals([b.received().length, relay.drops()["hidden-headers"]], [0, 2]);
});

//= PROTOCOL.md 11.1
//# A whole frame that is no first fragment and whose chain does not end passes rule 9: no receiver
//# can take it for more than it is.
Deno.test("filters: a whole frame that ends inside its headers passes: there is nothing more of it", () => {
  const stub = ethernet(BROADCAST, A, IPV4, ipv4(UDP, udp(4000, 5000, 0).slice(0, 3)));
  assertEquals(fateOf(stub, false), "pass");
});

//= PROTOCOL.md 11.1
//# Filters must see through all of this, and must never read beyond the bytes that are there:
Deno.test("filters: no bytes whatever make the filters throw or see behind the frame's end", () => {
  const dissection = new Dissection();
  const filter = new ContentFilter();
  let state = 7;
  const random = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 16 & 0xff;
  const codes = new Set<number>();
  for (let round = 0; round < 20_000; round++) {
    const length = 14 + random() % 120;
    const frame = Uint8Array.from({ length: length + 64 }, random);
    frame.set([0x86, 0xdd, 0x60], 12);
    frame[20] = [0, 43, 44, 60, 58, 17][random() % 6];
    const judge = () => {
      dissect(frame, 0, length, dissection);
      return filter.judge(frame, 0, length, dissection, round % 2 === 0, {
        ...{ fromPlayer: round % 3 !== 0, allowRouterAdvertisements: round % 5 === 0 },
        ...{ allowRouteChanges: round % 7 === 0, allowProxyNames: round % 7 === 0 },
        allowVlan: round % 11 === 0,
      });
    };
    const code = judge();
    frame.fill(0xff, length);
    assertEquals(judge(), code);
    codes.add(code);
    assertEquals(code === PASS || code in DROP_REASONS, true);
  }
  assertEquals(codes.size > 3, true);
});
