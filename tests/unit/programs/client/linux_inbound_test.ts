/** Whether the LAN gets in is tried, told once, and brought about where it is wanted. */
import { assert, assertEquals } from "@std/assert";
import {
  LinuxInbound,
  PROBE_TIMEOUT_MS,
  PROBES_MAX,
  RECHECK_INTERVAL_MS,
  SETTLE_MS,
} from "../../../../src/programs/client/linux_inbound.ts";
import type { FirewallName, LinuxOpening } from "../../../../src/system/firewall/mod.ts";
import { saying } from "../../../support/sentences.ts";
import { parseMac } from "../../../../src/proto/mac.ts";

const MAC = parseMac("02:00:00:00:00:51") ?? new Uint8Array(6);
const PAYLOAD = 42;
const ADDRESS = ["10.77.0.5/24", "fe80::1/64"];

/** A PC behind a firewall. */
class Pc {
  /** Whether what the LAN sends comes in. */
  isShut = false;
  /** Whether the firewall takes rules that let it in. */
  takesRules = true;
  hasAddress = true;
  firewalls: FirewallName[] = ["ufw"];
  failures: string[] = [];
  probes = 0;
  openEars = 0;
  readonly opened: string[][] = [];
  readonly said: string[] = [];
  /** A firewall tells that its rules have changed. */
  hasChanged = false;
  /** By which interface the routes want what the LAN sends. */
  elsewhere: string | undefined;
  /** A firewall's programs answer when this does. */
  answer: Promise<void> = Promise.resolve();
  closed = 0;
  nowMs = 0;
  readonly #heard: Uint8Array[] = [];
  readonly inbound: LinuxInbound;

  constructor(allowInbound: boolean) {
    this.inbound = new LinuxInbound(
      { allowInbound, allowInboundPorts: [22], name: "lanparty0", mac: MAC },
      {
        firewall: this,
        notices: { take: () => this.#takeNotice(), close: () => void this.closed++ },
        expectedElsewhere: () => this.elsewhere,
        listen: () => this.#listen(),
        send: (frame) => this.#send(frame),
        random: (count) => new Uint8Array(count).fill(7),
        say: (level, text) => void this.said.push(`${level}: ${text}`),
      },
    );
  }

  async find(): Promise<FirewallName[]> {
    await this.answer;
    return this.firewalls;
  }

  open({ networks }: { networks: readonly string[] }): Promise<LinuxOpening> {
    this.opened.push([...networks]);
    if (this.takesRules) this.isShut = false;
    return Promise.resolve({ firewalls: this.firewalls, failures: this.failures });
  }

  close(): Promise<undefined> {
    this.closed++;
    return Promise.resolve(undefined);
  }

  /** Lets time pass, as the client looks: each 250 ms. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 250) {
      this.inbound.work(this.nowMs);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  }

  async tell(addresses: readonly string[]): Promise<void> {
    this.inbound.update(addresses, this.nowMs);
    await this.pass(PROBE_TIMEOUT_MS);
  }

  #takeNotice(): boolean {
    const { hasChanged } = this;
    this.hasChanged = false;
    return hasChanged;
  }

  #listen() {
    if (!this.hasAddress) return undefined;
    this.openEars++;
    return { read: () => this.#heard.shift(), close: () => void this.openEars-- };
  }

  #send(frame: Uint8Array): boolean {
    this.probes++;
    if (!this.isShut) this.#heard.push(Uint8Array.of(1), frame.slice(PAYLOAD));
    return true;
  }
}

const ALL_MS = (PROBES_MAX + 1) * PROBE_TIMEOUT_MS;

Deno.test("a PC whose firewall lets the LAN in says nothing of it, and it is tried again each 10 s", async () => {
  const pc = new Pc(false);
  await pc.tell(ADDRESS);
  assertEquals([pc.inbound.state?.isOpen, pc.probes, pc.openEars], [true, 1, 0]);
  assertEquals(pc.said.filter((line) => !line.startsWith("debug")), []);
  await pc.tell(ADDRESS);
  assertEquals(pc.probes, 1, "the same addresses are no cause");
  await pc.pass(3 * RECHECK_INTERVAL_MS);
  assert(pc.probes >= 3 && pc.probes <= 5, `${pc.probes}`);
  assertEquals(pc.opened, []);
});

Deno.test("one that keeps the LAN out is named once, with what to do, and nothing is changed", async () => {
  const pc = new Pc(false);
  pc.isShut = true;
  await pc.tell(ADDRESS);
  assertEquals(pc.inbound.state, undefined, "one lost probe is no proof");
  await pc.pass(ALL_MS);
  assertEquals(pc.inbound.state?.isOpen, false);
  assertEquals(pc.inbound.state?.firewalls, ["ufw"]);
  assertEquals(pc.said.length, 1);
  const shut = saying("firewall/shut", { firewalls: "ufw", adapter: "lanparty0" });
  assertEquals(pc.said, [`warning: ${shut}`]);
  await pc.pass(3 * RECHECK_INTERVAL_MS);
  assertEquals([pc.said.length, pc.opened, pc.openEars], [1, [], 0]);
  pc.isShut = false;
  await pc.pass(2 * RECHECK_INTERVAL_MS);
  assertEquals(pc.said.slice(1), [`info: ${saying("firewall/open")}`]);
});

Deno.test("with --allow-inbound it is opened for the adapter's networks, and tried", async () => {
  const pc = new Pc(true);
  pc.isShut = true;
  await pc.tell(ADDRESS);
  assertEquals(pc.opened, [["10.77.0.0/24", "fe80::/64"]]);
  await pc.pass(ALL_MS);
  assertEquals(pc.said.length, 1);
  const opened = saying("firewall/opened", { firewalls: "ufw", adapter: "lanparty0" });
  assertEquals(pc.said, [`info: ${opened}`]);
  await pc.tell(["192.168.1.9/24"]);
  assertEquals(pc.opened[1], ["192.168.1.0/24", "fe80::/64"]);
  await pc.inbound.close();
  assertEquals([pc.closed, pc.openEars], [2, 0], "the rules, and the notices");
});

Deno.test("rules that are gone, since a firewall was loaded anew, are made again", async () => {
  const pc = new Pc(true);
  pc.isShut = true;
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  for (let times = 2; times < 5; times++) {
    pc.isShut = true;
    await pc.pass(RECHECK_INTERVAL_MS + 2 * ALL_MS);
    assertEquals([pc.opened.length, pc.isShut], [times, false]);
  }
  assertEquals(pc.said.length, 1, "it was never other than said");
});

Deno.test("a firewall that opens in vain is named with its reason and what to do by hand", async () => {
  const pc = new Pc(true);
  pc.isShut = true;
  pc.takesRules = false;
  pc.firewalls = ["nftables", "firewalld"];
  pc.failures = ["nftables: Operation not permitted"];
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  const vain = saying("firewall/shut-all-the-same", {
    firewalls: "nftables and firewalld",
    why: "nftables: Operation not permitted",
    adapter: "lanparty0",
    commands: 'a rule iifname "lanparty0" udp dport PORT accept at the head of its input chain; ' +
      "firewall-cmd --zone=block --change-interface=lanparty0 && firewall-cmd --zone=block --add-port=PORT/udp",
  });
  assertEquals(pc.said, [`warning: ${vain}`]);
  await pc.pass(3 * RECHECK_INTERVAL_MS);
  assertEquals([pc.opened.length, pc.said.length], [1, 1]);
});

Deno.test("without a firewall --allow-inbound changes nothing, and says so", async () => {
  const pc = new Pc(true);
  pc.firewalls = [];
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  assertEquals(pc.said, [`info: ${saying("firewall/nothing-to-open")}`]);
});

Deno.test("without an address nothing is tried; one that is not there yet is waited for", async () => {
  const pc = new Pc(false);
  await pc.tell(["fe80::1/64"]);
  await pc.pass(RECHECK_INTERVAL_MS * 2);
  assertEquals([pc.probes, pc.inbound.state], [0, undefined]);
  pc.hasAddress = false;
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  assertEquals(pc.probes, 0);
  pc.hasAddress = true;
  await pc.pass(ALL_MS);
  assertEquals(pc.inbound.state?.isOpen, true);
});

Deno.test("where nothing comes in and no firewall is known, a player is not frightened, and the doctor says it", async () => {
  const pc = new Pc(false);
  pc.isShut = true;
  pc.firewalls = [];
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  assertEquals(pc.said, [`debug: ${saying("firewall/shut-by-nobody-known")}`]);
  assertEquals(pc.inbound.state?.isOpen, false);
});

Deno.test("a firewall that is raised, or opened, while one plays is told within seconds of its notice", async () => {
  const pc = new Pc(false);
  await pc.tell(ADDRESS);
  assertEquals(pc.inbound.state?.isOpen, true);
  const change = async (isShut: boolean, ms: number) => {
    pc.isShut = isShut;
    pc.hasChanged = true;
    await pc.pass(ms);
    assertEquals(pc.inbound.state?.isOpen, !isShut);
  };
  await change(true, SETTLE_MS + ALL_MS);
  const by = (firewalls: string) => {
    return `warning: ${saying("firewall/shut", { firewalls, adapter: "lanparty0" })}`;
  };
  assertEquals(pc.said.at(-1), by("ufw"));
  pc.firewalls = ["nftables"];
  await change(true, SETTLE_MS + ALL_MS);
  assertEquals(pc.said.at(-1), by("nftables"));
  await change(false, SETTLE_MS + PROBE_TIMEOUT_MS);
  assertEquals(pc.said.at(-1), `info: ${saying("firewall/open")}`);
});

Deno.test("rules that change all the time are not tried all the time", async () => {
  const pc = new Pc(false);
  await pc.tell(ADDRESS);
  const before = pc.probes;
  for (let times = 0; times < 40; times++) {
    pc.hasChanged = true;
    await pc.pass(250);
  }
  const tried = pc.probes - before;
  assert(tried >= 5 && tried <= 10_000 / SETTLE_MS, `${tried}`);
});

Deno.test("what the routes do not take is not said to be a firewall's doing", async () => {
  const pc = new Pc(false);
  pc.isShut = true;
  pc.elsewhere = "eth0";
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  const line = saying("firewall/shut-by-routes", { elsewhere: "eth0" });
  assertEquals(pc.said, [`warning: ${line}`]);
  // The routes are as they should be now, and the firewall is seen.
  pc.elsewhere = undefined;
  await pc.pass(RECHECK_INTERVAL_MS + ALL_MS);
  const shut = saying("firewall/shut", { firewalls: "ufw", adapter: "lanparty0" });
  assertEquals(pc.said.slice(1), [`warning: ${shut}`]);
});

Deno.test("the end does not wait for a firewall that is being asked who it is", async () => {
  const pc = new Pc(false);
  pc.isShut = true;
  const { promise, resolve } = Promise.withResolvers<void>();
  pc.answer = promise;
  await pc.tell(ADDRESS);
  await pc.pass(ALL_MS);
  assertEquals(await pc.inbound.close(), undefined);
  resolve();
  await pc.pass(ALL_MS);
  await pc.tell(["192.168.1.9/24"]);
  assertEquals([pc.said, pc.openEars], [[], 0]);
});
