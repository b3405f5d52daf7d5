/**
 * The gateway between the LAN and the tunnel: what enters, what comes out, and how it comes out.
 *
 * ```text
 *   lan               gateway             relay              player
 *  ┌──────────┐      ┌────────────┐      ┌─────────────┐    ┌─────────────────────┐
 *  │ station ─┼─eth0─┼─ lan0      │      │ --frame-log │    │ lanparty0 ─ station │
 *  │          │ veth │      wan0 ─┼──────┼─ gw0   pl0 ─┼────┼─ wan0               │
 *  └──────────┘      └────────────┘      └─────────────┘    └─────────────────────┘
 *    10.77.0.1/24                                              10.77.0.50/24
 * ```
 */
import { assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import type { FrameLogReader } from "../../support/frame_log.ts";
import type { FrameStation } from "../../support/frame_station.ts";
import {
  BROADCAST_MAC,
  ethernet,
  pattern,
  toHex,
  Type,
  udpPacket,
  type VlanTag,
} from "../../../tools/lab/frames.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { readPcap } from "../../support/pcap.ts";
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
  TEST_TYPE,
  testFrame,
  uniquePayload,
} from "../../support/scene.ts";
import { hashOfFile, makeRandomFile, transferFile } from "../../support/transfer.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const UNKNOWN_MAC = "52:54:00:00:99:99";
const CAM_REFRESH_TYPE = 0x88b5;
const TRANSFER_BYTES = 8 << 20;
const QUIET_MS = 400;

partyTest("gateway: what the LAN and the tunnel exchange", async (party, step) => {
  const scene = await openScene(party);
  await whatEnters(scene, step);
  await whatComesOut(scene, step);
  await step("a packet of the gateway's own connection never enters", async () => {
    const { lan, gatewayLog: log } = scene;
    const ownPort = await ownPortOf(party.gateway);
    const relay = PARTY.relayAddressForGateway;
    await assertOwnTraffic({ station: lan, source: LAN_MAC, relay, ownPort, log });
  });
  await step("nor one of the client's own", async () => {
    const { player, clientLog: log } = scene;
    const ownPort = await ownPortOf(scene.home);
    const relay = PARTY.relayAddressForPlayer;
    await assertOwnTraffic({ station: player, source: PLAYER_MAC, relay, ownPort, log });
  });
  await vlanTags(scene, step);
});

async function whatEnters({ party, lan, player, relayLog }: Scene, step: Step): Promise<void> {
  await step("broadcast, multicast and frames for players enter the tunnel", async () => {
    for (const destination of [BROADCAST_MAC, MULTICAST_MAC, PLAYER_MAC]) {
      await sendAcross(lan, player, testFrame(LAN_MAC, destination));
    }
  });
  await step("frames between stations of the LAN and to the gateway itself do not", async () => {
    const gatewayMac = await party.gateway.macOf(PARTY.gatewayInterface);
    const strangers = [UNKNOWN_MAC, gatewayMac].map((mac) => testFrame(LAN_MAC, mac));
    await lan.send(...strangers);
    const known = testFrame(LAN_MAC, PLAYER_MAC);
    await sendAcross(lan, player, known);
    await relayLog.waitFor("frame", (frame) => frame.lengthBytes === known.length);
    const lengths = strangers.map((frame) => frame.length);
    const entered = relayLog.records().filter(({ lengthBytes }) => lengths.includes(lengthBytes));
    assertEquals(entered, []);
    for (const frame of strangers) assertEquals(countOf(player, frame), 0);
  });
}

async function whatComesOut({ lan, player, relayLog }: Scene, step: Step): Promise<void> {
  await step(
    "unicast, multicast and broadcast of a player come out byte for byte, once",
    async () => {
      for (const destination of [UNKNOWN_MAC, MULTICAST_MAC, BROADCAST_MAC]) {
        const frame = testFrame(PLAYER_MAC, destination);
        const sent = await sendAcross(player, lan, frame);
        await pause(QUIET_MS);
        assertLessOrEqual(countOf(lan, frame), sent);
      }
    },
  );
  await step("what came out does not enter again, and is not seen by its sender", async () => {
    const frame = testFrame(PLAYER_MAC, BROADCAST_MAC);
    relayLog.skip();
    const sent = await sendAcross(player, lan, frame);
    await relayLog.waitFor("frame", ({ lengthBytes }) => lengthBytes === frame.length);
    await pause(QUIET_MS);
    const records = relayLog.records().filter(({ lengthBytes }) => lengthBytes === frame.length);
    assertEquals(records.length, sent);
    assertEquals(new Set(records.map(({ peer }) => peer)), new Set([2]), "from the player alone");
    assertEquals(countOf(player, frame), 0);
  });
  await step("a short frame comes out padded to what a wire carries", async () => {
    const frame = ethernet({
      source: PLAYER_MAC,
      destination: BROADCAST_MAC,
      type: TEST_TYPE,
      payload: Uint8Array.of(0xde, 0xad, 0xbe, 0xef, 0xff),
      lengthMin: 0,
    });
    await player.send(frame);
    const seen = await lan.waitFor((seen) => seen.hex.startsWith(toHex(frame)));
    assertEquals(seen.bytes.length, 60);
    assertEquals(seen.bytes.subarray(frame.length).some((byte) => byte !== 0), false);
  });
}

/** Where packets of a connection are sent, as if they were its program's own. */
interface OwnTrafficCase {
  readonly station: FrameStation;
  readonly source: string;
  readonly relay: string;
  readonly ownPort: number;
  readonly log: FrameLogReader;
}

/** A packet between relay and connection is dropped by the program that has it; another program's is not. */
async function assertOwnTraffic(
  { station, source, relay, ownPort, log }: OwnTrafficCase,
): Promise<void> {
  for (const tags of [[], [{ id: 7 }]]) {
    const make = (sourcePort: number, destinationPort: number) =>
      ethernet({
        source,
        destination: BROADCAST_MAC,
        type: Type.ipv4,
        tags,
        payload: udpPacket({
          source: sourcePort === PARTY.relayPort ? relay : "10.77.0.66",
          destination: sourcePort === PARTY.relayPort ? "10.77.0.66" : relay,
          sourcePort,
          destinationPort,
          payload: uniquePayload(),
        }),
      });
    const cases: [Uint8Array, boolean][] = [
      [make(ownPort, PARTY.relayPort), true],
      [make(PARTY.relayPort, ownPort), true],
      [make(ownPort, PARTY.relayPort + 1), false],
      [make(ownPort ^ 1, PARTY.relayPort), false],
    ];
    for (const [frame, own] of cases) {
      await station.send(frame);
      const { action, dropReason } = await log.waitFor(
        "frame",
        ({ lengthBytes }) => lengthBytes === frame.length,
      );
      assertEquals([action, dropReason], own ? ["drop", "own-traffic"] : ["forward", undefined]);
    }
  }
}

async function vlanTags({ lan, player }: Scene, step: Step): Promise<void> {
  const dresses: [string, VlanTag[]][] = [
    ["a VLAN tag with a priority", [{ id: 7, priority: 5 }]],
    ["a priority tag", [{ id: 0, priority: 6 }]],
    ["a service tag", [{ id: 100, tpid: Type.qinq }]],
    ["two tags", [{ id: 100, tpid: Type.qinq, priority: 1 }, { id: 7, priority: 5 }]],
  ];
  for (const [name, tags] of dresses) {
    await step(`${name} is kept, both ways`, async () => {
      for (const destination of [BROADCAST_MAC, PLAYER_MAC]) {
        await sendAcross(lan, player, testFrame(LAN_MAC, destination, tags));
      }
      for (const destination of [BROADCAST_MAC, UNKNOWN_MAC]) {
        await sendAcross(player, lan, testFrame(PLAYER_MAC, destination, tags));
      }
    });
  }
}

partyTest("gateway: TCP with offloads on arrives whole", async (party, step) => {
  const player = await party.addPlayer("player");
  await party.startRelay();
  await party.startGateway();
  await party.startClient(player, "--address", `${PLAYER_ADDRESS}/24`);
  const [source, target] = [`${party.folder}/source`, `${party.folder}/target`];
  makeRandomFile(source, TRANSFER_BYTES);
  const wanted = await hashOfFile(source);
  const capture = `${party.folder}/super.pcap`;
  const tcpdump = party.gateway.spawn(
    [
      "tcpdump",
      "-i",
      PARTY.gatewayInterface,
      "--immediate-mode",
      "-s",
      "96",
      "-U",
      "-w",
      capture,
      "greater",
      "1600",
    ],
  );
  await tcpdump.waitForLine(/listening on/);
  await step("LAN to player", async () => {
    await transferFile(party.lan, player, PLAYER_ADDRESS, source, target);
    assertEquals(await hashOfFile(target), wanted);
  });
  await step("player to LAN", async () => {
    await transferFile(player, party.lan, PARTY.lanAddress, source, target);
    assertEquals(await hashOfFile(target), wanted);
  });
  await step("the LAN's interface brought super-frames", async () => {
    await tcpdump.stop();
    const lengths = readPcap(await Deno.readFile(capture)).map(({ lengthBytes }) => lengthBytes);
    assertGreater(lengths.length, 10);
    assertGreater(Math.max(...lengths), 4_000);
  });
});

partyTest(
  "gateway: CAM refreshes at join and return; jumbo frames are counted",
  async (party, step) => {
    for (const [namespace, name] of [[party.lan, "eth0"], [party.gateway, "lan0"]] as const) {
      await namespace.ip("link", "set", name, "mtu", "2000");
    }
    const { lan, player, gatewayLog } = await openScene(party, {
      gateway: ["--log-level", "debug"],
    });
    const refresh = () =>
      lan.waitFor(
        (frame) => frame.type === CAM_REFRESH_TYPE && frame.source === PLAYER_MAC,
        15_000,
      );
    await step("a player that joins is made known to the switches", async () => {
      const { destination, bytes } = await refresh();
      assertEquals([destination, bytes.length], [BROADCAST_MAC, 60]);
    });
    const jumbo = ethernet({
      source: LAN_MAC,
      destination: BROADCAST_MAC,
      type: TEST_TYPE,
      payload: pattern(1_600),
    });
    await step("a frame longer than 1522 bytes stays outside", async () => {
      await lan.send(jumbo);
      const { dropReason } = await gatewayLog.waitFor(
        "jumbo frame",
        ({ lengthBytes }) => lengthBytes === jumbo.length,
      );
      assertEquals(dropReason, "jumbo");
      await sendAcross(lan, player, testFrame(LAN_MAC, BROADCAST_MAC));
      assertEquals(countOf(player, jumbo), 0);
      await party.gatewayProcess!.waitForLine(/Snapshot .*"jumbo":1\b/, 15_000);
    });
    await step("a player whose relay was restarted is made known again", async () => {
      await party.relayProcess!.stop();
      lan.clear();
      await party.startRelay("--frame-log", party.frameLogFile("relay"));
      await refresh();
    });
    await step("and when the LAN's cable was out", async () => {
      await eventually(
        "the tunnel carries frames again",
        () =>
          sendAcross(lan, player, testFrame(LAN_MAC, BROADCAST_MAC)).then(() => true, () => false),
      );
      await party.lan.ip("link", "set", PARTY.lanInterface, "down");
      await party.gatewayProcess!.waitForLine(/has no link/);
      lan.clear();
      await party.lan.ip("link", "set", PARTY.lanInterface, "up");
      await refresh();
    });
  },
);
