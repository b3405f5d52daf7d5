/** What CI runs at the usual hosts is what everybody runs. */
import { assert, assertEquals } from "@std/assert";
import { readEverything } from "./source.ts";

const everything = readEverything();

Deno.test("each host's CI runs the check, and the project's own command", () => {
  for (const path of [".github/workflows/ci.yml", ".gitlab-ci.yml"]) {
    const text = everything.find((file) => file.path === path)?.text ?? "";
    const commands = [...text.matchAll(/^ *- (?:run: )?((?:npx|\.ci).*)$/gm)].map(([, run]) => run);
    assertEquals(commands.sort(), [".ci/run", "npx -y deno@2.6.8 task check"], path);
  }
});

Deno.test("one version of Deno is named, wherever one is", () => {
  const named = everything.flatMap(({ text }) => text.match(/\bdeno@\d[\d.]*\d/g) ?? []);
  assert(named.length > 10);
  assertEquals([...new Set(named)].length, 1);
  assertEquals(named[0], `deno@${Deno.version.deno}`);
});

Deno.test("each task that a document names is one of deno.json's", () => {
  const tasks = everything.find(({ path }) => path === "deno.json")!.text;
  const documents = everything.filter(({ path }) => path.endsWith(".md"));
  const named = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\btask ([a-z]+)(?=[ `\n])/g)]
      .filter(({ index }) => /(`|deno(@2\.6\.8)? )$/.test(text.slice(0, index)))
      .map(([, name]) => ({ path, name }))
  );
  assert(named.length > 10);
  assertEquals(named.filter(({ name }) => !tasks.includes(`\n    "${name}": `)), []);
});
