/** The parts of `src` keep to their table; and each rule finds what it is there for. */
import { assertEquals } from "@std/assert";
import {
  findFfiBehaviour,
  findForbiddenImports,
  findForeignFunctions,
  findImportCircles,
  findImpurities,
  findSideDoors,
  findTestImports,
  findUnnamedSystems,
  importsOf,
} from "./import_rules.ts";
import { folderOf, FOLDERS } from "../../../tools/house/folders.ts";
import { readSources, type SourceFile } from "./source.ts";

const sources = readSources(["src"]);

function example(path: string, text: string): SourceFile {
  return { path, text };
}

/** What is left of findings without their place. */
function texts(findings: readonly string[]): string[] {
  return findings.map((found) => found.replace(/^\S+ /, ""));
}

Deno.test("the parts import each other as the table says", () => {
  assertEquals(sources.length > 20, true);
  assertEquals(sources.flatMap((file) => findForbiddenImports(file)), []);
});

Deno.test("the module graph that Deno loads holds no file of src that the table does not know", async () => {
  const entries = sources.filter(({ path }) => /^src\/cli\/(relay|gateway|client)\.ts$/.test(path));
  for (const entry of entries) {
    const paths = await loadedModules(entry.path);
    const unknown = paths.filter((path) => !sources.some((file) => file.path === path));
    assertEquals(unknown, [], entry.path);
  }
});

/** The local files of the module graph that Deno itself builds. */
async function loadedModules(entry: string): Promise<string[]> {
  const root = new URL("../../../", import.meta.url);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
    cwd: root.pathname,
    stderr: "inherit",
  }).output();
  const { modules }: { modules: { specifier: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  return modules.map(({ specifier }) => specifier)
    .filter((specifier) => specifier.startsWith(root.href))
    .map((specifier) => decodeURIComponent(specifier.slice(root.href.length)));
}

Deno.test("the pure parts use no clock, randomness, timer, promise, console or Deno", () => {
  assertEquals(sources.flatMap(findImpurities), []);
});

Deno.test("foreign functions and pointers stay in the native parts, and open nothing on import", () => {
  assertEquals(sources.flatMap(findForeignFunctions), []);
});

Deno.test("ffi declares, and follows no pointers", () => {
  assertEquals(sources.flatMap(findFfiBehaviour), []);
  const found = (path: string, text: string) => texts(findFfiBehaviour(example(path, text)));
  assertEquals(found("src/ffi/a.ts", "function f(a) { return new Deno.UnsafePointerView(a); }"), [
    "Deno.UnsafePointerView beside declarations",
  ]);
  assertEquals(found("src/ffi/a.ts", "function f() { return Deno.dlopen(b, c); }"), []);
  assertEquals(found("src/system/com/a.ts", "Deno.UnsafePointer.of(a);"), []);
});

Deno.test("in a facility, a file that calls one system is called by its name", () => {
  assertEquals(sources.flatMap(findUnnamedSystems), []);
  const found = (path: string, text: string) => texts(findUnnamedSystems(example(path, text)));
  const [libc, windows] = ["libc.ts", "windows_kernel.ts"].map((name) =>
    `import "../../ffi/${name}";`
  );
  assertEquals(found("src/system/power/clock.ts", libc), ["calls linux (src/ffi/libc.ts)"]);
  assertEquals(found("src/system/power/linux.ts", windows).length, 1);
  assertEquals(found("src/system/power/linux.ts", libc), []);
  assertEquals(found("src/system/power/windows_clock.ts", windows), []);
  assertEquals(found("src/link/tap.ts", libc), []);
});

Deno.test("no files import each other in a circle", () => {
  assertEquals(findImportCircles(sources), []);
});

Deno.test("the table knows its own folders, and its pure parts rest on pure parts alone", () => {
  for (const [folder, { folders, pure, native }] of Object.entries(FOLDERS)) {
    assertEquals(folders.filter((other) => FOLDERS[other] === undefined), [], folder);
    if (pure) assertEquals(folders.filter((other) => FOLDERS[other]?.pure !== true), [], folder);
    assertEquals(pure === true && native === true, false, folder);
  }
  assertEquals(FOLDERS["client"]?.folders.includes("gateway"), false);
  assertEquals(FOLDERS["gateway"]?.folders.includes("client"), false);
});

Deno.test("a room inside of another is one of its own, and no program's room imports another program's", () => {
  assertEquals(folderOf("src/relay/core.ts"), "relay");
  assertEquals(folderOf("src/relay/workers/plan.ts"), "relay/workers");
  assertEquals(folderOf("src/programs/relay/workers/bans.ts"), "programs/relay/workers");
  const programs = ["programs/relay", "programs/gateway", "programs/client"];
  for (const one of programs) {
    const others = programs.filter((other) => other !== one);
    const wrong = FOLDERS[one].folders.filter((folder) =>
      others.some((other) => folder === other || folder.startsWith(`${other}/`))
    );
    assertEquals(wrong, [], one);
  }
});

Deno.test("a facility of the machine is entered by its mod.ts alone", () => {
  assertEquals([...sources, ...readSources(["tools"])].flatMap(findSideDoors), []);
  const found = (path: string, text: string) => texts(findSideDoors(example(path, text)));
  const inner = 'import { a } from "../../system/routes/linux.ts";';
  assertEquals(found("src/programs/client/a.ts", inner), [
    "imports src/system/routes/linux.ts, not the facility's mod.ts",
  ]);
  assertEquals(found("src/system/names/a.ts", 'import "../routes/fake.ts";').length, 1);
  assertEquals(found("src/programs/client/a.ts", 'import "../../system/routes/mod.ts";'), []);
  assertEquals(found("src/system/routes/mod.ts", 'export * from "./linux.ts";'), []);
});

Deno.test("no tool imports a test", () => {
  assertEquals(readSources(["tools"]).flatMap(findTestImports), []);
  const file = example("tools/lab/a.ts", 'import "../../tests/support/b.ts";');
  assertEquals(texts(findTestImports(file)), ["imports tests/support/b.ts"]);
});

Deno.test("every way to import is seen", () => {
  const file = example(
    "src/relay/a.ts",
    `import a from "./b.ts";\nimport type { C } from "./c.ts";\nexport * from "./d.ts";\n` +
      `export { e } from "./e.ts";\nlet f: import("./f.ts").F;\nawait import("./g.ts");\n` +
      `import "./h.ts";\nawait import(\`./\${a}.ts\`);\nexport const i = 1;\n`,
  );
  assertEquals(
    importsOf(file).map(({ specifier }) => specifier).sort(),
    ["./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "./g.ts", "./h.ts", "?"],
  );
});

Deno.test("an import against the table is found", () => {
  const wrong = (path: string, text: string) => texts(findForbiddenImports(example(path, text)));
  assertEquals(wrong("src/proto/a.ts", 'import "../control/b.ts";'), ["proto imports control"]);
  assertEquals(wrong("src/client/a.ts", 'import type {} from "../gateway/b.ts";'), [
    "client imports gateway",
  ]);
  assertEquals(wrong("src/relay/a.ts", 'export * from "zod";'), ["relay imports zod"]);
  assertEquals(wrong("src/relay/a.ts", 'import "../proto/b.ts"; import "./c.ts";'), []);
  assertEquals(wrong("src/relay/a.ts", 'import "../../tools/b.ts";'), [
    "imports tools/b.ts, outside of src",
  ]);
  assertEquals(wrong("src/trust/a.ts", 'import "node:crypto";'), []);
  assertEquals(wrong("src/trust/a.ts", 'import "node:fs";'), ["trust imports node:fs"]);
  assertEquals(wrong("src/attic/a.ts", "").length, 1);
});

Deno.test("what makes a core impure is found, and what only looks so is not", () => {
  const found = (text: string) => texts(findImpurities(example("src/relay/a.ts", text)));
  for (
    const [text, what] of [
      ["const a = Deno.env;", "Deno"],
      ["export async function f() {}", "async"],
      ["for await (const a of b) c(a);", "async"],
      ["const a = Date.now();", "Date.now"],
      ["const a = new Date();", "new Date()"],
      ["const a = Math.random();", "Math.random"],
      ["const { now } = performance;", "performance"],
      ["setTimeout(f, 1);", "setTimeout"],
      ["let a: Promise<void>;", "Promise"],
      ['console.log("a");', "console"],
      ["const a = { fetch };", "fetch"],
      ['const a = globalThis["De" + "no"];', "globalThis"],
    ] as const
  ) {
    assertEquals([...new Set(found(text))], [what], text);
  }
  const innocent =
    "// Deno.env\nclass A { process(a: { console: number }) { return a.console; } }\n" +
    'const b = new Date(0), c = "Date.now()", d = { crypto: 1 }, e = Math.floor(1.5);';
  assertEquals(found(innocent), []);
  assertEquals(findImpurities(example("src/programs/client/a.ts", "Deno.exit();")), []);
});

Deno.test("foreign functions in the wrong place are found", () => {
  const found = (path: string, text: string) => texts(findForeignFunctions(example(path, text)));
  assertEquals(found("src/programs/client/a.ts", "f(() => Deno.dlopen(a, b));"), ["Deno.dlopen"]);
  assertEquals(found("src/trust/a.ts", "Deno.UnsafePointer.of(a);"), ["Deno.UnsafePointer"]);
  assertEquals(found("src/ffi/a.ts", "const a = Deno.dlopen(b, c);"), [
    "opens a library when it is imported",
  ]);
  assertEquals(found("src/ffi/a.ts", "function f() { return Deno.dlopen(b, c); }"), []);
});

Deno.test("a circle of imports is found, one of types alone is none", () => {
  const circle = (line: string) => [
    example("src/proto/a.ts", 'import { b } from "./b.ts";'),
    example("src/proto/b.ts", line),
  ];
  assertEquals(findImportCircles(circle('export { a } from "./a.ts";')), [
    "src/proto/a.ts → src/proto/b.ts → src/proto/a.ts",
  ]);
  assertEquals(findImportCircles(circle('import type { a } from "./a.ts";')), []);
  assertEquals(findImportCircles(circle('import { type a } from "./a.ts";')), []);
});
