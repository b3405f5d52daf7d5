import { assert, assertEquals } from "@std/assert";
import type { RelayOptions } from "../../../src/relay/limits.ts";
import { GATEWAY_SHARE, PEER_LIMITS } from "../../../src/relay/peer_limits.ts";
import {
  AddressShares,
  Share,
  SHARE_LIMITS,
  type ShareLimits,
  ShareRefusal,
} from "../../../src/relay/shares.ts";
import { BROADCAST, plain, whole } from "./frames.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const LAN = "00:1b:21:00:00:01";
const NO_PEER_LIMITS = {
  floodFramesPerSecond: 0,
  floodBytesPerSecond: 0,
  unknownFramesPerSecond: 0,
  bytesPerSecond: 0,
  burstMs: 1_000,
};
const FREE: ShareLimits = { deliveriesPerSecond: 0, bytesPerSecond: 0, burstMs: 1_000 };

function macOf(number: number): string {
  return `02:00:00:00:${(number >> 8).toString(16).padStart(2, "0")}:${
    (number & 0xff).toString(16).padStart(2, "0")
  }`;
}

/** A relay that limits nothing but what is named. */
function relayWith(options: Partial<RelayOptions>): RelayHarness {
  const free = { peerLimits: NO_PEER_LIMITS, roomLimits: FREE, addressLimits: FREE };
  return new RelayHarness({ ...free, ...options });
}

/** How many of `count` equal datagrams reach `to`. */
function arrivals(
  from: ScriptedEndpoint,
  to: ScriptedEndpoint,
  datagram: Uint8Array,
  count: number,
): number {
  to.received();
  for (let i = 0; i < count; i++) from.send(datagram);
  return to.received().length;
}

//= PROTOCOL.md 11
//# | `room-limit`, `address-limit` | 21 | broadcast and multicast: datagrams times their receivers
//# | 200,000 deliveries a second
Deno.test("room limit: broadcasts count once for each receiver, whoever sends them", () => {
  const relay = relayWith({ roomLimits: { ...FREE, deliveriesPerSecond: 120 } });
  const gateway = relay.gateway();
  const [a, b, c] = [1, 2, 3].map((number) => relay.client(macOf(number)));
  const from = (number: number) => whole(plain(BROADCAST, macOf(number), 60));
  // 120 deliveries to three receivers each.
  assertEquals(arrivals(a, b, from(1), 30), 30);
  assertEquals(arrivals(c, b, from(3), 30), 10);
  assertEquals(arrivals(gateway, b, whole(plain(BROADCAST, LAN, 60)), 5), 0);
  assertEquals(relay.drops(), { "room-limit": 25 });
  // Unicast has nothing to do with it.
  assertEquals(arrivals(a, b, whole(plain(macOf(2), macOf(1), 60)), 500), 500);
  relay.nowMs += 250;
  assertEquals(arrivals(a, b, from(1), 30), 10);
  relay.assertNoSlotLost();
});

Deno.test("room limit: another room has its own", () => {
  const relay = relayWith({ roomLimits: { ...FREE, deliveriesPerSecond: 20 } });
  const pair = (room: string) =>
    [1, 2].map((number) => relay.client(macOf(number), { room })) as [
      ScriptedEndpoint,
      ScriptedEndpoint,
    ];
  const broadcast = whole(plain(BROADCAST, macOf(1), 60));
  const [a, b] = pair("ONE");
  assertEquals(arrivals(a, b, broadcast, 50), 20);
  const [c, d] = pair("TWO");
  assertEquals(arrivals(c, d, broadcast, 50), 20);
});

//= PROTOCOL.md 11
//# | | | bytes of all datagrams, times their receivers | 500,000,000 delivered a second
Deno.test("room limit: bytes count once for each receiver, headers included", () => {
  const relay = relayWith({ roomLimits: { ...FREE, bytesPerSecond: 30_000 } });
  const [a, b, c] = [1, 2, 3].map((number) => relay.client(macOf(number)));
  const unicast = whole(plain(macOf(2), macOf(1), 996));
  assertEquals(unicast.length, 1_000);
  assertEquals(arrivals(a, b, unicast, 10), 10);
  // Ten of these to two receivers are the other 20,000 bytes.
  assertEquals(arrivals(c, b, whole(plain(BROADCAST, macOf(3), 996)), 50), 10);
  assertEquals(arrivals(a, b, unicast, 10), 0);
  assertEquals(relay.drops(), { "room-limit": 50 });
  relay.nowMs += 100;
  assertEquals(arrivals(a, b, unicast, 10), 3);
});

//= PROTOCOL.md 11
//# | `room-limit`, `address-limit` | 21 | broadcast and multicast: datagrams times their receivers
//# | 200,000 deliveries a second
Deno.test("address limit: it is one for all peers of an address, in whatever rooms", () => {
  const relay = relayWith({ addressLimits: { ...FREE, deliveriesPerSecond: 50 } });
  const address = (number: number) => ({ address: `198.51.100.7:${4_000 + number}` });
  const broadcast = whole(plain(BROADCAST, macOf(1), 60));
  const rooms = [1, 2, 3].map((number) => {
    const room = `ROOM-${number}`;
    return {
      a: relay.client(macOf(1), { room }, address(2 * number)),
      b: relay.client(macOf(2), { room }, address(2 * number + 1)),
    };
  });
  assertEquals(rooms.map(({ a, b }) => arrivals(a, b, broadcast, 20)), [20, 20, 10]);
  assertEquals(relay.drops(), { "address-limit": 10 });
  // Who sends to them from elsewhere has an address of his own.
  const guest = relay.client(macOf(9), { room: "ROOM-1" }, { address: "203.0.113.5:1" });
  const fromGuest = whole(plain(BROADCAST, macOf(9), 60));
  assertEquals(arrivals(guest, rooms[0].b, fromGuest, 20), 20);
});

Deno.test("address limit: the /64s of an IPv6 /48 have one together, so that many of them give no more", () => {
  const relay = relayWith({ addressLimits: { ...FREE, deliveriesPerSecond: 50 } });
  const b = relay.client(macOf(9), {}, { address: "203.0.113.5:1" });
  // Nobody else is in the room: each broadcast has one receiver.
  const arrived = [1, 2, 3].map((number) => {
    const address = number === 3 ? "[2001:db8:2::1]:1" : `[2001:db8:1:${number}::1]:1`;
    const peer = relay.client(macOf(number), {}, { address });
    const count = arrivals(peer, b, whole(plain(BROADCAST, macOf(number), 60)), 60);
    peer.lose();
    return count;
  });
  assertEquals([arrived[0], arrived[2]], [50, 50]);
  assert(arrived[1] <= 6, "100 ms are worth 5");
});

Deno.test("address limit: leaving and coming back gives nothing new", () => {
  const relay = relayWith({ addressLimits: { ...FREE, deliveriesPerSecond: 50 } });
  const path = { address: "[2001:db8:1:2::7]:4000" };
  const b = relay.client(macOf(2), {}, { address: "203.0.113.5:1" });
  const broadcast = whole(plain(BROADCAST, macOf(1), 60));
  const first = relay.client(macOf(1), {}, path);
  assertEquals(arrivals(first, b, broadcast, 60), 50);
  first.lose();
  // Another address of the same /64, and no more time than the handshake needs; the MAC is kept for a while.
  const second = relay.client(macOf(3), {}, { address: "[2001:db8:1:2::8]:4000" });
  const again = whole(plain(BROADCAST, macOf(3), 60));
  assert(arrivals(second, b, again, 60) <= 6, "100 ms are worth 5");
});

Deno.test("64 peers of one address, each within its own limits, have no more delivered than one address may", () => {
  const relay = new RelayHarness({}, { poolSlots: 4_096 });
  const peers = Array.from({ length: 64 }, (_, number) => relay.client(macOf(number + 1)));
  let delivered = 0;
  let sent = 0;
  for (let slice = 0; slice < 4; slice++) {
    for (const [number, peer] of peers.entries()) {
      const broadcast = whole(plain(BROADCAST, macOf(number + 1), 60));
      for (let i = 0; i < PEER_LIMITS.floodFramesPerSecond / 8; i++) peer.send(broadcast);
      sent += Math.floor(PEER_LIMITS.floodFramesPerSecond / 8) * 63;
    }
    for (const peer of peers) delivered += peer.received().length;
    relay.nowMs += 125;
  }
  // Half a second: what may come at once, half a second's worth, and at most one frame that owes the rest.
  assert(sent > 900_000, `${sent}`);
  assert(delivered <= SHARE_LIMITS.deliveriesPerSecond * 1.5 + 63, `${delivered}`);
  assert(delivered >= SHARE_LIMITS.deliveriesPerSecond, `${delivered}`);
});

Deno.test("a party of 50 on a stormy LAN, with bulk copies, meets no limit", () => {
  // No burst helps: what is played here is what may be delivered in 50 ms.
  const sliceMs = 50;
  const short = { ...SHARE_LIMITS, burstMs: sliceMs };
  const relay = new RelayHarness(
    { roomLimits: short, addressLimits: short },
    { poolSlots: 4_096 },
  );
  // All of them behind one address: a second party, or a carrier's NAT.
  const gateway = relay.gateway();
  const players = Array.from({ length: 50 }, (_, number) => relay.client(macOf(number + 1)));
  const storm = whole(plain(BROADCAST, LAN, 250));
  const toPlayer = whole(plain(macOf(1), LAN, 1_400));
  const fromPlayer = whole(plain(LAN, macOf(1), 1_400));
  const stormsPerSecond = PEER_LIMITS.floodFramesPerSecond * GATEWAY_SHARE;
  /** 1 Gbit/s. */
  const copiesPerSecond = 125_000_000 / toPlayer.length;
  for (let slice = 0; slice < 2; slice++) {
    for (let i = 0; i < stormsPerSecond * sliceMs / 1_000; i++) gateway.send(storm);
    // 20 a second of each player.
    for (const [number, player] of players.entries()) {
      player.send(whole(plain(BROADCAST, macOf(number + 1), 120)));
    }
    for (let i = 0; i < copiesPerSecond * sliceMs / 1_000; i++) {
      gateway.send(toPlayer);
      players[0].send(fromPlayer);
    }
    for (const endpoint of [gateway, ...players]) endpoint.received();
    relay.nowMs += sliceMs;
  }
  assertEquals(relay.drops(), {});
});

Deno.test("who meets a limit is named in the log, once", () => {
  const relay = relayWith({
    roomLimits: { ...FREE, deliveriesPerSecond: 5 },
    addressLimits: { ...FREE, bytesPerSecond: 10_000 },
  });
  const [a, b] = [relay.client(A), relay.client(B)];
  arrivals(a, b, whole(plain(BROADCAST, A, 60)), 50);
  relay.nowMs += 5_000;
  arrivals(a, b, whole(plain(BROADCAST, A, 60)), 50);
  arrivals(b, a, whole(plain(A, B, 1_000)), 50);
  const said = relay.logs.filter(({ level }) => level === "warning").map(({ fields }) => [
    fields["option"],
    fields["room"],
    fields["peerId"],
    fields["address"],
  ]);
  assertEquals(said, [
    ["--max-room-deliveries", "PARTY", 1, "192.0.2.1:4000"],
    ["--max-address-megabits", "PARTY", 2, "192.0.2.1:4000"],
  ]);
});

// ---- the buckets themselves ------------------------------------------------------------------

Deno.test("shares: a frame may cost more than there is, which is owed", () => {
  const share = new Share({ deliveriesPerSecond: 10, bytesPerSecond: 1_000, burstMs: 100 }, 0);
  assertEquals(share.refuses(true, 0), ShareRefusal.none);
  share.take(60, 90);
  assertEquals(share.refuses(true, 0), ShareRefusal.deliveries);
  assertEquals(share.refuses(false, 0), ShareRefusal.none);
  share.take(0, 1_510);
  assertEquals(share.refuses(false, 0), ShareRefusal.bytes);
  assertEquals(share.refuses(true, 1_500), ShareRefusal.deliveries);
  assertEquals(share.refuses(false, 1_500), ShareRefusal.bytes);
  assertEquals(share.refuses(false, 1_501), ShareRefusal.none);
  assertEquals(share.refuses(true, 5_900), ShareRefusal.deliveries);
  assertEquals(share.refuses(true, 5_901), ShareRefusal.none);
});

Deno.test("shares: time that stands still or runs backwards gives nothing, and 0 is no limit", () => {
  const share = new Share({ deliveriesPerSecond: 10, bytesPerSecond: 0, burstMs: 1_000 }, 1_000);
  share.take(10, 1e12);
  assertEquals(share.refuses(true, 1_000), ShareRefusal.deliveries);
  assertEquals(share.refuses(true, 10), ShareRefusal.deliveries);
  assertEquals(share.refuses(false, 10), ShareRefusal.none);
  assertEquals(share.refuses(true, 1_100), ShareRefusal.none);
});

Deno.test("shares: addresses that have peers are all remembered, of the others the last so many", () => {
  const shares = new AddressShares({ ...SHARE_LIMITS, deliveriesPerSecond: 10 }, 3);
  const spent = (key: string) => {
    const share = shares.enter(key, 0);
    share.take(1_000, 0);
    return share;
  };
  for (let i = 0; i < 10; i++) spent(`used-${i}`);
  assertEquals(shares.size, 10);
  assertEquals(shares.enter("used-3", 0), shares.enter("used-3", 0));
  // Three have entered: it stays until all have left.
  shares.leave("used-3");
  shares.leave("used-3");
  assertEquals(shares.size, 10);
  for (let i = 0; i < 10; i++) {
    spent(`gone-${i}`);
    shares.leave(`gone-${i}`);
  }
  assertEquals(shares.size, 13);
  shares.leave("never-there");
  assertEquals(shares.enter("gone-9", 0).refuses(true, 0), ShareRefusal.deliveries);
  assertEquals(shares.enter("gone-0", 0).refuses(true, 0), ShareRefusal.none);
  assertEquals(shares.enter("used-3", 0).refuses(true, 0), ShareRefusal.deliveries);
});
