/**
 * Looks whether datagrams were lost because they were not read in time, and says so.
 *
 * @module
 */
import { type Logger, logText } from "../../log/logging.ts";
import { type LostDatagrams, ReceiveBufferWatch } from "../../observe/receive_buffer.ts";
import { sentenceLine } from "../../observe/sentences.ts";
import type { Task } from "../../reactor/mod.ts";
import { grantedReceiveBytes, lostDatagrams } from "../../system/udp/mod.ts";

const LOOK_INTERVAL_MS = 10_000;

/** See the module. */
export class ReceiveBufferTask implements Task {
  readonly #watch = new ReceiveBufferWatch(grantedReceiveBytes());
  readonly #logger: Logger;
  #dueMs: number;

  constructor(logger: Logger, nowMs: number) {
    this.#logger = logger;
    this.#dueMs = nowMs + LOOK_INTERVAL_MS;
  }

  /** What was lost so far. */
  get lost(): LostDatagrams {
    return this.#watch.lost;
  }

  work(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + LOOK_INTERVAL_MS;
    const finding = this.#watch.handleLosses(lostDatagrams());
    if (finding !== undefined) {
      logText(this.#logger, "warning", sentenceLine(finding), { event: finding.key });
    }
    return false;
  }

  nextDeadlineMs(): number {
    return this.#dueMs;
  }
}
