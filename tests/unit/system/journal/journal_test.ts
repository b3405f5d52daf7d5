import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { writeFileAtomic } from "../../../../src/system/files/files.ts";
import {
  type ChangeData,
  ChangeJournal,
  ForeignChangeError,
  JournalBusyError,
} from "../../../../src/system/journal/journal.ts";
import { UnsafePathError } from "../../../../src/system/files/own_files.ts";
import { identifyProcess, type ProcessIdentity } from "../../../../src/system/process/identity.ts";

const notLinux = Deno.build.os !== "linux";

function test(name: string, work: (path: string) => void | Promise<void>): void {
  Deno.test({
    name,
    ignore: notLinux,
    async fn() {
      const folder = Deno.makeTempDirSync();
      try {
        await work(`${folder}/changes.json`);
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Writes a journal as a process would have left it. */
function leave(path: string, owner: ProcessIdentity, changes: unknown[]): void {
  const text = JSON.stringify({ version: 1, owner, changes });
  writeFileAtomic(path, new TextEncoder().encode(text), 0o600);
}

/** No process has this id. */
const NOBODY = { pid: 2 ** 22 + 1, startTicks: 1 };

test("a change that cannot be written down is none, however often that is tried", (path) => {
  const undone: ChangeData[] = [];
  const journal = ChangeJournal.open(path, { note: (data) => void undone.push(data) });
  Deno.mkdirSync(path); // in the way of the journal's file
  for (let attempt = 0; attempt < 300; attempt++) {
    assertThrows(() => journal.record("note", attempt), Deno.errors.IsADirectory);
  }
  assertEquals(journal.changes, []);
  Deno.removeSync(path);
  journal.record("note", "good");
  journal.undoAll();
  assertEquals(undone, ["good"]);
});

test("changes are written down when recorded and undone newest first", (path) => {
  const undone: ChangeData[] = [];
  const journal = ChangeJournal.open(path, { note: (data) => void undone.push(data) });
  assert(!exists(path));
  journal.record("note", "a");
  const b = journal.record("note", { b: [1, 2] });
  journal.record("note", "c");
  const onDisk = JSON.parse(Deno.readTextFileSync(path));
  assertEquals(onDisk.changes.map(({ data }: { data: unknown }) => data), [
    "a",
    { b: [1, 2] },
    "c",
  ]);
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  journal.undo(b);
  journal.undo(b);
  assertEquals(undone, [{ b: [1, 2] }]);
  assertEquals(journal.undoAll(), []);
  assertEquals(undone, [{ b: [1, 2] }, "c", "a"]);
  assert(!exists(path));
});

test("a change that is forgotten is not undone", (path) => {
  const undone: ChangeData[] = [];
  const journal = ChangeJournal.open(path, { note: (data) => void undone.push(data) });
  const a = journal.record("note", "a");
  journal.record("note", "b");
  journal.forget(a);
  journal.undoAll();
  assertEquals(undone, ["b"]);
});

test("what a killed process left is undone at the next start", (path) => {
  const undone: ChangeData[] = [];
  leave(path, NOBODY, [{ id: 4, kind: "note", data: "a" }, { id: 9, kind: "note", data: "b" }]);
  const journal = ChangeJournal.open(path, { note: (data) => void undone.push(data) });
  assertEquals(undone, ["b", "a"]);
  assert(!exists(path));
  assertEquals(journal.record("note", "c").id, 10);
});

test("the journal of a process that still runs is left alone", async (path) => {
  const child = new Deno.Command("sleep", { args: ["30"] }).spawn();
  const identity = identifyProcess(child.pid)!;
  leave(path, identity, [{ id: 1, kind: "note", data: "a" }]);
  const undone: ChangeData[] = [];
  const open = () => ChangeJournal.open(path, { note: (data) => void undone.push(data) });
  assertEquals(assertThrows(open, JournalBusyError).pid, child.pid);
  // The same id at another time is another process.
  leave(path, { ...identity, startTicks: identity.startTicks - 1 }, [
    { id: 1, kind: "note", data: "a" },
  ]);
  open();
  assertEquals(undone, ["a"]);
  child.kill("SIGKILL");
  await child.status;
});

test("what a restart of the system has undone itself is not undone again", (path) => {
  const changes = [{ id: 1, kind: "note", data: "a" }, { id: 2, kind: "setting", data: "b" }];
  const { bootId } = identifyProcess(Deno.pid)!;
  assertMatch(bootId!, /^[0-9a-f-]{36}$/);
  const openAs = (owner: ProcessIdentity): ChangeData[] => {
    const undone: ChangeData[] = [];
    const undo = (data: ChangeData) => void undone.push(data);
    leave(path, owner, changes);
    ChangeJournal.open(path, { note: undo, setting: undo }, { fleeting: ["setting"] });
    assert(!exists(path));
    return undone;
  };
  assertEquals(openAs({ ...NOBODY, bootId: "another" }), ["a"]);
  assertEquals(openAs({ ...NOBODY, bootId: bootId! }), ["b", "a"]);
  assertEquals(openAs(NOBODY), ["b", "a"]);
  // The number and the time of this very process, before the restart.
  assertEquals(openAs({ ...identifyProcess(Deno.pid)!, bootId: "another" }), ["a"]);
});

test("what cannot be undone is told and stays written down", (path) => {
  leave(path, NOBODY, [
    { id: 1, kind: "note", data: "fails" },
    { id: 2, kind: "unknown", data: null },
    { id: 3, kind: "note", data: "works" },
  ]);
  const failures: [string, string][] = [];
  const journal = ChangeJournal.open(
    path,
    {
      note(data) {
        if (data === "fails") throw new Error("no");
      },
    },
    {
      onFailure: ({ change, error }) => failures.push([change.kind, (error as Error).message]),
    },
  );
  assertEquals(failures, [["unknown", 'nothing undoes a "unknown"'], ["note", "no"]]);
  assertEquals(journal.changes.map(({ id }) => id), [1, 2]);
  assertEquals(JSON.parse(Deno.readTextFileSync(path)).changes.length, 2);
});

test("a damaged journal is taken for an empty one, put aside and told", (path) => {
  for (const text of ["", "{", "[]", "null", '{"version":2}', '{"version":1,"owner":{}}']) {
    Deno.writeTextFileSync(path, text);
    const told: string[] = [];
    const journal = ChangeJournal.open(path, { note() {} }, {
      onDamage: (asidePath) => told.push(asidePath),
    });
    assertEquals([journal.changes, told], [[], [`${path}.damaged`]], text);
    assertEquals(Deno.readTextFileSync(`${path}.damaged`), text);
    assert(!exists(path));
    journal.record("note", "new");
    assertEquals(Deno.readTextFileSync(`${path}.damaged`), text);
  }
});

test("a kind that nothing undoes cannot be recorded", (path) => {
  assertThrows(() => ChangeJournal.open(path, {}).record("file", "/x"), TypeError);
});

test("what a journal names that its program never does is told, and struck out", (path) => {
  leave(path, NOBODY, [{ id: 1, kind: "note", data: "foreign" }, { id: 2, kind: "note", data: 1 }]);
  const failures: unknown[] = [];
  const journal = ChangeJournal.open(path, {
    note(data) {
      if (typeof data === "string") throw new ForeignChangeError(data);
    },
  }, { onFailure: ({ error }) => failures.push(error) });
  assertEquals(failures.map((error) => error instanceof ForeignChangeError), [true]);
  assertEquals([journal.changes, exists(path)], [[], false]);
});

test("a journal that is too long, or has too many changes, is damaged", (path) => {
  const note = (id: number) => ({ id, kind: "note", data: "" });
  for (
    const changes of [
      Array.from({ length: 257 }, (_, id) => note(id)),
      [{ ...note(1), data: "x".repeat(1 << 20) }],
    ]
  ) {
    leave(path, NOBODY, changes);
    const undone: ChangeData[] = [];
    ChangeJournal.open(path, { note: (data) => void undone.push(data) });
    assertEquals([undone.length, exists(path), exists(`${path}.damaged`)], [0, false, true]);
  }
});

test("a journal that others could have written is not read", (path) => {
  leave(path, NOBODY, [{ id: 1, kind: "note", data: "a" }]);
  const undone: ChangeData[] = [];
  const open = () => ChangeJournal.open(path, { note: (data) => void undone.push(data) });
  Deno.chmodSync(path, 0o622);
  assertMatch(assertThrows(open, UnsafePathError).message, /can be written by others .*chmod go-w/);
  Deno.renameSync(path, `${path}.elsewhere`);
  Deno.symlinkSync(`${path}.elsewhere`, path);
  assertMatch(assertThrows(open, UnsafePathError).message, /is a symbolic link: remove it/);
  assertEquals(undone, []);
});
