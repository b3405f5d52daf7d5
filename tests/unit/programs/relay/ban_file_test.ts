import { assert, assertEquals } from "@std/assert";
import type { Ban } from "../../../../src/relay/ban_record.ts";
import { BanFile } from "../../../../src/programs/relay/ban_file.ts";
import { loggerOf } from "../../../../src/log/logging.ts";

const BAN: Ban = { id: "0000000001", by: "operator", targets: ["192.0.2.7"], madeMs: 1 };

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A state folder of its own. */
async function inFolder(test: (folder: string, file: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-bans-" });
  try {
    await test(folder, `${folder}/lanparty-relay-bans.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const open = (folder: string) => new BanFile(folder, loggerOf("relay"));

Deno.test("bans are written for their owner alone, and found again, but for those that are over", async () => {
  await inFolder(async (folder, file) => {
    const bans = open(folder);
    assertEquals(bans.found, []);
    const over = { ...BAN, id: "0000000002", untilMs: 2 };
    bans.keep(() => [BAN, over]);
    assertEquals(await bans.flush(), undefined);
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
    assertEquals(open(folder).found, [BAN]);
    assertEquals(Array.from(Deno.readDirSync(folder)).length, 1, "nothing else is left there");
  });
});

Deno.test("however many bans are made at once, the list is made and written twice at most", async () => {
  await inFolder(async (folder) => {
    const bans = open(folder);
    let asked = 0;
    for (let i = 1; i <= 100; i++) {
      bans.keep(() => {
        asked++;
        return Array.from(
          { length: i },
          (_, number) => ({ ...BAN, id: String(number).padStart(10, "0") }),
        );
      });
    }
    assertEquals(await bans.flush(), undefined);
    assertEquals(asked, 2);
    assertEquals(open(folder).found.length, 100, "the last counts");
    assertEquals(await bans.flush(), undefined);
    assertEquals(asked, 2, "nothing is new");
  });
});

Deno.test("what cannot be written is said to who waits, and tried again with the next", async () => {
  await inFolder(async (folder, file) => {
    const bans = open(folder);
    await Deno.mkdir(file);
    bans.keep(() => [BAN]);
    assert(await bans.flush() !== undefined);
    await Deno.remove(file);
    assertEquals(await bans.flush(), undefined);
    assertEquals(open(folder).found, [BAN]);
  });
});

Deno.test("what cannot be written is tried again by itself, too", async () => {
  await inFolder(async (folder, file) => {
    const bans = new BanFile(folder, loggerOf("relay"), 5);
    await Deno.mkdir(file);
    bans.keep(() => [BAN]);
    assert(await bans.flush() !== undefined);
    // Some more attempts fail, and one of those after this does not.
    await pause(20);
    await Deno.remove(file);
    for (let turn = 0; turn < 6_000 && open(folder).found.length === 0; turn++) await pause(10);
    assertEquals(open(folder).found, [BAN]);
    assertEquals(await bans.flush(), undefined);
  });
});

Deno.test("a file that cannot be read is put aside, not written over", async () => {
  await inFolder(async (folder, file) => {
    const text = JSON.stringify({ version: 1, bans: [BAN] });
    await Deno.writeTextFile(file, text);
    await Deno.chmod(file, 0o666);
    const bans = open(folder);
    assertEquals(bans.found, []);
    const next = { ...BAN, id: "0000000002" };
    bans.keep(() => [next]);
    assertEquals(await bans.flush(), undefined);
    assertEquals(await Deno.readTextFile(`${file}.unread`), text);
    assertEquals(open(folder).found, [next]);
    // Who mends it, and puts it back, has the bans again.
    await Deno.chmod(`${file}.unread`, 0o600);
    await Deno.rename(`${file}.unread`, file);
    assertEquals(open(folder).found, [BAN]);
  });
});

for (
  const [what, mode, suffix] of [["read", 0o666, "unread"], ["used", 0o600, "damaged"]] as const
) {
  Deno.test(`a file that cannot be ${what} and not be put aside stays as it is`, async () => {
    await inFolder(async (folder, file) => {
      const text = what === "used" ? "{" : JSON.stringify({ version: 1, bans: [BAN] });
      await Deno.writeTextFile(file, text);
      await Deno.chmod(file, mode);
      const aside = `${file}.${suffix}`;
      await Deno.mkdir(aside);
      const bans = open(folder);
      bans.keep(() => [BAN]);
      assert(await bans.flush() !== undefined);
      assertEquals(await Deno.readTextFile(file), text);
      await Deno.remove(aside);
      assertEquals(await bans.flush(), undefined);
      assertEquals(await Deno.readTextFile(aside), text);
      assertEquals(open(folder).found, [BAN]);
    });
  });
}

Deno.test("a damaged file is put aside, and what it still holds is written anew", async () => {
  await inFolder(async (folder, file) => {
    const text = JSON.stringify({ version: 1, bans: [BAN, { id: "x" }] });
    await Deno.writeTextFile(file, text, { mode: 0o600 });
    const bans = open(folder);
    assertEquals(bans.found, [BAN]);
    await bans.flush();
    assertEquals(await Deno.readTextFile(`${file}.damaged`), text);
    assertEquals(open(folder).found, [BAN]);
  });
});
