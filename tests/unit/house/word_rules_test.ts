/** The house writes things in one way; and each rule finds what it is there for. */
import { assertEquals } from "@std/assert";
import { readSources } from "./source.ts";
import {
  findLastErrors,
  findOddModuleTags,
  findPrivateKeywords,
  findSlowCalls,
  findSmallLogTexts,
} from "./word_rules.ts";

const sources = readSources(["src"]);
const everything = readSources(["src", "tests", "tools"]);

Deno.test("a log line begins with a capital letter", () => {
  assertEquals(sources.flatMap(findSmallLogTexts), []);
});

Deno.test("the rule on log lines finds small ones, in all forms", () => {
  const text = [
    'logText(logger, "info", "peer joined");',
    'logText(logger, "info", "Peer joined");',
    "logText(logger, level, `cannot ${why}`, {});",
    "logText(logger, level, `${why}: stopping`);",
    'outbox.log("info", isNew ? "room made" : "Room found", {});',
    'this.note(isAsked ? "warning" : "error", "a worker " + what, {});',
    'logText(logger, "info", "lanparty-client runs already");',
    "math.log(2, 3);",
  ].join("\n");
  const found = findSmallLogTexts({ path: "src/relay/example.ts", text });
  assertEquals(found.map((one) => Number(one.split(":")[1])), [1, 3, 5, 6]);
});

Deno.test("what is private is so for everybody", () => {
  assertEquals(everything.flatMap(findPrivateKeywords), []);
});

Deno.test("nothing is decided by Windows' last error", () => {
  assertEquals(sources.flatMap(findLastErrors), []);
});

Deno.test("the rule on last errors finds them, also where setupapi's may be told", () => {
  const setup = "src/system/adapter/windows_setup.ts";
  const bound = "const { GetLastError } = kernel.symbols;\n";
  const judged = "throw new WindowsError(call, setupError(GetLastError()));\n";
  const odd = (path: string, text: string) => findLastErrors({ path, text }).length;
  assertEquals(odd("src/link/tap.ts", "throw openError(adapter, kernel.GetLastError());"), 1);
  assertEquals(odd("src/link/tap.ts", "throw openError(adapter, status);"), 0);
  assertEquals(odd(setup, bound + judged), 0);
  assertEquals(odd(setup, `${bound}if (GetLastError() === 5) return;\n`), 1);
});

Deno.test("nothing that takes milliseconds is called again and again on the loop", () => {
  assertEquals(sources.flatMap(findSlowCalls), []);
});

Deno.test("the rule on slow calls finds them, and lets be who makes them seldom", () => {
  const text = "const all = Deno.networkInterfaces();\n";
  assertEquals(findSlowCalls({ path: "src/programs/client/program.ts", text }).length, 1);
  assertEquals(findSlowCalls({ path: "src/programs/client/doctor_windows.ts", text }), []);
});

Deno.test("the first comment of each source is its module's, and no other comment is", () => {
  assertEquals(everything.flatMap(findOddModuleTags), []);
});

Deno.test("the rule on private members finds them, and lets constructors be", () => {
  const text = [
    "class A {",
    "  private a = 1;",
    "  #b = 2;",
    "  private constructor(readonly c: number) {}",
    "  private get d() { return 1; }",
    "  private static e() {}",
    "}",
    "class B {",
    "  constructor(private readonly f: number) {}",
    "}",
  ].join("\n");
  const found = findPrivateKeywords({ path: "src/relay/example.ts", text });
  assertEquals(found.map((one) => Number(one.split(":")[1])), [2, 5, 6, 9]);
});

Deno.test("the rule on modules finds what has no head, two of them, and one in a test", () => {
  const tag = ["@mod", "ule"].join("");
  const head = `/**\n * What it is.\n *\n * ${tag}\n */\n`;
  const odd = (path: string, text: string) => findOddModuleTags({ path, text }).length;
  assertEquals(odd("src/a.ts", `${head}export const a = 1;\n`), 0);
  assertEquals(odd("src/a.ts", "/** What it is. */\nimport './b.ts';\n"), 1);
  assertEquals(odd("src/a.ts", "export const a = 1;\n"), 1);
  assertEquals(odd("src/a.ts", head + head), 1);
  assertEquals(odd("tests/a.ts", head), 1);
  assertEquals(odd("tests/a.ts", "/** What it is. */\n"), 0);
});
