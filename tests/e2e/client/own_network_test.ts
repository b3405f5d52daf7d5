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
 * In the second story home and party have the same addresses: 10.77.0.0/24, with the router 10.77.0.254 and the
 * name server 10.77.0.253 at home.
 *
 * A cable is pulled by the other end's going down: the player's end loses its carrier, as a real one does.
 * The Wi-Fi leads to the relay by a router's address, and is the worse way as long as there is the cable.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { isBound } from "../../../tools/lab/sockets.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const ALICE = { mac: "02:00:00:00:00:0a", address: "10.77.0.50" };
/** What the player is promised: so long after there is a network again. */
const BACK_MAX_MS = 5_000;
/** Both sides find a connection dead after 15 s of silence. */
const IDLE_MS = 15_000;
/** Longer than a gap that does a connection no harm. */
const OUT_MS = 4_000;
const GAME_PORT = 27_100;

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

/** That the LAN hears what the player sends to all by a socket that is bound to nothing. */
async function assertHeard(
  party: Party,
  player: Namespace,
  target: string,
  options = "",
): Promise<void> {
  const version = target.startsWith("[") ? 6 : 4;
  const receiver = `UDP${version}-RECVFROM:${GAME_PORT}${options}`;
  const listener = party.lan.spawn(["socat", "-u", receiver, "STDOUT"]);
  await eventually("the LAN listens", () => isBound(party.lan, "udp", GAME_PORT));
  const send = ["socat", "-u", "STDIN", `UDP${version}-DATAGRAM:${target}:${GAME_PORT},broadcast`];
  await player.run(send, { input: "who plays?" });
  await listener.waitExit(5_000);
  assertEquals(listener.stdout, "who plays?");
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
  await step("a broadcast that is bound to nothing leaves by the adapter", async () => {
    await assertHeard(party, player, "255.255.255.255");
    const group = "239.255.27.15";
    await assertHeard(party, player, group, `,ip-add-membership=${group}:${PARTY.lanAddress}`);
    // Home's own route to all groups of IPv6 is there, and as good as the kernel's for the adapter.
    const homeRoutes = await player.ip("-6", "route", "show", "table", "local", "dev", "wan0");
    assertMatch(homeRoutes, /ff00::\/8 proto kernel metric 256/);
    for (const group of ["ff02::1", "ff05::c", "ff0e::101"]) {
      const join = `,ipv6-join-group=[${group}]:${PARTY.lanInterface}`;
      await assertHeard(party, player, `[${group}]`, join);
    }
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

/** What the player reaches, and by which interface. */
async function reaches(player: Namespace, address: string): Promise<string> {
  const ping = await player.run(["ping", "-c", "1", "-W", "2", address], { anyCode: true });
  const route = await player.ip("route", "get", address);
  return `${ping.code === 0 ? "answers" : "silent"} by ${/dev (\S+)/.exec(route)?.[1]}`;
}

/** The host routes of the player that a client has made. */
async function hostRoutes(player: Namespace): Promise<string[]> {
  const routes = JSON.parse(await player.ip("-json", "route", "show", "protocol", "76")) as {
    dst: string;
    dev: string;
  }[];
  return routes.filter(({ dev }) => dev !== PARTY.tap).map(({ dst, dev }) => `${dst} ${dev}`);
}

partyTest("home and party have the same addresses", async (party, step) => {
  const player = await party.addPlayer("alice");
  const [router, nameServer] = ["10.77.0.254", "10.77.0.253"];
  await player.ip("addr", "add", "10.77.0.200/24", "dev", "wan0");
  for (const address of [router, nameServer]) {
    await party.relay.ip("addr", "add", `${address}/24`, "dev", "pl0");
  }
  await player.ip("route", "replace", "default", "via", router);
  party.lab.setResolvConf(player, `nameserver ${nameServer}\nnameserver 9.9.9.9\n`);
  // Behind the router, as the relay of a real home is.
  await player.ip("addr", "del", "10.92.0.2/24", "dev", "wan0");
  await party.startRelay();
  await party.startGateway();
  const options = ["--virtual-mac", ALICE.mac, "--address", `${ALICE.address}/24`];
  const before = await player.ip("route", "show");
  const client = await party.startClient(player, ...options);
  await assertBack(party, client, 1);
  await step("it is said, once", async () => {
    await client.waitForLine(/have the same addresses \(10\.77\.0\.0\/24\)\. Your router and name/);
    await pause(OUT_MS / 4);
    assertEquals([...client.stderr.matchAll(/the same addresses/g)].length, 1);
  });
  await step("the party's LAN is reached by the adapter", async () => {
    assertEquals(await reaches(player, PARTY.lanAddress), `answers by ${PARTY.tap}`);
    assertMatch(await player.ip("route", "get", "10.77.0.255"), new RegExp(`dev ${PARTY.tap}`));
  });
  await step("the home's router and name server stay at home", async () => {
    assertEquals(await reaches(player, router), "answers by wan0");
    assertEquals(await reaches(player, nameServer), "answers by wan0");
    assertEquals(await hostRoutes(player), [`${nameServer} wan0`, `${router} wan0`]);
  });
  await step("one that somebody deletes is there again", async () => {
    await player.ip("route", "del", `${router}/32`, "dev", "wan0");
    await eventually("the route", async () => (await hostRoutes(player)).length === 2, 10_000);
  });
  await step("killed: what it has left is undone by the next one, and then by Ctrl-C", async () => {
    client.kill("SIGKILL");
    await client.exited;
    assertEquals((await hostRoutes(player)).length, 2);
    // It may have been the player's own meanwhile, and is left alone.
    await player.ip("route", "replace", `${nameServer}/32`, "dev", "wan0", "protocol", "static");
    const next = await party.startClient(player, ...options);
    await assertBack(party, next, 1);
    await eventually("the router", async () => (await hostRoutes(player)).length === 1, 10_000);
    assertEquals(await hostRoutes(player), [`${router} wan0`]);
    next.kill("SIGINT");
    assertEquals(await next.waitExit(10_000), 0);
    assertEquals(await hostRoutes(player), []);
    const left = (await player.ip("route", "show")).split("\n");
    const own = left.filter((line) => line.includes(nameServer) && line.includes("proto static"));
    assert(own.length === 1, left.join("\n"));
    assertEquals(left.filter((line) => !own.includes(line)).join("\n"), before);
  });
});

partyTest("a client is started before there is a network", async (party, step) => {
  const player = await party.addPlayer("alice");
  const relay = party.relayAddressFor(player);
  const own = `${relay.replace(/\.1$/, ".2")}/24`;
  await party.startRelay();
  for (const [how, host] of [["address", relay], ["name", "relay.test"]]) {
    await step(`it joins as soon as there is one: the relay by its ${how}`, async () => {
      party.lab.setHosts(player, "");
      await party.relay.ip("link", "set", "pl0", "down");
      await player.ip("addr", "flush", "dev", "wan0");
      const client = player.spawn(party.clientCommand(
        player,
        ...["--relay", `${host}:${PARTY.relayPort}`, "--no-dhcp"],
      ));
      party.clients.set(player.name, client);
      // From then on it waits longer than it may take to be back: how long is half random.
      await client.waitForLine(/Trying again in ([89]|[1-9]\d) seconds/, 4 * IDLE_MS);
      party.lab.setHosts(player, `${relay} relay.test\n`);
      await party.relay.ip("link", "set", "pl0", "up");
      await player.ip("addr", "add", own, "dev", "wan0");
      await player.ip("route", "replace", "default", "via", relay);
      await eventually("joined", () => joins(client) === 1, BACK_MAX_MS);
      client.kill("SIGINT");
      assertEquals(await client.waitExit(), 0);
    });
  }
});
