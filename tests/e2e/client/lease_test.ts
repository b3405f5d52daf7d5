/**
 * The client's own DHCP client: an address without any program of the system's, watched and defended, and nothing
 * left behind.
 *
 * ```text
 *   station         lan                gateway             relay              alice
 *  ┌─────────┐    ┌────────────────┐  ┌────────────┐      ┌────────────┐     ┌───────────┐
 *  │ peer0 ──┼────┼─ br0 ──── eth0 ┼──┼ lan0  wan0 ┼──────┼─ gw0   pl0 ┼─────┼ wan0      │
 *  └─────────┘    └────────────────┘  └────────────┘      └────────────┘     │ lanparty0 │
 *                 10.77.0.1: DHCP                                            └───────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { FrameLogReader } from "../../support/frame_log.ts";
import { sayingPattern } from "../../support/sentences.ts";
import { partyTest } from "../../support/play.ts";

const TIMEOUT_MS = 20_000;
const LEASE_FILE = "lanparty-client-lease.json";

/**
 * The messages that a DHCP server has heard and said since a moment, in the order in which each came first: a busy
 * machine may take so long that the client asks once more.
 */
function dialogue(server: LabProcess, from = 0): string[] {
  const said = server.stderr.slice(from);
  const messages = said.matchAll(/DHCP(DISCOVER|OFFER|REQUEST|ACK|NAK|DECLINE|RELEASE)\(/g);
  return [...new Set([...messages].map(([, message]) => message))];
}

/** The programs that a process has started and that still run; see proc(5). */
async function childrenOf(pid: number): Promise<string> {
  let children = "";
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    children += await Deno.readTextFile(`/proc/${pid}/task/${name}/children`).catch(() => "");
  }
  return children.trim();
}

async function files(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}

/** The text of what is set on a player: addresses and routes of IPv4, and name servers. */
async function settings(player: Namespace): Promise<string> {
  const names = await player.run(["cat", "/etc/resolv.conf"]);
  return await player.ip("-4", "addr") + await player.ip("-4", "route") + names.stdout;
}

/** Another program takes the address away, and then switches the adapter off and on: all of it is there again. */
async function takeAway(
  party: Party,
  player: Namespace,
  client: LabProcess,
  address: string,
): Promise<void> {
  await player.ip("addr", "del", `${address}/24`, "dev", PARTY.tap);
  assertEquals(await party.lanAddressOf(player, TIMEOUT_MS), address);
  await client.waitForLine(
    sayingPattern("adapter/restored-address", { address: `${address}/24` }),
  );
  await player.ip("link", "set", PARTY.tap, "down");
  await player.ip("addr", "flush", "dev", PARTY.tap);
  await player.ip("link", "set", PARTY.tap, "up");
  assertEquals(await party.lanAddressOf(player, TIMEOUT_MS), address);
  const ping = ["ping", "-c", "1", "-W", "5", address];
  assertMatch((await party.lan.run(ping)).stdout, /1 received/);
}

partyTest("an address by the client's own DHCP client", async (party, step) => {
  const player = await party.addPlayer("alice");
  const before = await settings(player);
  await party.startRelay();
  await party.startGateway();
  // It answers at once, and does not ping first.
  const server = await party.startDhcpServer(undefined, "--no-ping");
  const frames = new FrameLogReader(party.frameLogFile("alice"));
  const stateDir = party.stateDir("client-alice");
  let client = await party.startClient(player, "--frame-log", frames.path);
  let address = "";
  await step(
    "each message leaves when the one before has come, and no program is started",
    async () => {
      address = await party.lanAddressOf(player, TIMEOUT_MS);
      assertEquals(dialogue(server), ["DISCOVER", "OFFER", "REQUEST", "ACK"]);
      const messages = () =>
        frames.records().filter(({ etherType, lengthBytes }) =>
          etherType === 0x0800 && lengthBytes > 300
        );
      await eventually("the frames are written down", () => messages().length >= 4);
      const directions = messages().map(({ direction }) => direction);
      const turns = directions.filter((one, index) => one !== directions[index - 1]);
      assertEquals(turns.slice(0, 4), ["from-link", "from-tunnel", "from-link", "from-tunnel"]);
      assertEquals(await childrenOf(client.pid), "");
      await client.waitForLine(new RegExp(`lanparty0.* ${address}/24`));
    },
  );
  await step("what another program takes away is set again", async () => {
    await takeAway(party, player, client, address);
  });
  await step(
    "killed: the next one has the same address confirmed, without asking around",
    async () => {
      const from = server.stderr.length;
      client.kill("SIGKILL");
      await client.exited;
      await eventually("the adapter is gone", async () => !await player.has(PARTY.tap));
      assertEquals(await settings(player), before);
      client = await party.startClient(player);
      assertEquals(await party.lanAddressOf(player, TIMEOUT_MS), address);
      assertEquals(dialogue(server, from), ["REQUEST", "ACK"]);
    },
  );
  await step("ended: the address is given back, and wished for the next time", async () => {
    const said = client.stderr.length;
    assertEquals(await client.stop(), 0);
    // Nobody who leaves is told that the address is gone.
    assertEquals(client.stderr.slice(said).match(/Network adapter .*/)?.[0], undefined);
    await server.waitForLine(new RegExp(`DHCPRELEASE.* ${address} `), TIMEOUT_MS);
    assertEquals(await settings(player), before);
    assert(!(await files(stateDir)).some((name) => /journal|dhcp/.test(name)));
    const from = server.stderr.length;
    client = await party.startClient(player);
    assertEquals(await party.lanAddressOf(player, TIMEOUT_MS), address);
    assertEquals(dialogue(server, from), ["DISCOVER", "OFFER", "REQUEST", "ACK"]);
    assertEquals(await client.stop(), 0);
  });
  await step("another party's address is not asked for", async () => {
    const path = `${stateDir}/${LEASE_FILE}`;
    const kept = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(path, JSON.stringify({ ...kept, room: "OTHER", endsMs: null }));
    const from = server.stderr.length;
    client = await party.startClient(player);
    await party.lanAddressOf(player, TIMEOUT_MS);
    assertEquals(dialogue(server, from)[0], "DISCOVER");
    assertEquals(await client.stop(), 0);
  });
});

/** When lines came, ms since 1970: the first one that fits. */
function clockOf(pattern: RegExp): { readonly onLine: (line: string) => void; atMs: number } {
  const clock = {
    atMs: NaN,
    onLine(line: string) {
      if (Number.isNaN(clock.atMs) && pattern.test(line)) clock.atMs = Date.now();
    },
  };
  return clock;
}

partyTest("how long it takes from the room to the address", async (party) => {
  const player = await party.addPlayer("alice");
  await party.startRelay();
  await party.startGateway();
  await party.startDhcpServer(undefined, "--no-ping");
  const runs: string[] = [];
  for (const what of ["no address at hand", "the last run's address"]) {
    const frames = new FrameLogReader(party.frameLogFile(`alice-${runs.length}`));
    const set = clockOf(/lanparty0.* inet 10\.77\./);
    const monitor = player.spawn(["stdbuf", "-oL", "ip", "-4", "-o", "monitor", "address"], set);
    const joined = clockOf(/Joined the room/);
    const command = party.clientCommand(player, "--frame-log", frames.path);
    const client = player.spawn(command, joined);
    party.clients.set("alice", client);
    await client.waitForLine(/adapter .* is up/, TIMEOUT_MS);
    const address = await party.lanAddressOf(player, TIMEOUT_MS);
    const isSeen = () => set.atMs > 0 && joined.atMs > 0 && frames.records().length >= 2;
    await eventually("all of it was seen", isSeen);
    await client.waitForLine(/DHCP server .* gave the address/);
    const sinceJoined = (atMs: number) => `${Math.round(atMs - joined.atMs)} ms`;
    const dhcp = frames.records().filter(({ etherType, lengthBytes }) =>
      etherType === 0x0800 && lengthBytes > 300
    ).map(({ direction, time }) =>
      `${direction === "from-link" ? "asked" : "answered"} ${sinceJoined(Date.parse(time))}`
    );
    const ping = await player.run(["ping", "-c", "3", "-i", "0.2", PARTY.lanAddress]);
    const [, roundTripMs] = /= [\d.]+\/([\d.]+)\//.exec(ping.stdout) ?? [];
    const steps = [...dhcp, `address set ${sinceJoined(set.atMs)}`].join(", ");
    runs.push(`${what}: ${steps}; a round trip to the LAN: ${roundTripMs} ms`);
    // Killed, so that the next run has the address confirmed.
    client.kill("SIGKILL");
    await client.exited;
    await monitor.stop();
    await eventually("the adapter is gone", async () => !await player.has(PARTY.tap));
    assertMatch(address, /^10\.77\.0\./);
  }
  // Figures, not limits: how busy the machine is decides them, too.
  console.log(`from joining the room, ${runs.join("\n                      ")}`);
});

partyTest("a gateway that comes late, and one that comes back", async (party, step) => {
  const player = await party.addPlayer("alice");
  await party.startRelay();
  const server = await party.startDhcpServer(undefined, "--no-ping");
  const client = await party.startClient(player);
  await client.waitForLine(/Asking the LAN for an address/);
  await step("the LAN is asked as soon as it is there", async () => {
    await party.startGateway();
    await party.lanAddressOf(player, TIMEOUT_MS);
  });
  await step("the address is confirmed when the gateway has come back", async () => {
    await party.gatewayProcess!.stop();
    await client.waitForLine(/The party's gateway has left/);
    const from = server.stderr.length;
    await party.startGateway();
    await eventually("it is confirmed", () => dialogue(server, from).includes("ACK"));
    assertEquals(dialogue(server, from), ["REQUEST", "ACK"]);
  });
});

/** Has a station of the LAN use an address, which a server gives out all the same. */
async function addStation(party: Party, address: string): Promise<Namespace> {
  const { lan, lab } = party;
  const station = await lab.namespace("station");
  await lan.bridge("br0");
  await lan.ip("addr", "flush", "dev", PARTY.lanInterface);
  await lan.ip("link", "set", PARTY.lanInterface, "master", "br0");
  await lan.ip("addr", "add", `${PARTY.lanAddress}/${PARTY.lanPrefix}`, "dev", "br0");
  await lab.veth({ namespace: station, name: "peer0", addresses: [`${address}/24`] }, {
    namespace: lan,
    name: "port0",
  });
  await lan.ip("link", "set", "port0", "master", "br0");
  return station;
}

partyTest("an address that a station of the LAN uses", async (party, step) => {
  const player = await party.addPlayer("alice");
  await addStation(party, "10.77.0.150");
  await party.startRelay();
  await party.startGateway();
  const server = party.lan.spawn([
    ...["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--port=0", "--log-dhcp"],
    ...["--conf-file=/dev/null", "--bind-interfaces", "--interface=br0", "--dhcp-authoritative"],
    // It gives out the lowest address, and does not look whether somebody uses it.
    ...["--dhcp-sequential-ip", "--no-ping", `--dhcp-leasefile=${party.folder}/leases`],
    "--dhcp-range=10.77.0.150,10.77.0.151,255.255.255.0,1h",
  ]);
  await server.waitForLine(/DHCP, IP range/, TIMEOUT_MS);
  const client = await party.startClient(player);
  await step("the conflict is found, and the player told", async () => {
    const pattern = /Another device in the LAN \((\S+)\) uses the address 10\.77\.0\.150, too/;
    const [, mac] = await client.waitForLine(pattern, TIMEOUT_MS);
    assertMatch(mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    await server.waitForLine(/DHCPDECLINE/, TIMEOUT_MS);
  });
  await step("another address is asked for, and used", async () => {
    await eventually("the other address", async () => {
      return (await player.addressesOf(PARTY.tap)).includes("10.77.0.151/24");
    }, 40_000);
    const ping = ["ping", "-c", "1", "-W", "5", PARTY.lanAddress];
    assertMatch((await player.run(ping)).stdout, /1 received/);
    assertEquals(dialogue(server).filter((message) => message === "DECLINE").length, 1);
  });
});
