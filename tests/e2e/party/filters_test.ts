/**
 * The filters, each with a crafted frame in and a packet capture out, beside a harmless sibling that
 * arrives byte for byte.
 *
 * ```text
 *   lan               gateway             relay                   player
 *  ┌──────────┐      ┌────────────┐      ┌───────────────────┐   ┌─────────────────────┐
 *  │ station ─┼─eth0─┼─ lan0      │      │ --frame-log       │   │ lanparty0 ─ station │
 *  │          │      │      wan0 ─┼──────┼─ gw0         pl0 ─┼───┼─ wan0               │
 *  └──────────┘      └────────────┘      │              pl1 ─┼─┐ └─────────────────────┘
 *    veth of MTU 2000                    └───────────────────┘ │  stranger
 *                                                              │ ┌─────────────────────┐
 *                                                              └─┼─ wan0 ─ raw peer    │
 *                                                                └─────────────────────┘
 * ```
 *
 * Frames of a player go through its adapter and the client; those that the client would not send are
 * sent by a raw peer, which speaks the wire protocol over Deno's own QUIC.
 */
import { assertEquals } from "@std/assert";
import { SERVER_NAME } from "../../support/certificates.ts";
import { join, toHex, u16 } from "../../../tools/lab/frames.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { RawPeer } from "../../support/raw_peer.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import {
  advertisementCases,
  type FilterCase,
  harmlessFrame,
  hiddenCases,
  longChainFrame,
  playerOnlyCases,
  switchControlCases,
} from "./filter_frames.ts";
import {
  ARRIVAL_TIMEOUT_MS,
  arrived,
  ATTEMPTS_MAX,
  GROUP_MAC,
  judge,
  LAN_MAC,
  LENGTH_MIN,
  lengthen,
  openScene,
  PLAYER_MAC,
  RAW_MAC,
  type Scene,
  sendForwarded,
  SPOOFED_MAC,
} from "./filter_scene.ts";
import { nameCases, playerTalkCases, vlanCases } from "./talk_frames.ts";

partyTest("filters: what players may not send, and the LAN neither", async (party, step) => {
  const scene = await openScene(party);
  const { lan, player, relayLog, gatewayLog, clientLog } = scene;
  const fromPlayer = { from: player, to: lan, log: relayLog };
  const fromLan = { from: lan, to: player, log: relayLog };
  await judge(fromPlayer, step, "from a player", [
    ...switchControlCases(PLAYER_MAC),
    ...playerOnlyCases(PLAYER_MAC),
    ...advertisementCases(PLAYER_MAC),
    ...playerTalkCases(PLAYER_MAC),
    ...hiddenCases(PLAYER_MAC),
  ]);
  await judge(fromLan, step, "from the LAN", [
    ...advertisementCases(LAN_MAC),
    ...hiddenCases(LAN_MAC),
  ]);
  await judge({ ...fromLan, log: gatewayLog }, step, "from the LAN", [
    ...switchControlCases(LAN_MAC),
    ...sourceCases(),
  ]);
  // What takes over names and routes stays out of the player's system, whoever lets it through.
  const redirects = playerOnlyCases(LAN_MAC).filter(({ reason, name }) =>
    reason === "icmp-redirect" && !name.endsWith("first fragment")
  );
  await judge({ ...fromLan, log: clientLog }, step, "from the LAN", [
    ...redirects,
    ...nameCases(LAN_MAC),
  ]);
  await judge({ ...fromPlayer, log: clientLog }, step, "from a player", [{
    name: "another's source MAC, which the client refuses",
    reason: "foreign-source",
    bad: harmlessFrame(SPOOFED_MAC, GROUP_MAC),
    good: harmlessFrame(PLAYER_MAC, GROUP_MAC),
  }]);
  await judgeServers(scene, step);
  await judgeRaw(scene, step);
});

/** What players may not send, the LAN's servers and routers may. */
async function judgeServers(scene: Scene, step: Step): Promise<void> {
  const { lan, player, relayLog, clientLog } = scene;
  const frames = playerOnlyCases(LAN_MAC).map(({ name, bad }, index) => {
    return { name, frame: lengthen(bad, 900 + index) };
  });
  const isFragment = (name: string) => name === "first fragment";
  // A redirect in a fragment is none that a receiver may take (RFC 6980).
  const whole = frames.filter(({ name }) =>
    !isFragment(name) && name !== "redirect in a first fragment"
  );
  const fragment = frames.find(({ name }) => isFragment(name))!;
  await step("from the LAN: the relay lets pass what only players may not send", async () => {
    await sendForwarded(lan, relayLog, whole.map(({ frame }) => frame));
  });
  await step(
    "from the LAN: but for a DHCP offer in fragments, which no client can scrub",
    async () => {
      clientLog.skip();
      await lan.send(fragment.frame);
      const { dropReason } = await clientLog.waitFor(
        "fragment",
        (frame) => frame.lengthBytes === fragment.frame.length,
      );
      assertEquals(dropReason, "dhcp-fragment");
      assertEquals(arrived(player, fragment.frame), false);
    },
  );
}

/** Sources that no station of a LAN has. */
function sourceCases(): FilterCase[] {
  const good = harmlessFrame(LAN_MAC, GROUP_MAC);
  const from = (source: string) => harmlessFrame(source, GROUP_MAC);
  return [
    { name: "a group's source MAC", reason: "multicast-source", bad: from(GROUP_MAC), good },
    { name: "a source MAC of zeros", reason: "zero-source", bad: from("00:00:00:00:00:00"), good },
    { name: "a player's source MAC", reason: "lan-loop", bad: from(PLAYER_MAC), good },
  ];
}

/** A datagram with a whole frame. */
function wholeFrame(frame: Uint8Array): Uint8Array {
  return join([1, 0, 0, 0], frame);
}

/** A datagram with the bytes of a frame from `start` on, before `end`. */
function piece(frame: Uint8Array, frameId: number, start: number, end: number): Uint8Array {
  const place = u16(start | (end < frame.length ? 0x8000 : 0));
  const header = start === 0 ? new Uint8Array(0) : frame.subarray(0, 14);
  return join([1, 1, 0, 0], u16(frameId), place, header, frame.subarray(start, end));
}

/** A frame's datagrams, cut at these offsets. */
function pieces(frame: Uint8Array, frameId: number, ...cuts: number[]): Uint8Array[] {
  return [0, ...cuts].map((start, index) =>
    piece(frame, frameId, start, cuts[index] ?? frame.length)
  );
}

/** Name, drop reason, datagrams with it, a frame that arrives, and its datagrams. */
type RawCase = [string, string, Uint8Array[], Uint8Array, Uint8Array[]];

function rawCases(): RawCase[] {
  const chained = longChainFrame(RAW_MAC, 80, 1001);
  const split = longChainFrame(RAW_MAC, 8, 1003);
  const [longest, tooLong] = [longChainFrame(RAW_MAC, 8, 1522), longChainFrame(RAW_MAC, 8, 1523)];
  const stolen = piece(harmlessLong(SPOOFED_MAC), 20, 700, 1005);
  return [
    [
      "another's source MAC",
      "foreign-source",
      [wholeFrame(lengthen(harmlessFrame(SPOOFED_MAC, GROUP_MAC), 701))],
      lengthen(harmlessFrame(RAW_MAC, GROUP_MAC), 703),
      [wholeFrame(lengthen(harmlessFrame(RAW_MAC, GROUP_MAC), 703))],
    ],
    [
      "another's source MAC in a later piece",
      "foreign-source",
      [stolen],
      split,
      pieces(split, 1, 700),
    ],
    [
      "a first piece before the end of its headers",
      "hidden-headers",
      pieces(chained, 2, 600),
      split,
      pieces(split, 3, 600),
    ],
    [
      "a frame of 1523 bytes",
      "over-long",
      pieces(tooLong, 4, 700, 1400),
      longest,
      pieces(longest, 5, 700, 1400),
    ],
    [
      "a first piece of 599 bytes",
      "malformed-first-piece",
      [piece(split, 6, 0, 599)],
      split,
      pieces(split, 7, 600),
    ],
  ];
}

/** What no program of ours sends: told to the relay by a peer of another make. */
async function judgeRaw(scene: Scene, step: Step): Promise<void> {
  const { party, lan, relayLog, certificates } = scene;
  const stranger = await party.addPlayer("stranger");
  await using peer = await RawPeer.join(stranger, {
    host: party.relayAddressFor(stranger),
    port: PARTY.relayPort,
    serverName: SERVER_NAME,
    caFile: certificates.caFile,
    hello: {
      ...{ type: "hello", protocol: 1, role: "client", room: PARTY.room, mac: RAW_MAC },
      datagramBudget: 1200,
      roomKey: party.roomKey,
    },
  });
  for (const [name, reason, bad, good, goodDatagrams] of rawCases()) {
    await step(`from a peer of another make: ${name}`, async () => {
      lan.clear();
      relayLog.skip();
      await peer.send(...bad);
      const { action, targets } = await relayLog.waitFor(
        reason,
        (frame) => frame.dropReason === reason,
      );
      assertEquals({ action, targets }, { action: "drop", targets: 0 });
      for (let attempt = 1; attempt <= ATTEMPTS_MAX && !arrived(lan, good); attempt++) {
        await peer.send(...goodDatagrams);
        await eventually("the sibling arrives", () => arrived(lan, good), ARRIVAL_TIMEOUT_MS).catch(
          () => {},
        );
      }
      const seen = lan.frames.filter((frame) => frame.bytes.length > LENGTH_MIN);
      assertEquals(new Set(seen.map((frame) => toHex(frame.wireBytes))), new Set([toHex(good)]));
    });
  }
  assertEquals(peer.closedCode, undefined);
}

function harmlessLong(source: string): Uint8Array {
  return lengthen(harmlessFrame(source, GROUP_MAC), 1005);
}

partyTest(
  "filters: router advertisements of the LAN pass where they are allowed",
  async (party, step) => {
    const relayOptions = ["--allow-router-advertisements"];
    const scene = await openScene(party, { relayOptions });
    const { lan, player, relayLog } = scene;
    await step("from the LAN", async () => {
      // In a fragment no receiver may take one (RFC 6980).
      const whole = advertisementCases(LAN_MAC).filter(({ name }) => !/first fragment/.test(name));
      const frames = whole.map(({ bad }, index) => lengthen(bad, 700 + index));
      await sendForwarded(lan, relayLog, frames);
    });
    const fromPlayer = { from: player, to: lan, log: relayLog };
    await judge(fromPlayer, step, "from a player", advertisementCases(PLAYER_MAC));
  },
);

partyTest("filters: frames of VLANs, where nobody has allowed them", async (party, step) => {
  const { lan, player, relayLog, clientLog } = await openScene(party, { vlan: false });
  await judge(
    { from: player, to: lan, log: relayLog },
    step,
    "from a player",
    vlanCases(PLAYER_MAC),
  );
  await judge({ from: lan, to: player, log: clientLog }, step, "from the LAN", vlanCases(LAN_MAC));
});
