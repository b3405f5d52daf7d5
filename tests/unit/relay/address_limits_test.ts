import { assert, assertEquals } from "@std/assert";
import { asPeerId } from "../../../src/proto/brands.ts";
import { RateLimiter, RELAY_DEFAULTS, SITE_SHARE } from "../../../src/relay/limits.ts";
import { RelayHarness } from "./harness.ts";

const HERE = "192.0.2.1:1";
const ELSEWHERE = "192.0.2.2:1";

function mac(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, "0")}`;
}

Deno.test("address: one may have so many peers, in whatever rooms, and others are not concerned", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 2 });
  const first = relay.client(mac(1), { room: "ONE" });
  relay.client(mac(2), { room: "TWO" });
  const third = relay.connect({ address: "192.0.2.1:77" }).hello({ mac: mac(3), room: "ONE" });
  assertEquals(third.last("reject").code, "rate-limited");
  assertEquals(third.last("reject").retryAfterMs, 10_000);
  relay.client(mac(3), { room: "ONE" }, { address: ELSEWHERE });
  // Whoever takes over a session of his own adds nothing.
  const resume = first.last("welcome").resume;
  const back = relay.connect().hello({ mac: mac(1), room: "ONE", resume });
  assertEquals(back.last("welcome").room, "ONE");
  const fourth = relay.connect().hello({ mac: mac(4), room: "TWO" });
  assertEquals(fourth.last("reject").code, "rate-limited");
  back.lose();
  relay.client(mac(5), { room: "TWO" });
});

Deno.test("address: an IPv6 /48 may have four times the peers of a /64, however many of these it has", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 2 });
  const at = (network: number) => ({ address: `[2001:db8:1:${network}::1]:1` });
  const first = relay.client(mac(0), {}, at(0));
  for (let i = 1; i < 8; i++) relay.client(mac(i), {}, at(i));
  const ninth = relay.connect(at(9)).hello({ mac: mac(9) });
  assertEquals(ninth.last("reject").code, "rate-limited");
  relay.client(mac(10), {}, { address: "[2001:db8:2::1]:1" });
  first.lose();
  relay.client(mac(9), {}, at(9));
});

//= PROTOCOL.md 7.1
//# | 4 | `rate-limited` | too many hellos, too many that showed no right key (a locked room behind
//# the right one is no such), or (unless 8 applies) too many peers from this address, or too many
//# rooms that were opened from it
Deno.test("address: one may have opened so many rooms, and its site four times as many", () => {
  const relay = new RelayHarness({ roomsPerAddressMax: 2 });
  const opens = (room: string, address: string) => {
    const gateway = relay.connect({ address });
    relay.advance(100);
    gateway.hello({ role: "gateway", room });
    const { code, type } = gateway.messages[0];
    return [code ?? type, gateway] as const;
  };
  const [, one] = opens("ONE", HERE);
  opens("TWO", HERE);
  const [code, refused] = opens("THREE", HERE);
  assertEquals([code, refused.last("reject").retryAfterMs], ["rate-limited", 10_000]);
  assertEquals(opens("THREE", ELSEWHERE)[0], "welcome");
  // Who did not open it does not count it.
  relay.client(mac(1), { room: "THREE" });
  one.lose();
  assertEquals(opens("FOUR", HERE)[0], "welcome");
  assertEquals(opens("FIVE", HERE)[0], "rate-limited");
  for (let i = 0; i < 8; i++) {
    assertEquals(opens(`SIX-${i}`, `[2001:db8:1:${i}::1]:1`)[0], "welcome");
  }
  assertEquals(opens("SEVEN", "[2001:db8:1:9::1]:1")[0], "rate-limited");
  assertEquals(opens("SEVEN", "[2001:db8:2:9::1]:1")[0], "welcome");
});

//= PROTOCOL.md 6.6
//# | `room-closed` | relay | the operator closed the room, or it gave way to another one where
//# there were too many
Deno.test("rooms: where all are taken, one in which a gateway waits alone gives way, of the site with most", () => {
  const relay = new RelayHarness({ roomsMax: 5 });
  const at = (site: number) => ({ address: `192.0.2.${site}:1` });
  const party = relay.gateway({ room: "PARTY" }, at(1));
  relay.client(mac(1), { room: "PARTY" }, at(1));
  relay.gateway({ room: "WAITING" }, at(2));
  const strangers = [1, 2, 3].map((i) => relay.gateway({ room: `S-${i}` }, at(3)));
  relay.gateway({ room: "NEW" }, at(4));
  assertEquals(strangers[0].last("disconnect"), {
    type: "disconnect",
    code: "room-closed",
    message: "The relay is full, and nobody plays in this room.",
    retryAfterMs: 30_000,
  });
  assertEquals(relay.core.rooms().map(({ room }) => room), [
    ...["PARTY", "WAITING", "S-2", "S-3", "NEW"],
  ]);
  // Whoever has one room less than that site takes none of it: they would take turns for ever.
  for (const site of [3, 4]) {
    const refused = relay.connect(at(site)).hello({ role: "gateway", room: "MORE" });
    assertEquals(refused.last("reject").code, "relay-full", `${site}`);
  }
  // Nor does a room give way in which somebody plays, nor where no site has more than one.
  relay.client(mac(2), { room: "S-2" }, at(5));
  const full = relay.connect(at(5)).hello({ role: "gateway", room: "MORE" });
  assertEquals(full.last("reject").code, "relay-full");
  assertEquals(party.closedWith, undefined);
});

Deno.test("rooms: the IPv6 /64s of one home keep nobody out, however many they are", () => {
  const relay = new RelayHarness({ roomsMax: 100 });
  let taken = 0;
  for (let i = 0; i < 256; i++) {
    const gateway = relay.connect({ address: `[2001:db8:1:${(i % 64).toString(16)}::1]:1` });
    relay.advance(100);
    gateway.hello({ role: "gateway", room: `S-${i}` });
    if (gateway.messages[0].type === "welcome") taken++;
  }
  assertEquals(taken, SITE_SHARE * RELAY_DEFAULTS.roomsPerAddressMax);
  relay.gateway({ room: "PARTY" });
});

Deno.test("address: peers that left, were kicked or lost leave their place free", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 1 });
  relay.client(mac(1)).control({ type: "disconnect", code: "bye" });
  const kicked = relay.client(mac(2));
  relay.core.admin.kick(
    "PARTY",
    asPeerId(Number(kicked.last("welcome").peerId)),
    { by: "operator", forMs: 0 },
    relay.nowMs,
  );
  relay.settle();
  relay.client(mac(3)).lose();
  relay.client(mac(4)).finish();
  relay.client(mac(5));
});

Deno.test("address: handshakes beyond a burst are closed unheard, and later not even begun", () => {
  const relay = new RelayHarness({ handshakeBurstMax: 3, handshakesPerSecond: 1 });
  for (let i = 0; i < 3; i++) assertEquals(relay.connect().closedWith, undefined);
  assertEquals(relay.connect().closedWith, 1);
  assertEquals(relay.connect({ address: ELSEWHERE }).closedWith, undefined);
  assertEquals(relay.core.mayBegin(HERE, 0, relay.nowMs), false);
  assert(relay.core.mayBegin(ELSEWHERE, 0, relay.nowMs));
  const { handshakes, connectionsRefused, handshakesRefused } = relay.core.tallies;
  assertEquals([handshakes, connectionsRefused, handshakesRefused], [5, 1, 1]);
  relay.nowMs += 1_000;
  assert(relay.core.mayBegin(HERE, 0, relay.nowMs));
  assertEquals(relay.connect().closedWith, undefined);
  assertEquals(relay.connect().closedWith, 1);
});

Deno.test("relay: handshakes that are not complete count among connections", () => {
  const { core, nowMs } = new RelayHarness({ connectionsMax: 5 });
  assert(core.mayBegin(HERE, 4, nowMs));
  assertEquals(core.mayBegin(HERE, 5, nowMs), false);
  core.handleShutdown(0, nowMs);
  assertEquals(core.mayBegin(HERE, 0, nowMs), false);
});

Deno.test("address: asking whether a handshake may begin counts nothing: its sender may be forged", () => {
  const { core, nowMs } = new RelayHarness({ handshakeBurstMax: 1, handshakesPerSecond: 0.001 });
  for (let i = 0; i < 100; i++) assert(core.mayBegin(HERE, 0, nowMs));
});

Deno.test("address: looking at a bucket takes nothing and remembers nobody", () => {
  const limiter = new RateLimiter(1, 1);
  assertEquals([limiter.waitMs("a", 0), limiter.waitMs("a", 0), limiter.size], [0, 0, 0]);
  assertEquals(limiter.take("a", 0), 0);
  assertEquals([limiter.waitMs("a", 0), limiter.waitMs("a", 400)], [1_000, 600]);
  assertEquals(limiter.take("a", 1_000), 0);
});

Deno.test("tallies: every reject, redirect and disconnect is counted by its code", () => {
  const relay = new RelayHarness({ roomsMax: 1 });
  const a = relay.client(mac(1));
  relay.connect().hello({ mac: mac(1) });
  relay.connect().hello({ mac: "no MAC" });
  relay.connect().hello({ mac: mac(2), room: "OTHER" });
  a.control({ type: "welcome" });
  const { joins, rejects, disconnects, redirects } = relay.core.tallies;
  const counted = (counts: Record<string, number>) =>
    Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  assertEquals([joins, redirects], [1, 0]);
  assertEquals(counted(rejects), { "mac-in-use": 1, "invalid-hello": 1, "relay-full": 1 });
  assertEquals(counted(disconnects), { "protocol-error": 1 });
});
