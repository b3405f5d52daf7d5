import { assertEquals } from "@std/assert";
import {
  decideOnNetwork,
  GAP_MIN_MS,
  type NetworkDecision,
  type NetworkEvent,
  NetworkWatch,
} from "../../../src/client/network_watch.ts";
import type { Way } from "../../../src/client/route_plan.ts";

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
  assertEquals(watch.handleWay(way(3), 10 + GAP_MIN_MS - 1), "back");
  watch.handleWay(undefined, 10_000);
  assertEquals(watch.handleWay(way(3), 10_000 + GAP_MIN_MS), "reconnect");
});

Deno.test("another network after none at all: at once", () => {
  const watch = new NetworkWatch();
  watch.handleWay(way(3), 0);
  watch.handleWay(undefined, 10);
  assertEquals(watch.handleWay(way(5), 20), "reconnect");
});

const relay = (last: number) => Uint8Array.of(203, 0, 113, last);

Deno.test("the way to another relay is no change", () => {
  const watch = new NetworkWatch();
  assertEquals(watch.useRelay(relay(9)), true);
  watch.handleWay(way(3), 0);
  assertEquals(watch.useRelay(relay(9)), false);
  assertEquals(watch.relay, relay(9));
  assertEquals(watch.useRelay(relay(10)), true);
  assertEquals(watch.handleWay(way(5), 1), undefined);
});

Deno.test("a network that is gone stays gone while a relay's other addresses are tried", () => {
  const watch = new NetworkWatch();
  watch.useRelay(relay(9));
  watch.handleWay(way(3), 0);
  assertEquals(watch.handleWay(undefined, 10), "lost");
  watch.useRelay(relay(10));
  assertEquals(watch.handleWay(undefined, 20), undefined);
  assertEquals(watch.handleWay(way(3), 10 + GAP_MIN_MS), "reconnect");
});

Deno.test("the relay before is needed until the next one has let us in", () => {
  const watch = new NetworkWatch();
  assertEquals([watch.relays, watch.settle()], [[], false]);
  watch.useRelay(relay(9));
  assertEquals([watch.relays, watch.settle()], [[relay(9)], false]);
  watch.useRelay(relay(10));
  assertEquals(watch.relays, [relay(10), relay(9)]);
  watch.useRelay(relay(9)); // sent back
  assertEquals(watch.relays, [relay(9), relay(10)]);
  watch.useRelay(relay(11)); // and on
  assertEquals(watch.relays, [relay(11), relay(9), relay(10)]);
  assertEquals([watch.settle(), watch.relays, watch.settle()], [true, [relay(11)], false]);
});

Deno.test("those that are tried at the same time are needed as well, and not watched; there are never too many", () => {
  const watch = new NetworkWatch();
  watch.useRelay(relay(9));
  watch.handleWay(way(3), 0);
  watch.tryRelay(relay(10));
  watch.tryRelay(relay(9));
  watch.tryRelay(relay(10));
  assertEquals([watch.relay, watch.relays], [relay(9), [relay(9), relay(10)]]);
  assertEquals(watch.handleWay(way(3), 10), undefined);
  // It has won: the way to it is another one, which is no change.
  watch.useRelay(relay(10));
  assertEquals(watch.relays, [relay(10), relay(9)]);
  assertEquals(watch.handleWay(way(4), 20), undefined);
  for (let last = 20; last < 80; last++) watch.tryRelay(relay(last));
  assertEquals(watch.relays.length, 17);
});

Deno.test("whether a way has led to the relay at hand", () => {
  const watch = new NetworkWatch();
  assertEquals(watch.isWithout, true);
  watch.useRelay(relay(9));
  watch.handleWay(undefined, 0);
  assertEquals(watch.isWithout, true);
  watch.handleWay(way(3), 1);
  assertEquals(watch.isWithout, false);
  // That is told as it is: there was one.
  watch.handleWay(undefined, 2);
  assertEquals(watch.isWithout, false);
});

Deno.test("what follows from a look: who waits goes on at once, and what carries is left alone", () => {
  const rows: [NetworkEvent | undefined, boolean, boolean, NetworkDecision][] = [
    [undefined, false, true, {}],
    [undefined, true, false, { reconnect: "This PC was asleep." }],
    ["lost", true, false, { reconnect: "This PC was asleep." }],
    ["lost", false, true, { says: "networkLost" }],
    ["back", false, false, { says: "networkBack" }],
    ["back", false, true, { says: "networkBack", reconnect: "This PC has its network again." }],
    ["changed", false, false, {}],
    ["changed", false, true, { reconnect: "This PC's network has changed." }],
    ["reconnect", false, false, { reconnect: "This PC has another network." }],
  ];
  for (const [event, wasAsleep, isWaiting, decision] of rows) {
    assertEquals(decideOnNetwork(event, wasAsleep, isWaiting), decision, `${event}`);
  }
});
