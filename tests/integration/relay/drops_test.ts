/**
 * The relay drops a frame for each of its reasons, and counts it: one test for each, over real QUIC.
 *
 * ```
 *  gateway ─┐
 *  player A ┼── datagrams ──► relay ── /metrics: lanparty_drops_total{reason="…"}
 *  player B ┘
 * ```
 *
 * What only a relay at its bounds drops is provoked at the same core and shell inside this process.
 */
import { assert, assertEquals } from "@std/assert";
import { DROP_REASONS, DropCode } from "../../../src/observe/drops.ts";
import { asConnectionId, type ConnectionId, type Slot } from "../../../src/proto/brands.ts";
import {
  advertisementCases,
  type FilterCase,
  hiddenCases,
  playerOnlyCases,
  switchControlCases,
} from "../../e2e/party/filter_frames.ts";
import { playerTalkCases, vlanCases } from "../../e2e/party/talk_frames.ts";
import { splitFrame, writeDatagram } from "../../support/deno_codec.ts";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, mac, pattern } from "../../../tools/lab/frames.ts";
import { type InnerPeer, InnerRelay } from "../../support/inner_relay.ts";
import { INNER_WAYS, OUTER_WAYS } from "../../../tools/lab/relay_drop_ways.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_LAN = "00:11:22:33:44:55";
const MAC_NOBODY = "00:11:22:33:44:99";
const LIMITS = [
  ...["--max-broadcast-frames", "20", "--max-unknown-frames", "20", "--max-megabits", "1"],
  // A gateway may send four times as much as a player, and so meets these; a player's bursts do not.
  ...["--max-room-deliveries", "60", "--max-address-megabits", "2"],
  ...["--burst-ms", "500"],
];

type OuterReason = keyof typeof OUTER_WAYS;
type InnerReason = keyof typeof INNER_WAYS;

/** The peers of one room, at the compiled relay. */
interface Stage {
  readonly gateway: DenoEndpoint;
  readonly a: DenoEndpoint;
  readonly b: DenoEndpoint;
  /** Another connection, not joined yet. */
  connect(): Promise<DenoEndpoint>;
}

function frameOf(destination: string, source: string, bytes = 60): Uint8Array<ArrayBuffer> {
  return ethernet({ destination, source, type: 0x88b6, payload: pattern(bytes - 14) });
}

/** Sends what has a header of its own, and so many bytes behind it. */
function raw(header: readonly number[], bytes: number) {
  return async ({ a }: Stage) =>
    await a.sendDatagram(Uint8Array.from([...header, ...pattern(bytes)]));
}

function fromPlayer(...frames: readonly Uint8Array[]) {
  return async ({ a }: Stage) => {
    for (const frame of frames) await a.sendFrame(frame);
  };
}

function fromLan(source: string, destination = MAC_A) {
  return async ({ gateway }: Stage) => await gateway.sendFrame(frameOf(destination, source));
}

/** The filters' own examples of a reason, as a player's. */
function examples(reason: string) {
  const all = [
    ...[switchControlCases, playerOnlyCases, advertisementCases, hiddenCases],
    ...[playerTalkCases, vlanCases],
  ];
  const isTagged = ({ bad }: FilterCase) =>
    bad[12] === 0x81 || bad[12] === 0x88 && bad[13] === 0xa8;
  // A relay that lets no VLANs through drops what is in one for that.
  const frames = all.flatMap((cases) => cases(MAC_A))
    .filter((one) => one.reason === reason && (/tag/.test(reason) || !isTagged(one)))
    .map(({ bad }) => bad);
  assert(frames.length > 0, reason);
  return fromPlayer(...frames.slice(0, 3));
}

function flood(destination: string, bytes: number) {
  return fromPlayer(...Array.from({ length: 120 }, () => frameOf(destination, MAC_A, bytes)));
}

/** A later piece: flags, source 0, frame id 7, offset, the frame's header. */
function laterPiece(byteOffset: number, bytes: number) {
  const header = [1, 1, 0, 0, 0, 7, byteOffset >> 8, byteOffset & 0xff];
  return raw([...header, ...mac(MAC_B), ...mac(MAC_A), 0x88, 0xb6], bytes);
}

const OUTER: Readonly<Record<OuterReason, (stage: Stage) => Promise<void>>> = {
  "malformed-short": raw([1], 0),
  "malformed-version": raw([9, 0, 0, 0], 60),
  "malformed-flags": raw([1, 0x80, 0, 0], 60),
  "malformed-short-frame": raw([1, 0, 0, 0], 5),
  "malformed-first-piece": raw([1, 1, 0, 0, 0, 7, 0x80, 0], 100),
  "malformed-piece-offset": laterPiece(100, 50),
  "malformed-empty-piece": laterPiece(700, 0),
  "malformed-other": async ({ a }) => {
    const pieces = splitFrame(frameOf(MAC_B, MAC_A, 1_500), 1_000, 0, 0x8000);
    for (const piece of pieces) await a.sendDatagram(piece);
  },
  "before-welcome": async ({ connect }) => {
    await using early = await connect();
    await early.sendDatagram(writeDatagram({ sourcePeerId: 0, frame: frameOf(MAC_B, MAC_A) }));
    await pause(100);
  },
  "foreign-source": fromPlayer(frameOf(MAC_B, MAC_NOBODY)),
  "multicast-source": fromLan("01:00:5e:00:00:01"),
  "zero-source": fromLan("00:00:00:00:00:00"),
  "loop": fromLan(MAC_B),
  "own-destination": fromPlayer(frameOf(MAC_A, MAC_A)),
  "unknown-destination": fromLan(MAC_LAN, MAC_NOBODY),
  "no-gateway": async ({ connect }) => {
    await using alone = await connect();
    await alone.join({ room: "ALONE", mac: MAC_A });
    await alone.sendFrame(frameOf(MAC_LAN, MAC_A));
    await pause(100);
  },
  "no-target": async ({ connect }) => {
    await using alone = await connect();
    await alone.join({ room: "ALONE", mac: MAC_A });
    await alone.sendFrame(frameOf(BROADCAST_MAC, MAC_A));
    await pause(100);
  },
  "over-long": laterPiece(1_400, 200),
  "switch-control": examples("switch-control"),
  "dhcp-server": examples("dhcp-server"),
  "dhcpv6-server": examples("dhcpv6-server"),
  "router-advertisement": examples("router-advertisement"),
  "icmp-redirect": examples("icmp-redirect"),
  "vlan-tag": examples("vlan-tag"),
  "vlan-registration": examples("vlan-registration"),
  "router-protocol": examples("router-protocol"),
  "multicast-query": examples("multicast-query"),
  "proxy-name": examples("proxy-name"),
  "neighbour-forged": examples("neighbour-forged"),
  "too-many-tags": examples("too-many-tags"),
  "hidden-headers": examples("hidden-headers"),
  "sender-ending": async ({ connect }) => {
    await using rude = await connect();
    await rude.join({ room: "RUDE", mac: MAC_A });
    await rude.send({ type: "chat" });
    assertEquals((await rude.message())["code"], "protocol-error");
    await rude.sendFrame(frameOf(BROADCAST_MAC, MAC_A));
    await pause(100);
  },
  "broadcast-limit": flood(BROADCAST_MAC, 60),
  "unknown-unicast-limit": flood(MAC_NOBODY, 60),
  "bandwidth-limit": flood(MAC_B, 1_000),
  "room-limit": lanFlood(BROADCAST_MAC, 60, 120),
  "address-limit": lanFlood(MAC_A, 1_000, 500),
};

function lanFlood(destination: string, bytes: number, count: number) {
  return async ({ gateway }: Stage) => {
    for (let i = 0; i < count; i++) {
      await gateway.sendFrame(frameOf(destination, MAC_LAN, bytes));
    }
  };
}

/** How often the relay has dropped for a reason. */
async function dropsAt(url: string, reason: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const found = new RegExp(`^lanparty_drops_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(
    metrics,
  );
  assert(found !== null, `no metric of ${reason}`);
  return Number(found[1]);
}

Deno.test("the relay drops for each reason that anybody can provoke, and counts it", async (t) => {
  await using relay = await RelayProcess.start({ options: ["--status", "0", ...LIMITS] });
  const url = await relay.statusUrl();
  const connect = () => DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  for (const [reason, provoke] of Object.entries(OUTER)) {
    await t.step(`${reason}: ${OUTER_WAYS[reason as OuterReason]}`, async () => {
      await using gateway = await connect();
      await using a = await connect();
      await using b = await connect();
      await gateway.join({ room: "STAGE" });
      await a.join({ room: "STAGE", mac: MAC_A });
      await b.join({ room: "STAGE", mac: MAC_B });
      const before = await dropsAt(url, reason);
      await provoke({ gateway, a, b, connect });
      await eventually(reason, async () => await dropsAt(url, reason) > before);
    });
  }
});

/** Two players at a relay inside this process: frames go from `a` to `b`. */
interface InnerStage {
  readonly relay: InnerRelay;
  readonly a: InnerPeer;
  readonly b: InnerPeer;
  /** `b`'s handle at the relay. */
  readonly handle: ConnectionId;
}

/** Sends full frames to `b`, whom nobody turns, until the relay holds some back. */
async function congest({ relay, a, handle }: InnerStage): Promise<void> {
  const waits = () => relay.core.queueOf(handle)!.queuedEntries > 0;
  for (let i = 0; i < 200 && !waits(); i++) {
    for (let count = 0; count < 8; count++) a.sendFrame(frameOf(MAC_B, MAC_A, 1_200));
    await relay.turnWith([a], () => true, "");
    relay.host.reactor.turn(0);
    a.host.reactor.turn(0);
  }
  assert(waits(), "nothing waits");
}

const INNER: Readonly<Record<InnerReason, (stage: InnerStage) => Promise<void>>> = {
  "queue-late": async (stage) => {
    await congest(stage);
    const { relay, a } = stage;
    await relay.turnWith([a], () => relay.dropsOf(DropCode.queueLate) > 0, "what is late");
  },
  "queue-codel": async (stage) => {
    await congest(stage);
    const { relay, a, handle } = stage;
    const code = DropCode.queueCodel;
    await relay.turnWith([a], () => {
      // Two come for one that goes, so that the wait grows slowly.
      for (let count = 0; count < 2; count++) a.sendFrame(frameOf(MAC_B, MAC_A, 1_200));
      const queue = relay.core.queueOf(handle);
      const nowMs = relay.host.reactor.now();
      queue?.beginSending(nowMs);
      if (queue?.dequeue(nowMs)) relay.host.pool.release(queue.slot);
      return relay.dropsOf(code) > 0;
    }, "a drop of CoDel's");
  },
  "queue-overflow": async ({ relay, a }) => {
    for (let i = 0; i < 40; i++) a.sendFrame(frameOf(MAC_B, MAC_A, 1_200));
    const code = DropCode.queueOverflow;
    await relay.turnWith([a], () => relay.dropsOf(code) > 0, "an overflow");
  },
  "no-buffer": async ({ relay, a }) => {
    const { pool } = relay.host;
    const taken: Slot[] = [];
    while (pool.freeSlots > 0) taken.push(pool.acquire());
    a.sendFrame(frameOf(MAC_B, MAC_A, 1_300));
    await relay.turnWith([a], () => relay.dropsOf(DropCode.noBuffer) > 0, "no buffer");
    for (const slot of taken) pool.release(slot);
  },
  "target-too-narrow": async ({ relay, a, handle }) => {
    const code = DropCode.targetTooNarrow;
    await relay.turnWith([a], () => {
      // Path MTU discovery goes on, and knows better.
      relay.core.handleMaxDatagram(handle, 500, relay.host.reactor.now());
      a.sendFrame(frameOf(MAC_B, MAC_A, 1_200));
      return relay.dropsOf(code) > 0;
    }, "too narrow");
  },
  "target-left": async (stage) => {
    await congest(stage);
    const { core, host } = stage.relay;
    const [{ peers }] = core.rooms();
    const { identity } = peers.find(({ connection }) => connection === stage.handle)!;
    assert(core.admin.kick("INNER", identity.peerId, { by: "operator" }, host.reactor.now()));
  },
  "send-failed": async ({ relay, a, b }) => {
    // The end comes with the frames: msquic knows of it before the core does.
    b.connection.shutdown(0);
    for (let i = 0; i < 20; i++) {
      a.sendFrame(frameOf(MAC_B, MAC_A, 1_200));
      a.host.reactor.turn(0);
    }
    b.host.reactor.turn(0);
    const code = DropCode.sendFailed;
    await relay.turnWith([a, b], () => relay.dropsOf(code) > 0, "a failure to send");
  },
};

/** The longest wait, and with it CoDel's interval: a machine that is busy must not make the frames late. */
const CODEL_INTERVAL_MS = 300;

/** A relay whose bounds a test reaches. */
function optionsFor(reason: InnerReason) {
  switch (reason) {
    case "queue-overflow":
      return { queueBytesMax: 4_096 };
    case "queue-codel":
      return { queueSojournMaxMs: CODEL_INTERVAL_MS };
    default:
      return {};
  }
}

Deno.test("the relay drops for each reason that needs a relay at its bounds, and counts it", async (t) => {
  for (const [name, provoke] of Object.entries(INNER)) {
    const reason = name as InnerReason;
    await t.step(`${reason}: ${INNER_WAYS[reason]}`, async () => {
      await using relay = await InnerRelay.open(optionsFor(reason));
      const a = await relay.join(MAC_A);
      // A frame of 1,300 bytes must be cut for the second.
      const b = await relay.join(MAC_B, reason === "no-buffer" ? 700 : 1_400);
      const code = DROP_REASONS.indexOf(reason);
      const before = relay.dropsOf(code);
      await provoke({ relay, a, b, handle: asConnectionId(1) });
      assert(relay.dropsOf(code) > before, `nothing was dropped as ${reason}`);
    });
  }
});
