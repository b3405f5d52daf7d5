import { assertEquals, assertNotEquals } from "@std/assert";
import type { AdmissionPolicy } from "../../../src/relay/policy.ts";
import { plain, whole } from "./frames.ts";
import { assertDisconnected, RelayHarness } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const LAN = "00:1b:21:00:00:01";

//= PROTOCOL.md 6.6
//# | `replaced` | relay | a new session took this one's place: section 7.4
//= PROTOCOL.md 7.2
//# In this order: the session that is replaced (if any) gets `disconnect` `replaced`; the others
//# get its `peerLeft` `replaced`; the newcomer gets `welcome` and then a `peerJoined` for each peer
//# in the room; the others get the newcomer's `peerJoined`.
//= PROTOCOL.md 7.4
//# A hello whose `resume` is the token of a session that is still in that room, with the same MAC
//# (client) or as gateway, and with the key that the room needs, replaces that session: it gets a
//# new peer id and a new token.
Deno.test("relay: with its token a session is taken over under a new peer id", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  const resume = a.last("welcome").resume;
  b.heard();
  const again = relay.connect().hello({ mac: A, resume });
  assertEquals(again.heard().map(({ type, peerId }) => [type, peerId]), [
    ["welcome", 3],
    ["peerJoined", 2],
  ]);
  assertEquals(b.heard(), [
    { type: "peerLeft", peerId: 1, role: "client", mac: A, reason: "replaced" },
    { type: "peerJoined", peerId: 3, role: "client", mac: A },
  ]);
  b.send(whole(plain(A, B, 100)));
  assertEquals([a.received().length, again.received().length], [0, 1]);
  assertDisconnected(relay, a, "replaced", 3);
  a.lose();
  assertEquals(b.heard().map(({ type }) => type).includes("peerLeft"), false);
  b.send(whole(plain(A, B, 100)));
  assertEquals(again.received().length, 1);
});

Deno.test("relay: a gateway's session is taken over by its token as well", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway();
  const a = relay.client(A);
  const again = relay.connect().hello({
    role: "gateway",
    resume: gateway.last("welcome").resume,
  });
  assertEquals(again.last("welcome").gatewayPresent, true);
  assertDisconnected(relay, gateway, "replaced", 3);
  a.send(whole(plain(LAN, A, 100)));
  assertEquals([gateway.received().length, again.received().length], [0, 1]);
  gateway.lose();
  a.send(whole(plain(LAN, A, 100)));
  assertEquals(again.received().length, 1);
});

Deno.test("relay: a session alone in its room can be taken over, and the room keeps its MTU", () => {
  const relay = new RelayHarness();
  const a = relay.gateway({ datagramBudget: 1_318 });
  const { resume } = a.last("welcome");
  const again = relay.connect().hello({ role: "gateway", resume });
  assertEquals(again.last("welcome").tapMtu, 1_300);
  assertEquals(again.last("welcome").peerId, 2);
  assertEquals(relay.logs.filter(({ message }) => message === "Room closed").length, 0);
});

//= PROTOCOL.md 7.4
//# An unknown token, and one of another MAC or role, is ignored, and admission goes on.
Deno.test("relay: a token of another session, an old one and a wrong one do not take a MAC over", () => {
  const relay = new RelayHarness();
  const [a, b] = [relay.client(A), relay.client(B)];
  const elsewhere = relay.client(A, { room: "OTHER" });
  const old = a.last("welcome").resume as string;
  const current = relay.connect().hello({ mac: A, resume: old }).last("welcome").resume as string;
  const wrong = [
    b.last("welcome").resume,
    elsewhere.last("welcome").resume,
    old,
    "",
    current.slice(1),
    `${current}x`,
  ];
  for (const resume of wrong) {
    assertEquals(relay.connect().hello({ mac: A, resume }).last("reject").code, "mac-in-use");
  }
});

Deno.test("relay: a token for a session that is gone is ignored", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  const resume = a.last("welcome").resume;
  a.lose();
  const again = relay.client(A, { resume });
  assertNotEquals(again.last("welcome").resume, resume);
});

//= PROTOCOL.md 7.4
//# A hello whose `resume` is the token of a session that is still in that room, with the same MAC
//# (client) or as gateway, and with the key that the room needs, replaces that session: it gets a
//# new peer id and a new token.
Deno.test("relay: the token does not stand in for the room's key", () => {
  const policy: AdmissionPolicy = {
    roomKey: (hello) => hello.role === "client" && hello.roomKey === "k" ? hello.room : undefined,
  };
  const relay = new RelayHarness({ policy });
  const a = relay.client(A, { roomKey: "k" });
  const resume = a.last("welcome").resume;
  assertEquals(relay.connect().hello({ mac: A, resume }).last("reject").code, "not-admitted");
  const again = relay.connect().hello({ mac: A, resume, roomKey: "k" });
  assertEquals(again.messages[0].type, "welcome");
});
