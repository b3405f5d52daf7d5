/**
 * What the compiled lanparty-client.exe reads of a PC before it sets anything, and how it takes what a player, a
 * company's policy or an old driver has decided.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LabProcess } from "../../tools/lab/netns.ts";
import { PARTY } from "../../tools/lab/party.ts";
import { partyTest } from "../support/play.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { HOME, WINE_ADAPTER, WINE_JOURNAL, WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const MAC = "02:00:00:00:00:54";
const RELAY = PARTY.relayAddressForPlayer;
const SETTINGS = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Class\\" +
  "{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007";
const RULE = "lanparty-client {11111111-2222-3333-4444-555555555555}";

const BEFORE = {
  4: "automatic=1 metric=25 mtu=1500 noDefault=0 routers=2 managed=0 other=0 forwarding=1 weak=1",
  6: "automatic=1 metric=25 mtu=1500 noDefault=0 routers=1 managed=1 other=1 forwarding=1 weak=1",
};
const found = (version: 4 | 6, settings = BEFORE[version]) =>
  `GetIpInterfaceEntry ipv${version} interface=7: ${settings}`;
const set = (version: 4 | 6) =>
  `SetIpInterfaceEntry ipv${version} automatic=0 metric=1 mtu=1400 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0`;
const restore = (version: 4 | 6) => `SetIpInterfaceEntry ipv${version} ${BEFORE[version]}`;
/** Addresses, routes and metrics of both IP versions. */
const TABLES = ["GetIpForwardTable2 0", "GetUnicastIpAddressTable 0", "GetIpInterfaceTable 0"];

/** The adapter takes its MAC when it starts. */
const RESTARTED = [
  "CM_Locate_DevNodeW ROOT\\NET\\0000 0",
  "CM_Get_DevNode_Status 7 0",
  "CM_Disable_DevNode 7 4",
  "CM_Enable_DevNode 7 0",
];

const SETUP = [
  `CreateIpForwardEntry2 ${RELAY}/32 via ${RELAY} interface=3 metric=0`,
  ...[set(4), set(6)],
];

/** What the fakes say at each change: whether it stands in the journal. */
const WRITTEN = "written down: ";

const isOfInterface = (call: string) => /IpInterfaceEntry /.test(call);

/** Where in the lists of calls a test is. */
class Scene {
  #changes = 0;
  #calls = 0;

  constructor(readonly pc: WinePc) {}

  /** What has been changed since the last time. */
  async changes(): Promise<string[]> {
    const calls = (await this.pc.calls()).slice(this.#changes);
    this.#changes += calls.length;
    return calls.filter((call) => !/^(GetBestRoute2|CM_)/.test(call));
  }

  /** All that was asked for since the last time; the same again and again counts once. */
  async calls(): Promise<string[]> {
    const calls = (await this.pc.allCalls()).slice(this.#calls);
    this.#calls += calls.length;
    return calls.filter((call, index) => call !== calls[index - 1]);
  }
}

async function end(client: LabProcess): Promise<void> {
  client.kill("SIGINT");
  assertEquals(await client.waitExit(15_000), 0);
}

/** What the client asks of the PC's IP stack, call by call, with what it is told. */
async function checkReads(scene: Scene, start: () => Promise<LabProcess>): Promise<void> {
  const client = await start();
  const calls = (await scene.calls()).filter((call) => !call.startsWith(WRITTEN));
  const added = calls.indexOf(SETUP[0]);
  assertEquals(calls.slice(0, added), [...RESTARTED, found(4), found(6), ...TABLES]);
  // Where Windows sends to the relay from now on: source, prefix, next hop and interface.
  assertEquals(calls.slice(added + 1, added + 3), [
    `GetBestRoute2 ${RELAY}`,
    `GetBestRoute2 ${RELAY}: from 192.0.2.20 by ${RELAY}/32 via ${RELAY} interface=3`,
  ]);
  // Once for the journal, and again right before each is set.
  assertEquals(calls.slice(added).filter(isOfInterface).slice(0, 6), [
    ...[found(4), found(6)],
    ...[found(4), set(4), found(6), set(6)],
  ]);
  await end(client);
  const ours =
    "automatic=0 metric=1 mtu=1400 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0";
  assertEquals((await scene.calls()).filter(isOfInterface).slice(-4), [
    ...[found(4, ours), restore(4)],
    ...[found(6, ours), restore(6)],
  ]);
}

async function checkFirewalls(pc: WinePc): Promise<void> {
  // The line has a mark where a running client's games cannot be reached: here none runs.
  for (
    const [firewall, line] of [
      ["off", /^ {2}firewall there: +off\r?$/m],
      ["shut", /^ {2}firewall there: +on, and lets nobody in\r?$/m],
      ["gone", /^ {2}firewall: +does not run\r?$/m],
    ] as const
  ) {
    await pc.write("firewall", firewall);
    assertMatch((await pc.doctor()).stdout, line);
  }
  await pc.remove("firewall");
}

partyTest("what a Windows PC has set itself counts", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay();
  const scene = new Scene(pc);
  const start = (...options: string[]) =>
    startClient(party, pc, ["--virtual-mac", MAC, ...options]);
  await step(
    "everything is read before it is set, and put back as it was read",
    () => checkReads(scene, start),
  );
  await scene.changes();
  await step("a route to the relay that the player has made stays the player's", async () => {
    await pc.setNetwork(...HOME, `route 3 ${RELAY}/32 10.92.0.1 0`);
    await end(await start());
    assertEquals(await scene.changes(), [set(4), set(6), restore(4), restore(6)]);
    assertEquals((await pc.setOfNetwork()).filter((line) => /^(added|removed) /.test(line)), []);
  });
  await step("where IPv6 is off nothing of it is set", async () => {
    await pc.setNetwork(...HOME, "ipv6off 7", `route 3 ${RELAY}/32 10.92.0.1 0`);
    await end(await start());
    assertEquals(await scene.changes(), [set(4), restore(4)]);
  });
  await step("a firewall that lets nobody in is said, and the rule taken back", async () => {
    await pc.write("firewall", "shut");
    const client = await start("--allow-inbound");
    await client.waitForLine(/warning: The LAN cannot reach this PC: its firewall is set to let/);
    const advice =
      /^! firewall there: +on, and lets nobody in\r?\n +→ .* no longer block all incoming/m;
    await eventually("the doctor says what to do", async () => {
      return advice.test((await pc.doctor()).stdout);
    });
    await end(client);
    const calls = await scene.changes();
    assertEquals(calls.filter((call) => call === "INetFwRules Add rule").length, 4);
    const removed = ["ping6", "ping", "UDP", "TCP"].map((end) =>
      `INetFwRules Remove ${RULE} ${end}`
    );
    assertEquals(calls.slice(-5), [...removed, restore(4)]);
  });
  await step("a firewall that does not run is said, and nothing is left to be undone", async () => {
    await pc.write("firewall", "gone");
    const client = await start("--allow-inbound");
    await client.waitForLine(
      /warning: Windows' firewall took no rule \(.+\): others may not reach/,
    );
    await end(client);
    assertEquals((await scene.changes()).filter((call) => /Remove/.test(call)), []);
    await pc.remove("firewall");
  });
  await step("the doctor knows what the firewall is like", () => checkFirewalls(pc));
  await step("the LAN's default routes are let in where the player wants them", async () => {
    await scene.changes();
    await end(await start("--allow-lan-default-route"));
    const wanted = set(4).replace("noDefault=1", "noDefault=0");
    assertEquals(await scene.changes(), [wanted, restore(4)]);
  });
  await step("a driver with a hole is said", async () => {
    await pc.register(`[${SETTINGS}]`, '"DriverVersion"="9.24.7.601"');
    const client = await start();
    await client.waitForLine(
      /warning: The driver of "LAN party" is version 9\.24, .*9\.27 or later/,
    );
    await end(client);
    assertMatch((await pc.doctor()).stdout, /! version: +9\.24\.7\.601/);
  });
});

partyTest(
  "what a Windows client changes is written down before, and nothing else believed",
  async (party, step) => {
    await using pc = await WinePc.open(await party.addPlayer("player"));
    await pc.installAdapter();
    await party.startRelay();
    const scene = new Scene(pc);
    const start = (...options: string[]) =>
      startClient(party, pc, ["--virtual-mac", MAC, ...options]);
    let client = await start("--allow-inbound");
    await client.waitForLine(/The LAN may reach this PC/);
    await step("every change stood in the journal when it was made", async () => {
      const written = (await scene.calls()).filter((call) => call.startsWith(WRITTEN));
      const kinds = ["restart", "route", "interface", "inbound"];
      assertEquals(
        new Set(written),
        new Set(kinds.map((kind) => `${WRITTEN}windows-${kind} yes`)),
      );
    });
    await step("a few dozen reads wait for frames", async () => {
      const { reads } = await pc.record();
      assert(reads >= 24 && reads < 200, `${reads}`);
    });
    await step(
      "an adapter that comes back with another MAC is given the player's again",
      async () => {
        await pc.setPresent(false);
        await client.waitForLine(/adapter LAN party is gone/);
        await pc.register(`[${SETTINGS}]`, '"NetworkAddress"="020000000099"');
        await scene.calls();
        await pc.setPresent(true);
        await client.waitForLine(/adapter LAN party is back/, 40_000);
        assertEquals((await scene.calls()).filter((call) => /^CM_/.test(call)), RESTARTED);
        assertEquals(await pc.readSetting("NetworkAddress"), MAC.replaceAll(":", ""));
      },
    );
    await step("when it is taken back it still stands there", async () => {
      await scene.calls();
      await end(client);
      const calls = await scene.calls();
      assertEquals(calls.filter((call) => /^written down: .* no$/.test(call)), []);
      assert(calls.some((call) => call.startsWith("DeleteIpForwardEntry2")), calls.join("\n"));
    });
    await step("what somebody has written there is not done", async () => {
      await scene.calls();
      await scene.changes();
      await tamper(pc);
      client = await start();
      assertEquals((await scene.changes()).filter((call) => !SETUP.includes(call)), []);
      assertEquals((await scene.calls()).filter((call) => /^CM_/.test(call)), []);
      await end(client);
    });
  },
);

/** What no client has done: somebody else's rule, device, and address of another adapter. */
async function tamper(pc: WinePc): Promise<void> {
  const address = { guid: "{99999999-0000-0000-0000-000000000000}", address: [192, 0, 2, 20] };
  const changes = [
    { kind: "windows-inbound", data: "Core Networking - DHCP" },
    { kind: "windows-inbound", data: `${RULE} x` },
    { kind: "windows-inbound", data: `${RULE} TCP x` },
    { kind: "windows-restart", data: "PCI\\VEN_8086\\0" },
    { kind: "windows-restart", data: "ROOT\\NET\\0000\\..\\X" },
    { kind: "windows-address", data: { ...address, prefixLength: 24 } },
    { kind: "windows-address", data: { ...address, guid: WINE_ADAPTER.guid, prefixLength: 999 } },
  ].map((change, id) => ({ id, ...change }));
  const owner = { pid: 4_000_000, startTicks: 1 };
  await Deno.writeTextFile(
    pc.diskC(WINE_JOURNAL),
    JSON.stringify({ version: 1, owner, changes }),
  );
}
