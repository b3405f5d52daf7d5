/** A client that was removed says so and does not come back; a gateway asks its relay only what it takes. */
import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../src/control/messages.ts";
import { Stage, WELCOME } from "./harness.ts";

const HOUR_MS = 3_600_000;

/** A session that has joined, on a PC whose clock shows the same time always. */
function joined(role: "client" | "gateway" = "client", features?: string[]): Stage {
  const stage = new Stage({ role }, { clockText: (inMs) => `21:30 (${inMs})` });
  stage.start();
  stage.greet();
  stage.relaySays({ ...WELCOME, features });
  stage.clear();
  return stage;
}

//= PROTOCOL.md 5.3
//# Who receives `reject`, `redirect` or `disconnect` closes the connection at once, with the same
//# code.
Deno.test("who is kicked for an hour is told until when, and the program ends", () => {
  const stage = joined();
  stage.relaySays({
    type: "disconnect",
    code: "kicked",
    message: "cheats",
    by: "host",
    forMs: HOUR_MS,
  });
  const text = "The host has removed you from the party, until 21:30 (3600000). (cheats)";
  const { exitCode, message, told } = stage.only("ended");
  assertEquals({ exitCode, message, told }, { exitCode: 1, message: text, told: true });
  assertEquals(stage.only("close").errorCode, ErrorCode.policy);
  assertEquals(stage.session.nextDeadlineMs(), Infinity, "no attempt follows");
});

Deno.test("who is not let in since they were removed is told so, and the program ends", () => {
  const stage = new Stage({}, { clockText: () => "21:30" });
  stage.start();
  stage.greet();
  stage.clear();
  stage.relaySays({ type: "reject", code: "removed", message: "", by: "operator", forMs: HOUR_MS });
  const { message, exitCode } = stage.only("ended");
  assertEquals([message, exitCode], ["The relay's operator has removed you, until 21:30.", 1]);
  assertEquals(stage.session.nextDeadlineMs(), Infinity);
});

Deno.test("the word of a relay of before is believed as it was", () => {
  const stage = joined();
  stage.relaySays({ type: "disconnect", code: "kicked", message: "Go." });
  assertEquals(stage.only("ended").message, "The host has removed you from the room. (Go.)");
});

//= PROTOCOL.md 6.7
//# With the feature `host-requests` in its welcome, a room's gateway may ask the relay to remove
//# players from its own room and to say who may come.
//= PROTOCOL.md 6.8
//# | `host-requests` | gateways | `hostRequest` and `hostAnswer`, where the relay has named it, too
Deno.test("a gateway asks a relay that has said that it may, and nobody else does", () => {
  const cases: [Stage, boolean][] = [
    [joined("gateway", ["removal", "host-requests"]), true],
    [joined("gateway", ["removal"]), false],
    [joined("gateway", []), false],
    [joined("gateway"), false],
    [joined("client", ["removal", "host-requests"]), false],
  ];
  for (const [stage, may] of cases) {
    assertEquals(stage.session.mayAskRelay, may);
    assertEquals(stage.session.askRelay({ type: "hostRequest", request: 3, action: "lock" }), may);
    stage.drain();
    const expected = may ? [{ type: "hostRequest", request: 3, action: "lock" }] : [];
    assertEquals<unknown>(stage.sent(), expected);
    stage.clear();
    stage.relaySays({ type: "hostAnswer", request: 3, ok: true, message: "done" });
    assertEquals(stage.actions("hostAnswer").length, may ? 1 : 0);
    assertEquals(
      stage.session.state,
      may ? "joined" : "finishing",
      "an answer to nothing is an error",
    );
  }
});

Deno.test("nothing is asked before the room is entered, and after it is left", () => {
  const stage = new Stage({ role: "gateway" });
  const ask = () => stage.session.askRelay({ type: "hostRequest", request: 1, action: "lock" });
  stage.start();
  stage.greet();
  assertEquals(ask(), false);
  stage.relaySays({ ...WELCOME, features: ["host-requests"] });
  assertEquals(ask(), true);
  stage.relaySays({ type: "disconnect", code: "relay-restarting", message: "", retryAfterMs: 1 });
  assertEquals(ask(), false);
});
