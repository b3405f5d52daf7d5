/**
 * What the compiled lanparty-client.exe does when the player's PC changes its networks or its adapter,
 * call by call. The PC is Wine's, its IP stack a fake that keeps a table (`fake_iphlpapi.c`):
 *
 * ```text
 *   home's router ── 3 Ethernet ┐
 *  hotel's router ── 5 Wi-Fi  ──┤ PC ── 7 LAN party (TAP)
 * ```
 *
 * Packets to the relay go by the namespace's own network all the time: the fake decides only what the
 * client is told.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { partyTest, type Step } from "../support/play.ts";
import { pause } from "../../tools/lab/wait.ts";
import { WINE_ADAPTER, WINE_JOURNAL, WinePc } from "../support/wine.ts";
import {
  BY_HOME,
  ETHERNET,
  host,
  MAC,
  NOT_BY_HOME,
  RELAY,
  RESTORE,
  Scene,
  SET,
  TAP,
} from "../support/wine_networks.ts";

/** Both sides find a connection dead after 15 s of silence. */
const IDLE_MS = 15_000;
/** The hotel's. */
const WIFI = [
  "interface 5 50 Wi-Fi",
  "address 5 172.16.9.9/16",
  "route 5 0.0.0.0/0 172.16.0.1 0",
  "route 5 172.16.0.0/16 0.0.0.0 256",
  "route 5 224.0.0.0/4 0.0.0.0 256",
  "route 5 255.255.255.255/32 0.0.0.0 256",
];
/** What DHCP gives: the party's LAN, and here the home's, too. */
const SAME_SUBNET = [
  ...TAP,
  "address 7 192.168.178.77/24",
  "route 7 192.168.178.0/24 0.0.0.0 256",
];

/** A VPN that leads to a network of its own alone, and a lease in the same network. */
const VPN = ["interface 9 50 VPN", "address 9 10.8.0.2/24", "route 9 10.8.0.0/24 0.0.0.0 256"];
const LEASED_THERE = [...TAP, "address 7 10.8.0.77/24", "route 7 10.8.0.0/24 0.0.0.0 256"];

const BY_HOTEL = host("Create", RELAY, "172.16.0.1", 5);
const NOT_BY_HOTEL = host("Delete", RELAY, "172.16.0.1", 5);

partyTest("the player's PC changes its networks", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay();
  await pc.setNetwork(...ETHERNET, ...TAP);
  const scene = new Scene(party, pc);
  await step(
    "the relay is held at home before the adapter comes up, and it is verified",
    async () => {
      await scene.start();
      await scene.changed(BY_HOME, ...SET);
      const calls = await pc.calls();
      assert(calls.includes(`GetBestRoute2 ${RELAY}`));
    },
  );
  await changeNetworks(scene, step);
  await step("Ctrl-C: everything is as it was", async () => {
    await scene.end();
    await scene.changed(NOT_BY_HOME, ...RESTORE);
    assertEquals(await scene.leftRoutes(), []);
  });
  await killAndTamper(scene, step);
  await step(
    "the window is closed: everything is as it was before Windows ends the client",
    async () => {
      await scene.start();
      await scene.changed(BY_HOME, ...SET);
      const { stdout } = await pc.run(["wine", "/mnt/wire.exe", "close-window"]);
      // Here is where Windows would end the client.
      const undone = await scene.newChanges();
      const left = scene.count(/You have left the room/);
      assertMatch(stdout, /the handler has returned/);
      assertEquals(undone, [...RESTORE, NOT_BY_HOME]);
      assertEquals(left, 1);
      assertEquals(await scene.client.waitExit(10_000), 0);
    },
  );
});

const SETTINGS = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Class\\" +
  "{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007";
/** What no journal of the client's says. */
const MACS = { NetworkAddress: "020000000077", MAC: null };
const FIXED = { addresses: [{ address: "10.8.0.6", mask: "255.255.255.0" }], router: null };
const WORDS = { addresses: [], router: "none store=active" };

async function spoilSettings(scene: Scene, step: Step): Promise<void> {
  const { pc } = scene;
  await step("metric and MTU that another program sets are set again, and it is said", async () => {
    await pc.run(["wine", "/mnt/wire.exe", "spoil-metric"]);
    await scene.changed(
      "SetIpInterfaceEntry ipv4 automatic=0 metric=50 mtu=1300 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0",
      ...SET,
    );
    await scene.said(
      /changed the packet size \(MTU\) of the network adapter LAN party: it/,
      1,
      5_000,
    );
  });
  await step("IPv6's metric that another program sets is set again", async () => {
    await pc.run(["wine", "/mnt/wire.exe", "spoil-ipv6-metric"]);
    await scene.changed(
      "SetIpInterfaceEntry ipv6 automatic=0 metric=50 mtu=1400 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0",
      ...SET,
    );
  });
}

async function changeNetworks(scene: Scene, step: Step): Promise<void> {
  const { pc } = scene;
  await step("a route that somebody deletes is there again", async () => {
    await pc.setNetwork(...ETHERNET, ...TAP, `delete 1 ${RELAY}/32`);
    await scene.changed(BY_HOME);
  });
  await spoilSettings(scene, step);
  await step("another network: the route moves, and the client joins again at once", async () => {
    const joined = scene.count(/Joined the room/);
    await pc.setNetwork(...WIFI, ...TAP, `delete 1 ${RELAY}/32`);
    await scene.said(/Joined the room/, joined + 1, 5_000);
    // The old interface is gone, and its routes with it.
    await scene.changed(BY_HOTEL, NOT_BY_HOME);
  });
  await step(
    "both networks: the better one is taken, and then the old route is removed",
    async () => {
      const joined = scene.count(/Joined the room/);
      await pc.setNetwork(...ETHERNET, ...WIFI, ...TAP, `delete 1 ${RELAY}/32`);
      await scene.said(/Joined the room/, joined + 1, 5_000);
      await scene.changed(BY_HOME, NOT_BY_HOTEL);
    },
  );
  await step("the cable is out: it is said; in again: the client is back within 5 s", async () => {
    const joined = scene.count(/Joined the room/);
    await pc.setNetwork(...TAP, `delete 1 ${RELAY}/32`);
    await scene.said(/This PC has no network: is the cable in/);
    await pause(3_000);
    await pc.setNetwork(...ETHERNET, ...TAP, `delete 1 ${RELAY}/32`);
    await scene.said(/Joined the room/, joined + 1, 5_000);
    await scene.changed(NOT_BY_HOME, BY_HOME);
  });
  await step("the PC sleeps longer than anybody waits for it, and wakes up", () => sleep(scene));
  await step("home and party in the same subnet: router and name server stay at home", async () => {
    await pc.setNetwork(...ETHERNET, ...SAME_SUBNET, `delete 1 ${RELAY}/32`);
    await scene.said(/the same addresses \(192\.168\.178\.0\/24\)\. Your router and name servers/);
    await scene.changed(
      host("Create", "192.168.178.1", "0.0.0.0", 3),
      host("Create", "192.168.178.2", "0.0.0.0", 3),
    );
    await pc.setNetwork(...ETHERNET, ...TAP, `delete 1 ${RELAY}/32`);
    await scene.changed(
      host("Delete", "192.168.178.1", "0.0.0.0", 3),
      host("Delete", "192.168.178.2", "0.0.0.0", 3),
    );
  });
  await changeVpn(scene, step);
  await step("broadcasts that leave by another adapter are said", async () => {
    await pc.setNetwork(
      ...ETHERNET.map((line) => line.replace("3 25 Ethernet", "3 0 Ethernet")),
      ...TAP,
      `delete 1 ${RELAY}/32`,
    );
    await scene.said(/broadcasts leave this PC by Ethernet/);
    await pc.setNetwork(...ETHERNET, ...TAP, `delete 1 ${RELAY}/32`);
  });
}

async function changeVpn(scene: Scene, step: Step): Promise<void> {
  const { pc } = scene;
  await step(
    "a VPN with the party's network keeps it, by routes that go before the adapter's",
    async () => {
      await pc.setNetwork(...ETHERNET, ...VPN, ...LEASED_THERE, `delete 1 ${RELAY}/32`);
      await scene.said(/the addresses of the party's LAN, too \(10\.8\.0\.0\/24\), and keeps them/);
      const halves = (call: string) =>
        ["10.8.0.0/25", "10.8.0.128/25"].map((half) =>
          `${call}IpForwardEntry2 ${half} via 0.0.0.0 interface=9 metric=0`
        );
      await scene.changed(...halves("Create"));
      // The VPN is up, and the party's lease has ended.
      await pc.setNetwork(...ETHERNET, ...VPN, ...TAP, `delete 1 ${RELAY}/32`);
      await scene.changed(...halves("Delete"));
      await pc.setNetwork(...ETHERNET, ...TAP, `delete 1 ${RELAY}/32`);
    },
  );
}

/** Windows' clocks cannot be made to tell of a sleep under Wine: the connection alone is dead. */
async function sleep(scene: Scene): Promise<void> {
  const joined = scene.count(/Joined the room/);
  scene.client.kill("SIGSTOP");
  const left = new RegExp(`Peer left .*mac=${MAC} .*reason=lost`);
  await scene.party.relayProcess!.waitForLine(left, 2 * IDLE_MS);
  scene.client.kill("SIGCONT");
  await scene.said(/Joined the room/, joined + 1, 5_000);
  const back = new RegExp(`Peer left [^]*Peer joined .*mac=${MAC}`);
  assertMatch(scene.party.relayProcess!.stderr, back);
}

/** What a client that was killed has left, and what somebody may have written beside it. */
async function killAndTamper(scene: Scene, step: Step): Promise<void> {
  const { pc } = scene;
  await step("killed: the next one undoes what is written down, and nothing else", async () => {
    await scene.start();
    await scene.changed(BY_HOME, ...SET);
    scene.client.kill("SIGKILL");
    await scene.client.waitExit(10_000);
    assertEquals((await scene.leftRoutes()).length, 1);
    await tamper(pc);
    await scene.start();
    await scene.changed(...RESTORE, NOT_BY_HOME, BY_HOME, ...SET);
    await scene.end();
    await scene.changed(...RESTORE, NOT_BY_HOME);
    assertEquals(await scene.leftRoutes(), []);
  });
}

const LAN_GUID = "{99999999-0000-0000-0000-000000000000}";

/** Writes changes into the journal that no client makes: none of them may be "undone". */
async function tamper(pc: WinePc): Promise<void> {
  const path = pc.diskC(WINE_JOURNAL);
  const journal = JSON.parse(await Deno.readTextFile(path));
  const route = journal.changes.find(({ kind }: { kind: string }) => kind === "windows-route");
  const { settings } =
    journal.changes.find(({ kind }: { kind: string }) => kind === "windows-interface").data;
  const bytes = Uint8Array.fromHex(route.data);
  const other = (change: (row: DataView) => void): string => {
    const row = bytes.slice();
    change(new DataView(row.buffer));
    return row.toHex();
  };
  const id = 1_000;
  journal.changes.push(
    // The player's default route; a route of a network; one that the system has made itself.
    { id, kind: "windows-route", data: other((row) => row.setUint8(40, 0)) },
    { id: id + 1, kind: "windows-route", data: other((row) => row.setUint8(40, 24)) },
    { id: id + 2, kind: "windows-route", data: other((row) => row.setUint32(88, 2, true)) },
    { id: id + 3, kind: "windows-route", data: other((row) => row.setUint16(12, 99, true)) },
    { id: id + 4, kind: "windows-route", data: route.data.slice(2) },
    { id: id + 5, kind: "windows-route", data: "../../x" },
    { id: id + 6, kind: "windows-interface", data: { guid: "{3}", settings: [] } },
    { id: id + 7, kind: "windows-interface", data: [1, 2, 3] },
    { id: id + 8, kind: "windows-interface", data: { guid: LAN_GUID, settings } },
    { id: id + 9, kind: "no-such-kind", data: route.data },
    // Another adapter's MAC and address; what would be other words of a command.
    { id: id + 10, kind: "windows-mac", data: { guid: LAN_GUID, settings: MACS } },
    { id: id + 11, kind: "windows-dhcp", data: { guid: LAN_GUID, ...FIXED } },
    { id: id + 12, kind: "windows-dhcp", data: { guid: WINE_ADAPTER.guid, ...WORDS } },
    { id: id + 13, kind: "windows-mac", data: { guid: WINE_ADAPTER.guid, settings: { MAC: 7 } } },
  );
  await Deno.writeTextFile(path, JSON.stringify(journal));
}

partyTest("the player's adapter goes away and comes back", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay();
  await pc.setNetwork(...ETHERNET, ...TAP);
  const scene = new Scene(party, pc);
  await scene.start();
  await scene.changed(BY_HOME, ...SET);
  const remove = async () => {
    await pc.setNetwork(...ETHERNET);
    await pc.setPresent(false);
  };
  const putBack = async () => {
    await pc.setPresent(true);
    await pc.setNetwork(...ETHERNET, ...TAP);
  };
  await step(
    "disabled: it is said, the client stays; enabled: everything is set again",
    async () => {
      await remove();
      await scene.said(/adapter LAN party is gone/);
      await putBack();
      await scene.said(/adapter LAN party is back/);
      await scene.changed(...SET);
      assertEquals(scene.count(new RegExp(`adapter LAN party is up: MAC ${MAC}`)), 2);
      assertEquals((await pc.record()).mediaOn, 2);
    },
  );
  await step("taken by another program meanwhile: it is waited for", async () => {
    await remove();
    await scene.said(/adapter LAN party is gone/, 2);
    const other = pc.spawn(["/mnt/wire.exe", "hold"]);
    await putBack();
    await other.waitForLine(/holding/);
    await pause(2_000);
    assertEquals(scene.count(/adapter LAN party is back/), 1);
    other.kill("SIGKILL");
    await other.exited;
    await scene.said(/adapter LAN party is back/, 2);
    await scene.changed(...SET);
  });
  await step("the relay restarts while the adapter is away", async () => {
    const joined = scene.count(/Joined the room/);
    await remove();
    await scene.said(/adapter LAN party is gone/, 3);
    await party.relayProcess!.stop();
    await party.startRelay();
    await putBack();
    await scene.said(/adapter LAN party is back/, 3, 40_000);
    await scene.said(/Joined the room/, joined + 1, 40_000);
  });
  await step("another program changes its MAC: it is put back, and that is said", async () => {
    await remove();
    await scene.said(/adapter LAN party is gone/, 4);
    await pc.register(`[${SETTINGS}]`, '"NetworkAddress"="020000000099"');
    await putBack();
    await scene.said(/Another program has changed the MAC of the network adapter LAN party: it is/);
    await scene.said(/adapter LAN party is back/, 4, 30_000);
    assertEquals(await pc.readSetting("NetworkAddress"), MAC.replaceAll(":", "").toUpperCase());
  });
  await step("Ctrl-C: everything is as it was", async () => {
    await scene.newChanges();
    await scene.end();
    await scene.changed(...RESTORE, NOT_BY_HOME);
    assertEquals(await scene.leftRoutes(), []);
    assertEquals(scene.count(/You have left the room/), 1);
  });
});
