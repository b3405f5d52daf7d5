import { assert, assertEquals, assertThrows } from "@std/assert";
import { libc, SystemCallError } from "../../../../src/ffi/libc.ts";
import { libcNet } from "../../../../src/ffi/libc_net.ts";
import { monotonicUs, ServiceNotifier, unixAddress } from "../../../../src/system/service/linux.ts";
import { ServiceReporter } from "../../../../src/programs/relay/service_reporter.ts";

libc(); // opened for good, so not within a test
libcNet();

function environment(values: Record<string, string>) {
  return { get: (name: string): string | undefined => values[name], pid: 77 };
}

/** A socket as the service manager has it; `receive` takes one datagram without waiting. */
class Manager implements Disposable {
  readonly name = `@lanparty-test-${crypto.randomUUID()}`;
  readonly #fd: number;

  constructor() {
    const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
    this.#fd = libcNet().socket(1, SOCK_DGRAM_NONBLOCK, 0);
    const address = unixAddress(this.name);
    assertEquals(libcNet().bind(this.#fd, address, address.length), 0);
  }

  receive(): string | undefined {
    const bytes = new Uint8Array(4_096);
    const count = Number(libc().read(this.#fd, bytes, BigInt(bytes.length)));
    return count < 0 ? undefined : new TextDecoder().decode(bytes.subarray(0, count));
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

Deno.test("addresses are as long as their names, abstract ones begin with a zero", () => {
  assertEquals([...unixAddress("/a")], [1, 0, 47, 97, 0]);
  assertEquals([...unixAddress("@a")], [1, 0, 0, 97]);
  assertEquals(unixAddress(`/${"a".repeat(106)}`).length, 110);
  assertThrows(() => unixAddress(`/${"a".repeat(107)}`), RangeError);
});

Deno.test("without a manager nothing is sent and nothing fails", () => {
  const notifier = ServiceNotifier.open(environment({}));
  notifier.send("READY=1");
  assertEquals([notifier.enabled, notifier.watchdogMs], [false, Infinity]);
  const reporter = new ServiceReporter(notifier, () => "fine");
  reporter.ready();
  assertEquals([reporter.work(5), reporter.nextDeadlineMs()], [false, Infinity]);
  notifier.close();
});

Deno.test("a manager that cannot be reached is an error", () => {
  const name = "/nonexistent/notify";
  assertThrows(() => ServiceNotifier.open(environment({ NOTIFY_SOCKET: name })), SystemCallError);
});

Deno.test("the watchdog's time counts for the process that it is meant for", () => {
  using manager = new Manager();
  const intervalOf = (values: Record<string, string>) => {
    const notifier = ServiceNotifier.open(
      environment({ NOTIFY_SOCKET: manager.name, ...values }),
    );
    notifier.close();
    return notifier.watchdogMs;
  };
  assertEquals(intervalOf({}), Infinity);
  assertEquals(intervalOf({ WATCHDOG_USEC: "30000000" }), 30_000);
  assertEquals(intervalOf({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "77" }), 30_000);
  assertEquals(intervalOf({ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "78" }), Infinity);
  assertEquals(intervalOf({ WATCHDOG_USEC: "nonsense" }), Infinity);
});

Deno.test("ready, watchdog, a changed status, reload and end are told, each in its time", () => {
  using manager = new Manager();
  const notifier = ServiceNotifier.open(
    environment({ NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "3000000" }),
  );
  let status = "0 rooms";
  const reporter = new ServiceReporter(notifier, () => status);
  reporter.ready();
  assertEquals(manager.receive(), "READY=1\nSTATUS=0 rooms");
  const told: string[] = [];
  const beforeUs = monotonicUs();
  for (let nowMs = 0; nowMs <= 3_000; nowMs += 500) {
    if (nowMs === 1_500) status = "1 room";
    reporter.work(nowMs);
    for (let text = manager.receive(); text !== undefined; text = manager.receive()) {
      told.push(`${nowMs} ${text}`);
    }
    assertEquals(reporter.nextDeadlineMs() > nowMs, true);
  }
  assertEquals(told, [
    "0 WATCHDOG=1",
    "1000 WATCHDOG=1",
    "2000 WATCHDOG=1",
    "2000 STATUS=1 room",
    "3000 WATCHDOG=1",
  ]);
  reporter.reloading();
  const [first, second] = manager.receive()!.split("\nMONOTONIC_USEC=");
  assertEquals(first, "RELOADING=1");
  assert(BigInt(second) >= beforeUs && BigInt(second) <= monotonicUs());
  reporter.stopping();
  assertEquals(manager.receive(), "STOPPING=1\nSTATUS=stopping");
  notifier.close();
});

Deno.test("what a slow manager does not take at once is sent later, the newest at least", () => {
  using manager = new Manager();
  const notifier = ServiceNotifier.open(environment({ NOTIFY_SOCKET: manager.name }));
  const COUNT = 2_000;
  for (let i = 0; i < COUNT; i++) notifier.send(`STATUS=${i}`);
  const received: string[] = [];
  for (let round = 0; round < 20; round++) {
    for (let text = manager.receive(); text !== undefined; text = manager.receive()) {
      received.push(text);
    }
    notifier.flush();
  }
  assert(received.length < COUNT, "the socket takes everything");
  assertEquals(received.slice(-8), Array.from({ length: 8 }, (_, i) => `STATUS=${COUNT - 8 + i}`));
  notifier.close();
});
