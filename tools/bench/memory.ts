/** The relay's memory while ten million frames go through it. */
import type { NetworkLab } from "../lab/netns.ts";
import { IN_FLIGHT_MAX } from "./forwarding.ts";
import type { LoadWindow } from "./load.ts";
import { residentBytes } from "./process_figures.ts";
import { runLoad, startOurRelay } from "./relays.ts";
import type { BenchRow } from "./table.ts";

const FRAME_BYTES = 100;
const FIRST_FRAMES = 1_000_000;
const ALL_FRAMES = 10_000_000;
/** Growth from the first million to the last that counts as none. */
const GROWTH_MAX = 0.05;
/** A run that stalls ends. */
const WINDOW_MAX_MS = 180_000;

/** Resident memory at the start, after a million frames, and after ten. */
export async function measureMemory(lab: NetworkLab, stateDir: string): Promise<BenchRow[]> {
  const relay = await startOurRelay(lab, stateDir);
  const startBytes = residentBytes(relay.process.pid);
  const windows = [FIRST_FRAMES, ALL_FRAMES - FIRST_FRAMES].map(windowOf);
  const reports = await runLoad(relay, { senders: 1, windows });
  await relay.process.stop();
  const frames = reports.reduce((sum, report) => sum + report.delivered, 0);
  const [first, last] = reports.map((report) => report.relayResidentBytes);
  const growth = last / first - 1;
  return [{
    name: `relay memory after ${(frames / 1e6).toFixed(1)} million frames`,
    figure: megabytes(last),
    peer: `${megabytes(first)} after ${reports[0].delivered / 1e6} million, ${
      megabytes(startBytes)
    } at start`,
    ratio: `${growth < 0 ? "−" : "+"}${(100 * Math.abs(growth)).toFixed(1)} %`,
    goal: `≤ +${100 * GROWTH_MAX} %`,
    ok: growth <= GROWTH_MAX && frames >= ALL_FRAMES,
  }];
}

function windowOf(framesMax: number): LoadWindow {
  return {
    frameBytes: FRAME_BYTES,
    inFlightMax: IN_FLIGHT_MAX,
    framesPerSecond: 0,
    warmUpMs: 0,
    durationMs: WINDOW_MAX_MS,
    framesMax,
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
