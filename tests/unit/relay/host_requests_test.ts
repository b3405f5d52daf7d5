/** What a room's host may do through the gateway, and nobody else. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { HostAnswer, HostRequest } from "../../../src/control/host_messages.ts";
import {
  HostRequests as GatewayRequests,
  LOCK_AGAIN_MS,
} from "../../../src/gateway/host_requests.ts";
import { HOST_BANS_PER_SITE_MAX, ROOM_BANS_MAX } from "../../../src/relay/limits_removal.ts";
import { KeyedPolicy } from "../../../src/relay/policy.ts";
import { sha256 } from "../../../src/trust/sha256.ts";
import { type Message, RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const GATEWAY_KEY = "AAECAwQFBgcICQoLDA0ODw";
const ROOM_KEY = "B-ZsSYxJesVH8q-8fVGnFw";
const OTHER_GATEWAY_KEY = "BAECAwQFBgcICQoLDA0ODw";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";
const DAY_MS = 86_400_000;
const FEATURES = ["removal", "host-requests"];
const AT = (number: number) => ({ address: `192.0.2.${number}:4000` });

class Party extends RelayHarness {
  readonly host: ScriptedEndpoint;
  readonly hostResume: unknown;
  #requests = 0;

  constructor(policy: "open" | "keyed" = "keyed") {
    super({ policy: policy === "open" ? "open" : new KeyedPolicy(sha256, new Uint8Array(32)) });
    this.host = this.gateway({ gatewayKey: GATEWAY_KEY, features: FEATURES }, AT(1));
    this.hostResume = this.host.last("welcome").resume;
  }

  /** A client that has joined. */
  player(mac: string, number: number): ScriptedEndpoint {
    return this.client(mac, { roomKey: ROOM_KEY, features: ["removal"] }, AT(number));
  }

  /** Everything that the relay answers to a request. */
  askAll(fields: Record<string, unknown>, host = this.host): Message[] {
    host.heard();
    const request = ++this.#requests;
    host.control({ type: "hostRequest", request, ...fields });
    const answers = host.heard().filter(({ type }) => type === "hostAnswer");
    for (const answer of answers) assertEquals(answer.request, request);
    return answers;
  }

  /** `+text` or `-text`. */
  ask(fields: Record<string, unknown>, host = this.host): string {
    const [{ ok, message }] = this.askAll(fields, host);
    return `${ok ? "+" : "-"}${message}`;
  }

  /** What somebody gets who says hello. */
  answer(fields: Record<string, unknown>, number: number): unknown {
    const endpoint = this.connect(AT(number));
    this.advance(100);
    endpoint.hello({ roomKey: ROOM_KEY, features: ["removal"], ...fields });
    const [first] = endpoint.messages;
    endpoint.lose();
    return first.code ?? first.type;
  }
}

//= PROTOCOL.md 6.7
//# | `kick` | `peerId` | sends this player away (`kicked`) and bans them: their MAC, their token,
//# and their address where nobody else in the room has it. For an hour without `forMs`; 0: no ban
//= PROTOCOL.md 6.7
//# | `reason` | text | ≤ 128 code points: for the player to read
Deno.test("host: a player is kicked for an hour, and is told by whom", () => {
  const party = new Party();
  const b = party.player(B, 2);
  const peerId = b.last("welcome").peerId;
  assertEquals(
    party.ask({ action: "kick", peerId, reason: "cheats" }),
    "+player 2 is out for 1 hour",
  );
  assertEquals(b.last("disconnect"), {
    ...{ type: "disconnect", code: "kicked", message: "cheats", by: "host", forMs: 3_600_000 },
  });
  assertEquals(party.answer({ mac: B }, 3), "removed");
  assertEquals(party.answer({ mac: C }, 2), "removed");
  assertEquals(party.ask({ action: "kick", peerId }), "-there is no player 2");
  assertEquals(party.ask({ action: "kick" }), "-there is no player 0");
  assertEquals(party.ask({ action: "kick", peerId: 1 }), "-that is the gateway itself");
  const { fields } = party.logs.find(({ message }) => message === "Peer removed")!;
  assertEquals([fields.by, fields.why], ["host", "cheats"]);
  assertEquals(party.core.tallies.removals, { operator: 0, host: 1 });
});

//= PROTOCOL.md 6.7
//# | `ban` | `peerId` or `target` | with `peerId`: as `kick`, 30 days without `forMs`.
//= PROTOCOL.md 6.7
//# | `unban` | `target` | takes this gateway's bans back that look for it, or have this `id`
//= PROTOCOL.md 6.7
//# | `bans` | | lists this room's bans in one or more answers
//= PROTOCOL.md 6.7
//# | `forMs` | count | how long; more than 30 days count as 30 days
Deno.test("host: the room's bans are made, listed and taken back, and end after thirty days", () => {
  const party = new Party();
  const b = party.player(B, 2);
  assertEquals(
    party.ask({ action: "ban", target: "192.0.2.2", forMs: 1e12 }),
    "+192.0.2.2 is kept out for 30 days; 1 sent away",
  );
  assertEquals(b.last("disconnect").forMs, 30 * DAY_MS);
  const c = party.player(C, 3);
  assertEquals(
    party.ask({ action: "ban", peerId: c.last("welcome").peerId, forMs: 60_000 }),
    "+player 3 is out for 1 minute",
  );
  const [{ bans, more }] = party.askAll({ action: "bans" });
  assertEquals(more, undefined);
  assertEquals(
    (bans as { targets: string[]; by: string }[]).map(({ targets, by }) => [targets.length, by]),
    [
      [1, "host"],
      [3, "host"],
    ],
  );
  assertEquals(party.ask({ action: "unban", target: C }).slice(0, 1), "+");
  assertEquals(party.answer({ mac: C }, 3), "welcome");
  assertEquals(party.ask({ action: "unban", target: C }), `-there is no ban of ${C} here`);
  assertEquals(party.ask({ action: "ban", target: "nobody" }), "-that is no MAC, address or token");
  assertEquals(party.ask({ action: "ban", target: B, forMs: 0 }), "-a ban of no length is none");
  assertEquals(party.ask({ action: "ban" }), "-that is no MAC, address or token");
  assertEquals(party.answer({ mac: B }, 2), "removed");
  party.host.lose();
  party.advance(30 * DAY_MS);
  assertEquals(party.answer({ mac: B }, 2), "welcome");
});

//= PROTOCOL.md 6.7
//# A host's bans hold in its own room, for players only, and end after 30 days at the latest; they
//# last when gateway or relay are started anew.
Deno.test("host: a ban holds for players of this room alone, and outlasts gateway and room", () => {
  const party = new Party();
  party.ask({ action: "ban", target: "192.0.2.2" });
  assertEquals(
    party.answer({ mac: B, roomKey: "CAECAwQFBgcICQoLDA0ODw" }, 2),
    "welcome",
    "another room of that name",
  );
  assertEquals(party.answer({ mac: B, room: "OTHER" }, 2), "welcome");
  party.host.lose();
  assertEquals(party.core.rooms(), []);
  assertEquals(party.answer({ mac: B }, 2), "removed");
  const again = party.gateway({ gatewayKey: GATEWAY_KEY, features: FEATURES }, AT(2));
  assertEquals((party.askAll({ action: "bans" }, again)[0].bans as unknown[]).length, 1);
  const stranger = party.gateway({ gatewayKey: OTHER_GATEWAY_KEY, features: FEATURES }, AT(5));
  assertEquals((party.askAll({ action: "bans" }, stranger)[0].bans as unknown[]).length, 0);
  assertEquals(party.ask({ action: "unban", target: "192.0.2.2" }, stranger)[0], "-");
  assertEquals(party.ask({ action: "kick", peerId: 1 }, stranger), "-that is the gateway itself");
});

Deno.test("host: who opens room after room has so many bans at once, and pushes out nobody's", () => {
  const party = new Party();
  party.ask({ action: "ban", target: "192.0.2.2" });
  const answers = new Set<string>();
  for (let i = 0; i < HOST_BANS_PER_SITE_MAX + 3; i++) {
    const address = `[2001:db8:1:${i.toString(16)}::1]:4000`;
    const stranger = party.gateway(
      { room: `R-${i}`, gatewayKey: GATEWAY_KEY, features: FEATURES },
      { address },
    );
    answers.add(party.ask({ action: "ban", target: B, forMs: 1e12 }, stranger));
    stranger.lose();
  }
  assertEquals(answers.size, 2);
  assertStringIncludes([...answers][1], "-there are too many bans");
  assertEquals(party.core.admin.banCounts(party.nowMs).host, 1 + HOST_BANS_PER_SITE_MAX);
  assertEquals(party.answer({ mac: B }, 2), "removed");
});

//= PROTOCOL.md 6.7
//# From anybody else, and without the feature, `hostRequest` is a protocol error.
Deno.test("host: nobody but the room's gateway may ask, not even one that did not say it could", () => {
  const party = new Party();
  const b = party.player(B, 2);
  const liar = party.client(C, { roomKey: ROOM_KEY, features: FEATURES }, AT(3));
  const old = party.gateway({ room: "OLD", gatewayKey: GATEWAY_KEY }, AT(4));
  for (const endpoint of [b, liar, old]) {
    endpoint.control({ type: "hostRequest", request: 1, action: "kick", peerId: 1 });
    assertEquals(endpoint.last("disconnect").code, "protocol-error");
    assertStringIncludes(String(endpoint.last("disconnect").message), "Only the room's gateway");
  }
  assertEquals(party.host.messages.some(({ type }) => type === "disconnect"), false);
  const early = party.connect(AT(6));
  early.control({ type: "hostRequest", request: 1, action: "lock" });
  assertEquals(early.messages.at(-1)!.code, "invalid-hello");
});

//= PROTOCOL.md 6.7
//# | `lock`, `unlock` | | lets no new player into the room, while the room is there; who has left
//# within 10 minutes and shows the token may come back
Deno.test("host: a locked room lets no new player in, but those who were there, and its gateway", () => {
  const party = new Party();
  const b = party.player(B, 2);
  const resume = b.last("welcome").resume;
  assertEquals(party.ask({ action: "unlock" }), "-it was not locked");
  assertEquals(party.ask({ action: "lock" }), "+PARTY is locked: no new player is let in");
  assertEquals(party.core.rooms()[0].locked, true);
  assertEquals(party.answer({ mac: C }, 3), "not-admitted");
  b.control({ type: "disconnect", code: "bye" });
  b.lose();
  assertEquals(party.answer({ mac: B }, 2), "not-admitted");
  assertEquals(party.answer({ mac: B, resume }, 2), "welcome", "who has just left");
  const gateway = party.connect(AT(9));
  gateway.hello({
    role: "gateway",
    gatewayKey: GATEWAY_KEY,
    resume: party.hostResume,
  });
  assertEquals(gateway.messages[0].type, "welcome");
});

//= PROTOCOL.md 6.7
//# A gateway that is to keep it should ask for it again in each new session, a while (this project:
//# 60 s) after its welcome: a relay that was started anew knows no tokens, and would shut out the
//# players who were there before.
Deno.test("host: a lock outlasts a room that was empty for a moment, and a relay that was started anew", () => {
  const outcomes: string[] = [];
  const requests = new GatewayRequests(false, {
    keep: () => {},
    renewed: ({ message }) => outcomes.push(message),
  });
  /** Passes a gateway's requests to the relay, and the answers back. */
  const send = (host: ScriptedEndpoint) => (request: HostRequest) => {
    host.heard();
    host.control(request);
    const answer = host.heard().find(({ type }) => type === "hostAnswer");
    pendingAnswers.push(answer as unknown as HostAnswer);
    return true;
  };
  const pendingAnswers: HostAnswer[] = [];
  const settle = () => {
    for (const answer of pendingAnswers.splice(0)) requests.handleAnswer(answer);
  };
  const before = new Party();
  requests.ask({ action: "lock" }, send(before.host), () => {}, 0);
  settle();
  assertEquals(before.answer({ mac: C }, 3), "not-admitted");
  before.host.lose();
  const back = before.gateway({ gatewayKey: GATEWAY_KEY, features: FEATURES }, AT(1));
  const restarted = new Party();
  for (const [party, host] of [[before, back], [restarted, restarted.host]] as const) {
    requests.handleJoined(send(host), 0);
    // Who was in it comes back before it is locked.
    const b = party.player(B, 2);
    requests.handleTimer(LOCK_AGAIN_MS);
    settle();
    assertEquals(party.answer({ mac: C }, 3), "not-admitted");
    assertEquals(b.messages.some(({ type }) => type === "disconnect"), false);
  }
  assertEquals(outcomes, Array(2).fill("PARTY is locked: no new player is let in"));
});

Deno.test("host: the operator's lock is not the host's to open", () => {
  const party = new Party();
  party.core.admin.lock("PARTY");
  assertEquals(party.ask({ action: "unlock" }), "-the relay's operator has locked it");
  assertEquals(party.ask({ action: "lock" })[0], "+");
  assertEquals(party.ask({ action: "unlock" }), "+PARTY is open");
  assertEquals(party.answer({ mac: C }, 3), "not-admitted");
});

//= PROTOCOL.md 6.7
//# | `release` | `target` | a MAC: it is no longer kept for who has left, nor for a station of the
//# LAN until that speaks again (section 7.5)
//= PROTOCOL.md 7.5
//# The gateway may give a MAC free sooner (`release`), since a player who has installed anew has no
//# token.
Deno.test("host: a MAC that is kept for who has left is given free", () => {
  const party = new Party();
  const b = party.player(B, 2);
  b.control({ type: "disconnect", code: "bye" });
  b.lose();
  assertEquals(party.answer({ mac: B }, 3), "mac-reserved");
  assertEquals(party.ask({ action: "release", target: B.toUpperCase() }), `+${B} is free`);
  assertEquals(
    party.ask({ action: "release", target: B }),
    `-${B} is not kept for anybody, and no station of the LAN has it`,
  );
  assertEquals(party.ask({ action: "release", target: "Bob" }), "-that is no MAC");
  assertEquals(party.answer({ mac: B }, 3), "welcome");
});

//= PROTOCOL.md 6.7
//# | `bans` | list | objects with **`id`** and **`targets`** (printable ASCII, 1 to 64 characters;
//# 8 targets at most), **`by`**, `forMs` (what is left), `reason`, `name`; readers keep 16
//= PROTOCOL.md 6.7
//# | `more` | boolean | another answer to the same request follows
Deno.test("host: many bans come in pages, each of which fits, and there is an end to them", () => {
  const party = new Party();
  const reason = "\u{1f3ae}".repeat(128);
  for (let i = 0; i < ROOM_BANS_MAX; i++) {
    assertEquals(party.ask({ action: "ban", target: `198.51.100.${i}`, reason })[0], "+");
    // No more than a hundred messages in ten seconds.
    party.advance(200);
  }
  assertStringIncludes(
    party.ask({ action: "ban", target: "203.0.113.1" }),
    "-there are too many bans in this room",
  );
  const b = party.player(B, 2);
  const peerId = b.last("welcome").peerId;
  assertStringIncludes(
    party.ask({ action: "kick", peerId }),
    "but may come back: there are too many bans",
  );
  assertEquals(b.last("disconnect").code, "kicked");
  party.advance(10_000);
  const answers = party.askAll({ action: "bans" });
  assertEquals(answers.map(({ bans, more }) => [(bans as unknown[]).length, more]), [
    [16, true],
    [16, true],
    [16, true],
    [16, undefined],
  ]);
  for (const answer of answers) assert(JSON.stringify(answer).length < 65_536);
});

//= PROTOCOL.md 6.7
//# Where a relay asks for no keys, nobody can show that they are the host: lock and bans end there
//# when the gateway leaves.
Deno.test("host: where the relay asks for no keys, lock and bans end with the gateway, and are not kept", () => {
  const party = new Party("open");
  party.ask({ action: "ban", target: "192.0.2.2" });
  party.ask({ action: "lock" });
  assertEquals([party.banChanges, party.core.admin.keptBans(party.nowMs)], [[], []]);
  assertEquals(party.answer({ mac: B }, 2), "removed");
  party.host.lose();
  assertEquals(party.answer({ mac: B }, 2), "welcome");
  const keyed = new Party();
  keyed.ask({ action: "ban", target: "192.0.2.2" });
  assertEquals([keyed.banChanges.length, keyed.core.admin.keptBans(keyed.nowMs).length], [1, 1]);
});

Deno.test("host: too many requests are too many messages", () => {
  const party = new Party();
  for (let i = 0; i < 101; i++) {
    party.host.control({ type: "hostRequest", request: i, action: "bans" });
  }
  assertEquals(party.host.last("disconnect").code, "protocol-error");
});
