/** The keeper of routes over a table in memory, for both kinds of systems. */
import { assertEquals, assertThrows } from "@std/assert";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import {
  type NetworkLook,
  RECHECK_INTERVAL_MS,
  type RelayWay,
  RouteKeeper,
  type RoutingTable,
  SETTLE_MS,
} from "../../../src/client/route_keeper.ts";
import type { RoutePlan } from "../../../src/client/route_plan.ts";
import { formatIp, parseCidr, parseIp } from "../../../src/proto/ip.ts";
import { type IpAddress, type IpRoute, isSameRoute } from "../../../src/proto/ip_route.ts";

const CABLE = 3;
const WIFI = 5;
const TAP = 7;
const RELAY = parseIp("203.0.113.9")!;
const SECOND_RELAY = parseIp("203.0.113.10")!;
const HOLD = "203.0.113.9 via 192.168.1.1 dev 3";

class TableError extends Error {}

/** A PC's table, and what is done to it. */
class FakeTable implements RoutingTable<IpRoute> {
  routes: IpRoute[] = [];
  addresses: IpAddress[] = [];
  tapIndex: number | undefined;
  notice = false;
  broken: Error | undefined;
  brokenAdd: Error | undefined;
  holds = true;
  warning: string | undefined;
  closed = false;
  looks = 0;
  /** Destinations that the player has a route to already. */
  readonly taken = new Set<string>();
  readonly done: string[] = [];

  constructor(readonly removesFirst: boolean) {
    this.connect(CABLE, "192.168.1.77/24", "192.168.1.1");
  }

  /** The PC's one network from now on. */
  connect(interfaceIndex: number, address: string, router: string): void {
    const network = parseCidr(address)!;
    this.addresses = [{ interfaceIndex, ...network }];
    this.routes = this.routes.filter(({ prefixBits }) => prefixBits === 32);
    this.routes.push({
      ...{ destination: new Uint8Array(4), prefixBits: 0, nextHop: parseIp(router)! },
      ...{ interfaceIndex, metric: 100 },
    });
  }

  takeNotice(): boolean {
    const { notice } = this;
    this.notice = false;
    return notice;
  }

  look(): NetworkLook {
    this.looks++;
    if (this.broken !== undefined) throw this.broken;
    const { routes, addresses, tapIndex } = this;
    return {
      snapshot: { routes: [...routes], addresses, interfaceMetrics: new Map(), nameServers: [] },
      surroundings: { routes: [...routes], addresses, tapIndex },
    };
  }

  nameServers() {
    return [];
  }

  mustHold(): boolean {
    return this.holds;
  }

  add(route: IpRoute): IpRoute | undefined {
    if (this.brokenAdd !== undefined) throw this.brokenAdd;
    if (this.taken.has(formatIp(route.destination))) return undefined;
    this.done.push(`add ${text(route)}`);
    this.routes.push(route);
    return route;
  }

  remove(route: IpRoute): void {
    this.done.push(`remove ${text(route)}`);
    this.routes = this.routes.filter((other) => !isSameRoute(other, route));
  }

  forget(route: IpRoute): void {
    this.done.push(`forget ${text(route)}`);
  }

  follow(_look: NetworkLook, plan: RoutePlan) {
    return plan.clashes.length > 0 ? [{ type: "networkLost" } as const] : [];
  }

  wayTo(_relay: Uint8Array, _look: NetworkLook, plan: RoutePlan, isHeld: boolean): RelayWay {
    const { way, isLocal } = plan;
    const warning = this.warning === undefined ? {} : { warning: this.warning };
    return { way, isLocal, isPinned: isHeld, ...warning };
  }

  failureOf(error: unknown): string | undefined {
    return error instanceof TableError ? error.message : undefined;
  }

  close(): void {
    this.closed = true;
  }

  /** What was done since the last call. */
  take(): string[] {
    return this.done.splice(0);
  }
}

function text({ destination, nextHop, interfaceIndex }: IpRoute): string {
  return `${formatIp(destination)} via ${formatIp(nextHop)} dev ${interfaceIndex}`;
}

function scene(removesFirst = false) {
  const table = new FakeTable(removesFirst);
  const said: string[] = [];
  const seen: number[] = [];
  const networks = new LanNetworks();
  const keeper = new RouteKeeper(table, networks, {
    say: ({ type }) => said.push(type),
    warn: (warning) => said.push(warning),
    surroundings: (surroundings) => {
      networks.update(surroundings);
      seen.push(surroundings.relays.length);
    },
  });
  return { table, keeper, said, seen };
}

Deno.test("routes: the relay is held before anything is sent there, and let go at the end", () => {
  const { table, keeper, seen } = scene();
  assertEquals(keeper.holdRelay(RELAY, 1_000), undefined);
  assertEquals(table.take(), [`add ${HOLD}`]);
  assertEquals([keeper.isPinned, seen], [true, [1]]);
  keeper.lookSoon();
  keeper.check(1_100);
  assertEquals(table.take(), []);
  keeper.close();
  assertEquals([table.take(), table.closed], [[`remove ${HOLD}`], true]);
  keeper.close();
  assertEquals([keeper.check(9_000), keeper.holdRelay(RELAY, 9_000), table.take()], [
    undefined,
    undefined,
    [],
  ]);
});

Deno.test("routes: a relay that need not be held is not", () => {
  const { table, keeper } = scene();
  table.holds = false;
  keeper.holdRelay(RELAY, 1_000);
  assertEquals(table.take(), []);
});

Deno.test("routes: another network moves the route, in the order that the table wants", () => {
  for (const removesFirst of [false, true]) {
    const { table, keeper } = scene(removesFirst);
    keeper.holdRelay(RELAY, 1_000);
    table.take();
    table.connect(WIFI, "10.7.7.5/24", "10.7.7.1");
    table.notice = true;
    assertEquals(keeper.check(2_000), "reconnect");
    const moved = ["add 203.0.113.9 via 10.7.7.1 dev 5", `remove ${HOLD}`];
    assertEquals(table.take(), removesFirst ? moved.toReversed() : moved);
  }
});

Deno.test("routes: the relay before stays held until the next has let us in", () => {
  const { table, keeper } = scene();
  keeper.holdRelay(RELAY, 1_000);
  keeper.holdRelay(SECOND_RELAY, 2_000);
  assertEquals(table.take(), [`add ${HOLD}`, "add 203.0.113.10 via 192.168.1.1 dev 3"]);
  keeper.settle();
  keeper.check(2_001);
  assertEquals(table.take(), [`remove ${HOLD}`]);
});

Deno.test("routes: an address that is tried beside the relay in use is held, and not watched", () => {
  const { table, keeper } = scene();
  keeper.holdRelay(RELAY, 1_000);
  keeper.holdRelay(SECOND_RELAY, 1_250, true);
  assertEquals(table.take(), [`add ${HOLD}`, "add 203.0.113.10 via 192.168.1.1 dev 3"]);
  keeper.settle();
  keeper.check(1_251);
  assertEquals(table.take(), ["remove 203.0.113.10 via 192.168.1.1 dev 3"]);
});

Deno.test("routes: a route that somebody has deleted is struck out and added anew", () => {
  const { table, keeper } = scene();
  keeper.holdRelay(RELAY, 1_000);
  table.take();
  table.routes = table.routes.filter(({ prefixBits }) => prefixBits !== 32);
  table.notice = true;
  keeper.check(2_000);
  assertEquals(table.take(), [`forget ${HOLD}`, `add ${HOLD}`]);
});

Deno.test("routes: where a journal undoes everything, the keeper stops and leaves them", () => {
  const { table, keeper } = scene();
  keeper.holdRelay(RELAY, 1_000);
  table.take();
  keeper.stop();
  assertEquals([table.take(), table.closed], [[], true]);
  table.notice = true;
  assertEquals([keeper.check(9_000), keeper.holdRelay(RELAY, 9_000)], [undefined, undefined]);
  keeper.close();
  assertEquals(table.take(), []);
});

Deno.test("routes: before there is a relay nothing is looked at, but a change is told", () => {
  const { table, keeper, seen } = scene();
  assertEquals(keeper.check(1_000), undefined);
  table.notice = true;
  assertEquals([keeper.check(2_000), table.looks, seen], ["changed", 0, []]);
});

Deno.test("routes: one that the player has stays the player's", () => {
  const { table, keeper } = scene();
  table.taken.add("203.0.113.9");
  keeper.holdRelay(RELAY, 1_000);
  keeper.close();
  assertEquals(table.take(), []);
});

Deno.test("routes: after a notice it is looked again when the table has come to rest, else each 5 s", () => {
  const { table, keeper } = scene();
  keeper.holdRelay(RELAY, 900);
  keeper.check(1_000);
  assertEquals(table.looks, 2);
  keeper.check(1_000 + RECHECK_INTERVAL_MS - 1);
  assertEquals(table.looks, 2);
  keeper.check(1_000 + RECHECK_INTERVAL_MS);
  assertEquals(table.looks, 3);
  table.notice = true;
  keeper.check(7_000);
  keeper.check(7_000 + SETTLE_MS - 1);
  assertEquals(table.looks, 4);
  keeper.check(7_000 + SETTLE_MS);
  assertEquals(table.looks, 5);
});

Deno.test("routes: a notice is news to who has found no way yet", () => {
  const { table, keeper } = scene();
  table.routes = [];
  table.addresses = [];
  assertEquals(keeper.holdRelay(RELAY, 1_000), undefined);
  table.notice = true;
  assertEquals(keeper.check(2_000), "changed");
  assertEquals(keeper.check(2_000 + SETTLE_MS), undefined);
});

Deno.test("routes: what fails is said once, and tried again; what is no failure is thrown", () => {
  const { table, keeper, said } = scene();
  table.broken = new TableError("the table is away");
  assertEquals(keeper.holdRelay(RELAY, 1_000), undefined);
  keeper.lookSoon();
  keeper.check(1_100);
  assertEquals(said, ["This PC's routes cannot be seen to (the table is away)"]);
  table.broken = undefined;
  table.brokenAdd = new TableError("not allowed");
  keeper.lookSoon();
  keeper.check(1_200);
  assertEquals(said.slice(1), ["The route to 203.0.113.9 could not be held (not allowed)"]);
  table.brokenAdd = undefined;
  keeper.lookSoon();
  keeper.check(1_300);
  assertEquals(table.take(), [`add ${HOLD}`]);
  table.broken = new RangeError("a bug");
  keeper.lookSoon();
  assertThrows(() => keeper.check(1_400), RangeError, "a bug");
});

Deno.test("routes: what a table has to say, and a way that is not as planned, are told once", () => {
  const { table, keeper, said } = scene();
  table.tapIndex = TAP;
  table.addresses.push({ interfaceIndex: TAP, ...parseCidr("192.168.1.200/24")! });
  table.warning = "another program changes the routes";
  for (let nowMs = 1_000; nowMs < 3_000; nowMs += 1_000) {
    keeper.holdRelay(RELAY, nowMs);
  }
  assertEquals(said, ["networkLost", "sameSubnet", "another program changes the routes"]);
});
