import { assert, assertEquals } from "@std/assert";
import { addressKey } from "../../../src/control/address_key.ts";
import { STATION_FRAMES_MIN, STATION_SILENCE_MAX_MS } from "../../../src/relay/lan_macs.ts";
import {
  MAC_RESERVATION_MS,
  RESERVATIONS_MAX,
  RESERVATIONS_PER_ROOM_MAX,
  RESERVATIONS_PER_SITE_MAX,
} from "../../../src/relay/limits_removal.ts";
import { MacReservations } from "../../../src/relay/mac_reservations.ts";
import { siteKey } from "../../../src/relay/sites.ts";
import { mac, plain, whole } from "./frames.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
/** Somebody in the LAN. */
const STATION = "02:00:00:00:00:99";
const NEW = { features: ["removal"] };
const AT = (number: number) => ({ address: `192.0.2.${number}:4000` });

function nameOf(number: number): string {
  const hex = number.toString(16).padStart(8, "0");
  return `02:00:${hex.match(/../g)!.join(":")}`;
}

const PEERS = 64;

Deno.test("reservations: a MAC is kept for ten minutes, in its room, until it is released", () => {
  const kept = new MacReservations(PEERS);
  kept.keep("R", A, { tokens: ["t"], siteKey: "192.0.2.1" }, 1_000);
  assertEquals(kept.get("R", A, 1_000 + MAC_RESERVATION_MS - 1)?.tokens, ["t"]);
  assertEquals(kept.get("R", A, 1_000 + MAC_RESERVATION_MS), undefined);
  assertEquals([kept.get("S", A, 1_000), kept.get("R", B, 1_000)], [undefined, undefined]);
  kept.keep("R", A, { tokens: ["u"], siteKey: "192.0.2.2" }, 2_000);
  assertEquals([kept.size, kept.get("R", A, 2_000)?.tokens], [1, ["u"]]);
  assertEquals([kept.release("R", A), kept.release("R", A), kept.size], [true, false, 0]);
});

/** Reservations, and what makes them. */
function reservations(peersPerRoomMax = PEERS) {
  const kept = new MacReservations(peersPerRoomMax);
  const keep = (room: string, number: number, siteKey: string, nowMs: number) =>
    kept.keep(room, nameOf(number), { tokens: ["t"], siteKey }, nowMs);
  const has = (room: string, number: number, nowMs: number) =>
    kept.get(room, nameOf(number), nowMs) !== undefined;
  return { kept, keep, has };
}

Deno.test("reservations: a site has so many in all rooms, and its own oldest gives way", () => {
  const { kept, keep, has } = reservations();
  keep("R", 1, "192.0.2.2", 0);
  for (let i = 0; i <= RESERVATIONS_PER_SITE_MAX; i++) keep(`R-${i % 9}`, i, "192.0.2.1", 1);
  assertEquals(kept.size, RESERVATIONS_PER_SITE_MAX + 1);
  assertEquals([has("R-0", 0, 2), has("R-1", 1, 2), has("R", 1, 2)], [false, true, true]);
  const large = reservations(1_000);
  for (let i = 0; i < 1_000; i++) large.keep("R", i, "192.0.2.1", 0);
  assert(large.has("R", 0, 1), "as many as a room may have players");
});

//= PROTOCOL.md 7.5
//# A relay bounds what it keeps (this project: 256 MACs for one site and 256 in a room, or as many
//# as a room may have players, 16,384 over all; the oldest of the site with the most gives way.
Deno.test("reservations: where a room or all have too many, the site with most loses its oldest", () => {
  const { kept, keep, has } = reservations();
  for (let i = 0; i < 20; i++) keep("R", i, "192.0.2.1", 0);
  for (let i = 20; i < 2 * RESERVATIONS_PER_ROOM_MAX; i++) {
    // Whoever tries to push the party out comes from three sites.
    keep("R", i, `198.51.100.${i % 3}`, 1);
  }
  assertEquals(kept.size, RESERVATIONS_PER_ROOM_MAX);
  for (let i = 0; i < 20; i++) assert(has("R", i, 2), `${i}`);
  assertEquals([has("R", 20, 2), has("R", 511, 2)], [false, true]);
  for (let i = 0; i < 100 * RESERVATIONS_PER_SITE_MAX; i++) keep(`S-${i}`, i, `site ${i % 100}`, 3);
  assertEquals(kept.size, RESERVATIONS_MAX);
  for (let i = 0; i < 20; i++) assert(has("R", i, 4), `${i}`);
  keep("T", 2, "192.0.2.1", 4 + MAC_RESERVATION_MS);
  assertEquals(kept.size, 1, "what is over is forgotten");
});

Deno.test("a site is an IPv4 address, or an IPv6 /48", () => {
  const sites: [string, string][] = [
    ["192.0.2.1:4000", "192.0.2.1"],
    ["[::ffff:192.0.2.1]:4000", "192.0.2.1"],
    ["[2001:db8:1:2::3]:4000", "2001:db8:1::/48"],
    ["[2001:db8:1:ff00::]:4000", "2001:db8:1::/48"],
    ["[2001:db8:2:ff00::]:4000", "2001:db8:2::/48"],
    ["[::1]:4000", "0:0:0::/48"],
    ["somewhere", "somewhere"],
  ];
  for (const [address, site] of sites) assertEquals(siteKey(addressKey(address)), site, address);
  assertEquals(siteKey("2001:db8::/64"), "2001:db8:0::/48");
});

/** A client that has joined. */
function player(relay: RelayHarness, macText: string, fields = {}, path = {}): ScriptedEndpoint {
  return relay.client(macText, { ...NEW, ...fields }, path);
}

/** A client that is let in, whose welcome is on its way. */
function waiting(relay: RelayHarness, macText: string, fields = {}): ScriptedEndpoint {
  const endpoint = relay.connect();
  endpoint.reads = false;
  relay.advance(100);
  return endpoint.hello({ mac: macText, ...NEW, ...fields });
}

function answer(relay: RelayHarness, fields: Record<string, unknown>, number = 9): unknown {
  const endpoint = relay.connect(AT(number));
  relay.advance(100);
  endpoint.hello({ ...NEW, ...fields });
  const [first] = endpoint.messages;
  return first.code ?? first.type;
}

//= PROTOCOL.md 7.1
//# | 12 | `mac-reserved` | section 7.5: the MAC is kept for another player, or a station of the LAN
//# has it | yes
//= PROTOCOL.md 7.5
//# When a client's session ends otherwise than by being banned or replaced, the room's relay keeps
//# its MAC for 10 minutes:
Deno.test("a departed player's MAC is theirs for ten minutes: by the token, and by nothing else", () => {
  const ways: Record<string, (peer: ScriptedEndpoint) => void> = {
    "says bye": (peer) => peer.control({ type: "disconnect", code: "bye" }),
    "finishes": (peer) => peer.finish(),
    "is lost": (peer) => peer.lose(),
    "errs": (peer) => peer.control({ type: "disconnect", code: "protocol-error" }),
    "errs here": (peer) => peer.raw(new Uint8Array(4)),
  };
  for (const [way, leave] of Object.entries(ways)) {
    const relay = new RelayHarness();
    player(relay, A, {}, AT(1));
    const b = player(relay, B, {}, AT(2));
    const resume = b.last("welcome").resume;
    leave(b);
    const villain = relay.connect(AT(3));
    relay.advance(100);
    villain.hello({ mac: B, name: "Bob", ...NEW });
    assertEquals(villain.last("reject"), {
      type: "reject",
      code: "mac-reserved",
      message: "This MAC is kept for a player who was here a moment ago.",
      retryAfterMs: 15_000,
    }, way);
    assertEquals(answer(relay, { mac: B, features: undefined }), "mac-in-use", `${way}, of before`);
    assertEquals(answer(relay, { mac: B, resume: `${resume}x` }), "mac-reserved", way);
    assertEquals(answer(relay, { mac: B, room: "OTHER" }), "welcome", way);
    assertEquals(answer(relay, { mac: B, resume }), "welcome", way);
  }
  const relay = new RelayHarness();
  player(relay, A, {}, AT(1));
  player(relay, B, {}, AT(2)).lose();
  relay.advance(MAC_RESERVATION_MS - 200);
  assertEquals(answer(relay, { mac: B }), "mac-reserved");
  relay.advance(100);
  assertEquals(answer(relay, { mac: B }), "welcome");
});

Deno.test("a MAC stays a player's over a room that was empty for a while", () => {
  const relay = new RelayHarness();
  const b = player(relay, B);
  const resume = b.last("welcome").resume;
  b.lose();
  assertEquals(relay.core.rooms(), []);
  assertEquals(answer(relay, { mac: B }), "mac-reserved");
  assertEquals(answer(relay, { mac: B, resume }), "welcome");
});

Deno.test("a token whose welcome never arrived locks nobody out: the one before it is good, too", () => {
  const relay = new RelayHarness();
  player(relay, A);
  const b = player(relay, B);
  const resume = b.last("welcome").resume;
  b.lose();
  // He is let in, and the connection breaks before the welcome has come: twice.
  for (let round = 0; round < 2; round++) waiting(relay, B, { resume }).lose();
  assertEquals(answer(relay, { mac: B }), "mac-reserved");
  assertEquals(answer(relay, { mac: B, resume }), "welcome");
});

//= PROTOCOL.md 7.5
//# Nothing is kept for a session that ended before its endpoint's transport had acknowledged the
//# welcome, or before `stats` or a datagram showed that it had come; `bye` alone does not, since an
//# endpoint may leave while it waits for the welcome.
Deno.test("nothing is kept for a session whose welcome never came", () => {
  const relay = new RelayHarness();
  player(relay, A);
  waiting(relay, B).lose();
  assertEquals(answer(relay, { mac: B }), "welcome", "lost while the welcome was on its way");
  const relay2 = new RelayHarness();
  player(relay2, A);
  waiting(relay2, B).control({ type: "disconnect", code: "bye" });
  assertEquals(answer(relay2, { mac: B }), "welcome", "ended while it waited for the welcome");
  const relay3 = new RelayHarness();
  const b = waiting(relay3, B);
  // All but the last byte of what was sent: the welcome and nothing else, the room was empty.
  relay3.core.handleControlSent(b.connection, b.pendingBytes - 1);
  relay3.core.handleControlSent(b.connection, 1);
  b.lose();
  assertEquals(answer(relay3, { mac: B }), "mac-reserved", "acknowledged to the last byte");
  const relay4 = new RelayHarness();
  player(relay4, A);
  waiting(relay4, B).control({ type: "stats" }).lose();
  assertEquals(answer(relay4, { mac: B }), "mac-reserved", "who sends stats has joined");
  const relay5 = new RelayHarness();
  player(relay5, A);
  waiting(relay5, B).send(whole(plain(A, B, 100))).lose();
  assertEquals(answer(relay5, { mac: B }), "mac-reserved", "who sends a frame has joined");
});

Deno.test("a first welcome that came is enough: its player may leave at once, and say nothing more", () => {
  for (const leave of [(b: ScriptedEndpoint) => b.finish(), (b: ScriptedEndpoint) => b.lose()]) {
    const relay = new RelayHarness();
    player(relay, A);
    const b = player(relay, B);
    const { resume } = b.last("welcome");
    leave(b);
    assertEquals(answer(relay, { mac: B }), "mac-reserved");
    assertEquals(answer(relay, { mac: B, resume }), "welcome");
  }
});

Deno.test("a player who leaves before the welcome comes may return, also at a relay that was started anew", () => {
  const before = new RelayHarness();
  const resume = player(before, B).last("welcome").resume;
  // A relay that has never heard of the token.
  const relay = new RelayHarness();
  player(relay, A);
  const leave = (fields: Record<string, unknown>) =>
    waiting(relay, B, fields).control({ type: "disconnect", code: "bye" });
  for (let round = 0; round < 3; round++) leave({ resume });
  const { resume: known } = player(relay, B, { resume }).last("welcome");
  // From here on the relay knows it, and the MAC stays its own however often it leaves so.
  for (let round = 0; round < 3; round++) {
    leave({ resume: known });
    assertEquals(answer(relay, { mac: B, resume }), "mac-reserved");
    assertEquals(answer(relay, { mac: B }), "mac-reserved");
  }
  assertEquals(answer(relay, { mac: B, resume: known }), "welcome");
});

//= PROTOCOL.md 7.5
//# A client is refused, too, if its MAC is not kept for it and the gateway has sent at least 3
//# frames from it, none of them 60 s after the one before, the last within 60 s: a station of the
//# LAN has it.
Deno.test("a MAC of a station of the LAN is nobody's, but who left with it may come back", () => {
  const relay = new RelayHarness();
  const gateway = relay.gateway();
  const b = player(relay, B);
  const resume = b.last("welcome").resume;
  b.lose();
  // A station whose MAC is locally administered, as those of virtual machines are, and the player's as well.
  for (let i = 0; i < STATION_FRAMES_MIN; i++) {
    gateway.send(whole(plain(A, STATION, 100)));
    gateway.send(whole(plain(A, B, 100)));
  }
  const villain = relay.connect();
  villain.hello({ mac: STATION, ...NEW });
  assertEquals(villain.last("reject"), {
    type: "reject",
    code: "mac-reserved",
    message: "A station of the party's LAN has this MAC.",
    retryAfterMs: 15_000,
  });
  assertEquals(answer(relay, { mac: "02:00:00:00:00:98" }), "welcome");
  assertEquals(answer(relay, { mac: B, resume }), "welcome");
  assertEquals(mac(B).length, 6);
});

//= PROTOCOL.md 7.5
//# A single frame shows nothing, since it is soon forged, or may be the player's own that came by
//# another room's gateway.
Deno.test("a frame or two of the LAN with a player's MAC keep that player out of nothing", () => {
  // At once, and each a minute after the one before: never three of them.
  for (const [frames, everyMs] of [[STATION_FRAMES_MIN - 1, 0], [9, STATION_SILENCE_MAX_MS]]) {
    const relay = new RelayHarness();
    const gateway = relay.gateway();
    for (let i = 0; i < frames; i++) {
      relay.advance(everyMs);
      gateway.send(whole(plain(A, STATION, 100)));
    }
    assertEquals(answer(relay, { mac: STATION }), "welcome", `${frames}`);
  }
});

Deno.test("a station that is silent for a minute, or released by the host, keeps its MAC from nobody", () => {
  for (const way of ["silent", "released"]) {
    const relay = new RelayHarness();
    const gateway = relay.gateway();
    for (let i = 0; i < 100; i++) {
      gateway.send(whole(plain(A, STATION, 100)));
      relay.advance(STATION_SILENCE_MAX_MS / 4);
    }
    // Its tables have taken turns in these 25 minutes.
    assertEquals(answer(relay, { mac: STATION }), "mac-reserved");
    if (way === "silent") relay.advance(STATION_SILENCE_MAX_MS);
    else {
      assert(relay.core.admin.release("PARTY", STATION));
      assertEquals(relay.core.admin.release("PARTY", STATION), false);
    }
    assertEquals(answer(relay, { mac: STATION }), "welcome", way);
  }
});

Deno.test("a party of twenty behind one address is back in its locked room after an outage", () => {
  const relay = new RelayHarness();
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  const tokens = numbers.map((i) => {
    const { resume } = player(relay, nameOf(i), {}, AT(7)).last("welcome");
    return resume;
  });
  assert(relay.core.admin.lock("PARTY"));
  for (const endpoint of [...relay.endpoints]) endpoint.lose();
  const answers = numbers.map((i) => {
    const endpoint = relay.connect(AT(7));
    relay.advance(100);
    return endpoint.hello({ mac: nameOf(i), resume: tokens[i], ...NEW }).messages[0].type;
  });
  assertEquals(answers, numbers.map(() => "welcome"));
});
