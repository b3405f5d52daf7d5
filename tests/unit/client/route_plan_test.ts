/** Tables of a PC in different networks, and what the plan makes of them. */
import { formatIp, parseIpAddress } from "../../../src/proto/ip.ts";
import { type IpRoute, isSameRoute } from "../../../src/proto/ip_route.ts";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  bestRoute,
  isSameWay,
  metricKey,
  type NetworkSnapshot,
  planRoutes,
  type RoutePlan,
  type RouteWishes,
} from "../../../src/client/route_plan.ts";

const CABLE = 3;
const WIFI = 5;
const TAP = 7;
const RELAY = "203.0.113.9";

/** `10.0.0.0/8 via 10.1.1.1 dev 3 metric 0`; without `via`: on the link. */
function route(text: string): IpRoute {
  const match = /^(\S+)\/(\d+)(?: via (\S+))? dev (\d+)(?: metric (\d+))?$/.exec(text)!;
  const destination = parseIpAddress(match[1])!;
  return {
    destination,
    prefixBits: Number(match[2]),
    nextHop: match[3] === undefined
      ? new Uint8Array(destination.length)
      : parseIpAddress(match[3])!,
    interfaceIndex: Number(match[4]),
    metric: Number(match[5] ?? 0),
  };
}

function text({ destination, prefixBits, nextHop, interfaceIndex }: IpRoute): string {
  const via = nextHop.some((byte) => byte !== 0) ? ` via ${formatIp(nextHop)}` : "";
  return `${formatIp(destination)}/${prefixBits}${via} dev ${interfaceIndex}`;
}

interface Pc {
  readonly routes: readonly string[];
  /** `192.168.1.2/24 dev 3` */
  readonly addresses: readonly string[];
  readonly metrics?: Readonly<Record<number, number>>;
  readonly nameServers?: readonly string[];
}

function snapshotOf({ routes, addresses, metrics = {}, nameServers = [] }: Pc): NetworkSnapshot {
  return {
    routes: routes.map(route),
    addresses: addresses.map((line) => {
      const { destination, prefixBits, interfaceIndex } = route(line);
      return { address: destination, prefixBits, interfaceIndex };
    }),
    interfaceMetrics: new Map(
      Object.entries(metrics).flatMap(([index, metric]) =>
        [4, 16].map((bytes) => [metricKey(Number(index), bytes), metric] as const)
      ),
    ),
    nameServers: nameServers.map((line) => {
      const { destination, interfaceIndex } = route(line);
      return { address: destination, interfaceIndex };
    }),
  };
}

function plan(
  pc: Pc,
  ours: readonly string[] = [],
  relays = [RELAY],
  mustYield: RouteWishes["mustYield"] = () => false,
): RoutePlan {
  const addresses = relays.map((relay) => parseIpAddress(relay)!);
  const wishes = { tapIndex: TAP, relays: addresses, mustYield };
  return planRoutes(snapshotOf(pc), wishes, ours.map(route));
}

function changes({ add, remove }: RoutePlan): { add: string[]; remove: string[] } {
  return { add: add.map(text), remove: remove.map(text) };
}

const HOME: Pc = {
  routes: [
    "0.0.0.0/0 via 192.168.1.1 dev 3",
    "192.168.1.0/24 dev 3",
    "255.255.255.255/32 dev 3 metric 256",
    "255.255.255.255/32 dev 7 metric 256",
  ],
  addresses: ["192.168.1.20/24 dev 3", "127.0.0.1/8 dev 1"],
  metrics: { [CABLE]: 25, [WIFI]: 50, [TAP]: 1 },
};

Deno.test("the relay is held on the way that leads to it", () => {
  const made = plan(HOME);
  assertEquals(changes(made), { add: [`${RELAY}/32 via 192.168.1.1 dev 3`], remove: [] });
  assertEquals(made.way?.interfaceIndex, CABLE);
  assertEquals(formatIp(made.way!.source!), "192.168.1.20");
  assertEquals(made.broadcastIndex, TAP);
});

Deno.test("a VPN that comes up with the network of a lease has it, and the party has not", () => {
  const pc: Pc = {
    ...HOME,
    routes: [
      ...HOME.routes,
      ...["10.8.0.0/24 dev 7", "10.8.0.0/24 dev 4", "0.0.0.0/1 via 10.8.0.1 dev 4"],
      ...["fd7a:1::/64 dev 7", "fd7a::/16 via fe80::1 dev 4"],
    ],
    addresses: [
      ...HOME.addresses,
      ...["10.8.0.77/24 dev 7", "fd7a:1::77/64 dev 7", "fe80::7/64 dev 7", "10.8.0.2/24 dev 4"],
    ],
  };
  const halves = [
    "10.8.0.0/25 dev 4",
    "10.8.0.128/25 dev 4",
    "fd7a:1::/65 via fe80::1 dev 4",
    "fd7a:1:0:0:8000::/65 via fe80::1 dev 4",
  ];
  const yields = (now: Pc, ours: readonly string[] = []) => plan(now, ours, [], () => true);
  assertEquals(changes(yields(pc)), { add: halves, remove: [] });
  assertEquals(yields(pc).yielded, ["10.8.0.0/24", "fd7a:1::/64"]);
  assertEquals(yields(pc).clashes, [], "it is no home whose servers are held");
  const held: Pc = { ...pc, routes: [...pc.routes, ...halves] };
  assertEquals(changes(yields(held, halves)), { add: [], remove: [] });
  // The VPN has gone, or the player has allowed it: they go.
  assertEquals(changes(plan(held, halves, [])).remove, halves);
  const ended: Pc = {
    ...held,
    routes: held.routes.filter((line) => !line.includes("dev 4") || halves.includes(line)),
  };
  assertEquals(changes(yields(ended, halves)).remove, halves);
});

Deno.test("what a VPN has more exactly it has in any case, and one address has no halves", () => {
  const pc: Pc = {
    ...HOME,
    routes: [...HOME.routes, "10.8.0.0/25 dev 4", "10.9.0.7/32 dev 4", "10.8.0.0/24 dev 7"],
    addresses: [...HOME.addresses, "10.8.0.77/24 dev 7", "10.9.0.7/32 dev 7", "10.8.0.2/25 dev 4"],
  };
  const made = plan(pc, [], [], () => true);
  assertEquals(changes(made), { add: [], remove: [] });
  assertEquals(made.yielded, ["10.8.0.0/24", "10.9.0.7/32"]);
});

Deno.test("the adapter's own routes are no way to the relay, however good", () => {
  const pc = { ...HOME, routes: [...HOME.routes, "0.0.0.0/0 via 10.7.0.1 dev 7"] };
  assertEquals(changes(plan(pc)).add, [`${RELAY}/32 via 192.168.1.1 dev 3`]);
  assertEquals(plan({ ...HOME, routes: ["0.0.0.0/0 via 10.7.0.1 dev 7"] }).way, undefined);
});

Deno.test("a route that is there already is not added, whoever made it", () => {
  const held = `${RELAY}/32 via 192.168.1.1 dev 3`;
  const pc = { ...HOME, routes: [...HOME.routes, held] };
  assertEquals(changes(plan(pc)), { add: [], remove: [] });
  assertEquals(changes(plan(pc, [held])), { add: [], remove: [] });
});

Deno.test("a route of ours that somebody deleted is added again", () => {
  const held = `${RELAY}/32 via 192.168.1.1 dev 3`;
  assertEquals(changes(plan(HOME, [held])), { add: [held], remove: [] });
});

Deno.test("a route of ours does not stand for the way: that of the player does", () => {
  const old = `${RELAY}/32 via 192.168.1.1 dev 3`;
  const moved: Pc = {
    ...HOME,
    routes: ["0.0.0.0/0 via 172.16.0.1 dev 5", "172.16.0.0/16 dev 5", old],
    addresses: ["172.16.0.9/16 dev 5"],
  };
  assertEquals(changes(plan(moved, [old])), {
    add: [`${RELAY}/32 via 172.16.0.1 dev 5`],
    remove: [old],
  });
});

Deno.test("without a network nothing is held", () => {
  const old = `${RELAY}/32 via 192.168.1.1 dev 3`;
  const made = plan({ ...HOME, routes: [old], addresses: [] }, [old]);
  assertEquals(changes(made), { add: [], remove: [old] });
  assertEquals([made.way, made.isLocal], [undefined, false]);
});

Deno.test("an interface that has lost its address is no way, though its route is there", () => {
  assertEquals(plan({ ...HOME, addresses: ["127.0.0.1/8 dev 1"] }).way, undefined);
});

Deno.test("a cable that is out, with its better route, is not in the Wi-Fi's way", () => {
  const routes = ["0.0.0.0/0 via 192.168.1.1 dev 3", "0.0.0.0/0 via 192.168.2.1 dev 5"];
  // An address that Windows gives itself where nobody else does leads to no relay.
  for (const cable of [[], ["169.254.7.7/16 dev 3"]]) {
    const made = plan({ ...HOME, routes, addresses: [...cable, "192.168.2.20/24 dev 5"] });
    assertEquals(changes(made).add, [`${RELAY}/32 via 192.168.2.1 dev 5`]);
    assertEquals(made.way?.interfaceIndex, WIFI);
  }
});

Deno.test("of two ways the longer prefix is taken, then the least sum of metrics", () => {
  const addresses = ["192.168.1.20/24 dev 3", "192.168.2.20/24 dev 5"];
  const routes = [
    "0.0.0.0/0 via 192.168.1.1 dev 3 metric 30",
    "0.0.0.0/0 via 192.168.2.1 dev 5 metric 10",
  ];
  const way = (lines: readonly string[]) => plan({ ...HOME, routes: lines, addresses }).way;
  assertEquals(way(routes)?.interfaceIndex, CABLE); // 30 + 25 against 10 + 50
  assertEquals(way([...routes, "203.0.113.0/24 via 192.168.2.1 dev 5"])?.interfaceIndex, WIFI);
});

Deno.test("a relay in the home network is held on the link, one on this PC not at all", () => {
  assertEquals(changes(plan(HOME, [], ["192.168.1.5"])).add, ["192.168.1.5/32 dev 3"]);
  for (const relay of ["127.0.0.1", "192.168.1.20"]) {
    const made = plan(HOME, [], [relay]);
    assertEquals([changes(made).add, made.way, made.isLocal], [[], undefined, true]);
  }
});

Deno.test("IPv6: the relay is held by the router's link-local address", () => {
  const pc: Pc = {
    routes: ["::/0 via fe80::1 dev 3", "2001:db8:1::/64 dev 3"],
    addresses: ["2001:db8:1::20/64 dev 3", "fe80::20/64 dev 3"],
  };
  const made = plan(pc, [], ["2001:db8:99::9"]);
  assertEquals(changes(made).add, ["2001:db8:99::9/128 via fe80::1 dev 3"]);
});

Deno.test("IPv6: another network behind the same router is another way, a temporary address is not", () => {
  const way = (...addresses: string[]) =>
    plan({ routes: ["::/0 via fe80::1 dev 3"], addresses }, [], ["2001:db8:99::9"]).way;
  const before = way("fe80::20/64 dev 3", "fd00::20/64 dev 3", "2001:db8:1::20/64 dev 3");
  assertEquals(formatIp(before!.source!), "2001:db8:1::");
  const temporary = way(
    ...["2001:db8:1::1234/64 dev 3", "2001:db8:1::20/64 dev 3", "fd00::20/64 dev 3"],
  );
  assert(isSameWay(before, temporary));
  assert(!isSameWay(before, way("fe80::20/64 dev 3", "2001:db8:2::20/64 dev 3")));
  assertEquals(way("fe80::20/64 dev 3"), undefined);
});

Deno.test("several relays are held, each once", () => {
  const made = plan(HOME, [], [RELAY, "198.51.100.1", RELAY]);
  assertEquals(changes(made).add, [
    `${RELAY}/32 via 192.168.1.1 dev 3`,
    "198.51.100.1/32 via 192.168.1.1 dev 3",
  ]);
});

/** Home and party are both 192.168.178.0/24. */
const SAME: Pc = {
  routes: [
    "0.0.0.0/0 via 192.168.178.1 dev 3",
    "192.168.178.0/24 dev 3",
    "192.168.178.0/24 dev 7",
  ],
  addresses: ["192.168.178.20/24 dev 3", "192.168.178.77/24 dev 7"],
  nameServers: ["192.168.178.2/32 dev 3", "9.9.9.9/32 dev 3", "192.168.178.3/32 dev 7"],
  metrics: HOME.metrics!,
};

Deno.test("same addresses at home and at the party: router and name servers stay at home", () => {
  const made = plan(SAME);
  assertEquals(changes(made).add, [
    `${RELAY}/32 via 192.168.178.1 dev 3`,
    "192.168.178.1/32 dev 3",
    "192.168.178.2/32 dev 3",
  ]);
  assertEquals(made.clashes, [{ network: "192.168.178.0/24", interfaceIndex: CABLE }]);
});

Deno.test("link-local addresses, and other addresses, are no clash", () => {
  const apart = { ...SAME, addresses: ["192.168.178.20/24 dev 3", "192.168.7.77/24 dev 7"] };
  assertEquals(plan(apart).clashes, []);
  const local = { ...SAME, addresses: ["169.254.1.2/16 dev 3", "169.254.9.9/16 dev 7"] };
  assertEquals(plan(local).clashes, []);
});

Deno.test("when the clash is over its routes are taken back", () => {
  const apart = { ...SAME, addresses: ["192.168.178.20/24 dev 3"] };
  const held = ["192.168.178.1/32 dev 3", "192.168.178.2/32 dev 3"];
  assertEquals(changes(plan(apart, held)).remove, held);
});

Deno.test("broadcasts leave by the interface with the least sum of metrics", () => {
  assertEquals(plan({ ...HOME, metrics: { [CABLE]: 1, [TAP]: 25 } }).broadcastIndex, CABLE);
  assertEquals(plan({ ...HOME, routes: [] }).broadcastIndex, undefined);
});

Deno.test("multicasts leave by their own routes, which another adapter may lack or have alone", () => {
  const tap = "224.0.0.0/4 dev 7 metric 256";
  const cable = "224.0.0.0/4 dev 3 metric 256";
  const leaves = (...routes: string[]) => plan({ ...HOME, routes }).multicastIndex;
  assertEquals([leaves(tap, cable), leaves(cable), leaves()], [TAP, CABLE, undefined]);
  // A default route takes them where nothing else does.
  assertEquals(leaves("0.0.0.0/0 via 192.168.1.1 dev 3"), CABLE);
});

const address = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.1.1", RELAY, "0.0.0.0");
const anyRoute = fc.record({
  destination: address.map((text) => parseIpAddress(text)!),
  prefixBits: fc.constantFrom(0, 8, 24, 32),
  nextHop: address.map((text) => parseIpAddress(text)!),
  interfaceIndex: fc.constantFrom(CABLE, WIFI, TAP),
  metric: fc.nat({ max: 300 }),
});
const anyAddress = fc.record({
  interfaceIndex: fc.constantFrom(CABLE, WIFI, TAP),
  address: address.map((text) => parseIpAddress(text)!),
  prefixBits: fc.constantFrom(8, 24, 32),
});

Deno.test("no plan removes a route of the player's, and carrying one out leaves nothing to do", () => {
  fc.assert(fc.property(
    fc.array(anyRoute, { maxLength: 8 }),
    fc.array(anyRoute, { maxLength: 3 }),
    fc.array(anyAddress, { maxLength: 5 }),
    (player, ours, addresses) => {
      // What is ours was not there before: else it would have been left alone.
      const own = ours.filter((one) => !player.some((other) => isSameRoute(one, other)));
      const wishes = { tapIndex: TAP, relays: [parseIpAddress(RELAY)!] };
      const look = (routes: readonly IpRoute[]) => ({
        routes,
        addresses,
        interfaceMetrics: new Map(),
        nameServers: addresses,
      });
      const made = planRoutes(look([...player, ...own]), wishes, own);
      for (const gone of made.remove) assert(own.some((one) => isSameRoute(one, gone)));
      const kept = own.filter((one) => !made.remove.some((gone) => isSameRoute(one, gone)));
      const after = planRoutes(look([...player, ...kept, ...made.add]), wishes, [
        ...kept,
        ...made.add,
      ]);
      assertEquals([after.add, after.remove], [[], []]);
    },
  ));
});

Deno.test("the best route is the longest, then that of the least metric", () => {
  const routes = [
    `0.0.0.0/0 via 192.168.1.1 dev ${WIFI} metric 600`,
    `0.0.0.0/0 via 192.168.2.1 dev ${CABLE} metric 100`,
    `10.77.0.0/24 dev ${TAP}`,
  ].map(route);
  const owner = (address: string, more: readonly IpRoute[] = [], metrics = new Map()) =>
    bestRoute([...routes, ...more], parseIpAddress(address)!, metrics)?.interfaceIndex;
  assertEquals(owner("255.255.255.255"), CABLE);
  assertEquals(owner("224.0.0.251"), CABLE);
  assertEquals(owner("10.77.0.5"), TAP);
  assertEquals(owner("224.0.0.251", [route(`224.0.0.0/4 dev ${TAP}`)]), TAP);
  assertEquals(owner("255.255.255.255", [], new Map([[metricKey(CABLE, 4), 1_000]])), WIFI);
  assertEquals(owner("2001:db8::1"), undefined);
  assertEquals(bestRoute([], parseIpAddress("10.0.0.1")!), undefined);
});
