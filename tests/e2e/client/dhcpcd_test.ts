/**
 * A dhcpcd that manages the whole system, and whose settings name the adapter (others of its kind it leaves alone): it
 * is told to do so with this one, too.
 *
 * ```text
 *   lan         gateway             relay              alice
 *  ┌──────┐    ┌────────────┐      ┌────────────┐     ┌────────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ┼─────┼─ wan0           dhcpcd │
 *  └──────┘    └────────────┘      └────────────┘     │ lanparty0 ◄── told ──┘ │
 *  10.77.0.1: DHCP, router                            └────────────────────────┘
 *   dhcpcd and client have a /run of their own in a mount namespace, whose /etc is read-only: dhcpcd's hooks, which
 *   write resolv.conf, are switched off as well.
 * ```
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { partyTest } from "../../support/play.ts";

const TIMEOUT_MS = 20_000;
const ENTER = `
set -e
mount --rbind /etc /etc; mount -o remount,bind,ro /etc
mount -t tmpfs run /run; mount -t tmpfs state /var/lib/dhcpcd
exec sleep infinity
`;

/** A mount namespace; what is to be seen is written down in it. */
class Sandbox {
  readonly #player: Namespace;
  readonly #holder: LabProcess;

  private constructor(player: Namespace, holder: LabProcess) {
    this.#player = player;
    this.#holder = holder;
  }

  static async open(player: Namespace): Promise<Sandbox> {
    const enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER];
    const sandbox = new Sandbox(player, player.spawn(enter));
    await eventually("its folders are there", async () => {
      const ended = await sandbox.spawn(["mountpoint", "-q", "/var/lib/dhcpcd"]).exited;
      return ended === 0;
    });
    return sandbox;
  }

  spawn(command: readonly string[]): LabProcess {
    const inside = `--mount=/proc/${this.#holder.pid}/ns/mnt`;
    return this.#player.spawn(["nsenter", inside, ...command]);
  }
}

partyTest("a dhcpcd of the whole system", async (party, step) => {
  const player = await party.addPlayer("alice");
  const sandbox = await Sandbox.open(player);
  await party.startRelay();
  await party.startGateway();
  await party.startDhcpServer(undefined, "--no-ping");
  const settings = `${party.folder}/dhcpcd.conf`;
  await Deno.writeTextFile(settings, `nodev\ndenyinterfaces wan0\ninterface ${PARTY.tap}\n`);
  const dhcpcd = sandbox.spawn([
    ...["dhcpcd", "--config", settings, "--script", "/bin/true", "--nobackground", "--debug"],
  ]);
  await eventually("it listens", async () => {
    return await sandbox.spawn(["test", "-S", "/run/dhcpcd/sock"]).exited === 0;
  });
  const client = sandbox.spawn(party.clientCommand(player));
  party.clients.set("alice", client);
  await client.waitForLine(/adapter .* is up/, TIMEOUT_MS);
  const address = await party.lanAddressOf(player, TIMEOUT_MS);
  await step("it takes the adapter, is told, and lets go", async () => {
    await dhcpcd.waitForLine(/lanparty0: carrier acquired|lanparty0: IAID/, TIMEOUT_MS);
    await dhcpcd.waitForLine(/control command: dhcpcd -x lanparty0/, TIMEOUT_MS);
    await dhcpcd.waitForLine(/lanparty0: removing interface/, TIMEOUT_MS);
  });
  await step("the adapter has the client's address alone, and the kernel's own", async () => {
    const addresses = async () => (await player.addressesOf(PARTY.tap)).join(" ");
    await eventually("both", async () => /^10\.77\.0\.\d+\/24 fe80:\S+$/.test(await addresses()));
    await eventually("its own routes alone", async () => {
      const routes = (await player.ip("-4", "route", "show", "dev", PARTY.tap)).trim().split("\n");
      const destinations = routes.map((route) => route.split(" ")[0]).join();
      return destinations === "10.77.0.0/24,224.0.0.0/4,255.255.255.255";
    });
    const ping = await party.lan.run(["ping", "-c", "1", "-W", "5", address]);
    assertMatch(ping.stdout, /1 received/);
  });
  await step("it hears nothing of the adapter after the end", async () => {
    assertEquals(await client.stop(), 0);
    assertEquals(await player.has(PARTY.tap), false);
    assertEquals(await dhcpcd.stop(), 0);
  });
});
