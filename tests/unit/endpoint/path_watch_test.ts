/** When a path counts as dead. */
import { assertEquals } from "@std/assert";
import { PathWatch, SILENCE_MAX_MS } from "../../../src/endpoint/path_watch.ts";

Deno.test("a path is silent when nothing has come back for 2 s of what was sent", () => {
  const watch = new PathWatch();
  assertEquals(watch.look(100, 100, 0), false);
  // Nothing is sent: nothing need come back.
  assertEquals(watch.look(100, 100, 60_000), false);
  assertEquals(watch.look(100, 200, 61_000), false);
  assertEquals(watch.look(100, 300, 61_000 + SILENCE_MAX_MS - 1), false);
  assertEquals(watch.look(100, 300, 61_000 + SILENCE_MAX_MS), true);
  assertEquals(watch.look(200, 400, 64_000), false);
  assertEquals(watch.look(200, 500, 65_000), false);
  assertEquals(watch.look(200, 500, 66_999), false);
  assertEquals(watch.look(200, 500, 67_000), true);
});

Deno.test("another connection begins anew", () => {
  const watch = new PathWatch();
  watch.look(100, 100, 0);
  watch.look(100, 200, 1_000);
  watch.reset();
  assertEquals(watch.look(0, 0, 4_000), false);
  assertEquals(watch.look(0, 50, 4_000), false);
  assertEquals(watch.look(0, 50, 4_000 + SILENCE_MAX_MS), true);
});
