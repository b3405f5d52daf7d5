/**
 * A player's routes, from the keeper's decisions down to a system's table and the journal: over a table in memory, as
 * Linux has it and as Windows has it.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { LanNetworks, type Surroundings } from "../../../../src/client/lan_networks.ts";
import { LinuxRoutes } from "../../../../src/client/linux_routes.ts";
import type { LinuxNetworks } from "../../../../src/client/machine_routes.ts";
import { RECHECK_INTERVAL_MS, RouteKeeper } from "../../../../src/client/route_keeper.ts";
import { WindowsRoutes } from "../../../../src/client/windows_routes.ts";
import { type StatusEvent, statusLine } from "../../../../src/observe/status.ts";
import {
  HOST_ROUTE,
  LinuxHostRoutes,
  undoHostRoute,
} from "../../../../src/programs/client/linux_host_routes.ts";
import { WindowsHostRoutes } from "../../../../src/programs/client/windows_host_routes.ts";
import { formatCidr, parseCidr, parseIp } from "../../../../src/proto/ip.ts";
import type { IpAddress, IpRoute, NewRoute, TableRoute } from "../../../../src/proto/ip_route.ts";
import {
  type Change,
  ChangeJournal,
  ForeignChangeError,
} from "../../../../src/system/journal/mod.ts";
import { FakeRouteTable } from "../../../../src/system/routes/fake.ts";

const CABLE = 3;
const WIFI = 5;
const TAP = 7;
const VLAN = 9;
const RELAY = parseIp("203.0.113.9")!;

function route(destination: string, router: string, interfaceIndex: number): TableRoute {
  const { address, prefixBits } = parseCidr(destination)!;
  const nextHop = parseIp(router)!;
  return { destination: address, prefixBits, nextHop, interfaceIndex, metric: 0, isMain: true };
}

function own(cidr: string, interfaceIndex: number): IpAddress {
  return { ...parseCidr(cidr)!, interfaceIndex };
}

function text({ destination, prefixBits, interfaceIndex }: IpRoute | NewRoute): string {
  return `${formatCidr({ address: destination, prefixBits })} dev ${interfaceIndex}`;
}

/** A PC with a cable, its keeper of routes, and all that it says. */
class Scene {
  readonly table: FakeRouteTable;
  readonly said: string[] = [];
  surroundings: Surroundings | undefined;
  readonly #folder = Deno.makeTempDirSync();

  constructor(system: "linux" | "windows") {
    this.table = new FakeRouteTable(system);
    this.table.routes = [route("0.0.0.0/0", "192.168.1.1", CABLE)];
    this.table.inUse = [own("192.168.1.77/24", CABLE)];
  }

  openJournal(): ChangeJournal {
    return ChangeJournal.open(`${this.#folder}/journal.json`, {
      [HOST_ROUTE]: undoHostRoute(this.table),
    });
  }

  /** What the client that was killed has left. */
  get hasJournal(): boolean {
    return [...Deno.readDirSync(this.#folder)].length > 0;
  }

  /** Held routes. */
  get held(): string[] {
    return this.table.routes.filter(({ prefixBits }) => prefixBits === 32).map(text);
  }

  get led(): string[] {
    return this.table.led.map(text);
  }

  get listener() {
    return {
      say: (event: StatusEvent) => this.said.push(statusLine(event).text),
      warn: (warning: string) => this.said.push(warning),
      surroundings: (surroundings: Surroundings) => this.surroundings = surroundings,
    };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** The same on Linux. */
class LinuxScene extends Scene {
  readonly journal: ChangeJournal;
  readonly keeper: RouteKeeper<Change>;
  tapIndex: number | undefined;
  upper: readonly number[] = [];

  constructor(allowLanDefaultRoute = true) {
    super("linux");
    this.journal = this.openJournal();
    const readInterfaces = (): Omit<LinuxNetworks, "routes"> => {
      const { tapIndex, upper } = this;
      return { addresses: this.table.addresses(), tapIndex, upper, tunnels: [] };
    };
    const machine = new LinuxHostRoutes("lanparty0", this.journal, this.table, readInterfaces);
    const networks = new LanNetworks([], allowLanDefaultRoute);
    const routes = new LinuxRoutes(machine, networks, allowLanDefaultRoute);
    this.keeper = new RouteKeeper(routes, networks, this.listener);
  }

  /** The party's adapter has come up with an address. */
  addTap(cidr: string): void {
    this.tapIndex = TAP;
    this.table.inUse.push(own(cidr, TAP));
    this.table.notice = true;
  }
}

/** The same on Windows. */
class WindowsScene extends Scene {
  readonly journal: ChangeJournal;
  readonly routes: WindowsRoutes<Change>;
  readonly keeper: RouteKeeper<Change>;
  looks = 0;

  constructor() {
    super("windows");
    this.journal = this.openJournal();
    const { journal } = this;
    const machine = new WindowsHostRoutes({
      addRoute(record, add) {
        const change = journal.record(HOST_ROUTE, record);
        if (add()) return change;
        journal.forget(change);
        return undefined;
      },
      undoOne: (change) => journal.undo(change),
      forget: (change) => journal.forget(change),
    }, this.table);
    this.routes = new WindowsRoutes(machine, () => this.looks++);
    this.keeper = new RouteKeeper(this.routes, new LanNetworks([], false), this.listener);
  }
}

Deno.test("Linux: the relay is held where the adapter may take everything over, and let go at the end", () => {
  using scene = new LinuxScene();
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.held, ["203.0.113.9/32 dev 3"]);
  assertEquals(scene.journal.changes.length, 1);
  scene.keeper.close();
  assertEquals(scene.held, []);
  assertEquals(scene.hasJournal, false);
});

Deno.test("Linux: a relay that no route of the adapter leads to is left to the kernel", () => {
  using scene = new LinuxScene(false);
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.held, []);
  scene.addTap("10.77.0.5/24");
  scene.table.routes.push(route("203.0.113.0/24", "10.77.0.1", TAP));
  scene.keeper.check(0);
  assertEquals(scene.held, ["203.0.113.9/32 dev 3"]);
  assertEquals(scene.keeper.isPinned, true);
});

Deno.test("Linux: what a killed client has held is taken back by the next one's journal, and nothing else", () => {
  using scene = new LinuxScene();
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.held.length, 1);
  scene.openJournal();
  assertEquals(scene.held, []);
  assertEquals(scene.table.routes.length, 1);
  const undo = undoHostRoute(scene.table);
  const everything = { ...scene.table.recordOf(scene.table.routes[0]) as Record<string, string> };
  assertThrows(() => undo(everything), ForeignChangeError, "no host route is");
  assertEquals(scene.table.routes.length, 1);
});

Deno.test("Linux: a route of the player's own is neither written down nor taken away", () => {
  using scene = new LinuxScene();
  // Told by the kernel, but not yet in the list: it has come in between.
  const theirs = route("203.0.113.9/32", "192.168.1.254", CABLE);
  const { read } = scene.table;
  scene.table.routes.push(theirs);
  scene.table.read = () => read.call(scene.table).filter((one) => one !== theirs);
  scene.table.wayTo = () => ({
    ...{ interfaceIndex: CABLE, nextHop: parseIp("192.168.1.1")! },
    ...{ source: parseIp("192.168.1.77"), isLocal: false },
  });
  let adds = 0;
  const { add } = scene.table;
  scene.table.add = (record) => {
    adds++;
    return add.call(scene.table, record);
  };
  scene.keeper.holdRelay(RELAY, 0);
  scene.keeper.check(RECHECK_INTERVAL_MS);
  assertEquals(scene.journal.changes, []);
  // It is not asked for again at each look.
  assertEquals(adds, 1);
  scene.keeper.close();
  assert(scene.table.routes.includes(theirs));
});

Deno.test("Linux: what belongs to no network is led into the adapter, and goes with it", () => {
  using scene = new LinuxScene();
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.led, []);
  scene.addTap("10.77.0.5/24");
  scene.keeper.check(0);
  assertEquals(scene.led, ["255.255.255.255/32 dev 7", "224.0.0.0/4 dev 7"]);
  scene.tapIndex = undefined;
  scene.table.removeInterface(TAP);
  scene.keeper.check(1_000);
  assertEquals(scene.led, []);
});

Deno.test("Linux: IPv6's groups leave by the adapter as soon as it has IPv6, ahead of the kernel's own routes", () => {
  using scene = new LinuxScene();
  scene.addTap("fe80::5/64");
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.led, ["ff00::/8 dev 7"]);
  const [{ metric, kind, source }] = scene.table.led;
  assertEquals({ metric, kind, source }, { metric: 128, kind: "multicast", source: undefined });
  // Once is enough, and what takes it away is no end to it.
  scene.keeper.check(RECHECK_INTERVAL_MS);
  assertEquals(scene.led.length, 1);
  scene.table.led.splice(0);
  scene.keeper.check(2 * RECHECK_INTERVAL_MS);
  assertEquals(scene.led, ["ff00::/8 dev 7"]);
});

Deno.test("Windows: IPv6's groups that leave by another adapter are told where the party's has IPv6", () => {
  using scene = new WindowsScene();
  scene.routes.tapIndex = TAP;
  scene.table.routes.push(
    { ...route("ff00::/8", "::", CABLE), metric: 256 },
    { ...route("224.0.0.0/4", "0.0.0.0", TAP), metric: 1 },
    { ...route("255.255.255.255/32", "0.0.0.0", TAP), metric: 1 },
  );
  scene.keeper.holdRelay(RELAY, 0);
  scene.keeper.check(60_000);
  assertEquals(scene.said, []);
  scene.table.inUse.push(own("fe80::5/64", TAP));
  scene.keeper.check(120_000);
  scene.keeper.check(180_000);
  assertMatch(scene.said.join(), /broadcasts leave this PC by interface 3.* its IPv6 settings/);
});

Deno.test("Linux: home and party with the same addresses: the party's are looked for in the party", () => {
  using scene = new LinuxScene();
  scene.addTap("192.168.1.5/24");
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.led.slice(2), ["192.168.1.0/24 dev 7", "192.168.1.255/32 dev 7"]);
  assert(scene.held.includes("192.168.1.1/32 dev 3"), scene.held.join());
  assertEquals(scene.said.filter((line) => line.includes("192.168.1.0/24")).length, 1);
});

Deno.test("Linux: an interface upon the adapter belongs to it", () => {
  using scene = new LinuxScene();
  scene.addTap("10.77.0.5/24");
  scene.upper = [VLAN];
  scene.table.inUse.push(own("10.78.0.5/24", VLAN));
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.surroundings?.takesVlans, true);
  const indexes = scene.surroundings?.addresses.map(({ interfaceIndex }) => interfaceIndex);
  assertEquals(indexes, [CABLE, TAP, TAP]);
});

Deno.test("Linux: a table that cannot be read is said once, in its own words, and seen to when it can", () => {
  using scene = new LinuxScene();
  scene.table.failure = "RTM_GETROUTE failed: EPERM";
  scene.keeper.holdRelay(RELAY, 0);
  scene.keeper.check(RECHECK_INTERVAL_MS);
  assertEquals(scene.said, ["This PC's routes cannot be seen to (RTM_GETROUTE failed: EPERM)"]);
  scene.table.failure = undefined;
  scene.keeper.check(2 * RECHECK_INTERVAL_MS);
  assertEquals(scene.held, ["203.0.113.9/32 dev 3"]);
});

Deno.test("Windows: the relay is held in any case, and the new route is there before the old one goes", () => {
  using scene = new WindowsScene();
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.held, ["203.0.113.9/32 dev 3"]);
  const seen: string[] = [];
  const { takeBack } = scene.table;
  scene.table.takeBack = (record) => {
    seen.push(...scene.held);
    return takeBack.call(scene.table, record);
  };
  scene.table.routes.push(route("0.0.0.0/0", "10.0.0.1", WIFI));
  scene.table.inUse = [own("10.0.0.20/24", WIFI)];
  scene.table.notice = true;
  scene.keeper.check(0);
  assertEquals(seen, ["203.0.113.9/32 dev 3", "203.0.113.9/32 dev 5"]);
  assertEquals(scene.held, ["203.0.113.9/32 dev 5"]);
  assertEquals(scene.looks, 2);
});

Deno.test("Windows: routes stay when the keeper stops, for the journal to undo", () => {
  using scene = new WindowsScene();
  scene.keeper.holdRelay(RELAY, 0);
  scene.keeper.stop();
  assertEquals(scene.held, ["203.0.113.9/32 dev 3"]);
  assertEquals(scene.journal.undoAll(), []);
  assertEquals(scene.held, []);
});

Deno.test("Windows: packets that leave by another interface than the relay is held by are told of", () => {
  using scene = new WindowsScene();
  scene.table.interfaceTo = () => WIFI;
  scene.keeper.holdRelay(RELAY, 0);
  assertEquals(scene.keeper.isPinned, false);
  assertEquals(scene.said, [
    "This PC sends to the relay by interface 5 instead of 3: another program changes its routes",
  ]);
});

Deno.test("Windows: broadcasts that go on leaving by another adapter are told of by its name", () => {
  using scene = new WindowsScene();
  scene.routes.tapIndex = TAP;
  scene.table.named = [{ interfaceIndex: CABLE, name: "Ethernet", nameServers: [] }];
  scene.keeper.holdRelay(RELAY, 0);
  scene.keeper.check(RECHECK_INTERVAL_MS);
  assertEquals(scene.said, []);
  scene.keeper.check(2 * RECHECK_INTERVAL_MS);
  assertEquals(scene.said.length, 1);
  assert(scene.said[0].includes("Ethernet"), scene.said[0]);
});

Deno.test("Windows: all adapters are asked for once a minute, and when there was a notice", () => {
  using scene = new WindowsScene();
  scene.routes.tapIndex = TAP;
  scene.table.named = [{ interfaceIndex: CABLE, name: "Ethernet", nameServers: [] }];
  let asked = 0;
  const { adapters } = scene.table;
  scene.table.adapters = () => {
    asked++;
    return adapters.call(scene.table);
  };
  scene.keeper.holdRelay(RELAY, 0);
  const check = (count: number) => scene.keeper.check(count * RECHECK_INTERVAL_MS);
  // From the second look on it is asked whose adapter the broadcasts leave by.
  for (let count = 1; count <= 13; count++) check(count);
  assertEquals(asked, 1);
  check(14);
  assertEquals(asked, 2);
  scene.table.notice = true;
  check(15);
  assertEquals(asked, 3);
});
