/**
 * What one datagram of a connection carries: when that is known well enough for a hello, and when the relay is
 * told that it has changed.
 *
 * @module
 */
import { MtuSettler } from "../proto/mtu.ts";

/** A path that is being searched grows in steps: so long after the first one its relay is told, ms. */
export const BUDGET_REPORT_DELAY_MS = 100;
/** Reports follow each other no faster, ms. */
export const BUDGET_REPORT_INTERVAL_MS = 1_000;

/** The budget of one connection after the other. */
export class PathBudget {
  /** When there is something to do, ms: the path has settled, or a report is due. Infinity: nothing. */
  dueMs = Infinity;
  /** Round trip time of the connection in ms; 0 while unknown. */
  rttMs = 0;
  readonly #capBytes: number;
  #maximumBytes = 0;
  #settler: MtuSettler | undefined;
  #reports = false;
  #toldBytes = 0;
  #toldMs = -Infinity;

  /** @param capBytes a user's own bound */
  constructor(capBytes = Infinity) {
    this.#capBytes = capBytes;
  }

  /** Bytes that one datagram may have: what the connection carries, under the budget's cap. */
  get bytes(): number {
    return Math.min(this.#maximumBytes, this.#capBytes);
  }

  /** There is no connection. */
  reset(): void {
    this.end();
    this.#maximumBytes = 0;
    this.rttMs = 0;
  }

  /** A connection's handshake is done. */
  begin(bytes: number, nowMs: number): void {
    this.#settler = new MtuSettler(nowMs);
    this.handleMaximum(bytes, nowMs);
  }

  /** The connection's largest datagram has changed. */
  handleMaximum(bytes: number, nowMs: number): void {
    this.#maximumBytes = bytes;
    this.#settler?.handleMaximum(bytes, nowMs);
    this.#schedule(nowMs);
  }

  /** A new measurement of the round trip time. */
  handleRtt(rttMs: number): void {
    this.rttMs = rttMs;
    this.#settler?.handleRtt(rttMs);
    if (this.#settler !== undefined) this.dueMs = this.#settler.deadlineMs();
  }

  /** The relay is told the budget now: by the hello, or by a report. */
  tell(nowMs: number): number {
    this.#settler = undefined;
    this.#toldBytes = this.bytes;
    this.#toldMs = nowMs;
    this.dueMs = Infinity;
    return this.#toldBytes;
  }

  /** From now on the relay takes reports. */
  report(nowMs: number): void {
    this.#reports = true;
    this.#schedule(nowMs);
  }

  /** The relay is told nothing more. */
  end(): void {
    this.#reports = false;
    this.#settler = undefined;
    this.dueMs = Infinity;
  }

  #schedule(nowMs: number): void {
    if (this.#settler !== undefined) this.dueMs = this.#settler.deadlineMs();
    //= PROTOCOL.md 6.9
    //# An endpoint sends it when its budget is no longer the one that it has told last, at most once
    //# a second.
    else if (!this.#reports || this.bytes === this.#toldBytes) this.dueMs = Infinity;
    else if (this.dueMs === Infinity) {
      const delayedMs = nowMs + BUDGET_REPORT_DELAY_MS;
      this.dueMs = Math.max(delayedMs, this.#toldMs + BUDGET_REPORT_INTERVAL_MS);
    }
  }
}
