/** How a sleep of the machine is told from a clock that is a little off. */
import { assertEquals } from "@std/assert";
import { libc } from "../../../../src/ffi/libc.ts";
import { SLEEP_MIN_MS, SleepClock } from "../../../../src/system/power/sleep_clock.ts";
import { windowsSleptMs } from "../../../../src/system/power/windows.ts";

libc(); // opened for good, so not within a test

Deno.test("a sleep is told once, however long it was", () => {
  let sleptMs = 3_600_000; // of earlier days
  const clock = new SleepClock(() => sleptMs);
  assertEquals(clock.take(), 0);
  sleptMs += SLEEP_MIN_MS;
  assertEquals(clock.take(), SLEEP_MIN_MS);
  assertEquals(clock.take(), 0);
  sleptMs += 86_400_000;
  assertEquals(clock.take(), 86_400_000);
});

Deno.test("naps, and clocks that drift apart, are no sleep, however many", () => {
  let sleptMs = 0;
  const clock = new SleepClock(() => sleptMs);
  for (let look = 0; look < 1_000; look++) {
    sleptMs += look % 2 === 0 ? SLEEP_MIN_MS - 1 : -16;
    assertEquals(clock.take(), 0);
  }
});

Deno.test("on Windows it is what one clock counts and the other leaves out", () => {
  // Started 100 s ago, and asleep for 30 s of them.
  assertEquals(windowsSleptMs(100_000n, 700_000_000n), 30_000);
  assertEquals(windowsSleptMs(100_000n, 1_000_000_000n), 0);
});

Deno.test("this machine's clocks can be read, and it does not sleep meanwhile", () => {
  const clock = new SleepClock();
  assertEquals(clock.take(), 0);
});
