/** Which interface `lanparty-gateway host` takes for the LAN's, and how it asks. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  chooseLan,
  lanAnswer,
  lanQuestion,
  lanUnclear,
} from "../../../../src/programs/gateway/host_interface.ts";
import type { JudgedInterface } from "../../../../src/programs/gateway/interfaces.ts";
import { CARD } from "./card.ts";

const LOOPBACK: JudgedInterface = { ...CARD, name: "lo", loopback: true };
const WIFI: JudgedInterface = { ...CARD, name: "wlan0", wireless: true };
const UNPLUGGED: JudgedInterface = { ...CARD, name: "eth1", carrier: false };

Deno.test("the one interface without a flaw is the LAN's, whatever else there is", () => {
  const choice = chooseLan([UNPLUGGED, LOOPBACK, CARD, WIFI]);
  assertEquals(choice, { kind: "plain", name: "eth0" });
});

Deno.test("two without a flaw are asked about, before those with one, and what cannot be is not offered", () => {
  const choice = chooseLan([UNPLUGGED, { ...CARD, name: "br0", bridge: true }, CARD, LOOPBACK]);
  assert(choice.kind === "several");
  assertEquals(choice.candidates.map(({ name }) => name), ["br0", "eth0", "eth1"]);
  assertEquals(lanQuestion(choice.candidates).split("\n"), [
    "Which of these leads to the party's LAN, that is to its switch?",
    "  1: br0 (bridge); players reach this machine, too",
    "  2: eth0 (Ethernet)",
    "  3: eth1 (Ethernet); it has no carrier: is the cable plugged in?",
  ]);
  assertStringIncludes(lanUnclear(choice.candidates), "Give --interface br0 or eth0 or eth1 ");
});

Deno.test("one interface with a flaw is not taken unasked; none at all is said", () => {
  const choice = chooseLan([WIFI, LOOPBACK]);
  assert(choice.kind === "several");
  assertStringIncludes(choice.candidates[0].text, "wlan0 (Wi-Fi); it is a Wi-Fi interface");
  assertEquals(chooseLan([LOOPBACK]), { kind: "none" });
  assertEquals(chooseLan([]), { kind: "none" });
});

Deno.test("an answer is a number or a name of the list, and nothing else", () => {
  const candidates = [{ name: "eth0", text: "" }, { name: "3", text: "" }];
  const answers = ["1", "2", "eth0", "3", "0", "-1", "", "1.0", "eth", "00001"];
  assertEquals(
    answers.map((answer) => lanAnswer(candidates, answer)),
    ["eth0", "3", "eth0", "3", ...Array(6).fill(undefined)],
  );
});
