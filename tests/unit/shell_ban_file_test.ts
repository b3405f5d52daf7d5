import { assert, assertEquals } from "@std/assert";
import type { Ban } from "../../src/relay/ban_record.ts";
import { BanFile } from "../../src/shell/ban_file.ts";
import { loggerOf } from "../../src/shell/logging.ts";

const BAN: Ban = { id: "0000000001", by: "operator", targets: ["192.0.2.7"], madeMs: 1 };

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
