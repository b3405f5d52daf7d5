/**
 * `deno task test`: everything that must hold, from the cheapest tests to the dearest. At its end it says
 * once more what failed; its last line is `N passed, N failed`.
 *
 * usage: deno task test [--level LEVEL[,LEVEL…]] [--filter TEXT] [FILE…]
 *
 * The level `windows` cross-compiles the Windows client and runs it under Wine: on a machine that has neither
 * mingw-w64 nor Wine its first run takes five minutes more.
 */
import { build, buildSanitized, buildWindowsClient, runTool } from "../build/build.ts";
import { BuildError, listFiles } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import { ensureSource } from "../build/native_library.ts";
import {
  BARE_SYSTEM,
  BROWSER,
  C_PROGRAMS,
  FUZZING,
  MINGW,
  NAME_SERVICES,
  NATIVE_LIBRARY,
  NETWORK_MANAGERS,
  NETWORK_PLAY,
  type Prerequisite,
  PYTHON_PACKAGES,
  UDHCPC,
  UNIT_JUDGE,
  UNPACKING,
} from "../build/prerequisites.ts";
import { searchPath } from "../build/process.ts";
import { say } from "../build/progress.ts";
import { readToolArguments } from "../build/tool_arguments.ts";
import { readReports, sanitizedEnvironment } from "../build/sanitizers.ts";
import { ATTACK_REQUIREMENTS, ensurePackages } from "../build/python_packages.ts";
import {
  addCounts,
  countProcess,
  formatCounts,
  formatFailures,
  listFailures,
  NO_TESTS,
  type TestCounts,
  type TestFailure,
} from "./results.ts";

interface Level {
  readonly name: string;
  /** Whether it runs the native library or the executables. */
  readonly needsBuild: boolean;
  /** Network namespaces, packet sockets and TAP devices are for root. */
  readonly needsRoot: boolean;
  readonly prerequisites: readonly Prerequisite[];
  /** Files that disturb each other run one after the other. */
  readonly parallel: boolean;
  /** Whether it runs the Windows client, with mingw-w64 and Wine. */
  readonly needsWindows?: boolean;
  /** Whether it watches msquic with sanitizers: then it runs these files of other levels, too. */
  readonly sanitized?: readonly string[];
  /** A level that takes longer hangs. */
  readonly timeoutMs: number;
}

const MINUTE_MS = 60_000;
const PURE = { needsBuild: false, needsRoot: false, prerequisites: [], parallel: true };
const NATIVE = { needsBuild: true, needsRoot: true, parallel: false };

/** The levels in the order in which they run: what fails soonest comes first. */
const LEVELS: readonly Level[] = [
  { name: "unit", ...PURE, timeoutMs: 15 * MINUTE_MS },
  { name: "vectors", ...PURE, timeoutMs: 5 * MINUTE_MS },
  { name: "sim", ...PURE, timeoutMs: 30 * MINUTE_MS },
  { name: "fuzz", ...PURE, timeoutMs: 30 * MINUTE_MS },
  {
    name: "ffi",
    ...NATIVE,
    prerequisites: [...C_PROGRAMS, ...PYTHON_PACKAGES, ...FUZZING],
    timeoutMs: 30 * MINUTE_MS,
  },
  {
    name: "integration",
    ...NATIVE,
    prerequisites: [...NETWORK_PLAY, ...UNIT_JUDGE, ...UNPACKING],
    timeoutMs: 20 * MINUTE_MS,
  },
  {
    name: "attacks",
    ...NATIVE,
    prerequisites: [...PYTHON_PACKAGES, ...C_PROGRAMS],
    timeoutMs: 30 * MINUTE_MS,
  },
  {
    name: "asan",
    ...NATIVE,
    prerequisites: [...NETWORK_PLAY, ...PYTHON_PACKAGES, ...NATIVE_LIBRARY],
    sanitized: [
      ...["tests/attacks/path_test.ts", "tests/attacks/empty_datagram_test.ts"],
      ...["certificate", "connection", "stream"].map((name) =>
        `tests/integration/quic/${name}_test.ts`
      ),
    ],
    timeoutMs: 40 * MINUTE_MS,
  },
  {
    name: "e2e",
    ...NATIVE,
    prerequisites: [
      ...NETWORK_PLAY,
      ...NETWORK_MANAGERS,
      ...NAME_SERVICES,
      ...BARE_SYSTEM,
      ...BROWSER,
    ],
    timeoutMs: 60 * MINUTE_MS,
  },
  {
    name: "system",
    ...NATIVE,
    prerequisites: [...NETWORK_PLAY, ...BARE_SYSTEM, ...UNPACKING],
    timeoutMs: 30 * MINUTE_MS,
  },
  {
    name: "windows",
    ...NATIVE,
    needsWindows: true,
    prerequisites: [...NETWORK_PLAY, ...UDHCPC, ...BARE_SYSTEM, ...MINGW],
    timeoutMs: 30 * MINUTE_MS,
  },
];

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

interface LevelResults {
  readonly counts: TestCounts;
  readonly failures: readonly TestFailure[];
}

/** Runs one level and streams what `deno test` prints. */
async function runLevel(
  level: Level,
  files: readonly string[],
  filter: string | undefined,
  env: Readonly<Record<string, string>>,
): Promise<LevelResults> {
  say(`\n── ${level.name} ──`);
  const results = await Deno.makeTempFile({ prefix: "lanparty-test-", suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--allow-all", "--unstable-net", "--lock=deno.lock", "--frozen"],
        ...(level.parallel ? ["--parallel"] : []),
        ...(filter === undefined ? [] : [`--filter=${filter}`]),
        `--junit-path=${results}`,
        ...files,
      ],
      cwd: ROOT,
      env: { PATH: searchPath(), ...env },
      stdin: "null",
    }).spawn();
    const success = await waitForEnd(child, level);
    const junit = await Deno.readTextFile(results);
    return {
      counts: countProcess(junit === "" ? undefined : junit, success),
      failures: listFailures(junit),
    };
  } finally {
    await Deno.remove(results);
  }
}

/** Runs a level in which msquic is watched; each finding is a failure, whatever test it belongs to. */
async function runSanitized(
  level: Level,
  files: readonly string[],
  filter: string | undefined,
): Promise<LevelResults> {
  const parts = await buildSanitized();
  const reports = await Deno.makeTempDir({ prefix: "lanparty-reports-" });
  try {
    const env = await sanitizedEnvironment({ ...parts, reports });
    const { counts, failures } = await runLevel(level, files, filter, env);
    const found = await readReports(reports);
    return {
      counts: { ...counts, failed: counts.failed + found.length },
      failures: [
        ...failures,
        ...found.map((text) => ({ place: `level ${level.name}`, name: "a sanitizer", text })),
      ],
    };
  } finally {
    await Deno.remove(reports, { recursive: true });
  }
}

/** Waits until the tests end, at the latest by the level's bound, and passes SIGTERM on to them. */
async function waitForEnd(child: Deno.ChildProcess, { name, timeoutMs }: Level): Promise<boolean> {
  const passOn = () => child.kill("SIGTERM");
  const timer = setTimeout(() => {
    say(`the tests of level ${name} did not end within ${timeoutMs / MINUTE_MS} min`);
    child.kill("SIGKILL");
  }, timeoutMs);
  Deno.addSignalListener("SIGTERM", passOn);
  try {
    return (await child.status).success;
  } finally {
    clearTimeout(timer);
    Deno.removeSignalListener("SIGTERM", passOn);
  }
}

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
  if (levels.some(({ needsBuild }) => needsBuild)) {
    await build(levels.flatMap(({ prerequisites }) => prerequisites));
    // The tests compare struct layouts with the headers, and the patched source with the plain one.
    await ensureSource();
  }
  if (levels.some(({ name }) => name === "attacks")) await ensurePackages(ATTACK_REQUIREMENTS);
  if (levels.some(({ needsWindows }) => needsWindows)) await buildWindowsClient();
  let counts = NO_TESTS;
  const failures: TestFailure[] = [];
  for (const [level, files] of selection.files) {
    const results = level.sanitized === undefined
      ? await runLevel(level, files, selection.filter, {})
      : await runSanitized(level, files, selection.filter);
    counts = addCounts(counts, results.counts);
    failures.push(...results.failures);
  }
  if (failures.length > 0) say(`\n── failed ──\n${formatFailures(failures)}`);
  if (selection.filter === undefined && counts.ignored > 0) {
    say(`\n${counts.ignored} left out by their own condition`);
  }
  if (counts.passed + counts.failed === 0) say("\nno test matched");
  say(`\n${formatCounts(counts)}`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

if (import.meta.main) await runTool(main);
