//   player                                    lan
//   +--------------------------+   veth      +-----------------------+
//   | DHCP client on "wire"    |=============| dnsmasq, 10.7.0.1     |
//   | own default route, own   |             | offers a route, name  |
//   | resolv.conf              |             | servers, MTU, domain  |
//   +--------------------------+             +-----------------------+

import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { findDhcpClient } from "../../../../src/system/dhcp/clients.ts";
import type { DhcpClientKind } from "../../../../src/system/dhcp/plan.ts";
import { type Namespace, NetworkLab, whyNoNamespaces } from "../../../../tools/lab/netns.ts";

const RESOLV_CONF = "nameserver 192.0.2.53\n";
const PROGRAM = new URL("../../../support/dhcp_program.ts", import.meta.url).pathname;

/** The two namespaces, and where the server keeps its files. */
interface Party {
  readonly player: Namespace;
  readonly lan: Namespace;
  readonly folder: string;
}

async function inParty(work: (party: Party) => Promise<void>): Promise<void> {
  await using lab = await NetworkLab.open();
  const folder = await Deno.makeTempDir();
  try {
    const player = await lab.namespace("player", { resolvConf: RESOLV_CONF });
    const lan = await lab.namespace("lan");
    await lab.veth(
      { namespace: player, name: "wire", mtu: 1400 },
      { namespace: lan, name: "wire", addresses: ["10.7.0.1/24"] },
    );
    await player.bridge("home", { addresses: ["192.0.2.1/24"] });
    await player.ip("route", "add", "default", "via", "192.0.2.254");
    await work({ player, lan, folder });
  } finally {
    await lab.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts a DHCP server that offers more than an address. */
async function serve(
  { lan, folder }: Party,
  options: readonly string[],
  more: readonly string[] = ["15,example.lan", "119,a.lan,b.lan", "12,renamed", "26,1300"],
): Promise<void> {
  const forced = [...more, ...options];
  // deno-fmt-ignore
  lan.spawn(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping",
    "--dhcp-authoritative", "--log-dhcp", `--log-facility=${folder}/log`,
    `--dhcp-leasefile=${folder}/leases`, "--dhcp-range=10.7.0.50,10.7.0.60,120",
    // No router and name server but by force.
    "--dhcp-option=3", "--dhcp-option=6",
    ...forced.map((option) => `--dhcp-option-force=${option}`)]);
  // It says nothing when it is ready: it is, when its lease file is there.
  await until(() => exists(`${folder}/leases`), "the DHCP server is ready");
}

async function address(player: Namespace): Promise<string> {
  let found: string | undefined;
  await until(async () => {
    found = (await player.addressesOf("wire")).find((entry) => entry.startsWith("10."));
    return found !== undefined;
  }, "the player has an address");
  return found!;
}

/** Runs one client through lease, renewal and release. */
async function play(party: Party, kind: DhcpClientKind, systemScript = false): Promise<void> {
  const { player, folder } = party;
  // The routes and name servers that the client's core would take out are left in on purpose: only
  // a dhclient with the system's script depends on that.
  await serve(party, systemScript ? [] : ["3,10.7.0.1", "6,10.7.0.1", "121,0.0.0.0/0,10.7.0.1"]);
  const before = await player.ip("-4", "route", "show");
  // deno-fmt-ignore
  const program = player.spawn([Deno.execPath(), "run", "-A", "--quiet", "--no-check", PROGRAM,
    "wire", kind, `${folder}/run`, systemScript ? "system" : "own"]);
  await program.waitForLine(/asking/, 20_000);
  const leased = await address(player);
  assertMatch(leased, /^10\.7\.0\.(5[0-9]|60)\/24$/);
  if (!systemScript) {
    assertEquals((await program.waitForLine(/lease (\S+) (\S+)/))[1], leased);
    // The server's MTU is not for the player's PC.
    assertEquals((await player.linkOf("wire")).mtu, 1400);
  }
  const routes = await player.ip("-4", "route", "show");
  assertEquals(routes.replace(/^10\.7\.0\.0\/24 dev wire.*\n/m, ""), before);
  assertEquals((await player.run(["cat", "/etc/resolv.conf"])).stdout, RESOLV_CONF);

  const asked = count(party, "DHCPREQUEST");
  await program.write("renew\n");
  await until(() => count(party, "DHCPREQUEST") > asked, "the lease is asked for anew");
  assertEquals(await address(player), leased);

  await program.write("stop\n");
  const startMs = performance.now();
  await program.waitForLine(/stopped 0/);
  assertLess(performance.now() - startMs, 2_000);
  await program.waitExit();
  await until(() => count(party, "DHCPRELEASE") === 1, "the lease is released");
  const left = (await player.addressesOf("wire")).filter((entry) => !entry.startsWith("fe80"));
  assertEquals(left, []);
  await until(async () => (await player.processIds()).length === 0, "no program is left");
  assertEquals(exists(`${folder}/run`), false);
}

/**
 * Runs one client with the system's own script, which writes the LAN's name servers down: after its end,
 * and at the start after a crash, those of before are there.
 */
async function playEverything(party: Party, kind: DhcpClientKind): Promise<void> {
  const { player, folder } = party;
  const names = async () => (await player.run(["cat", "/etc/resolv.conf"])).stdout;
  await serve(party, ["6,10.7.0.1"], []);
  // A script may set the host's name, which no network namespace has for itself.
  // deno-fmt-ignore
  const start = () => player.spawn(["unshare", "--uts", Deno.execPath(), "run", "-A", "--quiet",
    "--no-check", PROGRAM, "wire", kind, `${folder}/run`, "everything"]);
  const first = start();
  await until(async () => (await names()).includes("nameserver 10.7.0.1"), "the LAN's names");
  await first.write("stop\n");
  await first.waitForLine(/stopped 0/, 20_000);
  assertEquals(await names(), RESOLV_CONF);
  const second = start();
  await until(async () => (await names()).includes("nameserver 10.7.0.1"), "the LAN's names");
  // Scripts write in several steps: the last is waited for.
  await until(async () => journalOf(party).includes(btoa(await names())), "it is written down");
  second.kill("SIGKILL");
  await second.waitExit();
  assertMatch(await names(), /nameserver 10\.7\.0\.1/);
  const third = start();
  await third.waitForLine(/asking/, 20_000);
  await third.write("stop\n");
  await third.waitForLine(/stopped 0/, 20_000);
  assertEquals(await names(), RESOLV_CONF);
  await until(async () => (await player.processIds()).length === 0, "no program is left");
}

function journalOf({ folder }: Party): string {
  return exists(`${folder}/run.journal`) ? Deno.readTextFileSync(`${folder}/run.journal`) : "";
}

async function until(done: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const startMs = performance.now();
  while (!await done()) {
    if (performance.now() - startMs > 20_000) throw new Error(`not within 20 s: ${what}`);
    await pause(50);
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** How many messages of a type the server has seen. */
function count({ folder }: Party, word: string): number {
  try {
    return Deno.readTextFileSync(`${folder}/log`).split(`${word}(`).length - 1;
  } catch {
    return 0;
  }
}

function missing(kind: DhcpClientKind): boolean {
  return whyNoNamespaces() !== undefined || !exists("/usr/sbin/dnsmasq") ||
    findDhcpClient(undefined, [kind]) === undefined;
}

for (const kind of ["udhcpc", "busybox", "dhcpcd", "dhclient"] as const) {
  Deno.test({
    name: `${kind} gets, renews and releases a lease, and leaves route, names and MTU alone`,
    ignore: missing(kind),
    fn: () => inParty((party) => play(party, kind)),
  });
}

for (const kind of ["udhcpc", "busybox", "dhcpcd", "dhclient"] as const) {
  Deno.test({
    name: `${kind} with the system's script: the list of name servers is as before in the end`,
    ignore: missing(kind),
    fn: () => inParty((party) => playEverything(party, kind)),
  });
}

Deno.test({
  name: "dhclient with the system's script leaves the route and the names alone",
  ignore: missing("dhclient"),
  fn: () => inParty((party) => play(party, "dhclient", true)),
});
