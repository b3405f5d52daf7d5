/**
 * `deno task load`: what a relay needs for many players at play, and how late their frames are.
 *
 * For each step a relay of its own (`dist/lanparty-relay`) and a load of its own, each bound to a core, and
 * both before all other programs of the machine: what those do is not what is measured.
 *
 * usage: deno task load [--players N[,N…]] [--per-room N] [--frames N] [--broadcasts N] [--bytes N] [--seconds S]
 */
import { LabProcess } from "../lab/process.ts";
import { LOAD_CPU, pinned, startOurRelay } from "../bench/relays.ts";
import { grouped } from "../bench/table.ts";
import { build, runTool } from "../build/build.ts";
import { BuildError } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import type { GameReport, GameTask } from "./game_load.ts";
import { readLines } from "../build/process.ts";
import { say, step } from "../build/progress.ts";
import { readToolArguments } from "../build/tool_arguments.ts";

/** What is played. */
interface LoadPlan {
  readonly players: readonly number[];
  readonly perRoom: number;
  readonly framesPerPlayerSecond: number;
  readonly broadcastsPerRoomSecond: number;
  readonly frameBytes: number;
  readonly seconds: number;
}

const USAGE = "usage: deno task load [--players N[,N…]] [--per-room N] [--frames N] " +
  "[--broadcasts N] [--bytes N] [--seconds S]";
const DEFAULTS = {
  players: "100,250,500,750,1000",
  "per-room": "10",
  frames: "50",
  broadcasts: "20",
  bytes: "150",
  seconds: "15",
} as const;
/** A prefix for commands: before all other programs, also those of other sessions (sched(7), autogroups). */
const FIRST = [
  ...["setsid", "sh", "-c"],
  'echo -20 > /proc/self/autogroup 2> /dev/null; exec nice -n -20 "$@"',
  "sh",
];
/** A frame holds the headers and a time; the longest is a full one. */
const FRAME_BYTES = [60, 1_400] as const;
const PLAYERS_MAX = 20_000;
const WARM_UP_MS = 5_000;
/** The load did what it was told when so much of it left, and on time. */
const SENT_SHARE_MIN = 0.99;
const LATE_MAX_MS = 10;
/** All players have one address here. */
const RELAY_OPTIONS = [
  ...["--max-peers-per-address", "100000", "--max-peers", "100000", "--max-rooms", "10000"],
  ...["--max-rooms-per-address", "10000"],
  ...["--max-connections", "100000", "--max-handshakes-per-address", "100000"],
  ...["--max-address-deliveries", "0", "--max-address-megabits", "0"],
];

/** Reads the command line; undefined where it is wrong (which it says). */
function readPlan(args: readonly string[]): LoadPlan | undefined {
  const options = Object.keys(DEFAULTS).map((name) => ({ name, value: "N" }));
  const found = readToolArguments({ usage: USAGE, options }, args);
  if (found === undefined) return undefined;
  const wrong: string[] = [];
  const text = (name: keyof typeof DEFAULTS) => found.values.get(name)?.at(-1) ?? DEFAULTS[name];
  const number = (name: keyof typeof DEFAULTS, minimum: number, maximum: number) => {
    const value = Number(text(name));
    const isGood = Number.isInteger(value) && value >= minimum && value <= maximum;
    if (!isGood) wrong.push(`--${name} ${text(name)}: expected ${minimum} … ${maximum}`);
    return value;
  };
  const perRoom = number("per-room", 2, 1_000);
  const players = text("players").split(",").map(Number);
  if (
    !players.every((count) => count >= perRoom && count <= PLAYERS_MAX && count % perRoom === 0)
  ) {
    wrong.push(`--players ${text("players")}: expected multiples of --per-room`);
  }
  const plan = {
    players,
    perRoom,
    framesPerPlayerSecond: number("frames", 1, 10_000),
    broadcastsPerRoomSecond: number("broadcasts", 1, 10_000),
    frameBytes: number("bytes", ...FRAME_BYTES),
    seconds: number("seconds", 1, 600),
  };
  if (wrong.length === 0) return plan;
  for (const line of wrong) console.error(`load: ${line}`);
  console.error(USAGE);
  return undefined;
}

/** Plays one step, with a relay of its own. */
async function play(plan: LoadPlan, players: number): Promise<GameReport> {
  const stateDir = await Deno.makeTempDir({ prefix: "lanparty-load-" });
  const spawn = (command: readonly string[]) => new LabProcess([...FIRST, ...command]);
  const perRoom = ["--max-peers-per-room", `${plan.perRoom}`];
  const relay = await startOurRelay({ spawn }, stateDir, {
    options: [...RELAY_OPTIONS, ...perRoom],
  });
  try {
    return await runGame({
      alpn: "lanparty/1",
      host: "127.0.0.1",
      port: relay.port,
      relayPid: relay.process.pid,
      players,
      rooms: players / plan.perRoom,
      framesPerPlayerSecond: plan.framesPerPlayerSecond,
      broadcastsPerRoomSecond: plan.broadcastsPerRoomSecond,
      frameBytes: plan.frameBytes,
      warmUpMs: WARM_UP_MS,
      durationMs: plan.seconds * 1_000,
    });
  } finally {
    await relay.process.stop();
    await Deno.remove(stateDir, { recursive: true });
  }
}

async function runGame(task: GameTask): Promise<GameReport> {
  const [program, ...args] = [
    ...FIRST,
    ...pinned(LOAD_CPU),
    ...[Deno.execPath(), "run", "--quiet", "--config", `${ROOT}/deno.json`],
    ...[`--lock=${ROOT}/deno.lock`, "--frozen", "--allow-all"],
    `${ROOT}/tools/load/game_load.ts`,
    JSON.stringify(task),
  ];
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
  let report: GameReport | undefined;
  await readLines(child.stdout, (line) => void (report = JSON.parse(line)));
  const { code } = await child.status;
  if (code !== 0 || report === undefined) throw new BuildError(`the load ended with ${code}`);
  return report;
}

/** What is wrong with a measurement; undefined: nothing. */
function fault(report: GameReport): string | undefined {
  const share = report.sent / report.due;
  if (share < SENT_SHARE_MIN) return `only ${percent(share)} of the frames that were due were sent`;
  if (report.lateP99Ms > LATE_MAX_MS) {
    return `the load itself was late: p99 ${report.lateP99Ms.toFixed(1)} ms`;
  }
  return undefined;
}

const COLUMNS: readonly (readonly [name: string, cell: (report: GameReport) => string])[] = [
  ["players (rooms)", ({ players, rooms }) => `${grouped(players)} (${rooms})`],
  ["memory per player, at rest", (report) => perPlayer(report, report.idleBytes)],
  ["at play", (report) => perPlayer(report, report.playingBytes)],
  ["relay's CPU, at rest", ({ relayIdleCpu }) => percent(relayIdleCpu)],
  ["at play", ({ relayCpu }) => percent(relayCpu)],
  ["per 1,000 frames in", (report) => {
    return `${(report.relayCpu * report.seconds / report.sent * 1e6).toFixed(0)} ms`;
  }],
  ["load's CPU", ({ loadCpu }) => percent(loadCpu)],
  ["frames/s due → sent", (report) => {
    return `${grouped(report.due / report.seconds)} → ${grouped(report.sent / report.seconds)}`;
  }],
  ["delivered/s", (report) => grouped(report.delivered / report.seconds)],
  ["lost", ({ expected, delivered }) => lost(expected, delivered)],
  ["direct UDP p50 / p99", ({ direct }) => `${ms(direct.p50Ms)} / ${ms(direct.p99Ms)}`],
  ["relayed p50 / p99", ({ relayed }) => `${ms(relayed.p50Ms)} / ${ms(relayed.p99Ms)}`],
  ["added at p99", ({ relayed, direct }) => `+${ms(relayed.p99Ms - direct.p99Ms)}`],
];

function perPlayer(report: GameReport, bytes: number): string {
  return `${((bytes - report.emptyBytes) / report.players / 1024).toFixed(0)} KiB`;
}

function lost(expected: number, delivered: number): string {
  // What the warm-up left under way may arrive in the window.
  const share = Math.max(0, 1 - delivered / expected);
  return share === 0 ? "0" : `${(share * 100).toPrecision(2)} %`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

/** A Markdown table that can be read as it is, too. */
function formatTable(reports: readonly GameReport[]): string {
  const rows = COLUMNS.map(([name, cell]) => [name, ...reports.map(cell)]);
  const widths = reports.map((_, i) => Math.max(...rows.map((row) => row[i + 1].length)));
  const first = Math.max(...rows.map(([name]) => name.length));
  const line = ([name, ...cells]: readonly string[]) => {
    return `| ${name.padEnd(first)} | ${
      cells.map((cell, i) => cell.padStart(widths[i])).join(" | ")
    } |`;
  };
  const rule = `|${"-".repeat(first + 2)}|${
    widths.map((width) => `${"-".repeat(width + 1)}:`).join("|")
  }|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join("\n");
}

async function main(): Promise<number> {
  const plan = readPlan(Deno.args);
  if (plan === undefined) return 2;
  if (Deno.uid() !== 0) throw new BuildError("load: only root may put programs before others");
  await build([]);
  const reports: GameReport[] = [];
  for (const players of plan.players) {
    reports.push(await step(`${players} players`, () => play(plan, players)));
  }
  say(`\n${formatTable(reports)}`);
  let code = 0;
  for (const report of reports) {
    const wrong = fault(report);
    if (wrong === undefined) continue;
    say(`${report.players} players: ${wrong}: these figures are not the relay's`);
    code = 1;
  }
  return code;
}

if (import.meta.main) await runTool(main);
