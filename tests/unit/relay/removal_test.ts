/** Who is kicked or banned stays away: by the relay's operator, with clients of today and of before. */
import { assert, assertEquals } from "@std/assert";
import { asPeerId } from "../../../src/proto/brands.ts";
import { KeyedPolicy } from "../../../src/relay/policy.ts";
import { sha256 } from "../../../src/trust/sha256.ts";
import { assertDisconnected, RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";
const HOUR_MS = 3_600_000;
const NEW = { features: ["removal"] };
const OPERATOR = { by: "operator" } as const;
/** One address for each. */
const AT = (number: number) => ({ address: `192.0.2.${number}:4000` });

/** Somebody new says hello from an address; the answer's type, or the code of a refusal. */
function answer(relay: RelayHarness, fields: Record<string, unknown>, number: number): unknown {
  const endpoint = relay.connect(AT(number));
  relay.advance(100);
  endpoint.hello(fields);
  const [first] = endpoint.messages;
  endpoint.lose();
  return first.code ?? first.type;
}

function kick(relay: RelayHarness, endpoint: ScriptedEndpoint, forMs?: number, reason?: string) {
  const removal = {
    ...OPERATOR,
    ...(forMs === undefined ? {} : { forMs }),
    ...(reason === undefined ? {} : { reason }),
  };
  const outcome = relay.core.admin.kick(
    "PARTY",
    asPeerId(Number(endpoint.last("welcome").peerId)),
    removal,
    relay.nowMs,
  );
  relay.settle();
  return outcome;
}

//= PROTOCOL.md 6.3
//# | `by` | `"host"` or `"operator"` | with `removed`: who removed this player
//= PROTOCOL.md 6.3
//# | `forMs` | count | with `removed`: how long that holds from now on; absent: until it is taken
//# back
//= PROTOCOL.md 6.6
//# | `by`, `forMs` | | with `kicked`, to who named `removal`: as in `reject`; `forMs` 0: may come
//# back at once. `message` is then the reason alone, or empty
//= PROTOCOL.md 6.6
//# | `kicked` | relay | the room's host or the relay's operator sent this peer away
//= PROTOCOL.md 7.1
//# | 6 | `removed` | the key is right, and the player (by MAC, address or token) is banned from the
//# room or the relay
Deno.test("removal: who is kicked for an hour is told so, and is not let in by MAC, address or token", () => {
  const relay = new RelayHarness();
  const a = relay.client(A, {}, AT(1));
  const b = relay.client(B, { ...NEW, name: "Bob" }, AT(2));
  const resume = b.last("welcome").resume;
  assertEquals(kick(relay, b, HOUR_MS, "cheats"), { removed: 1, kept: true });
  assertEquals(b.last("disconnect"), {
    ...{ type: "disconnect", code: "kicked", message: "cheats", by: "operator", forMs: HOUR_MS },
  });
  assertEquals(a.last("peerLeft").reason, "kicked");
  assertDisconnected(relay, b, "kicked", 3);
  b.lose();
  assertEquals(answer(relay, { mac: B, ...NEW }, 3), "removed", "the MAC from elsewhere");
  assertEquals(answer(relay, { mac: C, ...NEW }, 2), "removed", "another MAC from there");
  assertEquals(answer(relay, { mac: C, resume, ...NEW }, 3), "removed", "the token");
  assertEquals(answer(relay, { mac: C, ...NEW }, 3), "welcome", "somebody else");
  assertEquals(answer(relay, { mac: B, room: "OTHER", ...NEW }, 2), "welcome", "another room");
  relay.advance(HOUR_MS - 10_000);
  const late = relay.connect(AT(2));
  relay.advance(100);
  late.hello({ mac: B, ...NEW });
  const { forMs, ...rest } = late.last("reject");
  assertEquals(rest, { type: "reject", code: "removed", message: "cheats", by: "operator" });
  assert(Number(forMs) > 0 && Number(forMs) < 10_000, `${forMs}`);
  relay.advance(10_000);
  assertEquals(answer(relay, { mac: B, ...NEW }, 2), "welcome", "the hour is over");
  assertEquals(relay.core.tallies.removals, { operator: 1, host: 0 });
  assertEquals(relay.core.tallies.rejects.removed, 4);
});

//= PROTOCOL.md 4
//# New messages, codes and fields that ask for something go only to who has named the feature that
//# they belong to (section 6.8).
//= PROTOCOL.md 6.8
//# Who has not named `removal` gets `not-admitted` in the place of `removed`, `mac-in-use` in that
//# of `mac-reserved`, and a `message` that says it all.
Deno.test("removal: an endpoint of before is told by the codes that it knows, in a sentence", () => {
  const relay = new RelayHarness();
  const b = relay.client(B, {}, AT(2));
  assertEquals("features" in b.last("welcome"), false);
  kick(relay, b, HOUR_MS, "cheats");
  const text = "The relay's operator has removed you for 1 hour: cheats.";
  assertEquals(b.last("disconnect"), { type: "disconnect", code: "kicked", message: text });
  const again = relay.connect(AT(2));
  relay.advance(100);
  again.hello({ mac: B });
  const { type, code, message, ...more } = again.last("reject");
  assertEquals([type, code, more], ["reject", "not-admitted", {}]);
  assertEquals(message, "The relay's operator has removed you for 60 minutes: cheats.");
});

//= PROTOCOL.md 6.1
//# | `features` | list of text | what the endpoint understands beyond this document's first state:
//# section 6.8. Each is `[a-z][a-z0-9-]{0,31}`; readers ignore other entries, repeated ones, and
//# all after the 32nd
//= PROTOCOL.md 6.2
//# | `features` | list of text | those of the hello's that the relay has, too; absent where the
//# hello had no list
//= PROTOCOL.md 6.8
//# | `removal` | endpoints | `reject` with `removed` and `mac-reserved`; `by` and `forMs` in
//# `reject` and `disconnect`
//= PROTOCOL.md 6.8
//# Names that a reader does not know mean nothing to it.
Deno.test("removal: features are those of both, and unknown ones are nothing", () => {
  const relay = new RelayHarness();
  const features = ["later", "removal", "host-requests"];
  assertEquals(relay.client(A, { features }).last("welcome").features, [
    "removal",
    "host-requests",
  ]);
  assertEquals(relay.client(B, { features: [] }).last("welcome").features, []);
  const odd = relay.connect();
  odd.hello({ mac: C, features: "removal" });
  assertEquals(odd.last("reject").code, "invalid-hello");
});

Deno.test("removal: with a length of nothing they may come back at once, and their MAC is theirs", () => {
  const relay = new RelayHarness();
  relay.client(A, {}, AT(1));
  const b = relay.client(B, NEW, AT(2));
  b.control({ type: "stats" });
  const resume = b.last("welcome").resume;
  kick(relay, b, 0);
  assertEquals(b.last("disconnect").forMs, 0);
  assertEquals(answer(relay, { mac: B, ...NEW }, 3), "mac-reserved");
  assertEquals(answer(relay, { mac: B, resume, ...NEW }, 2), "welcome");
});

Deno.test("removal: without a length it lasts until it is taken back", () => {
  const relay = new RelayHarness();
  const b = relay.client(B, NEW, AT(2));
  kick(relay, b);
  assertEquals("forMs" in b.last("disconnect"), false);
  relay.advance(400 * 24 * HOUR_MS);
  assertEquals(answer(relay, { mac: B, ...NEW }, 2), "removed");
  const [ban] = relay.core.admin.bans(relay.nowMs);
  relay.core.admin.unban([ban.id]);
  relay.settle();
  assertEquals(answer(relay, { mac: B, ...NEW }, 2), "welcome");
  assertEquals(relay.banChanges, [ban.id, [ban.id]]);
});

Deno.test("removal: an address that others in the room have is not banned with one of them", () => {
  const relay = new RelayHarness();
  relay.client(A, {}, AT(2));
  const b = relay.client(B, NEW, AT(2));
  kick(relay, b, HOUR_MS);
  assertEquals(relay.core.admin.bans(relay.nowMs)[0].targets.length, 2);
  assertEquals(answer(relay, { mac: B, ...NEW }, 2), "removed");
  assertEquals(answer(relay, { mac: C, ...NEW }, 2), "welcome");
});

Deno.test("removal: a ban of an address takes its peers out of every room, gateways as well, an IPv6 /64 as one", () => {
  const relay = new RelayHarness();
  const here = relay.client(A, NEW, { address: "[2001:db8:0:1::7]:4000" });
  const there = relay.client(B, { ...NEW, room: "OTHER" }, {
    address: "[2001:db8:0:1:ffff::8]:4000",
  });
  const gateway = relay.gateway(NEW, { address: "[2001:db8:0:1::9]:4000" });
  const neighbour = relay.client(C, NEW, { address: "[2001:db8:0:2::7]:4000" });
  const { removed } = relay.core.admin.ban("2001:db8:0:1::/64", undefined, OPERATOR, relay.nowMs);
  relay.settle();
  assertEquals(removed, 3);
  for (const peer of [here, there, gateway]) assertEquals(peer.last("disconnect").code, "kicked");
  assertEquals(neighbour.messages.some(({ type }) => type === "disconnect"), false);
  const back = relay.connect({ address: "[2001:db8:0:1::a]:4000" });
  back.hello({ role: "gateway", ...NEW });
  assertEquals(back.last("reject").code, "removed");
});

Deno.test("removal: a ban of one room holds there alone, by its code or by its id", () => {
  const relay = new RelayHarness({ policy: new KeyedPolicy(sha256, new Uint8Array(32)) });
  const mine = { mac: B, roomKey: "AAECAwQFBgcICQoLDA0ODw", ...NEW };
  const other = { mac: B, roomKey: "BAECAwQFBgcICQoLDA0ODw", ...NEW };
  relay.client(A, { roomKey: mine.roomKey }, AT(1));
  const id = relay.core.rooms()[0].id;
  relay.core.admin.ban(B, id, OPERATOR, relay.nowMs);
  assertEquals([answer(relay, mine, 2), answer(relay, other, 2)], ["removed", "welcome"]);
  assertEquals(
    answer(relay, { mac: B, ...NEW }, 3),
    "not-admitted",
    "nothing is told without the key",
  );
  relay.core.admin.ban(B, "PARTY", OPERATOR, relay.nowMs);
  assertEquals(answer(relay, other, 2), "removed");
  assertEquals(answer(relay, { ...mine, room: "PARTY-2" }, 2), "welcome");
});

Deno.test("removal: bans of a file hold from the start, and those of another process at once", () => {
  const relay = new RelayHarness();
  const madeMs = 1_700_000_000_000;
  const ban = { id: "0000000001", by: "operator", targets: [B], madeMs } as const;
  relay.core.admin.applyBan(ban, relay.nowMs);
  assertEquals(answer(relay, { mac: B, ...NEW }, 2), "removed");
  const c = relay.client(C, NEW, AT(3));
  relay.core.admin.applyBan({ ...ban, id: "0000000002", targets: [C] }, relay.nowMs);
  relay.settle();
  assertEquals(c.last("disconnect").code, "kicked");
  relay.core.admin.unban(["0000000001", "0000000002", "00000000ff"], false);
  relay.settle();
  assertEquals(relay.banChanges, [], "whoever told it knows");
  assertEquals(answer(relay, { mac: B, ...NEW }, 2), "welcome");
});

Deno.test("removal: who removed whom, why and for how long is in the log", () => {
  const relay = new RelayHarness();
  const b = relay.client(B, { ...NEW, name: "Bob" }, AT(2));
  kick(relay, b, HOUR_MS, "cheats");
  const { fields } = relay.logs.find(({ message }) => message === "Peer removed")!;
  assertEquals(
    [fields.by, fields.name, fields.mac, fields.room, fields.for, fields.why],
    ["operator", "Bob", B, "PARTY", "1 hour", "cheats"],
  );
});
