import { assertEquals } from "@std/assert";
import {
  encodeAnswer,
  encodeQuestion,
  isLanTalk,
  LanSight,
  LanState,
  LanTalkView,
  NEVER_HEARD_MS,
  parseLanTalk,
} from "../../../src/proto/lan_talk.ts";
import { hex, toHex } from "../proto/frames.ts";

const ID = hex("f1020304050607ff");
const GATEWAY = hex("f20203040506");
const PLAYER = hex("020000000051");

const GOLDEN = {
  question: "f20203040506 020000000051 88b5 6c616e70726f6f66 01 00 f1020304050607ff 02" +
    "00".repeat(27),
  answer: "020000000051 f20203040506 88b5 6c616e70726f6f66 01 01 f1020304050607ff 07 00 00012345" +
    "00".repeat(22),
};

//= PROTOCOL.md 12.1
//# it holds `lanproof` (14), 1 (22), 0 (23), an id of 8 random bytes (24)
Deno.test("questions and answers are these bytes, and are read back", () => {
  const question = encodeQuestion(GATEWAY, PLAYER, ID, LanSight.noAddress);
  assertEquals(toHex(question), GOLDEN.question.replaceAll(" ", ""));
  const memory = new Uint8Array(80).fill(0xee);
  memory.set(question, 5);
  const state = LanState.up | LanState.forwarding | LanState.served;
  const answer = encodeAnswer(GATEWAY, memory, 5, state, 0x12345 + 0.7);
  assertEquals(toHex(answer), GOLDEN.answer.replaceAll(" ", ""));

  const view = new LanTalkView();
  assertEquals(parseLanTalk(memory, 5, 60, view), true);
  assertEquals([view.isAnswer, view.state, view.idOffset], [false, LanSight.noAddress, 29]);
  assertEquals(parseLanTalk(answer, 0, 60, view), true);
  assertEquals([view.isAnswer, view.state, view.quietMs], [true, 7, 0x12345]);
  parseLanTalk(encodeAnswer(GATEWAY, question, 0, 0, Infinity), 0, 60, view);
  assertEquals([view.state, view.quietMs], [0, NEVER_HEARD_MS]);
});

Deno.test("what is neither is none: of another type or mark; and with the mark, but cut short, of another version or kind", () => {
  const good = hex(GOLDEN.answer.replaceAll(" ", ""));
  const view = new LanTalkView();
  const changes: [string, number, number, boolean][] = [
    ["type", 13, 0xb6, false],
    ["a probe's mark", 20, 0x62, false],
    ["version", 22, 2, true],
    ["kind", 23, 2, true],
  ];
  for (const [name, at, value, isMarked] of changes) {
    const bad = good.slice();
    bad[at] = value;
    assertEquals(parseLanTalk(bad, 0, bad.length, view), false, name);
    assertEquals(isLanTalk(bad, 0, bad.length), isMarked, name);
  }
  assertEquals([parseLanTalk(good, 0, 37, view), parseLanTalk(good, 0, 38, view)], [false, true]);
  assertEquals([isLanTalk(good, 0, 21), isLanTalk(good, 0, 22)], [false, true]);
});
