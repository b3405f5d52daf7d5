/** Runs test files in a process of their own, and reads what came of it. */
import { BuildError } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import { readLines, searchPath } from "../build/process.ts";
import { say } from "../build/progress.ts";
import { findLargest } from "./memory.ts";
import { ProcessGroup } from "./process_group.ts";
import {
  addCounts,
  countTests,
  listFailures,
  listProcessFailures,
  NO_TESTS,
  type TestCounts,
  type TestFailure,
} from "./results.ts";

/** What a process has printed is read by then, unless a child of it goes on holding its output open. */
const REST_MS = 2_000;

/** How often it is looked at how much memory the tests have. */
const MEMORY_INTERVAL_MS = 1_000;

/** Signals that end a run: a terminal's does not reach the tests by itself. */
export const ENDING_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** What came of some tests. */
export interface TestResults {
  readonly counts: TestCounts;
  readonly failures: readonly TestFailure[];
}

/** How test files are run. */
export interface TestRunOptions {
  /** What it is called in what is printed. */
  readonly title: string;
  readonly files: readonly string[];
  readonly filter: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** The process shares the files out over the cores. */
  readonly isPure: boolean;
  readonly timeoutMs: number;
  /** What each process of it may have in memory, in MB; more would take the machine away from all others. */
  readonly memoryMbMax: number;
  /** Nothing else runs: what the tests print is shown at once, not when all is over. */
  readonly isShownAtOnce: boolean;
}

/** Checks the types of files, and of all that they import. @throws {BuildError} they are wrong */
export async function checkTypes(files: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--lock=deno.lock", "--frozen", ...files],
    cwd: ROOT,
    stdin: "null",
  }).spawn().status;
  if (!success) throw new BuildError("the types of tests, or of what they import, are wrong");
}

/** Runs `deno test`, and prints what it says. */
export async function runTests(options: TestRunOptions): Promise<TestResults> {
  const { title, files, filter, isShownAtOnce } = options;
  const results = await Deno.makeTempFile({ prefix: "lanparty-test-", suffix: ".xml" });
  const startedMs = performance.now();
  if (isShownAtOnce) say(`\n── ${title} ──`);
  else if (filter === undefined) say(`… ${title}`);
  try {
    const group = new ProcessGroup(Deno.execPath(), {
      args: [
        ...["test", "--no-check", "--allow-all", "--unstable-net", "--lock=deno.lock", "--frozen"],
        ...(options.isPure ? ["--parallel"] : []),
        ...(filter === undefined ? [] : [`--filter=${filter}`]),
        `--junit-path=${results}`,
        ...files,
      ],
      cwd: ROOT,
      env: { PATH: searchPath(), ...options.env },
      stdin: "null",
      stdout: isShownAtOnce ? "inherit" : "piped",
      stderr: isShownAtOnce ? "inherit" : "piped",
    });
    const said = isShownAtOnce ? Promise.resolve([]) : collectLines(group.child);
    const trouble = await waitForEnd(group, options);
    const junit = await Deno.readTextFile(results);
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    const wanted = filter === undefined ? files : [];
    const others = listProcessFailures({ title, files: wanted, junit, trouble });
    const counts = addCounts(countTests(junit), { ...NO_TESTS, failed: others.length });
    // Of most files a filter leaves nothing.
    const isOfInterest = filter === undefined || counts.passed + counts.failed > 0;
    if (!isShownAtOnce && isOfInterest) {
      say([`\n── ${title} (${seconds} s) ──`, ...await said].join("\n"));
    }
    return { counts, failures: [...listFailures(junit), ...others] };
  } finally {
    await Deno.remove(results);
  }
}

/** What a process prints, in the order in which it came. A program that it leaves behind is not waited for. */
async function collectLines(child: Deno.ChildProcess): Promise<string[]> {
  const lines: string[] = [];
  const keep = (line: string) => void lines.push(line);
  const whole = Promise.all([readLines(child.stdout, keep), readLines(child.stderr, keep)]);
  await child.status;
  let timer: number | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, REST_MS));
  await Promise.race([whole, late]);
  clearTimeout(timer);
  return lines;
}

/**
 * Waits until the tests end, at the latest when their time or their memory is used up, when all that they have started is
 * killed, too; passes the signals that end a run on to them. @returns what went wrong
 */
async function waitForEnd(
  group: ProcessGroup,
  { title, timeoutMs, memoryMbMax }: TestRunOptions,
): Promise<string | undefined> {
  const listeners = ENDING_SIGNALS.map((signal) => [signal, () => group.kill(signal)] as const);
  let reason: string | undefined;
  const stop = (why: string) => {
    reason ??= why;
    say(`${title}: ${why}`);
    group.kill("SIGKILL");
  };
  const timer = setTimeout(
    () => stop(`it did not end within ${timeoutMs / 60_000} min`),
    timeoutMs,
  );
  const watch = setInterval(() => {
    const largest = findLargest(group.child.pid);
    if (largest === undefined || largest.megabytes <= memoryMbMax) return;
    const { name, pid, megabytes } = largest;
    stop(
      `its process ${pid} (${name}) had ${megabytes} MB in memory, of ${memoryMbMax} MB at most`,
    );
  }, MEMORY_INTERVAL_MS);
  for (const [signal, passOn] of listeners) Deno.addSignalListener(signal, passOn);
  try {
    const { success, code, signal } = await group.child.status;
    if (success) return undefined;
    return reason ?? (signal === null ? `it ended with code ${code}` : `it ended by ${signal}`);
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    for (const [signal, passOn] of listeners) Deno.removeSignalListener(signal, passOn);
  }
}
