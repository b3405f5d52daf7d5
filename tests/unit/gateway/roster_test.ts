import { assertEquals, assertThrows } from "@std/assert";
import {
  Roster,
  ROSTER_PLAYERS_MAX,
  Sender,
  STRANGER_GRACE_MS,
  STRANGERS_MAX,
} from "../../../src/gateway/roster.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { hex } from "../proto/frames.ts";

const A = hex("02000000000a");
const B = hex("02000000000b");

function roster(playersMax = 4): Roster {
  const made = new Roster(playersMax);
  made.reset(asPeerId(100));
  return made;
}

Deno.test("a player is found by its MAC from join to leave, wherever the MAC stands", () => {
  const players = roster();
  const place = players.join(asPeerId(7), A);
  const frame = hex("ffff 02000000000a ffff");
  assertEquals(players.placeOfMac(frame, 2), place);
  assertEquals(players.placeOfMac(B, 0), -1);
  assertEquals(players.size, 1);
  assertEquals(players.leave(asPeerId(7)), place);
  assertEquals(players.placeOfMac(A, 0), -1);
  assertEquals(players.leave(asPeerId(7)), -1);
  assertEquals(players.size, 0);
});

Deno.test("a frame is believed only with its sender's own MAC", () => {
  const players = roster();
  const [a, b] = [players.join(asPeerId(7), A), players.join(asPeerId(8), B)];
  assertEquals(players.senderOf(asPeerId(7), A, 0, 0), a);
  assertEquals(players.senderOf(asPeerId(8), B, 0, 0), b);
  assertEquals(players.senderOf(asPeerId(7), B, 0, 0), Sender.refused);
  assertEquals(players.senderOf(asPeerId(8), A, 0, 0), Sender.refused);
});

Deno.test("peer id 0 and the gateway's own send nothing", () => {
  const players = roster();
  assertEquals(players.senderOf(asPeerId(0), A, 0, 0), Sender.refused);
  assertEquals(players.senderOf(asPeerId(100), A, 0, 0), Sender.refused);
  assertEquals(players.senderOf(asPeerId(101), A, 0, 0), Sender.stranger);
});

Deno.test("a stranger is believed for a while, until its peerJoined comes or does not", () => {
  const players = roster();
  assertEquals(players.senderOf(asPeerId(7), A, 0, 1000), Sender.stranger);
  assertEquals(players.senderOf(asPeerId(7), A, 0, 1000 + STRANGER_GRACE_MS), Sender.stranger);
  assertEquals(players.senderOf(asPeerId(7), A, 0, 1001 + STRANGER_GRACE_MS), Sender.refused);
  assertEquals(players.senderOf(asPeerId(7), A, 0, 50_000), Sender.refused);
  const place = players.join(asPeerId(7), A);
  assertEquals(players.senderOf(asPeerId(7), A, 0, 50_000), place);
});

Deno.test("a stranger needs a MAC that a player can have", () => {
  const players = roster();
  for (const mac of ["010000000001", "000000000000", "001122334455", "ffffffffffff"]) {
    assertEquals(players.senderOf(asPeerId(7), hex(mac), 0, 0), Sender.refused, mac);
  }
});

Deno.test("so many strangers are watched at a time, and old ones make room", () => {
  const players = roster();
  for (let id = 1; id <= STRANGERS_MAX; id++) {
    assertEquals(players.senderOf(asPeerId(200 + id), A, 0, id), Sender.stranger);
  }
  assertEquals(players.senderOf(asPeerId(999), A, 0, 100), Sender.refused);
  assertEquals(players.senderOf(asPeerId(201), A, 0, 100), Sender.stranger);
  assertEquals(players.senderOf(asPeerId(999), A, 0, 60_001), Sender.stranger);
  assertEquals(players.senderOf(asPeerId(998), A, 0, 60_001), Sender.refused);
  players.join(asPeerId(202), A);
  assertEquals(players.senderOf(asPeerId(998), A, 0, 60_001), Sender.stranger);
});

Deno.test("who has left is not a stranger but gone, until the id joins again", () => {
  const players = roster();
  players.join(asPeerId(7), A);
  players.leave(asPeerId(7));
  assertEquals(players.senderOf(asPeerId(7), A, 0, 0), Sender.refused);
  players.leave(asPeerId(9));
  assertEquals(players.senderOf(asPeerId(9), A, 0, 0), Sender.refused);
  const place = players.join(asPeerId(9), A);
  assertEquals(players.senderOf(asPeerId(9), A, 0, 0), place);
  players.reset(asPeerId(100));
  assertEquals(players.senderOf(asPeerId(7), A, 0, 0), Sender.stranger);
});

Deno.test("a MAC that comes back under a new id keeps to the new one", () => {
  const players = roster();
  players.join(asPeerId(7), A);
  const place = players.join(asPeerId(8), A);
  assertEquals(players.size, 1);
  assertEquals(players.placeOfMac(A, 0), place);
  players.leave(asPeerId(7));
  assertEquals(players.placeOfMac(A, 0), place);
  assertEquals(players.senderOf(asPeerId(7), A, 0, 0), Sender.refused);
  assertEquals(players.senderOf(asPeerId(8), A, 0, 0), place);
});

Deno.test("an id that changes its MAC frees the old one", () => {
  const players = roster();
  players.join(asPeerId(7), A);
  const place = players.join(asPeerId(7), B);
  assertEquals(players.placeOfMac(A, 0), -1);
  assertEquals(players.placeOfMac(B, 0), place);
  assertEquals(players.size, 1);
});

Deno.test("a full roster refuses, and a place that is left is used again", () => {
  const players = roster(2);
  const [a, b] = [players.join(asPeerId(1), A), players.join(asPeerId(2), B)];
  assertEquals([a, b].sort(), [0, 1]);
  const third = hex("02000000000c");
  assertEquals(players.join(asPeerId(3), third), -1);
  assertEquals(players.placeOfMac(third, 0), -1);
  players.leave(asPeerId(1));
  assertEquals(players.join(asPeerId(3), third), a);
});

Deno.test("a roster has a bound", () => {
  for (const playersMax of [0, -1, ROSTER_PLAYERS_MAX + 1, NaN]) {
    assertThrows(() => new Roster(playersMax), RangeError);
  }
});
