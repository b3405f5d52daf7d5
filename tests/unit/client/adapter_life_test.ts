import { assertEquals } from "@std/assert";
import {
  AdapterLife,
  REOPEN_INTERVAL_MS,
  REOPEN_MAX_MS,
} from "../../../src/client/adapter_life.ts";

Deno.test("adapter: it is opened for the first room, and follows the room's MTU", () => {
  const life = new AdapterLife();
  assertEquals(life.handleMtu(1_400), "open");
  assertEquals(life.handleOpened(), undefined);
  assertEquals(life.handleMtu(1_280), "change");
  assertEquals([life.nextDeadlineMs(), life.takeAttempt(1_000)], [Infinity, undefined]);
});

Deno.test("adapter: one that is gone is tried twice a second, with the MTU that it is to have by then", () => {
  const life = new AdapterLife();
  life.handleMtu(1_400);
  life.handleOpened();
  life.handleLost("LAN party", 1_400, 1_000);
  assertEquals(life.nextDeadlineMs(), 1_000 + REOPEN_INTERVAL_MS);
  assertEquals(life.takeAttempt(1_000 + REOPEN_INTERVAL_MS - 1), undefined);
  assertEquals(life.takeAttempt(1_000 + REOPEN_INTERVAL_MS), 1_400);
  assertEquals(life.takeAttempt(1_000 + REOPEN_INTERVAL_MS), undefined, "once each time");
  assertEquals(life.handleMtu(1_280), "later");
  assertEquals(life.takeAttempt(1_000 + 2 * REOPEN_INTERVAL_MS), 1_280);
  assertEquals(life.handleOpened(), "LAN party");
  assertEquals([life.nextDeadlineMs(), life.handleMtu(1_300)], [Infinity, "change"]);
});

Deno.test("adapter: after ten minutes a failed attempt is the last one", () => {
  const life = new AdapterLife();
  assertEquals(life.mayFail(0), false, "the first opening has to succeed");
  life.handleMtu(1_400);
  life.handleOpened();
  life.handleLost("LAN party", 1_400, 1_000);
  assertEquals(life.mayFail(1_000 + REOPEN_MAX_MS - 1), true);
  assertEquals(life.mayFail(1_000 + REOPEN_MAX_MS), false);
});
