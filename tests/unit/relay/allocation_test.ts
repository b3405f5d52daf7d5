import type { RelayOptions } from "../../../src/relay/limits.ts";
import type { PeerLimits } from "../../../src/relay/peer_limits.ts";
import { assertAllocatesNothing } from "../../support/heap.ts";
import { BROADCAST, ethernet, ipv4, piece, plain, udp, whole } from "./frames.ts";
import { RelayHarness } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";
const LAN = "00:1b:21:00:00:01";

const FRAMES = 20_000;

/** Sends a datagram many times: the heap must stay as it was. */
function assertNoTrace(
  datagram: Uint8Array,
  peerLimits: PeerLimits,
  fromGateway = false,
  shares: Pick<Partial<RelayOptions>, "roomLimits" | "addressLimits"> = {},
): void {
  const relay = new RelayHarness({ peerLimits, ...shares });
  const { core, pool } = relay;
  const gateway = relay.gateway();
  const a = fromGateway ? gateway : relay.client(A);
  relay.client(B);
  relay.client(C, {}, { maxDatagramBytes: 700 });
  let nowMs = relay.nowMs;
  assertAllocatesNothing(FRAMES, () => {
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
  });
  relay.assertNoSlotLost();
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
    assertNoTrace(datagram, WIDE);
  });
}

Deno.test("limits: what is dropped by a limit allocates nothing", () => {
  assertNoTrace(whole(plain(BROADCAST, A, 300)), NARROW);
  assertNoTrace(whole(plain(LAN, A, 300)), NARROW);
  assertNoTrace(whole(plain(B, A, 300)), { ...WIDE, bytesPerSecond: 10_000 });
  const narrow = { deliveriesPerSecond: 50, bytesPerSecond: 10_000, burstMs: 1_000 };
  for (const shares of [{ roomLimits: narrow }, { addressLimits: narrow }]) {
    assertNoTrace(whole(plain(BROADCAST, A, 300)), WIDE, false, shares);
    assertNoTrace(whole(plain(B, A, 300)), WIDE, false, shares);
  }
});

Deno.test("limits: learning the LAN's addresses allocates nothing", () => {
  assertNoTrace(whole(plain(B, LAN, 300)), WIDE, true);
});
