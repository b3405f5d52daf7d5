/**
 * Who may speak for which address, with real kernels that believe what reaches them:
 *
 * ```text
 *   lan                 gateway           relay                 alice (attacks)
 *  ┌───────────────┐   ┌────────────┐    ┌───────────────┐    ┌────────────────────────┐
 *  │ eth0  station ┼───┼ lan0  wan0 ┼────┼─ gw0      pl0 ┼────┼─ wan0  lanparty0 station│
 *  │ 10.77.0.1     │   └────────────┘    │           pl1 ┼─┐  └────────────────────────┘
 *  │ DHCP, router  │                     └───────────────┘ │  bob (leased address)
 *  └───────────────┘                                       │  ┌────────────────────────┐
 *                                                          └──┼─ wan0  lanparty0 station│
 *                                                             └────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FrameLogReader } from "../../support/frame_log.ts";
import { FrameStation } from "../../support/frame_station.ts";
import {
  arp,
  BROADCAST_MAC,
  ethernet,
  icmpv6,
  ip6,
  ipv6,
  join,
  mac,
  Type,
  u32,
} from "../../../tools/lab/frames.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const ALICE_MAC = "02:00:00:00:00:66";
const BOB_MAC = "02:00:00:00:00:67";
const ALICE_ADDRESS = "10.77.0.66";
const [CARD, SPARE_CARD] = ["52:54:00:00:00:98", "52:54:00:00:00:99"];
const FAILOVER_ADDRESS = "10.77.0.200";

/** Frames of the test have lengths that nobody else's have: each of them is found in the logs by its own. */
let nextLength = 300;

function arpFrame(
  source: string,
  address: string,
  to = BROADCAST_MAC,
  probe = false,
): Uint8Array<ArrayBuffer> {
  const payload = arp({
    operation: probe ? "request" : "reply",
    senderMac: source,
    senderIp: probe ? "0.0.0.0" : address,
    targetMac: probe ? "00:00:00:00:00:00" : to,
    targetIp: address,
  });
  return ethernet({ source, destination: to, type: Type.arp, payload, lengthMin: nextLength++ });
}

function advertisement(source: string, target: string, to: string): Uint8Array<ArrayBuffer> {
  const destination = "ff02::1";
  const body = join(u32(0x2000_0000), ip6(target), [2, 1], mac(source));
  const upper = icmpv6({ source: target, destination, type: 136, body });
  const packet = { source: target, destination, nextHeader: 58, payload: upper, hopLimit: 255 };
  return ethernet({
    ...{ source, destination: to, type: Type.ipv6, lengthMin: nextLength++ },
    payload: ipv6(packet),
  });
}

/** The MAC that a namespace's kernel knows for an address at the party's adapter or the LAN's interface. */
async function neighbour(namespace: Namespace, device: string, address: string): Promise<string> {
  const table = await namespace.ip("neigh", "show", address, "dev", device);
  return / lladdr ([0-9a-f:]{17})/.exec(table)?.[1] ?? table;
}

async function linkLocalOf(namespace: Namespace, device: string): Promise<string> {
  const [link] = JSON.parse(await namespace.ip("-json", "-6", "addr", "show", "dev", device));
  return link.addr_info.find(({ scope }: { scope: string }) => scope === "link").local;
}

/** What must stay as it was. */
async function settingsOf(player: Namespace): Promise<string> {
  const routes = await player.ip("route", "show", "table", "all");
  const routes6 = await player.ip("-6", "route", "show", "table", "all");
  const { stdout } = await player.run(["cat", "/etc/resolv.conf"]);
  return `${routes}${routes6}${stdout}`;
}

interface Scene {
  readonly party: Party;
  readonly bob: Namespace;
  readonly bobAddress: string;
  readonly lanMac: string;
  readonly aliceStation: FrameStation;
  readonly bobStation: FrameStation;
  readonly lanStation: FrameStation;
  readonly gatewayLog: FrameLogReader;
  readonly bobLog: FrameLogReader;
}

async function openScene(party: Party): Promise<Scene> {
  await party.startDhcpServer();
  await party.startRelay();
  await party.startGateway("--frame-log", party.frameLogFile("gateway"));
  const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
  await party.startClient(
    alice,
    ...["--virtual-mac", ALICE_MAC, "--address", `${ALICE_ADDRESS}/24`],
  );
  await party.startClient(
    bob,
    ...["--virtual-mac", BOB_MAC, "--frame-log", party.frameLogFile("bob")],
  );
  return {
    ...{ party, bob, bobAddress: await party.lanAddressOf(bob) },
    lanMac: await party.lan.macOf(PARTY.lanInterface),
    aliceStation: await FrameStation.open(alice, PARTY.tap),
    bobStation: await FrameStation.open(bob, PARTY.tap),
    lanStation: await FrameStation.open(party.lan, PARTY.lanInterface),
    gatewayLog: new FrameLogReader(party.frameLogFile("gateway")),
    bobLog: new FrameLogReader(party.frameLogFile("bob")),
  };
}

/** Sends frames until the log has one of that length, and says what became of it. */
async function fateOf(
  station: FrameStation,
  frame: Uint8Array<ArrayBuffer>,
  log: FrameLogReader,
): Promise<string | undefined> {
  for (let attempt = 1;; attempt++) {
    await station.send(frame);
    try {
      const found = await log.waitFor(
        `frame of ${frame.length} bytes`,
        ({ lengthBytes }) => lengthBytes === frame.length,
        3_000,
      );
      return found.dropReason;
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}

partyTest("neighbours: nobody speaks for the address of another", async (party, step) => {
  const scene = await openScene(party);
  const { bob, bobAddress, lanMac, aliceStation, lanStation, gatewayLog, bobLog } = scene;
  const lanLinkLocal = await linkLocalOf(party.lan, PARTY.lanInterface);
  const ping = (address: string) => bob.run(["ping", "-c", "2", "-i", "0.2", "-W", "3", address]);
  await ping(PARTY.lanAddress);
  await ping(`${lanLinkLocal}%${PARTY.tap}`);
  const before = await settingsOf(bob);

  await step("who asks whether an address is taken is told so by its owner", async () => {
    aliceStation.clear();
    await eventually("bob's answer", async () => {
      await aliceStation.send(arpFrame(ALICE_MAC, bobAddress, BROADCAST_MAC, true));
      return aliceStation.frames.some(({ type, source, destination }) =>
        type === Type.arp && source === BOB_MAC && destination === ALICE_MAC
      );
    });
  });
  await step("a player as the LAN's router: not for another player", async () => {
    const frame = arpFrame(ALICE_MAC, PARTY.lanAddress, BOB_MAC);
    assertEquals(await fateOf(aliceStation, frame, bobLog), "address-taken");
    const six = advertisement(ALICE_MAC, lanLinkLocal, BOB_MAC);
    assertEquals(await fateOf(aliceStation, six, bobLog), "address-taken");
    assertEquals(await neighbour(bob, PARTY.tap, PARTY.lanAddress), lanMac);
    assertEquals(await neighbour(bob, PARTY.tap, lanLinkLocal), lanMac);
    await ping(PARTY.lanAddress);
  });
  await step("nor for the LAN", async () => {
    const frame = arpFrame(ALICE_MAC, PARTY.lanAddress);
    assertEquals(await fateOf(aliceStation, frame, gatewayLog), "address-taken");
    assert(!lanStation.frames.some(({ bytes }) => bytes.length === frame.length));
  });
  await step("both say who it was, in plain words", async () => {
    const said = new RegExp(
      `alice \\(${ALICE_MAC}\\) uses the address 10\\.77\\.0\\.1, which is that of the LAN's router or ` +
        "DHCP server: what it says of that is dropped",
    );
    await party.gatewayProcess!.waitForLine(said);
    await party.clients.get("bob")!.waitForLine(said);
    const lines = party.gatewayProcess!.stderr.split("\n").filter((line) => said.test(line));
    assertEquals(lines.length, 1, "once");
  });
  await playLeases(scene, step);
  await step("the player's routes and names are as before", async () => {
    assertEquals(await settingsOf(bob), before);
  });
});

/** Bob's address is a lease; the LAN's own addresses move as they like. */
async function playLeases(scene: Scene, step: Step): Promise<void> {
  const { party, bobAddress, aliceStation, bobStation, lanStation, gatewayLog, bobLog } = scene;
  await step("a player as another player, whose address is leased", async () => {
    await party.lan.run(["ping", "-c", "1", "-W", "3", bobAddress]);
    const frame = arpFrame(ALICE_MAC, bobAddress);
    assertEquals(await fateOf(aliceStation, frame, gatewayLog), "address-taken");
    assertEquals(await neighbour(party.lan, PARTY.lanInterface, bobAddress), BOB_MAC);
    assertEquals(
      await fateOf(aliceStation, arpFrame(ALICE_MAC, bobAddress), bobLog),
      "address-taken",
    );
  });
  await step("a station of the LAN as that player", async () => {
    const frame = arpFrame(CARD, bobAddress);
    assertEquals(await fateOf(lanStation, frame, gatewayLog), "address-taken");
    assert(!bobStation.frames.some(({ bytes }) => bytes.length === frame.length));
    assertMatch(
      party.gatewayProcess!.stderr,
      new RegExp(`A station of the LAN \\(${CARD}\\) uses the address ${bobAddress}, which bob `),
    );
  });
  await step("an address of the LAN moves from card to card", async () => {
    for (const card of [CARD, SPARE_CARD, CARD]) {
      const frame = arpFrame(card, FAILOVER_ADDRESS);
      assertEquals(await fateOf(lanStation, frame, bobLog), undefined, card);
      assert(bobStation.frames.some(({ bytes }) => bytes.length === frame.length), card);
    }
  });
}
