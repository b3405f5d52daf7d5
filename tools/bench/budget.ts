/**
 * `deno task bench budget`: what one frame costs, by program and stage, in nanoseconds; of several builds beside each
 * other, and written to docs/BUDGET.md where that is wanted.
 *
 * A player sends 10,000 datagrams of 100 bytes a second to a station of the LAN. `perf` says where each program is
 * 2,000 times a second, /proc how much of a processor it has had, and perf's tracepoints what it has asked the system for.
 */
import { parseArguments } from "../../src/cli/arguments.ts";
import { BuildError } from "../build/cache.ts";
import { PROGRAMS_VARIABLE, ROOT } from "../build/executables.ts";
import { outputOf } from "../build/process.ts";
import { say, step } from "../build/progress.ts";
import { PARTY, Party } from "../lab/party.ts";
import type { LabProcess } from "../lab/process.ts";
import { pause } from "../lab/wait.ts";
import { countStages, type Stage, STAGES } from "./budget_stages.ts";
import { cpuSeconds } from "./process_figures.ts";

export const BUDGET_USAGE = "deno task bench budget [--programs NAME=FOLDER]… [--write]";

const DOCUMENT = `${ROOT}/docs/BUDGET.md`;
const ADDRESS = "10.77.0.50";
const PORT = 27_015;
const PAYLOAD_BYTES = 100;
const FRAMES_PER_SECOND = 10_000;
const WARM_UP_MS = 4_000;
const SAMPLED_SECONDS = 6;
const COUNTED_SECONDS = 2;
const SAMPLES_PER_SECOND = 1_999;
/** The load goes on for as long as anything is measured, and ends by itself. */
const LOAD_MS = WARM_UP_MS + 1_000 * (SAMPLED_SECONDS + COUNTED_SECONDS) + 2_000;
const NS = 1e9;

/** Builds of the executables by what they are called; without any, the one in `dist`. */
export interface BudgetOptions {
  readonly builds: ReadonlyMap<string, string | undefined>;
  readonly writes: boolean;
}

/** Reads the command line; undefined where it is wrong. */
export function readBudgetOptions(args: readonly string[]): BudgetOptions | undefined {
  const options = [{ name: "programs", value: "NAME=FOLDER", repeatable: true }, { name: "write" }];
  const { values, words, mistakes } = parseArguments(options, args);
  const builds = new Map((values.get("programs") ?? []).map((text): [string, string] => {
    const [name, ...folder] = text.split("=");
    return [name, folder.join("=")];
  }));
  const isWrong = mistakes.length > 0 || words.length > 0 ||
    [...builds].some(([name, folder]) => name === "" || folder === "");
  if (isWrong) return undefined;
  return {
    builds: builds.size > 0 ? builds : new Map([["now", undefined]]),
    writes: values.has("write"),
  };
}

/** One program's figures, each for one frame. */
interface Budget {
  readonly ns: ReadonlyMap<Stage, number>;
  readonly totalNs: number;
  readonly calls: number;
}

/** Programs by their names, in the order of a frame's way. */
type Budgets = ReadonlyMap<string, Budget>;

/** @throws {BuildError} perf is missing, or a program cannot be compiled */
export async function benchBudget({ builds, writes }: BudgetOptions): Promise<number> {
  if (await outputOf(["perf", "--version"]) === undefined) {
    throw new BuildError("bench: the command perf is missing (Debian: linux-perf)");
  }
  const [loadBefore] = Deno.loadavg();
  const measured = new Map<string, Budgets>();
  for (const [name, folder] of builds) {
    if (folder !== undefined) Deno.env.set(PROGRAMS_VARIABLE, folder);
    measured.set(name, await step(`the budget of a frame: ${name}`, () => measure()));
  }
  const tables = formatBudgets(measured);
  say(`\n${tables}`);
  say(`load before: ${loadBefore.toFixed(1)}`);
  if (writes) await Deno.writeTextFile(DOCUMENT, documentOf(tables, loadBefore));
  return 0;
}

async function measure(): Promise<Budgets> {
  const party = await Party.open();
  try {
    const load = `${party.folder}/paced_udp`;
    const source = `${ROOT}/tools/bench/paced_udp.c`;
    if (await outputOf(["gcc", "-O2", "-Wall", "-o", load, source]) === undefined) {
      throw new BuildError(`bench: gcc cannot compile ${source}`);
    }
    const player = await party.addPlayer("player");
    const relay = await party.startRelay();
    const gateway = await party.startGateway();
    const client = await party.startClient(player, "--address", `${ADDRESS}/${PARTY.lanPrefix}`);
    await party.lan.spawn([load, "sink", `${PORT}`]).waitForLine(/ready/);
    const sender = player.spawn([
      ...[load, "send", PARTY.lanAddress, `${PORT}`, `${PAYLOAD_BYTES}`],
      ...[`${FRAMES_PER_SECOND}`, `${LOAD_MS}`],
    ]);
    await pause(WARM_UP_MS);
    return await profile(party, new Map(Object.entries({ client, relay, gateway })), sender);
  } finally {
    await party.close();
  }
}

async function profile(
  party: Party,
  processes: ReadonlyMap<string, LabProcess>,
  sender: LabProcess,
): Promise<Budgets> {
  const pids = [...processes.values()].map(({ pid }) => pid);
  const data = `${party.folder}/perf.data`;
  const before = pids.map(cpuSeconds);
  const beganMs = performance.now();
  await party.lab.host([
    ...["perf", "record", "-q", "-a", "-g", "-F", `${SAMPLES_PER_SECOND}`, "-e", "cpu-clock"],
    ...["-o", data, "--", "sleep", `${SAMPLED_SECONDS}`],
  ]);
  const seconds = (performance.now() - beganMs) / 1_000;
  const cpu = pids.map((pid, index) => (cpuSeconds(pid) - before[index]) / seconds);
  const calls = await Promise.all(pids.map((pid) => countCalls(party, pid)));
  await sender.exited;
  const framesPerSecond = Number(sender.stdout.trim()) / (LOAD_MS / 1_000);
  const { stdout } = await party.lab.host([
    ...["perf", "script", "-i", data, "-F", "comm,pid,tid,ip,sym,dso"],
  ]);
  const counts = countStages(stdout, pids);
  return new Map([...processes.keys()].map((name, index): [string, Budget] => {
    const stages = counts.get(pids[index]) ?? new Map<Stage, number>();
    const samples = [...stages.values()].reduce((sum, count) => sum + count, 0);
    const totalNs = cpu[index] / framesPerSecond * NS;
    const ns = new Map(
      [...stages].map(([stage, count]): [Stage, number] => [stage, totalNs * count / samples]),
    );
    return [name, { ns, totalNs, calls: calls[index] / framesPerSecond }];
  }));
}

/** System calls of a process, each second. */
async function countCalls(party: Party, pid: number): Promise<number> {
  const { stderr } = await party.lab.host([
    ...["perf", "stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", `${pid}`],
    ...["--", "sleep", `${COUNTED_SECONDS}`],
  ]);
  return Number(/^(\d+),/m.exec(stderr)?.[1] ?? NaN) / COUNTED_SECONDS;
}

/** A table for each program: stages down, builds across. */
export function formatBudgets(measured: ReadonlyMap<string, Budgets>): string {
  const builds = [...measured.keys()];
  const programs = [...[...measured.values()][0].keys()];
  return programs.map((program) => {
    const budgets = builds.map((build) => measured.get(build)?.get(program));
    const row = (name: string, read: (budget: Budget) => number, digits = 0) => {
      const cells = budgets.map((budget) =>
        budget === undefined ? "" : read(budget).toFixed(digits)
      );
      return `| ${[name, ...cells].join(" | ")} |`;
    };
    const stages = STAGES.filter((stage) => budgets.some((budget) => budget?.ns.has(stage)));
    return [
      `| ${program}, ns a frame | ${builds.join(" | ")} |`,
      `|---|${"---:|".repeat(builds.length)}`,
      ...stages.map((stage) => row(stage, ({ ns }) => ns.get(stage) ?? 0)),
      row("**all**", ({ totalNs }) => totalNs),
      row("system calls a frame", ({ calls }) => calls, 2),
    ].join("\n");
  }).join("\n\n");
}

function documentOf(tables: string, load: number): string {
  return `# The budget of a frame

What one frame of 100 bytes costs on its way from a player through the relay to the gateway's LAN, at
${
    FRAMES_PER_SECOND.toLocaleString("en")
  } frames a second. Written by \`deno task bench budget --write\` (as root, with \`perf\`; builds beside each other:
\`--programs before=FOLDER --programs after=FOLDER\`), on ${navigator.hardwareConcurrency} cores that all three programs and the load share; the
load of others before it was ${
    load.toFixed(1)
  }. Samples of \`perf\` are no clockwork: differences below a tenth say nothing.

${tables}
`;
}
