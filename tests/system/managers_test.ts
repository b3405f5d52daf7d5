/**
 * A player's PC with systemd and the programs that manage all networks of a Linux system: they keep their hands off
 * the adapter, the LAN's name servers are set by who looks after them, and nothing is left behind.
 *
 * ```text
 *   lan         gateway             relay              alice: Debian, booted
 *  ┌──────┐    ┌────────────┐      ┌────────────┐     ┌─────────────────────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ┼─────┼─ wan0      NetworkManager, networkd │
 *  └──────┘    └────────────┘      └────────────┘     │ lanparty0  resolved, dhcpcd, …      │
 *  10.77.0.1: DHCP, router, names                     └─────────────────────────────────────┘
 * ```
 */
import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { unpackedPackage } from "../../tools/build/debian_package.ts";
import { ROOT } from "../../tools/build/executables.ts";
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { Machine } from "../support/machine.ts";
import { partyTest, type Step } from "../support/play.ts";

const TIMEOUT_MS = 20_000;
const TAP = PARTY.tap;
/** What of the system's own files and records the client may have made: all of it begins so. */
const LEFT_BEHIND = "find /run /etc -name '*lanparty*' -not -path '/run/netns/*'";

/** A party, and a player whose PC is a machine. */
interface Scene {
  readonly party: Party;
  readonly player: Namespace;
  readonly machine: Machine;
  readonly step: Step;
  start(...options: string[]): Promise<LabProcess>;
}

function machineTest(name: string, play: (scene: Scene) => Promise<void>): void {
  partyTest(name, async (party, step) => {
    const player = await party.addPlayer("alice");
    await using machine = await Machine.boot(player, [`${ROOT}/dist`, party.folder]);
    await party.startRelay();
    await party.startGateway();
    await party.startDhcpServer(undefined, "--no-ping");
    const start = async (...options: string[]) => {
      const client = machine.spawn(party.clientCommand(player, ...options));
      party.clients.set(player.name, client);
      await client.waitForLine(/adapter .* is up/, TIMEOUT_MS);
      await party.lanAddressOf(player, TIMEOUT_MS);
      return client;
    };
    await play({ party, player, machine, step, start });
  });
}

/** The addresses and routes of IPv4 of the adapter are the client's alone, and LAN and player reach each other. */
async function assertOwnAlone({ party, player }: Scene): Promise<void> {
  const address = await party.lanAddressOf(player);
  const addresses = (await player.addressesOf(TAP)).filter((text) => !text.startsWith("fe80:"));
  assertEquals(addresses, [`${address}/24`]);
  // The LAN, and what the client adds so that games' broadcasts and multicasts go into it.
  await eventually("its own routes alone", async () => {
    const routes = (await player.ip("-4", "route", "show", "dev", TAP)).trim().split("\n");
    const destinations = routes.map((route) => route.split(" ")[0]).join();
    return destinations === "10.77.0.0/24,224.0.0.0/4,255.255.255.255";
  });
  const ping = await party.lan.run(["ping", "-c", "2", "-i", "0.2", "-W", "5", address]);
  assertMatch(ping.stdout, / 2 received/);
}

/** Ends a client, in two ways: what others have of it goes, at the latest with the next one. */
async function assertNothingLeft(scene: Scene, client: LabProcess): Promise<void> {
  const { machine, player, party, start } = scene;
  machine.kill(client, "SIGKILL");
  await client.exited;
  await eventually("the adapter is gone", async () => !await player.has(TAP));
  const next = await start();
  await assertOwnAlone(scene);
  assertEquals(await machine.stop(next), 0);
  assertEquals(await machine.sh(LEFT_BEHIND), "");
  const names = [...Deno.readDirSync(party.stateDir("client-alice"))].map(({ name }) => name);
  assertEquals(names.filter((name) => /journal/.test(name)), []);
}

async function stateAtNetworkManager(machine: Machine, name: string): Promise<string> {
  const lines = (await machine.sh("nmcli -t -f DEVICE,STATE device")).split("\n");
  return lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1) ?? "unknown";
}

/** An adapter such as the client's, by hand. */
async function makeAdapter({ machine }: Scene, name: string): Promise<void> {
  await machine.sh(`ip tuntap add dev ${name} mode tap; ip addr add 10.3.2.1/24 dev ${name}
    ip link set ${name} up`);
}

machineTest("NetworkManager", async (scene) => {
  const { machine, step, start } = scene;
  await machine.sh("systemctl start NetworkManager");
  await makeAdapter(scene, "other0");
  await eventually("it takes an adapter that nobody speaks for", async () => {
    return (await stateAtNetworkManager(machine, "other0")).startsWith("connected");
  });
  const isLeftAlone = async () => await stateAtNetworkManager(machine, TAP) === "unmanaged";
  let client = await start();
  await step("it leaves the adapter alone, from the start", async () => {
    await eventually("unmanaged", isLeftAlone);
    await assertOwnAlone(scene);
  });
  await step("it is started again: the same", async () => {
    await machine.sh("systemctl restart NetworkManager");
    await eventually("unmanaged", isLeftAlone);
    await assertOwnAlone(scene);
  });
  await step("nothing is left behind", async () => {
    await assertNothingLeft(scene, client);
    await makeAdapter(scene, TAP);
    await eventually("the name is its own again", async () => {
      return (await stateAtNetworkManager(machine, TAP)).startsWith("connected");
    });
    await machine.sh(`ip link del ${TAP}`);
  });
  await step("its program leaves a child behind: the client ends all the same", async () => {
    // As nmcli, but a helper of its keeps the error output open.
    await machine.sh(
      `printf '#!/bin/sh\\nsleep 600 >/dev/null </dev/null &\\nexec /usr/bin/nmcli "$@"\\n' \\
      > /usr/local/sbin/nmcli; chmod 755 /usr/local/sbin/nmcli`,
    );
    client = await start();
    await assertOwnAlone(scene);
    assertEquals(await machine.stop(client), 0);
    assertMatch(await machine.sh("pgrep -c sleep"), /^2$/m);
  });
});

const GREEDY = `
mkdir -p /etc/systemd/network
printf '[Match]\\nName=wan0\\n\\n[Link]\\nUnmanaged=yes\\n' > /etc/systemd/network/10-wan.network
printf '[Match]\\nName=*\\n\\n[Network]\\nDHCP=yes\\nLinkLocalAddressing=yes\\n' > /etc/systemd/network/20-all.network
`;

machineTest("systemd-networkd with a match of everything, and systemd-resolved", async (scene) => {
  const { machine, step, start } = scene;
  await machine.sh(GREEDY);
  await machine.sh("systemctl start systemd-networkd systemd-resolved");
  await machine.sh("ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf");
  const setup = async (name: string) => {
    return /\S+\s+\S+$/.exec((await machine.sh(`networkctl --no-legend list ${name}`)).trim())?.[0];
  };
  await makeAdapter(scene, "other0");
  await eventually("it takes an adapter that nobody speaks for", async () => {
    return /configur/.test(await setup("other0") ?? "");
  });
  let client = await start();
  await step("it leaves the adapter alone", async () => {
    assertMatch(await setup(TAP) ?? "", /unmanaged$/);
    await machine.sh("systemctl restart systemd-networkd; networkctl reload");
    assertMatch(await setup(TAP) ?? "", /unmanaged$/);
    await assertOwnAlone(scene);
    assertEquals((await machine.sh(`resolvectl dns ${TAP}`)).trim().split(":").at(-1), "");
  });
  await step("nothing is left behind", () => assertNothingLeft(scene, client));
  await step("the LAN's name servers are resolved's, as long as the adapter is there", async () => {
    const before = await machine.sh("readlink /etc/resolv.conf");
    client = await start("--allow-lan-default-route");
    await eventually("the LAN's name server", async () => {
      return (await machine.sh(`resolvectl dns ${TAP}`)).includes(PARTY.lanAddress);
    });
    assertEquals(await machine.sh("readlink /etc/resolv.conf"), before);
    machine.kill(client, "SIGKILL");
    await client.exited;
    await eventually("they are gone", async () => {
      return !(await machine.sh("resolvectl dns")).includes(PARTY.lanAddress);
    });
  });
});

const INTERFACES = `
auto lo
iface lo inet loopback
auto other0
iface other0 inet manual
`;

machineTest("ifupdown, without and with openresolv", async (scene) => {
  const { machine, party, player, step, start } = scene;
  const names = () => machine.sh("cat /etc/resolv.conf");
  // Debian's systemd-resolved, which does not run here, has made a link of it.
  await machine.sh(`rm -f /etc/resolv.conf; echo 'nameserver 192.0.2.53' > /etc/resolv.conf
    printf '${INTERFACES}' > /etc/network/interfaces
    ip tuntap add dev other0 mode tap; ifup -a`);
  let before = await names();
  const play = async () => {
    const client = await start("--allow-lan-default-route");
    await eventually("the LAN's name servers", async () => {
      return (await names()).includes(PARTY.lanAddress);
    });
    return client;
  };
  const assertPutBack = async (client: LabProcess) => {
    machine.kill(client, "SIGKILL");
    await client.exited;
    const next = await start();
    assertEquals(await names(), before);
    assertEquals(await machine.stop(next), 0);
    assertEquals(await machine.sh(LEFT_BEHIND), "");
  };
  await step("ifupdown knows nothing of the adapter", async () => {
    const client = await play();
    const address = await party.lanAddressOf(player);
    await machine.sh("ifdown -a --exclude=lo; ifup -a");
    const known = await machine.sh("cat /run/network/ifstate");
    assertMatch(known, /other0/);
    assertNotMatch(known, new RegExp(TAP));
    assertEquals(await party.lanAddressOf(player), address);
    await assertPutBack(client);
  });
  await step("openresolv has the LAN's name servers, beside the PC's own", async () => {
    const files = await unpackedPackage("openresolv");
    await new Deno.Command("cp", { args: ["-a", files, `${party.folder}/openresolv`] }).output();
    // Debian's systemd-resolved has a resolvconf of its own.
    await machine.sh(`rm -f /usr/sbin/resolvconf
      tar -C ${party.folder}/openresolv -c . | tar -C / -x --keep-directory-symlink --no-same-owner
      echo 'nameserver 192.0.2.53' | resolvconf -a wan0`);
    before = await names();
    assertMatch(before, /resolvconf[^]*nameserver 192\.0\.2\.53/);
    const client = await play();
    assertMatch(await names(), /192\.0\.2\.53/);
    await assertPutBack(client);
  });
});

machineTest("a dhcpcd of the whole system that is to have every adapter", async (scene) => {
  const { machine, step, start } = scene;
  await machine.sh(`printf 'nodev\\ndenyinterfaces wan0\\ninterface ${TAP}\\n' > /etc/dhcpcd.conf`);
  const dhcpcd = machine.spawn(["dhcpcd", "--nobackground", "--debug", "--nohook", "resolv.conf"]);
  await eventually(
    "its socket",
    () => machine.run(["test", "-S", "/run/dhcpcd/sock"], true).then(({ code }) => code === 0),
  );
  const client = await start();
  await step("it is told to leave the adapter alone", async () => {
    await dhcpcd.waitForLine(/lanparty0: removing interface/, TIMEOUT_MS);
    await eventually("the kernel's own link-local address", async () => {
      return (await scene.player.addressesOf(TAP)).some((text) => text.startsWith("fe80:"));
    });
    await assertOwnAlone(scene);
  });
  await step("it is started again, and told again", async () => {
    assertEquals(await machine.stop(dhcpcd), 0);
    const next = machine.spawn(["dhcpcd", "--nobackground", "--debug", "--nohook", "resolv.conf"]);
    await next.waitForLine(/lanparty0: removing interface/, TIMEOUT_MS);
    await assertOwnAlone(scene);
  });
  await step("nothing is left behind", () => assertNothingLeft(scene, client));
});
