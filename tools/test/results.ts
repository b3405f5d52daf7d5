/** Reading test results out of the JUnit files that `deno test` writes. */

/** How many tests of a run passed, failed, and were left out by the test itself. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** Nothing ran. */
export const NO_TESTS: TestCounts = { passed: 0, failed: 0, ignored: 0 };

/** A test, or a step of one, that failed by itself. */
export interface TestFailure {
  /** The file with the line and column of the test or step: `./tests/unit/a_test.ts:1:6`. */
  readonly place: string;
  /** Its name, a step's behind those around it: `test > step`. */
  readonly name: string;
  /** What it threw, with the trace of calls. */
  readonly text: string;
}

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
    for (const [, name = "", , , , body = ""] of suite.matchAll(TEST_CASE)) {
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
const TEST_CASE =
  /<testcase name="([^"]*)" classname="([^"]*)"[^<]*? line="(\d+)" col="(\d+)">(.*?)<\/testcase>/gs;

function isStep(name: string, tests: ReadonlySet<string>): boolean {
  const separator = " &gt; ";
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) {
    if (tests.has(name.slice(0, at))) return true;
  }
  return false;
}

/**
 * The failures of a JUnit file: of a test that failed because of its steps, the steps that failed by
 * themselves.
 */
export function listFailures(junit: string): TestFailure[] {
  const failures: TestFailure[] = [];
  for (const [, name = "", file = "", line, column, body = ""] of junit.matchAll(TEST_CASE)) {
    const [, text] = /<(?:failure|error)\b[^>]*>(.*?)<\/(?:failure|error)>/s.exec(body) ?? [];
    if (text === undefined || /^\d+ test steps? failed\.$/.test(text)) continue;
    failures.push({
      place: `${plainText(file)}:${line}:${column}`,
      name: plainText(name),
      text: plainText(text),
    });
  }
  return failures;
}

/**
 * The failures once more, to stand at the end of a long run, where somebody who sees only the end finds
 * them: of each its place, its name and at most `maxLines` lines of what it threw.
 */
export function formatFailures(failures: readonly TestFailure[], maxLines = 20): string {
  return failures.map(({ place, name, text }) => {
    const lines = text.split("\n");
    const rest = lines.length > maxLines ? [`… ${lines.length - maxLines} lines more above`] : [];
    const shown = [...lines.slice(0, maxLines), ...rest].map((line) => `    ${line}`);
    return [`✗ ${place}`, `  ${name}`, ...shown].join("\n");
  }).join("\n\n");
}

/** How long something of a run took. */
export interface TimeTaken {
  readonly title: string;
  readonly ms: number;
}

/** What a run waited for longest: its whole time, and at most `maxLines` of its parts, the slowest first. */
export function formatTimes(wholeMs: number, parts: readonly TimeTaken[], maxLines = 15): string {
  const slowest = parts.toSorted((a, b) => b.ms - a.ms).slice(0, maxLines);
  return [
    `${
      (wholeMs / 60_000).toFixed(1)
    } min in all; the slowest parts, some of them beside each other:`,
    ...slowest.map(({ title, ms }) => `${(ms / 1_000).toFixed(1).padStart(8)} s  ${title}`),
  ].join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** The text that a text or an attribute of XML stands for (XML 1.0, section 4.6). */
function plainText(xml: string): string {
  return xml.replaceAll(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity]);
}

/** What a process that ran test files has left. */
export interface ProcessResults {
  /** What it is called in what is printed. */
  readonly title: string;
  /** The files that it ran, such as `tests/unit/a_test.ts`; none: of them only some tests were wanted. */
  readonly files: readonly string[];
  /** Its JUnit file, which it writes when it ends; empty: it has not come so far. */
  readonly junit: string;
  /** How it ended; undefined: well. */
  readonly trouble: string | undefined;
}

/**
 * What failed in a whole `deno test` process beside its tests: it crashed, timed out, had an error outside of its tests, or
 * ended well without a word about a file, as one does that calls `exit` or that has no tests.
 */
export function listProcessFailures(
  { title, files, junit, trouble }: ProcessResults,
): TestFailure[] {
  const failure = (name: string, text: string) => ({ place: title, name, text });
  if (trouble !== undefined) {
    return countTests(junit).failed > 0
      ? []
      : [failure("its process failed, and no test in it", trouble)];
  }
  if (!junit.includes("</testsuites>")) {
    return [
      failure("its process ended before its tests did", "it has not said what became of them"),
    ];
  }
  // A suite is called by the file that its tests stand in: for one file's process that may be another one's helper.
  if (files.length === 1 && /<testcase /.test(junit)) return [];
  const suites = new Set([...junit.matchAll(/<testsuite name="([^"]*)"/g)].map(([, name]) => name));
  return files.filter((path) => !suites.has(`./${path}`))
    .map((path) => failure("no test ran", `${path} has none, or did not come to it`));
}
