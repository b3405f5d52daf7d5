/** Counting test results out of the JUnit files that `deno test` writes. */

/** How many tests of a run passed, failed, and were left out by the test itself. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** Nothing ran. */
export const NO_TESTS: TestCounts = { passed: 0, failed: 0, ignored: 0 };

/** Adds two counts. */
export function addCounts(a: TestCounts, b: TestCounts): TestCounts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    ignored: a.ignored + b.ignored,
  };
}

/** The last line of a test run: alone on its line, to be read by programs. */
export function formatCounts({ passed, failed }: TestCounts): string {
  return `${passed} passed, ${failed} failed`;
}

/**
 * Counts the tests of a JUnit file. Steps of a test, named `test > step` and listed behind it, are part
 * of it and not counted.
 */
export function countTests(junit: string): TestCounts {
  let counts = NO_TESTS;
  for (const [, suite = ""] of junit.matchAll(/<testsuite (.*?)<\/testsuite>/gs)) {
    const names = new Set<string>();
    for (const [, name = "", body = ""] of suite.matchAll(TEST_CASE)) {
      if (isStep(name, names)) continue;
      names.add(name);
      counts = addCounts(counts, {
        passed: /<(failure|error|skipped)\b/.test(body) ? 0 : 1,
        failed: /<(failure|error)\b/.test(body) ? 1 : 0,
        ignored: /<skipped\b/.test(body) ? 1 : 0,
      });
    }
  }
  return counts;
}

/** In attributes and texts of the file, `<` is always `&lt;`. */
const TEST_CASE = /<testcase name="([^"]*)"[^<]*?>(.*?)<\/testcase>/gs;

function isStep(name: string, tests: ReadonlySet<string>): boolean {
  const separator = " &gt; ";
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
    if (tests.has(name.slice(0, at))) return true;
  }
  return false;
}

/**
 * The counts of a whole `deno test` process: one that failed without a failed test (it crashed, timed
 * out, or had an error outside of its tests) is a failure, too.
 */
export function countProcess(junit: string | undefined, success: boolean): TestCounts {
  const counts = junit === undefined ? NO_TESTS : countTests(junit);
  const failed = success ? counts.failed : Math.max(1, counts.failed);
  return { ...counts, failed };
}
