/**
 * How hosts and games find each other in a LAN, by the programs that do it elsewhere:
 *
 * ```text
 *   lan                              gateway       relay       alice
 *  ┌────────────────────────────┐   ┌───────────┐ ┌─────────┐ ┌──────────────────────────┐
 *  │ dnsmasq                    │   │           │ │         │ │ dhclient                 │
 *  │ avahi-daemon "lanbox" ─────┼───┼ lan0 wan0 ┼─┼ gw0 pl0 ┼─┼ wan0   lanparty0         │
 *  │ nmbd "LANBOX"         eth0 │   │           │ │         │ │ avahi-daemon "alice", nmbd│
 *  │ eth0.7 (VLAN)        .77.1 │   │           │ │         │ │ lanparty0.7 (VLAN)       │
 *  └────────────────────────────┘   └───────────┘ └─────────┘ └──────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { dhcpFrame, DhcpType, Protocol } from "../../../tools/lab/frames.ts";
import { fetchFrom } from "../../support/fetch_from.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { AvahiHost, type NameHost, NetbiosHost } from "../../support/name_services.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { addVlan } from "../../support/vlan.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const BROADCAST = "10.77.0.255";
const GAME = "_arena._udp";
const VLAN = 7;
const VLAN_LAN_ADDRESS = "10.78.0.1";
const VLAN_PLAYER_ADDRESS = "10.78.0.50";
/** The LAN's interface, the player's, and the first words of a network of IPv6 on both. */
const IPV6_PLACES = [
  [PARTY.lanInterface, PARTY.tap, "fd77"],
  [`vlan${VLAN}`, `vlan${VLAN}`, "fd78"],
] as const;

partyTest("discovery: mDNS, NetBIOS and DHCP as in one room", async (party, step) => {
  await party.startDhcpServer();
  await party.startRelay();
  await party.startGateway();
  const alice = await party.addPlayer("alice");
  await party.startClient(alice);
  const address = await party.lanAddressOf(alice);
  const box: NameHost = { namespace: party.lan, interface: PARTY.lanInterface, name: "lanbox" };
  const pc: NameHost = { namespace: alice, interface: PARTY.tap, name: "alice" };
  await step("the LAN's DHCP server gave the address", async () => {
    const leases = await Deno.readTextFile(`${party.folder}/leases`);
    assertMatch(leases, new RegExp(` ${address.replaceAll(".", "\\.")} `));
  });
  await step("mDNS: services and hosts are found, both ways", async () => {
    const [onLan, onPlayer] = await Promise.all([
      AvahiHost.start(box, `${party.folder}/avahi-lan`),
      AvahiHost.start(pc, `${party.folder}/avahi-alice`),
    ]);
    await onLan.publish("lan arena", GAME, 27_015);
    await onPlayer.publish("alices arena", GAME, 27_016);
    // Avahi writes a space in a name as \032.
    const [seen, shown] = await Promise.all([
      onPlayer.browse("lan\\\\032arena", GAME),
      onLan.browse("alices\\\\032arena", GAME),
    ]);
    assertEquals(seen, { address: PARTY.lanAddress, port: 27_015 });
    assertEquals(shown, { address, port: 27_016 });
    assertEquals(await onPlayer.resolve("lanbox.local"), PARTY.lanAddress);
    assertEquals(await onLan.resolve("alice.local"), address);
  });
  await step("NetBIOS: names are found by broadcast, both ways", async () => {
    const [onLan, onPlayer] = await Promise.all([
      NetbiosHost.start({ ...box, name: "LANBOX" }, `${party.folder}/nmbd-lan`),
      NetbiosHost.start({ ...pc, name: "ALICE" }, `${party.folder}/nmbd-alice`),
    ]);
    await eventually("the LAN's name", async () => {
      return await onPlayer.lookUp("LANBOX", BROADCAST) === PARTY.lanAddress;
    }, 20_000);
    await eventually("the player's name", async () => {
      return await onLan.lookUp("ALICE", BROADCAST) === address;
    }, 20_000);
    assertEquals(await onPlayer.lookUp("NOBODY", BROADCAST), undefined);
  });
});

partyTest("a DHCP server that a player runs is kept out, and named", async (party, step) => {
  const relay = await party.startRelay();
  const gateway = await party.startGateway("--status", "9466");
  const alice = await party.addPlayer("alice");
  const client = await party.startClient(alice, "--address", "10.77.0.50/24");
  const server = alice.spawn([
    ...["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--port=0", "--log-dhcp"],
    ...["--conf-file=/dev/null", "--bind-interfaces", `--interface=${PARTY.tap}`],
    ...[`--dhcp-leasefile=${party.folder}/alices-leases`, "--dhcp-authoritative"],
    ...["--dhcp-range=10.77.0.200,10.77.0.220,255.255.255.0,1h"],
  ]);
  await server.waitForLine(/DHCP, IP range/);
  await using station = await FrameStation.open(party.lan, PARTY.lanInterface);
  await step("it hears the LAN's question, and its answer does not arrive", async () => {
    const clientMac = "52:54:00:00:00:99";
    const question = dhcpFrame({
      ...{ type: DhcpType.discover, source: clientMac, clientMac, broadcast: true },
    });
    await eventually("the server offers an address", async () => {
      await station.send(question);
      return /DHCPOFFER/.test(server.stdout + server.stderr);
    });
    const named = /A player runs a DHCP server: its answers are dropped .*name=alice/;
    await relay.waitForLine(named, 10_000);
    const mac = await alice.macOf(PARTY.tap);
    const offers = station.frames.filter(({ source, bytes }) =>
      source === mac && bytes[23] === Protocol.udp && bytes[35] === 67
    );
    assertEquals(offers, []);
  });
  await step("so does the gateway, in its log and its status", async () => {
    await gateway.waitForLine(/alice \(..:..:..:..:..:..\) runs a DHCP server/, 15_000);
    const view = JSON.parse(await fetchFrom(party.gateway, "http://127.0.0.1:9466/api/gateway"));
    const [{ name, dhcpServer, served }] = view.players;
    assertEquals([name, dhcpServer, served], ["alice", true, true]);
  });
  await step("the player is told, too", async () => {
    await client.waitForLine(/This PC hands out addresses in the party's LAN \(DHCP\)/, 15_000);
  });
});

/** Runs iperf3 from one to the other; Mbit/s that arrived. */
async function iperf(server: Namespace, client: Namespace, address: string): Promise<number> {
  const process = server.spawn([
    ...["iperf3", "--server", "--one-off", "--forceflush", "--bind", address],
  ]);
  await process.waitForLine(/Server listening/);
  const { stdout } = await client.run(["iperf3", "--client", address, "--time", "2", "--json"]);
  await process.waitExit();
  return JSON.parse(stdout).end.sum_received.bits_per_second / 1e6;
}

partyTest("a LAN's ordinary traffic: full packets, offloads, VLAN, IPv6", async (party, step) => {
  await party.startRelay("--allow-vlan");
  await party.startGateway("--allow-vlan");
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", "10.77.0.50/24", "--allow-vlan");
  const player = "10.77.0.50";
  await step("full packets that must not be fragmented arrive from the LAN", async () => {
    // The way back is the player's adapter, whose MTU is smaller: there the answer is cut.
    const ping = ["ping", "-c", "3", "-i", "0.2", "-W", "3", "-s", "1472", "-M", "do", player];
    await eventually("three answers", async () => {
      const { stdout } = await party.lan.run(ping, { anyCode: true });
      return / 3 received,/.test(stdout);
    });
  });
  await step("TCP with all offloads on, both ways", async () => {
    const ends = [[party.lan, "eth0"], [party.gateway, "lan0"], [alice, PARTY.tap]] as const;
    for (const [namespace, name] of ends) {
      const { stdout } = await namespace.run(["ethtool", "-k", name]);
      assertMatch(stdout, /tcp-segmentation-offload: on/, name);
      assertMatch(stdout, /tx-checksumming: on/, name);
    }
    assertGreater(await iperf(alice, party.lan, player), 1, "LAN to player");
    assertGreater(await iperf(party.lan, alice, PARTY.lanAddress), 1, "player to LAN");
  });
  await step("TCP over a VLAN, both ways", async () => {
    await addVlan(party.lan, PARTY.lanInterface, VLAN, `${VLAN_LAN_ADDRESS}/24`);
    await addVlan(alice, PARTY.tap, VLAN, `${VLAN_PLAYER_ADDRESS}/24`);
    assertGreater(await iperf(alice, party.lan, VLAN_PLAYER_ADDRESS), 1, "LAN to player");
    assertGreater(await iperf(party.lan, alice, VLAN_LAN_ADDRESS), 1, "player to LAN");
  });
  await step("TCP over IPv6, both ways, alone and in the VLAN", async () => {
    for (const [lanDevice, tapDevice, prefix] of IPV6_PLACES) {
      await party.lan.ip("addr", "add", `${prefix}::1/64`, "dev", lanDevice, "nodad");
      await alice.ip("addr", "add", `${prefix}::50/64`, "dev", tapDevice, "nodad");
      assertGreater(await iperf(alice, party.lan, `${prefix}::50`), 1, "LAN to player");
      assertGreater(await iperf(party.lan, alice, `${prefix}::1`), 1, "player to LAN");
    }
  });
  await step("IPv6 neighbours find each other, both ways", async () => {
    const ends = [
      [party.lan, PARTY.lanInterface, alice, PARTY.tap],
      [alice, PARTY.tap, party.lan, PARTY.lanInterface],
    ] as const;
    for (const [from, name, to, other] of ends) {
      const addresses = JSON.parse(await to.ip("-json", "-6", "addr", "show", "dev", other));
      const target = addresses[0].addr_info.find(({ scope }: { scope: string }) =>
        scope === "link"
      ).local;
      await from.ip("-6", "neigh", "flush", "dev", name);
      const ping = ["ping", "-6", "-c", "1", "-W", "2", `${target}%${name}`];
      await eventually("an answer", async () => {
        return (await from.run(ping, { anyCode: true })).code === 0;
      });
      const neighbours = await from.ip("-6", "neigh", "show", "dev", name);
      assert(
        neighbours.includes(`${target} lladdr ${await to.macOf(other)}`),
        `${target} in:\n${neighbours}`,
      );
    }
  });
});
