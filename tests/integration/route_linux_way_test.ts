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
import { assertEquals } from "@std/assert";
import { NetlinkGroup, NetlinkNotices } from "../../src/ffi/netlink.ts";
import { parseIpAddress } from "../../src/endpoint/ip_address.ts";
import { formatIp } from "../../src/proto/ip_route.ts";
import { wayTo } from "../../src/route/linux_way.ts";
import { inNamespace } from "../support/enter_namespace.ts";
import { type Namespace, NetworkLab } from "../support/netns.ts";
import { eventually } from "../support/wait.ts";

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
  return JSON.parse(await place.ip("-json", "link", "show", name))[0].ifindex;
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
