/** `deno task bench tls`: several libmsquic.so beside each other, e.g. with another TLS library inside. */
import { parseArguments } from "../../src/cli/arguments.ts";
import { BuildError } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import { say, step } from "../build/progress.ts";
import { type BenchRow, formatBench, grouped, median } from "./table.ts";
import {
  LARGE_BYTES,
  SMALL_BYTES,
  type TlsFigure,
  type TlsReport,
  type TlsTask,
} from "./tls_load.ts";

export const TLS_USAGE = "deno task bench tls --library OLD --library NEW … [--rounds N]";

const OPTIONS = [
  { name: "library", value: "FILE", repeatable: true },
  { name: "rounds", value: "N" },
];
const ROUNDS = 7;
const ROUNDS_MAX = 100;
const WORK = { handshakes: 400, smallDatagrams: 150_000, largeDatagrams: 60_000 };

/** Reads the command line; undefined where it is wrong. */
export function readTlsOptions(
  args: readonly string[],
): { libraries: readonly string[]; rounds: number } | undefined {
  const { values, words, mistakes } = parseArguments(OPTIONS, args);
  const libraries = values.get("library") ?? [];
  const rounds = Number(values.get("rounds")?.at(-1) ?? ROUNDS);
  const isWrong = mistakes.length > 0 || words.length > 0 || libraries.length < 2 ||
    !Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX;
  return isWrong ? undefined : { libraries, rounds };
}

/** Measures one library in a process of its own. */
async function measure(library: string): Promise<TlsReport> {
  const task: TlsTask = { library, ...WORK };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--config", `${ROOT}/deno.json`, `--lock=${ROOT}/deno.lock`],
      ...["--frozen", "--allow-all", `${ROOT}/tools/bench/tls_load.ts`, JSON.stringify(task)],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0) throw new BuildError(`${library}: the load ended with ${code}\n${text(stderr)}`);
  return JSON.parse(text(stdout));
}

/** What is compared: its name, how it is read from a report, and how a figure is written. */
interface Measure {
  readonly name: string;
  readonly read: (report: TlsReport) => number;
  readonly unit: string;
  readonly digits: number;
}

function measuresOf(name: string, pick: (report: TlsReport) => TlsFigure): Measure[] {
  const costUs = (figure: TlsFigure) => figure.cpuSeconds / figure.count * 1e6;
  return [
    {
      name: `${name} per second`,
      read: (report) => pick(report).count / pick(report).seconds,
      unit: "/s",
      digits: 0,
    },
    { name: "  CPU of each", read: (report) => costUs(pick(report)), unit: " µs", digits: 2 },
  ];
}

const MEASURES: readonly Measure[] = [
  ...measuresOf("handshakes", ({ handshakes }) => handshakes),
  ...measuresOf(`datagrams of ${SMALL_BYTES} B`, ({ small }) => small),
  ...measuresOf(`datagrams of ${LARGE_BYTES} B`, ({ large }) => large),
  {
    name: "memory of a connection, both ends",
    read: ({ bytesPerConnection }) => bytesPerConnection / 1024,
    unit: " KiB",
    digits: 1,
  },
];

function row({ name, read, unit, digits }: Measure, old: TlsReport[], own: TlsReport[]): BenchRow {
  const [before, now] = [old, own].map((reports) => median(reports.map(read)));
  const write = (value: number) => {
    return (digits === 0 ? grouped(value) : value.toFixed(digits)) + unit;
  };
  return { name, figure: write(now), peer: write(before), ratio: (now / before).toFixed(2) };
}

/** Takes turns between the libraries and prints each one's medians beside the first one's. */
export async function benchTls(libraries: readonly string[], rounds: number): Promise<number> {
  for (const library of libraries) {
    await Deno.stat(library).catch((error) => {
      throw new BuildError(`--library ${library}: ${error.message}`);
    });
  }
  const reports: TlsReport[][] = libraries.map(() => []);
  const loads: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await step(`round ${round} of ${rounds}`, async () => {
      for (const [index, library] of libraries.entries()) {
        reports[index].push(await measure(library));
      }
    });
    loads.push(Deno.loadavg()[0]);
  }
  for (const [index, library] of libraries.entries()) {
    if (index === 0) continue;
    say(`\n${library}, against ${libraries[0]}:`);
    say(formatBench(MEASURES.map((measure) => row(measure, reports[0], reports[index]))));
  }
  const [least, most] = [Math.min(...loads), Math.max(...loads)];
  say(`medians of ${rounds} rounds; load of the machine ${least.toFixed(1)} to ${most.toFixed(1)}`);
  return 0;
}
