import { formatCidr } from "../../../../src/proto/ip.ts";
import { assert, assertEquals } from "@std/assert";
import { type DhcpEvent, DhcpRunner } from "../../../../src/system/dhcp/runner.ts";
import { undoDhcpFile, undoDhcpProcess } from "../../../../src/system/dhcp/undo.ts";
import { ChangeJournal } from "../../../../src/system/journal/journal.ts";
import { sessionMembers } from "../../../../src/system/process/session.ts";

/** A udhcpc that gets a lease at once, another one when it is asked to renew, and releases. */
const FAKE = `#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -s ] && script=$2; shift; done
trap 'ip=10.0.0.6 mask=24 serverid=10.0.0.1 lease=60 "$script" renew' USR1
trap '"$script" deconfig; exit 0' TERM
"$script" deconfig
ip=10.0.0.5 mask=24 serverid=10.0.0.1 lease=60 "$script" bound
while :; do sleep 0.02; done
`;

/** The same, run by a shell that is called like the client, as that one's own program is. */
function named(folder: string, fake: string): string {
  Deno.copyFileSync("/bin/sh", `${folder}.udhcpc/udhcpc`);
  return fake.replace("#!/bin/sh", `#!${folder}.udhcpc/udhcpc`);
}

interface Bench {
  readonly runner: DhcpRunner;
  readonly events: DhcpEvent[];
  /** Addresses on the interface. */
  readonly addresses: Set<string>;
  readonly folder: string;
  readonly journal: ChangeJournal;
  /** What has left through the interface, as far as the runner is told; to be replaced. */
  readonly left: { releases: () => number };
  until(done: () => boolean): Promise<void>;
}

function test(name: string, fake: string | undefined, work: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const folder = Deno.makeTempDirSync();
      Deno.mkdirSync(`${folder}.udhcpc`);
      const path = `${folder}/udhcpc`;
      if (fake !== undefined) Deno.writeTextFileSync(path, named(folder, fake), { mode: 0o700 });
      const events: DhcpEvent[] = [];
      const addresses = new Set<string>();
      const journal = ChangeJournal.open(`${folder}/journal`, {
        file: () => {},
        process: () => {},
      });
      const left = { releases: () => 0 };
      const runner = new DhcpRunner({
        interface: "lan0",
        addresses: {
          addAddress: (address) => void addresses.add(formatCidr(address)),
          removeAddress: (address) => void addresses.delete(formatCidr(address)),
        },
        folder: `${folder}/run`,
        onEvent: (event) => void events.push(event),
        find: () => fake === undefined ? undefined : { kind: "udhcpc", path },
        journal,
        releases: () => left.releases(),
      });
      const until = async (done: () => boolean) => {
        for (let tries = 0; tries < 500 && !done(); tries++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        assert(done(), JSON.stringify(events));
      };
      try {
        await work({ runner, events, addresses, folder, journal, left, until });
      } finally {
        await runner.stop(100);
        for (const one of [folder, `${folder}.udhcpc`]) Deno.removeSync(one, { recursive: true });
      }
    },
  });
}

test("without a DHCP client the runner says so, and stops", undefined, async (bench) => {
  bench.runner.start();
  bench.runner.renew();
  await bench.runner.stop();
  assertEquals(bench.events, [{ type: "unavailable" }]);
});

test("a lease is set, changed and taken away with the client", FAKE, async (bench) => {
  const { runner, events, addresses, journal, folder } = bench;
  runner.start();
  await bench.until(() => addresses.size > 0);
  const lease = { type: "lease", server: "10.0.0.1", leaseSeconds: 60 } as const;
  assertEquals(events, [
    { type: "asking", client: "udhcpc" },
    { ...lease, address: "10.0.0.5/24" },
  ]);
  assertEquals([...addresses], ["10.0.0.5/24"]);
  assertEquals(journal.changes.map(({ kind }) => kind), ["file", "process"]);

  runner.renew();
  await bench.until(() => events.length === 4);
  assertEquals(events.slice(2), [
    { type: "lost", address: "10.0.0.5/24" },
    { ...lease, address: "10.0.0.6/24" },
  ]);
  assertEquals([...addresses], ["10.0.0.6/24"]);
  assertEquals(runner.address, "10.0.0.6/24");

  await runner.stop();
  assertEquals([...addresses], []);
  assertEquals(events.length, 4);
  assertEquals(journal.changes, []);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["udhcpc"]);
});

test("an address stays until its release has left", FAKE, async (bench) => {
  const { runner, addresses, left } = bench;
  runner.start();
  await bench.until(() => addresses.size > 0);
  const held: number[] = [];
  let asked = 0;
  left.releases = () => {
    // First it is asked how many had left before.
    if (asked++ > 0) held.push(addresses.size);
    return held.length < 3 ? 0 : 1;
  };
  await runner.stop();
  assertEquals(held, [1, 1, 1]);
  assertEquals(addresses.size, 0);
});

test("a release that never leaves does not hold the end up", FAKE, async (bench) => {
  bench.runner.start();
  await bench.until(() => bench.addresses.size > 0);
  await bench.runner.stop();
  assertEquals(bench.addresses.size, 0);
});

test(
  "a client that does not end when it should is killed",
  FAKE.replace(/trap.*TERM/, "trap '' TERM"),
  async (bench) => {
    bench.runner.start();
    await bench.until(() => bench.addresses.size > 0);
    const { pid } = bench.journal.changes[1].data as { pid: number };
    assert(sessionMembers(pid).some((member) => member.pid === pid));
    // It never ends by itself: that this comes back, and finds nothing running, is that it was killed.
    await bench.runner.stop(200);
    assertEquals(sessionMembers(pid), []);
    assertEquals(bench.addresses.size, 0);
  },
);

/** A client whose helper, which has its output, ignores signals and goes on writing after its end. */
const HELPER = FAKE.replace(
  "trap '\"$script",
  `(trap '' TERM; while :; do echo x > "$0.written"; sleep 0.02; done) &\n$&`,
);

test("what a client has started has ended before its end is told", HELPER, async (bench) => {
  bench.runner.start();
  await bench.until(() => bench.addresses.size > 0);
  const { pid } = bench.journal.changes[1].data as { pid: number };
  await bench.until(() =>
    [...Deno.readDirSync(bench.folder)].some(({ name }) => name === "udhcpc.written")
  );
  await bench.runner.stop(60_000);
  assertEquals(sessionMembers(pid), []);
  assertEquals(bench.journal.changes, []);
});

test(
  "a client that fails is told with its last words, and tried again",
  "#!/bin/sh\necho nothing works >&2\nexit 3\n",
  async (bench) => {
    bench.runner.start();
    await bench.until(() => bench.events.length === 2);
    assertEquals(bench.events[1], {
      type: "failed",
      client: "udhcpc",
      message: "nothing works",
      retryMs: 2000,
    });
    // Asking for a renewal does not wait for the timer.
    bench.runner.renew();
    await bench.until(() => bench.events.length === 4);
    assertEquals(bench.events.slice(2).map(({ type }) => type), ["asking", "failed"]);
  },
);

test("a client that cannot be started is told", "#!/no/such/shell\n", async (bench) => {
  bench.runner.start();
  await bench.until(() => bench.events.length > 0);
  assertEquals(bench.events[0].type, "failed");
});

test("a folder that others could write is not run from", FAKE, async (bench) => {
  Deno.mkdirSync(`${bench.folder}/run`);
  Deno.chmodSync(`${bench.folder}/run`, 0o777);
  bench.runner.start();
  await bench.until(() => bench.events.length > 0);
  const [event] = bench.events;
  assertEquals(event.type === "failed" && /can be written by others/.test(event.message), true);
  assertEquals([...Deno.readDirSync(`${bench.folder}/run`)], []);
});

test("what a killed process left running is ended at the next start", FAKE, async (bench) => {
  bench.runner.start();
  await bench.until(() => bench.addresses.size > 0);
  const [file, process] = bench.journal.changes;
  const path = `${bench.folder}/left`;
  const owner = { pid: 2 ** 22 + 1, startTicks: 1 };
  const text = JSON.stringify({ version: 1, owner, changes: [file, process] });
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
  const leftovers = { folder: `${bench.folder}/run`, interface: "lan0", isInterface: () => true };
  ChangeJournal.open(path, {
    file: undoDhcpFile(leftovers),
    process: undoDhcpProcess(leftovers),
  });
  await bench.until(() => bench.events.some(({ type }) => type === "failed"));
  assertEquals([...Deno.readDirSync(bench.folder)].some(({ name }) => name === "run"), false);
});

/** An nmcli that writes down what it is asked, and fails as long as there is a file "broken". */
const FAKE_SERVICE = `#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/asked"
if [ -e "$here/broken" ]; then echo "Error: not now" >&2; exit 4; fi
`;

Deno.test({
  name: "a service is told to take the interface, to renew, and to let go",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = Deno.makeTempDirSync();
    const path = `${folder}/nmcli`;
    Deno.writeTextFileSync(path, FAKE_SERVICE, { mode: 0o700 });
    Deno.writeTextFileSync(`${folder}/broken`, "");
    const events: DhcpEvent[] = [];
    const runner = new DhcpRunner({
      interface: "lan0",
      addresses: { addAddress() {}, removeAddress() {} },
      folder: `${folder}/run`,
      onEvent: (event) => void events.push(event),
      find: () => ({ kind: "NetworkManager", path }),
    });
    const asked = () =>
      Deno.readTextFileSync(`${folder}/asked`).trim().split("\n").map((line) =>
        /device set|connection (add|up|delete)/.exec(line)?.[0]
      );
    const until = async (done: () => boolean) => {
      for (let tries = 0; tries < 500 && !done(); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert(done(), JSON.stringify(events));
    };
    try {
      runner.start();
      await until(() => events.length === 2);
      assertEquals(events[0], { type: "asking", client: "NetworkManager" });
      assertEquals(events[1], {
        type: "failed",
        client: "NetworkManager",
        message: "Error: not now",
        retryMs: 2000,
      });
      Deno.removeSync(`${folder}/broken`);
      Deno.removeSync(`${folder}/asked`);
      runner.renew();
      await until(() => events.length === 3);
      const start = ["connection delete", "device set", "connection add", "connection up"];
      await until(() => asked().length === start.length);
      assertEquals(asked(), start);
      // It is up now: a renewal is no second start.
      await new Promise((resolve) => setTimeout(resolve, 50));
      runner.renew();
      await until(() => asked().length === start.length + 1);
      assertEquals(asked().at(-1), "connection up");
      await runner.stop();
      assertEquals(asked().at(-1), "connection delete");
      assertEquals(events.length, 3);
    } finally {
      await runner.stop();
      Deno.removeSync(folder, { recursive: true });
    }
  },
});
