/**
 * The party reaches a player's PC at the party's adapter, and neither its addresses at home nor what is behind
 * them; and nobody there can answer in the name of a server at home.
 *
 * ```text
 *   lan          gateway             relay                     alice, who forwards packets
 *  ┌───────┐    ┌────────────┐      ┌─────────────────────┐   ┌──────────────────────────────────┐
 *  │ eth0 ─┼────┼ lan0  wan0 ┼──────┼─ gw0           pl0 ─┼───┼─ wan0 10.92.0.2     lanparty0    │
 *  └───────┘    └────────────┘      │  her home's server: │   │       fd92::2       10.77.0.50   │
 *  10.77.0.1, fd77::1               │  10.92.0.1, fd92::1 │   │ box0 172.17.0.1     fd77::50     │
 *  looks for the home by alice      └─────────────────────┘   └──────────────────────────────────┘
 * ```
 *
 * In the second story alice has a VPN, 10.8.0.2 and fd7a:1::2, with a company's servers at 10.8.0.9 and fd7a:1::9,
 * and so has the LAN: what the VPN leads to is not the party's, also when the VPN comes up later.
 */
import { assertEquals } from "@std/assert";
import { FrameLogReader } from "../../support/frame_log.ts";
import { FrameStation } from "../../support/frame_station.ts";
import {
  type Bytes,
  ethernet,
  ipv6,
  Protocol,
  Type,
  udp,
  udpPacket,
} from "../../../tools/lab/frames.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { isBound } from "../../../tools/lab/sockets.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const ALICE = { mac: "02:00:00:00:00:51", four: "10.77.0.50", six: "fd77::50" };
const LINK_LOCAL = "fe80::ff:fe00:51";
const HOME = { four: "10.92.0.2", six: "fd92::2", container: "172.17.0.1" };
const SERVER = { four: "10.92.0.1", six: "fd92::1" };
const STATION = { mac: "52:54:00:00:00:77", four: "10.77.0.77", six: "fd77::77" };
const PORT = 40_053;

async function answers(from: Namespace, address: string): Promise<boolean> {
  const ping = ["ping", "-c", "2", "-i", "0.2", "-W", "1", address];
  return (await from.run(ping, { anyCode: true })).code === 0;
}

/** Alice's PC passes packets on, as one with containers, a hotspot or a VPN server does. */
async function addForwarder(party: Party): Promise<Namespace> {
  const player = await party.addPlayer("alice");
  for (const name of ["ipv4.ip_forward", "ipv6.conf.all.forwarding"]) {
    await player.run(["sysctl", "-qw", `net.${name}=1`]);
  }
  await player.ip("addr", "add", `${HOME.six}/64`, "dev", "wan0", "nodad");
  await party.relay.ip("addr", "add", `${SERVER.six}/64`, "dev", "pl0", "nodad");
  await player.ip("link", "add", "box0", "type", "bridge");
  await player.ip("addr", "add", `${HOME.container}/16`, "dev", "box0");
  await player.ip("link", "set", "box0", "up");
  // Who answers the LAN would find the way back by alice.
  await party.relay.ip("route", "add", "10.77.0.0/24", "via", HOME.four);
  await party.relay.ip("-6", "route", "add", "fd77::/64", "via", HOME.six);
  await party.lan.ip("addr", "add", "fd77::1/64", "dev", PARTY.lanInterface, "nodad");
  return player;
}

/** The LAN takes alice for its router to her home. */
async function lookByAlice(lan: Namespace): Promise<void> {
  const eth0 = PARTY.lanInterface;
  for (const network of ["10.92.0.0/24", "172.17.0.0/16"]) {
    await lan.ip("route", "add", network, "via", ALICE.four, "dev", eth0);
  }
  await lan.ip("-6", "route", "add", "fd92::/64", "via", LINK_LOCAL, "dev", eth0);
}

/** Which of alice's other addresses, and of her home, the LAN reaches. */
async function reached(lan: Namespace): Promise<string[]> {
  const targets = [...Object.values(HOME), ...Object.values(SERVER)];
  const found = await Promise.all(targets.map((target) => answers(lan, target)));
  return targets.filter((_, index) => found[index]);
}

/** A datagram to alice's PC; it says whose it claims to be. */
function forged(source: string, destination: string): Bytes {
  const text = new TextEncoder().encode(`${source} to ${destination}\n`);
  const fields = { source, destination, sourcePort: 53, destinationPort: PORT, payload: text };
  const six = source.includes(":");
  const payload = six
    ? ipv6({ source, destination, nextHeader: Protocol.udp, payload: udp(fields) })
    : udpPacket(fields);
  const type = six ? Type.ipv6 : Type.ipv4;
  return ethernet({ source: STATION.mac, destination: ALICE.mac, type, payload });
}

/** What programs on alice's PC have heard of what a station sends in others' names. */
async function heard(player: Namespace, station: FrameStation): Promise<string> {
  const listeners = [`UDP4-RECV:${PORT}`, `UDP6-RECV:${PORT},ipv6only=1`].map((source) =>
    player.spawn(["socat", "-u", source, "STDOUT"])
  );
  await eventually("both listen", async () => {
    return (await player.run(["ss", "-Hlnu", `sport = :${PORT}`])).stdout.trim().split("\n")
      .length === 2;
  });
  await station.send(
    forged(SERVER.four, ALICE.four),
    forged(SERVER.four, HOME.four),
    forged(STATION.four, HOME.four),
    forged("9.9.9.9", ALICE.four),
    forged(SERVER.six, ALICE.six),
    forged(SERVER.six, HOME.six),
    forged(STATION.six, HOME.six),
    forged("2001:4860:4860::8888", ALICE.six),
    // In its own name everybody may speak; these come last.
    forged(STATION.four, ALICE.four),
    forged(STATION.six, ALICE.six),
  );
  const text = () => listeners.map(({ stdout }) => stdout).join("");
  await eventually(
    "what is the station's own",
    () =>
      text().includes(`${STATION.four} to ${ALICE.four}`) &&
      text().includes(`${STATION.six} to ${ALICE.six}`),
  );
  for (const listener of listeners) await listener.stop();
  await eventually("nobody listens", async () => !await isBound(player, "udp", PORT));
  return text();
}

const OWN_NAMES = `${STATION.four} to ${ALICE.four}\n${STATION.six} to ${ALICE.six}\n`;

partyTest("a player's other addresses, and the home behind them", async (party, step) => {
  const player = await addForwarder(party);
  const { lan } = party;
  await using station = await FrameStation.open(lan, PARTY.lanInterface);
  await party.startRelay();
  await party.startGateway();
  const options = ["--virtual-mac", ALICE.mac, "--address", `${ALICE.four}/24`];
  options.push("--frame-log", party.frameLogFile("client"));
  const client = await party.startClient(player, ...options);
  // Another program gives the adapter an address, too.
  await player.ip("addr", "add", `${ALICE.six}/64`, "dev", PARTY.tap, "nodad");
  await lookByAlice(lan);

  await step("the LAN reaches the adapter, by all of its addresses", async () => {
    for (const address of [ALICE.four, ALICE.six, `${LINK_LOCAL}%${PARTY.lanInterface}`]) {
      await eventually(`an answer of ${address}`, () => answers(lan, address));
    }
    assertEquals(await answers(player, SERVER.four), true);
    assertEquals(await answers(player, SERVER.six), true);
  });
  await step(
    "and nothing else: not alice's home address, nor her home, nor her containers",
    async () => {
      assertEquals(await reached(lan), []);
    },
  );
  await step("nobody learns by ARP that she has an address there", async () => {
    await lan.ip("route", "replace", "10.92.0.0/24", "dev", PARTY.lanInterface);
    assertEquals(await answers(lan, HOME.four), false);
    const neighbours = await lan.ip("neigh", "show", HOME.four, "dev", PARTY.lanInterface);
    assertEquals(neighbours.includes("lladdr"), false, neighbours);
    await lan.ip("route", "replace", "10.92.0.0/24", "via", ALICE.four, "dev", PARTY.lanInterface);
  });
  await step("who speaks in the name of the home's server is not heard", async () => {
    assertEquals(await heard(player, station), OWN_NAMES);
  });
  const settings = (family: "ipv4" | "ipv6", ...names: string[]) =>
    names.map((name) => `net.${family}.conf.${PARTY.tap}.${name}`);
  const kernel = settings("ipv4", "forwarding", "arp_ignore", "arp_announce", "rp_filter");
  await step("the kernel would do none of it by itself", async () => {
    const { stdout } = await player.run(["sysctl", "-n", ...kernel]);
    assertEquals(stdout.trim().split("\n"), ["0", "1", "2", "1"]);
    const six = await player.run(["sysctl", "-n", ...settings("ipv6", "forwarding", "accept_ra")]);
    assertEquals(six.stdout.trim().split("\n"), ["0", "0"]);
  });
  await step("nor does the client let it: the same with a kernel that would", async () => {
    const lax = [1, 0, 0, 0].map((value, index) => `${kernel[index]}=${value}`);
    await player.run(["sysctl", "-qw", ...lax, `${settings("ipv6", "forwarding")[0]}=1`]);
    assertEquals(await reached(lan), []);
    assertEquals(await heard(player, station), OWN_NAMES);
    assertEquals(await answers(lan, ALICE.four), true);
    assertEquals(await answers(lan, ALICE.six), true);
  });
  await step("each is counted under its reason, and the PC forwards as before", async () => {
    const log = new FrameLogReader(party.frameLogFile("client"));
    for (const reason of ["other-address", "elsewhere-source"]) {
      await log.waitFor(reason, (frame) => frame.dropReason === reason);
    }
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    const { stdout } = await player.run(["sysctl", "-n", "net.ipv4.ip_forward"]);
    assertEquals(stdout.trim(), "1");
  });
});

const VPN = { own: "10.8.0.2", server: "10.8.0.9", own6: "fd7a:1::2", server6: "fd7a:1::9" };

/** A VPN with a network of its own, and no way to the internet: it goes up and down. */
async function addVpn(party: Party, player: Namespace): Promise<(up: boolean) => Promise<void>> {
  const company = await party.lab.namespace("company");
  await party.lab.veth(
    { namespace: player, name: "vpn0" },
    { namespace: company, name: "c0", addresses: [`${VPN.server}/24`] },
  );
  await company.ip("addr", "add", `${VPN.server6}/64`, "dev", "c0", "nodad");
  return async (up) => {
    if (!up) {
      await player.ip("addr", "flush", "dev", "vpn0", "scope", "global");
      return;
    }
    await player.ip("addr", "add", `${VPN.own}/24`, "dev", "vpn0");
    await player.ip("addr", "add", `${VPN.own6}/64`, "dev", "vpn0", "nodad");
  };
}

/** By which interfaces alice's PC looks for the company's servers. */
async function ways(player: Namespace): Promise<(string | undefined)[]> {
  const shown = await Promise.all(
    [VPN.server, VPN.server6].map((address) => player.ip("route", "get", address)),
  );
  return shown.map((route) => /dev (\S+)/.exec(route)?.[1]);
}

const BY_VPN = ["vpn0", "vpn0"];

partyTest("the party's LAN has the addresses of a player's VPN", async (party, step) => {
  const player = await party.addPlayer("alice");
  const setVpn = await addVpn(party, player);
  await party.lan.ip("addr", "add", `${VPN.server}/24`, "dev", PARTY.lanInterface);
  await party.startRelay();
  await party.startGateway();
  await party.startDhcpServer("10.8.0.100,10.8.0.199,255.255.255.0,1h");
  const routes = () => player.ip("route", "show", "table", "all");
  await setVpn(true);
  const [before, client] = [await routes(), await party.startClient(player)];
  await step("no such address is taken, and that is said", async () => {
    await client.waitForLine(
      /an address in 10\.8\.0\.0\/24, which is not taken: an address of this PC/,
    );
    assertEquals((await player.addressesOf(PARTY.tap)).filter((text) => text.includes(".")), []);
    assertEquals(await ways(player), BY_VPN);
    assertEquals([await answers(player, VPN.server), await answers(player, VPN.server6)], [
      true,
      true,
    ]);
  });
  await step("it is taken when the VPN has ended", async () => {
    await setVpn(false);
    await eventually("a lease", async () => {
      return (await player.addressesOf(PARTY.tap)).some((text) => text.startsWith("10.8.0."));
    }, 90_000);
    await player.ip("addr", "add", "fd7a:1::77/64", "dev", PARTY.tap, "nodad");
    await eventually("the party's ways", async () => {
      return (await ways(player)).every((name) => name === PARTY.tap);
    });
  });
  await step("when the VPN is back, its network is its own again, and that is said", async () => {
    await setVpn(true);
    await client.waitForLine(
      /the addresses of the party's LAN, too \(10\.8\.0\.0\/24\), and keeps/,
    );
    await eventually("the VPN's ways", async () => `${await ways(player)}` === `${BY_VPN}`);
    assertEquals(await answers(player, VPN.server), true);
    assertEquals(await answers(player, VPN.server6), true);
  });
  await step("what a killed client has left is undone by the next one", async () => {
    client.kill("SIGKILL");
    await client.exited;
    const next = await party.startClient(player, "--no-dhcp");
    await next.stop();
    await eventually("the routes are as before", async () => await routes() === before);
  });
});
