/**
 * What a bulk copy does to pings: to those of another player, and to those of the copier, whose own path
 * it fills.
 *
 * ```
 *  LAN ── gateway ── relay ─┬─ 50 Mbit/s (tbf) ─ copier: TCP from the LAN, as fast as it goes
 *                           └────────────────── other: ping
 * ```
 */
import { PARTY, Party } from "../lab/party.ts";
import type { Namespace } from "../lab/netns.ts";
import { percentile, readIperf } from "../lab/figures.ts";
import { SOJOURN_MAX_MS } from "../../src/queue/fair_queue.ts";
import { type BenchRow, median } from "./table.ts";

const COPIER_ADDRESS = "10.77.0.51";
const OTHER_ADDRESS = "10.77.0.52";
const PATH_BITS_PER_SECOND = 50e6;
/** What the kernel holds in front of the path: 64 KiB are 10 ms of it. */
const PATH_QUEUE = ["burst", "32kb", "limit", "64kb"];
const PATH_QUEUE_MS = 64 * 1024 * 8 / PATH_BITS_PER_SECOND * 1000;
const COPY_SECONDS = 8;
/** By then the copy has found its rate. */
const COPY_START_MS = 1_500;
const PINGS = 400;
const INTERVAL_SECONDS = 0.01;
/** What another player may notice: less than a frame of a game lasts. */
const OTHER_EXTRA_MAX_MS = 1;

/** Medians and 99th percentiles of pings without and with a copy. */
export async function measureBulk(): Promise<BenchRow[]> {
  const party = await Party.open();
  try {
    const copier = await party.addPlayer("copier");
    const other = await party.addPlayer("other");
    await party.startRelay();
    await party.startGateway();
    await party.startClient(copier, "--address", `${COPIER_ADDRESS}/${PARTY.lanPrefix}`);
    await party.startClient(other, "--address", `${OTHER_ADDRESS}/${PARTY.lanPrefix}`);
    await party.relay.run([
      ...["tc", "qdisc", "add", "dev", "pl0", "root", "tbf"],
      ...["rate", `${PATH_BITS_PER_SECOND}bit`, ...PATH_QUEUE],
    ]);
    await ping(other); // what is new to the programs is compiled now
    await ping(copier);
    const idle = { other: await ping(other), copier: await ping(copier) };
    const { seen, megabits } = await copyWhile(party, copier, async () => {
      const [fromOther, fromCopier] = await Promise.all([ping(other), ping(copier)]);
      return { other: fromOther, copier: fromCopier };
    });
    return rowsOf(idle, seen, megabits);
  } finally {
    await party.close();
  }
}

/** Copies from the LAN to a player meanwhile; what was seen, and how fast the copy was. */
async function copyWhile<T>(
  party: Party,
  copier: Namespace,
  look: () => Promise<T>,
): Promise<{ seen: T; megabits: number }> {
  const server = party.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
  await server.waitForLine(/listening/i);
  const copy = copier.run([
    ...["iperf3", "--client", PARTY.lanAddress, "--json", "--reverse"],
    ...["--time", `${COPY_SECONDS}`],
  ], { anyCode: true });
  await new Promise((resolve) => setTimeout(resolve, COPY_START_MS));
  const seen = await look();
  const { stdout } = await copy;
  await server.stop();
  const { error, megabitsPerSecond } = readIperf(stdout);
  if (error !== undefined) throw new Error(`the copy failed: ${error}`);
  return { seen, megabits: megabitsPerSecond };
}

/** Round trips to the LAN in ms. */
async function ping(from: Namespace): Promise<number[]> {
  const { stdout } = await from.run(
    ["ping", "-c", `${PINGS}`, "-i", `${INTERVAL_SECONDS}`, "-W", "1", PARTY.lanAddress],
    { anyCode: true },
  );
  return [...stdout.matchAll(/ time=([0-9.]+) ms/g)].map((match) => Number(match[1]));
}

interface Pings {
  readonly other: number[];
  readonly copier: number[];
}

function rowsOf(idle: Pings, busy: Pings, megabits: number): BenchRow[] {
  const row = (who: keyof Pings, name: string, extraMaxMs: number): BenchRow => {
    const figure = median(busy[who]);
    const peer = median(idle[who]);
    const p99 = percentile(busy[who], 0.99);
    const lost = PINGS - busy[who].length;
    return {
      name: `${name} (p99 ${p99.toFixed(1)} ms, ${lost} lost)`,
      figure: `${figure.toFixed(2)} ms`,
      peer: `${peer.toFixed(2)} ms (no copy)`,
      ratio: `${figure < peer ? "−" : "+"}${Math.abs(figure - peer).toFixed(2)} ms`,
      goal: `≤ +${extraMaxMs.toFixed(0)} ms`,
      ok: figure - peer <= extraMaxMs,
    };
  };
  const rate = PATH_BITS_PER_SECOND / 1e6;
  return [
    row("other", "ping of another player during a copy, median", OTHER_EXTRA_MAX_MS),
    row("copier", "ping of the copier itself, median", SOJOURN_MAX_MS + PATH_QUEUE_MS),
    {
      name: `the copy, TCP over a path of ${rate} Mbit/s`,
      figure: `${megabits.toFixed(1)} Mbit/s`,
      peer: `${rate} Mbit/s`,
      ratio: `${(megabits / rate).toFixed(2)}×`,
    },
  ];
}
