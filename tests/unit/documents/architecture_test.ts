import { assertEquals } from "@std/assert";
import { ARCHITECTURE, withFolderTable } from "../../../tools/docs/folders.ts";

Deno.test("ARCHITECTURE.md's table of folders is up to date: deno run -A tools/docs/folders.ts", async () => {
  const document = await Deno.readTextFile(ARCHITECTURE);
  assertEquals(document, withFolderTable(document));
});
