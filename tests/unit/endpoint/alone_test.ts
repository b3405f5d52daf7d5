import { assertEquals } from "@std/assert";
import { ALONE_AFTER_MS } from "../../../src/endpoint/room_state.ts";
import { player, Stage } from "./harness.ts";

Deno.test("a player who stays alone is asked whether the room is the right one, once", () => {
  const stage = new Stage();
  stage.join({ gatewayPresent: false });
  stage.advance(ALONE_AFTER_MS - 1);
  assertEquals(stage.statuses("alone"), []);
  stage.advance(1);
  assertEquals(stage.statuses("alone"), [{ type: "alone" }]);
  stage.advance(5_000);
  assertEquals(stage.statuses("alone").length, 1);
  // Somebody is there, the gateway or another player; or it is a gateway that waits.
  for (
    const [options, welcome] of [[{}, { gatewayPresent: true }], [{ role: "gateway" }, {}]] as const
  ) {
    const other = new Stage(options);
    other.join(welcome);
    other.advance(5_000);
    assertEquals(other.statuses("alone"), []);
  }
  const together = new Stage();
  together.join({ gatewayPresent: false });
  together.relaySays({ type: "peerJoined", ...player(2, "Bob") });
  together.advance(5_000);
  assertEquals(together.statuses("alone"), []);
});
