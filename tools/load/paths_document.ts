/** What `deno task paths` has measured, as docs/PATHS.md. */
import type { PathShape } from "../lab/delayed_path.ts";
import { median } from "../bench/table.ts";

/** Which way the copy went: to the player or from it. */
export type PathWay = "down" | "up";

/** One copy. */
export interface CopyFigures {
  readonly megabits: number;
  /** Round trips of the ping that went beside it, ms. */
  readonly pingMedianMs: number;
  readonly pingP99Ms: number;
  readonly pingLost: number;
  /** How long a packet waited at the bottleneck, on average, ms. */
  readonly queueMeanMs: number;
}

/** One cell, one way. */
export interface PathResult {
  readonly shape: PathShape;
  readonly way: PathWay;
  readonly fresh: CopyFigures;
  readonly warm: CopyFigures;
  readonly vxlan: CopyFigures;
}

const HEAD = `# Paths with delay, jitter and loss

Made by \`deno task paths --write\`, which measures it all anew (needs root and gcc). One player behind a path with the
delay of the first column, one way; with a jitter each packet is up to so much earlier or later, so packets overtake each
other. TCP for a few seconds to the player and from it: through the tunnel by a client that has just joined (**fresh**), once
more (**warm**), and through a VXLAN on the same path, which encrypts nothing and has no congestion control. Beside each copy
a ping goes the same way 50 times a second, as a game's packets do: its median and 99th percentile. Where packets get lost at
random, a copy of a few seconds is a matter of luck, through the tunnel and past it: rows differ by a factor of two and more.

What a path is made of is in [path_line.c](../tools/lab/path_line.c).
`;
const COLUMNS = "| path | way | fresh | warm | VXLAN | ratio | ping fresh | warm | VXLAN |\n" +
  "|---|---|---:|---:|---:|---:|---:|---:|---:|\n";

/**
 * The document: one row for each path and way, medians where it was measured more than once.
 *
 * @param how rounds and seconds, and what else the machine was doing
 */
export function formatPaths(results: readonly PathResult[], how: string): string {
  const rows = Map.groupBy(results, ({ shape, way }) => `| ${nameOf(shape)} | ${way} |`);
  const lines = [...rows].map(([name, all]) => `${name} ${cellsOf(all)} |`);
  return `${HEAD}\n${how}. Mbit/s; ping in ms.\n\n${COLUMNS}${lines.join("\n")}\n`;
}

function nameOf({ delayMs, jitterMs = 0, lossPercent = 0, megabits = 0, queueMs }: PathShape) {
  return [
    jitterMs === 0 ? `${delayMs} ms` : `${delayMs} ± ${jitterMs} ms`,
    ...lossPercent === 0 ? [] : [`${lossPercent} % lost`],
    ...megabits === 0 ? [] : [`${megabits} Mbit/s, ${queueMs} ms queue`],
  ].join(", ");
}

function cellsOf(all: readonly PathResult[]): string {
  const KINDS = ["fresh", "warm", "vxlan"] as const;
  const of = (kind: typeof KINDS[number], name: keyof CopyFigures) =>
    median(all.map((result) => result[kind][name]));
  const rates = KINDS.map((kind) => of(kind, "megabits"));
  const pings = KINDS.map((kind) =>
    `${of(kind, "pingMedianMs").toFixed(0)} / ${of(kind, "pingP99Ms").toFixed(0)}`
  );
  const ratios = rates.slice(0, 2).map((rate) => (rate / rates[2]).toFixed(2)).join(" / ");
  return [...rates.map((rate) => rate.toFixed(rate < 10 ? 1 : 0)), ratios, ...pings].join(" | ");
}
