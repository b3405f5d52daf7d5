import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  BuildError,
  cached,
  cacheFolder,
  chooseCacheFolder,
  copyAtomically,
  copyIfChanged,
  exists,
  hashFiles,
  hashOf,
  isCached,
  listFiles,
  prune,
} from "../../../tools/build/cache.ts";

const KEYS = ["a", "b", "c", "d"].map((digit) => digit.repeat(32));

/** Runs a test with a cache of its own. */
async function withCache(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-cache-" });
  chooseCacheFolder(`${folder}/lanparty`);
  try {
    await work(`${folder}/lanparty`);
  } finally {
    chooseCacheFolder(undefined);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the cache lies under XDG_CACHE_HOME, or under the home folder", () => {
  const of = (environment: Record<string, string>) => cacheFolder((name) => environment[name]);
  assertEquals(of({ XDG_CACHE_HOME: "/c", HOME: "/h" }), "/c/lanparty");
  assertEquals(of({ HOME: "/h" }), "/h/.cache/lanparty");
  // The XDG specification has a relative path ignored.
  assertEquals(of({ XDG_CACHE_HOME: "c", HOME: "/h" }), "/h/.cache/lanparty");
  assertThrows(() => of({}), BuildError, "HOME");
  assertThrows(() => of({ HOME: "" }), BuildError, "HOME");
});

Deno.test("a hash tells apart parts that hold the same bytes divided otherwise", async () => {
  assertMatch(await hashOf([]), /^[0-9a-f]{32}$/);
  assertEquals(await hashOf(["ab", "c"]), await hashOf(["ab", new Uint8Array([0x63])]));
  assertNotEquals(await hashOf(["ab", "c"]), await hashOf(["a", "bc"]));
  assertNotEquals(await hashOf(["a"]), await hashOf(["a", ""]));
});

Deno.test("a hash over files changes with a name and with a content", async () => {
  await withCache(async (folder) => {
    await Deno.mkdir(`${folder}/x`, { recursive: true });
    await Deno.writeTextFile(`${folder}/x/b.ts`, "b");
    await Deno.writeTextFile(`${folder}/a.ts`, "a");
    const paths = await listFiles(folder);
    assertEquals(paths, ["a.ts", "x/b.ts"]);
    assertEquals(await listFiles(folder, (path) => path === "x"), ["a.ts"]);
    const first = await hashFiles(folder, paths);
    await Deno.writeTextFile(`${folder}/a.ts`, "A");
    assertNotEquals(await hashFiles(folder, paths), first);
    await Deno.writeTextFile(`${folder}/a.ts`, "a");
    assertEquals(await hashFiles(folder, paths), first);
    await Deno.rename(`${folder}/a.ts`, `${folder}/c.ts`);
    assertNotEquals(await hashFiles(folder, await listFiles(folder)), first);
  });
});

Deno.test("an entry is made once", async () => {
  await withCache(async (folder) => {
    let made = 0;
    const make = () =>
      cached("thing", KEYS[0]!, async (target) => {
        made++;
        await Deno.writeTextFile(`${target}/file`, "content");
      });
    assertEquals(await isCached("thing", KEYS[0]!), false);
    const path = await make();
    assertEquals(path, `${folder}/thing-${KEYS[0]}`);
    assertEquals(await make(), path);
    assertEquals(await Deno.readTextFile(`${path}/file`), "content");
    assertEquals(made, 1);
  });
});

Deno.test("an entry whose making fails is not there, and can be made again", async () => {
  await withCache(async (folder) => {
    const fail = cached("thing", KEYS[0]!, async (target) => {
      await Deno.writeTextFile(`${target}/half`, "");
      throw new BuildError("no luck");
    });
    await assertRejects(() => fail, BuildError, "no luck");
    assertEquals(await isCached("thing", KEYS[0]!), false);
    assertEquals(await exists(`${folder}/thing-${KEYS[0]}.unfinished`), false);
    const path = await cached("thing", KEYS[0]!, async (target) => {
      assertEquals(await listFiles(target), []);
      await Deno.writeTextFile(`${target}/whole`, "");
    });
    assertEquals(await listFiles(path), ["whole"]);
  });
});

Deno.test("what a killed process left unfinished is thrown away", async () => {
  await withCache(async (folder) => {
    await Deno.mkdir(`${folder}/thing-${KEYS[0]}.unfinished`, { recursive: true });
    await Deno.writeTextFile(`${folder}/thing-${KEYS[0]}.unfinished/half`, "");
    const path = await cached("thing", KEYS[0]!, async (target) => {
      await Deno.writeTextFile(`${target}/whole`, "");
    });
    assertEquals(await listFiles(path), ["whole"]);
  });
});

Deno.test("two processes that want the same entry make it once", async () => {
  await withCache(async (folder) => {
    const module = new URL("../../../tools/build/cache.ts", import.meta.url).href;
    const program = `import { cached, chooseCacheFolder } from ${JSON.stringify(module)};
      chooseCacheFolder("${folder}");
      await cached("thing", "${KEYS[0]}", async (target) => {
        await Deno.writeTextFile("${folder}/made-" + Deno.pid, "");
        await new Promise((resolve) => setTimeout(resolve, 300));
        await Deno.writeTextFile(target + "/whole", "");
      });`;
    const runs = [0, 1].map(() =>
      new Deno.Command(Deno.execPath(), { args: ["eval", "--no-config", program] }).output()
    );
    for (const { success, stderr } of await Promise.all(runs)) {
      assertEquals(success, true, new TextDecoder().decode(stderr));
    }
    const made = (await listFiles(folder)).filter((path) => path.startsWith("made-"));
    assertEquals(made.length, 1);
    assertEquals(await listFiles(`${folder}/thing-${KEYS[0]}`), ["whole"]);
  });
});

Deno.test("of each kind only the entries used last are kept", async () => {
  await withCache(async (folder) => {
    const empty = () => Promise.resolve();
    for (const [index, key] of KEYS.entries()) {
      const path = await cached("thing", key, empty);
      await Deno.utime(path, 1000 + index, 1000 + index);
    }
    await cached("thing-other", KEYS[0]!, empty);
    await Deno.mkdir(`${folder}/log`);
    // Using the oldest entry makes it the newest.
    await cached("thing", KEYS[0]!, empty);
    await prune("thing", 2);
    const kept = await Promise.all(KEYS.map((key) => isCached("thing", key)));
    assertEquals(kept, [true, false, false, true]);
    assertEquals(await isCached("thing-other", KEYS[0]!), true);
    assertEquals(await exists(`${folder}/log`), true);
  });
});

Deno.test("a file is copied when it differs, with its time, and replaces one that is in use", async () => {
  await withCache(async (folder) => {
    const from = `${folder}/from`;
    const to = `${folder}/new/to`;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(from, "one", { mode: 0o755 });
    await Deno.utime(from, 5000, 5000);
    await copyIfChanged(from, to);
    const first = await Deno.stat(to);
    assertEquals([first.mtime?.getTime(), (first.mode ?? 0) & 0o777], [5_000_000, 0o755]);
    await copyIfChanged(from, to);
    assertEquals((await Deno.stat(to)).ino, first.ino);
    using open = await Deno.open(to);
    await Deno.writeTextFile(from, "two");
    await copyIfChanged(from, to);
    const bytes = new Uint8Array(8);
    assertEquals(new TextDecoder().decode(bytes.subarray(0, await open.read(bytes) ?? 0)), "one");
    assertEquals(await Deno.readTextFile(to), "two");
    await assertRejects(() => copyAtomically(`${folder}/none`, to), Deno.errors.NotFound);
    assertEquals(await listFiles(`${folder}/new`), ["to"]);
  });
});
