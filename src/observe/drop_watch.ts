/**
 * Says what drops mean when they happen, not to who asks alone: each once in a while, however many there are.
 *
 * @module
 */

import {
  type Counts,
  type DropCounter,
  type DropCounts,
  type DropFinding,
  dropFindings,
  type DropSentence,
} from "./drop_findings.ts";
import type { DropReason } from "./drops.ts";

/** Drops within this time count together. */
export const DROP_WINDOW_MS = 10_000;
/** How long the same is not said again. */
export const DROP_SAID_AGAIN_MS = 600_000;

/** How far back {@linkcode DropWatch.lately} looks. */
export const DROPS_LATELY_MS = 600_000;

/** People are told what drops mean. */
export interface DropsEvent {
  readonly type: "drops";
  readonly finding: DropFinding;
}

/** Whether an event is of this kind. */
export function isDropsEvent(event: { readonly type: string }): event is DropsEvent {
  return event.type === "drops";
}

/** What was counted in the last minutes. */
export interface LateCounts extends Counts {
  /** In this time. */
  readonly forMs: number;
}

/** See the module. */
export class DropWatch {
  readonly #counter: DropCounter;
  /** The totals of the last minutes, the oldest first. */
  readonly #history: { readonly counts: Counts; readonly atMs: number }[] = [];
  #before: DropCounts = {};
  #framesSentBefore = 0;
  #dueMs = -Infinity;
  readonly #saidMs = new Map<DropSentence, number>();
  readonly #found = new Map<
    DropSentence,
    { readonly finding: DropFinding; readonly atMs: number }
  >();

  constructor(counter: DropCounter) {
    this.#counter = counter;
  }

  /** The totals now, which are looked at each {@linkcode DROP_WINDOW_MS}. @returns what is to be said */
  handleCounts({ drops, framesSent }: Counts, nowMs: number): DropsEvent[] {
    if (nowMs < this.#dueMs) return [];
    this.#dueMs = nowMs + DROP_WINDOW_MS;
    const news = newDrops(drops, this.#before);
    this.#before = { ...drops };
    // Before the first look there was nothing.
    if (this.#history.length === 0) {
      this.#history.push({ counts: { drops: {}, framesSent: 0 }, atMs: nowMs });
    }
    this.#history.push({ counts: { drops: this.#before, framesSent }, atMs: nowMs });
    while (nowMs - this.#history[0].atMs > DROPS_LATELY_MS) this.#history.shift();
    const findings = dropFindings(this.#counter, news, framesSent - this.#framesSentBefore);
    this.#framesSentBefore = framesSent;
    for (const finding of findings) this.#found.set(finding.key, { finding, atMs: nowMs });
    return findings
      .filter(({ key }) => nowMs >= (this.#saidMs.get(key) ?? -Infinity) + DROP_SAID_AGAIN_MS)
      .map((finding) => {
        this.#saidMs.set(finding.key, nowMs);
        return { type: "drops", finding };
      });
  }

  /** What was counted in the last {@linkcode DROPS_LATELY_MS}, or since the start, by the totals now. */
  lately({ drops, framesSent }: Counts, nowMs: number): LateCounts {
    const before = this.#history.find(({ atMs }) => nowMs - atMs <= DROPS_LATELY_MS);
    if (before === undefined) return { drops, framesSent, forMs: 0 };
    return {
      drops: newDrops(drops, before.counts.drops),
      framesSent: framesSent - before.counts.framesSent,
      forMs: nowMs - before.atMs,
    };
  }

  /** What was found of late: each as it was last, for {@linkcode DROP_SAID_AGAIN_MS}. */
  recent(nowMs: number): DropFinding[] {
    return [...this.#found.values()].filter(({ atMs }) => nowMs < atMs + DROP_SAID_AGAIN_MS)
      .map(({ finding }) => finding);
  }
}

function newDrops(now: DropCounts, before: DropCounts): DropCounts {
  const news: Partial<Record<DropReason, number>> = {};
  for (const [reason, count = 0] of Object.entries(now)) {
    news[reason as DropReason] = count - (before[reason] ?? 0);
  }
  return news;
}
