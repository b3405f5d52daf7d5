/** Single things that happen at parties, with the times that players are promised. */
import { assert, assertEquals } from "@std/assert";
import { TokenStore } from "../../src/endpoint/token_store.ts";
import { LocalDirectory } from "../../src/relay/directory.ts";
import { MAC_RESERVATION_MS } from "../../src/relay/limits_removal.ts";
import { KEY_SALT_BYTES, KeyedPolicy } from "../../src/relay/policy.ts";
import { sha256 } from "../../src/trust/sha256.ts";
import { A, B, party, RELAY, Story } from "./story.ts";
import { BROADCAST, plainFrame } from "./traffic.ts";

const LAN = "00:1b:21:00:00:01";
/** More than the session timeout of QUIC. */
const AFTER_TIMEOUT_MS = 18_000;

Deno.test("sim: a player whose program is killed is back at once by his token", () => {
  const { story, relay, ann } = party();
  const tokens = new TokenStore();
  const first = story.start("Cid", "02:00:00:00:00:0c", { tokens });
  story.until("joining", () => first.isJoined, 1_500);
  const firstId = first.session.room.welcome!.peerId;
  first.crash();
  story.pass(300);
  assertEquals(relay.core!.rooms()[0].peers.length, 4);
  const second = story.start("Cid", "02:00:00:00:00:0c", { tokens });
  const tookMs = story.until("coming back", () => second.isJoined, 1_500);
  assert(tookMs <= 200, `${tookMs} ms`);
  assert(second.session.room.welcome!.peerId !== firstId);
  assertEquals(relay.core!.rooms()[0].peers.length, 4);
  story.pass(AFTER_TIMEOUT_MS);
  assert(second.isJoined);
  const frame = plainFrame("02:00:00:00:00:0c", A, 100);
  assertEquals(story.say(ann, frame), ["Cid"]);
});

Deno.test("sim: two hosts with one room's name have two parties, also after the relay's crash", () => {
  const story = new Story();
  const policy = new KeyedPolicy(sha256, story.random.bytes(KEY_SALT_BYTES));
  const relay = story.addRelay(RELAY, { policy });
  const parties = [1, 2].map((host) => {
    const options = { key: new Uint8Array(16).fill(host) };
    const gateway = story.start(`gateway ${host}`, undefined, options);
    return {
      gateway,
      players: [story.start(`Ann ${host}`, A, options), story.start(`Bob ${host}`, B, options)],
    };
  });
  const everybody = parties.flatMap(({ gateway, players }) => [gateway, ...players]);
  const stranger = story.start("stranger", A);
  const check = () => {
    story.until("joining", () => everybody.every(({ isJoined }) => isJoined), 5_000);
    story.pass(500);
    assertEquals(relay.core!.rooms().map(({ room, peers }) => [room, peers.length]), [
      ["PARTY", 3],
      ["PARTY", 3],
    ]);
    for (const [index, { players: [ann] }] of parties.entries()) {
      const reached = story.say(ann, plainFrame(BROADCAST, A, 100));
      assertEquals(reached, [`Bob ${index + 1}`, `gateway ${index + 1}`]);
    }
  };
  check();
  assertEquals(stranger.session.state, "ended", "without a key it is no use to try again");
  relay.crash(500);
  story.pass(1_000);
  check();
});

Deno.test("sim: without his token he is back when nobody waits for him any more", () => {
  const { story, bob } = party();
  bob.crash();
  const again = story.start("Bob", B);
  const tookMs = story.until("coming back", () => again.isJoined, MAC_RESERVATION_MS + 40_000);
  // His old session has timed out after 15 s, and he tries every 15 s.
  const keptMs = tookMs - MAC_RESERVATION_MS;
  assert(keptMs > 14_000 && keptMs < 35_000, `${tookMs} ms`);
});

Deno.test("sim: after a crash of the relay the party is together again within seconds", () => {
  const { story, relay, gateway, ann, bob } = party();
  relay.crash(500);
  story.pass(100);
  const all = () => [gateway, ann, bob].every(({ isJoined }) => isJoined);
  assertEquals(story.say(ann, plainFrame(BROADCAST, A, 100)), []);
  const tookMs = story.until(
    "coming back",
    () => !all() ? false : relay.core !== undefined,
    30_000,
  );
  assert(tookMs < 5_000, `${tookMs} ms`);
  story.pass(500);
  assertEquals(story.say(ann, plainFrame(BROADCAST, A, 100)), ["Bob", "gateway"]);
});

Deno.test("sim: a relay that restarts is waited for, by all, for as long as it has asked", () => {
  const { story, relay, gateway, ann, bob } = party();
  relay.restart(4_000, 500);
  story.pass(100);
  assert([gateway, ann, bob].every(({ isJoined }) => !isJoined));
  const tookMs = story.until(
    "coming back",
    () => [gateway, ann, bob].every(({ isJoined }) => isJoined),
    10_000,
  );
  assert(tookMs >= 3_800 && tookMs < 9_000, `${tookMs} ms`);
  story.pass(500);
  assertEquals(story.say(bob, plainFrame(A, B, 1_414)), ["Ann"]);
});

Deno.test("sim: a path that is down for ten seconds costs nothing but those seconds", () => {
  const { story, ann, bob } = party();
  const id = bob.session.room.welcome!.peerId;
  story.breakPath(bob.way, 10_000);
  assertEquals(story.say(ann, plainFrame(B, A, 100)), []);
  story.pass(10_000);
  assert(bob.isJoined);
  assertEquals(bob.session.room.welcome!.peerId, id);
  assertEquals(story.say(ann, plainFrame(B, A, 100)), ["Bob"]);
});

Deno.test("sim: a room that lives elsewhere is found there", () => {
  const story = new Story();
  const directory = new LocalDirectory([["FAR", { relay: "other.test:443" }]]);
  const home = story.addRelay(RELAY, { directory });
  const other = story.addRelay("other.test:443");
  const gateway = story.start("gateway", undefined, { room: "FAR" });
  const ann = story.start("Ann", A, { room: "FAR" });
  story.until("joining", () => gateway.isJoined && ann.isJoined, 3_000);
  assertEquals(ann.session.relay.host, "other.test");
  assertEquals([home, other].map((relay) => relay.core!.rooms().length), [0, 1]);
  assertEquals(story.say(ann, plainFrame(LAN, A, 100)), ["gateway"]);
});

Deno.test("sim: a bulk copy to a slow player delays nobody's ping by more than a few frames", () => {
  const { story, gateway, ann, bob } = party();
  // 8 Mbit/s towards Bob, offered four times that.
  bob.way.bytesPerMs = 1_000;
  const pings: number[] = [];
  const frames = [];
  for (let atMs = 0; atMs < 4_000; atMs += 1) {
    for (let i = 0; i < 3; i++) {
      const bulk = plainFrame(B, LAN, 1_400);
      story.ledger.enter(bulk, gateway.station, story.timeline.nowMs);
      gateway.sendFrame(bulk);
    }
    if (atMs % 100 === 50) {
      const ping = plainFrame(B, A, 98);
      frames.push(story.ledger.enter(ping, ann.station, story.timeline.nowMs));
      ann.sendFrame(ping);
    }
    story.pass(1);
  }
  story.pass(200);
  for (const [number, at, atMs] of story.ledger.arrivals) {
    const frame = story.ledger.frames[number];
    if (frames.includes(frame) && at === bob.station) pings.push(atMs - frame.sentMs);
  }
  assertEquals(pings.length, frames.length, "pings were lost");
  const wayMs = ann.way.latencyMs + bob.way.latencyMs;
  const worstMs = Math.max(...pings) - wayMs;
  assert(worstMs < 8, `a ping came ${worstMs.toFixed(1)} ms late`);
});

Deno.test("sim: under overload no frame of a copy is older than 100 ms when it leaves the relay", () => {
  const { story, gateway, bob } = party();
  bob.way.bytesPerMs = 300;
  for (let atMs = 0; atMs < 2_000; atMs++) {
    for (let i = 0; i < 3; i++) {
      const bulk = plainFrame(B, LAN, 1_400);
      story.ledger.enter(bulk, gateway.station, story.timeline.nowMs);
      gateway.sendFrame(bulk);
    }
    story.pass(1);
  }
  story.pass(500);
  const ages = story.ledger.arrivals.map(([number, , atMs]) =>
    atMs - story.ledger.frames[number].sentMs
  );
  // The path carries 600 kB in that time, of 8.4 MB offered.
  assert(ages.length > 380 && ages.length < 450, `${ages.length} frames`);
  // Two ways, 100 ms in the queue, and what the transport has taken ahead.
  const maxMs = gateway.way.latencyMs + bob.way.latencyMs + 100 + 3 + 2 * 1_404 / 300;
  assert(Math.max(...ages) < maxMs, `${Math.max(...ages)} ms`);
});
