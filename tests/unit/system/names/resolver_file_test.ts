/** The list of name servers is as before when the adapter's are gone, unless somebody else changed it. */
import { assertEquals, assertThrows } from "@std/assert";
import { ChangeJournal, ForeignChangeError } from "../../../../src/system/journal/journal.ts";
import {
  RESOLVER_CHANGE,
  ResolverFile,
  undoResolver,
} from "../../../../src/system/names/resolver_file.ts";

const HOME = "nameserver 192.0.2.53\nsearch home.example\n";
const LAN = "nameserver 10.77.0.1\n";
const VPN = "nameserver 10.8.0.1\n";

interface Bench {
  readonly folder: string;
  readonly path: string;
  readonly journal: ChangeJournal;
  readonly file: ResolverFile;
  write(text: string): void;
  read(): string | undefined;
  /** A next start finds the journal of a process that is no more. */
  startAgain(): void;
}

function bench(work: (bench: Bench) => void): void {
  const folder = Deno.makeTempDirSync();
  const [path, journalPath] = [`${folder}/resolv.conf`, `${folder}/journal`];
  const undoers = { [RESOLVER_CHANGE]: undoResolver(path) };
  const journal = ChangeJournal.open(journalPath, undoers);
  Deno.writeTextFileSync(path, HOME);
  try {
    work({
      ...{ folder, path, journal, file: new ResolverFile(journal, path) },
      write: (text) => Deno.writeTextFileSync(path, text),
      read: () => {
        try {
          return Deno.readTextFileSync(path);
        } catch {
          return undefined;
        }
      },
      startAgain() {
        const left = JSON.parse(Deno.readTextFileSync(journalPath));
        left.owner.startTicks++;
        Deno.writeTextFileSync(journalPath, JSON.stringify(left));
        ChangeJournal.open(journalPath, undoers);
      },
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("another list takes the place of what is there, which is put back", () => {
  bench(({ file, journal, read }) => {
    assertEquals(file.replace(LAN), true);
    assertEquals(read(), LAN);
    // Another lease: what is put back is what was there first.
    file.replace(`${LAN}# again\n`);
    assertEquals([read(), journal.changes.length], [`${LAN}# again\n`, 1]);
    file.restore();
    assertEquals([read(), journal.changes.length], [HOME, 0]);
    file.restore();
    assertEquals(read(), HOME);
  });
});

Deno.test("what somebody else has written meanwhile stays", () => {
  bench(({ file, journal, read, write }) => {
    file.replace(LAN);
    write(VPN);
    file.restore();
    assertEquals([read(), journal.changes.length], [VPN, 0]);
  });
});

Deno.test("a list that is killed with its program is put back at the next start", () => {
  bench(({ file, read, startAgain }) => {
    file.replace(LAN);
    startAgain();
    assertEquals(read(), HOME);
  });
  bench(({ file, read, write, startAgain }) => {
    file.replace(LAN);
    write(VPN);
    startAgain();
    assertEquals(read(), VPN);
  });
});

Deno.test("a list that was being written when the program or the system ended is put back at the next start", () => {
  for (const torn of ["", LAN.slice(0, 7), HOME.slice(0, 21)]) {
    bench(({ file, read, write, startAgain }) => {
      file.replace(LAN);
      write(torn);
      startAgain();
      assertEquals(read(), HOME);
    });
  }
  // A link that leads nowhere was taken away, and nothing had come in its place, or it had not come back.
  bench(({ path, file, startAgain }) => {
    Deno.removeSync(path);
    Deno.symlinkSync("nowhere", path);
    file.replace(LAN);
    Deno.removeSync(path);
    startAgain();
    assertEquals(Deno.readLinkSync(path), "nowhere");
  });
  // Whoever takes the list away means it.
  bench(({ path, file, read, startAgain }) => {
    file.replace(LAN);
    Deno.removeSync(path);
    startAgain();
    assertEquals(read(), undefined);
  });
});

Deno.test("a list that was not there before is one that all may read", () => {
  bench(({ path, file }) => {
    Deno.removeSync(path);
    const umask = Deno.umask(0o077);
    try {
      file.replace(LAN);
    } finally {
      Deno.umask(umask);
    }
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o644);
  });
});

Deno.test("a list that is a link is written where it leads; one that leads nowhere, or none, comes back so", () => {
  bench(({ folder, path, file, read }) => {
    Deno.removeSync(path);
    Deno.writeTextFileSync(`${folder}/real`, HOME);
    Deno.symlinkSync("real", path);
    file.replace(LAN);
    assertEquals([Deno.readLinkSync(path), read()], ["real", LAN]);
    file.restore();
    assertEquals(Deno.readTextFileSync(`${folder}/real`), HOME);
    Deno.removeSync(`${folder}/real`);
    file.replace(LAN);
    assertEquals([Deno.lstatSync(path).isSymlink, read()], [false, LAN]);
    file.restore();
    assertEquals([Deno.readLinkSync(path), read()], ["real", undefined]);
    Deno.removeSync(path);
    file.replace(LAN);
    assertEquals(read(), LAN);
    file.restore();
    assertThrows(() => Deno.lstatSync(path), Deno.errors.NotFound);
  });
});

Deno.test("what is no list of name servers is left alone", () => {
  bench(({ path, file, journal }) => {
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    assertEquals([file.replace(LAN), journal.changes.length], [false, 0]);
  });
  bench(({ file, read, write }) => {
    const long = `# ${"x".repeat(70_000)}\n`;
    write(long);
    assertEquals([file.replace(LAN), read()], [false, long]);
  });
});

Deno.test("a journal that names no list of name servers is not obeyed", () => {
  const good = { link: null, content: btoa(HOME) };
  const wrong = [
    null,
    "nameserver 10.77.0.1",
    { before: good },
    { before: { link: null }, after: null },
    { before: { link: 7, content: null }, after: null },
    { before: { link: "", content: null }, after: null },
    { before: { link: "a\0b", content: null }, after: null },
    { before: good, after: { link: null, content: "not base64" } },
    { before: { link: null, content: "A".repeat(1 << 20) }, after: null },
  ];
  bench(({ path, read }) => {
    for (const data of wrong) {
      assertThrows(() => undoResolver(path)(data), ForeignChangeError);
      assertEquals(read(), HOME);
    }
  });
});
