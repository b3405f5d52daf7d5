/** Players ask the gateway whether the LAN is there. */
import { assertEquals } from "@std/assert";
import { ANSWER_INTERVAL_MS, SIGHT_MAX_AGE_MS } from "../../../src/gateway/player_questions.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import {
  encodeAnswer,
  encodeQuestion,
  LanSight,
  LanTalkView,
  NEVER_HEARD_MS,
  parseLanTalk,
} from "../../../src/proto/lan_talk.ts";
import { BROADCAST, frameOf, GatewayHarness, OTHER, PLAYER, STATION } from "./harness.ts";
import { hex, toHex } from "../proto/frames.ts";

const ID = hex("f1020304050607ff");
const bytesOf = (mac: string) => hex(mac.replaceAll(":", ""));

function question(
  mac = PLAYER,
  target = STATION,
  sight: LanSight = LanSight.unknown,
): Uint8Array<ArrayBuffer> {
  return encodeQuestion(bytesOf(target), bytesOf(mac), ID, sight).slice();
}

/** The answers that have entered the tunnel: state and quiet time of each. */
function answers(harness: GatewayHarness): [state: number, quietMs: number][] {
  const view = new LanTalkView();
  return harness.tunnel().flatMap((text) => {
    if (text.slice(28, 44) !== "6c616e70726f6f66") return [];
    const bytes = hex(text);
    assertEquals(bytes.length, 60);
    assertEquals(text.slice(0, 12), PLAYER.replaceAll(":", ""));
    assertEquals(parseLanTalk(bytes, 0, bytes.length, view) && view.isAnswer, true);
    assertEquals(toHex(bytes.slice(view.idOffset, view.idOffset + 8)), toHex(ID));
    return [[view.state, view.quietMs]];
  });
}

//= PROTOCOL.md 12.1
//# The answer is as long, from there to the client's MAC, with the question's id. It has 1 (23); a sum
//# (32) of 1 if the interface has a link, 2 if the gateway forwards, and 4 if it serves this player
Deno.test("a player who asks is answered, by what is so at the LAN's side, and nothing goes to the LAN", () => {
  const harness = GatewayHarness.joined();
  harness.fromTunnel(question());
  assertEquals(answers(harness), [[7, NEVER_HEARD_MS]]);
  harness.fromLan(frameOf(BROADCAST, STATION));
  harness.tunnel();
  harness.nowMs += 5_000;
  harness.isLanUp = false;
  harness.fromTunnel(question());
  assertEquals(answers(harness), [[6, 5_000]]);
  assertEquals(harness.lan, []);
  harness.nowMs += 5_000;
  harness.isLanUp = harness.isLanHeld = true;
  harness.fromTunnel(question());
  assertEquals(answers(harness), [[15, 10_000]]);
});

Deno.test("gateways' own frames in the LAN are no sign of life", () => {
  const harness = GatewayHarness.joined();
  harness.fromLan(frameOf(BROADCAST, STATION, 60, "88b5"));
  harness.tunnel();
  harness.fromTunnel(question());
  assertEquals(answers(harness), [[7, NEVER_HEARD_MS]]);
  assertEquals(harness.core.lanQuietMs(harness.nowMs), Infinity);
});

Deno.test("a player whose MAC a station of the LAN has is told so", () => {
  const harness = GatewayHarness.joined();
  for (let i = 0; i < 3; i++) harness.fromLan(frameOf(BROADCAST, PLAYER));
  harness.fromTunnel(question());
  assertEquals(answers(harness)[0][0], 3);
});

//= PROTOCOL.md 12.1
//# A gateway answers players of its room alone, also while it does not forward, and of one player it
//# answers 10 in a second at most.
Deno.test("only players of the room are answered, each in its own name, and not too often", () => {
  const harness = GatewayHarness.joined();
  harness.fromTunnel(question(OTHER));
  harness.fromTunnel(question(PLAYER), 7);
  harness.fromTunnel(encodeAnswer(bytesOf(PLAYER), question(), 0, 7, 0).slice());
  assertEquals(answers(harness), []);
  let count = 0;
  for (let i = 0; i < 200; i++) {
    harness.fromTunnel(question());
    count += answers(harness).length;
    harness.nowMs += 5;
  }
  assertEquals(count, 1_000 / ANSWER_INTERVAL_MS);
  assertEquals(harness.lan, []);
});

//= PROTOCOL.md 12.1
//# What it gets with this mark, right or wrong, it never puts on the LAN. What comes out of the LAN
//# with this mark it drops, so that no station there can answer.
Deno.test("no station of the LAN can answer, and no player can ask one", () => {
  const harness = GatewayHarness.joined();
  const forged = encodeAnswer(bytesOf(STATION), question(), 0, 7, 0).slice();
  harness.fromLan(forged);
  harness.fromLan(question(STATION, PLAYER));
  assertEquals([answers(harness), harness.drops()], [[], { probe: 2 }]);
  for (const target of [STATION, BROADCAST]) {
    const odd = question(PLAYER, target);
    odd[22] = 9;
    harness.fromTunnel(odd);
  }
  assertEquals([harness.lan, harness.drops()], [[], { probe: 4 }]);
});

Deno.test("what a player sees is known as long as it is fresh, and is forgotten with the player", () => {
  const harness = GatewayHarness.joined();
  const sight = () => harness.core.playerSight(asPeerId(1), harness.nowMs);
  assertEquals(sight(), LanSight.unknown);
  harness.fromTunnel(question(PLAYER, STATION, LanSight.noAddress));
  harness.tunnel();
  assertEquals(sight(), LanSight.noAddress);
  harness.nowMs += SIGHT_MAX_AGE_MS;
  assertEquals(sight(), LanSight.unknown);
  harness.fromTunnel(question(PLAYER, STATION, LanSight.good));
  harness.tunnel();
  assertEquals([sight(), harness.core.playerSight(asPeerId(5), harness.nowMs)], [
    LanSight.good,
    LanSight.unknown,
  ]);
  harness.core.handlePeerLeft(asPeerId(1), harness.nowMs);
  harness.core.handlePeerJoined(
    { peerId: asPeerId(2), role: "client", mac: OTHER },
    harness.nowMs,
  );
  assertEquals(harness.core.playerSight(asPeerId(2), harness.nowMs), LanSight.unknown);
});
