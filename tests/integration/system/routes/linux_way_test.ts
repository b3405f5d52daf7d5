/**
 * The way to an address and notices of changes, as the kernel tells them, compared with what is set up.
 *
 * ```text
 *   lab
 *  ┌──────────────────────────┐   ┌──────┐
 *  │ cable 10.9.0.2, fd09::2 ─┼───┼─ far │
 *  │ wifi  10.8.0.2          ─┼───┼─ air │
 *  └──────────────────────────┘   └──────┘
 * ```
 */
import { formatIp, parseIpAddress } from "../../../../src/proto/ip.ts";
import type { NewRoute } from "../../../../src/proto/ip_route.ts";
import { assertEquals } from "@std/assert";
import { NetlinkGroup } from "../../../../src/ffi/netlink_constants.ts";
import { NetlinkNotices } from "../../../../src/system/netlink/linux.ts";
import { addRoute, removeRoute } from "../../../../src/system/routes/linux_entry.ts";
import { readRoutes } from "../../../../src/system/routes/linux_table.ts";
import { takesFrom, wayTo } from "../../../../src/system/routes/linux_way.ts";
import { inNamespace } from "../../../support/enter_namespace.ts";
import { type Namespace, NetworkLab } from "../../../../tools/lab/netns.ts";
import { eventually } from "../../../../tools/lab/wait.ts";

/** `10.9.0.1 from 10.9.0.2 dev 4`; an address of the machine itself: `local`. */
function way(place: Namespace, address: string): string {
  const found = inNamespace(place, () => wayTo(parseIpAddress(address)!));
  if (found === undefined) return "none";
  const { nextHop, source, interfaceIndex, isLocal } = found;
  if (isLocal) return "local";
  return `${formatIp(nextHop)} from ${
    source === undefined ? "?" : formatIp(source)
  } dev ${interfaceIndex}`;
}

async function indexOf(place: Namespace, name: string): Promise<number> {
  return (await place.linkOf(name)).ifindex;
}

/** The kernel has seen that both ends of a new cable are up: it looks at carriers by itself, a bit later. */
function ready(holds: () => boolean): Promise<void> {
  return eventually("the link is ready", holds);
}

Deno.test("the kernel's way to an address, and that it has changed", async () => {
  await using lab = await NetworkLab.open();
  const [place, away] = [await lab.namespace("lab"), await lab.namespace("away")];
  await lab.veth(
    { namespace: place, name: "cable", addresses: ["10.9.0.2/24", "fd09::2/64"] },
    { namespace: away, name: "far", addresses: ["10.9.0.1/24"] },
  );
  await lab.veth(
    { namespace: place, name: "wifi", addresses: ["10.8.0.2/24"] },
    { namespace: away, name: "air", addresses: ["10.8.0.1/24"] },
  );
  const [cable, wifi] = [await indexOf(place, "cable"), await indexOf(place, "wifi")];
  const groups = Object.values(NetlinkGroup).reduce((all, group) => all | group, 0);
  const notices = inNamespace(place, () => new NetlinkNotices(groups));
  try {
    await ready(() => way(place, "10.9.0.77") !== "none" && way(place, "10.8.0.77") !== "none");
    await ready(() => way(place, "fd09::1") !== "none");
    assertEquals(way(place, "203.0.113.9"), "none");
    assertEquals(way(place, "10.9.0.77"), `0.0.0.0 from 10.9.0.2 dev ${cable}`);
    assertEquals(way(place, "10.9.0.2"), "local");
    assertEquals(way(place, "fd09::1"), `:: from fd09::2 dev ${cable}`);
    assertEquals(way(place, "2001:db8::1"), "none");

    notices.take();
    assertEquals(notices.take(), false);
    await place.ip("route", "add", "default", "via", "10.9.0.1", "metric", "5");
    assertEquals(notices.take(), true);
    await place.ip("route", "add", "default", "via", "10.8.0.1", "metric", "50");
    await place.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "cable");
    assertEquals(notices.take(), true);
    assertEquals(notices.take(), false);
    assertEquals(way(place, "203.0.113.9"), `10.9.0.1 from 10.9.0.2 dev ${cable}`);
    assertEquals(way(place, "2001:db8::1"), `fe80::1 from fd09::2 dev ${cable}`);
    await place.ip("route", "add", "blackhole", "198.51.100.0/24");
    assertEquals(way(place, "198.51.100.9"), "none");

    // The cable is out: the route is still there, but leads nowhere.
    await away.ip("link", "set", "far", "down");
    await eventually("no way without a carrier", () => way(place, "203.0.113.9") === "none");
    assertEquals(notices.take(), true);
    await place.ip("route", "del", "default", "via", "10.9.0.1");
    assertEquals(way(place, "203.0.113.9"), `10.8.0.1 from 10.8.0.2 dev ${wifi}`);
    await place.ip("addr", "del", "10.8.0.2/24", "dev", "wifi");
    assertEquals(way(place, "203.0.113.9"), "none");
  } finally {
    notices.close();
  }
});

Deno.test("what the kernel does not take by an interface, since it expects it by another, is known", async () => {
  await using lab = await NetworkLab.open();
  const [place, away] = [await lab.namespace("lab"), await lab.namespace("away")];
  for (const [name, far] of [["cable", "far"], ["party", "air"]]) {
    const address = name === "cable" ? "10.9.0.2/24" : "10.9.0.5/24";
    await lab.veth(
      { namespace: place, name, addresses: [address] },
      { namespace: away, name: far },
    );
  }
  const [cable, party] = [await indexOf(place, "cable"), await indexOf(place, "party")];
  const [neighbour, own] = ["10.9.0.6", "10.9.0.5"].map((text) => parseIpAddress(text)!);
  const takes = (index: number) => inNamespace(place, () => takesFrom(neighbour, own, index));
  const filter = (value: number) =>
    place.run([
      "sysctl",
      "-qw",
      ...["all", "party", "cable"].map((name) => `net.ipv4.conf.${name}.rp_filter=${value}`),
    ]);
  // Both networks have the same addresses, and the kernel answers by the first.
  await filter(0);
  await ready(() => way(place, "10.9.0.6").endsWith(` dev ${cable}`));
  assertEquals([takes(cable), takes(party)], [true, true]);
  await filter(1);
  assertEquals([takes(cable), takes(party)], [true, false]);
  await filter(2);
  assertEquals([takes(cable), takes(party)], [true, true]);
  // Whether a firewall lets it in is another question.
  await place.run([
    "sh",
    "-c",
    "nft add table inet f; nft 'add chain inet f i { type filter hook input priority 0; policy drop; }'",
  ]);
  assertEquals(takes(party), true);
});

/** The main table, in the words that `route` above and below is told in. */
function mainRoutes(place: Namespace): string[] {
  const routes = inNamespace(place, readRoutes).filter(({ isMain }) => isMain);
  return routes.map(({ destination, prefixBits, nextHop, interfaceIndex, metric }) =>
    `${formatIp(destination)}/${prefixBits} via ${
      formatIp(nextHop)
    } dev ${interfaceIndex} ${metric}`
  ).filter((line) => !/^(fe80|ff00)::/.test(line)).sort();
}

Deno.test("the main table is read whole, and what is added to it is found and removed", async () => {
  await using lab = await NetworkLab.open();
  const [place, away] = [await lab.namespace("lab"), await lab.namespace("away")];
  await lab.veth(
    { namespace: place, name: "cable", addresses: ["10.9.0.2/24", "fd09::2/64"] },
    { namespace: away, name: "far", addresses: ["10.9.0.1/24"] },
  );
  const cable = await indexOf(place, "cable");
  const own = [`10.9.0.0/24 via 0.0.0.0 dev ${cable} 0`, `fd09::/64 via :: dev ${cable} 256`];
  await ready(() => mainRoutes(place).length === own.length);
  assertEquals(mainRoutes(place), own);

  await place.ip("route", "add", "default", "via", "10.9.0.1", "metric", "100");
  await place.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "cable");
  const hops = ["nexthop", "via", "10.9.0.1", "nexthop", "via", "10.9.0.7"];
  await place.ip("route", "add", "198.51.100.0/24", ...hops);
  const theirs = [
    ...own,
    `0.0.0.0/0 via 10.9.0.1 dev ${cable} 100`,
    `::/0 via fe80::1 dev ${cable} 1024`,
    `198.51.100.0/24 via 10.9.0.1 dev ${cable} 0`,
    `198.51.100.0/24 via 10.9.0.7 dev ${cable} 0`,
  ].sort();
  assertEquals(mainRoutes(place), theirs);
  // These lead nowhere, are in another table, or by a router that no host route can name.
  await place.ip("route", "add", "blackhole", "192.0.2.0/24");
  await place.ip("route", "add", "192.0.3.0/24", "via", "10.9.0.1", "table", "77");
  await place.ip("route", "add", "192.0.4.0/24", "via", "inet6", "fe80::1", "dev", "cable");
  assertEquals(mainRoutes(place), theirs);

  const relay = (text: string, router: string) => ({
    destination: parseIpAddress(text)!,
    prefixBits: parseIpAddress(text)!.length * 8,
    nextHop: parseIpAddress(router)!,
    interfaceIndex: cable,
  });
  // The second one's router lies in no network of the interface's, as that of a rented address does.
  for (
    const [address, router, metric] of [
      ["203.0.113.9", "10.9.0.1", 0],
      ["203.0.113.10", "192.0.2.1", 0],
      ["2001:db8::9", "fe80::1", 1024],
    ] as const
  ) {
    const route = relay(address, router);
    const line = `${address}/${route.prefixBits} via ${router} dev ${cable} ${metric}`;
    assertEquals(inNamespace(place, () => addRoute(route, "only")), true);
    assertEquals(inNamespace(place, () => addRoute(route, "only")), false);
    assertEquals(mainRoutes(place), [...theirs, line].sort());
    assertEquals(way(place, address).split(" ")[0], router);
    inNamespace(place, () => removeRoute(route));
    inNamespace(place, () => removeRoute(route));
    assertEquals(mainRoutes(place), theirs);
  }
});

Deno.test("IPv6's groups leave by the interface whose route to them has the least metric", async () => {
  await using lab = await NetworkLab.open();
  const place = await lab.namespace("lab");
  const far = await lab.namespace("far");
  await lab.veth({ namespace: place, name: "cable" }, { namespace: far, name: "cable" });
  await lab.veth({ namespace: place, name: "tap" }, { namespace: far, name: "tap" });
  const group = parseIpAddress("ff05::c")!;
  const { ifindex: tap } = await place.linkOf("tap");
  const { ifindex: cable } = await place.linkOf("cable");
  const leavesBy = () => inNamespace(place, () => wayTo(group))?.interfaceIndex;
  await eventually("the kernel has made its own routes", () => leavesBy() === cable);
  const route: NewRoute = {
    ...{ destination: Uint8Array.of(0xff, ...new Uint8Array(15)), prefixBits: 8 },
    ...{ interfaceIndex: tap, metric: 128 },
    kind: "multicast",
  };
  assertEquals(inNamespace(place, () => addRoute(route, "only")), true);
  assertEquals(inNamespace(place, () => addRoute(route, "only")), false);
  assertEquals(leavesBy(), tap);
  // It goes with its interface.
  await place.ip("link", "del", "tap");
  assertEquals(leavesBy(), cable);
});
