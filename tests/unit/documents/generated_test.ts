/** Documents that are made of what the sources say are up to date. */
import { assertEquals } from "@std/assert";
import { compareDocument, GENERATED_DOCUMENTS } from "../../../tools/docs/generated.ts";

for (const document of GENERATED_DOCUMENTS) {
  Deno.test(`${document.path} is what deno task docs writes`, async () => {
    const { present, wanted } = await compareDocument(document);
    assertEquals(present, wanted);
  });
}

Deno.test("a document that says that the task writes it is one that the task knows", async () => {
  const root = new URL("../../../", import.meta.url);
  const saying: string[] = [];
  for (const folder of ["", "docs/"]) {
    for await (const { name } of Deno.readDir(new URL(folder, root))) {
      if (!name.endsWith(".md")) continue;
      const text = await Deno.readTextFile(new URL(folder + name, root));
      const isMade = /(written|made) by `?deno task (docs|bench --rivals --keep)\b/i.test(text);
      if (isMade) saying.push(folder + name);
    }
  }
  const pages = GENERATED_DOCUMENTS.map(({ path }) => path).filter((path) => path.endsWith(".md"));
  assertEquals(saying.sort(), pages.sort());
});
