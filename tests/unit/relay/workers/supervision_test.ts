import { assert, assertEquals } from "@std/assert";
import {
  RESTART_MAX_MS,
  RESTART_MIN_MS,
  STABLE_MS,
  START_MAX_MS,
  STOP_MAX_MS,
  Supervision,
  TICK_MS,
} from "../../../../src/relay/workers/supervision.ts";

const SILENCE_MS = 10_000;
const NOBODY = { rooms: 0, peers: 0, draining: false };

/** A supervisor with its clock; what it wants is written as short texts. */
class Stage {
  nowMs = 1_000;
  readonly core: Supervision;
  readonly notes: string[] = [];

  constructor(readonly workers = 2) {
    this.core = new Supervision(workers, SILENCE_MS);
    this.core.start(this.nowMs);
  }

  /** All listen. */
  static running(workers = 2): Stage {
    const stage = new Stage(workers);
    stage.actions();
    for (let worker = 0; worker < workers; worker++) stage.core.handleListening(worker);
    assertEquals(stage.actions(), ["ready"]);
    return stage;
  }

  actions(): string[] {
    return this.core.drainActions().flatMap((action) => {
      if (action.type === "note") {
        this.notes.push(`${action.level} ${action.message}`);
        return [];
      }
      if (action.type === "end") return [`end ${action.failure?.message ?? ""}`.trim()];
      return ["worker" in action ? `${action.type} ${action.worker}` : action.type];
    });
  }

  /** Lets time pass, from deadline to deadline; those named say each second that they live. */
  advance(durationMs: number, ...alive: number[]): string[] {
    const endMs = this.nowMs + durationMs;
    const found: string[] = [];
    let aliveMs = this.nowMs;
    for (let turns = 0; this.nowMs < endMs; turns++) {
      assert(turns < 100_000, "the timer spins");
      this.nowMs = Math.min(endMs, Math.max(this.nowMs, this.core.nextDeadlineMs()));
      if (this.nowMs >= aliveMs) {
        aliveMs = this.nowMs + 1_000;
        for (const worker of alive) this.core.handleAlive(worker, NOBODY, this.nowMs);
      }
      this.core.handleTimer(this.nowMs);
      found.push(...this.actions());
    }
    return found;
  }

  exit(worker: number, how = "SIGSEGV"): string[] {
    this.core.handleExited(worker, how, this.nowMs);
    return this.actions();
  }
}

Deno.test("supervision: all are started, and it is ready when the last one listens", () => {
  const stage = new Stage(3);
  assertEquals(stage.actions(), ["start 0", "start 1", "start 2"]);
  stage.core.handleListening(2);
  stage.core.handleListening(0);
  assertEquals(stage.actions(), []);
  stage.core.handleListening(1);
  assertEquals(stage.actions(), ["ready"]);
  stage.core.handleListening(1);
  assertEquals(stage.actions(), []);
});

Deno.test("supervision: one that cannot start is the end of all, with its reason alone", () => {
  const stage = new Stage(3);
  stage.actions();
  stage.core.handleListening(0);
  stage.core.handleFailed(1, { message: "no such port", usage: false });
  stage.core.handleFailed(2, { message: "no such port either", usage: false });
  assertEquals(stage.exit(1, "exit code 1"), ["kill 0", "kill 2"]);
  assertEquals(stage.exit(2, "exit code 1"), []);
  assertEquals(stage.exit(0, "SIGKILL"), ["end no such port"]);
  assertEquals(stage.core.nextDeadlineMs(), Infinity);
  assertEquals(stage.notes, []);
});

Deno.test("supervision: one that dies or hangs as it starts is named", () => {
  const dying = new Stage(1);
  dying.actions();
  assertEquals(dying.exit(0, "SIGSEGV"), ["end reactor 0 ended as it started: SIGSEGV"]);
  const hanging = new Stage(1);
  hanging.actions();
  assertEquals(hanging.advance(START_MAX_MS), ["kill 0"]);
  assertEquals(hanging.exit(0, "SIGKILL"), ["end reactor 0 did not listen within 30 s"]);
});

Deno.test("supervision: one that dies is started again, the others are left alone", () => {
  const stage = Stage.running();
  stage.core.handleAlive(0, { rooms: 2, peers: 5, draining: false }, stage.nowMs);
  stage.core.handleAlive(1, { rooms: 1, peers: 3, draining: false }, stage.nowMs);
  assertEquals(stage.core.population, { rooms: 3, peers: 8 });
  assertEquals(stage.exit(1), []);
  assertEquals(stage.core.population, { rooms: 2, peers: 5 });
  assertEquals(stage.core.worker(1), { state: "waiting", restarts: 0 });
  assertEquals(stage.advance(RESTART_MIN_MS - 1, 0), []);
  assertEquals(stage.advance(1, 0), ["start 1"]);
  stage.core.handleListening(1);
  assertEquals(stage.actions(), ["restored 1"]);
  assertEquals(stage.core.worker(1), { state: "running", restarts: 1 });
  assertEquals(stage.notes.length, 1);
});

Deno.test("supervision: one that keeps dying is started ever more rarely, and anew after it has run", () => {
  const stage = Stage.running(1);
  const delays: number[] = [];
  for (let death = 0; death < 10; death++) {
    stage.exit(0);
    const diedMs = stage.nowMs;
    while (!stage.advance(50).includes("start 0")) {
      assert(stage.nowMs - diedMs <= RESTART_MAX_MS + 50);
    }
    delays.push(stage.nowMs - diedMs);
    if (death % 2 === 0) stage.core.handleFailed(0, { message: "port in use", usage: false });
    else stage.core.handleListening(0);
  }
  const doubled = delays.map((_, i) => Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** i));
  assertEquals(delays, doubled);
  stage.core.handleListening(0);
  stage.advance(STABLE_MS, 0);
  stage.exit(0);
  assertEquals(stage.advance(RESTART_MIN_MS), ["start 0"]);
});

Deno.test("supervision: one of whom nothing is heard is killed, and the watchdog hears nothing till it is dead", () => {
  const stage = Stage.running();
  assertEquals(stage.advance(60_000, 0, 1), []);
  assertEquals(stage.core.healthy, true);
  assertEquals(stage.advance(SILENCE_MS / 2 + TICK_MS, 0), []);
  assertEquals(stage.core.healthy, false);
  assertEquals(stage.advance(SILENCE_MS / 2, 0), ["kill 1"]);
  assertEquals(stage.core.healthy, false);
  // It does not die at once.
  assertEquals(stage.advance(STOP_MAX_MS, 0), ["kill 1"]);
  stage.exit(1, "SIGKILL");
  assertEquals(stage.core.healthy, true);
  assertEquals(stage.advance(RESTART_MIN_MS, 0), ["start 1"]);
});

Deno.test("supervision: what stopped the supervisor itself is no silence of the reactors", () => {
  const stage = Stage.running();
  stage.nowMs += 60_000;
  stage.core.handleTimer(stage.nowMs);
  assertEquals(stage.actions(), []);
  assertEquals(stage.core.healthy, true);
  assertEquals(stage.advance(5_000, 0, 1), []);
});

Deno.test("supervision: at the end all are told, the slow are killed, and none is started again", () => {
  const stage = Stage.running(3);
  stage.exit(2);
  stage.core.handleStop(stage.nowMs);
  assertEquals(stage.actions(), ["stop 0", "stop 1"]);
  assertEquals(stage.exit(0, "exit code 0"), []);
  assertEquals(stage.advance(STOP_MAX_MS - 1), []);
  assertEquals(stage.advance(1), ["kill 1"]);
  assertEquals(stage.exit(1, "SIGKILL"), ["end"]);
  assertEquals(stage.core.nextDeadlineMs(), Infinity);
});

Deno.test("supervision: a second signal ends all at once, also while they start", () => {
  const stage = new Stage();
  stage.actions();
  stage.core.handleStop(stage.nowMs);
  assertEquals(stage.actions(), ["stop 0", "stop 1"]);
  stage.core.handleListening(0);
  stage.core.handleStop(stage.nowMs);
  assertEquals(stage.actions(), ["kill 0", "kill 1"]);
  stage.exit(0);
  assertEquals(stage.exit(1), ["end"]);
});

Deno.test("supervision: an end while nothing runs is an end at once", () => {
  const stage = Stage.running(1);
  stage.exit(0);
  stage.core.handleStop(stage.nowMs);
  assertEquals(stage.actions(), ["end"]);
});

Deno.test("supervision: drained reactors end together, when the last peer of all has left", () => {
  const stage = Stage.running(3);
  const say = (worker: number, peers: number, draining = true) => {
    stage.core.handleAlive(worker, { rooms: peers, peers, draining }, stage.nowMs);
    return stage.actions();
  };
  stage.core.handleDrain();
  // Said before the worker knew.
  for (const worker of [0, 1, 2]) assertEquals(say(worker, 0, false), []);
  assertEquals(say(0, 0), []);
  assertEquals(say(1, 2), []);
  // One that dies now has nobody any more, and nobody would be let in.
  assertEquals(stage.exit(2), []);
  assertEquals(stage.advance(TICK_MS), []);
  assertEquals(say(1, 0), ["stop 0", "stop 1"]);
  stage.exit(0);
  assertEquals(stage.exit(1), ["end"]);
});
