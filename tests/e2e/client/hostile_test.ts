/**
 * A hostile LAN, and a hostile relay: whatever they send, the player's routes, rules, resolver and the neighbours
 * of the player's own networks are as before, byte for byte.
 *
 * ```text
 *   lan         gateway             relay                alice
 *  ┌──────┐    ┌────────────┐      ┌────────────────┐   ┌──────────────────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ────┼───┼─ wan0, default    lanparty0      │
 *  └──────┘    └────────────┘      └────────────────┘   │ vpn0 100.64.0.0/10, fd7a::/48    │
 *  the attacker, or none           a relay of ours,     └──────────────────────────────────┘
 *                                  or the attacker      home: 10.92.0.0/24, fd92::/64
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { CertificateFiles, SERVER_NAME } from "../../support/certificates.ts";
import { readHeaders } from "../../support/deno_headers.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { u32 } from "../../../tools/lab/frames.ts";
import { HostileRelay } from "../../support/hostile_relay.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";
import { hostileNotices, hostileReplies, LEASED, MARK } from "./hostile_frames.ts";

const PLAYER_MAC = "02:00:00:00:00:51";
const PLAYER_LINK_LOCAL = "fe80::ff:fe00:51";
const RESOLV_CONF = "nameserver 192.0.2.53\nsearch home.example\n";
/** How often the attacker says everything, with this pause. */
const ROUNDS = 3;
const ROUND_MS = 700;
const LEASE_MAX_MS = 60_000;

/** Whoever sends: a station of the LAN, or the relay. */
interface Attacker {
  send(...frames: Uint8Array[]): Promise<void>;
  /** All frames so far that have come from the player, or from elsewhere. */
  heard(): readonly Uint8Array[];
}

/** A player with a home that has IPv6, and a VPN. */
async function addPlayer(party: Party): Promise<Namespace> {
  const player = await party.addPlayer("alice");
  party.lab.setResolvConf(player, RESOLV_CONF);
  await player.ip("addr", "add", "fd92::2/64", "dev", "wan0");
  await party.relay.ip("addr", "add", "fd92::1/64", "dev", "pl0");
  await player.ip("-6", "route", "add", "default", "via", "fd92::1");
  await player.ip("link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1");
  for (const name of ["vpn0", "vpn1"]) await player.ip("link", "set", name, "up");
  await player.ip("addr", "add", "100.101.102.103/32", "dev", "vpn0");
  // As VPNs do that lead by rules: in a table of their own.
  for (const [family, network] of [["-4", "100.64.0.0/10"], ["-6", "fd7a::/48"]]) {
    await player.ip(family, "route", "add", network, "dev", "vpn0", "table", "52");
    await player.ip(family, "rule", "add", "pref", "5270", "lookup", "52");
  }
  // Who is who at home is known before.
  const router = (await party.relay.addressesOf("pl0")).find((text) => text.startsWith("fe80:"))!;
  const linkLocal = `${router.split("/")[0]}%wan0`;
  for (const address of [PARTY.relayAddressForPlayer, "fd92::1", linkLocal]) {
    await player.run(["ping", "-c", "1", "-W", "5", address]);
  }
  return player;
}

/** A value as JSON without the members that change by themselves. */
function without(json: string, ...names: string[]): string {
  const drop = (key: string, value: unknown) => names.includes(key) ? undefined : value;
  return JSON.stringify(JSON.parse(json || "[]"), drop, 1);
}

/** The player's network without the party's adapter. */
async function home(party: Party, player: Namespace): Promise<Record<string, string>> {
  const ownRoutes = async (family: string) => {
    const json = await player.ip(family, "-j", "route", "show", "table", "all");
    const routes = JSON.parse(json) as { dev: string }[];
    return JSON.stringify(routes.filter(({ dev }) => dev !== PARTY.tap), undefined, 1);
  };
  const neighbours = JSON.parse(await player.ip("-j", "neigh", "show", "dev", "wan0")) as {
    dst: string;
    lladdr?: string;
  }[];
  const resolvConf = `/etc/netns/${player.fullName}/resolv.conf`;
  return {
    routes4: await ownRoutes("-4"),
    routes6: await ownRoutes("-6"),
    rules4: await player.ip("-4", "-j", "rule"),
    rules6: await player.ip("-6", "-j", "rule"),
    resolver: await Deno.readTextFile(resolvConf),
    resolverInside: (await player.run(["cat", "/etc/resolv.conf"])).stdout,
    neighbours: neighbours.map(({ dst, lladdr }) => `${dst} ${lladdr}`).sort().join("\n"),
    wan: without(await player.ip("-j", "addr", "show", "dev", "wan0"), "valid_life_time"),
    party: party.lab.prefix,
  };
}

/** What leads into the party's adapter. */
async function adapterRoutes(player: Namespace): Promise<string[]> {
  const shown = await Promise.all(["-4", "-6"].map(async (family) => {
    const json = await player.ip(family, "-j", "route", "show", "table", "all", "dev", PARTY.tap);
    return JSON.parse(json || "[]") as { dst: string; type?: string; gateway?: string }[];
  }));
  return shown.flat().map(({ dst, type, gateway }) =>
    [type, dst, gateway].filter((word) => word !== undefined).join(" ")
  ).filter((route) => !/^local fe80|^(multicast )?(fe80|ff00)::/.test(route)).sort();
}

const LEASED_ROUTES = [
  "10.77.0.0/24",
  "224.0.0.0/4",
  "255.255.255.255",
  "broadcast 10.77.0.255",
  `local ${LEASED}`,
];

/** Answers each question for an address with everything that is hostile, and lastly well. */
async function answerDhcp(attacker: Attacker, answered: Set<string>): Promise<void> {
  for (const frame of [...attacker.heard()]) {
    const { ipVersion, destinationPort, transportOffset } = readHeaders(frame);
    if (ipVersion !== 4 || destinationPort !== 67) continue;
    const message = transportOffset + 8;
    const xid = new DataView(frame.buffer, frame.byteOffset).getUint32(message + 4);
    const typeAt = frame.indexOf(53, message + 240) + 2;
    const key = `${xid} ${frame[typeAt]}`;
    if (answered.has(key) || (frame[typeAt] !== 1 && frame[typeAt] !== 3)) continue;
    answered.add(key);
    const type = frame[typeAt] === 1 ? 2 : 5;
    await attacker.send(...hostileReplies(type, PLAYER_MAC, xid));
  }
}

/** All of it, until the player has the one good address, and then some more. */
async function attack(player: Namespace, attacker: Attacker): Promise<void> {
  const answered = new Set<string>();
  const routers = [PARTY.relayAddressForPlayer, "fd92::1", "100.64.0.1"];
  const notices = hostileNotices({ mac: PLAYER_MAC, linkLocal: PLAYER_LINK_LOCAL }, routers);
  await eventually("the good lease", async () => {
    await answerDhcp(attacker, answered);
    return (await player.addressesOf(PARTY.tap)).includes(`${LEASED}/24`);
  }, LEASE_MAX_MS);
  for (let round = 0; round < ROUNDS; round++) {
    await attacker.send(...notices);
    // Acknowledgements that nobody has asked for, too.
    const xid = new DataView(u32(Number([...answered][0].split(" ")[0])).buffer).getUint32(0);
    await attacker.send(...hostileReplies(5, PLAYER_MAC, xid));
    await answerDhcp(attacker, answered);
    await pause(ROUND_MS);
  }
}

/** Whether a frame that reached the adapter says something that must not arrive. */
function isEvil(frame: Uint8Array): boolean {
  const { ipVersion, destinationPort, icmpType } = readHeaders(frame);
  const isAnswer = (ipVersion === 4 && destinationPort === 68) ||
    (ipVersion === 6 && (destinationPort === 546 || icmpType === 134));
  return isAnswer && new TextDecoder("latin1").decode(frame).includes(MARK);
}

function isDhcpReply(frame: Uint8Array): boolean {
  const { ipVersion, destinationPort } = readHeaders(frame);
  return ipVersion === 4 && destinationPort === 68;
}

/** No frame that has reached the adapter is so. */
function assertNone(adapter: FrameStation, isWrong: (frame: Uint8Array) => boolean): void {
  assert(adapter.frames.length > 0, "nothing at all has");
  assertEquals(adapter.frames.filter(({ bytes }) => isWrong(bytes)).map(({ hex }) => hex), []);
}

async function play(
  party: Party,
  step: Step,
  player: Namespace,
  attacker: Attacker,
  start: (...options: string[]) => Promise<LabProcess>,
): Promise<void> {
  const before = await home(party, player);
  const client = await start("--virtual-mac", PLAYER_MAC);
  await using adapter = await FrameStation.open(player, PARTY.tap);
  await step(
    "the player's home is as before, and the party has its own network alone",
    async () => {
      await attack(player, attacker);
      assertEquals(await home(party, player), before);
      assertEquals(await adapterRoutes(player), LEASED_ROUTES);
      assertEquals((await player.linkOf(PARTY.tap)).mtu, 1400);
    },
  );
  await step("nothing hostile has reached the adapter, and no DHCP reply", () => {
    // The client has asked for the address itself: no DHCP client of the system's has anything to hear.
    assertNone(adapter, (frame) => isEvil(frame) || isDhcpReply(frame));
  });
  await step("the player is told what was refused, each once, and why", () => {
    const refused = [...client.stderr.matchAll(/an address in (\S+), which is not taken: (.*)/g)]
      .map(([, network, why]) => `${network} ${why.split(" ").slice(0, 4).join(" ")}`);
    assertEquals(
      refused.toSorted(),
      [
        "0.0.0.0/1 no LAN is as",
        "10.77.0.255/24 no PC can have",
        "10.92.0.0/24 the relay has an",
        "100.70.0.0/24 this PC reaches something",
        "127.0.0.58/24 no PC can have",
        "2001:4860:4860::/64 it is not for",
        "224.0.0.58/24 no PC can have",
        "8.0.0.0/8 it is not for",
        "8.8.8.0/24 it is not for",
      ].toSorted(),
    );
    assertMatch(client.stderr, /8\.8\.8\.0\/24.* add --allow-lan-network 8\.8\.8\.0\/24\./);
  });
  await step("after Ctrl-C everything is as before, too", async () => {
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    assertEquals(await home(party, player), before);
  });
}

partyTest("a hostile LAN", async (party, step) => {
  const player = await addPlayer(party);
  await using station = await FrameStation.open(party.lan, PARTY.lanInterface);
  await party.startRelay("--allow-router-advertisements");
  await party.startGateway("--allow-router-advertisements");
  const attacker: Attacker = {
    send: (...frames) => station.send(...frames),
    heard: () => station.frames.map(({ bytes }) => bytes),
  };
  await play(party, step, player, attacker, (...options) => party.startClient(player, ...options));
});

/** A relay of the attacker's in the place of ours; the player trusts it. */
async function openHostileRelay(
  party: Party,
): Promise<{ relay: HostileRelay; trust: readonly string[] }> {
  const files = await CertificateFiles.make(party.folder);
  const issued = await files.issue({ names: [SERVER_NAME] });
  const address = PARTY.relayAddressForPlayer;
  const relay = await HostileRelay.open(party.relay, address, PARTY.relayPort, issued);
  return { relay, trust: files.trustOptions };
}

partyTest("a hostile relay", async (party, step) => {
  const player = await addPlayer(party);
  const { relay, trust } = await openHostileRelay(party);
  await using _ = relay;
  const attacker: Attacker = {
    send: (...frames) => relay.send(...frames),
    heard: () => relay.frames,
  };
  await play(
    party,
    step,
    player,
    attacker,
    (...options) => party.startClient(player, ...options, ...trust),
  );
});

partyTest(
  "a hostile relay, and a player who lets router advertisements in",
  async (party, step) => {
    const player = await addPlayer(party);
    const { relay, trust } = await openHostileRelay(party);
    await using _ = relay;
    const before = await home(party, player);
    const client = await party.startClient(
      player,
      ...["--virtual-mac", PLAYER_MAC, "--address", `${LEASED}/24`],
      ...["--allow-router-advertisements", ...trust],
    );
    await using adapter = await FrameStation.open(player, PARTY.tap);
    const notices = hostileNotices({ mac: PLAYER_MAC, linkLocal: PLAYER_LINK_LOCAL }, ["fd92::1"]);
    await step("the LAN's unique local network is there, and nothing else", async () => {
      await eventually("an address of it", async () => {
        await relay.send(...notices);
        return (await player.addressesOf(PARTY.tap)).some((text) => text.startsWith("fd77:"));
      });
      for (let round = 0; round < ROUNDS; round++) {
        await relay.send(...notices);
        await pause(ROUND_MS);
      }
      assertEquals(await home(party, player), before);
      const routes = (await adapterRoutes(player)).filter((route) =>
        !route.startsWith("local fd77:")
      );
      assertEquals(routes, [...LEASED_ROUTES, "fd77::/64"].toSorted());
      const [link] = JSON.parse(await player.ip("-j", "-d", "link", "show", "dev", PARTY.tap));
      assertEquals(link.mtu, 1400);
    });
    await step(
      "nothing hostile has reached the adapter, and what was refused is said",
      async () => {
        assertEquals(adapter.frames.filter(({ bytes }) => isEvil(bytes)).map(({ hex }) => hex), []);
        await client.waitForLine(/an address in 2001:db8:bad::\/64, which is not taken/);
      },
    );
    await step("the kernel itself would take no router", async () => {
      const names = "defrtr rtr_pref rt_info_max_plen mtu".split(" ");
      const files = names.map((name) => `/proc/sys/net/ipv6/conf/${PARTY.tap}/accept_ra_${name}`);
      const { stdout } = await player.run(["cat", ...files], { anyCode: true });
      for (const value of stdout.trim().split("\n")) assertMatch(value, /^(0|-1)$/);
    });
  },
);

partyTest("a hostile LAN, and a player who lets its default route in", async (party, step) => {
  const player = await addPlayer(party);
  // That of the LAN is the better one.
  await player.ip("route", "del", "default");
  const home4 = ["default", "via", party.relayAddressFor(player), "metric", "900"];
  await player.ip("route", "add", ...home4);
  await using station = await FrameStation.open(party.lan, PARTY.lanInterface);
  await party.startRelay();
  await party.startGateway();
  const before = await home(party, player);
  const options = ["--virtual-mac", PLAYER_MAC, "--allow-lan-default-route"];
  const client = await party.startClient(player, ...options);
  await using adapter = await FrameStation.open(player, PARTY.tap);
  const wayTo = async (address: string) => {
    return /dev (\S+)/.exec(await player.ip("route", "get", address))?.[1];
  };
  await step(
    "it has the default route, and neither the relay nor the VPN nor the MTU",
    async () => {
      await attack(player, {
        send: (...frames) => station.send(...frames),
        heard: () => station.frames.map(({ bytes }) => bytes),
      });
      await eventually("the route", async () => await wayTo("203.0.113.9") === PARTY.tap);
      assertEquals(await wayTo(party.relayAddressFor(player)), "wan0");
      assertEquals(await wayTo("100.70.0.9"), "vpn0");
      assertEquals((await player.linkOf(PARTY.tap)).mtu, 1400);
    },
  );
  await step("no DHCP reply has reached the adapter", () => assertNone(adapter, isDhcpReply));
  await step("after Ctrl-C routes, rules and neighbours are as before", async () => {
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    const { resolver: _, resolverInside: __, ...networks } = before;
    const { resolver: ___, resolverInside: ____, ...left } = await home(party, player);
    assertEquals(left, networks);
  });
});
