/** Nothing is in the sources for the tests alone; and the rules find what they are there for. */
import { assertEquals } from "@std/assert";
import { findDeadExports, findDeadMembers, reachableFiles } from "./dead_code.ts";
import { readSources, type SourceFile } from "./source.ts";

/** A facility of the machine has a stand-in beside it that is in memory: it is there for tests. */
const isFake = ({ path }: SourceFile) => /^src\/system\/\w+\/fake\.ts$/.test(path);
const sources = readSources(["src"]).filter((file) => !isFake(file));
const users = reachableFiles([...sources, ...readSources(["tools"])]);

/** What only tests use, and why it stays: the end of each finding. */
const ALLOWED: readonly [RegExp, string][] = [
  [/_(LAYOUTS|SYMBOLS)$/, "what a module declares of a library, for the tests that prove it all"],
  [/ QUIC_API_TABLE$/, "the same: a test compares it with the header"],
  [/ Reassembler\.openFrames$/, "how much is kept: the tests hold it to its bound"],
  [/ QuicStream\.unacknowledgedBytes$/, "how much is kept: the tests hold it to its bound"],
  [/ QuicStream\.pause$/, "a peer that does not read: the relay is tested against one"],
  [/ FairQueue\.oldestMs$/, "how old what is kept is: the tests hold it to its bound"],
];

/** The findings that nobody has allowed. */
function unforgiven(findings: readonly string[]): string[] {
  return findings.filter((found) => !ALLOWED.some(([pattern]) => pattern.test(found)));
}

Deno.test("every source file is of a program or of a tool", () => {
  assertEquals(sources.filter((file) => !users.includes(file)).map(({ path }) => path), []);
});

Deno.test("no export of the sources is for tests alone", () => {
  assertEquals(unforgiven(findDeadExports(sources, users)), []);
});

Deno.test("no public member of a class is for tests alone", () => {
  assertEquals(unforgiven(findDeadMembers(sources, users)), []);
});

Deno.test("what is allowed is there", () => {
  const all = [...findDeadExports(sources, users), ...findDeadMembers(sources, users)];
  const unused = ALLOWED.filter(([pattern]) => !all.some((found) => pattern.test(found)));
  assertEquals(unused, []);
});

/** Files by their paths. */
function filesOf(texts: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(texts).map(([path, text]) => ({ path, text }));
}

Deno.test("the rule on files finds what no program comes to", () => {
  const files = filesOf({
    "src/cli/relay.ts": 'import "../a.ts"; export * from "../b.ts";',
    "src/a.ts": 'const c = await import("./c.ts"); type T = import("./d.ts").D;',
    "src/b.ts": "",
    "src/c.ts": "",
    "src/d.ts": "export type D = 1;",
    "src/e.ts": 'import "./a.ts";',
    "tools/x.ts": "",
  });
  const lost = files.filter((file) => !reachableFiles(files).includes(file));
  assertEquals(lost.map(({ path }) => path), ["src/e.ts"]);
});

Deno.test("the rule on exports finds what nobody imports, and what only refers to itself", () => {
  const files = filesOf({
    "src/a.ts": [
      "export const used = 1;",
      "export const within = 2;",
      "export const dead = within;",
      "export function itself(): void { itself(); }",
      "export class Alone { static make(): Alone { return new Alone(); } }",
      "export type Shape = 1;",
      "export interface Other { readonly a: typeof all }",
      "export const all = 3, most = 4;",
    ].join("\n"),
    "src/b.ts":
      'import { used as mine, type Shape } from "./a.ts"; import * as a from "./a.ts"; a.most;',
    "src/c.ts": 'export { dead as other } from "./elsewhere.ts";',
  });
  assertEquals(findDeadExports(files, files), [
    "src/a.ts:3: only tests use dead",
    "src/a.ts:4: only tests use itself",
    "src/a.ts:5: only tests use Alone",
    "src/a.ts:7: only tests use Other",
  ]);
});

Deno.test("the rule on members finds what nobody reads, whoever writes it", () => {
  const files = filesOf({
    "src/a.ts": [
      "class A {",
      "  read = 1;",
      "  taken = 2;",
      "  named = 3;",
      "  written = 4;",
      "  private hidden = 5;",
      "  #own = 6;",
      "  override inherited = 7;",
      "  constructor(readonly given: number, private readonly kept: number) {",
      "    this.written = given;",
      "  }",
      "  get asked() { return 8; }",
      "  called() {}",
      "  [Symbol.dispose]() {}",
      "}",
    ].join("\n"),
    "src/b.ts": 'a.read; const { taken } = a; a["named"]; a.written = 9; a.called();',
  });
  assertEquals(findDeadMembers(files, files), [
    "src/a.ts:5: only tests use A.written",
    "src/a.ts:9: only tests use A.given",
    "src/a.ts:12: only tests use A.asked",
  ]);
});
