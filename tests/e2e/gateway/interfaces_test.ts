/**
 * Interfaces that go away while a party is on, and ends that come from outside.
 *
 * ```text
 *   lan             gateway              relay                player
 *  ┌────────┐      ┌──────────────┐     ┌──────────────┐     ┌──────────────┐
 *  │  eth0 ─┼──────┼─ lan0        │     │              │     │    lanparty0 │
 *  │ .77.1  │ veth │        wan0 ─┼─────┼─ gw0   pl0 ──┼─────┼─ wan0        │
 *  └────────┘      └──────────────┘     └──────────────┘     └──────────────┘
 * ```
 */
import { assertEquals, assertLess, assertMatch, assertNotMatch } from "@std/assert";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const ADDRESS = "10.77.0.50/24";
const TIMEOUT_MS = 10_000;

/** A client of the party that ended: the relay must have heard it say so. */
async function assertLeft(party: Party, peerId: number): Promise<void> {
  const left = new RegExp(`Peer left .*peerId=${peerId} .*reason=bye`);
  await party.relayProcess!.waitForLine(left, TIMEOUT_MS);
}

async function assertPing(player: Namespace): Promise<void> {
  const { stdout } = await player.run(["ping", "-c3", "-i0.2", "-W2", PARTY.lanAddress]);
  assertMatch(stdout, / [1-3] received/);
}

partyTest("a LAN interface that is deleted and made again carries on", async (party) => {
  const player = await party.addPlayer("player");
  await party.startRelay();
  const gateway = await party.startGateway();
  await party.startClient(player, "--address", ADDRESS);
  await assertPing(player);
  await party.gateway.ip("link", "delete", PARTY.gatewayInterface);
  await gateway.waitForLine(/The interface lan0 is gone/, TIMEOUT_MS);
  await party.lab.veth(
    {
      namespace: party.lan,
      name: PARTY.lanInterface,
      addresses: [`${PARTY.lanAddress}/${PARTY.lanPrefix}`],
    },
    { namespace: party.gateway, name: PARTY.gatewayInterface },
  );
  const isBack = () => /is gone[^]*The LAN on lan0 is connected/.test(gateway.stderr);
  await eventually("the LAN is back", isBack, TIMEOUT_MS);
  // The LAN's new interface has another MAC than the one that the player has learned.
  await player.ip("neigh", "flush", "all");
  await assertPing(player);
});

partyTest("a client whose adapter is taken or goes away says goodbye", async (party, step) => {
  const player = await party.addPlayer("player");
  await party.startRelay();
  await party.startGateway();
  const first = await party.startClient(player, "--address", ADDRESS);
  await step("another client has the adapter's name", async () => {
    const other = player.spawn(
      party.clientCommand(player, "--state-dir", party.stateDir("other"), "--no-dhcp"),
    );
    assertEquals(await other.waitExit(), 1);
    assertMatch(other.stderr, /error: there is an interface "lanparty0" already: choose another/);
    assertNotMatch(other.stderr, /Connecting/);
  });
  await step("another client has the same state", async () => {
    const other = player.spawn(party.clientCommand(player, "--tap-name", "tap1", "--no-dhcp"));
    assertEquals(await other.waitExit(), 1);
    assertMatch(other.stderr, /error: the state folder .* process \d+ uses it and still runs/);
    await assertPing(player);
  });
  await step("the adapter is deleted", async () => {
    await player.ip("link", "delete", PARTY.tap);
    assertEquals(await first.waitExit(), 1);
    assertMatch(first.stderr, /error: the network adapter lanparty0 was removed or renamed/);
    await assertLeft(party, 2);
  });
  await step("the adapter is renamed", async () => {
    const client = await party.startClient(player, "--address", ADDRESS);
    await player.ip("link", "set", PARTY.tap, "down");
    await player.ip("link", "set", PARTY.tap, "name", "other0");
    assertEquals(await client.waitExit(), 1);
    await assertLeft(party, 3);
  });
  await step("the terminal is closed", async () => {
    const client = await party.startClient(player, "--address", ADDRESS);
    client.kill("SIGHUP");
    assertEquals(await client.waitExit(), 0);
    await assertLeft(party, 4);
  });
});

partyTest(
  "a client that has leased an address gives it back and is gone within 2 s",
  async (party) => {
    const player = await party.addPlayer("player");
    const relay = await party.startRelay();
    const dhcp = await party.startDhcpServer();
    await party.startGateway();
    const client = await party.startClient(player);
    const address = await party.lanAddressOf(player);
    const startMs = performance.now();
    client.kill("SIGTERM");
    assertEquals(await client.waitExit(), 0);
    assertLess(performance.now() - startMs, 2_000);
    await relay.waitForLine(/Peer left .*peerId=2 .*reason=bye/, TIMEOUT_MS);
    await dhcp.waitForLine(new RegExp(`DHCPRELEASE.* ${address} `), TIMEOUT_MS);
  },
);

partyTest(
  "a lease is given back although nobody answers for the server's hardware address",
  async (party) => {
    const player = await party.addPlayer("player");
    await party.startRelay();
    const dhcp = await party.startDhcpServer();
    await party.startGateway();
    const client = await party.startClient(player);
    const address = await party.lanAddressOf(player);
    const setting = "/proc/sys/net/ipv4/conf/eth0/arp_ignore";
    await party.lan.run(["sh", "-c", `echo 8 > ${setting}`]);
    await player.ip("neigh", "flush", "dev", PARTY.tap);
    client.kill("SIGTERM");
    assertEquals(await client.waitExit(), 0);
    await dhcp.waitForLine(new RegExp(`DHCPRELEASE.* ${address} `), TIMEOUT_MS);
  },
);
