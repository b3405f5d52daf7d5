/**
 * The stats message that an endpoint sends: totals since its session began.
 *
 * @module
 */

import type { Stats } from "../control/messages.ts";
import type { TrafficSnapshot } from "../observe/counters.ts";
import { DROP_REASONS } from "../observe/drops.ts";
import type { StatisticsSource } from "./actions.ts";

/** Both sides send stats this often. */
export const STATS_INTERVAL_MS = 10_000;

/** Subtracts what the program's counters said when the session began, and knows when stats are due. */
export class SessionStats {
  #atBegin: TrafficSnapshot | undefined;
  #beganMs = 0;
  /** When the next message is due. */
  dueMs = Infinity;

  /** A session begins with these totals. */
  begin(traffic: TrafficSnapshot | undefined, nowMs: number): void {
    this.#atBegin = traffic;
    this.#beganMs = nowMs;
    this.dueMs = nowMs + STATS_INTERVAL_MS;
  }

  /** The message for now; the next is due an interval later, and missed ones are left out. */
  message(source: StatisticsSource | undefined, rttMs: number, nowMs: number): Stats {
    this.dueMs = Math.max(this.dueMs + STATS_INTERVAL_MS, nowMs + STATS_INTERVAL_MS / 2);
    const now = source?.traffic ?? NO_TRAFFIC;
    const begin = this.#atBegin ?? NO_TRAFFIC;
    return {
      type: "stats",
      framesSent: now.framesSent - begin.framesSent,
      framesReceived: now.framesReceived - begin.framesReceived,
      bytesSent: now.bytesSent - begin.bytesSent,
      bytesReceived: now.bytesReceived - begin.bytesReceived,
      datagramsSent: now.datagramsSent - begin.datagramsSent,
      datagramsReceived: now.datagramsReceived - begin.datagramsReceived,
      framesSplit: now.framesSplit - begin.framesSplit,
      framesReassembled: now.framesReassembled - begin.framesReassembled,
      drops: subtractDrops(now.drops, begin.drops),
      rttUs: Math.round(rttMs * 1000),
      uptimeMs: Math.round(nowMs - this.#beganMs),
      ...(source?.diagnostics === undefined ? {} : { diagnostics: source.diagnostics }),
    };
  }
}

const NO_TRAFFIC: TrafficSnapshot = {
  framesSent: 0,
  framesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  datagramsSent: 0,
  datagramsReceived: 0,
  framesSplit: 0,
  framesReassembled: 0,
  drops: {},
};

/** Reasons that did not occur in the session are left out. */
function subtractDrops(
  now: TrafficSnapshot["drops"],
  begin: TrafficSnapshot["drops"],
): Record<string, number> {
  const drops: Record<string, number> = {};
  for (const reason of DROP_REASONS) {
    const since = (now[reason] ?? 0) - (begin[reason] ?? 0);
    if (since > 0) drops[reason] = since;
  }
  return drops;
}
