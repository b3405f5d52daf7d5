import { assertEquals, assertMatch } from "@std/assert";
import {
  addCounts,
  countTests,
  formatCounts,
  formatFailures,
  formatTimes,
  listFailures,
  listProcessFailures,
} from "../../../tools/test/results.ts";

const JUNIT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="8" failures="3" errors="0" time="0.006">
    <testsuite name="./a_test.ts" tests="6" disabled="1" errors="0" failures="3">
        <testcase name="a" classname="./a_test.ts" time="0.002" line="1" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="b" classname="./a_test.ts" time="0.000" line="2" col="6">
        </testcase>
        <testcase name="c" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="lan &gt; tunnel &gt; player" classname="./a_test.ts" time="0.000" line="4" col="6">
        </testcase>
        <testcase name="a &gt; one" classname="./a_test.ts" time="0.000" line="1" col="39">
        </testcase>
        <testcase name="a &gt; two" classname="./a_test.ts" time="0.000" line="1" col="70">
            <failure message="Uncaught Error: x &lt;failure&gt;">Error: x
    at ext:cli/40_test.js:97:33</failure>
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="2" disabled="0" errors="0" failures="0">
        <testcase name="a &gt; one" classname="./b_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="d" classname="./b_test.ts" time="0.000" line="2" col="6">
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("tests are counted, their steps are not", () => {
  assertEquals(countTests(JUNIT), { passed: 4, failed: 1, ignored: 1 });
});

const PASSING = `<testsuites>\n${JUNIT.slice(JUNIT.indexOf('<testsuite name="./b'))}`;

Deno.test("a process that fails without a failed test is a failure, and says how it ended", () => {
  const run = { title: "e2e: b", files: ["b_test.ts"], trouble: "it ended by SIGSEGV" };
  const crash = {
    place: "e2e: b",
    name: "its process failed, and no test in it",
    text: "it ended by SIGSEGV",
  };
  assertEquals(listProcessFailures({ ...run, junit: PASSING }), [crash]);
  assertEquals(listProcessFailures({ ...run, junit: "" }), [crash]);
  assertEquals(listProcessFailures({ ...run, junit: JUNIT }), []);
});

Deno.test("a process that ends well without having run a file is a failure", () => {
  const run = { title: "unit", trouble: undefined };
  const names = (files: string[], junit: string) =>
    listProcessFailures({ ...run, files, junit }).map(({ name, text }) => `${name}: ${text}`);
  assertEquals(names(["b_test.ts"], PASSING), []);
  assertEquals(names(["a_test.ts", "b_test.ts"], PASSING), [
    "no test ran: a_test.ts has none, or did not come to it",
  ]);
  // Its tests may stand in a helper.
  assertEquals(names(["c_test.ts"], PASSING), []);
  assertEquals(names(["c_test.ts"], "<testsuites>\n</testsuites>"), [
    "no test ran: c_test.ts has none, or did not come to it",
  ]);
  // Of some files a filter leaves nothing.
  assertEquals(names([], PASSING), []);
  for (const files of [[], ["b_test.ts"]]) {
    assertEquals(names(files, ""), [
      "its process ended before its tests did: it has not said what became of them",
    ]);
  }
});

Deno.test("counts add up to the last line of a run", () => {
  const sum = addCounts({ passed: 3, failed: 1, ignored: 2 }, { passed: 4, failed: 0, ignored: 0 });
  assertEquals(sum, { passed: 7, failed: 1, ignored: 2 });
  assertEquals(formatCounts(sum), "7 passed, 1 failed");
});

Deno.test("what failed is listed by its place, and a test not for its steps", () => {
  assertEquals(listFailures(JUNIT), [{
    place: "./a_test.ts:1:70",
    name: "a > two",
    text: "Error: x\n    at ext:cli/40_test.js:97:33",
  }]);
  assertEquals(listFailures(JUNIT.slice(JUNIT.indexOf('<testsuite name="./b'))), []);
});

Deno.test("a failure is shown with the first lines of what it threw", () => {
  const failure = { place: "./a_test.ts:1:70", name: "a > two", text: "1\n2\n3\n4" };
  assertEquals(
    formatFailures([failure, { ...failure, text: "only" }], 2),
    "✗ ./a_test.ts:1:70\n  a > two\n    1\n    2\n    … 2 lines more above\n\n" +
      "✗ ./a_test.ts:1:70\n  a > two\n    only",
  );
});

/** What `deno test` writes of a file, and whether it ends well. */
async function runDeno(text: string): Promise<{ junit: string; success: boolean }> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-junit-" });
  try {
    await Deno.writeTextFile(`${folder}/a_test.ts`, text);
    await Deno.writeTextFile(`${folder}/junit.xml`, "");
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--no-config", "--no-lock", "--no-check", `--junit-path=${folder}/junit.xml`],
        "./a_test.ts",
      ],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).output();
    return { junit: await Deno.readTextFile(`${folder}/junit.xml`), success };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("what deno test itself writes is counted", async () => {
  const { junit, success } = await runDeno(
    `Deno.test("passes > well", () => {});
     Deno.test("fails <here>", () => { throw new Error("</testcase>"); });
     Deno.test("has steps", async (t) => { await t.step("one", () => {}); });`,
  );
  assertEquals(success, false);
  assertEquals(countTests(junit), { passed: 2, failed: 1, ignored: 0 });
  const [failure, ...others] = listFailures(junit);
  assertEquals(others, []);
  assertEquals(failure.name, "fails <here>");
  assertMatch(failure.place, /a_test\.ts:2:11$/);
  assertMatch(failure.text, /^Error: <\/testcase>\n/);
});

Deno.test("deno test ends well where it has run nothing, which is a failure here", async () => {
  const run = { title: "a", files: ["a_test.ts"], trouble: undefined };
  const texts = ["", 'Deno.test("a", () => {}); Deno.exit(0);', 'Deno.test("a", () => {});'];
  const found = await Promise.all(texts.map(async (text) => {
    const { junit, success } = await runDeno(text);
    assertEquals(success, true, text);
    return listProcessFailures({ ...run, junit }).map(({ name }) => name);
  }));
  assertEquals(found, [["no test ran"], ["its process ended before its tests did"], []]);
});

Deno.test("what a run waited for longest comes first", () => {
  const parts = [["a", 1_250], ["b", 61_000], ["c", 2_000]] as const;
  const times = parts.map(([title, ms]) => ({ title, ms }));
  assertEquals(formatTimes(90_000, times, 2).split("\n"), [
    "1.5 min in all; the slowest parts, some of them beside each other:",
    "    61.0 s  b",
    "     2.0 s  c",
  ]);
});
