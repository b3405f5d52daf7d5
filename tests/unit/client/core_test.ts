import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClientCore } from "../../../src/client/client_core.ts";
import { DHCP_STATUS_MAX, REFUSALS_TOLD_MAX } from "../../../src/client/lan_answers.ts";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import type { DropReason } from "../../../src/observe/drops.ts";
import { FrameLog, type FrameRecord } from "../../../src/observe/frame_log.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { type Option, PLAYER_MAC, replyFrame } from "./dhcp_frames.ts";
import { WELCOME } from "../endpoint/harness.ts";

const MAC = Uint8Array.fromHex(PLAYER_MAC);
const STRANGER = "020000000099";
const HOST = "00163e000001";
const BROADCAST = "ffffffffffff";
const RELAY = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };

/** A client between a TAP and a tunnel of arrays. */
class Player {
  readonly pool = new BufferPool(64);
  readonly counters = new TrafficCounters();
  readonly written: Uint8Array[] = [];
  readonly records: FrameRecord[] = [];
  readonly path: FramePath;
  readonly core: ClientCore;
  tapTakes = true;

  constructor(
    allowLanDefaultRoute = false,
    logged = false,
    blocksDhcp = false,
    allowRouterAdvertisements = false,
  ) {
    const { pool, counters } = this;
    this.path = new FramePath({ pool, counters, arena: new QueueArena(64) });
    this.core = new ClientCore({
      pool,
      counters,
      path: this.path,
      frameLog: new FrameLog(logged ? (record) => this.records.push(record) : undefined),
      tap: {
        send: (bytes, offset, length) => {
          if (this.tapTakes) this.written.push(bytes.slice(offset, offset + length));
          return this.tapTakes;
        },
      },
      mac: MAC,
      networks: new LanNetworks(),
      allowLanDefaultRoute,
      allowRouterAdvertisements,
      random: (count) => new Uint8Array(count),
      blocksDhcp,
    });
    this.path.open(1439);
    this.core.handleAction({ type: "joined", welcome: WELCOME, relay: RELAY }, 1000);
    const gateway = { peerId: asPeerId(3), role: "gateway" } as const;
    this.core.handleAction({ type: "peerJoined", peer: gateway, known: false }, 1000);
  }

  /** The player's system sends a frame. */
  send(frame: Uint8Array): void {
    const slot = this.pool.acquire();
    const offset = this.pool.offsetOf(slot) + HEADROOM_BYTES;
    this.pool.bytes.set(frame, offset);
    this.core.handleTapFrame(slot, offset, frame.length, 1000);
  }

  /** A frame of the gateway, which is peer 3, or of another peer, comes out of the tunnel. */
  receive(frame: Uint8Array, peerId = 3): void {
    const datagram = Uint8Array.of(1, 0, 0, peerId, ...frame);
    this.core.handleDatagram(datagram, 0, datagram.length, 1000);
  }

  tunnelled(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    while (this.path.queue.dequeue(1000)) {
      const { slot, offset, length } = this.path.queue;
      frames.push(this.pool.bytes.slice(offset + 4, offset + length));
      this.pool.release(slot);
    }
    assertEquals(this.pool.freeSlots, this.pool.slotCount);
    return frames;
  }

  assertDrops(drops: Partial<Record<DropReason, number>>): void {
    assertEquals(this.counters.snapshot().drops, drops);
  }
}

function frame(destination: string, source: string, bytes = 60): Uint8Array {
  const made = new Uint8Array(bytes);
  made.set(Uint8Array.fromHex(destination + source + "88b6").subarray(0, bytes));
  return made;
}

Deno.test("a client has a MAC of six bytes", () => {
  const { pool, counters, path } = new Player();
  const tap = { send: () => true };
  const networks = new LanNetworks();
  const random = (count: number) => new Uint8Array(count);
  const options = {
    ...{ pool, counters, path, tap, networks, frameLog: new FrameLog(), random },
    allowLanDefaultRoute: false,
  };
  assertThrows(
    () => new ClientCore({ ...options, mac: new Uint8Array(5) }),
    RangeError,
  );
});

Deno.test("frames of the player's own MAC go into the tunnel", () => {
  const player = new Player();
  const frames = [frame(HOST, PLAYER_MAC), frame(BROADCAST, PLAYER_MAC, 14)];
  for (const sent of frames) player.send(sent);
  assertEquals(player.tunnelled(), frames);
  player.assertDrops({});
});

//= PROTOCOL.md 12
//# **From its TAP** a client takes frames with its own MAC as source, and never a packet of its own
//# connection to the relay; in what it asks DHCP servers for (option 55), a code that would not
//# pass is replaced by 1.
Deno.test("frames of other MACs, and of impossible lengths, stay here and are counted", () => {
  const player = new Player();
  player.send(frame(HOST, STRANGER));
  player.send(frame(HOST, "000000000000"));
  player.send(frame(HOST, PLAYER_MAC, 13));
  player.send(frame(HOST, PLAYER_MAC, 1523));
  player.send(frame(HOST, PLAYER_MAC, 1522));
  assertEquals(player.tunnelled().length, 2);
  player.assertDrops({ "foreign-source": 2, "short-frame": 1, "over-long": 1 });
});

Deno.test("what asks for an address stays here, where none is wanted", () => {
  const datagram = (source: string, destination: string) =>
    Uint8Array.fromHex(
      BROADCAST + PLAYER_MAC + "0800" + "4500001c00000000401100000a4d003200000000" + source +
        destination + "00080000" + "00".repeat(20),
    );
  const discover = datagram("0044", "0043");
  const game = datagram("0044", "6d38");
  const player = new Player(false, false, true);
  for (const sent of [discover, game]) player.send(sent);
  assertEquals(player.tunnelled(), [game]);
  player.assertDrops({ "dhcp-off": 1 });
  const usual = new Player();
  usual.send(discover);
  assertEquals(usual.tunnelled(), [discover]);
});

//= PROTOCOL.md 12
//# **From its TAP** a client takes frames with its own MAC as source, and never a packet of its own
//# connection to the relay; in what it asks DHCP servers for (option 55), a code that would not
//# pass is replaced by 1.
Deno.test("packets of the connection to the relay never enter the tunnel", () => {
  const player = new Player();
  const packet = (port: string) =>
    Uint8Array.fromHex(
      HOST + PLAYER_MAC + "0800" + "450000240000000040110000" + "c0000205" + "c6336407" +
        "c000" + port + "00100000" + "00".repeat(8),
    );
  assert(player.core.ownTraffic.setRelay("198.51.100.7", 443));
  player.send(packet("01bb"));
  player.send(packet("01bc"));
  player.core.ownTraffic.clear();
  player.send(packet("01bb"));
  assertEquals(player.tunnelled(), [packet("01bc"), packet("01bb")]);
  player.assertDrops({ "own-traffic": 1 });
});

Deno.test("frames for the player, for groups and for all reach the TAP as they are", () => {
  const player = new Player();
  const frames = [PLAYER_MAC, "01005e0000fb", "333300000001", BROADCAST]
    .map((destination) => frame(destination, HOST));
  for (const received of frames) player.receive(received);
  assertEquals(player.written, frames);
  player.assertDrops({});
});

//= PROTOCOL.md 12
//# **To its TAP** it gives multicast, broadcast and frames to its own MAC, and never a frame from
//# its own MAC.
Deno.test("frames for other players, and the player's own come back, do not", () => {
  const player = new Player();
  player.receive(frame(STRANGER, HOST));
  player.receive(frame(BROADCAST, PLAYER_MAC));
  assertEquals(player.written, []);
  player.assertDrops({ "not-for-us": 1, "own-echo": 1 });
});

Deno.test("a frame that the TAP does not take is counted", () => {
  const player = new Player();
  player.tapTakes = false;
  player.receive(frame(BROADCAST, HOST));
  player.assertDrops({ "tap-full": 1 });
});

const ACK: Option = [53, 5];
/** What the player's system says to a DHCP server: a message of this type. */
const dhcpRequest = (type: string) =>
  Uint8Array.fromHex(
    HOST + PLAYER_MAC + "0800" + "450001100000000040110000" + "0a4d004d" + "0a4d0001" +
      "0044" + "0043" + "00fc0000" + "01010600deadbeef" + "00".repeat(228) + "63825363" +
      `3501${type}ff`,
  );
const ROUTER: Option = [3, 10, 77, 0, 1];

Deno.test("a DHCP reply reaches the TAP without the LAN's router, and the player is told", () => {
  const player = new Player();
  player.receive(replyFrame({ options: [ACK, ROUTER] }));
  assertEquals(player.written, [replyFrame({ options: [ACK] })]);
  assertEquals(player.core.drainStatus(), [
    { type: "dhcp", message: "ack", address: "10.77.0.77", removedOptions: [3] },
  ]);
  assertEquals(player.core.drainStatus(), []);
});

Deno.test("a reply that came in pieces is scrubbed, too", () => {
  const player = new Player();
  const whole = replyFrame({ options: [ACK, ROUTER], optionsBytes: 700 });
  const place = (at: number, more: boolean) => [(at >> 8) | (more ? 0x80 : 0), at & 255];
  const first = Uint8Array.of(1, 1, 0, 3, 0, 9, ...place(0, true), ...whole.subarray(0, 600));
  const rest = whole.subarray(600);
  const second = Uint8Array.of(
    ...[1, 1, 0, 3, 0, 9, ...place(600, false)],
    ...whole.subarray(0, 14),
    ...rest,
  );
  for (const datagram of [second, first]) {
    player.core.handleDatagram(datagram, 0, datagram.length, 1000);
  }
  assertEquals(player.written, [replyFrame({ options: [ACK], optionsBytes: 700 })]);
});

Deno.test("replies that cannot be scrubbed are dropped and counted", () => {
  const player = new Player();
  const fragment = replyFrame({ options: [ACK, ROUTER] });
  fragment[20] = 0x20;
  player.receive(fragment);
  player.receive(replyFrame({ options: [ACK, [52, 9]] }));
  assertEquals(player.written, []);
  player.assertDrops({ "dhcp-fragment": 1, "dhcp-malformed": 1 });
});

Deno.test("who allows the LAN's default route gets it, and nothing that could not be looked at", () => {
  const player = new Player(true);
  const fragment = replyFrame({ options: [ACK, ROUTER] });
  fragment[20] = 0x20;
  const reply = replyFrame({ options: [ACK, ROUTER] });
  player.receive(reply);
  player.receive(fragment);
  player.receive(replyFrame({ options: [ACK, [52, 9]] }));
  player.send(dhcpRequest("03"));
  player.receive(replyFrame({ options: [ACK, ROUTER, [26, 35, 40]] }));
  assertEquals(player.written, [reply, reply]);
  player.assertDrops({ "dhcp-fragment": 1, "dhcp-malformed": 1 });
  const told = player.core.drainStatus().map((event) =>
    event.type === "dhcp" && event.removedOptions
  );
  assertEquals(told, [[], [26]]);
});

Deno.test("a lease that would take over the internet is dropped, counted, and told once", () => {
  const player = new Player();
  const hostile = replyFrame({
    options: [ACK, [1, 255, 255, 255, 0], ROUTER],
    yourAddress: [8, 8, 8, 58],
  });
  for (let count = 0; count < 3; count++) player.receive(hostile);
  // What is for somebody else is dropped as well, and is not this player's affair.
  player.receive(replyFrame({ options: [ACK], yourAddress: [9, 9, 9, 9], chaddr: STRANGER }));
  assertEquals(player.written, []);
  player.assertDrops({ "dhcp-network": 4 });
  assertEquals(player.core.drainStatus(), [
    { type: "networkRefused", network: "8.8.8.0/24", why: "foreign" },
  ]);
});

Deno.test("ever new networks are not told for ever", () => {
  const player = new Player();
  const told: string[] = [];
  for (let third = 0; third < 100; third++) {
    const options: Option[] = [ACK, [1, 255, 255, 255, 0]];
    player.receive(replyFrame({ options, yourAddress: [8, 8, third, 58] }));
    player.core.drainStatus().forEach((event) => told.push(event.type));
  }
  assertEquals(told.length, REFUSALS_TOLD_MAX);
  player.assertDrops({ "dhcp-network": 100 });
});

//= PROTOCOL.md 12
//# without option 53, or with another one than 2, 5 and 6; a 6 with an address in `yiaddr`, a 2 or
//# 5 without one. (A 5 without one answers the client's own DHCPINFORM, if it has the same `xid`:
//# it passes, with the options 52, 53, 54 and 61 alone.)
Deno.test("an answer without an address passes for who has one and asks for settings alone", () => {
  const player = new Player();
  const answer = replyFrame({ options: [ACK, [252, 104], ROUTER], yourAddress: [0, 0, 0, 0] });
  player.receive(answer);
  assertEquals(player.written, []);
  player.send(dhcpRequest("03"));
  player.receive(answer);
  assertEquals(player.written, []);
  player.send(dhcpRequest("08"));
  player.receive(answer);
  assertEquals(player.written, [replyFrame({ options: [ACK], yourAddress: [0, 0, 0, 0] })]);
  player.tunnelled();
});

//= PROTOCOL.md 12
//# **Router advertisements** (ICMPv6, type 134) reach the TAP only where the user wants them,
//# whole, with code 0, the IPv6 hop limit 255, and options that fill them.
Deno.test("router advertisements pass for who allows them, and first fragments of unseen things never", () => {
  const advertisement = Uint8Array.fromHex(
    "333300000001" + HOST + "86dd" + "6000000000103aff" + "fe80" + "00".repeat(13) + "01" + "ff02" +
      "00".repeat(13) + "01" + "86000000" + "40000708" + "00".repeat(8),
  );
  const player = new Player();
  player.receive(advertisement);
  assertEquals(player.written, []);
  player.assertDrops({ "router-advertisement": 1 });
  const allowing = new Player(false, false, false, true);
  allowing.receive(advertisement);
  assertEquals(allowing.written.map((frame) => [...frame.subarray(58, 62)]), [[0, 0, 0, 0]]);
  const hidden = advertisement.slice();
  // The fragment header says that more follows, and the options behind it do not end.
  hidden[20] = 44;
  hidden.set([60, 0, 0, 1, 0, 0, 0, 1, 58, 9], 54);
  allowing.receive(hidden);
  allowing.assertDrops({ "hidden-headers": 1 });
});

Deno.test("replies to others are scrubbed but not told", () => {
  const player = new Player();
  player.receive(replyFrame({ options: [ACK, ROUTER], chaddr: STRANGER }));
  assertEquals(player.written, [replyFrame({ options: [ACK], chaddr: STRANGER })]);
  assertEquals(player.core.drainStatus(), []);
});

Deno.test("whoever answers again and again is told once for each question, and never too much", () => {
  const player = new Player();
  for (let count = 0; count < 10; count++) player.receive(replyFrame({ options: [ACK] }));
  assertEquals(player.written.length, 10);
  assertEquals(player.core.drainStatus().length, 1);
  for (let count = 0; count < 3 * DHCP_STATUS_MAX; count++) {
    player.send(dhcpRequest("03"));
    player.receive(replyFrame({ options: [ACK] }));
    player.tunnelled();
  }
  assertEquals(player.core.drainStatus().length, DHCP_STATUS_MAX);
});

Deno.test("outside a room nothing flows in either direction", () => {
  for (
    const action of [
      { type: "left", reason: "", final: false },
      { type: "ended", exitCode: 0, message: "", told: true },
    ] as const
  ) {
    const player = new Player();
    player.path.close();
    player.core.handleAction(action, 1000);
    player.send(frame(HOST, PLAYER_MAC));
    player.receive(frame(BROADCAST, HOST));
    assertEquals(player.tunnelled(), []);
    assertEquals(player.written, []);
    player.assertDrops({ "not-joined": 1, "before-welcome": 1 });
  }
});

Deno.test("the frame log has a line for each frame, with its direction and its fate", () => {
  const player = new Player(false, true);
  player.send(frame(HOST, PLAYER_MAC));
  player.send(frame(HOST, STRANGER));
  player.receive(frame(BROADCAST, HOST));
  player.receive(frame(STRANGER, HOST));
  const lines = player.records.map((
    { room, peer, direction, action, dropReason, targets },
  ) => [room, peer, direction, action, dropReason, targets]);
  assertEquals(lines, [
    ["LAN", 7, "from-link", "forward", undefined, 1],
    ["LAN", 7, "from-link", "drop", "foreign-source", 0],
    ["LAN", 3, "from-tunnel", "forward", undefined, 1],
    ["LAN", 3, "from-tunnel", "drop", "not-for-us", 0],
  ]);
  assertEquals(player.records[0], {
    timeMs: 1000,
    room: "LAN",
    peer: 7,
    direction: "from-link",
    sourceMac: "02:00:00:00:00:51",
    destinationMac: "00:16:3e:00:00:01",
    etherType: 0x88b6,
    lengthBytes: 60,
    action: "forward",
    targets: 1,
  });
});
