/** Pictures of pings as SVG: histograms beside each other, and how pings go over the first minute. */
import { PING_BINS } from "./pings.ts";
import { pingCountsOf, type RivalsRun } from "./results.ts";

const WIDTH = 880;
const ROW_HEIGHT = 76;
const MARGIN = { left: 150, right: 24, top: 34, bottom: 40 };
const PLOT_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
const TICKS_MS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];
const MINUTE_SECONDS = 60;
const MINUTE_TICK_SECONDS = 10;
const OWN_COLOUR = "#0b6e4f";
const OTHER_COLOUR = "#7a7f87";
const STYLE = "text{font:12px sans-serif;fill:#333}.title{font-weight:bold}" +
  ".grid{stroke:#ddd}.base{stroke:#999}svg{background:#fff}";

/** A picture's parts from the left edge of its plot, in a range of milliseconds on a scale of ratios. */
interface Scale {
  readonly leastMs: number;
  readonly mostMs: number;
  readonly pixels: number;
}

/** Where a time lies on the scale; what is outside lies at its end. */
export function place({ leastMs, mostMs, pixels }: Scale, ms: number): number {
  const share = Math.log(ms / leastMs) / Math.log(mostMs / leastMs);
  return Math.min(1, Math.max(0, share)) * pixels;
}

/** One row for each peer: how many of its pings took how long, the tallest column as high as the row. */
export function drawHistograms(run: RivalsRun): string {
  const scale = {
    leastMs: PING_BINS[0],
    mostMs: PING_BINS[PING_BINS.length - 1],
    pixels: PLOT_WIDTH,
  };
  const shown = run.peers.map((peer) => ({ ...peer, counts: pingCountsOf(run, peer.name) }))
    .filter(({ counts }) => counts.some((count) => count > 0));
  const rows = shown.map(({ name, isRival, counts }, row) => {
    const base = MARGIN.top + (row + 1) * ROW_HEIGHT;
    const most = Math.max(...counts);
    const bars = counts.flatMap((count, bin) => {
      if (count === 0) return [];
      const left = MARGIN.left + place(scale, PING_BINS[Math.max(0, bin - 1)]);
      const right = MARGIN.left + place(scale, PING_BINS[bin]);
      // A single ping of thousands is seen, too: it is what a player feels.
      const height = Math.max(2, count / most * (ROW_HEIGHT - 18));
      const width = Math.max(1, right - left - 1);
      return [rectangle(left, base - height, width, height, colourOf(isRival, row))];
    });
    return `${label(name, base)}${line(MARGIN.left, base, WIDTH - MARGIN.right, base, "base")}${
      bars.join("")
    }`;
  });
  const height = MARGIN.top + shown.length * ROW_HEIGHT + MARGIN.bottom;
  const grid = TICKS_MS.map((ms) => {
    const x = MARGIN.left + place(scale, ms);
    return line(x, MARGIN.top, x, height - MARGIN.bottom, "grid") +
      text(x, height - MARGIN.bottom + 18, `${ms} ms`, "middle");
  });
  return picture(height, "Round trips of pings, first seconds and in use", [...grid, ...rows]);
}

/** One row for each peer: the median of each half second as a line, its longest ping as a point. */
export function drawMinute(run: RivalsRun): string {
  const shown = run.peers.flatMap((peer) => {
    const minute = run.results.find((result) => result.peer === peer.name && result.minute)?.minute;
    return minute === undefined ? [] : [{ ...peer, minute }];
  });
  const rowHeight = ROW_HEIGHT * 1.6;
  const scale = { leastMs: 0.1, mostMs: 50, pixels: rowHeight - 24 };
  const x = (seconds: number) => MARGIN.left + seconds / MINUTE_SECONDS * PLOT_WIDTH;
  const rows = shown.map(({ name, isRival, minute }, row) => {
    const base = MARGIN.top + (row + 1) * rowHeight;
    const y = (ms: number) => base - place(scale, ms);
    const grid = [0.1, 1, 10].map((ms) =>
      line(MARGIN.left, y(ms), WIDTH - MARGIN.right, y(ms), "grid") +
      text(MARGIN.left - 6, y(ms) + 4, `${ms} ms`, "end")
    );
    const colour = colourOf(isRival, row);
    const points = minute.map(({ atSeconds, maxMs }) =>
      `<circle cx="${tenth(x(atSeconds))}" cy="${tenth(y(maxMs))}" r="2" fill="${colour}"/>`
    );
    const path = minute.map(({ atSeconds, medianMs }) =>
      `${tenth(x(atSeconds))},${tenth(y(medianMs))}`
    );
    const median = `<polyline fill="none" stroke="${colour}" points="${path.join(" ")}"/>`;
    return [text(4, base - rowHeight / 2, name, "start"), ...grid, ...points, median].join("");
  });
  const height = MARGIN.top + shown.length * rowHeight + MARGIN.bottom;
  const ticks: string[] = [];
  for (let seconds = 0; seconds <= MINUTE_SECONDS; seconds += MINUTE_TICK_SECONDS) {
    ticks.push(text(x(seconds), height - MARGIN.bottom + 18, `${seconds} s`, "middle"));
  }
  const title = "Pings of the first minute, by half seconds: median (line) and longest (points)";
  return picture(height, title, [...rows, ...ticks]);
}

function colourOf(isRival: boolean, row: number): string {
  return row === 0 && !isRival ? OWN_COLOUR : OTHER_COLOUR;
}

function picture(height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${tenth(height)}" ` +
    `viewBox="0 0 ${WIDTH} ${tenth(height)}" role="img">\n<title>${title}</title>\n` +
    `<style>${STYLE}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n` +
    `<text class="title" x="4" y="18">${title}</text>\n${parts.join("\n")}\n</svg>\n`;
}

function label(name: string, y: number): string {
  return text(4, y - 6, name, "start");
}

function text(x: number, y: number, words: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${tenth(x)}" y="${tenth(y)}" text-anchor="${anchor}">${words}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map(tenth);
  return `<line class="${kind}" x1="${a}" y1="${b}" x2="${c}" y2="${d}"/>`;
}

function rectangle(x: number, y: number, width: number, height: number, colour: string): string {
  const [a, b, c, d] = [x, y, width, height].map(tenth);
  return `<rect x="${a}" y="${b}" width="${c}" height="${d}" fill="${colour}"/>`;
}

/** A tenth of a pixel is what anybody sees. */
function tenth(value: number): string {
  return `${Math.round(value * 10) / 10}`;
}
