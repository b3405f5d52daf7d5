/** By which address a relay was last reached, over a restart. */
import { assertEquals } from "@std/assert";
import { WAY_LIFE_MS, WayMemory, WAYS_MAX } from "../../../src/endpoint/way_memory.ts";

const RELAY = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
const SIX = { family: "ipv6", host: "2001:db8::1", port: 443, scopeId: 0 } as const;
const FOUR = { family: "ipv4", host: "192.0.2.1", port: 443, scopeId: 0 } as const;

Deno.test("the last winner is remembered, by host, address and port, for a day", () => {
  const memory = new WayMemory();
  assertEquals(memory.isKnownGood(RELAY, SIX, 1_000), false);
  assertEquals(memory.remember(RELAY, SIX, 1_000), true);
  assertEquals(memory.remember(RELAY, SIX, 2_000), false);
  assertEquals(memory.remember(RELAY, FOUR, 3_000), true);
  const read = WayMemory.parse(memory.format());
  assertEquals(read.isKnownGood(RELAY, SIX, 4_000), false);
  assertEquals(read.isKnownGood(RELAY, FOUR, 4_000), true);
  assertEquals(read.isKnownGood({ ...RELAY, port: 8443 }, FOUR, 4_000), false);
  assertEquals(read.isKnownGood(RELAY, FOUR, 3_000 + WAY_LIFE_MS), false);
});

Deno.test("the oldest gives way, and a damaged file is as good as none", () => {
  const memory = new WayMemory();
  for (let index = 0; index <= WAYS_MAX; index++) {
    memory.remember({ ...RELAY, host: `relay${index}.example.org` }, FOUR, index);
  }
  assertEquals(memory.isKnownGood({ ...RELAY, host: "relay0.example.org" }, FOUR, 0), false);
  assertEquals(memory.isKnownGood({ ...RELAY, host: "relay1.example.org" }, FOUR, 0), true);
  for (const text of ["", "{", "[]", '{"version":2,"ways":[]}', '{"version":1,"ways":[{},3]}']) {
    assertEquals(WayMemory.parse(text).isKnownGood(RELAY, FOUR, 0), false);
  }
});
