/**
 * The relay is reached over the bridged LAN itself, which is a hub: all that gateway and relay say to
 * each other passes the gateway's promiscuous port, and must not enter the tunnel that it makes up.
 *
 * ```text
 *   lan               hub                       gateway
 *  ┌──────────┐      ┌───────────────────┐     ┌────────────┐
 *  │ station ─┼─eth0─┼─ p0   br0    p1 ──┼─────┼─ lan0      │
 *  └──────────┘      │  (never learns)   │     └────────────┘
 *    10.77.0.1       │              p2 ──┼─┐    10.77.0.2, fd00:91::2
 *                    └───────────────────┘ │
 *                                          │    relay               player
 *                                          │   ┌──────────────┐    ┌────────┐
 *                                          └───┼─ hub0    pl0 ┼────┼─ wan0  │
 *                                              └──────────────┘    └────────┘
 *                                  10.77.0.3, fd00:91::1            10.92.0.2, fd00:92::2
 * ```
 *
 * Once over IPv4, and once over IPv6, the player's way as well.
 */
import { assert, assertEquals, assertGreater, assertLessOrEqual, assertMatch } from "@std/assert";
import { FrameLogReader } from "../../support/frame_log.ts";
import {
  BROADCAST_MAC,
  ethernet,
  Type,
  udpPacket,
  type VlanTag,
} from "../../../tools/lab/frames.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import {
  countOf,
  LAN_MAC,
  MULTICAST_MAC,
  openScene,
  ownPortOf,
  PLAYER_ADDRESS,
  PLAYER_MAC,
  type Scene,
  sendAcross,
  testFrame,
  uniquePayload,
} from "../../support/scene.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const FLOOD_FRAMES = 600;
const FLOOD_PER_SECOND = 400;
const QUIET_MS = 400;

/** Puts the LAN, the gateway and the relay onto one hub, and takes the gateway's other way away. */
async function buildHub(party: Party): Promise<void> {
  await party.gateway.ip("link", "del", PARTY.gatewayInterface);
  await party.gateway.ip("link", "del", "wan0");
  const hub = await party.lab.namespace("hub");
  await hub.bridge("br0");
  const port = (name: string) => ({ namespace: hub, name, bridge: "br0" });
  const onLan = (namespace: Namespace, name: string, address: string) => {
    return { namespace, name, addresses: [`${address}/24`] };
  };
  await party.lab.veth(onLan(party.lan, PARTY.lanInterface, PARTY.lanAddress), port("p0"));
  await party.lab.veth(onLan(party.gateway, PARTY.gatewayInterface, "10.77.0.2"), port("p1"));
  await party.lab.veth(onLan(party.relay, "hub0", "10.77.0.3"), port("p2"));
  // It forgets each address at once, so every frame goes out of every port.
  await hub.ip("link", "set", "br0", "type", "bridge", "ageing_time", "0");
}

/** Addresses of IPv6 for the way between gateway and relay. */
async function addIpv6({ gateway, relay }: Party): Promise<void> {
  await gateway.ip("addr", "add", "fd00:91::2/64", "dev", PARTY.gatewayInterface);
  await relay.ip("addr", "add", "fd00:91::1/64", "dev", "hub0");
}

/** As if the LAN's switches flooded it: what the relay says to the gateway is for everybody. */
async function floodNeighbour(relay: Namespace, address: string): Promise<void> {
  const neighbour = ["neigh", "replace", address, "lladdr", BROADCAST_MAC, "dev", "hub0"];
  await relay.ip(...neighbour, "nud", "permanent");
}

async function play(scene: Scene, step: Step): Promise<void> {
  const { party, lan, player, relayLog } = scene;
  await step("player and LAN reach each other", async () => {
    await party.lan.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", PLAYER_ADDRESS]);
    await sendAcross(player, lan, testFrame(PLAYER_MAC, BROADCAST_MAC));
  });
  const flood = testFrame(LAN_MAC, BROADCAST_MAC);
  const most = FLOOD_FRAMES * 0.9;
  await step("a flood of broadcasts enters once, and once only", async () => {
    relayLog.skip();
    await lan.flood(flood, FLOOD_FRAMES, FLOOD_PER_SECOND);
    await eventually("most of it arrives", () => countOf(player, flood) >= most, 5_000);
    await pause(QUIET_MS);
    assertLessOrEqual(countOf(player, flood), FLOOD_FRAMES);
    const entered = relayLog.records().filter(({ lengthBytes }) => lengthBytes === flood.length);
    assertLessOrEqual(entered.length, FLOOD_FRAMES);
  });
  await step("so does a flood of the player's multicasts come out", async () => {
    const multicast = testFrame(PLAYER_MAC, MULTICAST_MAC);
    await player.flood(multicast, FLOOD_FRAMES, FLOOD_PER_SECOND);
    await eventually("most of it arrives", () => countOf(lan, multicast) >= most, 5_000);
    await pause(QUIET_MS);
    assertLessOrEqual(countOf(lan, multicast), FLOOD_FRAMES);
    assertEquals(countOf(player, multicast), 0);
  });
  await step("afterwards the tunnel is quiet", async () => {
    await pause(QUIET_MS);
    relayLog.skip();
    await pause(1_500);
    assertLessOrEqual(relayLog.records().length, 20);
  });
}

/** The gateway has seen its own packets, which are of this type, and kept them out. */
async function assertKeptOut(scene: Scene, type: number): Promise<void> {
  const { party, player, relayLog, gatewayLog } = scene;
  const relayMac = await party.relay.macOf("hub0");
  // What the relay's system says to groups (IPv6 does) is no packet of the connection.
  const isOwn = (record: { sourceMac?: string; destinationMac?: string; etherType?: number }) =>
    record.sourceMac === relayMac && record.destinationMac === BROADCAST_MAC &&
    record.etherType === type;
  const reasons = gatewayLog.records().filter(isOwn).map(({ dropReason }) => dropReason)
    .filter((reason) => reason !== "not-joined"); // those of the handshake
  assertGreater(reasons.length, 100, "the hub brings the relay's packets to the packet socket");
  assertEquals([...new Set(reasons)], ["own-traffic"]);
  assertEquals(new FrameLogReader(relayLog.path).records().filter(isOwn), []);
  assert(
    !player.frames.some((frame) =>
      isOwn({
        sourceMac: frame.source,
        destinationMac: frame.destination,
        etherType: frame.type,
      })
    ),
    "nothing of it has reached the player",
  );
}

/** A packet of the connection that comes back in VLANs, as from a switch that mirrors a port. */
async function assertTaggedKeptOut(
  { lan, gatewayLog }: Scene,
  tags: readonly VlanTag[],
  [from, to]: readonly [string, string],
  ownPort: number,
): Promise<void> {
  const [sourcePort, destinationPort] = from === "fd00:91::1" ? [443, ownPort] : [ownPort, 443];
  const frame = ethernet({
    source: LAN_MAC,
    destination: BROADCAST_MAC,
    type: Type.ipv6,
    tags,
    payload: udpPacket({
      source: from,
      destination: to,
      sourcePort,
      destinationPort,
      payload: uniquePayload(),
    }),
  });
  await lan.send(frame);
  const record = await gatewayLog.waitFor(
    "the frame",
    ({ lengthBytes }) => lengthBytes === frame.length,
  );
  assertEquals([record.action, record.dropReason], ["drop", "own-traffic"]);
}

/** A game server on the relay's machine, whose answer is sent in three IP packets, is heard by the player. */
async function assertLongAnswer(relay: Namespace, player: Namespace): Promise<void> {
  const answer = 3_000;
  const server = relay.spawn([
    ...["socat", "-T", "10", `UDP4-RECVFROM:27015,bind=10.77.0.3`],
    `SYSTEM:head -c 3 >/dev/null; head -c ${answer} /dev/zero`,
  ]);
  await eventually("the server listens", async () => {
    const { stdout } = await relay.run(["ss", "-H", "-u", "-l", "-n", "sport", "=", ":27015"]);
    return stdout !== "";
  });
  const ask = "printf ask | socat -t 5 - UDP4:10.77.0.3:27015 | head -c 3000 | wc -c";
  const { stdout } = await player.run(["sh", "-c", ask]);
  assertEquals(Number(stdout), answer);
  await server.waitExit(10_000);
}

partyTest("a relay on the bridged LAN itself: over IPv4", async (party, step) => {
  await buildHub(party);
  await floodNeighbour(party.relay, "10.77.0.2");
  const scene = await openScene(party, { gateway: ["--relay", "10.77.0.3:443"] });
  await play(scene, step);
  await step("the gateway has seen its own packets, and kept them out", async () => {
    await assertKeptOut(scene, Type.ipv4);
  });
  await step(
    "a long answer of a game server beside the relay arrives",
    () => assertLongAnswer(party.relay, scene.home),
  );
  assertMatch(party.gatewayProcess!.stderr, /Joined the room/);
});

partyTest("a relay on the bridged LAN itself: over IPv6", async (party, step) => {
  await buildHub(party);
  await addIpv6(party);
  await floodNeighbour(party.relay, "fd00:91::2");
  const scene = await openScene(party, {
    gateway: ["--relay", "[fd00:91::1]:443"],
    client: ["--relay", "[fd00:92::1]:443"],
    prepare: async (player) => {
      await player.ip("addr", "add", "fd00:92::2/64", "dev", "wan0");
      await party.relay.ip("addr", "add", "fd00:92::1/64", "dev", "pl0");
    },
  });
  await play(scene, step);
  await step("the gateway has seen its own packets, and kept them out", async () => {
    await assertKeptOut(scene, Type.ipv6);
  });
  await step("nor do those in VLANs that others send", async () => {
    const ownPort = await ownPortOf(party.gateway);
    for (const tags of [[{ id: 7 }], [{ id: 100, tpid: Type.qinq }, { id: 7 }]]) {
      for (const ends of [["fd00:91::1", "fd00:91::2"], ["fd00:91::2", "fd00:91::1"]] as const) {
        await assertTaggedKeptOut(scene, tags, ends, ownPort);
      }
    }
  });
  await step("both are joined over IPv6", () => {
    const relayed = party.relayProcess!.stderr;
    assertMatch(relayed, /Peer joined .*\[fd00:91::2\]/);
    assertMatch(relayed, /Peer joined .*\[fd00:92::2\]/);
  });
});
