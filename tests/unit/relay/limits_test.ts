import { assert, assertEquals } from "@std/assert";
import { base64Url } from "../../../src/control/base64url.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { equalTokens } from "../../../src/relay/admission.ts";
import { LocalDirectory } from "../../../src/relay/directory.ts";
import { addressKey, EventMeter, RateLimiter, RELAY_DEFAULTS } from "../../../src/relay/limits.ts";
import { PeerIds, Rooms } from "../../../src/relay/room.ts";

const PLAN = {
  ...{ code: "CODE", tapMtu: 1400 },
  opener: { addressKey: "192.0.2.1", siteKey: "192.0.2.1" },
};

Deno.test("limits: an event meter knows every window, not only those that begin at round times", () => {
  const meter = new EventMeter(3, 1_000);
  const times = [0, 900, 950, 1_000, 1_500, 1_899, 1_900, 1_949, 5_000];
  //             0  1    2    3: 0 is out  3 within 1000 …
  assertEquals(times.map((timeMs) => meter.exceeds(timeMs)), [
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
    false,
  ]);
});

Deno.test("limits: a rate limiter gives a burst, then one at a time", () => {
  const limiter = new RateLimiter(3, 2);
  const take = (nowMs: number) => limiter.take("192.0.2.1", nowMs);
  assertEquals([take(0), take(0), take(0), take(0)], [0, 0, 0, 500]);
  assertEquals([take(499), take(500), take(500)], [1, 0, 500]);
  assertEquals([take(100_000), take(100_000), take(100_000)], [0, 0, 0]);
  assertEquals(take(100_000), 500);
});

Deno.test("limits: a rate limiter remembers a bounded number of addresses, the last seen", () => {
  const limiter = new RateLimiter(1, 0.001, 2);
  assertEquals(limiter.take("10.0.0.1", 0), 0);
  assertEquals(limiter.take("10.0.0.2", 0), 0);
  assert(limiter.take("10.0.0.1", 0) > 0);
  assertEquals(limiter.take("10.0.0.3", 0), 0);
  assertEquals(limiter.size, 2);
  assert(limiter.take("10.0.0.1", 0) > 0);
  assertEquals(limiter.take("10.0.0.2", 0), 0);
});

Deno.test("limits: an address stands for one subscriber, whatever its form", () => {
  const rows: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:443", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["[::ffff:192.0.2.1]:443", "192.0.2.1"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["[2001:DB8:1:2::9]:1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::5", "2001:db8::/64"],
    ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
    ["::1", "::/64"],
    ["[::1]:55555", "::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    ["memory", "memory"],
  ];
  for (const [address, key] of rows) assertEquals(addressKey(address), key, address);
});

Deno.test("limits: tokens are equal only if every character is", () => {
  assert(equalTokens("abc", "abc"));
  for (const other of ["", "ab", "abcd", "abd", "bbc", "abc\u0000", "ABC"]) {
    assertEquals(equalTokens(other, "abc"), false, other);
  }
});

//= PROTOCOL.md 6.2
//# | **`peerId`** | integer | 1 … 65,535: unique in the room, and not given out again within 60 s
//# of its end
Deno.test("rooms: peer ids go around, and leave out those in use and at rest", () => {
  const ids = new PeerIds();
  const kept = ids.take(0);
  assertEquals(kept, 1);
  for (let id = 2; id <= 0xffff; id++) {
    assertEquals(ids.take(id / 2), id);
    ids.giveBack(asPeerId(id), id / 2);
  }
  assertEquals(ids.take(59_000), 0);
  assertEquals(ids.take(60_000), 0);
  assertEquals(ids.take(60_001), 2);
  assertEquals(ids.take(60_002), 3);
  ids.giveBack(kept, 60_003);
  assertEquals(ids.take(60_003), 4);
});

Deno.test("rooms: ids rest over a room's end, and are forgotten after that", () => {
  const rooms = new Rooms(RELAY_DEFAULTS);
  const open = (nowMs: number) => rooms.open({ key: "K", ...PLAN }, nowMs);
  let room = open(0);
  assertEquals(room.ids.take(0), 1);
  room.ids.giveBack(asPeerId(1), 1_000);
  rooms.close(room, 1_000);
  assertEquals(rooms.size, 0);
  room = open(2_000);
  assertEquals(room.ids.take(2_000), 2);
  room.ids.giveBack(asPeerId(2), 3_000);
  rooms.close(room, 3_000);
  const other = rooms.open({ key: "OTHER", ...PLAN }, 100_000);
  rooms.close(other, 100_000);
  assertEquals(open(100_000).ids.take(100_000), 1);
});

Deno.test("directory: a room is here unless the table says where it is", () => {
  const target = { relay: "[2001:db8::1]:443", fingerprint: "f".repeat(43) };
  const directory = new LocalDirectory([["FAR", target]]);
  assertEquals(directory.where("FAR"), target);
  assertEquals(directory.where("NEAR"), "here");
});

Deno.test("tokens are base64url without padding", () => {
  // RFC 4648 §10, and the two characters that differ from base64.
  const rows: [string, string][] = [
    ["", ""],
    ["f", "Zg"],
    ["fo", "Zm8"],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg"],
    ["fooba", "Zm9vYmE"],
    ["foobar", "Zm9vYmFy"],
  ];
  for (const [text, encoded] of rows) {
    assertEquals(base64Url(new TextEncoder().encode(text)), encoded);
  }
  assertEquals(base64Url(Uint8Array.of(0xfb, 0xff, 0xbf)), "-_-_");
});
