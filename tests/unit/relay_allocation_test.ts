import { assert } from "@std/assert";
import type { PeerLimits } from "../../src/relay/peer_limits.ts";
import { BROADCAST, ethernet, ipv4, piece, plain, udp, whole } from "./relay_frames.ts";
import { RelayHarness } from "./relay_harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";
const LAN = "00:1b:21:00:00:01";

const FRAMES = 20_000;
/** An object of no fields has 12 bytes or more. */
const FRAME_BYTES_MAX = 2;
/** The compiler's threads may have to wait for a busy machine: for so long rounds go on in any case. */
const ROUNDS_MAX = 60;
const ROUNDS_MS = 15_000;
const ROUNDS_WITHOUT = 3;

/**
 * Whether sending a datagram many times leaves the heap as it was. A round that a collection falls into
 * shows less than nothing and does not count; the first rounds belong to the compiler.
 */
function leavesNoTrace(datagram: Uint8Array, peerLimits: PeerLimits, fromGateway = false): boolean {
  const relay = new RelayHarness({ peerLimits });
  const { core, pool } = relay;
  const gateway = relay.gateway();
  const a = fromGateway ? gateway : relay.client(A);
  relay.client(B);
  relay.client(C, {}, { maxDatagramBytes: 700 });
  let nowMs = relay.nowMs;
  let without = 0;
  const endMs = performance.now() + ROUNDS_MS;
  const mayTry = (round: number) => round < ROUNDS_MAX || performance.now() < endMs;
  for (let round = 0; without < ROUNDS_WITHOUT && mayTry(round); round++) {
    const beforeBytes = Deno.memoryUsage().heapUsed;
    for (let i = 0; i < FRAMES; i++) {
      // No whole number: such times are objects wherever they are kept outside of typed arrays.
      if ((i & 63) === 0) nowMs += 1.3;
      const slot = pool.acquire();
      const offset = pool.offsetOf(slot) + 4;
      pool.bytes.set(datagram, offset);
      core.handleDatagram(a.connection, slot, offset, datagram.length, nowMs);
      for (let ready = core.nextReady(); ready >= 0; ready = core.nextReady()) {
        const queue = core.queueOf(ready)!;
        while (queue.dequeue(nowMs)) pool.release(queue.slot);
      }
    }
    const perFrame = (Deno.memoryUsage().heapUsed - beforeBytes) / FRAMES;
    if (perFrame >= 0 && perFrame < FRAME_BYTES_MAX) without++;
  }
  relay.assertNoSlotLost();
  return without >= ROUNDS_WITHOUT;
}

const CASES: [string, Uint8Array][] = [
  ["unicast", whole(ethernet(B, A, 0x0800, ipv4(17, udp(4000, 5000, 900))))],
  ["broadcast, cut for one of its targets", whole(plain(BROADCAST, A, 1400))],
  ["unknown unicast", whole(plain(LAN, A, 300))],
  ["a later piece", piece(plain(B, A, 1500), 700, 1500)],
  ["a piece that is cut further", piece(plain(C, A, 1500), 0, 1400)],
  ["a frame from a foreign MAC", whole(plain(B, C, 100))],
  ["a frame that a filter drops", whole(ethernet(B, A, 0x0800, ipv4(17, udp(67, 68))))],
];

/** Far away, so that everything passes and every bucket is used. */
const WIDE: PeerLimits = {
  floodFramesPerSecond: 1e9,
  floodBytesPerSecond: 1e12,
  unknownFramesPerSecond: 1e9,
  bytesPerSecond: 1e12,
  burstMs: 1_000,
};
/** So narrow that nearly everything is dropped. */
const NARROW: PeerLimits = {
  floodFramesPerSecond: 50,
  floodBytesPerSecond: 1e12,
  unknownFramesPerSecond: 50,
  bytesPerSecond: 1e12,
  burstMs: 1_000,
};

for (const [name, datagram] of CASES) {
  Deno.test(`forwarding: ${name} allocates nothing`, () => {
    assert(leavesNoTrace(datagram, WIDE));
  });
}

Deno.test("limits: what is dropped by a limit allocates nothing", () => {
  assert(leavesNoTrace(whole(plain(BROADCAST, A, 300)), NARROW));
  assert(leavesNoTrace(whole(plain(LAN, A, 300)), NARROW));
  assert(leavesNoTrace(whole(plain(B, A, 300)), { ...WIDE, bytesPerSecond: 10_000 }));
});

Deno.test("limits: learning the LAN's addresses allocates nothing", () => {
  assert(leavesNoTrace(whole(plain(B, LAN, 300)), WIDE, true));
});
