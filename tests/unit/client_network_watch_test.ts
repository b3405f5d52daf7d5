import { assertEquals } from "@std/assert";
import { GAP_MIN_MS, NetworkWatch } from "../../src/client/network_watch.ts";
import type { Way } from "../../src/client/route_plan.ts";

const way = (interfaceIndex: number, source = 20): Way => ({
  interfaceIndex,
  nextHop: Uint8Array.of(192, 168, 1, 1),
  source: Uint8Array.of(192, 168, 1, source),
});

Deno.test("a way that stays the same is no event, and neither is none from the start", () => {
  const watch = new NetworkWatch();
  assertEquals(watch.handleWay(undefined, 0), undefined);
  for (const nowMs of [1, 2, 3]) assertEquals(watch.handleWay(way(3), nowMs), undefined);
});

Deno.test("another interface, router or address of our own: the connection is of no use", () => {
  const watch = new NetworkWatch();
  watch.handleWay(way(3), 0);
  assertEquals(watch.handleWay(way(5), 1), "reconnect");
  assertEquals(watch.handleWay(way(5), 2), undefined);
  assertEquals(watch.handleWay(way(5, 21), 3), "reconnect");
  assertEquals(watch.handleWay({ ...way(5, 21), nextHop: new Uint8Array(4) }, 4), "reconnect");
});

Deno.test("a cable that is out is told once; in again soon, the connection may live on", () => {
  const watch = new NetworkWatch();
  watch.handleWay(way(3), 0);
  assertEquals(watch.handleWay(undefined, 10), "lost");
  assertEquals(watch.handleWay(undefined, 20), undefined);
  assertEquals(watch.isLost, true);
  assertEquals(watch.handleWay(way(3), 10 + GAP_MIN_MS - 1), "back");
  assertEquals(watch.isLost, false);
  watch.handleWay(undefined, 10_000);
  assertEquals(watch.handleWay(way(3), 10_000 + GAP_MIN_MS), "reconnect");
});

Deno.test("another network after none at all: at once", () => {
  const watch = new NetworkWatch();
  watch.handleWay(way(3), 0);
  watch.handleWay(undefined, 10);
  assertEquals(watch.handleWay(way(5), 20), "reconnect");
});

Deno.test("the way to another relay is no change", () => {
  const watch = new NetworkWatch();
  const relay = (last: number) => Uint8Array.of(203, 0, 113, last);
  assertEquals(watch.useRelay(relay(9)), true);
  watch.handleWay(way(3), 0);
  assertEquals([watch.useRelay(relay(9)), watch.useRelay(undefined)], [false, false]);
  assertEquals(watch.relay, relay(9));
  assertEquals(watch.useRelay(relay(10)), true);
  assertEquals(watch.handleWay(way(5), 1), undefined);
});
