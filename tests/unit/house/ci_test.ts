/** What CI runs at the usual hosts is what everybody runs. */
import { assert, assertEquals } from "@std/assert";
import { whyAlone } from "../../../tools/test/schedule.ts";
import { readEverything, type SourceFile } from "./source.ts";

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

/** Comments by which a test file would run alone, and does not. */
function findVainMarks(files: readonly SourceFile[]): string[] {
  return files.filter(({ path, text }) => {
    const isRead = /^tests\/(?!unit|vectors|sim|fuzz).*_test\.ts$/.test(path) &&
      whyAlone(text) !== undefined;
    return /^\s*(\/\/|\*) runs alone\b/im.test(text) && !isRead;
  }).map(({ path }) => path);
}

Deno.test("a test file that says that it runs alone does", () => {
  const sources = everything.filter(({ path }) => /^tests\/.*\.ts$/.test(path));
  assertEquals(findVainMarks(sources), []);
  const mark = (path: string, text: string) => findVainMarks([{ path, text }]).length;
  assertEquals(mark("tests/e2e/a_test.ts", "// Runs alone: why\n"), 0);
  assertEquals(mark("tests/e2e/a_test.ts", "// Runs alone\n"), 1);
  assertEquals(mark("tests/e2e/a_test.ts", " * runs alone: why\n"), 1);
  assertEquals(mark("tests/e2e/a.ts", "// Runs alone: why\n"), 1);
  assertEquals(mark("tests/unit/a_test.ts", "// Runs alone: why\n"), 1);
});
