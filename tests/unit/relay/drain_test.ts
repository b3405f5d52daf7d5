import { assertEquals } from "@std/assert";
import { plain, whole } from "./frames.ts";
import { RelayHarness } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";

Deno.test("relay: while it is drained nobody new is let in, and who is there plays on", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  assertEquals(relay.core.draining, false);
  relay.core.drain();
  assertEquals(relay.core.draining, true);
  assertEquals(relay.connect().hello({ mac: C }).last("reject").code, "relay-full");
  assertEquals(relay.connect().hello({ mac: C, room: "OTHER" }).last("reject").code, "relay-full");
  b.send(whole(plain(A, B, 100)));
  assertEquals(a.received().length, 1);
  const again = relay.connect().hello({ mac: A, resume: a.last("welcome").resume });
  assertEquals(again.last("welcome").peerId, 3);
  assertEquals(relay.core.population, { rooms: 1, peers: 2 });
  again.finish();
  b.finish();
  assertEquals(relay.core.population, { rooms: 0, peers: 0 });
});
