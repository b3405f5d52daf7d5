/** An endpoint tells its relay what its path carries, and follows the room's MTU. */
import { assertEquals } from "@std/assert";
import type { Welcome } from "../../../src/control/messages.ts";
import { Stage, WELCOME } from "./harness.ts";

const NEW: Partial<Welcome> = { features: ["removal", "room-mtu"] };

function joined(welcome: Partial<Welcome> = NEW): Stage {
  const stage = new Stage();
  stage.join(welcome);
  stage.clear();
  return stage;
}

/** What was sent beside the totals of every ten seconds. */
function said(stage: Stage): unknown[] {
  return stage.sent().filter(({ type }) => type !== "stats");
}

function widen(stage: Stage, bytes: number): void {
  stage.session.handleMaxDatagram(bytes, stage.nowMs);
  stage.drain();
}

//= PROTOCOL.md 6.9
//# An endpoint sends it when its budget is no longer the one that it has told last, at most once a
//# second.
Deno.test("a path that carries more, or less, is told, once a second at most", () => {
  const stage = joined();
  widen(stage, 1_200);
  widen(stage, 1_431);
  stage.advance(999);
  assertEquals(said(stage), []);
  stage.advance(1);
  assertEquals(said(stage), [{ type: "budget", datagramBudget: 1_431 }]);
  stage.advance(5_000);
  stage.clear();
  widen(stage, 1_400);
  stage.advance(60);
  widen(stage, 1_300);
  stage.advance(39);
  assertEquals(said(stage), []);
  stage.advance(1);
  assertEquals(said(stage), [{ type: "budget", datagramBudget: 1_300 }]);
  stage.clear();
  widen(stage, 1_431);
  stage.advance(500);
  // Narrow for a moment only: there is nothing to say.
  widen(stage, 1_300);
  stage.advance(5_000);
  assertEquals(said(stage), []);
});

Deno.test("what was found between hello and welcome is told, too, but not beyond a user's cap", () => {
  const stage = new Stage({ datagramBudget: 1_300 });
  stage.start();
  stage.connected(1_250);
  stage.advance(400);
  widen(stage, 1_431);
  stage.relaySays({ ...WELCOME, ...NEW });
  stage.clear();
  stage.advance(2_000);
  assertEquals(said(stage), [{ type: "budget", datagramBudget: 1_300 }]);
  stage.clear();
  widen(stage, 1_450);
  stage.advance(2_000);
  assertEquals(said(stage), []);
});

//= PROTOCOL.md 6.8
//# | `room-mtu` | endpoints | `roomMtu`; and `budget`, where the relay has named it, too
Deno.test("a relay of before is told of no budgets, and may not say another MTU", () => {
  for (const welcome of [{}, { features: [] }, { features: ["removal"] }]) {
    const stage = joined(welcome);
    widen(stage, 1_200);
    stage.advance(5_000);
    assertEquals(said(stage), []);
    stage.relaySays({ type: "roomMtu", tapMtu: 1_300 });
    assertEquals(stage.sent().flatMap(({ code }) => code ?? []), ["protocol-error"]);
    assertEquals(stage.actions("mtu"), []);
  }
});

Deno.test("nothing is told to a relay from which the session is cut off", () => {
  const stage = joined();
  widen(stage, 1_200);
  stage.closed({ transport: "timeout" });
  stage.advance(200);
  assertEquals(said(stage), []);
});

//= PROTOCOL.md 5.1
//# **joined**: `peerJoined`, `peerLeft`, `stats`, `disconnect`, (with `room-mtu`) `roomMtu` and (a
//# gateway that has asked) `hostAnswer` are expected, and frames flow.
//= PROTOCOL.md 6.9
//# A client that gets `roomMtu` gives it to its running TAP; to a gateway it says what players have.
Deno.test("the room's MTU may change while it runs, and again with the next welcome", () => {
  const stage = joined();
  stage.relaySays({ type: "roomMtu", tapMtu: 1_500 });
  assertEquals(stage.only("mtu").tapMtu, 1_500);
  assertEquals(stage.statuses("mtu"), [{ type: "mtu", tapMtu: 1_500, beforeMtu: 1_400 }]);
  assertEquals(stage.session.room.tapMtu, 1_500);
  stage.clear();
  stage.relaySays({ type: "roomMtu", tapMtu: 1_500 });
  assertEquals(stage.actions("mtu"), []);
  stage.closed({ transport: "timeout" });
  stage.advance(1_000);
  stage.join({ ...NEW, tapMtu: 1_280 });
  assertEquals(stage.only("mtu").tapMtu, 1_280);
});
