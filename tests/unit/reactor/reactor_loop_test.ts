/** The turns of the reactors' loop, by a clock and a system that the test owns. */
import { assertEquals } from "@std/assert";
import { ReactorLoop } from "../../../src/reactor/reactor_loop.ts";
import type { CompletionSource, Source } from "../../../src/reactor/reactor.ts";

/** What a poll, a task or a wait takes, ms. */
const POLL_MS = 3;
const TASK_MS = 5;
const DISPATCH_MS = 7;
const YIELD_MS = 11;

/** A loop whose time passes by what it does, and that notes what it asks the system. */
class ScriptedLoop extends ReactorLoop {
  override readonly queueFd = -1;
  readonly calls: string[] = [];
  clockMs = 0;
  /** How many events each wait brings; afterwards none come, and each wait lasts as long as it may. */
  events: number[] = [];

  override now(): number {
    this.calls.push("clock");
    return this.clockMs;
  }

  override addFd(): Source {
    throw new Error("no descriptors here");
  }

  override addHandle(): CompletionSource {
    throw new Error("no handles here");
  }

  protected override wait(timeoutMs: number): number {
    this.calls.push(`wait ${timeoutMs}`);
    const count = this.events.shift();
    if (count === undefined) this.clockMs += timeoutMs;
    return count ?? 0;
  }

  protected override dispatch(count: number, nowMs: number): void {
    this.calls.push(`dispatch ${count} at ${nowMs}`);
    this.clockMs += DISPATCH_MS;
  }

  protected override systemSignals(): readonly Deno.Signal[] {
    return [];
  }

  protected override release(): void {}

  /** What was called since the last time. */
  take(): string[] {
    return this.calls.splice(0);
  }
}

/** A poller that has so much to do before it waits for the given time. */
function addPoller(loop: ScriptedLoop, waits: number[]): { readonly polledAtMs: number[] } {
  const polledAtMs: number[] = [];
  loop.setPoller({
    poll: () => {
      polledAtMs.push(loop.roundMs);
      loop.clockMs += POLL_MS;
      return waits.shift() ?? Infinity;
    },
    complete: () => {},
  });
  return { polledAtMs };
}

Deno.test("reactor loop: a turn reads the clock once before its wait and once after it", () => {
  const loop = new ScriptedLoop();
  addPoller(loop, []);
  loop.addTask({ work: () => false, nextDeadlineMs: () => Infinity });
  loop.events = [2];
  loop.turn(10);
  // The first look is that of a turn that is not the running loop's.
  assertEquals(loop.take(), ["clock", "clock", "wait 10", "clock", "dispatch 2 at 3"]);
});

Deno.test("reactor loop: running, two looks at the clock are enough for a turn", async () => {
  const loop = new ScriptedLoop();
  addPoller(loop, []);
  let turns = 0;
  loop.addTask({
    work: () => {
      if (++turns === 12) loop.stop();
      return false;
    },
    nextDeadlineMs: () => Infinity,
  });
  loop.events = Array(12).fill(0);
  loop.turn(0);
  loop.take();
  await loop.run();
  const looks = loop.take().filter((call) => call === "clock").length;
  // One when it begins, two a turn; 3 ms a turn make one slice of 20 ms full, after which one is added.
  assertEquals(looks, 1 + 2 * 11 + 1);
  assertEquals(loop.counters.yields, 1);
});

Deno.test("reactor loop: each round has a time of its own, which is read once", () => {
  const loop = new ScriptedLoop();
  const { polledAtMs } = addPoller(loop, [0, 0, 4]);
  const workedAtMs: number[] = [];
  const seenMs: number[] = [];
  loop.addTask({
    work: (nowMs) => {
      workedAtMs.push(nowMs);
      seenMs.push(loop.roundMs);
      loop.clockMs += TASK_MS;
      return false;
    },
    nextDeadlineMs: () => Infinity,
  });
  loop.turn(100);
  assertEquals(polledAtMs, [0, 3, 11]);
  assertEquals(workedAtMs, [3, 11, 19]);
  assertEquals(seenMs, workedAtMs);
  assertEquals(loop.take(), ["clock", "clock", "clock", "clock", "wait 4", "clock"]);
  assertEquals(loop.roundMs, 28);
});

Deno.test("reactor loop: what comes after a wait has its time, not that before it", async () => {
  const loop = new ScriptedLoop();
  const { polledAtMs } = addPoller(loop, []);
  let turns = 0;
  loop.addTask({
    work: () => {
      // The runtime's own loop takes its time, too.
      queueMicrotask(() => loop.clockMs += YIELD_MS);
      if (++turns === 3) loop.stop();
      return false;
    },
    nextDeadlineMs: () => Infinity,
  });
  await loop.run();
  const SLICE_MS = 20;
  assertEquals(polledAtMs.slice(0, 2), [0, POLL_MS + SLICE_MS + YIELD_MS]);
});

Deno.test("reactor loop: it waits until the first deadline, and never longer than its slice", () => {
  const loop = new ScriptedLoop();
  addPoller(loop, [50, 50, 50, 50]);
  let deadlineMs = Infinity;
  loop.addTask({ work: () => false, nextDeadlineMs: () => deadlineMs });
  loop.turn(0);
  loop.take();
  loop.turn(20);
  assertEquals(loop.take().filter((call) => call !== "clock"), ["wait 20"]);
  deadlineMs = loop.clockMs + POLL_MS + 1.5;
  loop.turn(20);
  assertEquals(loop.take().filter((call) => call !== "clock"), ["wait 2"]);
});
