/** Whose files are believed. What only root can set up is in `tests/e2e/client/trusted_files_test.ts`. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  openOwnFolder,
  readOwnFile,
  UnsafePathError,
  type User,
  whyNotSecret,
  whyReadByOthers,
  whyUnsafeFile,
  whyUnsafeFolder,
  whyUnsafeParent,
} from "../../../../src/system/files/own_files.ts";

const ROOT: User = { uid: 0, gid: 0 };
const SUDO: User = { uid: 0, gid: 0, sudoUid: 1000 };
const ANN: User = { uid: 1000, gid: 1000 };
/** Who shares a group with others. */
const BEN: User = { uid: 1001, gid: 100 };

type Judge = typeof whyUnsafeFolder;

/** Whether a judge takes a path: user, owner, group, mode. */
function takes(judge: Judge, user: User, uid: number, gid: number, mode: number): boolean {
  return judge("/a", { uid, gid, mode }, user) === undefined;
}

Deno.test("a folder is this user's or root's, and nobody else writes there", () => {
  const cases: [User, number, number, number, boolean][] = [
    [ROOT, 0, 0, 0o40700, true],
    [ROOT, 0, 0, 0o40755, true],
    [ROOT, 0, 0, 0o40775, true],
    [ROOT, 0, 50, 0o42775, false],
    [ROOT, 0, 0, 0o40777, false],
    [ROOT, 0, 0, 0o41777, false],
    [ROOT, 1000, 1000, 0o40700, false],
    [SUDO, 1000, 1000, 0o40700, false],
    [ANN, 1000, 1000, 0o40755, true],
    [ANN, 0, 0, 0o40755, true],
    [ANN, 1000, 1000, 0o40775, true],
    [ANN, 1000, 100, 0o40775, false],
    [ANN, 1001, 1000, 0o40755, false],
    [BEN, 1001, 100, 0o40775, false],
  ];
  for (const [user, uid, gid, mode, good] of cases) {
    assertEquals(takes(whyUnsafeFolder, user, uid, gid, mode), good, `${uid} ${gid} ${mode}`);
    if (mode === 0o41777) continue;
    assertEquals(takes(whyUnsafeParent, user, uid, gid, mode), good, `${uid} ${gid} ${mode}`);
  }
  // /tmp: what lies there is left alone by others, but its own files may be anybody's.
  assertEquals(takes(whyUnsafeParent, ANN, 0, 0, 0o41777), true);
  assertEquals(takes(whyUnsafeParent, ANN, 1001, 0, 0o41777), false);
  const why = whyUnsafeFolder("/a b", { uid: 7, gid: 7, mode: 0o700 }, ROOT)!;
  assertMatch(why, /^\/a b belongs to another user \(id 7\), .*chown 0 '\/a b'$/);
});

Deno.test("a file of a state folder is this user's or root's, and written by nobody else", () => {
  assertEquals(takes(whyUnsafeFile, ANN, 1000, 1000, 0o100644), true);
  assertEquals(takes(whyUnsafeFile, ANN, 0, 0, 0o100644), true);
  assertEquals(takes(whyUnsafeFile, ANN, 1000, 1000, 0o100666), false);
  assertEquals(takes(whyUnsafeFile, ROOT, 1000, 1000, 0o100600), false);
});

Deno.test("a secret is read by its user alone, or by a service's group where it is root's", () => {
  const cases: [User, number, number, string | undefined][] = [
    [ROOT, 0, 0o600, undefined],
    [ROOT, 0, 0o400, undefined],
    [ROOT, 0, 0o640, "chmod 600 /a"],
    [ROOT, 0, 0o644, "chmod 600 /a"],
    [ROOT, 1000, 0o600, "chown 0 /a && chmod 600 /a"],
    // Whoever says sudo means a file of their own.
    [SUDO, 1000, 0o600, undefined],
    [SUDO, 1000, 0o644, "chmod 600 /a"],
    [SUDO, 1001, 0o600, "chown 0 /a && chmod 600 /a"],
    [ANN, 1000, 0o600, undefined],
    [ANN, 1000, 0o640, "chmod 600 /a"],
    [ANN, 0, 0o640, undefined],
    [ANN, 0, 0o660, "chmod 640 /a"],
    [ANN, 0, 0o644, "chmod 640 /a"],
    [ANN, 1001, 0o644, "chown 1000 /a && chmod 600 /a"],
  ];
  for (const [user, uid, mode, remedy] of cases) {
    const why = whyNotSecret("/a", { uid, gid: 5, mode: 0o100000 | mode }, user);
    assertEquals(why?.replace(/^.*?: /, ""), remedy, `${user.uid} ${uid} ${mode.toString(8)}`);
  }
});

/** A folder that nobody else can get at, and files in it. */
async function inFolder(work: (folder: string) => void): Promise<void> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    await work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("each folder on the way is looked at, and each link", async () => {
  await inFolder((folder) => {
    const state = `${folder}/a/b/state`;
    assertEquals(openOwnFolder(state), state);
    for (const path of [`${folder}/a`, `${folder}/a/b`, state]) {
      assertEquals(Deno.statSync(path).mode! & 0o777, 0o700);
      Deno.chmodSync(path, 0o777);
      const { message } = assertThrows(() => openOwnFolder(state), UnsafePathError);
      assertEquals(message, `${path} can be written by others (mode 0777): chmod go-w ${path}`);
      Deno.chmodSync(path, 0o755);
    }
    // A link leads where it says, and what it leads through is looked at, too.
    Deno.symlinkSync("a/b", `${folder}/link`);
    assertEquals(openOwnFolder(`${folder}/link/state`), state);
    assertEquals(openOwnFolder(`${folder}/link/../b/./state/`), state);
    Deno.symlinkSync(`${folder}/a/b/state`, `${folder}/whole`);
    assertEquals(openOwnFolder(`${folder}/whole`), state);
    Deno.chmodSync(`${folder}/a`, 0o777);
    assertThrows(() => openOwnFolder(`${folder}/whole`), UnsafePathError);
    Deno.chmodSync(`${folder}/a`, 0o1777);
    assertEquals(openOwnFolder(`${folder}/whole`), state);
    Deno.symlinkSync("round", `${folder}/round`);
    assertThrows(() => openOwnFolder(`${folder}/round/x`), Deno.errors.FilesystemLoop);
    Deno.writeTextFileSync(`${folder}/file`, "");
    assertThrows(() => openOwnFolder(`${folder}/file/x`), Deno.errors.NotADirectory);
  });
});

Deno.test("a file is read when nobody else can write it, and a secret when nobody else reads it", async () => {
  await inFolder((folder) => {
    const path = `${folder}/file`;
    assertEquals(readOwnFile(path), undefined);
    Deno.writeTextFileSync(path, "x", { mode: 0o600 });
    assertEquals(readOwnFile(path, true)?.length, 1);
    assertEquals(whyReadByOthers(path), undefined);
    Deno.chmodSync(path, 0o644);
    assertEquals(readOwnFile(path)?.length, 1);
    const why = `${path} can be read by others (mode 0644): chmod 600 ${path}`;
    assertEquals(assertThrows(() => readOwnFile(path, true), UnsafePathError).message, why);
    assertEquals(whyReadByOthers(path), why);
    Deno.chmodSync(path, 0o622);
    assertThrows(() => readOwnFile(path), UnsafePathError);
    Deno.symlinkSync("file", `${folder}/link`);
    Deno.chmodSync(path, 0o600);
    assertThrows(() => readOwnFile(`${folder}/link`), UnsafePathError);
    // What the player names may be a link, and what holds nothing has no secret.
    assertEquals(whyReadByOthers(`${folder}/link`), undefined);
    assertEquals(whyReadByOthers("/dev/null"), undefined);
    assertThrows(() => whyReadByOthers(`${folder}/nothing`), Deno.errors.NotFound);
  });
});
