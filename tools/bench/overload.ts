/** What becomes of frames when senders offer twice what can be carried: delivery and delay. */
import type { NetworkLab } from "../lab/netns.ts";
import { SOJOURN_MAX_MS } from "../../src/queue/fair_queue.ts";
import type { LoadReport } from "./load.ts";
import { runLoad, startOurRelay } from "./relays.ts";
import { type BenchRow, grouped } from "./table.ts";

const SENDERS = 2;
const FRAME_BYTES = 1200;
const WARM_UP_MS = 1_500;
const DURATION_MS = 4_000;
/** The narrow path towards the sink, and what the kernel may hold in front of it. */
const PATH_BITS_PER_SECOND = 100e6;
const PATH_BURST = "32kb";
const PATH_LIMIT = "64kb";
/** What the transport, its sockets and the path may hold, besides the queue in front of them. */
const BELOW_MAX_MS = 10;
/** What is to arrive over a narrow path that is offered twice its capacity. */
const NARROW_DELIVERY_MIN = 0.8;
/** IPv4, UDP, QUIC packet and DATAGRAM frame, our header: what 1200 bytes need on the path, about. */
const OVERHEAD_BYTES = 14 + 28 + 32 + 4;
const SENDERS_HOST = "10.98.1.1";
const SINK_HOST = "10.98.2.1";

/** Senders offer twice what the relay delivers when nothing is lost. */
export async function measureBusyRelay(
  lab: NetworkLab,
  stateDir: string,
  framesPerSecond: number,
): Promise<BenchRow[]> {
  const relay = await startOurRelay(lab, stateDir);
  const offered = 2 * framesPerSecond;
  const [report] = await runLoad(relay, { senders: SENDERS, windows: [windowOf(offered)] });
  await relay.process.stop();
  return rowsOf("busy relay", report, framesPerSecond);
}

/**
 * Senders offer twice what the sink's path carries:
 *
 * ```
 *   ends                                   relay
 *  ┌────────────────────┐                 ┌───────────────────┐
 *  │ senders  10.98.1.2 ┼─────────────────┼ 10.98.1.1         │
 *  │ sink     10.98.2.2 ┼─────────────────┼ 10.98.2.1 (tbf)   │
 *  └────────────────────┘                 └───────────────────┘
 * ```
 */
export async function measureNarrowPath(lab: NetworkLab, stateDir: string): Promise<BenchRow[]> {
  const ends = await lab.namespace("ends");
  const relaySide = await lab.namespace("narrow", { forwarding: false });
  for (const [number, host] of [[1, SENDERS_HOST], [2, SINK_HOST]] as const) {
    await lab.veth(
      { namespace: ends, name: `end${number}`, addresses: [`10.98.${number}.2/24`] },
      { namespace: relaySide, name: `leg${number}`, addresses: [`${host}/24`] },
    );
  }
  await relaySide.run([
    ...["tc", "qdisc", "add", "dev", "leg2", "root", "tbf", "rate", `${PATH_BITS_PER_SECOND}bit`],
    ...["burst", PATH_BURST, "limit", PATH_LIMIT],
  ]);
  const relay = await startOurRelay(lab, stateDir, { namespace: relaySide.fullName });
  const carried = PATH_BITS_PER_SECOND / 8 / (FRAME_BYTES + OVERHEAD_BYTES);
  const [report] = await runLoad(relay, {
    senders: SENDERS,
    host: SENDERS_HOST,
    sinkHost: SINK_HOST,
    namespace: ends.fullName,
    windows: [windowOf(2 * carried)],
  });
  await relay.process.stop();
  return rowsOf("narrow path", report, carried, NARROW_DELIVERY_MIN);
}

function windowOf(framesPerSecond: number) {
  return {
    frameBytes: FRAME_BYTES,
    inFlightMax: 0,
    framesPerSecond,
    warmUpMs: WARM_UP_MS,
    durationMs: DURATION_MS,
    framesMax: 0,
  };
}

function rowsOf(
  name: string,
  report: LoadReport,
  capacity: number,
  deliveryMin?: number,
): BenchRow[] {
  const delivered = report.delivered / report.seconds;
  const delivery = delivered / capacity;
  const offered = report.offered / report.seconds;
  return [
    {
      name: `${name}, twice its load: delivered a second`,
      figure: grouped(delivered),
      peer: `${grouped(capacity)} (capacity)`,
      ratio: `${delivery.toFixed(2)}×`,
      ...(deliveryMin === undefined
        ? {}
        : { goal: `≥ ${deliveryMin}×`, ok: delivery >= deliveryMin }),
    },
    {
      name: `${name}: offered a second, delay from offer to sink`,
      figure: grouped(offered),
      peer: `p50 ${report.delayP50Ms.toFixed(1)} ms`,
      ratio: `p99 ${report.delayP99Ms.toFixed(1)} ms`,
    },
    {
      name: `${name}: longest wait in a sender's queue`,
      figure: `${report.senderQueueMaxMs.toFixed(1)} ms`,
      goal: `≤ ${SOJOURN_MAX_MS} ms`,
      ok: report.senderQueueMaxMs <= SOJOURN_MAX_MS,
    },
    {
      name: `${name}: p99 from a sender's queue to the sink`,
      figure: `${report.transitP99Ms.toFixed(1)} ms`,
      peer: `p50 ${report.transitP50Ms.toFixed(1)} ms`,
      goal: `≤ ${SOJOURN_MAX_MS} + ${BELOW_MAX_MS} ms`,
      ok: report.transitP99Ms <= SOJOURN_MAX_MS + BELOW_MAX_MS,
    },
  ];
}
