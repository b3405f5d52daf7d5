import { assertEquals, assertThrows } from "@std/assert";
import { readFileIfThere, removeFileIfThere, writeFileAtomic } from "../../src/os/files.ts";

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

Deno.test("removing a file that is not there is no error", () => {
  inFolder((folder) => {
    writeFileAtomic(`${folder}/a`, bytes("x"), 0o600);
    removeFileIfThere(`${folder}/a`);
    removeFileIfThere(`${folder}/a`);
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});
