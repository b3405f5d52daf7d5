import { assert } from "@std/assert";
import { ClientCore } from "../../../src/client/client_core.ts";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import { Endpoint } from "../../../src/endpoint/endpoint.ts";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { FrameLog } from "../../../src/observe/frame_log.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { assertAllocatesNothing, ObjectClock } from "../../support/heap.ts";
import { PLAYER_MAC, replyFrame } from "./dhcp_frames.ts";
import { Stage, WELCOME } from "../endpoint/harness.ts";

const FRAMES = 20_000;

const pool = new BufferPool(64);
const path = new FramePath({
  pool,
  arena: new QueueArena(64),
  counters: new TrafficCounters(),
});
const core = new ClientCore({
  pool,
  path,
  counters: new TrafficCounters(),
  frameLog: new FrameLog(),
  tap: { send: () => true },
  mac: Uint8Array.fromHex(PLAYER_MAC),
  networks: new LanNetworks(),
  allowLanDefaultRoute: false,
  random: (count) => new Uint8Array(count),
});
const relay = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
path.open(1200);
core.handleAction({ type: "joined", welcome: WELCOME, relay }, 0);
core.ownTraffic.setRelay("198.51.100.7", 443);

/** Does something many times: the heap must stay as it was. */
function assertNoTrace(act: (nowMs: number) => void): void {
  const clock = new ObjectClock();
  assertAllocatesNothing(FRAMES, () => {
    for (let count = 0; count < FRAMES; count++) {
      if ((count & 63) === 0) clock.advance(1.3);
      act(clock.nowMs);
    }
  });
}

function udpFrame(bytes: number, destination: string, source: string): Uint8Array {
  const frame = new Uint8Array(bytes);
  frame.set(Uint8Array.fromHex(
    destination + source + "0800450000000000000040110000c0000205c6336408c000271000000000",
  ));
  new DataView(frame.buffer).setUint16(16, bytes - 14);
  return frame;
}

const HOST = "00163e000001";
const OUT: [string, Uint8Array][] = [
  ["a frame that goes whole", udpFrame(1000, HOST, PLAYER_MAC)],
  ["a frame that is split", udpFrame(1514, HOST, PLAYER_MAC)],
  ["a frame of a foreign MAC", udpFrame(100, HOST, HOST)],
];
for (const [name, frame] of OUT) {
  Deno.test(`from the TAP into the tunnel: ${name} allocates nothing`, () => {
    assertNoTrace((nowMs) => {
      const slot = pool.acquire();
      const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
      pool.bytes.set(frame, offset);
      core.handleTapFrame(slot, offset, frame.length, nowMs);
      while (path.queue.dequeue(nowMs)) pool.release(path.queue.slot);
    });
    assert(pool.freeSlots === pool.slotCount);
  });
}

function whole(frame: Uint8Array): Uint8Array {
  return Uint8Array.of(1, 0, 0, 3, ...frame);
}

const split = udpFrame(1514, PLAYER_MAC, HOST);
const first = Uint8Array.of(1, 1, 0, 3, 0, 1, 0x84, 0x00, ...split.subarray(0, 1024));
first.set([0x80, 0x00], 6);
const second = Uint8Array.of(
  ...[1, 1, 0, 3, 0, 1, 0x04, 0x00],
  ...split.subarray(0, 14),
  ...split.subarray(1024),
);
const IN: [string, Uint8Array[]][] = [
  ["a whole frame", [whole(udpFrame(1000, PLAYER_MAC, HOST))]],
  ["a frame in pieces", [first, second]],
  ["a frame for somebody else", [whole(udpFrame(1000, HOST, HOST))]],
  ["a malformed datagram", [Uint8Array.of(2, 0, 0, 3)]],
  ["a scrubbed DHCP reply to another player", [
    whole(replyFrame({ options: [[53, 5], [3, 10, 77, 0, 1]], chaddr: HOST })),
  ]],
];
for (const [name, datagrams] of IN) {
  Deno.test(`from the tunnel to the TAP: ${name} allocates nothing`, () => {
    const buffer = new Uint8Array(2048);
    assertNoTrace((nowMs) => {
      for (let index = 0; index < datagrams.length; index++) {
        buffer.set(datagrams[index], 16);
        core.handleDatagram(buffer, 16, datagrams[index].length, nowMs);
      }
    });
  });
}

Deno.test("a turn in which nothing is due allocates nothing", () => {
  const stage = new Stage();
  const clock = new ObjectClock();
  stage.nowMs = clock.nowMs;
  const endpoint = new Endpoint(stage.session, path, core);
  stage.start();
  stage.greet();
  stage.relaySays(WELCOME);
  core.handleAddresses(["10.77.0.50/24"], stage.nowMs);
  let actions = 0;
  const count = () => actions++;
  assertAllocatesNothing(FRAMES, () => {
    for (let turn = 0; turn < FRAMES; turn++) {
      if ((turn & 63) === 0) clock.advance(0.013);
      endpoint.handleTimer(clock.nowMs);
      endpoint.drainActions(clock.nowMs, count);
      if (endpoint.nextDeadlineMs() <= clock.nowMs) actions++;
    }
  });
});
