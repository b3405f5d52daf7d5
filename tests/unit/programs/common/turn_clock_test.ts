import { assertEquals } from "@std/assert";
import type { Task } from "../../../../src/reactor/mod.ts";
import { TurnClock } from "../../../../src/programs/common/turn_clock.ts";

/** As much of a reactor as the clock looks at: time passes when the test says so. */
class ScriptedReactor {
  readonly counters = { turns: 1, sleeps: 0, events: 0, yields: 0 };
  readonly tasks: Task[] = [];
  nowMs = 0;
  reads = 0;

  now(): number {
    this.reads++;
    return this.nowMs;
  }

  addTask(task: Task): () => void {
    this.tasks.push(task);
    return () => {};
  }

  /** The end of a round. */
  work(): void {
    for (const task of this.tasks) assertEquals(task.work(this.nowMs), false);
  }
}

Deno.test("turn clock: within a round the time is read once", () => {
  const reactor = new ScriptedReactor();
  const clock = new TurnClock(reactor);
  reactor.nowMs = 5;
  for (let i = 0; i < 100; i++) assertEquals(clock.now(), 5);
  assertEquals(reactor.reads, 1);
});

Deno.test("turn clock: each round of a long turn has a time of its own", () => {
  const reactor = new ScriptedReactor();
  const clock = new TurnClock(reactor);
  for (let round = 0; round < 16; round++) {
    reactor.nowMs = round * 3;
    assertEquals([clock.now(), clock.now()], [round * 3, round * 3]);
    reactor.work();
  }
  assertEquals(reactor.reads, 16);
});

Deno.test("turn clock: a new turn has a new time, also if no task ran in between", () => {
  const reactor = new ScriptedReactor();
  const clock = new TurnClock(reactor);
  assertEquals(clock.now(), 0);
  reactor.nowMs = 20;
  reactor.counters.turns++;
  assertEquals(clock.now(), 20);
});

Deno.test("turn clock: it wakes nobody up", () => {
  const reactor = new ScriptedReactor();
  new TurnClock(reactor);
  assertEquals(reactor.tasks.map((task) => task.nextDeadlineMs(0)), [Infinity]);
});
