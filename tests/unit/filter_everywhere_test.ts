/** The golden vectors of the filters at gateway and client: neither depends on a relay that filters. */
import { assertEquals, assertGreater } from "@std/assert";
import { ClientCore } from "../../src/client/client_core.ts";
import { LanNetworks } from "../../src/client/lan_networks.ts";
import { FramePath } from "../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../src/obs/counters.ts";
import { FrameLog } from "../../src/obs/frame_log.ts";
import { parseMac } from "../../src/proto/mac.ts";
import { BufferPool } from "../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../src/queue/fair_queue.ts";
import { VECTORS } from "../vectors/proto_vectors.ts";
import { WELCOME } from "./endpoint_harness.ts";
import { GatewayHarness } from "./gateway_harness.ts";

/** The client of the vectors has 02:00:00:00:00:51; this is another one that hears it. */
const LISTENER = "02:00:00:00:00:61";
const GATEWAY_ID = 3;
const PLAYER_ID = 4;

/** What a client in a room with a gateway and a player makes of a frame: the reason, or null. */
function atClient(frame: Uint8Array, peerId: number, allowLanDefaultRoute = false): string | null {
  const [pool, counters] = [new BufferPool(8), new TrafficCounters()];
  const core = new ClientCore({
    ...{ pool, counters, frameLog: new FrameLog(), tap: { send: () => true } },
    path: new FramePath({ pool, counters, arena: new QueueArena(8) }),
    ...{ mac: parseMac(LISTENER)!, networks: new LanNetworks(), allowLanDefaultRoute },
    allowVlan: false,
    random: (count) => new Uint8Array(count),
  });
  const relay = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
  core.handleAction({ type: "joined", welcome: WELCOME, relay }, 1439);
  const gateway = { peerId: GATEWAY_ID, role: "gateway" } as const;
  core.handleAction({ type: "peerJoined", peer: gateway, known: false }, 1439);
  const datagram = Uint8Array.of(1, 0, 0, peerId, ...frame);
  // To this client, where it is to somebody alone.
  if ((datagram[4] & 1) === 0) datagram.set(parseMac(LISTENER)!, 4);
  core.handleDatagram(datagram, 0, datagram.length, 1000);
  return Object.keys(counters.snapshot().drops)[0] ?? null;
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

Deno.test("a client drops from players what the relay should have dropped", () => {
  for (const { name, hex, value } of OF_PLAYERS) {
    // Talk of switches is for the relay and the gateway: a player's system is no switch.
    const reason = value.reason === "switch-control" ? null : value.reason;
    assertEquals(atClient(Uint8Array.fromHex(hex), PLAYER_ID), reason, name);
  }
  assertGreater(OF_PLAYERS.length, 40);
});

Deno.test("a gateway does not let into its LAN what the relay should have dropped", () => {
  for (const { name, hex, value } of OF_PLAYERS) {
    assertEquals(atGateway(Uint8Array.fromHex(hex)), value.reason, name);
  }
});

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
  assertEquals(atClient(Uint8Array.fromHex(offer.hex), 9), "dhcp-server");
});
