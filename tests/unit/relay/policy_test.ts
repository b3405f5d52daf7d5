import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { formatKey, parseKey, roomKeyOf } from "../../../src/control/keys.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { KeyedPolicy, ListedPolicy } from "../../../src/relay/policy.ts";
import type { RelayOptions } from "../../../src/relay/limits.ts";
import { policyNotice, portsNotice, trustNotice } from "../../../src/programs/relay/policy.ts";
import { sha256 } from "../../../src/trust/sha256.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";

/** A host's two keys, as texts. */
function keysOf(seed: number): { gatewayKey: string; roomKey: string; hash: Uint8Array } {
  const gatewayKey = new Uint8Array(16).fill(seed);
  const roomKey = roomKeyOf(gatewayKey, sha256);
  return { gatewayKey: formatKey(gatewayKey), roomKey: formatKey(roomKey), hash: sha256(roomKey) };
}

const MINE = keysOf(1);
const OTHERS = keysOf(2);
const KEYED = new KeyedPolicy(sha256, new Uint8Array(32).fill(9));
const LISTED = new ListedPolicy(sha256, [
  ["PARTY", [MINE.hash]],
  ["MOVING", [MINE.hash, OTHERS.hash]],
]);

function assertNotAdmitted(endpoint: ScriptedEndpoint): void {
  assertEquals(endpoint.messages, [{
    type: "reject",
    code: "not-admitted",
    message: "You are not admitted to this room.",
  }]);
}

/** Hellos without the key that is asked for, or with a thing that is none. */
const KEYLESS: Record<string, unknown>[] = [
  { mac: A },
  { mac: A, roomKey: "" },
  { mac: A, roomKey: "sesame" },
  { mac: A, roomKey: `${MINE.roomKey}=` },
  { mac: A, roomKey: ` ${MINE.roomKey.slice(1)}` },
  { mac: A, gatewayKey: MINE.gatewayKey },
  { role: "gateway" },
  { role: "gateway", gatewayKey: "sesame" },
  { role: "gateway", roomKey: MINE.roomKey },
];

for (const [name, policy] of [["keyed", KEYED], ["listed", LISTED]] as const) {
  Deno.test("the policy's notice says what strangers may do, and how to keep them out", () => {
    const listed = { policy: "listed" as const, allowedRooms: [["A", MINE.hash]] as const };
    const moving = {
      ...listed,
      allowedRooms: [...listed.allowedRooms, ["A", OTHERS.hash]] as const,
    };
    const two = { ...listed, allowedRooms: [...listed.allowedRooms, ["B", MINE.hash]] as const };
    const rows: [Parameters<typeof policyNotice>[0], string, RegExp][] = [
      [{ policy: "open", allowedRooms: [] }, "warning", /^Everybody .* --policy listed/],
      [{ policy: "keyed", allowedRooms: [] }, "info", /^Everybody .* --policy listed/],
      [listed, "info", /serves one room and nobody else$/],
      [moving, "info", /serves one room and/],
      [two, "info", /serves 2 rooms and/],
    ];
    for (const [options, level, text] of rows) {
      const notice = policyNotice(options);
      assertEquals(notice.level, level);
      assertMatch(notice.text, text);
    }
  });

  Deno.test(`policy ${name}: the gateway's key and the room's key meet in one room`, () => {
    const relay = new RelayHarness({ policy });
    relay.client(A, { roomKey: MINE.roomKey });
    const gateway = relay.gateway({ gatewayKey: MINE.gatewayKey });
    assertEquals(gateway.last("peerJoined").mac, A);
    assertEquals(relay.core.rooms().length, 1);
  });

  Deno.test(`policy ${name}: without a key, with half a key or with the wrong kind nobody is admitted`, () => {
    for (const fields of KEYLESS) {
      assertNotAdmitted(new RelayHarness({ policy }).connect().hello(fields));
    }
  });

  Deno.test(`policy ${name}: the room key is no good for a gateway`, () => {
    const relay = new RelayHarness({ policy });
    relay.client(A, { roomKey: MINE.roomKey });
    const impostor = relay.connect();
    relay.advance(100);
    impostor.hello({ role: "gateway", gatewayKey: MINE.roomKey });
    assertEquals(
      relay.core.rooms().filter(({ gatewayPresent }) => gatewayPresent).length,
      name === "keyed" ? 1 : 0,
    );
    assertEquals(
      relay.core.rooms().find(({ peers }) => peers[0].identity.role === "client")?.gatewayPresent,
      false,
    );
  });
}

//= PROTOCOL.md 7.3
//# Where a relay asks for keys, a client sends `roomKey`, a gateway `gatewayKey`, from which the
//# relay computes the room key; and a room **is** the pair of name and room key.
Deno.test("policy keyed: a room is the pair of its name and its key", () => {
  const relay = new RelayHarness({ policy: KEYED });
  const mine = relay.client(A, { roomKey: MINE.roomKey });
  const theirs = relay.client(A, { roomKey: OTHERS.roomKey });
  const elsewhere = relay.client(A, { roomKey: MINE.roomKey, room: "OTHER" });
  for (const endpoint of [mine, theirs, elsewhere]) {
    assertEquals(endpoint.messages.map(({ type }) => type), ["welcome"]);
  }
  const rooms = relay.core.rooms();
  assertEquals(rooms.map(({ room }) => room), ["PARTY", "PARTY", "OTHER"]);
  assertEquals(new Set(rooms.map(({ id }) => id)).size, 3);
  for (const { room, id } of rooms) assertMatch(id, new RegExp(`^${room}\\.[A-Za-z0-9_-]{8}$`));
});

Deno.test("policy keyed: what tells rooms apart tells no key, and another in each process", () => {
  const hello = { type: "hello", protocol: 1, room: "PARTY", datagramBudget: 1400 } as const;
  const client = { ...hello, role: "client", mac: A, roomKey: MINE.roomKey } as const;
  const here = KEYED.roomKey(client)!;
  const there = new KeyedPolicy(sha256, new Uint8Array(32).fill(8)).roomKey(client)!;
  assertNotEquals(here, there);
  assertMatch(here, /^PARTY\.[A-Za-z0-9_-]{43}$/);
  const plain = [MINE.roomKey, sha256(parseKey(MINE.roomKey)!).toBase64({ alphabet: "base64url" })];
  for (const text of plain) assert(!here.includes(text.slice(0, 8)));
});

//= PROTOCOL.md 7.3
//# A relay may ask for no keys at all, and ignores them then; or admit only rooms that it has on a
//# list, with the SHA-256 of each one's room key.
Deno.test("policy listed: unknown rooms and wrong keys get the same answer", () => {
  for (
    const fields of [
      { room: "PARTY", mac: A, roomKey: OTHERS.roomKey },
      { room: "UNKNOWN", mac: A, roomKey: MINE.roomKey },
      { room: "PARTY", role: "gateway", gatewayKey: OTHERS.gatewayKey },
      { room: "UNKNOWN", role: "gateway", gatewayKey: MINE.gatewayKey },
    ]
  ) assertNotAdmitted(new RelayHarness({ policy: LISTED }).connect().hello(fields));
});

Deno.test("policy listed: a room of two keys is one room, while its host changes the key", () => {
  const relay = new RelayHarness({ policy: LISTED });
  relay.client(A, { room: "MOVING", roomKey: MINE.roomKey });
  const other = relay.client(B, { room: "MOVING", roomKey: OTHERS.roomKey });
  assertEquals(other.last("peerJoined").mac, A);
  assertEquals(relay.core.rooms().map(({ id }) => id), ["MOVING"]);
});

// ---- failures cost time ---------------------------------------------------------------------

const FAILURES: Partial<RelayOptions> = {
  policy: LISTED,
  keyFailureBurstMax: 3,
  keyFailuresPerSecond: 0.1,
};
const WRONG = { mac: A, roomKey: OTHERS.roomKey };
const RIGHT = { mac: A, roomKey: MINE.roomKey };

function codeOf(endpoint: ScriptedEndpoint): unknown {
  return endpoint.messages[0]?.code ?? endpoint.messages[0]?.type;
}

Deno.test("keys that are tried cost time, by address", () => {
  const relay = new RelayHarness(FAILURES);
  const answer = (address: string, fields: Record<string, unknown>) => {
    const endpoint = relay.connect({ address });
    relay.advance(100);
    return endpoint.hello(fields);
  };
  const stranger = "198.51.100.7:1000";
  for (let i = 0; i < 3; i++) assertEquals(codeOf(answer(stranger, WRONG)), "not-admitted");
  const refused = answer("198.51.100.7:2000", WRONG).last("reject");
  assertEquals(refused.code, "rate-limited");
  assert(Number(refused.retryAfterMs) > 9_000 && Number(refused.retryAfterMs) <= 10_000);
  // From there not even the right key is looked at, or time would tell which one is right.
  assertEquals(codeOf(answer(stranger, RIGHT)), "rate-limited");
  // The room's owners come from elsewhere and notice nothing.
  assertEquals(codeOf(answer("203.0.113.1:1000", RIGHT)), "welcome");
  relay.advance(10_000);
  assertEquals(codeOf(answer(stranger, WRONG)), "not-admitted");
  assertEquals(codeOf(answer(stranger, WRONG)), "rate-limited");
});

Deno.test("an IPv6 /64 is one address to those who try keys", () => {
  const relay = new RelayHarness(FAILURES);
  for (let i = 1; i <= 3; i++) {
    relay.connect({ address: `[2001:db8:0:1::${i}]:1` }).hello(WRONG);
  }
  const code = (address: string) => codeOf(relay.connect({ address }).hello(WRONG));
  assertEquals(code("[2001:db8:0:1:ffff::1]:1"), "rate-limited");
  assertEquals(code("[2001:db8:0:2::1]:1"), "not-admitted");
});

Deno.test("handshakes that never say a key fail nothing", () => {
  const relay = new RelayHarness(FAILURES);
  for (let i = 0; i < 20; i++) relay.connect().lose();
  const endpoint = relay.connect();
  relay.advance(100);
  assertEquals(codeOf(endpoint.hello(RIGHT)), "welcome");
  assertEquals(relay.core.tallies.handshakes, 21);
});

// ---- locked rooms -----------------------------------------------------------------------------

//= PROTOCOL.md 7.1
//# | 7 | `not-admitted` | wrong or missing key, unknown room (both before 6), locked room (but for
//# a hello that replaces a session in it or shows the token of 12, for a gateway whose key shows
//# that it is the host's, or where 8 applies):
Deno.test("a locked room keeps who is in it and lets nobody else in", () => {
  const relay = new RelayHarness();
  const a = relay.client(A);
  assert(relay.core.admin.lock("PARTY"));
  assertEquals(relay.core.rooms()[0].locked, true);
  assertNotAdmitted(relay.connect().hello({ mac: B }));
  assertNotAdmitted(relay.connect().hello({ role: "gateway" }));
  assertNotAdmitted(relay.connect().hello({ mac: A, resume: "x" }));
  const back = relay.connect().hello({ mac: A, resume: a.last("welcome").resume });
  assertEquals(codeOf(back), "welcome");
  assert(relay.core.admin.unlock("PARTY"));
  assertEquals(relay.core.admin.unlock("PARTY"), false);
  assertEquals(codeOf(relay.connect().hello({ mac: B })), "welcome");
});

Deno.test("a lock outlasts the room, and one by id meets no other room of the name", () => {
  const relay = new RelayHarness({ policy: KEYED });
  const a = relay.client(A, { roomKey: MINE.roomKey });
  const { id } = relay.core.rooms()[0];
  assert(relay.core.admin.lock(id));
  assertEquals(relay.core.admin.locks, [id]);
  a.lose();
  assertEquals(relay.core.rooms(), []);
  assertNotAdmitted(relay.connect().hello({ mac: A, roomKey: MINE.roomKey }));
  relay.client(A, { roomKey: OTHERS.roomKey });
  assertEquals(relay.core.rooms()[0].locked, false);
});

Deno.test("the operator's lock keeps a party's own gateway out where keys show nothing, and there alone", () => {
  const keyed = new RelayHarness({ policy: KEYED });
  keyed.gateway({ gatewayKey: MINE.gatewayKey }).lose();
  assert(keyed.core.admin.lock("PARTY"));
  // Its token is gone with the session, or the machine was exchanged.
  keyed.gateway({ gatewayKey: MINE.gatewayKey });
  assertNotAdmitted(keyed.connect().hello({ mac: B, roomKey: MINE.roomKey }));
  assertNotAdmitted(keyed.connect().hello({ role: "gateway", gatewayKey: "no key" }));
});

Deno.test("a locked room's refusal is no failed key, and a failed key is one in a locked room, too", () => {
  const relay = new RelayHarness(FAILURES);
  relay.client(A, { roomKey: MINE.roomKey });
  relay.core.admin.lock("PARTY");
  const right = { mac: B, roomKey: MINE.roomKey };
  for (let i = 0; i < 10; i++) assertNotAdmitted(relay.connect().hello(right));
  const wrong = () => codeOf(relay.connect().hello({ mac: B, room: "OTHER" }));
  for (let i = 0; i < 3; i++) assertEquals(wrong(), "not-admitted");
  assertEquals(wrong(), "rate-limited");
});

Deno.test("locks are bounded in number", () => {
  const { core } = new RelayHarness();
  for (let i = 0; i < 1_024; i++) assert(core.admin.lock(`ROOM-${i}`));
  assertEquals(core.admin.lock("ONE-MORE"), false);
  assert(core.admin.lock("ROOM-0"), "what is locked can be locked again");
});

Deno.test("whoever is kicked, or whose room is closed, may be named by the room's id", () => {
  const relay = new RelayHarness({ policy: KEYED });
  const mine = relay.client(A, { roomKey: MINE.roomKey });
  const theirs = relay.client(A, { roomKey: OTHERS.roomKey });
  const [{ id }, { id: otherId }] = relay.core.rooms();
  assert(relay.core.admin.kick(id, asPeerId(1), { by: "operator" }, relay.nowMs));
  assertEquals(relay.core.admin.closeRoom(otherId, undefined, relay.nowMs), 1);
  relay.settle();
  assertEquals(mine.last("disconnect").code, "kicked");
  assertEquals(theirs.last("disconnect").code, "room-closed");
});

Deno.test("the relay's first lines say what its fingerprint is for", () => {
  assertEquals(
    trustNotice("ABC", true),
    "Players and gateways know this relay by its fingerprint: --relay-fingerprint ABC",
  );
  assertMatch(trustNotice("ABC", false), /need no fingerprint where a public CA .* ABC$/);
});

Deno.test("a relay with more ports says how they are all tried", () => {
  const at = (port: number) => ({ family: "any", address: undefined, port }) as const;
  assertEquals(portsNotice([at(443)]), undefined);
  assertEquals(
    portsNotice([at(443), { family: "ipv4", address: "192.0.2.1", port: 443 }]),
    undefined,
  );
  assertEquals(portsNotice([at(0), at(443)]), undefined);
  assertMatch(portsNotice([at(443), at(8443)]) ?? "", /: --relay HOST:443,HOST:8443$/);
});
