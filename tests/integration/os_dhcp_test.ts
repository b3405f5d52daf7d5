//   player                                    lan
//   +--------------------------+   veth      +-----------------------+
//   | DHCP client on "wire"    |=============| dnsmasq, 10.7.0.1     |
//   | own default route, own   |             | offers a route, name  |
//   | resolv.conf              |             | servers, MTU, domain  |
//   +--------------------------+             +-----------------------+

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type DhcpClientKind, findDhcpClient } from "../../src/os/dhcp_clients.ts";
import { NetworkLab, whyNoNamespaces } from "../support/netns.ts";

const RESOLV_CONF = "nameserver 192.0.2.53\n";
const PROGRAM = new URL("../support/dhcp_program.ts", import.meta.url).pathname;

interface Options {
  readonly systemScript?: boolean;
}

/** Runs one client through lease, renewal and release. */
async function play(kind: DhcpClientKind, options: Options = {}): Promise<void> {
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
    // The routes and name servers that the client's core would take out are left in on purpose:
    // only a confined dhclient depends on that.
    const hostile = options.systemScript
      ? []
      : ["3,10.7.0.1", "6,10.7.0.1", "121,0.0.0.0/0,10.7.0.1"];
    const log = `${folder}/dnsmasq.log`;
    // deno-fmt-ignore
    const server = lan.spawn(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
      "--no-ping", "--dhcp-authoritative", "--log-dhcp", `--log-facility=${log}`,
      `--dhcp-leasefile=${folder}/leases`, "--dhcp-range=10.7.0.50,10.7.0.60,120",
      ...["15,example.lan", "119,a.lan,b.lan", "12,renamed", "26,1300", ...hostile]
        .map((option) => `--dhcp-option-force=${option}`),
      ...(options.systemScript ? ["--dhcp-option=3", "--dhcp-option=6"] : [])]);
    // dnsmasq says nothing when it is ready: it is, when its lease file is there.
    for (let tries = 0; tries < 100 && !exists(`${folder}/leases`); tries++) await pause(50);

    const before = await player.ip("-4", "route", "show");
    // deno-fmt-ignore
    const program = player.spawn([Deno.execPath(), "run", "-A", "--quiet", "--no-check", PROGRAM,
      "wire", kind, `${folder}/run`, `${options.systemScript ?? false}`]);
    await program.waitForLine(/asking/, 20_000);
    const address = await waitForAddress(player);
    assertMatch(address, /^10\.7\.0\.5[0-9]\/24$/);
    if (!options.systemScript) {
      assertEquals((await program.waitForLine(/lease (\S+) (\S+)/))[1], address);
      // The server's MTU and host name are not for the player's PC.
      const [link] = JSON.parse(await player.ip("-json", "link", "show", "dev", "wire"));
      assertEquals(link.mtu, 1400);
    }
    const routes = await player.ip("-4", "route", "show");
    assertEquals(routes.replace(/^10\.7\.0\.0\/24 dev wire.*\n/m, ""), before);
    assertEquals((await player.run(["cat", "/etc/resolv.conf"])).stdout, RESOLV_CONF);

    const requests = () => count(log, "DHCPREQUEST");
    const asked = requests();
    await program.write("renew\n");
    for (let tries = 0; tries < 100 && requests() === asked; tries++) await pause(100);
    assert(requests() > asked, "the lease was not asked for anew");
    assertEquals(await waitForAddress(player), address);

    await program.write("stop\n");
    const startMs = performance.now();
    await program.waitForLine(/stopped/);
    assert(performance.now() - startMs < 2_000);
    await program.waitExit();
    for (let tries = 0; tries < 20 && count(log, "DHCPRELEASE") === 0; tries++) await pause(50);
    assertEquals(count(log, "DHCPRELEASE"), 1);
    const left = (await player.addressesOf("wire")).filter((entry) => !entry.startsWith("fe80"));
    assertEquals(left, []);
    assertEquals(await player.processIds(), []);
    assertEquals(exists(`${folder}/run`), false);
    await server.stop();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }

  async function waitForAddress(
    namespace: { addressesOf(name: string): Promise<string[]> },
  ): Promise<string> {
    for (let tries = 0; tries < 150; tries++) {
      const found = (await namespace.addressesOf("wire")).find((entry) => entry.startsWith("10."));
      if (found !== undefined) return found;
      await pause(100);
    }
    throw new Error("no address within 15 s");
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

function count(log: string, word: string): number {
  try {
    return Deno.readTextFileSync(log).split(`${word}(`).length - 1;
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
    fn: () => play(kind),
  });
}

Deno.test({
  name: "dhclient with the system's script leaves the route and the names alone",
  ignore: missing("dhclient"),
  fn: () => play("dhclient", { systemScript: true }),
});
