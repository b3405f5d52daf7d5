/**
 * The compiled lanparty-client.exe under Wine.
 */
import { assert, assertEquals, AssertionError, assertMatch } from "@std/assert";
import { VERSION } from "../../src/cli/version.ts";
import { checkBroadcast, checkPing, checkSeparation, checkTcp } from "../../tools/demo/checks.ts";
import { readIperf } from "../../tools/demo/figures.ts";
import type { Row } from "../../tools/demo/table.ts";
import { dependentLoadFlags, SEARCH_SYSTEM32 } from "../../tools/pe_file.ts";
import { isSystemDll, readTables } from "../../tools/windows_library.ts";
import { WINDOWS_CLIENT } from "../../tools/executables.ts";
import { type Namespace, NetworkLab } from "../support/netns.ts";
import { PARTY, type Party } from "../support/party.ts";
import { partyTest, type Step } from "../support/play.ts";
import { WinePc } from "../support/wine.ts";

const ADDRESS = "10.77.0.50";
const MAC = "02:00:00:00:00:51";

/** Neighbours that take the processors away for a moment cost packets; a fault costs them always. */
const ATTEMPTS_MAX = 3;

/** What the client sets on a PC whose way to the relay is direct, and how it takes that back. */
const SETUP = [
  "GetBestRoute2 10.92.0.1",
  "CreateIpForwardEntry2 10.92.0.1/32 via 10.92.0.1 interface=3 metric=0",
  "SetIpInterfaceEntry ipv4 automatic=0 metric=1 mtu=1400 noDefault=1",
  "SetIpInterfaceEntry ipv6 automatic=0 metric=1 mtu=1400 noDefault=1",
];
const UNDO = [
  "SetIpInterfaceEntry ipv4 automatic=1 metric=25 mtu=1500 noDefault=0",
  "SetIpInterfaceEntry ipv6 automatic=1 metric=25 mtu=1500 noDefault=0",
  "DeleteIpForwardEntry2 10.92.0.1/32 via 10.92.0.1 interface=3 metric=0",
];

function assertRows(...rows: Row[]): void {
  for (const { check, seen, ok } of rows) assert(ok, `${check}: ${seen}`);
}

/** Repeats a check that counts lost packets: one run without any is wanted. */
async function assertRow(check: () => Promise<Row>): Promise<void> {
  const seen: string[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const row = await check();
    if (row.ok) return;
    seen.push(`${row.check}: ${row.seen}`);
  }
  throw new AssertionError(seen.join("\n"));
}

/** What the client is told of the party. */
async function partyOptions(party: Party, pc: WinePc): Promise<string[]> {
  return [
    ...["--relay", `${party.relayAddressFor(pc.namespace)}:${PARTY.relayPort}`],
    ...["--relay-ca-cert", await pc.place(party.certificateFile, "relay.der")],
    ...["--room-key-file", await pc.place(party.keyFile, "party.key")],
    ...["--room", PARTY.room],
  ];
}

/**
 * 1472 bytes of UDP fill an Ethernet frame. The rate is low: the fake driver carries 1,000 frames a
 * second.
 */
async function assertFullPayloads(
  party: Party,
  player: Namespace,
  options: readonly string[],
): Promise<void> {
  const server = party.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
  await server.waitForLine(/listening/i);
  const { stdout } = await player.run([
    ...["iperf3", "--client", PARTY.lanAddress, "--json", "--udp", "--length", "1472"],
    ...["--bitrate", "500K", "--time", "2", ...options],
  ], { anyCode: true });
  await server.stop();
  const { error, packets, lostPackets } = readIperf(stdout);
  assertEquals(error, undefined);
  assert(packets > 50, `${packets} packets`);
  assertEquals(lostPackets, 0);
}

/** Everything that a game sends, between LAN and player. */
async function playTraffic(party: Party, player: Namespace, step: Step): Promise<void> {
  const ends = { lan: party.lan, player, playerAddress: ADDRESS };
  await step("only the tunnel connects LAN and player", async () => {
    assertRows(await checkSeparation(ends));
  });
  await step("ping, both ways", async () => {
    await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
    await assertRow(() => checkPing("LAN to player", party.lan, ADDRESS));
  });
  await step("limited broadcast, both ways", async () => {
    assertRows(...await checkBroadcast(ends));
  });
  await step("TCP, both ways", async () => {
    assertRows(await checkTcp("player to LAN", ends, false));
    assertRows(await checkTcp("LAN to player", ends, true));
  });
  await step("UDP payloads of 1472 bytes, both ways", async () => {
    await assertFullPayloads(party, player, []);
    await assertFullPayloads(party, player, ["--reverse"]);
  });
}

Deno.test("the client needs only DLLs that every Windows has", async () => {
  const { imports } = await readTables(WINDOWS_CLIENT);
  assert(imports.length > 0);
  assertEquals(imports.filter((name) => !isSystemDll(name)), []);
  // And takes them from System32, whatever lies beside it.
  assertEquals(dependentLoadFlags(await Deno.readFile(WINDOWS_CLIENT)), SEARCH_SYSTEM32);
});

Deno.test("on a fresh Windows the client starts, and says that the driver is missing", async () => {
  await using lab = await NetworkLab.open();
  await using pc = await WinePc.open(await lab.namespace("windows"));
  const client = ["wine", "/mnt/lanparty-client.exe"];
  const version = await pc.run([...client, "--version"]);
  assertEquals(version.stdout.trim(), `lanparty-client ${VERSION}`);
  assertMatch((await pc.run([...client, "--help"])).stdout, /--room ROOM/);
  const wrong = await pc.run([...client, "--no-such-option"], { anyCode: true });
  assertEquals(wrong.code, 2);
  const options = ["--relay", "192.0.2.1", "--room", "PARTY"];
  const bare = await pc.run([...client, ...options], { anyCode: true });
  assertEquals(bare.code, 1);
  assertMatch(bare.stderr, /error: no TAP adapter: install the driver TAP-Windows6/);
});

partyTest("a Windows player plays in the LAN", async (party, step) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  await party.startRelay();
  await party.startGateway();
  const client = pc.client(
    ...await partyOptions(party, pc),
    ...["--virtual-mac", MAC],
  );
  party.clients.set("player", client);
  await client.waitForLine(/adapter LAN party is up/, 20_000);
  await pc.connectStack(PARTY.tap, MAC);
  await player.ip("addr", "add", `${ADDRESS}/24`, "dev", PARTY.tap);
  await playTraffic(party, player, step);
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
      assertEquals((await pc.calls()).slice(3), SETUP);
    },
  );
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
    assertEquals((await pc.calls()).slice(7), UNDO);
  });
});

partyTest("what a killed client left behind is undone at the next start", async (party) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  await party.startRelay();
  const options = [...await partyOptions(party, pc), "--virtual-mac", MAC];
  const killed = pc.client(...options);
  party.clients.set("killed", killed);
  await killed.waitForLine(/adapter LAN party is up/, 20_000);
  killed.kill("SIGKILL");
  await killed.waitExit(10_000);
  // The MAC's restart comes first; the second start finds the MAC as it should be.
  assertEquals((await pc.calls()).slice(3), SETUP);
  const next = pc.client(...options);
  party.clients.set("next", next);
  await next.waitForLine(/adapter LAN party is up/, 40_000);
  assertEquals((await pc.calls()).slice(3), [...SETUP, ...UNDO, ...SETUP]);
  next.kill("SIGINT");
  assertEquals(await next.waitExit(10_000), 0);
  assertEquals((await pc.calls()).slice(3), [...SETUP, ...UNDO, ...SETUP, ...UNDO]);
});

partyTest(
  "an adapter that is pulled out is noticed, and what was set is taken back",
  async (party) => {
    const player = await party.addPlayer("player");
    await using pc = await WinePc.open(player);
    await pc.installAdapter();
    await party.startRelay();
    const client = pc.client(...await partyOptions(party, pc), "--virtual-mac", MAC);
    party.clients.set("player", client);
    await client.waitForLine(/adapter LAN party is up/, 20_000);
    await pc.setPresent(false);
    assertEquals(await client.waitExit(10_000), 1);
    assertMatch(client.stderr, /error: the network adapter LAN party was removed or renamed/);
    assertEquals((await pc.calls()).slice(3), [...SETUP, ...UNDO]);
  },
);
