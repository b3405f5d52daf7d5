import { assert, assertEquals } from "@std/assert";
import { LAN_MAC_AGE_MS, LAN_MACS_MAX, LanMacs } from "../../../src/relay/lan_macs.ts";
import {
  BucketSizes,
  GATEWAY_SHARE,
  PEER_LIMITS,
  PeerBucket,
  PeerBuckets,
  type PeerLimits,
} from "../../../src/relay/peer_limits.ts";
import { BROADCAST, piece, plain, whole } from "./frames.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const LAN = "00:1b:21:00:00:01";
const SILENT = "00:1b:21:00:00:99";
const MULTICAST = "01:00:5e:00:00:fb";

/** No limit but those named. */
function limits(some: Partial<PeerLimits>): PeerLimits {
  const none = { floodFramesPerSecond: 0, floodBytesPerSecond: 0, unknownFramesPerSecond: 0 };
  return { ...none, bytesPerSecond: 0, burstMs: 1_000, ...some };
}

/** A gateway and two clients; `send` tells how many of `count` equal datagrams get through. */
function party(peerLimits: PeerLimits) {
  const relay = new RelayHarness({ peerLimits });
  const gateway = relay.gateway();
  const [a, b] = [A, B].map((address) => relay.client(address));
  const send = (
    from: ScriptedEndpoint,
    to: ScriptedEndpoint,
    datagram: Uint8Array,
    count: number,
  ) => {
    to.received();
    for (let i = 0; i < count; i++) from.send(datagram);
    return to.received().length;
  };
  return { relay, gateway, a, b, send };
}

//= PROTOCOL.md 11
//# **Limits.** So that one peer cannot flood the others or the relay's line, a relay should limit
//# what each peer sends, with some room for bursts.
//= PROTOCOL.md 11
//# | `broadcast-limit` | 21 | broadcast and multicast: datagrams (pieces count each), and the bytes
//# that count | 500 a second, 500,000 bytes a second
//= PROTOCOL.md 11
//# A second's worth may come at once.
//= PROTOCOL.md 11
//# This project's drops what is too much, with these reasons:
Deno.test("limits: broadcasts pass in a burst, then at their rate, and the rest is counted", () => {
  const { relay, gateway, a, b, send } = party(limits({ floodFramesPerSecond: 10 }));
  const broadcast = whole(plain(BROADCAST, A, 60));
  assertEquals(send(a, b, broadcast, 25), 10);
  assertEquals(relay.drops(), { "broadcast-limit": 15 });
  relay.nowMs += 300;
  assertEquals(send(a, b, broadcast, 25), 3);
  relay.nowMs += 60_000;
  // Multicast is the same bucket; unicast and other peers have nothing to do with it.
  assertEquals(send(a, b, whole(plain(MULTICAST, A, 60)), 25), 10);
  assertEquals(send(a, b, whole(plain(B, A, 60)), 25), 25);
  assertEquals(send(b, gateway, whole(plain(BROADCAST, B, 60)), 25), 10);
  relay.assertNoSlotLost();
});

Deno.test("limits: broadcasts are limited in bytes, pieces of them as well", () => {
  const { relay, a, b, send } = party(limits({ floodBytesPerSecond: 10_000 }));
  assertEquals(send(a, b, whole(plain(BROADCAST, A, 1_000)), 20), 10);
  relay.nowMs += 1_000;
  const first = piece(plain(BROADCAST, A, 1_500), 0, 1_000);
  assertEquals(send(a, b, first, 20), 10);
  relay.nowMs += 1_000;
  // What is at rest is not taken for a frame that does not pass.
  assertEquals(send(a, b, whole(plain(BROADCAST, A, 1_000)), 9), 9);
  assertEquals(send(a, b, whole(plain(BROADCAST, A, 1_400)), 1), 0);
  assertEquals(send(a, b, whole(plain(BROADCAST, A, 1_000)), 1), 1);
  assertEquals(relay.drops(), { "broadcast-limit": 21 });
});

Deno.test("limits: pieces count as frames, or a flood of later pieces would pass", () => {
  const { a, b, send } = party(limits({ floodFramesPerSecond: 10 }));
  assertEquals(send(a, b, piece(plain(BROADCAST, A, 1_500), 700, 1_500), 25), 10);
});

//= PROTOCOL.md 11
//# A gateway, which speaks for a whole LAN, has four times as much.
Deno.test("limits: a gateway speaks for a whole LAN and has a larger share", () => {
  const { gateway, b, send } = party(limits({ floodFramesPerSecond: 10 }));
  assertEquals(send(gateway, b, whole(plain(BROADCAST, LAN, 60)), 100), 10 * GATEWAY_SHARE);
});

Deno.test("limits: a broadcast that nobody gets takes nothing", () => {
  const relay = new RelayHarness({ peerLimits: limits({ floodFramesPerSecond: 1 }) });
  const a = relay.client(A);
  for (let i = 0; i < 10; i++) a.send(whole(plain(BROADCAST, A, 60)));
  assertEquals(relay.drops(), { "no-target": 10 });
  const b = relay.client(B);
  a.send(whole(plain(BROADCAST, A, 60)));
  assertEquals(b.received().length, 1);
});

//= PROTOCOL.md 11
//# | `unknown-unicast-limit` | 21 | datagrams from a client to the gateway for a MAC from which the
//# gateway has sent nothing in the last 10 minutes | 500 a second
Deno.test("limits: what goes to MACs that nobody has is limited, until they speak", () => {
  const { relay, gateway, a, send } = party(limits({ unknownFramesPerSecond: 10 }));
  assertEquals(send(a, gateway, whole(plain(LAN, A, 60)), 25), 10);
  assertEquals(relay.drops(), { "unknown-unicast-limit": 15 });
  gateway.send(whole(plain(A, LAN, 60)));
  assertEquals(send(a, gateway, whole(plain(LAN, A, 60)), 500), 500);
  assertEquals(send(a, gateway, whole(plain(SILENT, A, 60)), 25), 0);
  // A frame that a filter drops teaches nothing.
  gateway.send(whole(plain("01:80:c2:00:00:00", SILENT, 60)));
  assertEquals(send(a, gateway, whole(plain(SILENT, A, 60)), 25), 0);
  gateway.send(whole(plain(BROADCAST, SILENT, 60)));
  assertEquals(send(a, gateway, whole(plain(SILENT, A, 60)), 25), 25);
});

Deno.test("limits: a room without a gateway has no unknown unicast to limit", () => {
  const relay = new RelayHarness({ peerLimits: limits({ unknownFramesPerSecond: 1 }) });
  const a = relay.client(A);
  for (let i = 0; i < 5; i++) a.send(whole(plain(LAN, A, 60)));
  assertEquals(relay.drops(), { "no-gateway": 5 });
});

//= PROTOCOL.md 11
//# | `bandwidth-limit` | 1 | bytes of all datagrams, headers included | 250,000,000 a second
Deno.test("limits: all that a peer sends is limited in bytes, headers included", () => {
  const { relay, gateway, a, b, send } = party(limits({ bytesPerSecond: 10_000 }));
  const datagram = whole(plain(B, A, 996));
  assertEquals(datagram.length, 1_000);
  assertEquals(send(a, b, datagram, 15), 10);
  relay.nowMs += 500;
  assertEquals(send(a, b, datagram, 15), 5);
  assertEquals(relay.drops(), { "bandwidth-limit": 15 });
  // Frames that would be dropped anyway count as well: they have used the relay's line.
  relay.nowMs += 1_000;
  assertEquals(send(a, b, whole(plain(B, LAN, 996)), 10), 0);
  assertEquals(send(a, b, datagram, 1), 0);
  assertEquals(send(b, a, whole(plain(A, B, 996)), 15), 10);
  assertEquals(send(gateway, a, whole(plain(A, LAN, 996)), 50), 40);
});

Deno.test("limits: nothing is limited where the limit is 0", () => {
  const { relay, a, b, send } = party(limits({}));
  assertEquals(send(a, b, whole(plain(BROADCAST, A, 1_400)), 3_000), 3_000);
  relay.nowMs += 5;
  assertEquals(send(a, b, whole(plain(LAN, A, 60)), 3_000), 0);
  assertEquals(relay.drops(), {});
});

Deno.test("limits: the defaults let a game's load and a bulk copy pass", () => {
  const { relay, gateway, a, b, send } = party(PEER_LIMITS);
  // A minute of 20 broadcasts a second, and 100 Mbyte/s of unicast.
  for (let second = 0; second < 60; second++) {
    assertEquals(send(a, gateway, whole(plain(BROADCAST, A, 300)), 20), 20);
    assertEquals(send(gateway, a, whole(plain(BROADCAST, LAN, 300)), 80), 80);
    assertEquals(send(a, b, whole(plain(B, A, 1_400)), 700), 700);
    relay.nowMs += 10;
    relay.nowMs += 990;
  }
  assertEquals(relay.drops(), {});
});

Deno.test("limits: control messages are limited as the host says", () => {
  const relay = new RelayHarness({ controlMessagesMax: 3 });
  const a = relay.client(A);
  for (let i = 0; i < 3; i++) a.control({ type: "stats" });
  assertEquals(a.last("welcome").type, "welcome");
  a.control({ type: "stats" });
  assertEquals(a.last("disconnect").code, "protocol-error");
});

// ---- the buckets themselves ------------------------------------------------------------------

Deno.test("buckets: they fill up with time, to their brim, and never for time that runs backwards", () => {
  const sizes = new BucketSizes(limits({ floodFramesPerSecond: 100, burstMs: 50 }), 1);
  const buckets = new PeerBuckets(sizes, 1_000.25);
  const takeAll = () => {
    let taken = 0;
    while (buckets.take(PeerBucket.floodFrames, 1)) taken++;
    return taken;
  };
  assertEquals(takeAll(), 5);
  buckets.fill(990);
  buckets.fill(1_000.25);
  assertEquals(takeAll(), 0);
  // In steps as small as these nothing gets lost.
  for (let step = 1; step <= 84; step++) buckets.fill(1_000.25 + step / 4);
  assertEquals(takeAll(), 2);
  buckets.fill(1e9);
  assertEquals(takeAll(), 5);
});

Deno.test("buckets: however small a limit, the longest datagram passes some time", () => {
  const sizes = new BucketSizes(
    limits({ floodBytesPerSecond: 1, bytesPerSecond: 1, burstMs: 1 }),
    1,
  );
  const buckets = new PeerBuckets(sizes, 0);
  assert(buckets.take(PeerBucket.bytes, 1_530));
  assert(buckets.takeFlood(1_522));
});

Deno.test("buckets: a limit of frames below one a second still lets single ones through", () => {
  const buckets = new PeerBuckets(new BucketSizes(limits({ unknownFramesPerSecond: 0.5 }), 1), 0);
  assert(buckets.take(PeerBucket.unknownFrames, 1));
  buckets.fill(1_999);
  assertEquals(buckets.take(PeerBucket.unknownFrames, 1), false);
  buckets.fill(2_000);
  assert(buckets.take(PeerBucket.unknownFrames, 1));
});

// ---- the MACs of the LAN ---------------------------------------------------------------------

/** A frame from one station to another, by their numbers. */
function frame(to: number, from: number): Uint8Array {
  const text = (number: number) =>
    `00:1b:21:00:${(number >> 8).toString(16).padStart(2, "0")}:${
      (number & 255).toString(16).padStart(2, "0")
    }`;
  return plain(text(to), text(from), 60);
}

Deno.test("LAN: addresses are forgotten when they have been silent for long", () => {
  const macs = new LanMacs(0);
  macs.learn(frame(0, 1), 0, 0);
  macs.learn(frame(0, 2), 0, LAN_MAC_AGE_MS - 1);
  macs.learn(frame(0, 2), 0, LAN_MAC_AGE_MS);
  assert(macs.knows(frame(1, 9), 0), "it was heard within the last period");
  macs.learn(frame(0, 2), 0, 2 * LAN_MAC_AGE_MS);
  assertEquals(macs.knows(frame(1, 9), 0), false);
  assert(macs.knows(frame(2, 9), 0));
});

Deno.test("LAN: however many addresses there are, so many are remembered, and those that speak first of all", () => {
  const macs = new LanMacs(0);
  for (let number = 1; number <= 20 * LAN_MACS_MAX; number++) {
    macs.learn(frame(0, number), 0, 0);
    macs.learn(frame(0, 7), 0, 0);
  }
  let known = 0;
  for (let number = 1; number <= 20 * LAN_MACS_MAX; number++) {
    if (macs.knows(frame(number, 0), 0)) known++;
  }
  assert(known > LAN_MACS_MAX / 2 && known <= 2 * LAN_MACS_MAX, `${known}`);
  assert(macs.knows(frame(7, 0), 0));
});
