/** The golden vectors of the filters at gateway and client: neither depends on a relay that filters. */
import { assertEquals, assertGreater } from "@std/assert";
import { ClientCore } from "../../../src/client/client_core.ts";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { QUESTION_AGE_MS, QUESTIONS_MAX } from "../../../src/filter/proxy_names.ts";
import { FrameLog } from "../../../src/observe/frame_log.ts";
import { asPeerId, type PeerId } from "../../../src/proto/brands.ts";
import { parseMac } from "../../../src/proto/mac.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { BROADCAST_MAC, ethernet, ipv6, Type, udp, udpPacket } from "../../../tools/lab/frames.ts";
import { dnsAnswer, dnsName, dnsQuestion } from "../../support/name_frames.ts";
import { VECTORS } from "../../vectors/proto_vectors.ts";
import { WELCOME } from "../endpoint/harness.ts";
import { GatewayHarness } from "../gateway/harness.ts";

/** The client of the vectors has 02:00:00:00:00:51; this is another one that hears it. */
const LISTENER = "02:00:00:00:00:61";
const GATEWAY_ID = asPeerId(3);
const PLAYER_ID = asPeerId(4);

/** A client in a room with a gateway and a player, and what it has counted. */
function client(allowLanDefaultRoute = false) {
  const [pool, counters] = [new BufferPool(64), new TrafficCounters()];
  const path = new FramePath({ pool, counters, arena: new QueueArena(64) });
  const core = new ClientCore({
    ...{ pool, counters, frameLog: new FrameLog(), tap: { send: () => true } },
    path,
    ...{ mac: parseMac(LISTENER)!, networks: new LanNetworks(), allowLanDefaultRoute },
    allowVlan: false,
    random: (count) => new Uint8Array(count),
  });
  const relay = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
  path.open(1439);
  core.handleAction({ type: "joined", welcome: WELCOME, relay }, 0);
  const gateway = { peerId: GATEWAY_ID, role: "gateway" } as const;
  core.handleAction({ type: "peerJoined", peer: gateway, known: false }, 0);
  return { core, counters, pool, path };
}

/** What a client makes of a frame of a peer's: the reason, or null. */
function atClient(frame: Uint8Array, peerId: PeerId, allowLanDefaultRoute = false): string | null {
  return hears(client(allowLanDefaultRoute), frame, peerId);
}

function hears(
  { core, counters }: ReturnType<typeof client>,
  frame: Uint8Array,
  peerId: PeerId,
  nowMs = 1000,
): string | null {
  const before = counters.snapshot().drops;
  const datagram = Uint8Array.of(1, 0, 0, peerId, ...frame);
  // To this client, where it is to somebody alone.
  if ((datagram[4] & 1) === 0) datagram.set(parseMac(LISTENER)!, 4);
  core.handleDatagram(datagram, 0, datagram.length, nowMs);
  const now = Object.entries(counters.snapshot().drops);
  return now.find(([reason, count]) => count !== (before as Record<string, number>)[reason])?.[0] ??
    null;
}

/** What a gateway makes of a frame of a player's. */
function atGateway(frame: Uint8Array): string | null {
  const harness = GatewayHarness.joined();
  harness.fromTunnel(frame, 1);
  return Object.keys(harness.drops())[0] ?? null;
}

const OF_PLAYERS = VECTORS.filters.filter(({ value }) =>
  value.from === "client" && !value.firstPiece && value.allowVlan !== true
);
const OF_THE_LAN = VECTORS.filters.filter(({ value }) =>
  value.from === "gateway" && !value.allowRouterAdvertisements
);
/** What the relay lets pass, but no client does, whose user has not allowed it. */
const TAKES_OVER: readonly [name: RegExp, reason: string][] = [
  [/^a VLAN tag/, "vlan-tag"],
  [/redirect/, "icmp-redirect"],
  [/wpad/, "proxy-name"],
];

//= PROTOCOL.md 12
//# It applies rules 8 to 20 to whole frames, too: to those of the gateway without 11 to 14, 19 and
//# 20, and with 10, 15 and 17 unless its user wants otherwise.
Deno.test("a client drops from players what the relay should have dropped", () => {
  for (const { name, hex, value } of OF_PLAYERS) {
    // Talk of switches is for the relay and the gateway: a player's system is no switch.
    const reason = value.reason === "switch-control" ? null : value.reason;
    assertEquals(atClient(Uint8Array.fromHex(hex), PLAYER_ID), reason, name);
  }
  assertGreater(OF_PLAYERS.length, 40);
});

//= PROTOCOL.md 12
//# **To the LAN** a gateway gives what the relay forwards, again by rule 7 and, for whole frames,
//# rules 8 to 20, whatever the relay does.
Deno.test("a gateway does not let into its LAN what the relay should have dropped", () => {
  for (const { name, hex, value } of OF_PLAYERS) {
    assertEquals(atGateway(Uint8Array.fromHex(hex)), value.reason, name);
  }
});

//= PROTOCOL.md 12
//# It applies rules 8 to 20 to whole frames, too: to those of the gateway without 11 to 14, 19 and
//# 20, and with 10, 15 and 17 unless its user wants otherwise.
Deno.test("a client takes from the LAN what the relay lets through, but for what takes over", () => {
  let [passed, dropped] = [0, 0];
  for (const { name, hex, value } of OF_THE_LAN) {
    if (value.reason === "switch-control" || value.reason === "router-advertisement") continue;
    const takesOver = TAKES_OVER.find(([pattern]) => pattern.test(name));
    const reason = value.reason ?? takesOver?.[1] ?? null;
    const frame = Uint8Array.fromHex(hex);
    // A lease that the scrubber would refuse is another matter.
    if (/DHCP/.test(name)) continue;
    assertEquals(atClient(frame, GATEWAY_ID), reason, name);
    const allowed = takesOver === undefined || takesOver[1] === "vlan-tag" ? reason : null;
    assertEquals(atClient(frame, GATEWAY_ID, true), allowed, `${name}, allowed`);
    if (reason === null) passed++;
    else dropped++;
  }
  assertGreater(passed, 5);
  assertGreater(dropped, 3);
});

Deno.test("who has not been announced counts as a player", () => {
  const offer = VECTORS.filters.find(({ name }) => name === "DHCP offer of the gateway")!;
  assertEquals(atClient(Uint8Array.fromHex(offer.hex), asPeerId(9)), "dhcp-server");
});

const ANY_PORT = 9999;

/** A packet of UDP of a name service, to all. */
function nameFrame(
  source: string,
  ports: readonly [from: number, to: number],
  payload: Uint8Array,
  version: 4 | 6 = 4,
): Uint8Array {
  const [from, to] = version === 4 ? ["10.77.0.9", "255.255.255.255"] : ["fe80::9", "ff02::1"];
  const fields = { source: from, destination: to, sourcePort: ports[0], destinationPort: ports[1] };
  const packet = version === 4
    ? udpPacket({ ...fields, payload })
    : ipv6({ source: from, destination: to, nextHeader: 17, payload: udp({ ...fields, payload }) });
  const type = version === 4 ? Type.ipv4 : Type.ipv6;
  return ethernet({ source, destination: BROADCAST_MAC, type, payload: packet });
}

const WPAD = dnsAnswer(0x8000, dnsName("wpad"));
const OTHER_NAME = dnsAnswer(0x8000, dnsName("nas"));
const STRANGER_MAC = "02:00:00:00:00:99";

for (const [port, version] of [[5355, 4], [5353, 4], [137, 4], [5355, 6], [5353, 6]] as const) {
  Deno.test(`an answer for wpad from any port is none for who has asked at ${port}, IPv${version}`, () => {
    const listener = client();
    const { core, pool, path } = listener;
    const asked = (from: number, nowMs: number) => {
      const question = nameFrame(LISTENER, [from, port], dnsQuestion(dnsName("wpad")), version);
      const slot = pool.acquire();
      const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
      pool.bytes.set(question, offset);
      core.handleTapFrame(slot, offset, question.length, nowMs);
      while (path.queue.dequeue(nowMs)) pool.release(path.queue.slot);
    };
    const answer = (to: number, payload: Uint8Array, nowMs: number, peerId = PLAYER_ID) => {
      const frame = nameFrame(STRANGER_MAC, [ANY_PORT, to], payload, version);
      return hears(listener, frame, peerId, nowMs);
    };
    assertEquals(answer(50_001, WPAD, 1000), null, "nobody has asked");
    asked(50_001, 1000);
    assertEquals(answer(50_001, WPAD, 1000), "proxy-name");
    assertEquals(answer(50_001, WPAD, 1000, GATEWAY_ID), "proxy-name");
    assertEquals(answer(50_001, OTHER_NAME, 1000), null);
    assertEquals(answer(50_002, WPAD, 1000), null);
    assertEquals(answer(50_001, WPAD, 1000 + QUESTION_AGE_MS), "proxy-name");
    assertEquals(answer(50_001, WPAD, 1001 + QUESTION_AGE_MS), null, "too late for an answer");
    // Many questions later the latest are known.
    for (let from = 50_000; from < 50_000 + 2 * QUESTIONS_MAX; from++) asked(from, 20_000);
    assertEquals(answer(50_000 + QUESTIONS_MAX, WPAD, 20_000), "proxy-name");
    assertEquals(answer(50_000, WPAD, 20_000), null);
  });
}

//= PROTOCOL.md 12
//# **Where names are asked for.** Of gateway and client rule 15 also holds for UDP to a port from
//# which their side, the LAN or the TAP, has sent to port 137, 5353 or 5355 within 10 s: who has
//# asked takes an answer from any port.
Deno.test("nor does a gateway let one into its LAN for a station that has asked", () => {
  const harness = GatewayHarness.joined();
  const answer = nameFrame("02:00:00:00:00:51", [ANY_PORT, 50_001], WPAD);
  harness.fromTunnel(answer, 1);
  assertEquals(harness.drops(), {});
  harness.fromLan(nameFrame(STRANGER_MAC, [50_001, 5355], dnsQuestion(dnsName("wpad"))));
  harness.fromTunnel(answer, 1);
  assertEquals(harness.drops(), { "proxy-name": 1 });
});
