// Runs alone: it measures how soon the loop wakes up, and how little CPU it takes when it is idle.
import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { assertLess, assertRejects, assertThrows } from "@std/assert";
import { checkCall, closeFd, EFD_NONBLOCK, libc } from "../../../src/ffi/libc.ts";
import { createReactor } from "../../../src/reactor/mod.ts";
import type { Reactor } from "../../../src/reactor/mod.ts";
import { EpollReactor } from "../../../src/reactor/epoll_reactor.ts";

libc(); // opened for good, so not within a test

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** An eventfd: readable while its counter is not zero. */
function eventFd(): { fd: number; signal(): void; clear(): void; close(): void } {
  const fd = checkCall("eventfd", libc().eventfd(0, EFD_NONBLOCK));
  return {
    fd,
    signal: () => void checkCall("write", libc().write(fd, ONE, 8n)),
    clear: () => void checkCall("read", libc().read(fd, new Uint8Array(8), 8n)),
    close: () => closeFd(fd),
  };
}

async function withReactor(run: (reactor: Reactor) => Promise<void> | void): Promise<void> {
  const reactor = createReactor();
  try {
    await run(reactor);
  } finally {
    reactor.close();
  }
}

Deno.test("a readable descriptor calls its handler until it is read", async () => {
  await withReactor((reactor) => {
    const event = eventFd();
    let calls = 0;
    reactor.addFd(event.fd, {
      readable: () => {
        if (++calls === 3) event.clear();
        return false;
      },
    });
    reactor.turn(5);
    assertEquals(calls, 0);
    event.signal();
    for (let i = 0; i < 5; i++) reactor.turn(1);
    assertEquals(calls, 3);
    event.close();
  });
});

Deno.test("a removed descriptor is not called, even for an event that is already there", async () => {
  await withReactor((reactor) => {
    const [first, second] = [eventFd(), eventFd()];
    let calls = 0;
    const sources = [first, second].map(({ fd }) =>
      reactor.addFd(fd, {
        readable: () => {
          calls++;
          for (const source of sources) source.remove();
          return false;
        },
      })
    );
    first.signal();
    second.signal();
    for (let i = 0; i < 3; i++) reactor.turn(1);
    assertEquals(calls, 1);
    first.close();
    second.close();
  });
});

Deno.test("writability is reported only while it is watched", async () => {
  await withReactor((reactor) => {
    const event = eventFd();
    let writable = 0;
    const source = reactor.addFd(event.fd, { writable: () => void writable++ });
    reactor.turn(1);
    assertEquals(writable, 0);
    source.watchWritable(true);
    reactor.turn(1);
    assertEquals(writable, 1);
    source.watchWritable(false);
    reactor.turn(1);
    assertEquals(writable, 1);
    source.remove();
    event.close();
  });
});

Deno.test("the same descriptor cannot be watched twice", async () => {
  await withReactor((reactor) => {
    const event = eventFd();
    reactor.addFd(event.fd, {});
    assertThrows(() => reactor.addFd(event.fd, {}), Error, "epoll_ctl failed: EEXIST");
    event.close();
  });
});

Deno.test("a deadline of 3 ms is met between 3 and 4.5 ms in the median", async () => {
  await withReactor(async (reactor) => {
    const late: number[] = [];
    let deadlineMs = reactor.now() + 3;
    reactor.addTask({
      work: (nowMs) => {
        if (nowMs < deadlineMs) return false;
        late.push(nowMs - deadlineMs);
        deadlineMs = nowMs + 3;
        if (late.length === 50) reactor.stop();
        return false;
      },
      nextDeadlineMs: () => deadlineMs,
    });
    await reactor.run();
    late.sort((a, b) => a - b);
    assertGreaterOrEqual(late[0], 0);
    assertLess(late[25], 1.5);
    assertLess(reactor.counters.turns, 300);
  });
});

Deno.test("a task with work left is called again at once, and descriptors are not starved", async () => {
  await withReactor(async (reactor) => {
    const event = eventFd();
    let rounds = 0;
    let events = 0;
    reactor.addFd(event.fd, {
      readable: () => {
        events++;
        return false;
      },
    });
    event.signal();
    reactor.addTask({
      work: () => {
        if (++rounds === 10_000) reactor.stop();
        return true;
      },
      nextDeadlineMs: () => Infinity,
    });
    await reactor.run();
    assertGreaterOrEqual(rounds, 10_000);
    assertGreater(events, 500, "one chance in each turn");
    assertEquals(reactor.counters.sleeps, 0);
    event.close();
  });
});

Deno.test("a handler that has more keeps the loop from sleeping", async () => {
  await withReactor((reactor) => {
    const event = eventFd();
    event.signal();
    let calls = 0;
    reactor.addFd(event.fd, { readable: () => ++calls < 10 });
    const startMs = performance.now();
    while (calls < 10) reactor.turn(1000);
    assertLess(performance.now() - startMs, 500);
    event.close();
  });
});

Deno.test("the runtime's own loop gets a turn each 20 ms, idle or busy", async () => {
  for (const busy of [false, true]) {
    await withReactor(async (reactor) => {
      let ticks = 0;
      const timer = setInterval(() => ticks++, 10);
      reactor.addTask({ work: () => busy, nextDeadlineMs: () => Infinity });
      const end = setTimeout(() => reactor.stop(), 400);
      await reactor.run();
      clearInterval(timer);
      clearTimeout(end);
      assertGreaterOrEqual(ticks, 8, busy ? "busy" : "idle");
    });
  }
});

Deno.test("the runtime sees what comes to its sockets, at once while attended to, else soon", async () => {
  const ROUNDS = 10;
  for (const [attended, maxMs] of [[true, 300], [false, 3_000]] as const) {
    await withReactor(async (reactor) => {
      const listener = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      const startMs = performance.now();
      const rounds = (async () => {
        for (let i = 0; i < ROUNDS; i++) {
          const received = listener.receive();
          await listener.send(new Uint8Array(1), listener.addr);
          await received;
        }
        reactor.stop();
        return performance.now() - startMs;
      })();
      if (attended) reactor.attend(5_000);
      await reactor.run();
      listener.close();
      assertLess(await rounds, maxMs, attended ? "attended" : "alone");
    });
  }
});

Deno.test("attending to the runtime's loop gives it a turn each ms", async () => {
  await withReactor(async (reactor) => {
    let steps = 0;
    let stepping = true;
    (async () => {
      while (stepping) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        steps++;
      }
      reactor.stop();
    })();
    reactor.attend(300);
    setTimeout(() => stepping = false, 300);
    await reactor.run();
    assertGreater(steps, 50);
  });
});

Deno.test("idle, it takes next to no CPU", async () => {
  await withReactor(async (reactor) => {
    reactor.addTask({ work: () => false, nextDeadlineMs: () => Infinity });
    const before = cpuTicks();
    setTimeout(() => reactor.stop(), 1000);
    await reactor.run();
    assertLess(reactor.counters.turns, 150);
    assertLess(cpuTicks() - before, 8, "in hundredths of a second, of 100");
  });
});

/** CPU time of this thread in clock ticks of 10 ms; those of the collector and the compiler have their own. */
function cpuTicks(): number {
  const fields = Deno.readTextFileSync("/proc/thread-self/stat").split(") ")[1].split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

Deno.test("another thread's write to the wake descriptor ends the wait", () => {
  const reactor = new EpollReactor();
  const startMs = performance.now();
  checkCall("write", libc().write(reactor.wakeFd, ONE, 8n));
  reactor.turn(2000);
  assertLess(performance.now() - startMs, 1000);
  reactor.turn(1);
  assertEquals(reactor.counters.events, 1, "the counter was read");
  reactor.close();
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} calls its handler on the loop, and the process ends by itself`, async () => {
    const path = new URL("../../support/reactor_program.ts", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", path],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let output = (await reader.read()).value ?? "";
    assertEquals(output, "ready\n");
    const startMs = performance.now();
    child.kill(signal);
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      output += part.value;
    }
    assertEquals(output, `ready\n${signal}\nended\n`);
    assertEquals((await child.status).code, 0);
    assertLess(performance.now() - startMs, 2000);
  });
}

Deno.test("what a task throws ends the run", async () => {
  await withReactor(async (reactor) => {
    const remove = reactor.addTask({
      work: () => {
        throw new RangeError("from the task");
      },
      nextDeadlineMs: () => Infinity,
    });
    await assertRejects(() => reactor.run(), RangeError, "from the task");
    remove();
    setTimeout(() => reactor.stop(), 10);
    await reactor.run();
  });
});

Deno.test("a poller's timer bounds the wait, and its work is run before", async () => {
  await withReactor((reactor) => {
    const waits = [0, 0, 5, Infinity];
    let polls = 0;
    const remove = reactor.setPoller({
      poll: () => waits[Math.min(polls++, 3)],
      complete: () => {},
    });
    assertThrows(() => reactor.setPoller({ poll: () => 0, complete: () => {} }));
    const startMs = performance.now();
    reactor.turn(1000);
    const elapsedMs = performance.now() - startMs;
    assertEquals(polls, 3);
    assert(elapsedMs >= 4.9 && elapsedMs < 500, `${elapsedMs} ms`);
    remove();
  });
});

Deno.test("tasks may be removed while they run", async () => {
  await withReactor((reactor) => {
    const calls: string[] = [];
    const task = (name: string, then: () => void) => ({
      work: () => {
        calls.push(name);
        then();
        return false;
      },
      nextDeadlineMs: () => Infinity,
    });
    const removeFirst: () => void = reactor.addTask(task("first", () => removeFirst()));
    reactor.addTask(task("second", () => {}));
    reactor.turn(0);
    reactor.turn(0);
    assertEquals(calls.filter((name) => name === "first").length, 1);
    assertGreater(calls.filter((name) => name === "second").length, 1);
  });
});
