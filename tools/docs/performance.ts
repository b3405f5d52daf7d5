/** docs/PERFORMANCE.md's table of rivals, and its pictures, from the run that was kept. */
import { drawHistograms, drawMinute } from "../bench/rivals/pictures.ts";
import { failuresOf, formatCells, type RivalsRun, rivalsTable } from "../bench/rivals/results.ts";

const FOLDER = new URL("../../docs/performance/", import.meta.url);
const BEGIN = "<!-- The rest up to the end mark is made by `deno task bench --rivals --keep`. -->";
const END = "<!-- end -->";

/** The run of the table, or that of the first minutes; undefined where none is kept. */
async function keptRun(name: "rivals" | "minute"): Promise<RivalsRun | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, FOLDER))) as RivalsRun;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The page with its table: what is around the marks stays. */
export async function performancePage(present: string): Promise<string> {
  const [start, end] = [present.indexOf(BEGIN), present.indexOf(END)];
  if (start < 0 || end < start) throw new Error("docs/PERFORMANCE.md has no marks for its table");
  const made = formatRuns(await keptRun("rivals"), await keptRun("minute"));
  return `${present.slice(0, start)}${BEGIN}\n\n${made}\n\n${present.slice(end)}`;
}

/** What the page says of the runs that are kept. */
export function formatRuns(table: RivalsRun | undefined, minute: RivalsRun | undefined): string {
  return [
    ...(table === undefined ? ["No table is kept yet."] : [
      formatRun(table),
      "![Histograms of pings](performance/ping-histograms.svg)",
    ]),
    ...(minute === undefined ? [] : [
      "![Pings of the first minute](performance/ping-minute.svg)",
      `The first minute was ${formatConditions(minute)}`,
    ]),
  ].join("\n\n");
}

/** How and where a run was measured. */
function formatConditions({ date, command, rounds, machine, load }: RivalsRun): string {
  const times = rounds === 1 ? "one round" : `${rounds} rounds, interleaved`;
  const loads = load.map((one) => one.toFixed(1)).join(" before and ");
  return `measured on ${date} by \`${command}\`: ${times}; ${machine}; load average ${loads} after.`;
}

/** What the page says of a run. */
function formatRun(run: RivalsRun): string {
  const failures = failuresOf(run);
  const spread = run.rounds === 1 ? "" : "Medians, and in parentheses the least and the most. ";
  return [
    `This was ${formatConditions(run)} ${spread}A dash: this peer has no such figure.`,
    formatCells(rivalsTable(run)),
    run.peers.map(({ name, about }) => `- **${name}**: ${about}`).join("\n"),
    ...(failures.length === 0
      ? []
      : [`What failed:\n\n${failures.map((failure) => `- ${failure}`).join("\n")}`]),
  ].join("\n\n");
}

/** The picture of the pings' histograms; as it is where no run is kept. */
export async function pingHistograms(present: string): Promise<string> {
  const run = await keptRun("rivals");
  return run === undefined ? present : drawHistograms(run);
}

/** The picture of the first minute; the same. */
export async function pingMinute(present: string): Promise<string> {
  const run = await keptRun("minute");
  return run === undefined ? present : drawMinute(run);
}
