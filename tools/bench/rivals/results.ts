/** What a run has measured, as it is kept, and the table that is made of it. */
import { grouped, median } from "../table.ts";
import { PING_BINS } from "./pings.ts";
import { type Part, type Row, rowsOf } from "./rows.ts";

/** Who was measured. */
export interface PeerRecord {
  readonly name: string;
  /** Version, cipher, shape: one line. */
  readonly about: string;
  /** Whether it is a measure for ours: a user-space bridge with encryption. */
  readonly isRival: boolean;
}

/** One half second of pings. */
export interface PingSecond {
  /** Since the first ping that came back. */
  readonly atSeconds: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

/** What one round has found of one peer. */
export interface PeerRound {
  readonly peer: string;
  readonly round: number;
  /** By the rows' ids. */
  readonly figures: Readonly<Record<string, number>>;
  /** How many pings fell into each of {@linkcode PING_BINS}, in the first seconds and in use together. */
  readonly pingCounts?: readonly number[];
  readonly minute?: readonly PingSecond[];
  /** What other programs took of the machine meanwhile, 0 … 1, for each part. */
  readonly others: Readonly<Record<string, number>>;
  /** What came between: the part's name and one line. */
  readonly failures: readonly string[];
}

/** A whole run. */
export interface RivalsRun {
  readonly date: string;
  readonly machine: string;
  /** The command that measures this again. */
  readonly command: string;
  readonly rounds: number;
  readonly parts: readonly Part[];
  readonly peers: readonly PeerRecord[];
  readonly results: readonly PeerRound[];
  /** Load average before and after. */
  readonly load: readonly [number, number];
}

/** A figure over all rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Median and ends of a peer's figure; undefined where no round has it. */
export function spreadOf(run: RivalsRun, peer: string, id: string): Spread | undefined {
  const values = run.results.filter((result) => result.peer === peer)
    .map(({ figures }) => figures[id])
    .filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** Sums the pings of all rounds of a peer. */
export function pingCountsOf(run: RivalsRun, peer: string): number[] {
  const sums = new Array<number>(PING_BINS.length).fill(0);
  for (const { pingCounts = [] } of run.results.filter((result) => result.peer === peer)) {
    pingCounts.forEach((count, index) => sums[index] += count);
  }
  return sums;
}

/** The best figure of the rivals, which ours are held against; undefined where there is none. */
export function bestRival(run: RivalsRun, row: Row): number | undefined {
  const medians = run.peers.filter(({ isRival }) => isRival)
    .map(({ name }) => spreadOf(run, name, row.id)?.median)
    .filter((value) => value !== undefined);
  if (medians.length === 0) return undefined;
  return row.better === "less" ? Math.min(...medians) : Math.max(...medians);
}

/** The table, as cells: a heading, and a line for each row; the last column has the ratio of the first peer. */
export function rivalsTable(run: RivalsRun): string[][] {
  const names = run.peers.map(({ name }) => name);
  const withRatio = run.peers.slice(1).some(({ isRival }) => isRival) && !run.peers[0]?.isRival;
  const head = ["", ...names, ...(withRatio ? [`${names[0]} ÷ best rival`] : [])];
  const lines = rowsOf(run.parts).map((row) => {
    const spreads = names.map((name) => spreadOf(run, name, row.id));
    const best = bestRival(run, row);
    const own = spreads[0]?.median;
    const ratio = best === undefined || own === undefined || best === 0
      ? "–"
      : `${(own / best).toFixed(2)} ×`;
    const cells = spreads.map((spread) => formatSpread(spread, row.digits));
    return [row.title, ...cells, ...(withRatio ? [ratio] : [])];
  });
  const shares = names.map((name) => {
    const results = run.results.filter(({ peer }) => peer === name);
    return results.flatMap(({ others }) => Object.values(others));
  });
  const noise = shares.map((all) => {
    if (all.length === 0) return "–";
    return `${percent(median(all))} (${percent(Math.max(...all))})`;
  });
  return [head, ...lines, ["other programs' share of the machine, median (most), %", ...noise]]
    .map((cells) => [...cells, ...new Array<string>(head.length - cells.length).fill("")]);
}

function percent(share: number): string {
  return Math.max(0, share * 100).toFixed(0);
}

/** `0.36 (0.31–0.42)`; a single round has no ends. */
function formatSpread(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return "–";
  const write = (value: number) => digits === 0 ? grouped(value) : value.toFixed(digits);
  const [least, middle, most] = [spread.least, spread.median, spread.most].map(write);
  return least === most ? middle : `${middle} (${least}–${most})`;
}

/** Cells as a table of Markdown, which a terminal shows as well. */
export function formatCells(cells: readonly (readonly string[])[]): string {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const write = (row: readonly string[]) => {
    const padded = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) => {
    return column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`;
  });
  return [write(cells[0]), `|${rule.join("|")}|`, ...cells.slice(1).map(write)].join("\n");
}

/** A run as it is kept: what tables are made of, and the first minutes, which may be of another run and other peers. */
export function splitRun(
  run: RivalsRun,
): { readonly rivals: RivalsRun | undefined; readonly minute: RivalsRun | undefined } {
  const part = (isMinute: boolean): RivalsRun | undefined => {
    const parts = run.parts.filter((one) => (one === "minute") === isMinute);
    if (parts.length === 0) return undefined;
    const results = run.results.map(({ minute, pingCounts, ...result }) => ({
      ...result,
      ...(isMinute ? minute && { minute } : pingCounts && { pingCounts }),
      figures: isMinute ? {} : result.figures,
    }));
    return {
      ...run,
      parts,
      results: isMinute ? results.filter(({ round }) => round === 1) : results,
    };
  };
  return { rivals: part(false), minute: part(true) };
}

/** What went wrong, a line each. */
export function failuresOf(run: RivalsRun): string[] {
  return run.results.flatMap(({ peer, round, failures }) => {
    return failures.map((failure) => `${peer}, round ${round}: ${failure}`);
  });
}
