/**
 * Whether a client says that the LAN works, in a party whose LAN does not, or does not any more.
 *
 * ```
 *  Ann ── relay ── gateway ── LAN: a station, 192.0.2.1, that answers ARP or is silent
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import type { SimEndpoint } from "./sim_endpoint.ts";
import { isLanTalk } from "../../src/proto/lan_talk.ts";
import { saying } from "../support/sentences.ts";
import { A, RELAY, Story } from "./story.ts";

const STATION = "00163e000001";
const SENTENCE = saying("lan/good", { address: "192.0.2.57" });

/** A station that is asked for its address by ARP, and answers. */
function answer(gateway: SimEndpoint, question: Uint8Array): void {
  if (question.slice(12, 14).toHex() !== "0806" || question.slice(38, 42).toHex() !== "c0000201") {
    return;
  }
  const mac = question.slice(6, 12).toHex();
  const sender = question.slice(28, 32).toHex();
  gateway.sendFrame(
    Uint8Array.fromHex(`${mac}${STATION}08060001080006040002${STATION}c0000201${mac}${sender}`),
  );
}

/** Ann in a room whose gateway has a LAN with one station. */
function scene() {
  const story = new Story();
  story.addRelay(RELAY);
  const gateway = story.start("gateway", undefined);
  story.until("the gateway joins", () => gateway.isJoined, 2_000);
  const lan = { isSilent: false };
  gateway.lan = (frame) => {
    assert(!isLanTalk(frame, 0, frame.length), "a question came out into the LAN");
    if (!lan.isSilent) answer(gateway, frame);
  };
  const ann = story.start("Ann", A);
  // What is answered to her ends at her system.
  ann.lan = () => {};
  story.until("Ann joins", () => ann.isJoined, 2_000);
  return { story, gateway, ann, lan };
}

Deno.test("sim: a station of the LAN answers: the player is told to start the game, within a second", () => {
  const { story, ann } = scene();
  ann.setAddresses("192.0.2.57/24");
  const tookMs = story.until("proof", () => ann.lanVerdict.kind === "good", 1_000);
  assert(tookMs < 500, `${tookMs} ms`);
  story.pass(300_000);
  assertEquals(ann.told, [SENTENCE]);
});

Deno.test("sim: a LAN whose stations are quiet and have answered nobody is there by the gateway's word", () => {
  const { story, gateway, ann, lan } = scene();
  lan.isSilent = true;
  const speak = () =>
    gateway.sendFrame(Uint8Array.fromHex(`ffffffffffff${STATION}0806` + "00".repeat(46)));
  speak();
  story.pass(70_000);
  ann.setAddresses("192.0.2.57/24");
  story.pass(5_000);
  assertEquals(ann.told, [SENTENCE]);
  for (let i = 0; i < 8; i++) {
    speak();
    story.pass(70_000);
  }
  assertEquals(ann.told, [SENTENCE]);
});

Deno.test("sim: a gateway whose cable is pulled out, or whose machine holds frames up, says so to its players within a second, and its end", () => {
  const { story, gateway, ann } = scene();
  ann.setAddresses("192.0.2.57/24");
  story.pass(5_000);
  gateway.isLanUp = false;
  story.until("it is said", () => ann.lanVerdict.kind === "silent", 1_000);
  story.pass(30_000);
  assertEquals(ann.told, [SENTENCE, saying("lan/silent-down")]);
  gateway.isLanUp = true;
  story.until("it is said", () => ann.lanVerdict.kind === "good", 2_000);
  story.pass(1_000);
  gateway.isLanHeld = true;
  story.until("it is said", () => ann.lanVerdict.kind === "silent", 2_000);
  story.pass(30_000);
  assertEquals(ann.told.slice(2), [SENTENCE, saying("lan/silent-held")]);
  gateway.isLanHeld = false;
  story.until("it is said", () => ann.lanVerdict.kind === "good", 2_000);
});

Deno.test("sim: a LAN that is silent is never called one that works, though its gateway sends probes", () => {
  const { story, ann, lan } = scene();
  lan.isSilent = true;
  ann.setAddresses("192.0.2.57/24");
  story.pass(60_000);
  assertEquals(ann.lanVerdict.kind, "silent");
  assertEquals(ann.told, [saying("lan/silent-quiet")]);
  lan.isSilent = false;
  story.until("proof", () => ann.lanVerdict.kind === "good", 11_000);
  story.pass(100);
  assertEquals(ann.told.slice(1), [SENTENCE]);
});

Deno.test("sim: a LAN that falls silent during the game is told of within five minutes", () => {
  const { story, ann, lan } = scene();
  ann.setAddresses("192.0.2.57/24");
  story.pass(5_000);
  assertEquals(ann.told, [SENTENCE]);
  lan.isSilent = true;
  story.until("silence", () => ann.lanVerdict.kind === "silent", 300_000);
  story.pass(100);
  assertEquals(ann.told[1], saying("lan/silent-quiet"));
});

Deno.test("sim: the gateway leaves, comes back, and its LAN is proven anew", () => {
  const { story, gateway, ann } = scene();
  ann.setAddresses("192.0.2.57/24");
  story.pass(5_000);
  gateway.leave();
  story.pass(11_000);
  assertEquals(ann.told[1], saying("lan/silent-alone"));
  const next = story.start("gateway", undefined);
  next.lan = (frame) => answer(next, frame);
  story.until("proof", () => ann.lanVerdict.kind === "good", 3_000);
  story.pass(100);
  assertEquals(ann.told.at(-1), SENTENCE);
});
