/**
 * The party that the demo shows, with the demo's own checks.
 *
 * ```text
 *   lan             gateway              relay                player
 *  ┌────────┐      ┌──────────────┐     ┌──────────────┐     ┌──────────────┐
 *  │  eth0 ─┼──────┼─ lan0        │     │              │     │    lanparty0 │
 *  │ .77.1  │ veth │        wan0 ─┼─────┼─ gw0   pl0 ──┼─────┼─ wan0        │
 *  │ dnsmasq│      │       .91.2  │veth │ .91.1  .92.1 │veth │ .92.2        │
 *  └────────┘      └──────────────┘     └──────────────┘     └──────────────┘
 *                    lanparty-gateway     lanparty-relay       lanparty-client
 * ```
 */
import { assertEquals, assertMatch } from "@std/assert";
import {
  checkBroadcast,
  checkFullPayloads,
  checkLease,
  checkLinkLocal,
  checkMulticast,
  checkPing,
  checkSeparation,
  checkTcp,
} from "../../../tools/lab/checks.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { assertRow, assertRows } from "../../support/rows.ts";

const FIXED_ADDRESS = "10.77.0.50";

/** The network outside: names of namespaces, their files, and the host's own settings. */
async function surroundings(party: Party) {
  const { stdout } = await party.lab.host(["ip", "netns", "list"]);
  return {
    namespaces: stdout.split("\n").filter((line) => line.startsWith(party.lab.prefix)),
    resolvConf: await Deno.readTextFile("/etc/resolv.conf").catch(() => undefined),
    routes: (await party.lab.host(["ip", "route"])).stdout,
  };
}

partyTest("a player with a fixed address plays in the LAN", async (party, step) => {
  const before = await surroundings(party);
  const player = await party.addPlayer("player");
  await party.startRelay();
  await party.startGateway();
  await party.startClient(player, "--address", `${FIXED_ADDRESS}/24`);
  const ends = { lan: party.lan, player, playerAddress: FIXED_ADDRESS };
  await step("only the tunnel connects LAN and player", async () => {
    assertRows(await checkSeparation(ends));
  });
  await step("ping, both ways and over IPv6", async () => {
    await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
    await assertRow(() => checkPing("LAN to player", party.lan, FIXED_ADDRESS));
    await assertRow(() => checkLinkLocal(ends));
  });
  await step("limited broadcast, both ways", async () => {
    assertRows(...await checkBroadcast(ends));
  });
  await step("multicast, both ways", async () => {
    assertRows(...await checkMulticast(ends));
  });
  await step("TCP with offloads on, both ways", async () => {
    assertRows(await checkTcp("player to LAN", ends, false));
    assertRows(await checkTcp("LAN to player", ends, true));
  });
  await step("UDP payloads of 1472 bytes, both ways without loss", async () => {
    await assertRow(() => checkFullPayloads("player to LAN", ends, false));
    await assertRow(() => checkFullPayloads("LAN to player", ends, true));
  });
  await step("the programs warn of nothing", () => {
    assertEquals(party.output().split("\n").filter((line) => /(warning|error): /.test(line)), []);
  });
  await step("the host's own network is untouched", async () => {
    const after = await surroundings(party);
    assertEquals(after.resolvConf, before.resolvConf);
    assertEquals(after.routes, before.routes);
  });
});

partyTest("what a player is told: relay, room, gateway, adapter, others", async (party) => {
  const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
  await party.startRelay();
  const client = await party.startClient(
    alice,
    ...["--address", "10.77.0.50/24", "--virtual-mac", "02:00:00:00:00:51"],
  );
  const lines = () => client.stderr;
  assertMatch(lines(), /Connected to the relay 10\.92\.0\.1:443\./);
  const { ifindex, mtu } = await alice.linkOf(PARTY.tap);
  assertMatch(
    lines(),
    new RegExp(`Joined the room LANPARTY as peer 1, MTU ${mtu}\\. .* gateway is not there yet\\.`),
  );
  assertMatch(
    lines(),
    new RegExp(`adapter lanparty0 is up: MAC 02:00:00:00:00:51, MTU ${mtu}, index ${ifindex}\\.`),
  );
  await client.waitForLine(/adapter lanparty0 has the address 10\.77\.0\.50\/24/);
  await party.startGateway();
  await client.waitForLine(/The party's gateway is there/);
  const second = await party.startClient(
    bob,
    ...["--address", "10.77.0.51/24", "--virtual-mac", "02:00:00:00:00:52"],
  );
  await client.waitForLine(/bob \(02:00:00:00:00:52\) has joined/);
  await second.waitForLine(/alice \(02:00:00:00:00:51\) has joined/);
  await second.stop();
  await client.waitForLine(/bob \(02:00:00:00:00:52\) has left/);
  await party.gatewayProcess!.stop();
  await client.waitForLine(/The party's gateway has left/);
});

partyTest(
  "a player gets its address from the LAN and keeps its own way out",
  async (party, step) => {
    const player = await party.addPlayer("player");
    await party.startDhcpServer();
    await party.startRelay();
    await party.startGateway();
    const client = await party.startClient(player);
    const playerAddress = await party.lanAddressOf(player);
    const ends = { lan: party.lan, player, playerAddress };
    await step("lease, default route, resolv.conf", async () => {
      assertRows(...await checkLease(ends, await Deno.readTextFile(`${party.folder}/leases`)));
      const routes = await player.ip("route", "show", "198.51.100.0/24");
      assertEquals(routes, "", "the server's classless static route");
    });
    await step("ping from the LAN", async () => {
      await assertRow(() => checkPing("LAN to player", party.lan, playerAddress));
    });
    await step("the player is told", async () => {
      await client.waitForLine(/DHCP server 10\.77\.0\.1 gave the address 10\.77\.0\.\d+/);
      await client.waitForLine(/keeps its own settings: the LAN's default route/);
    });
    await step("with the client goes the adapter, and nothing else of the player's", async () => {
      client.kill("SIGTERM");
      assertEquals(await client.waitExit(5_000), 0);
      assertEquals(await player.has(PARTY.tap), false);
      assertEquals((await player.ip("route", "show", "default")).trim().split("\n").length, 1);
      assertEquals((await player.run(["cat", "/etc/resolv.conf"])).stdout, PARTY.resolvConf);
      assertEquals(await player.processIds(), []);
    });
  },
);
