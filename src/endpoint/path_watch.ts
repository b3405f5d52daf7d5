/**
 * Whether the relay is still heard of: a path that has died in a session is noticed by its silence, long before the
 * transport gives it up (15 s), so that another one can be tried meanwhile.
 *
 * @module
 */

/** How long after a packet of ours nothing need come back: longer than a Wi-Fi needs to change its access point. */
export const SILENCE_MAX_MS = 2_000;

/** See the module. */
export class PathWatch {
  #received = 0;
  #sent = 0;
  /** When the first packet was sent since something was heard. */
  #askedMs: number | undefined;

  /** Another connection: its counts begin anew. */
  reset(): void {
    this.#received = 0;
    this.#sent = 0;
    this.#askedMs = undefined;
  }

  /**
   * What the connection has received and sent so far, in any unit.
   *
   * @returns whether it has been silent for too long
   */
  look(received: number, sent: number, nowMs: number): boolean {
    if (received !== this.#received) this.#askedMs = undefined;
    else if (sent !== this.#sent) this.#askedMs ??= nowMs;
    this.#received = received;
    this.#sent = sent;
    return this.#askedMs !== undefined && nowMs - this.#askedMs >= SILENCE_MAX_MS;
  }
}
