/** Every link of the project's documents leads somewhere; and the rule finds those that do not. */
import { assert, assertEquals } from "@std/assert";
import { anchorsOf, findDeadLinks, findLostPaths } from "./links.ts";
import { pathFrom, readEverything } from "./source.ts";

const everything = readEverything();
const texts = new Map(everything.map(({ path, text }) => [path, text]));
const documents = everything.filter(({ path }) => path.endsWith(".md"));

Deno.test("each relative link and anchor of each document leads somewhere", () => {
  assert(documents.length > 12);
  assertEquals(documents.flatMap((file) => findDeadLinks(file, texts)), []);
});

Deno.test("each file and folder of ours that a document names is there", () => {
  // That page names files of msquic's.
  const own = documents.filter(({ path }) => path !== "tools/msquic/UPSTREAM.md");
  assertEquals(own.flatMap((file) => findLostPaths(file, texts)), []);
});

Deno.test("each page in docs is linked to by the README or by a page that is", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    for (const [, target] of (texts.get(path) ?? "").matchAll(/\]\(([^)#\s]+\.md)[)#]/g)) {
      if (!/^[a-z]+:/.test(target)) {
        reached.add(pathFrom({ path }, target));
      }
    }
  }
  const pages = documents.map(({ path }) => path).filter((path) => path.startsWith("docs/"));
  assertEquals(pages.filter((path) => !reached.has(path)), []);
});

Deno.test("anchors are those of the usual hosts", () => {
  const text = "# Who's `in`: 5.1\n\n## [A](b.md) – b\n```\n# no heading\n```\n## Two\n### Two\n";
  assertEquals([...anchorsOf(text)], ["whos-in-51", "a--b", "two", "two-1"]);
});

Deno.test("the rule on links finds files and anchors that are not there, and nothing in code", () => {
  const page = {
    path: "docs/A.md",
    text: "# A\n[a](#a) [b](../b.ts)\n[c](c.md) [d](#d) [e](../README.md#e) [f](../src)\n" +
      "[g](https://example.org/g#g) `[h](h.md)`\n```\n[i](i.md)\n```\n[j](../sr)\n",
  };
  const known = new Map([["docs/A.md", page.text], ["b.ts", ""], ["README.md", "# R\n"], [
    "src/c.ts",
    "",
  ]]);
  assertEquals(findDeadLinks(page, known), [
    "docs/A.md:3: c.md",
    "docs/A.md:3: #d",
    "docs/A.md:3: ../README.md#e",
    "docs/A.md:8: ../sr",
  ]);
});

Deno.test("the rule on paths finds those that are not there", () => {
  const page = {
    path: "A.md",
    text: "`src/c.ts` `src` `src/d.ts`\n`src/` `tests/d/`\n```\n`src/e.ts`\n```\n",
  };
  assertEquals(findLostPaths(page, new Map([["src/c.ts", ""]])), [
    "A.md:1: src/d.ts",
    "A.md:2: tests/d",
  ]);
});
