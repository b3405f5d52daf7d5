import { assert, assertEquals } from "@std/assert";
import { RateLimiter } from "../../src/relay/limits.ts";
import { RelayHarness } from "./relay_harness.ts";

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

Deno.test("address: peers that left, were kicked or lost leave their place free", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 1 });
  relay.client(mac(1)).control({ type: "disconnect", code: "bye" });
  const kicked = relay.client(mac(2));
  relay.core.admin.kick(
    "PARTY",
    Number(kicked.last("welcome").peerId),
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
