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
 * client is told. In the last story there is a second relay, in a namespace of its own (10.99.0.1).
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { executablePath } from "../../tools/executables.ts";
import type { LabProcess, Namespace } from "../support/netns.ts";
import { PARTY, type Party } from "../support/party.ts";
import { partyTest, type Step } from "../support/play.ts";
import { eventually, pause } from "../support/wait.ts";
import { WinePc } from "../support/wine.ts";

const MAC = "02:00:00:00:00:52";
const RELAY = PARTY.relayAddressForPlayer;
const RELAY6 = "fd00:92::1";
const SECOND = "10.99.0.1";

const ETHERNET = [
  "interface 3 25 Ethernet",
  "address 3 192.168.178.20/24",
  "address 3 2001:db8:1::20/64",
  "route 3 0.0.0.0/0 192.168.178.1 0",
  "route 3 192.168.178.0/24 0.0.0.0 256",
  "route 3 ::/0 fe80::1 0",
  "route 3 224.0.0.0/4 0.0.0.0 256",
  "route 3 255.255.255.255/32 0.0.0.0 256",
  "dns 3 192.168.178.2",
  "dns 3 9.9.9.9",
];
const WIFI = [
  "interface 5 50 Wi-Fi",
  "address 5 172.16.9.9/16",
  "route 5 0.0.0.0/0 172.16.0.1 0",
  "route 5 172.16.0.0/16 0.0.0.0 256",
  "route 5 224.0.0.0/4 0.0.0.0 256",
  "route 5 255.255.255.255/32 0.0.0.0 256",
];
const TAP = [
  "interface 7 25 LAN party",
  "route 7 224.0.0.0/4 0.0.0.0 256",
  "route 7 255.255.255.255/32 0.0.0.0 256",
];
/** What DHCP gives: the party's LAN, and here the home's, too. */
const SAME_SUBNET = [
  ...TAP,
  "address 7 192.168.178.77/24",
  "route 7 192.168.178.0/24 0.0.0.0 256",
];

function host(call: "Create" | "Delete", address: string, hop: string, index: number): string {
  const prefix = `${address}/${address.includes(":") ? 128 : 32}`;
  return `${call}IpForwardEntry2 ${prefix} via ${hop} interface=${index} metric=0`;
}

const BY_HOME = host("Create", RELAY, "192.168.178.1", 3);
const NOT_BY_HOME = host("Delete", RELAY, "192.168.178.1", 3);
const BY_HOTEL = host("Create", RELAY, "172.16.0.1", 5);
const NOT_BY_HOTEL = host("Delete", RELAY, "172.16.0.1", 5);
const SET = [4, 6].map((version) =>
  `SetIpInterfaceEntry ipv${version} automatic=0 metric=1 mtu=1400 noDefault=1`
);
const RESTORE = [4, 6].map((version) =>
  `SetIpInterfaceEntry ipv${version} automatic=1 metric=25 mtu=1500 noDefault=0`
);

/** A PC with its client, and where in the list of calls a test is. */
class Scene {
  #seen = 0;
  client!: LabProcess;

  constructor(readonly party: Party, readonly pc: WinePc) {}

  async start(...options: string[]): Promise<void> {
    this.client = this.pc.client(
      ...withRelay(options),
      ...["--relay-ca-cert", await this.pc.place(this.party.certificateFile, "relay.der")],
      ...["--room-key-file", await this.pc.place(this.party.keyFile, "party.key")],
      ...["--room", PARTY.room, "--virtual-mac", MAC],
    );
    this.party.clients.set("player", this.client);
    await this.client.waitForLine(/adapter LAN party is up/, 40_000);
  }

  /** How often the client has said this. */
  count(pattern: RegExp): number {
    return this.client.stderr.split("\n").filter((line) => pattern.test(line)).length;
  }

  /** Waits until the client has said this so often, at most this long. */
  said(pattern: RegExp, times = 1, timeoutMs = 20_000): Promise<void> {
    return eventually(`${times} × ${pattern}`, () => this.count(pattern) >= times, timeoutMs);
  }

  /** The calls that changed something since the last time, without repeats of one and the same. */
  async newChanges(): Promise<string[]> {
    const calls = (await this.pc.calls()).slice(this.#seen);
    this.#seen += calls.length;
    return calls.filter((call) => !/^(GetBestRoute2|CM_)/.test(call));
  }

  /** Waits until these calls, and no others, have changed something. */
  async changed(...wanted: string[]): Promise<void> {
    const before = this.#seen;
    await eventually(wanted.at(-1) ?? "nothing", async () => {
      this.#seen = before;
      return (await this.newChanges()).length >= wanted.length;
    }, 20_000);
    this.#seen = before;
    assertEquals(await this.newChanges(), wanted);
  }

  /** What programs have added to the PC's routes and not taken away, or taken of its own. */
  async leftRoutes(): Promise<string[]> {
    return (await this.pc.setOfNetwork()).filter((line) => /^(added|removed) /.test(line));
  }

  async end(): Promise<void> {
    this.client.kill("SIGINT");
    assertEquals(await this.client.waitExit(15_000), 0);
  }
}

function withRelay(options: string[]): string[] {
  return options.includes("--relay")
    ? options
    : ["--relay", `${RELAY}:${PARTY.relayPort}`, ...options];
}

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
  await step("a relay with an IPv6 address is held by the router's link-local one", async () => {
    await pc.namespace.ip("addr", "add", `${RELAY6}/64`.replace("::1", "::2"), "dev", "wan0");
    await party.relay.ip("addr", "add", `${RELAY6}/64`, "dev", "pl0");
    await scene.start("--relay", `[${RELAY6}]:${PARTY.relayPort}`);
    await scene.changed(host("Create", RELAY6, "fe80::1", 3), ...SET);
    await scene.end();
    await scene.changed(...RESTORE, host("Delete", RELAY6, "fe80::1", 3));
  });
});

async function changeNetworks(scene: Scene, step: Step): Promise<void> {
  const { pc } = scene;
  await step("a route that somebody deletes is there again", async () => {
    await pc.setNetwork(...ETHERNET, ...TAP, `delete 1 ${RELAY}/32`);
    await scene.changed(BY_HOME);
  });
  await step("a metric that another program sets is set again", async () => {
    await pc.run(["wine", "/mnt/wire.exe", "spoil-metric"]);
    await scene.changed(
      "SetIpInterfaceEntry ipv4 automatic=0 metric=50 mtu=1400 noDefault=1",
      ...SET,
    );
  });
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

const JOURNAL = "Program Files/lanparty-client/changes-{11111111-2222-3333-4444-555555555555}.json";

const LAN_GUID = "{99999999-0000-0000-0000-000000000000}";

/** Writes changes into the journal that no client makes: none of them may be "undone". */
async function tamper(pc: WinePc): Promise<void> {
  const path = `${pc.folder}/prefix/drive_c/${JOURNAL}`;
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
  await step("Ctrl-C: everything is as it was", async () => {
    await scene.newChanges();
    await scene.end();
    await scene.changed(...RESTORE, NOT_BY_HOME);
    assertEquals(await scene.leftRoutes(), []);
    assertEquals(scene.count(/You have left the room/), 1);
  });
});

const BY_HOME_TO_SECOND = host("Create", SECOND, "192.168.178.1", 3);
const NOT_TO_SECOND = host("Delete", SECOND, "192.168.178.1", 3);

/** A second relay's namespace, which the player reaches, too. */
async function addSecond(party: Party, player: Namespace): Promise<Namespace> {
  const namespace = await party.lab.namespace("second", { forwarding: false });
  await party.lab.veth(
    { namespace: player, name: "wan1", addresses: ["10.99.0.2/24"] },
    { namespace, name: "pl0", addresses: [`${SECOND}/24`] },
  );
  return namespace;
}

/** Starts a relay there, with the first one's certificate: players trust both. */
async function startSecond(
  party: Party,
  namespace: Namespace,
  ...options: string[]
): Promise<LabProcess> {
  const [cert, key] = ["cert", "key"].map((name) => `${party.stateDir("relay")}/relay-${name}.pem`);
  const relay = namespace.spawn([
    ...[executablePath("relay"), "--listen", `${PARTY.relayPort}/udp`],
    ...["--state-dir", party.stateDir("second"), "--cert", cert, "--key", key, ...options],
  ]);
  await relay.waitForLine(/listening/, 20_000);
  return relay;
}

partyTest("the relay sends the player on to another one, and back", async (party, step) => {
  const player = await party.addPlayer("player");
  const second = await addSecond(party, player);
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  await party.startRelay("--redirect", `${PARTY.room}=${SECOND}:${PARTY.relayPort}`);
  await pc.setNetwork(...ETHERNET, ...TAP);
  const scene = new Scene(party, pc);
  let relay!: LabProcess;
  await step("the other one is held before the first packet reaches it", async () => {
    // Ends with the first packet.
    const listen = `UDP4-RECVFROM:${PARTY.relayPort}`;
    const first = second.spawn(["socat", "-u", listen, "SYSTEM:cat >/dev/null"]);
    const started = scene.start();
    await first.waitExit(40_000);
    const calls = await pc.calls();
    assert(calls.includes(BY_HOME), calls.join("\n"));
    assert(calls.includes(BY_HOME_TO_SECOND), calls.join("\n"));
    relay = await startSecond(party, second);
    await started;
  });
  await step("the first one stays held until the other has let the player in", async () => {
    await scene.changed(BY_HOME, BY_HOME_TO_SECOND, NOT_BY_HOME, ...SET);
    assert((await pc.calls()).includes(`GetBestRoute2 ${SECOND}`));
  });
  await step("sent back: the same the other way round", async () => {
    const joined = scene.count(/Joined the room/);
    await party.relayProcess!.stop();
    await party.startRelay();
    // It is tried again first, since it has not said that it goes.
    relay.kill("SIGKILL");
    await relay.exited;
    await startSecond(party, second, "--redirect", `${PARTY.room}=${RELAY}:${PARTY.relayPort}`);
    await scene.said(new RegExp(`on another relay: ${RELAY}:`), 1, 40_000);
    await scene.said(/Joined the room/, joined + 1, 40_000);
    await scene.changed(BY_HOME, NOT_TO_SECOND);
  });
  await step("Ctrl-C: everything is as it was", async () => {
    await scene.end();
    await scene.changed(NOT_BY_HOME, ...RESTORE);
    assertEquals(await scene.leftRoutes(), []);
  });
});
