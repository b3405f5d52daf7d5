/** What of a server's confirmation becomes the adapter's. */
import { assert, assertEquals } from "@std/assert";
import { isUsable, leaseOf, routesOf } from "../../../src/client/dhcp_lease.ts";
import { readDhcpReply } from "../../../src/client/dhcp_reply.ts";
import { type Option, PLAYER_MAC, replyFrame } from "./dhcp_frames.ts";

const MESSAGE_AT = 42;
const OWN = [10, 77, 0, 77];
const ROUTER = [10, 77, 0, 1];
const ROUTER_NUMBER = 0x0a4d0001;

function lease(options: readonly Option[], allowsDefaultRoute = true) {
  const needed: Option[] = [[53, 5], [1, 255, 255, 255, 0], [51, 0, 0, 14, 16], [54, ...ROUTER]];
  const frame = replyFrame({ options: [...needed, ...options], yourAddress: OWN });
  const reply = readDhcpReply(frame, MESSAGE_AT, frame.length, Uint8Array.fromHex(PLAYER_MAC));
  assert(reply !== undefined && isUsable(reply));
  return leaseOf(reply, allowsDefaultRoute);
}

Deno.test("routers and name servers are the lease's where the player lets them, and else nothing", () => {
  const options: Option[] = [[3, ...ROUTER], [6, ...ROUTER], [15, 0x6c, 0x61, 0x6e]];
  const { routers, nameServers, domains } = lease(options);
  assertEquals({ routers, nameServers, domains }, {
    routers: [ROUTER_NUMBER],
    nameServers: [ROUTER_NUMBER],
    domains: ["lan"],
  });
  const other = lease([...options, [121, 0, ...ROUTER]], false);
  assertEquals([other.routers, other.routes, other.nameServers, other.domains], [[], [], [], []]);
});

Deno.test("a router that no station can be, or is this PC, is none: the next one is", () => {
  const nobodys = [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255], OWN];
  for (const nobody of nobodys) {
    assertEquals(lease([[3, ...nobody]]).routers, [], nobody.join("."));
    assertEquals(lease([[3, ...nobody, ...ROUTER]]).routers, [ROUTER_NUMBER], nobody.join("."));
  }
});

Deno.test("a name server that no station can be is none", () => {
  const servers = [0, 0, 0, 0, 127, 0, 0, 53, ...ROUTER, 255, 255, 255, 255];
  assertEquals(lease([[6, ...servers]]).nameServers, [ROUTER_NUMBER]);
});

Deno.test("a route by no router leads to the link, but not one to everywhere; one by nobody is none", () => {
  const { routers, routes } = lease([
    [3, ...ROUTER],
    [
      121,
      0,
      0,
      0,
      0,
      0,
      24,
      10,
      78,
      0,
      0,
      0,
      0,
      0,
      16,
      10,
      79,
      224,
      0,
      0,
      1,
      16,
      10,
      80,
      ...ROUTER,
    ],
  ]);
  assertEquals(routes, [
    { destination: 0x0a4e0000, prefixBits: 24, nextHop: 0 },
    { destination: 0x0a500000, prefixBits: 16, nextHop: ROUTER_NUMBER },
  ]);
  assertEquals(routers, [ROUTER_NUMBER]);
});

Deno.test("where no route of option 121 is one, the router leads to everywhere", () => {
  const got = routesOf(lease([[3, ...ROUTER], [121, 0, 0, 0, 0, 0]]));
  assertEquals(got, [{ destination: 0, prefixBits: 0, nextHop: ROUTER_NUMBER }]);
});
