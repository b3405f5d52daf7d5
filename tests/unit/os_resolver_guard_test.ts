/** The list of name servers is as before when a DHCP client has ended, unless somebody else changed it. */
import { assertEquals, assertThrows } from "@std/assert";
import { ChangeJournal, ForeignChangeError } from "../../src/os/journal.ts";
import { RESOLVER_CHANGE, ResolverGuard, undoResolver } from "../../src/os/resolver_guard.ts";

const HOME = "nameserver 192.0.2.53\nsearch home.example\n";
const LAN = "nameserver 10.77.0.1\n";
const VPN = "nameserver 10.8.0.1\n";
const LEASE = "udhcpc: lease of 10.77.0.178 obtained from 10.77.0.1, lease time 3600";

interface Bench {
  readonly path: string;
  readonly journalPath: string;
  readonly guard: ResolverGuard;
  write(text: string): void;
  read(): string | undefined;
}

function bench(work: (bench: Bench) => void): void {
  const folder = Deno.makeTempDirSync();
  const [path, journalPath] = [`${folder}/resolv.conf`, `${folder}/journal`];
  const undoers = { [RESOLVER_CHANGE]: undoResolver(path) };
  const guard = new ResolverGuard(ChangeJournal.open(journalPath, undoers), path);
  Deno.writeTextFileSync(path, HOME);
  try {
    work({
      ...{ path, journalPath, guard },
      write: (text) => Deno.writeTextFileSync(path, text),
      read: () => {
        try {
          return Deno.readTextFileSync(path);
        } catch {
          return undefined;
        }
      },
    });
  } finally {
    guard.release();
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A next start finds the journal of a process that is no more. */
function startAgain({ path, journalPath }: Bench): void {
  const journal = JSON.parse(Deno.readTextFileSync(journalPath));
  journal.owner.startTicks++;
  Deno.writeTextFileSync(journalPath, JSON.stringify(journal));
  ChangeJournal.open(journalPath, { [RESOLVER_CHANGE]: undoResolver(path) });
}

Deno.test("what the script has written after a lease is taken back, each renewal's too", () => {
  bench((bench) => {
    bench.guard.hold(-30_000);
    bench.guard.handleLine("udhcpc: broadcasting discover", 0);
    for (const text of [LAN, `${LAN}# again\n`]) {
      bench.guard.handleLine(LEASE, 1_000);
      bench.write(text);
      bench.guard.look(1_100);
    }
    bench.guard.release();
    assertEquals(bench.read(), HOME);
    bench.guard.release();
  });
});

Deno.test("each client says in its own words that it has a lease", () => {
  for (
    const line of [
      LEASE,
      "DHCPACK of 10.77.0.178 from 10.77.0.1",
      "bound to 10.77.0.178 -- renewal in 1600 seconds.",
      "lanparty0: leased 10.77.0.178 for 3600 seconds",
    ]
  ) {
    bench((bench) => {
      bench.guard.hold(-30_000);
      bench.guard.handleLine(line, 0);
      bench.write(LAN);
      bench.guard.look(5_000);
      startAgain(bench);
      assertEquals(bench.read(), HOME, line);
    });
  }
});

Deno.test("what it writes when it starts is its own, too", () => {
  bench((bench) => {
    bench.guard.hold(0);
    bench.write(LAN);
    bench.guard.look(9_000);
    bench.guard.hold(60_000); // it is started again
    bench.write(`${LAN}# again\n`);
    bench.guard.look(60_100);
    bench.guard.release();
    assertEquals(bench.read(), HOME);
  });
});

Deno.test("what the script does at the end is its own, and what it has put back stays", () => {
  for (const last of [HOME, VPN]) {
    bench((bench) => {
      bench.guard.hold(-30_000);
      bench.guard.handleLine(LEASE, 0);
      bench.write(LAN);
      bench.guard.look(100);
      bench.write(last);
      bench.guard.release();
      assertEquals(bench.read(), HOME);
    });
  }
});

Deno.test("what somebody else has written stays, and is put back when the script overwrites it", () => {
  bench((bench) => {
    bench.guard.hold(-30_000);
    bench.write(VPN);
    bench.guard.look(0);
    bench.guard.handleLine(LEASE, 20_000);
    bench.write(LAN);
    bench.guard.look(20_100);
    bench.guard.release();
    assertEquals(bench.read(), VPN);
  });
  bench((bench) => {
    bench.guard.hold(-30_000);
    bench.guard.handleLine(LEASE, 0);
    bench.write(LAN);
    bench.guard.look(100);
    bench.write(VPN);
    bench.guard.look(60_000);
    bench.guard.release();
    assertEquals(bench.read(), VPN);
  });
});

Deno.test("after a crash the next start puts it back, unless it was changed since", () => {
  for (const [after, restored] of [[undefined, HOME], [HOME, HOME], [VPN, VPN]] as const) {
    bench((bench) => {
      bench.guard.hold(-30_000);
      bench.guard.handleLine(LEASE, 0);
      bench.write(LAN);
      bench.guard.look(100);
      if (after !== undefined) bench.write(after);
      startAgain(bench);
      assertEquals(bench.read(), restored);
    });
  }
});

Deno.test("links are put back as links, and a file that was not there goes", () => {
  bench((bench) => {
    const { path, guard } = bench;
    Deno.renameSync(path, `${path}.real`);
    Deno.symlinkSync("resolv.conf.real", path);
    guard.hold(-30_000);
    guard.handleLine(LEASE, 0);
    // One script writes through the link, another one puts a file in its place.
    bench.write(LAN);
    guard.look(1);
    Deno.removeSync(path);
    bench.write(LAN);
    guard.look(2);
    guard.release();
    assertEquals([Deno.readLinkSync(path), bench.read()], ["resolv.conf.real", HOME]);
  });
  bench((bench) => {
    const { path, guard } = bench;
    Deno.removeSync(path);
    guard.hold(-30_000);
    guard.handleLine(LEASE, 0);
    bench.write(LAN);
    guard.look(1);
    guard.release();
    assertEquals(bench.read(), undefined);
  });
});

Deno.test("a journal that names something else is not followed", () => {
  bench(({ path, read }) => {
    const state = { link: null, content: btoa(LAN) };
    const bad = [
      ...["", null, [], { before: state }, { before: null, after: state }],
      { before: { ...state, content: "not base64!" }, after: state },
      { before: { ...state, content: "A".repeat(90_000) }, after: null },
      { before: { ...state, link: "" }, after: state },
      { before: { ...state, link: "a\0b" }, after: state },
      { before: { link: null }, after: state },
      { before: state, after: "any" },
    ];
    for (const data of bad) {
      assertThrows(() => undoResolver(path)(data), ForeignChangeError, undefined, String(data));
    }
    assertEquals(read(), HOME);
  });
});
