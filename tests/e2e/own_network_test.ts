/**
 * A player's own networks come and go while the client runs.
 *
 * ```text
 *   lan         gateway             relay                   alice
 *  ┌──────┐    ┌────────────┐      ┌───────────────────┐   ┌────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ───────┼───┼─ wan0 (the cable)  │
 *  └──────┘    └────────────┘      │        air 10.8. ─┼───┼─ wifi    lanparty0 │
 *  10.77.0.1                       └───────────────────┘   └────────────────────┘
 * ```
 *
 * A cable is pulled by the other end's going down: the player's end loses its carrier, as a real one does.
 * The Wi-Fi leads to the relay by a router's address, and is the worse way as long as there is the cable.
 */
import { assertEquals, assertNotMatch } from "@std/assert";
import type { LabProcess, Namespace } from "../support/netns.ts";
import { PARTY, type Party } from "../support/party.ts";
import { partyTest } from "../support/play.ts";
import { eventually, pause } from "../support/wait.ts";

const ALICE = { mac: "02:00:00:00:00:0a", address: "10.77.0.50" };
/** What the player is promised: so long after there is a network again. */
const BACK_MAX_MS = 5_000;
/** Both sides find a connection dead after 15 s of silence. */
const IDLE_MS = 15_000;
/** Longer than a gap that does a connection no harm. */
const OUT_MS = 4_000;

function joins(client: LabProcess): number {
  return [...client.stderr.matchAll(/Joined the room/g)].length;
}

/** Waits until the player has entered the room so often, and the LAN reaches it. */
async function assertBack(party: Party, client: LabProcess, times: number): Promise<void> {
  await eventually(`entered ${times} times`, () => joins(client) >= times, BACK_MAX_MS);
  await eventually("the LAN reaches the player", async () => {
    const ping = ["ping", "-c", "1", "-W", "1", ALICE.address];
    return (await party.lan.run(ping, { anyCode: true })).code === 0;
  }, BACK_MAX_MS);
  assertEquals(joins(client), times);
}

/** The adapter as the system sees it: its index stays as long as it is the same one. */
async function adapterOf(player: Namespace) {
  const [{ ifindex, address }] = JSON.parse(
    await player.ip("-json", "link", "show", PARTY.tap),
  ) as { ifindex: number; address: string }[];
  return { ifindex, address };
}

partyTest("a player's own networks come and go", async (party, step) => {
  const player = await party.addPlayer("alice");
  await party.lab.veth(
    { namespace: player, name: "wifi", addresses: ["10.8.0.2/24"] },
    { namespace: party.relay, name: "air", addresses: ["10.8.0.1/24"] },
  );
  await player.ip("route", "add", "default", "via", "10.8.0.1", "metric", "600");
  await party.startRelay();
  await party.startGateway();
  const options = ["--virtual-mac", ALICE.mac, "--address", `${ALICE.address}/24`];
  const client = await party.startClient(player, ...options);
  await assertBack(party, client, 1);
  const adapter = await adapterOf(player);
  const relay = party.relayAddressFor(player);

  await step("the cable is out, and there is nothing else: it is said, and in again", async () => {
    await party.relay.ip("link", "set", "air", "down");
    await party.relay.ip("link", "set", "pl0", "down");
    await client.waitForLine(/This PC has no network: is the cable in, or the Wi-Fi on\?/);
    await pause(OUT_MS);
    await party.relay.ip("link", "set", "pl0", "up");
    await assertBack(party, client, 2);
  });
  await step("another network: the client joins again by it at once", async () => {
    await party.relay.ip("link", "set", "air", "up");
    // As a network manager does: what has no carrier has no address.
    await player.ip("addr", "flush", "dev", "wan0");
    await assertBack(party, client, 3);
  });
  await step("the cable again, which is the better way", async () => {
    const [router, own] = [relay, relay.replace(/\.1$/, ".2")];
    await player.ip("addr", "add", `${own}/24`, "dev", "wan0");
    await player.ip("route", "add", "default", "via", router);
    await assertBack(party, client, 4);
  });
  await step("a network that has nothing to do with it is no reason to go", async () => {
    await player.ip("link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1");
    await player.ip("addr", "add", "172.31.0.1/24", "dev", "vpn0");
    await player.ip("link", "set", "vpn0", "up");
    await pause(OUT_MS / 4);
    await assertBack(party, client, 4);
  });
  await step("home and party have the same addresses: it is said", async () => {
    assertNotMatch(client.stderr, /the same addresses/);
    await player.ip("addr", "add", "10.77.0.200/24", "dev", "vpn0", "noprefixroute");
    await client.waitForLine(/have the same addresses \(10\.77\.0\.0\/24\)\. Devices at home/);
  });
  await step("the PC sleeps longer than anybody waits for it, and wakes up", async () => {
    client.kill("SIGSTOP");
    const gateway = party.gatewayProcess!;
    await gateway.waitForLine(/has lost the connection/, 2 * IDLE_MS);
    client.kill("SIGCONT");
    await assertBack(party, client, 5);
  });
  await step("all the time it was the same adapter with the same MAC", async () => {
    assertEquals(await adapterOf(player), adapter);
    assertEquals(adapter.address, ALICE.mac);
  });
});
