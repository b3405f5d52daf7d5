/** A host removes a player, and a MAC stays its player's: the real programs' cores, with days that pass at once. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TokenStore } from "../../src/endpoint/token_store.ts";
import { KEY_SALT_BYTES, KeyedPolicy } from "../../src/relay/policy.ts";
import { sha256 } from "../../src/trust/sha256.ts";
import { B, party, RELAY, Story } from "./story.ts";
import { plainFrame } from "./traffic.ts";

const C = "02:00:00:00:00:0c";
const LAN = "00:1b:21:00:00:01";
const KEY = new Uint8Array(16).fill(7);
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** A gateway alone, at a relay that asks for keys: only there a host can show that it is the host. */
function keyedParty() {
  const story = new Story();
  const policy = new KeyedPolicy(sha256, story.random.bytes(KEY_SALT_BYTES));
  const relay = story.addRelay(RELAY, { policy });
  const gateway = story.start("gateway", undefined, { key: KEY });
  story.until("joining", () => gateway.isJoined, 1_500);
  return { story, relay, gateway };
}

/** Starts a client and says what becomes of it: `in`, or its last words. */
function outcome(
  story: Story,
  name: string,
  mac: string,
  tokens = new TokenStore(),
  key?: Uint8Array,
): string {
  const client = story.start(name, mac, { tokens, ...(key === undefined ? {} : { key }) });
  story.until("an answer", () => client.isJoined || client.ended !== undefined, 5_000);
  const words = client.ended?.message ?? "in";
  client.leave();
  story.pass(2_000);
  return words;
}

Deno.test("sim: a player whom the host kicks is out at once and stays out, for just as long as was said", () => {
  const { story, gateway, ann, bob } = party();
  const peerId = bob.session.room.welcome!.peerId;
  assert(gateway.askRelay({ action: "kick", peerId, forMs: HOUR_MS, reason: "cheats" }));
  const tookMs = story.until("the end", () => bob.ended !== undefined, 1_000);
  assert(tookMs < 300, `${tookMs} ms`);
  assertEquals(gateway.answers.map(({ ok, message }) => [ok, message]), [
    [true, `player ${peerId} is out for 1 hour`],
  ]);
  assertEquals(bob.ended!.message, "The host has removed you from the party, for 1 hour. (cheats)");
  assertEquals(ann.session.room.peers.list().length, 1, "Ann sees the gateway alone");
  story.pass(2_000);
  assertMatch(outcome(story, "Bob", B), /^The host has removed you from the party, for 60 minutes/);
  assertEquals(story.say(ann, plainFrame(LAN, "02:00:00:00:00:0a", 100)), ["gateway"]);
  story.pass(HOUR_MS - 10 * MINUTE_MS);
  assertMatch(outcome(story, "Bob", B), /^The host has removed you from the party/);
  story.pass(10 * MINUTE_MS);
  assertEquals(outcome(story, "Bob", B), "in");
});

Deno.test("sim: a kicked player comes back neither by his token nor after the gateway's new start", () => {
  const { story, gateway } = keyedParty();
  const tokens = new TokenStore();
  const cid = story.start("Cid", C, { tokens, key: KEY });
  story.until("joining", () => cid.isJoined, 1_500);
  story.pass(100);
  gateway.askRelay({ action: "kick", peerId: cid.session.room.welcome!.peerId });
  story.until("the end", () => cid.ended !== undefined, 1_000);
  story.pass(2_000);
  assertMatch(outcome(story, "Cid", C, tokens, KEY), /^The host has removed you/);
  gateway.leave();
  story.pass(2_000);
  const again = story.start("gateway", undefined, { key: KEY });
  story.until("the gateway is back", () => again.isJoined, 1_500);
  assertMatch(outcome(story, "Cid", C, tokens, KEY), /^The host has removed you/);
});

Deno.test("sim: who comes with a departed player's MAC waits until it is free; the player does not", () => {
  const { story, gateway } = party();
  const tokens = new TokenStore();
  const cid = story.start("Cid", C, { tokens });
  story.until("joining", () => cid.isJoined, 1_500);
  cid.leave();
  story.pass(2_000);
  const villain = story.start("Villain", C);
  story.pass(20_000);
  assertEquals([villain.isJoined, villain.ended], [false, undefined]);
  assertEquals(outcome(story, "Cid", C, tokens), "in");
  story.pass(20_000);
  assertEquals(villain.isJoined, false, "Cid has been here again");
  assert(gateway.askRelay({ action: "release", target: C }));
  const waitedMs = story.until("the villain's turn", () => villain.isJoined, 25_000);
  assert(waitedMs <= 20_000, `${waitedMs} ms`);
  villain.leave();
  story.pass(2_000);
  const late = story.start("Late", C);
  story.pass(9 * MINUTE_MS);
  assertEquals(late.isJoined, false);
  story.until("ten minutes are over", () => late.isJoined, 2 * MINUTE_MS);
});
