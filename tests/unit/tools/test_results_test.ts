import { assertEquals, assertMatch } from "@std/assert";
import {
  addCounts,
  countProcess,
  countTests,
  formatCounts,
  formatFailures,
  formatTimes,
  listFailures,
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

Deno.test("a process that fails without a failed test counts as one failure", () => {
  const passing = JUNIT.slice(JUNIT.indexOf('<testsuite name="./b'));
  assertEquals(countProcess(passing, true), { passed: 2, failed: 0, ignored: 0 });
  assertEquals(countProcess(passing, false), { passed: 2, failed: 1, ignored: 0 });
  assertEquals(countProcess(JUNIT, false).failed, 1);
  assertEquals(countProcess(undefined, false), { passed: 0, failed: 1, ignored: 0 });
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

Deno.test("what deno test itself writes is counted", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-junit-" });
  try {
    await Deno.writeTextFile(
      `${folder}/a_test.ts`,
      `Deno.test("passes > well", () => {});
       Deno.test("fails <here>", () => { throw new Error("</testcase>"); });
       Deno.test("has steps", async (t) => { await t.step("one", () => {}); });`,
    );
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--no-config",
        "--no-lock",
        `--junit-path=${folder}/junit.xml`,
        `${folder}/a_test.ts`,
      ],
      stdout: "null",
      stderr: "null",
    }).output();
    const junit = await Deno.readTextFile(`${folder}/junit.xml`);
    assertEquals(countProcess(junit, success), { passed: 2, failed: 1, ignored: 0 });
    const [failure, ...others] = listFailures(junit);
    assertEquals(others, []);
    assertEquals(failure.name, "fails <here>");
    assertMatch(failure.place, /a_test\.ts:2:13$/);
    assertMatch(failure.text, /^Error: <\/testcase>\n/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
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
