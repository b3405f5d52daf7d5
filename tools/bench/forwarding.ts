/** Frames forwarded per second of CPU, by our relay and by a bare loop over Deno's own QUIC. */
import type { NetworkLab } from "../lab/netns.ts";
import type { LoadReport, LoadWindow } from "./load.ts";
import { type RelayUnderTest, runLoad, startBareRelay, startOurRelay } from "./relays.ts";
import { type BenchRow, grouped, median } from "./table.ts";

/** Frame sizes, and how many times better than the loop the relay is to be; 0: no goal. */
const SIZES: readonly (readonly [frameBytes: number, goal: number])[] = [
  [100, 3],
  [500, 0],
  [1200, 1.2],
  [1400, 2],
];
const ROUNDS = 3;
/** Frames on their way at a time: enough to keep relay and load busy, too few to overflow anything. */
export const IN_FLIGHT_MAX = 1024;
const WARM_UP_MS = 500;
const DURATION_MS = 1_500;
/** Code that is new to both is compiled while it runs: the first round does not count. */
const COMPILE_MS = 2_500;

/** Our relay's figures beside their rows. */
export interface ForwardingResult {
  readonly rows: BenchRow[];
  /** Frames of 1200 bytes that came through our relay in a second: its capacity on this machine. */
  readonly framesPerSecond: number;
}

function window(frameBytes: number, warmUpMs = WARM_UP_MS): LoadWindow {
  return {
    frameBytes,
    inFlightMax: IN_FLIGHT_MAX,
    framesPerSecond: 0,
    warmUpMs,
    durationMs: DURATION_MS,
    framesMax: 0,
  };
}

/** Takes turns between the two relays, so that both see the machine as it is at the time. */
export async function measureForwarding(
  lab: NetworkLab,
  stateDir: string,
): Promise<ForwardingResult> {
  const ours = await startOurRelay(lab, stateDir);
  const measured: LoadReport[][] = [];
  const peers: LoadReport[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    measured.push(await measureAllSizes(ours, round));
    // The loop serves two connections and ends with them: each round has a process of its own.
    const bare = await startBareRelay(lab, stateDir);
    peers.push(await measureAllSizes(bare, 0));
    await bare.process.stop();
  }
  await ours.process.stop();
  const rows = SIZES.map(([frameBytes, goal], size) => {
    const perCpuSecond = (rounds: LoadReport[][]) => {
      return median(
        rounds.map((reports) => reports[size].delivered / reports[size].relayCpuSeconds),
      );
    };
    const figure = perCpuSecond(measured);
    const peer = perCpuSecond(peers);
    return rowOf(frameBytes, figure, peer, goal);
  });
  const capacity = median(measured.map((reports) => reports[2].delivered / reports[2].seconds));
  return { rows, framesPerSecond: capacity };
}

async function measureAllSizes(relay: RelayUnderTest, round: number): Promise<LoadReport[]> {
  const windows = SIZES.map(([frameBytes]) => window(frameBytes));
  const first = round === 0 ? [window(SIZES[0][0], COMPILE_MS)] : [];
  const reports = await runLoad(relay, { senders: 1, windows: [...first, ...windows] });
  return reports.slice(first.length);
}

function rowOf(frameBytes: number, figure: number, peer: number, goal: number): BenchRow {
  const ratio = figure / peer;
  return {
    name: `relay, ${frameBytes}-byte frames per CPU second`,
    figure: grouped(figure),
    peer: `${grouped(peer)} (Deno QUIC)`,
    ratio: `${ratio.toFixed(2)}×`,
    ...(goal === 0 ? {} : { goal: `≥ ${goal}×`, ok: ratio >= goal }),
  };
}
