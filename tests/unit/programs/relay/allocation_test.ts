/** From one connection's datagram to the other's batch, through core and shell: connections alone are made up. */
import { assertEquals } from "@std/assert";
import { encodeMessage } from "../../../../src/control/framing.ts";
import { loggerOf } from "../../../../src/log/logging.ts";
import { FrameLog } from "../../../../src/observe/frame_log.ts";
import { RelayNode } from "../../../../src/programs/relay/node.ts";
import type { Slot } from "../../../../src/proto/brands.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../../src/queue/queue_arena.ts";
import type { QuicConnection, QuicStream } from "../../../../src/quic/mod.ts";
import type { Reactor } from "../../../../src/reactor/mod.ts";
import { RelayCore } from "../../../../src/relay/core.ts";
import { helloOf } from "../../../support/deno_hello.ts";
import { assertAllocatesNothing } from "../../../support/heap.ts";
import { BROADCAST, plain, whole } from "../../relay/frames.ts";

const FRAMES = 20_000;
const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";

const pool = new BufferPool(256);
const WIDE = { deliveriesPerSecond: 1e9, bytesPerSecond: 1e12, burstMs: 1_000 };
const core = new RelayCore({
  peerLimits: {
    floodFramesPerSecond: 1e9,
    floodBytesPerSecond: 1e12,
    unknownFramesPerSecond: 1e9,
    bytesPerSecond: 1e12,
    burstMs: 1_000,
  },
  roomLimits: WIDE,
  addressLimits: WIDE,
}, {
  pool,
  arena: new QueueArena(256),
  random: (count) => crypto.getRandomValues(new Uint8Array(count)),
  frameLog: new FrameLog(),
  timeOriginMs: 1_700_000_000_000,
});
/** The time, as the object that it is where it is passed on. */
const time: { roundMs: unknown } = { roundMs: undefined };
const reactor = {
  addTask: () => () => {},
  wake: () => {},
  now: () => time.roundMs,
  get roundMs() {
    return time.roundMs;
  },
};
time.roundMs = 1000.3;
const node = new RelayNode(core, reactor as unknown as Reactor, pool, loggerOf("relay"));

/** A connection that sends at once whatever it is given. */
class FakeConnection {
  readonly maxDatagramBytes = 1_400;
  readonly unsentBytes = 0;
  readonly unsentInOrder = 0;
  sent = 0;

  batchDatagram(slot: Slot): boolean {
    pool.release(slot);
    this.sent++;
    return true;
  }

  sendBatch(): number {
    return 0;
  }

  statistics(): boolean {
    return false;
  }
}

/** Connects a player, who joins the room. */
function join(mac: string) {
  const address = { family: "ipv4", host: "192.0.2.1", port: 4000, scopeId: 0 } as const;
  const fake = new FakeConnection();
  const connection = fake as unknown as QuicConnection;
  const stream = { send: () => {} } as unknown as QuicStream;
  const handler = node.accept(address)!;
  handler.connected(connection);
  const hello = encodeMessage(helloOf({ room: "PARTY", mac }));
  handler.streamOpened(connection, stream)?.data(stream, hello, false);
  return { handler, connection, fake };
}

const a = join(A);
const others = [join(B).fake, join(C).fake];
const sentToOthers = () => others.reduce((sum, { sent }) => sum + sent, 0);

for (
  const [name, destination, targets] of [
    ["a frame for a player", B, 1],
    ["a broadcast", BROADCAST, 2],
  ] as const
) {
  Deno.test(`${name} goes through the relay's shell without an allocation`, () => {
    const datagram = whole(plain(destination, A, 300));
    const before = sentToOthers();
    let rounds = 0;
    let nowMs = 1000.3;
    assertAllocatesNothing(FRAMES, () => {
      rounds++;
      for (let i = 0; i < FRAMES; i++) {
        if ((i & 63) === 0) time.roundMs = nowMs += 1.3;
        const slot = pool.acquire();
        const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
        pool.bytes.set(datagram, offset);
        a.handler.datagram(a.connection, slot, offset, datagram.length);
        node.work(time.roundMs as number);
      }
    });
    assertEquals(sentToOthers() - before, targets * rounds * FRAMES);
    assertEquals(pool.freeSlots, pool.slotCount);
  });
}
