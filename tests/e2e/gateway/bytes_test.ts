/**
 * What left one side against what arrived at the other, by tcpdump on both:
 *
 * ```text
 *   lan                     gateway        relay         player
 *  ┌───────────────────┐   ┌───────────┐  ┌─────────┐   ┌────────────────────────┐
 *  │ station, iperf3   │   │           │  │         │   │ station, iperf3        │
 *  │ eth0 ─────────────┼───┼ lan0 wan0 ┼──┼ gw0 pl0 ┼───┼ wan0    lanparty0      │
 *  │  ╵ tcpdump        │   └───────────┘  └─────────┘   │            ╵ tcpdump   │
 *  └───────────────────┘                                └────────────────────────┘
 * ```
 *
 * The hosts finish their packets themselves, and the gateway's kernel cuts its own, so that tcpdump sees them as
 * they are on the wire. What the client hands to the player's kernel is joined: it is cut again here.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  arp,
  BROADCAST_MAC,
  ethernet,
  fragmentHeader,
  icmpEcho,
  icmpv6,
  ipv4,
  ipv6,
  join,
  llc,
  neighbourSolicitation,
  optionsHeader,
  pattern,
  Protocol,
  snap,
  tcp,
  toHex,
  Type,
  udp,
  udpPacket,
  type VlanTag,
} from "../../../tools/lab/frames.ts";
import { GsoType, VIRTIO_NEEDS_CHECKSUM } from "../../../src/offload/lan_frame.ts";
import { Segmenter } from "../../../src/offload/segmenter.ts";
import { lanFrame } from "../../unit/offload/packets.ts";
import { FrameStation } from "../../support/frame_station.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { readPcap } from "../../support/pcap.ts";
import { partyTest } from "../../support/play.ts";
import {
  LAN_MAC,
  MULTICAST_MAC,
  openScene,
  PLAYER_ADDRESS,
  PLAYER_MAC,
  TEST_TYPE,
} from "../../support/scene.ts";
import { pause } from "../../../tools/lab/wait.ts";

/** A busy machine may lose frames; one comparison without a difference is wanted. */
const ATTEMPTS_MAX = 4;
const BATCH = 16;
const BATCH_PAUSE_MS = 10;
const QUIET_MS = 600;
/** More than any super-frame has. */
const SNAP_BYTES = 70_000;
/** Addresses that no kernel has, so that none answers: each end has its own. */
const OF_LAN = ["10.77.0.201", "fd77::201"] as const;
const OF_PLAYER = ["10.77.0.202", "fd77::202"] as const;

const TAGS: readonly (readonly VlanTag[])[] = [
  [{ id: 7, priority: 5 }],
  [{ id: 0, priority: 6 }],
  [{ id: 100, tpid: Type.qinq }],
  [{ id: 100, tpid: Type.qinq }, { id: 7, priority: 3 }],
];

function udpData(source: string, destination: string, count: number) {
  const payload = pattern(count);
  return { source, destination, sourcePort: 27_015, destinationPort: 27_016, payload };
}

/** Payloads of every kind that crosses a LAN, with the EtherType of each. */
function packets(from: string): (readonly [type: number, payload: Uint8Array])[] {
  const isLan = from === LAN_MAC;
  const [[A4, A6], [B4, B6]] = isLan ? [OF_LAN, OF_PLAYER] : [OF_PLAYER, OF_LAN];
  const four = (protocol: number, payload: Uint8Array, more = {}) =>
    [
      Type.ipv4,
      ipv4({ source: A4, destination: B4, protocol, payload, ...more }),
    ] as const;
  const six = (nextHeader: number, payload: Uint8Array) =>
    [Type.ipv6, ipv6({ source: A6, destination: B6, nextHeader, payload })] as const;
  const segment = (source: string, destination: string, flags: number, count: number) =>
    tcp({ ...udpData(source, destination, count), flags, options: pattern(12) });
  const solicitation = neighbourSolicitation(A6, B6, B6, from);
  const wrong = udp(udpData(A4, B4, 333)).map((byte, at) => at === 6 ? byte ^ 0xff : byte);
  const unsummed = udp(udpData(A4, B4, 40)).map((byte, at) => at === 6 || at === 7 ? 0 : byte);
  return [
    [Type.ipv4, udpPacket(udpData(A4, B4, 0))],
    [Type.ipv4, udpPacket(udpData(A4, B4, 1_001))],
    [Type.ipv6, udpPacket(udpData(A6, B6, 500))],
    ...[0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0xc2].flatMap((flags) => [
      four(Protocol.tcp, segment(A4, B4, flags, 100 + flags)),
      six(Protocol.tcp, segment(A6, B6, flags, 200 + flags)),
    ]),
    four(Protocol.icmp, icmpEcho({ payload: pattern(56) })),
    four(Protocol.udp, pattern(800), { id: 77, moreFragments: true }),
    four(Protocol.udp, pattern(333), { id: 77, fragmentOffset: 800 }),
    four(Protocol.udp, udp(udpData(A4, B4, 64)), { options: pattern(40), ttl: 1 }),
    four(Protocol.udp, wrong),
    four(Protocol.udp, unsummed),
    four(Protocol.udp, udp(udpData(A4, B4, 10)), { dontFragment: true, id: 0xffff }),
    four(132, pattern(48)), // SCTP
    four(47, pattern(90)), // GRE
    six(Protocol.icmpv6, solicitation),
    six(Protocol.icmpv6, icmpv6({ source: A6, destination: B6, type: 128, body: pattern(60) })),
    six(Protocol.hopByHop, join(optionsHeader(Protocol.udp), udp(udpData(A6, B6, 80)))),
    six(Protocol.fragment, join(fragmentHeader(Protocol.udp, 1_200, false, 9), pattern(99))),
    [
      Type.arp,
      arp({
        ...{ operation: "request", senderMac: from, senderIp: A4, targetIp: B4 },
      }),
    ],
    [0x8137, pattern(88)], // IPX
    [0x8847, pattern(500)], // MPLS
    [0x8863, pattern(64)], // PPPoE
  ];
}

/** Frames of all kinds and lengths from one MAC to another; none is longer than `lengthMax`, its tags apart. */
function framesOf(source: string, target: string, lengthMax: number): Uint8Array[] {
  const to = (destination: string) => ({ source, destination });
  const frames: Uint8Array[] = [];
  for (const [type, payload] of packets(source)) {
    frames.push(ethernet({ ...to(target), type, payload }));
    for (const tags of TAGS) frames.push(ethernet({ ...to(target), type, payload, tags }));
    for (const destination of [BROADCAST_MAC, MULTICAST_MAC]) {
      frames.push(ethernet({ ...to(destination), type, payload }));
    }
  }
  const lengths = new Set([61, 62, 63, 64, 65, lengthMax - 1, lengthMax]);
  for (let length = 66; length < lengthMax; length += 31) lengths.add(length);
  for (let length = 1_380; length < Math.min(1_440, lengthMax); length++) lengths.add(length);
  for (const length of lengths) {
    frames.push(ethernet({ ...to(target), type: TEST_TYPE, payload: pattern(length - 14) }));
  }
  frames.push(
    llc({ ...to(target), payload: join([0xf0, 0xf0, 0x03], pattern(100)) }), // NetBEUI
    llc({ ...to(target), payload: snap(0x809b, pattern(200), [8, 0, 7]) }), // AppleTalk
    llc({ ...to(BROADCAST_MAC), payload: join([0xff, 0xff], pattern(30)) }), // IPX, raw
  );
  return frames;
}

/** Captures what a filter lets through, from when this returns until the returned function is called. */
async function capture(party: Party, namespace: Namespace, name: string, filter: string) {
  const file = `${party.folder}/${namespace.name}.pcap`;
  const process = namespace.spawn([
    ...["tcpdump", "-i", name, "--immediate-mode", "-s", `${SNAP_BYTES}`, "-B", "65536", "-U"],
    ...["-w", file, filter],
  ]);
  await process.waitForLine(/listening on/);
  return async () => {
    await process.stop();
    const packets = readPcap(await Deno.readFile(file));
    // Lengths alone: the difference of so many bytes takes gigabytes to find out.
    const cut = packets.filter(({ bytes, lengthBytes }) => bytes.length < lengthBytes);
    assertEquals(cut.map(({ bytes, lengthBytes }) => [bytes.length, lengthBytes]), []);
    return packets.map(({ bytes }) => bytes);
  };
}

/** From the Ethernet header to the TCP payload, in hexadecimal digits: IPv4 id, sequence number. */
function placeInStream(hex: string): string {
  return hex.slice(2 * 18, 2 * 20) + hex.slice(2 * 26, 2 * 42);
}

/** Frames as on a cable: what was joined is cut as the first of its segments was at the other end. */
function cutAs(singles: readonly string[], frames: readonly Uint8Array[]): string[] {
  const segmenter = new Segmenter();
  const target = new Uint8Array(2_048);
  return frames.flatMap((frame) => {
    const hex = padded(toHex(frame));
    if (singles.includes(hex)) return hex;
    const first = singles.find((single) => placeInStream(single) === placeInStream(hex));
    if (first === undefined || hex.slice(2 * 12, 2 * 15) !== "080045") return hex;
    const headersBytes = 34 + (frame[46] >> 4) * 4;
    const packetBytes = Number.parseInt(first.slice(2 * 16, 2 * 18), 16);
    const segments = segmenter.begin(
      lanFrame(frame, {
        virtioFlags: VIRTIO_NEEDS_CHECKSUM,
        gsoType: GsoType.tcp4,
        segmentBytes: packetBytes + 14 - headersBytes,
        checksumStart: 34,
        checksumOffset: 16,
      }),
    );
    return Array.from({ length: Math.max(0, segments) }, () => {
      const length = segmenter.next(target, 0);
      return padded(toHex(target.subarray(0, length)));
    });
  });
}

/**
 * A frame as it is on a cable, of 60 bytes at least (IEEE 802.3): a TAP has a TCP reset, say, without the
 * zeros behind it, which the gateway adds.
 */
function padded(hex: string): string {
  return hex.padEnd(2 * 60, "0");
}

/** Captures at both ends while something is sent, until both have seen the same, and all of it. */
async function assertSame(
  party: Party,
  player: Namespace,
  filter: string,
  send: () => Promise<void>,
  check: (frames: readonly string[]) => void,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const endLan = await capture(party, party.lan, PARTY.lanInterface, filter);
    const endPlayer = await capture(party, player, PARTY.tap, filter);
    await send();
    await pause(QUIET_MS);
    const atLan = (await endLan()).map((frame) => padded(toHex(frame))).sort();
    const atPlayer = cutAs(atLan, await endPlayer()).sort();
    const same = atLan.length === atPlayer.length &&
      atLan.every((frame, at) => frame === atPlayer[at]);
    try {
      assertEquals(same, true, "the same at both ends");
      return check(atLan);
    } catch (error) {
      if (attempt < ATTEMPTS_MAX) continue;
      if (!same) assertEquals(atPlayer, atLan);
      throw error;
    }
  }
}

async function sendPaced(station: FrameStation, frames: readonly Uint8Array[]): Promise<void> {
  for (let at = 0; at < frames.length; at += BATCH) {
    await station.send(...frames.slice(at, at + BATCH));
    await pause(BATCH_PAUSE_MS);
  }
}

partyTest("not one byte differs between what left and what arrived", async (party, step) => {
  await party.lan.offloads(PARTY.lanInterface, false);
  await party.lab.get("gateway").offloads(PARTY.gatewayInterface, false);
  const { lan, player } = await openScene(party);
  const playerSpace = party.lab.get("player");
  await playerSpace.offloads(PARTY.tap, false);
  // Where nothing is joined, libpcap keeps of each packet only what the interface's MTU lets it have.
  await playerSpace.run(["ethtool", "-K", PARTY.tap, "gro", "on"]);
  const { mtu } = await playerSpace.linkOf(PARTY.tap);
  const fromPlayer = framesOf(PLAYER_MAC, LAN_MAC, mtu + 14);
  const ways = [
    ["LAN to player", lan, framesOf(LAN_MAC, PLAYER_MAC, 1_514)],
    ["player to LAN", player, fromPlayer],
  ] as const;
  for (const [name, station, frames] of ways) {
    await step(`${name}: ${frames.length} frames of all kinds`, async () => {
      const source = station === lan ? LAN_MAC : PLAYER_MAC;
      const filter = `ether src ${source} and not ether proto 0x88b5`;
      const wanted = frames.map(toHex).sort();
      await assertSame(
        party,
        playerSpace,
        filter,
        async () => {
          // What this PC itself sends from is its own there: packets for other addresses would not arrive.
          if (station === lan) await sendPaced(player, fromPlayer.slice(0, BATCH));
          await sendPaced(station, frames);
        },
        (seen) => {
          const missing = wanted.filter((frame) => !seen.includes(frame));
          assertEquals(missing, [], "what was sent is what left");
        },
      );
    });
  }
  await step("a TCP connection of real hosts, both ways", async () => {
    const transfer = async () => {
      const server = playerSpace.spawn([
        ...["iperf3", "--server", "--one-off", "--forceflush", "--bind", PLAYER_ADDRESS],
      ]);
      await server.waitForLine(/Server listening/);
      await party.lan.run([
        ...["iperf3", "--client", PLAYER_ADDRESS, "--bytes", "1M", "--bitrate", "8M"],
        ...["--length", "16K"], // at a time: more is a burst, of which a busy tunnel drops a part
      ]);
      await server.waitExit();
    };
    await assertSame(party, playerSpace, "tcp port 5201", transfer, (seen) => {
      assertGreater(seen.length, 700);
      assert(seen.some((frame) => frame.length > 2 * mtu), "full packets");
    });
  });
});
