/**
 * A player lets the LAN's default route in: the tunnel must not go into itself.
 *
 * ```text
 *   lan         gateway             relay                    alice
 *  ┌──────┐    ┌────────────┐      ┌────────────────────┐   ┌──────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ────────┼───┼─ wan0, metric 100    │
 *  └──────┘    └────────────┘      │        air 10.8. ──┼───┼─ wifi, metric 600    │
 *  10.77.0.1: DHCP, router         │ lo 10.200.0.1, .2  │   │ lanparty0, metric 0  │
 *                                  └────────────────────┘   └──────────────────────┘
 * ```
 *
 * The relay is reached by a default route alone, at two addresses; that of the LAN is the best of three.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const [RELAY, SECOND] = ["10.200.0.1", "10.200.0.2"];
const SECOND_PORT = 444;
/** Longer than a gap that does a connection no harm. */
const OUT_MS = 4_000;
const ELSEWHERE = "203.0.113.9";

/** The interface by which packets leave. */
async function wayTo(player: Namespace, address: string): Promise<string> {
  const route = await player.ip("route", "get", address).catch(String);
  return /dev (\S+)/.exec(route)?.[1] ?? "none";
}

/** The host routes that a client has made, and their routers. */
async function pins(player: Namespace): Promise<string[]> {
  const routes = JSON.parse(await player.ip("-json", "route", "show", "protocol", "76")) as {
    dst: string;
    dev: string;
    gateway?: string;
  }[];
  return routes.filter(({ dev }) => dev !== PARTY.tap)
    .map(({ dst, dev, gateway }) => `${dst} ${gateway} ${dev}`);
}

function joins(client: LabProcess): number {
  return [...client.stderr.matchAll(/Joined the room/g)].length;
}

/** That the player is in the LAN and has not left the room meanwhile. */
async function assertPlays(player: Namespace, client: LabProcess, times: number) {
  await eventually(`entered ${times} times`, () => joins(client) >= times);
  await eventually("the LAN's default route", async () => {
    return await wayTo(player, ELSEWHERE) === PARTY.tap;
  });
  await pause(1_000);
  const ping = ["ping", "-c", "3", "-i", "0.2", "-W", "2", PARTY.lanAddress];
  assertMatch((await player.run(ping, { anyCode: true })).stdout, /3 received/);
  assertEquals(joins(client), times, client.stderr);
}

/** Starts a relay at the second address, with the first one's certificate. */
async function startSecond(party: Party): Promise<LabProcess> {
  const [cert, key] = ["cert", "key"].map((name) => `${party.stateDir("relay")}/relay-${name}.pem`);
  const relay = party.relay.spawn([
    ...[executablePath("relay"), "--listen", `${SECOND_PORT}/udp`],
    ...["--state-dir", party.stateDir("second"), "--cert", cert, "--key", key],
  ]);
  await relay.waitForLine(/Listening/, 20_000);
  return relay;
}

/** A player with two networks, of which the cable is the better one. */
async function addPlayer(party: Party): Promise<Namespace> {
  const player = await party.addPlayer("alice");
  for (const address of [RELAY, SECOND]) {
    await party.relay.ip("addr", "add", `${address}/32`, "dev", "lo");
  }
  await party.lab.veth(
    { namespace: player, name: "wifi", addresses: ["10.8.0.2/24"] },
    { namespace: party.relay, name: "air", addresses: ["10.8.0.1/24"] },
  );
  await player.ip("route", "del", "default");
  await player.ip("route", "add", "default", "via", "10.92.0.1", "metric", "100");
  await player.ip("route", "add", "default", "via", "10.8.0.1", "metric", "600");
  return player;
}

partyTest("the LAN's default route is let in", async (party, step) => {
  const player = await addPlayer(party);
  const before = await player.ip("route", "show");
  await party.startRelay();
  await party.startGateway();
  await party.startDhcpServer();
  const options = ["--relay", `${RELAY}:${PARTY.relayPort}`, "--allow-lan-default-route"];
  let client = await party.startClient(player, ...options);
  await step("the relay is held before the adapter comes up", async () => {
    assertEquals(await pins(player), [`${RELAY} 10.92.0.1 wan0`]);
  });
  await step("all else goes into the LAN, and the tunnel lives on", async () => {
    await assertPlays(player, client, 1);
    assertEquals(await wayTo(player, RELAY), "wan0");
    const lanRoute = await player.ip("route", "show", "198.51.100.0/24");
    assertMatch(lanRoute, /via 10\.77\.0\.1 dev lanparty0/);
  });
  await step("another program takes the way away: it is set again", async () => {
    await player.ip("route", "del", "default", "dev", PARTY.tap);
    await eventually("the LAN's default route", async () => {
      return await wayTo(player, ELSEWHERE) === PARTY.tap;
    });
  });
  await step("another network: the route moves, and the client joins again", async () => {
    await player.ip("addr", "flush", "dev", "wan0");
    await assertPlays(player, client, 2);
    assertEquals(await pins(player), [`${RELAY} 10.8.0.1 wifi`]);
  });
  await step("the better one is back: the route moves back", async () => {
    await player.ip("addr", "add", "10.92.0.2/24", "dev", "wan0");
    await player.ip("route", "add", "default", "via", "10.92.0.1", "metric", "100");
    await assertPlays(player, client, 3);
    assertEquals(await pins(player), [`${RELAY} 10.92.0.1 wan0`]);
  });
  await step("no network but the LAN's own is none", async () => {
    for (const name of ["pl0", "air"]) await party.relay.ip("link", "set", name, "down");
    await player.ip("addr", "flush", "dev", "wan0");
    await player.ip("addr", "flush", "dev", "wifi");
    await client.waitForLine(/This PC has no network/);
    await pause(OUT_MS);
    for (const name of ["pl0", "air"]) await party.relay.ip("link", "set", name, "up");
    await player.ip("addr", "add", "10.8.0.2/24", "dev", "wifi");
    await player.ip("addr", "add", "10.92.0.2/24", "dev", "wan0");
    await player.ip("route", "add", "default", "via", "10.92.0.1", "metric", "100");
    await player.ip("route", "add", "default", "via", "10.8.0.1", "metric", "600");
    await assertPlays(player, client, 4);
  });
  await step("killed: the next one takes back what it has left, and Ctrl-C the rest", async () => {
    client.kill("SIGKILL");
    await client.exited;
    assertEquals(await pins(player), [`${RELAY} 10.92.0.1 wan0`]);
    // What led into the adapter has gone with it, by the kernel.
    assertEquals(await wayTo(player, ELSEWHERE), "wan0");
    client = await party.startClient(player, ...options);
    await assertPlays(player, client, 1);
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    await party.relayProcess!.waitForLine(/Peer left .*role=client .*reason=bye/);
    assertEquals(await player.ip("route", "show"), before);
  });
});

partyTest("a relay sends on a player who has the LAN's default route", async (party, step) => {
  const player = await addPlayer(party);
  const before = await player.ip("route", "show");
  await party.startRelay("--redirect", `${PARTY.room}=${SECOND}:${SECOND_PORT}`);
  let second = await startSecond(party);
  await party.startGateway("--relay", `${PARTY.relayAddressForGateway}:${SECOND_PORT}`);
  await party.startDhcpServer();
  const options = ["--relay", `${RELAY}:${PARTY.relayPort}`, "--allow-lan-default-route"];
  const client = await party.startClient(player, ...options);
  await step("the other one alone is held then", async () => {
    await assertPlays(player, client, 1);
    await eventually("one route", async () => (await pins(player)).length === 1);
    assertEquals(await pins(player), [`${SECOND} 10.92.0.1 wan0`]);
  });
  await step("it restarts, while the LAN's default route is there: the same", async () => {
    await second.stop();
    second = await startSecond(party);
    await assertPlays(player, client, 2);
    await eventually("one route", async () => (await pins(player)).length === 1);
    assertEquals(await pins(player), [`${SECOND} 10.92.0.1 wan0`]);
  });
  await step("Ctrl-C: everything is as it was", async () => {
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    assertEquals(await player.ip("route", "show"), before);
  });
});

partyTest("a route into the adapter that leads to the relay", async (party, step) => {
  const player = await addPlayer(party);
  await party.startRelay();
  await party.startGateway();
  const own = ["--relay", `${RELAY}:${PARTY.relayPort}`, "--address", "10.77.0.50/24"];
  const client = await party.startClient(player, ...own);
  await step("the relay is held where it was, as long as there is such a route", async () => {
    assertEquals(await pins(player), []);
    await player.ip("route", "add", "10.200.0.0/16", "via", PARTY.lanAddress, "dev", PARTY.tap);
    await eventually("the route", async () => (await pins(player)).length === 1);
    assertEquals(await wayTo(player, RELAY), "wan0");
    await player.ip("route", "del", "10.200.0.0/16");
    await eventually("no route", async () => (await pins(player)).length === 0);
    assertEquals(joins(client), 1, client.stderr);
  });
});
