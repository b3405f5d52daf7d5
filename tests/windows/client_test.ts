/** The compiled lanparty-client.exe under Wine. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { checkBroadcast, checkPing, checkSeparation, checkTcp } from "../../tools/lab/checks.ts";
import { readIperf } from "../../tools/lab/figures.ts";
import type { Row } from "../../tools/lab/table.ts";
import { openPorts } from "../../src/client/inbound_rules.ts";
import { leaseAddress, UNWANTED } from "../support/dhcp_lease.ts";
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { partyTest, type Step } from "../support/play.ts";
import { assertRow, assertRows } from "../support/rows.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const MAC = "02:00:00:00:00:51";
const OPTIONS = ["--virtual-mac", MAC, "--allow-inbound", "--allow-inbound-port", "445"];

/** What the client sets on a PC whose way to the relay is direct, and how it takes that back. */
const SETUP = [
  "CreateIpForwardEntry2 10.92.0.1/32 via 10.92.0.1 interface=3 metric=0",
  "SetIpInterfaceEntry ipv4 automatic=0 metric=1 mtu=1400 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0",
  "SetIpInterfaceEntry ipv6 automatic=0 metric=1 mtu=1400 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0",
];
/** The firewall's rules for this adapter, and for its own networks alone. */
const RULE = "lanparty-client {11111111-2222-3333-4444-555555555555}";
const RULES = [
  ["TCP", 6, "LocalPorts", openPorts("TCP", [445])],
  ["UDP", 17, "LocalPorts", openPorts("UDP", [445])],
  ["ping", 1, "IcmpTypesAndCodes", "8:*"],
  ["ping6", 58, "IcmpTypesAndCodes", "128:*"],
] as const;
const inbound = (scopes: string) =>
  RULES.flatMap(([end, protocol, member, what]) => [
    `INetFwRule put_Name ${RULE} ${end}`,
    'INetFwRule put_Description Lets the LAN party reach this PC by the adapter "LAN party" alone. ' +
    "Made by lanparty-client --allow-inbound, which removes it when it ends.",
    `INetFwRule put_Protocol ${protocol}`,
    `INetFwRule put_${member} ${what}`,
    `INetFwRule put_RemoteAddresses ${scopes}`,
    "INetFwRule put_Direction 1",
    "INetFwRule put_Interfaces 1 of 1: LAN party",
    "INetFwRule put_Enabled -1",
    "INetFwRule put_Profiles 2147483647",
    "INetFwRule put_Action 1",
    `INetFwRules Remove ${RULE} ${end}`,
    "INetFwRules Add rule",
  ]);
/** Before there is an address, and when the LAN has given one. */
const INBOUND = inbound("fe80::/64");
const INBOUND_OF_LAN = inbound("10.77.0.0/24,fe80::/64");
const NO_INBOUND = [...RULES].reverse().map(([end]) => `INetFwRules Remove ${RULE} ${end}`);
const UNDO = [
  "SetIpInterfaceEntry ipv4 automatic=1 metric=25 mtu=1500 noDefault=0 routers=2 managed=0 other=0 forwarding=1 weak=1",
  "SetIpInterfaceEntry ipv6 automatic=1 metric=25 mtu=1500 noDefault=0 routers=1 managed=1 other=1 forwarding=1 weak=1",
  "DeleteIpForwardEntry2 10.92.0.1/32 via 10.92.0.1 interface=3 metric=0",
];

/** The calls that change something, after the three that gave the adapter its MAC. */
async function changes(pc: WinePc): Promise<string[]> {
  return (await pc.calls()).slice(3).filter((call) => !call.startsWith("GetBestRoute2 "));
}

/**
 * 1472 bytes of UDP fill an Ethernet frame. The rate is low: the fake driver carries 1,000 frames a
 * second.
 */
async function checkFullPayloads(
  party: Party,
  player: Namespace,
  options: readonly string[],
): Promise<Row> {
  const server = party.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
  await server.waitForLine(/listening/i);
  const { stdout } = await player.run([
    ...["iperf3", "--client", PARTY.lanAddress, "--json", "--udp", "--length", "1472"],
    ...["--bitrate", "500K", "--time", "2", ...options],
  ], { anyCode: true });
  await server.stop();
  const { error, packets, lostPackets } = readIperf(stdout);
  return {
    check: ["UDP payloads of 1472 bytes", ...options].join(" "),
    seen: error ?? `${packets} sent, ${lostPackets} lost`,
    ok: error === undefined && packets > 50 && lostPackets === 0,
  };
}

/** Everything that a game sends, between LAN and player. */
async function playTraffic(
  party: Party,
  player: Namespace,
  playerAddress: string,
  step: Step,
): Promise<void> {
  const ends = { lan: party.lan, player, playerAddress };
  await step("only the tunnel connects LAN and player", async () => {
    assertRows(await checkSeparation(ends));
  });
  await step("ping, both ways", async () => {
    await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
    await assertRow(() => checkPing("LAN to player", party.lan, playerAddress));
  });
  await step("limited broadcast, both ways", async () => {
    assertRows(...await checkBroadcast(ends));
  });
  await step("TCP, both ways", async () => {
    assertRows(await checkTcp("player to LAN", ends, false));
    assertRows(await checkTcp("LAN to player", ends, true));
  });
  await step("UDP payloads of 1472 bytes, both ways", async () => {
    await assertRow(() => checkFullPayloads(party, player, []));
    await assertRow(() => checkFullPayloads(party, player, ["--reverse"]));
  });
}

/** The address comes from the LAN's DHCP server, and nothing else that would change the PC. */
async function leaseFromLan(
  party: Party,
  pc: WinePc,
  client: LabProcess,
  server: LabProcess,
): Promise<string> {
  const lease = await leaseAddress(pc.namespace, PARTY.tap, party.folder);
  assertMatch(lease.address, /^10\.77\.0\.1\d\d$/);
  assertEquals([lease.prefixLength, lease.server], [PARTY.lanPrefix, PARTY.lanAddress]);
  for (const [option, name] of UNWANTED) {
    assertMatch(server.stderr, new RegExp(`sent size: +\\d+ option: *${option} `));
    assertEquals(lease.told.get(name), undefined, `option ${option} (${name})`);
  }
  await client.waitForLine(
    new RegExp(`DHCP server 10\\.77\\.0\\.1 gave the address ${lease.address} for 1 hour`),
  );
  assertMatch(client.stderr, /This PC keeps its own settings: the LAN's default route, /);
  await pc.recordLease(lease);
  return lease.address;
}

async function checkDoctor(party: Party, pc: WinePc, address: string): Promise<void> {
  const read = async () => (await pc.doctor()).stdout.replaceAll("\r", "");
  await eventually("the client's status", async () => / running: +yes/.test(await read()));
  const report = await read();
  const lines = [
    /^ {2}running: +yes; this is \d+ s old$/m,
    new RegExp(`^ {2}LAN: +You are in the LAN as ${address}\\. Start your game\\.$`, "m"),
    /^ {2}relay: +\S+ \(connected, round trip [\d.]+ ms, [\d.]+ % lost\)$/m,
    /^ {2}room: +\(not shown\) \(peer \d+, 1 other\)$/m,
    /^ {2}party: +the party's gateway is there$/m,
    /^ {2}route: +to the relay is pinned$/m,
    /^ {2}clock: +as the relay's, to the second$/m,
    /^ {2}version: +9\.27\.0\.0$/m,
    /^ {2}MAC in its settings: +020000000051$/m,
    new RegExp(`^ {2}addresses: +${address}/24$`, "m"),
    new RegExp(`^ {2}DHCP: +${address} from 10\\.77\\.0\\.1$`, "m"),
    /^ {2}adapters: +"LAN party"$/m,
    /^ {2}broadcast: +by "LAN party"$/m,
    /^ {2}multicast: +by "LAN party"$/m,
    /^ {2}other tunnels: +"ZeroTier One \[party\]" \(ZeroTier Virtual Port\)$/m,
    /^ {2}the party counts as: +unidentified, and so public$/m,
    /^! firewall there: +on$/m,
  ];
  for (const line of lines) assertMatch(report, line);
  const key = (await Deno.readTextFile(party.keyFile)).match(/[A-Za-z0-9_-]{22}/g) ?? [];
  assert(key.length > 0);
  for (const secret of [...key, PARTY.room]) {
    assert(!report.includes(secret), `the report holds ${secret}`);
  }
  assertMatch(report, /^ {2}programs kept out: +none$/m);
  await pc.write("blocked", "yes");
  assertMatch(
    await read(),
    /^! programs kept out: +Quake III Arena \(quake3\.exe\)\n +→ if you host .*Tick it under "Allow an app.*public networks$/m,
  );
  await pc.remove("blocked");
  await pc.write("network", "private");
  await pc.write("firewall", "policy");
  const other = await read();
  assertMatch(other, /^ {2}the party counts as: +private$/m);
  assertMatch(other, /^ {2}firewall there: +on, under a policy that is above this PC's rules$/m);
  await pc.remove("network");
  await pc.remove("firewall");
}

partyTest("a Windows player plays in the LAN", async (party, step) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  const server = await party.startDhcpServer();
  await party.startRelay();
  await party.startGateway();
  const client = await startClient(party, pc, OPTIONS);
  await pc.connectStack(PARTY.tap, MAC);
  let address = "";
  await step("an address by DHCP, and nothing else of what the server says", async () => {
    address = await leaseFromLan(party, pc, client, server);
  });
  await playTraffic(party, player, address, step);
  await step("the adapter was given the MAC, by its settings and a restart", async () => {
    assertMatch(client.stderr, /Giving the adapter "LAN party" the MAC 02:00:00:00:00:51 …/);
    assertMatch(client.stderr, /adapter LAN party is up: MAC 02:00:00:00:00:51, MTU 1400, index 7/);
    assertEquals(await pc.readSetting("NetworkAddress"), "020000000051");
    assertEquals((await pc.calls()).slice(0, 3), [
      "CM_Locate_DevNodeW ROOT\\NET\\0000 0",
      "CM_Disable_DevNode 7 4",
      "CM_Enable_DevNode 7 0",
    ]);
  });
  await step(
    "the relay's route was pinned, then the interface got its MTU and metric, no default route",
    async () => {
      assertEquals((await changes(pc)).slice(0, SETUP.length), SETUP);
    },
  );
  await step("the firewall's rules came before the address, and followed it", async () => {
    const rules = [...INBOUND, ...INBOUND_OF_LAN];
    await eventually("the LAN's network", async () => {
      return (await changes(pc)).length >= SETUP.length + rules.length;
    });
    assertEquals((await changes(pc)).slice(SETUP.length), rules);
  });
  await step("the relay restarts: the player is back, with the address that it had", async () => {
    const joined = /Joined the room[^]*Joined the room/;
    await party.relayProcess!.stop();
    await party.startRelay();
    await eventually("both are back", () => {
      return joined.test(client.stderr) && joined.test(party.gatewayProcess!.stderr);
    }, 40_000);
    await assertRow(() => checkPing("LAN to player", party.lan, address));
  });
  await step("a doctor says how it is, and no secret", () => checkDoctor(party, pc, address));
  await step(
    "the driver was asked for its MAC before and after, else once for each thing",
    async () => {
      const { opened, macReads, versionReads, mtuReads, mediaOn, mediaOff } = await pc.record();
      assertEquals(
        { opened, macReads, versionReads, mtuReads, mediaOn, mediaOff },
        { opened: 3, macReads: 3, versionReads: 1, mtuReads: 1, mediaOn: 1, mediaOff: 0 },
      );
    },
  );
  await step("Ctrl-C: the client leaves, the cable is out, the interface as it was", async () => {
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    const { opened, closed, mediaOff } = await pc.record();
    assertEquals({ opened, closed, mediaOff }, { opened: 3, closed: 3, mediaOff: 1 });
    assertEquals((await changes(pc)).slice(-7), [...NO_INBOUND, ...UNDO]);
    assertMatch((await pc.doctor()).stdout, /^! running: +none runs$/m);
  });
});

partyTest("what a killed client left behind is undone at the next start", async (party) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  await party.startRelay();
  const allowed = /The LAN may reach this PC by the adapter "LAN party"/;
  const setup = [...SETUP, ...INBOUND];
  const undo = [...NO_INBOUND, ...UNDO];
  const killed = await startClient(party, pc, OPTIONS, allowed);
  killed.kill("SIGKILL");
  await killed.waitExit(10_000);
  // The MAC's restart comes first; the second start finds the MAC as it should be.
  assertEquals(await changes(pc), setup);
  const next = await startClient(party, pc, OPTIONS, allowed);
  assertEquals(await changes(pc), [...setup, ...undo, ...setup]);
  next.kill("SIGINT");
  assertEquals(await next.waitExit(10_000), 0);
  assertEquals(await changes(pc), [...setup, ...undo, ...setup, ...undo]);
});
