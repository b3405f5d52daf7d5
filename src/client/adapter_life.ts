/**
 * What becomes of the network adapter: it is opened for the first room, follows the room's MTU, and is waited for
 * when somebody disables it or pulls it out.
 *
 * ```
 *  none ──MTU──► open ──gone──► lost ──opened again──► open
 *                                └── tried every 500 ms, given up after 10 minutes
 * ```
 *
 * @module
 */

/** How often an adapter that is gone is tried, ms. */
export const REOPEN_INTERVAL_MS = 500;
/** How long an adapter that is gone is tried, ms. */
export const REOPEN_MAX_MS = 10 * 60_000;

/** An adapter that is gone and waited for. */
interface LostAdapter {
  readonly name: string;
  readonly sinceMs: number;
  /** The MTU that it is to have. */
  readonly mtu: number;
}

/** See the module. */
export class AdapterLife {
  #isOpen = false;
  #lost: LostAdapter | undefined;
  #dueMs = Infinity;

  /** The room has this MTU: the adapter is to be opened with it, or changed; `later`: it is away. */
  handleMtu(mtu: number): "open" | "change" | "later" {
    if (this.#lost !== undefined) {
      this.#lost = { ...this.#lost, mtu };
      return "later";
    }
    return this.#isOpen ? "change" : "open";
  }

  /** It is open; returns its name if it was lost and is back. */
  handleOpened(): string | undefined {
    const name = this.#lost?.name;
    this.#isOpen = true;
    this.#lost = undefined;
    this.#dueMs = Infinity;
    return name;
  }

  /** It was disabled, or pulled out: it may come back. */
  handleLost(name: string, mtu: number, nowMs: number): void {
    this.#isOpen = false;
    this.#lost = { name, mtu, sinceMs: nowMs };
    this.#dueMs = nowMs + REOPEN_INTERVAL_MS;
  }

  /** When {@linkcode takeAttempt} has something, ms. */
  nextDeadlineMs(): number {
    return this.#dueMs;
  }

  /** The MTU with which it is to be tried now; undefined: not now. */
  takeAttempt(nowMs: number): number | undefined {
    if (this.#lost === undefined || nowMs < this.#dueMs) return undefined;
    this.#dueMs = nowMs + REOPEN_INTERVAL_MS;
    return this.#lost.mtu;
  }

  /** Whether an attempt that has failed may be followed by another. */
  mayFail(nowMs: number): boolean {
    return this.#lost !== undefined && nowMs - this.#lost.sinceMs < REOPEN_MAX_MS;
  }
}
