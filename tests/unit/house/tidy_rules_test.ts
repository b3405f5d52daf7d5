/** The house keeps its rules; and each rule finds what it is there for. */
import { assertEquals } from "@std/assert";
import {
  FILE_LINES_MAX,
  findAnyTypes,
  findForbiddenWords,
  findForeignPlaces,
  findForgedBrands,
  findLongFiles,
  findLongFunctions,
  findNonNullAssertions,
  findOddNames,
  findSkippedTests,
  findUndocumentedExports,
  FUNCTION_LINES_MAX,
} from "./tidy_rules.ts";
import { lineAt, readEverything, readSources, type SourceFile, visitNodes } from "./source.ts";

type Rule = (file: SourceFile) => string[];

const everything = readSources(["src", "tests", "tools"]);
const sources = everything.filter(({ path }) => path.startsWith("src/"));
const tests = everything.filter(({ path }) => path.startsWith("tests/"));

/** The lines on which a rule finds something in a text. */
function linesFound(rule: Rule, text: string): number[] {
  return rule({ path: "src/proto/example.ts", text }).map((found) => Number(found.split(":")[1]));
}

Deno.test("there are sources to look at", () => {
  assertEquals(sources.length > 20 && tests.length > 20, true);
});

Deno.test("a file has at most 450 lines", () => {
  assertEquals(everything.flatMap(findLongFiles), []);
});

Deno.test("a function has at most 70 lines", () => {
  assertEquals(everything.flatMap(findLongFunctions), []);
});

Deno.test("nothing is left undone and no check is turned off", () => {
  assertEquals(everything.flatMap(findForbiddenWords), []);
});

Deno.test("no type is given up", () => {
  assertEquals(everything.flatMap(findAnyTypes), []);
});

Deno.test("no source says of a value that it is there where its type does not", () => {
  assertEquals(sources.flatMap(findNonNullAssertions), []);
});

Deno.test("slots, connections, peer ids and drop codes are made by their functions alone", () => {
  assertEquals(everything.flatMap(findForgedBrands), []);
});

Deno.test("what the sources export has a doc comment", () => {
  assertEquals(sources.flatMap(findUndocumentedExports), []);
});

Deno.test("no test is left out for good, and none runs alone", () => {
  assertEquals(tests.flatMap(findSkippedTests), []);
});

Deno.test("files have snake_case names", () => {
  assertEquals(everything.flatMap(findOddNames), []);
});

Deno.test("no file but lock files names a package registry's host or a folder of one machine", () => {
  assertEquals(readEverything().flatMap(findForeignPlaces), []);
});

Deno.test("the rule on file length finds a file that is one line too long", () => {
  const lines = (count: number) => ({ path: "a.ts", text: "//\n".repeat(count) });
  assertEquals(findLongFiles(lines(FILE_LINES_MAX)), []);
  assertEquals(findLongFiles(lines(FILE_LINES_MAX + 1)).length, 1);
  const quoting = {
    path: "a.ts",
    text: `//= PROTOCOL.md 9\n//# Words.\n${lines(FILE_LINES_MAX).text}`,
  };
  assertEquals(findLongFiles(quoting), []);
});

Deno.test("the rule on functions finds each kind of them, also behind characters beyond ASCII", () => {
  const body = (lines: number) => `{\n${"  //\n".repeat(lines - 2)}}`;
  for (const head of ["function f() ", "const f = () => ", "const f = function () "]) {
    assertEquals(
      linesFound(findLongFunctions, `// „…“ 🎮\n${head}${body(FUNCTION_LINES_MAX)}`),
      [],
    );
    assertEquals(
      linesFound(findLongFunctions, `// „…“ 🎮\n${head}${body(FUNCTION_LINES_MAX + 1)}`),
      [2],
    );
  }
  const method = (lines: number) => `class C {\n  m() ${body(lines)}\n}`;
  assertEquals(linesFound(findLongFunctions, method(FUNCTION_LINES_MAX + 1)), [2]);
});

Deno.test("positions in the syntax tree count as the text's own characters do", () => {
  const file = { path: "a.ts", text: "// „…“ 🎮\n\nexport const answer = 42;\n" };
  const found: string[] = [];
  visitNodes(file, (node) => {
    if (node.type === "Literal") {
      found.push(`${file.text.slice(...node.range)}@${lineAt(file, node.range[0])}`);
    }
  });
  assertEquals(found, ["42@3"]);
});

Deno.test("the rule on open work finds words and directives", () => {
  const words = [["TO", "DO"], ["FIX", "ME"], ["@ts", "-ignore"], ["deno-lint", "-ignore-file"]];
  for (const word of words) {
    assertEquals(linesFound(findForbiddenWords, `//\n// ${word.join("")} later\n`), [2]);
  }
  assertEquals(linesFound(findForbiddenWords, "// to do it, fix it\n"), []);
});

Deno.test("the rule on types finds any, and only the type", () => {
  assertEquals(linesFound(findAnyTypes, "const any = 1;\nexport const b = any as any;\n"), [2]);
});

Deno.test("the rule on values that may be missing finds each that is said to be there", () => {
  assertEquals(linesFound(findNonNullAssertions, "f(a!);\nb!.c;\nd.e![0];\n"), [1, 2, 3]);
  assertEquals(linesFound(findNonNullAssertions, "!a && a !== b && a?.b != c;\nlet d!: D;\n"), []);
});

Deno.test("the rule on kinds of numbers finds those that are cast", () => {
  assertEquals(linesFound(findForgedBrands, "const a = 1;\nconst b = a as Slot;\n"), [2]);
  assertEquals(linesFound(findForgedBrands, "f(1 as PeerId, 2 as number, asSlot(3));\n"), [1]);
  assertEquals(linesFound(findForgedBrands, "const b: Slot = asSlot(1);\n"), []);
});

Deno.test("the rule on documentation finds what has no doc comment", () => {
  const documented = "/** One. */\nexport const a = 1;\n/**\n * Two.\n */\nexport class B {}\n";
  assertEquals(linesFound(findUndocumentedExports, documented), []);
  assertEquals(linesFound(findUndocumentedExports, "// One.\nexport const a = 1;\n"), [2]);
  assertEquals(linesFound(findUndocumentedExports, "/* One. */\nexport interface A {}\n"), [2]);
  assertEquals(
    linesFound(
      findUndocumentedExports,
      "/** One. */\n\nimport './a.ts';\nexport function f() {}\n",
    ),
    [4],
  );
  assertEquals(linesFound(findUndocumentedExports, 'export { a } from "./a.ts";\n'), []);
  const group =
    "/** All. */\nexport const a = 1;\nexport const b = 2; // two\nexport type B = 1;\n";
  assertEquals(linesFound(findUndocumentedExports, group), []);
  assertEquals(linesFound(findUndocumentedExports, `${group}\nexport const c = 3;\n`), [6]);
  assertEquals(linesFound(findUndocumentedExports, `${group}export class C {}\n`), [5]);
  const overloads = "/** F. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\n" +
    "export function f(a: 1 | 2): 1 | 2 {\n  return a;\n}\n";
  assertEquals(linesFound(findUndocumentedExports, overloads), []);
});

Deno.test("the rule on tests finds those left out and those run alone", () => {
  const name = ["ig", "nore"].join("");
  assertEquals(linesFound(findSkippedTests, `\nDeno.test.${name}("a", () => {});\n`), [2]);
  assertEquals(linesFound(findSkippedTests, `Deno.test({ ${name}: true, fn() {} });\n`), [1]);
  assertEquals(linesFound(findSkippedTests, `Deno.test({ ${name}: !isRoot, fn() {} });\n`), []);
  assertEquals(linesFound(findSkippedTests, 'Deno.test.only("a", () => {});\n'), [1]);
});

Deno.test("the rule on names and places finds them", () => {
  assertEquals(findOddNames({ path: "src/proto/MacTable.ts", text: "" }).length, 1);
  assertEquals(findOddNames({ path: "src/proto/mac-table.ts", text: "" }).length, 1);
  assertEquals(findOddNames({ path: "src/proto/mac_table.ts", text: "" }), []);
  const host = ["https://registry", "npmjs", "org/zod"].join(".");
  assertEquals(linesFound(findForeignPlaces, `\n// ${host}\n`), [2]);
});
