/**
 * `deno task test`: everything that must hold, from the cheapest tests to the dearest. At its end it says
 * once more what failed; its last line is `N passed, N failed`.
 *
 * usage: deno task test [--level LEVEL[,LEVEL…]] [--filter TEXT] [FILE…]
 *
 * ```text
 *  built:  executables ─► Windows client ─► …
 *  lane 1: types ─► unit ─► vectors ─► sim ─► fuzz ─► a file ─► a file ─► …   ─► files that run alone
 *  lane 2:                a file ─► a file ─► a file ─► …
 * ```
 *
 * Tests that touch the machine have a process for each file, and mostly wait: so they run beside each other, and beside
 * what is built for later ones. What such a process prints is shown when it has ended.
 *
 * The level `windows` cross-compiles the Windows client and runs it under Wine: on a machine that has neither
 * mingw-w64 nor Wine its first run takes five minutes more.
 */
import { buildSanitized, runTool } from "../build/build.ts";
import { BuildError, listFiles } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import { say } from "../build/progress.ts";
import { readToolArguments } from "../build/tool_arguments.ts";
import { readReports, sanitizedEnvironment, type SanitizedParts } from "../build/sanitizers.ts";
import {
  type Level,
  LEVELS,
  MEMORY_MB_MAX,
  type PreparationName,
  PREPARATIONS,
  preparePrograms,
  preparePython,
  prepareWindows,
} from "./levels.ts";
import {
  addCounts,
  formatCounts,
  formatFailures,
  formatTimes,
  NO_TESTS,
  type TestCounts,
  type TestFailure,
  type TimeTaken,
} from "./results.ts";
import { checkTypes, ENDING_SIGNALS, runTests, type TestResults } from "./run_tests.ts";
import { type Job, runJobs, whyAlone } from "./schedule.ts";

/** Tests that run at a time. Those of whole parties wait for two thirds of their time; two cores have room for two. */
const LANES = 2;
/** How often it is said what runs. */
const HEARTBEAT_MS = 30_000;

interface Selection {
  /** The test files of each level that has some. */
  readonly files: ReadonlyMap<Level, readonly string[]>;
  readonly filter: string | undefined;
}

const USAGE = "usage: deno task test [--level LEVEL[,LEVEL…]] [--filter TEXT] [FILE…]";
const OPTIONS = [
  { name: "level", value: "LEVEL", repeatable: true },
  { name: "filter", value: "TEXT" },
];

/** Reads the command line; undefined where it is wrong (which it says). */
async function select(args: readonly string[]): Promise<Selection | undefined> {
  const wrong = (text: string): undefined => {
    console.error(text);
    console.error(USAGE);
  };
  const found = readToolArguments({ usage: USAGE, options: OPTIONS, takesWords: true }, args);
  if (found === undefined) return undefined;
  const names = found.values.get("level")?.flatMap((text) => text.split(",")) ?? [];
  const unknown = names.find((name) => !LEVELS.some((level) => level.name === name));
  if (unknown !== undefined) {
    return wrong(`no level ${unknown}: ${LEVELS.map(({ name }) => name).join(" ")}`);
  }
  const chosen = found.words.map((path) => {
    return path.replace(/^\.\//, "").replace(`${ROOT}/`, "");
  });
  const files = new Map<Level, readonly string[]>();
  for (const level of LEVELS) {
    if (names.length > 0 && !names.includes(level.name)) continue;
    // A file that is named is meant in its own level, unless it says otherwise.
    const isOwn = (path: string) => path.startsWith(`tests/${level.name}/`) || names.length > 0;
    const own = await testFiles(level);
    const wanted = chosen.length === 0
      ? own
      : own.filter((path) => chosen.includes(path) && isOwn(path));
    if (wanted.length > 0) files.set(level, wanted);
  }
  const all = [...files.values()].flat();
  const lost = chosen.find((path) => !all.includes(path));
  if (lost !== undefined) return wrong(`no test file ${lost} in the levels chosen`);
  return { files, filter: found.values.get("filter")?.at(-1) };
}

/** Refuses tests in folders that are no level: they would never run. */
async function requireLevels(): Promise<void> {
  const paths = await listFiles(`${ROOT}/tests`);
  const lost = paths.find((path) => {
    return path.endsWith("_test.ts") && !LEVELS.some(({ name }) => path.startsWith(`${name}/`));
  });
  if (lost !== undefined) throw new BuildError(`tests/${lost} is in no level's folder`);
}

async function testFiles({ name, sanitized = [] }: Level): Promise<string[]> {
  const files = (await listFiles(`${ROOT}/tests`)).map((path) => `tests/${path}`);
  const places = [`tests/${name}/`, ...sanitized];
  return files.filter((path) => {
    return path.endsWith("_test.ts") && places.some((place) => path.startsWith(place));
  });
}

/** One run of tests: what it is made of, and what came of it so far. */
class TestRun {
  readonly #selection: Selection;
  readonly #needs: readonly PreparationName[];
  readonly #running = new Map<string, number>();
  counts: TestCounts = NO_TESTS;
  readonly failures: TestFailure[] = [];
  readonly times: TimeTaken[] = [];
  #sanitized: Omit<SanitizedParts, "reports"> | undefined;
  readonly #end = new AbortController();

  constructor(selection: Selection) {
    this.#selection = selection;
    const levels = [...selection.files.keys()];
    this.#needs = PREPARATIONS.filter((name) => levels.some(({ needs }) => needs.includes(name)));
  }

  /** Runs everything. @returns what was not run, since what it needs could not be made */
  async run(): Promise<Job[]> {
    const tests = (await Promise.all(
      [...this.#selection.files].map(([level, files]) => this.#testsOf(level, files)),
    )).flat();
    const preparations = this.#needs.map((name): Job => ({
      ...{ name, group: "build", takesLane: false, isAlone: false },
      needs: name === "programs" ? [] : ["programs"],
      run: () => this.#attempt(`making: ${name}`, () => this.#prepare(name)),
    }));
    const files = [...new Set([...this.#selection.files.values()].flat())];
    const types: Job = {
      ...{ name: TYPES, needs: [], takesLane: true, isAlone: false },
      run: () => this.#attempt(TYPES, () => checkTypes(files)),
    };
    const heartbeat = setInterval(() => this.#sayRunning(), HEARTBEAT_MS);
    try {
      return await runJobs(
        [types, ...preparations, ...tests].map((job) => this.#timed(job)),
        LANES,
        this.#end.signal,
      );
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** Somebody has no time for the rest: what runs is ended by who runs it, and nothing more is begun. */
  end(signal: Deno.Signal): void {
    this.#end.abort();
    this.#fail("the run", "it was ended from outside", signal);
  }

  /** A job that notes how long it has taken; one that breaks fails, and the others go on. */
  #timed(job: Job): Job {
    const run = async () => {
      const startedMs = performance.now();
      const isWell = await job.run().catch((error: unknown) => {
        this.#running.delete(job.name);
        return this.#fail(
          job.name,
          "it broke",
          error instanceof Error ? `${error.stack}` : `${error}`,
        );
      });
      this.times.push({ title: job.name, ms: performance.now() - startedMs });
      return isWell;
    };
    return { ...job, run };
  }

  async #testsOf(level: Level, files: readonly string[]): Promise<Job[]> {
    const needs = [TYPES, ...level.needs];
    const isShownAtOnce = this.#isOneByOne();
    if (level.isPure) {
      const run = () => this.#runTests(level, level.name, files, isShownAtOnce);
      return [{ name: level.name, needs, group: "pure", takesLane: true, isAlone: false, run }];
    }
    return await Promise.all(files.map(async (path) => {
      const isAlone = whyAlone(await Deno.readTextFile(`${ROOT}/${path}`)) !== undefined;
      const name = `${level.name}: ${path}`;
      const run = () => this.#runTests(level, name, [path], isShownAtOnce || isAlone);
      return { name, needs, takesLane: true, isAlone, run };
    }));
  }

  /** Whether no two jobs can run at a time: then each may print as it goes. */
  #isOneByOne(): boolean {
    const { files } = this.#selection;
    const levels = [...files.keys()];
    const isPure = levels.every((level) => level.isPure);
    return isPure || (levels.length === 1 && files.get(levels[0])?.length === 1);
  }

  async #prepare(name: PreparationName): Promise<void> {
    switch (name) {
      case "programs":
        return await this.#preparePrograms([...this.#selection.files.keys()]);
      case "windows":
        return await prepareWindows();
      case "python":
        return await preparePython();
    }
  }

  async #preparePrograms(levels: readonly Level[]): Promise<void> {
    await preparePrograms(levels);
    // Before tests run: while it compiles, the library in the tree is the one with sanitizers.
    if (levels.some(({ sanitized }) => sanitized !== undefined)) {
      this.#sanitized = await buildSanitized();
    }
  }

  /** Does something that tests need; what the user can mend about it is a failure of the run. */
  async #attempt(title: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      say(`error: ${error.message}`);
      return this.#fail(title, "it did not end well", error.message);
    }
  }

  /** Counts a failure that is no test's. */
  #fail(place: string, name: string, text: string): false {
    this.counts = addCounts(this.counts, { ...NO_TESTS, failed: 1 });
    this.failures.push({ place, name, text });
    return false;
  }

  async #runTests(
    level: Level,
    title: string,
    files: readonly string[],
    isShownAtOnce: boolean,
  ): Promise<boolean> {
    const { filter } = this.#selection;
    const { isPure, timeoutMs } = level;
    // A pure level's process runs as many files at a time as there are cores.
    const filesAtOnce = isPure ? navigator.hardwareConcurrency : 1;
    const bounds = { timeoutMs, memoryMbMax: MEMORY_MB_MAX * filesAtOnce };
    const run = (env: Readonly<Record<string, string>>) =>
      runTests({ title, files, filter, env, isPure, isShownAtOnce, ...bounds });
    this.#running.set(title, performance.now());
    const { counts, failures } = level.sanitized === undefined
      ? await run({})
      : await this.#runSanitized(title, run);
    this.#running.delete(title);
    this.counts = addCounts(this.counts, counts);
    this.failures.push(...failures);
    return counts.failed === 0;
  }

  /** Runs tests in which msquic is watched; each finding is a failure, whatever test it belongs to. */
  async #runSanitized(
    title: string,
    run: (env: Readonly<Record<string, string>>) => Promise<TestResults>,
  ): Promise<TestResults> {
    if (this.#sanitized === undefined) throw new Error("there is nothing with sanitizers yet");
    const reports = await Deno.makeTempDir({ prefix: "lanparty-reports-" });
    try {
      const { counts, failures } = await run(
        await sanitizedEnvironment({ ...this.#sanitized, reports }),
      );
      const found = await readReports(reports);
      return {
        counts: { ...counts, failed: counts.failed + found.length },
        failures: [
          ...failures,
          ...found.map((text) => ({ place: title, name: "a sanitizer", text })),
        ],
      };
    } finally {
      await Deno.remove(reports, { recursive: true });
    }
  }

  #sayRunning(): void {
    const nowMs = performance.now();
    const running = [...this.#running].map(([title, sinceMs]) => {
      return `${title} ${Math.round((nowMs - sinceMs) / 1_000)} s`;
    });
    if (running.length > 0 && !this.#isOneByOne()) say(`… ${running.join(", ")}`);
  }
}

/** The job that checks types, which the tests' own processes do not do again. */
const TYPES = "types";

async function main(): Promise<number> {
  await requireLevels();
  const selection = await select(Deno.args);
  if (selection === undefined) return 2;
  const levels = [...selection.files.keys()];
  const forRoot = levels.filter(({ needsRoot }) => needsRoot).map(({ name }) => name);
  if (Deno.uid() !== 0 && forRoot.length > 0) {
    throw new BuildError(
      `${
        forRoot.join(", ")
      }: only root can run these levels; without: --level unit,vectors,sim,fuzz`,
    );
  }
  const run = new TestRun(selection);
  const startedMs = performance.now();
  for (const signal of ENDING_SIGNALS) Deno.addSignalListener(signal, () => run.end(signal));
  const left = await run.run();
  const { counts, failures } = run;
  say(`\n${formatTimes(performance.now() - startedMs, run.times)}`);
  if (failures.length > 0) say(`\n── failed ──\n${formatFailures(failures)}`);
  if (left.length > 0) say(`\nnot run: ${left.map(({ name }) => name).join(", ")}`);
  if (selection.filter === undefined && counts.ignored > 0) {
    say(`\n${counts.ignored} left out by their own condition`);
  }
  if (counts.passed + counts.failed === 0) say("\nno test matched");
  say(`\n${formatCounts(counts)}`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

if (import.meta.main) await runTool(main);
