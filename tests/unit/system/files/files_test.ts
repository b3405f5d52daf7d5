import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  copyFileAtomic,
  patiently,
  patientlyLater,
  readFileIfThere,
  removeFileIfThere,
  writeFileAtomic,
} from "../../../../src/system/files/files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function inFolder(work: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a file is written whole, private, and leaves nothing beside it", () => {
  inFolder((folder) => {
    const path = `${folder}/token`;
    assertEquals(readFileIfThere(path), undefined);
    writeFileAtomic(path, bytes("one"), 0o600);
    writeFileAtomic(path, bytes("two"), 0o600);
    assertEquals(readFileIfThere(path), bytes("two"));
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["token"]);
  });
});

Deno.test("writing replaces what stands there: also a link, without following it", () => {
  inFolder((folder) => {
    writeFileAtomic(`${folder}/target`, bytes("kept"), 0o644);
    Deno.symlinkSync(`${folder}/target`, `${folder}/token`);
    Deno.symlinkSync(`${folder}/target`, `${folder}/token.${Deno.pid}.new`);
    writeFileAtomic(`${folder}/token`, bytes("new"), 0o600);
    assertEquals(readFileIfThere(`${folder}/target`), bytes("kept"));
    assertEquals(readFileIfThere(`${folder}/token`), bytes("new"));
    assertEquals(Deno.lstatSync(`${folder}/token`).isSymlink, false);
  });
});

Deno.test("a write that fails leaves the old content and no temporary file", () => {
  inFolder((folder) => {
    Deno.mkdirSync(`${folder}/taken/inside`, { recursive: true });
    assertThrows(() => writeFileAtomic(`${folder}/taken`, bytes("x"), 0o600));
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["taken"]);
    assertThrows(
      () => writeFileAtomic(`${folder}/no/such`, bytes("x"), 0o600),
      Deno.errors.NotFound,
    );
  });
});

Deno.test("a file's mode is the one that is asked for, whatever the umask", () => {
  inFolder((folder) => {
    // Every usual umask takes the right to write from others.
    writeFileAtomic(`${folder}/unit`, bytes("x"), 0o666);
    copyFileAtomic(`${folder}/unit`, `${folder}/program`, 0o777);
    writeFileAtomic(`${folder}/secret`, bytes("x"), 0o600);
    const modeOf = (name: string) => (Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777;
    assertEquals(["unit", "program", "secret"].map(modeOf), [0o666, 0o777, 0o600]);
  });
});

Deno.test("a copy is whole, replaces what is there, and leaves nothing beside it", () => {
  inFolder((folder) => {
    const large = new Uint8Array(3_000_001).map((_, at) => at % 251);
    writeFileAtomic(`${folder}/from`, large, 0o600);
    writeFileAtomic(`${folder}/to`, bytes("older"), 0o600);
    copyFileAtomic(`${folder}/from`, `${folder}/to`, 0o755);
    assertEquals(readFileIfThere(`${folder}/to`), large);
    assertThrows(
      () => copyFileAtomic(`${folder}/none`, `${folder}/to`, 0o755),
      Deno.errors.NotFound,
    );
    assertEquals(readFileIfThere(`${folder}/to`), large);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["from", "to"]);
  });
});

Deno.test("removing a file that is not there is no error", () => {
  inFolder((folder) => {
    writeFileAtomic(`${folder}/a`, bytes("x"), 0o600);
    removeFileIfThere(`${folder}/a`);
    removeFileIfThere(`${folder}/a`);
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("on Windows what another program holds for a moment is tried again, nothing else is", () => {
  const held = [new Deno.errors.PermissionDenied("(os error 5)"), new Deno.errors.Busy("")];
  let calls = 0;
  const work = (failures: readonly Error[]) => () => {
    const failure = failures[calls++];
    if (failure !== undefined) throw failure;
    return "done";
  };
  assertEquals(patiently(work(held), true), "done");
  assertEquals(calls, 3);
  calls = 0;
  assertThrows(() => patiently(work(held), false), Deno.errors.PermissionDenied);
  assertThrows(
    () => patiently(work(Array(9).fill(new Deno.errors.NotFound())), true),
    Deno.errors.NotFound,
  );
  assertEquals(calls, 2);
  calls = 0;
  assertThrows(() => patiently(work(Array(99).fill(held[0])), true), Deno.errors.PermissionDenied);
  assertEquals(calls, 26); // half a second, each 20 ms
});

Deno.test("what a scanner is in the way of is tried again, without anything else waiting", async () => {
  let [attempts, turns] = [0, 0];
  const timer = setInterval(() => turns++, 1);
  try {
    const done = await patientlyLater(() => {
      if (++attempts < 3) return Promise.reject(new Deno.errors.PermissionDenied("held"));
      return Promise.resolve("done");
    }, true);
    assertEquals([done, attempts, turns > 0], ["done", 3, true]);
    await assertRejects(
      () => patientlyLater(() => Promise.reject(new Deno.errors.NotFound("none")), true),
      Deno.errors.NotFound,
    );
  } finally {
    clearInterval(timer);
  }
});
